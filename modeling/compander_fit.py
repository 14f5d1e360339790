"""The numbers of a compander that nothing has measured, chosen by what they leave for the tape to explain.

Most of what is wrong with them the core learns, and where both halves are in, one undoes most of the other. What remains of a wrong
time constant or a wrong weighting of the detector is a gain that moves otherwise than the deck's, and no core can follow that. So
those two are sought, by simplex, for which the linear filter between the halves comes closest to what was recorded, on the quieter
stretches of the programme, where the tape bends it least.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize

from modeling.compander import CompandedCore, Companding
from modeling.cores.core import Material, Run
from modeling.cores.linear import LinearCore
from modeling.deck.parameters import Compander
from modeling.fidelity import esr_of
from modeling.losses import EPSILON
from modeling.pairs import AFTER_S, BEFORE_S, Pair

NUMBERS = {"time constant": ("time_constant_s",), "weighting": ("weighting_zero_hz", "weighting_pole_hz")}
"""Fields of each number; those of one move together, by one factor."""
STRETCH_S = 4.0
STRETCHES = 2
STEP = 0.3
CLOSE = 0.02
"""Of the logarithm: the first step, and the last."""
MOST_TRIES = 30
FURTHEST = 3.0
HOLD = 0.5
"""What moves a number by a factor of e has to lower the error by a factor of e^HOLD: a filter that cannot saturate would else give
the saturation of the tape to the compander."""


def fitted(start: Companding, open_numbers: Sequence[str], pairs: Sequence[Pair], reference_dbfs: float) -> Companding:
    """The halves with their open numbers, the same of both, chosen on quieter stretches of the pairs.

    Parameters
    ----------
    open_numbers : sequence of str
        Keys of NUMBERS.
    """
    if not open_numbers:
        return start
    stretches = quiet_stretches(pairs)

    def cost(logarithms: np.ndarray) -> float:
        tried = _moved(start, open_numbers, logarithms)
        inner = [tried.taken_off(pair, reference_dbfs) for pair in stretches]
        core = LinearCore.fit(Material(inner, inner, reference_dbfs), Run())
        left = esr_of(CompandedCore(core, tried).process, stretches)
        return float(np.log(left + EPSILON) + HOLD * logarithms @ logarithms)

    none = np.zeros(len(open_numbers))
    simplex = np.vstack([none, STEP * np.eye(none.size)])
    reach = np.log(FURTHEST)
    settings = {"initial_simplex": simplex, "xatol": CLOSE, "fatol": 1e-3, "maxfev": MOST_TRIES}
    found = minimize(cost, none, method="Nelder-Mead", bounds=[(-reach, reach)] * none.size, options=settings)
    return _moved(start, open_numbers, found.x)


def _moved(start: Companding, numbers: Sequence[str], logarithms: np.ndarray) -> Companding:
    """The start with numbers times a factor each, in both halves alike."""
    factors = {field: np.exp(by) for number, by in zip(numbers, logarithms, strict=True) for field in NUMBERS[number]}

    def moved(half: Compander | None) -> Compander | None:
        return half and half.model_copy(update={field: getattr(half, field) * by for field, by in factors.items()})

    return Companding(encode=moved(start.encode), decode=moved(start.decode))


def quiet_stretches(pairs: Sequence[Pair]) -> list[Pair]:
    """Stretches of programme with their context, from a quarter of the way up in level."""
    found = []
    for pair in [pair for pair in pairs if pair.conditions.get("kind", "music") == "music"] or pairs:
        length, before, after = (round(s * pair.sample_rate) for s in (STRETCH_S, BEFORE_S, AFTER_S))
        for start in range(before, pair.samples - after - length + 1, length):
            part = pair.part(start - before, start + length + after, before, after)
            power = float(np.sum(part.wet[part.mask].astype(np.float64) ** 2))
            if power > 0.0:
                found.append((power, part))
    found.sort(key=lambda stretch: stretch[0])
    first = len(found) // 4
    return [pair for _, pair in found[first : first + STRETCHES]] or list(pairs)
