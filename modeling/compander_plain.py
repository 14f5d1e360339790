"""Takes without dbx as what lies between the halves of a compander: there the tape does what it does without them.

They tell more of it than takes with dbx do: more music, at more levels, and sweeps. And they tell it plainly: what the electronics
behind a decoder add is not of the tape, but where the decoder is taken off it goes through an encoder, in soft passages up by tens
of dB. Two things in them are not what lies between: the bend of the amplifiers outside, known from the tones with dbx, and a
constant delay of the time base, which is another where an emphasis is heard. Both are taken off.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

from analysis.dewarp import interpolate
from modeling.compander import CompandedCore, Companding
from modeling.compander_fit import quiet_stretches
from modeling.cores.core import Material, Run
from modeling.cores.linear import LinearCore
from modeling.pairs import Pair, select

MOST_SAMPLES, WITHIN = 20, 2.0
"""How far it is looked for, and how far from the peak of a correlation it may be."""
MOST_GAIN = 1.0
"""Natural logarithm."""
CLOSE = 1e-4
MOST_TRIES = 8


def between_halves(
    plain: Sequence[Pair], companding: Companding, pairs: Sequence[Pair], reference_dbfs: float
) -> list[Pair]:
    """Pairs without dbx as a core between the halves is to learn from them.

    Parameters
    ----------
    plain : sequence of Pair
        Made without dbx.
    companding : Companding
    pairs : sequence of Pair
        Made with its halves in, on the same track.
    """
    unbent = [companding.unbent(pair, reference_dbfs) for pair in plain]
    late = _late_samples(unbent, companding, pairs, reference_dbfs)
    return [_later(pair, late) for pair in unbent]


def _late_samples(plain: Sequence[Pair], companding: Companding, pairs: Sequence[Pair], reference_dbfs: float) -> float:
    """How much later than on the time base of the others what was sent has to lie, by the linear filter between the halves."""
    core = LinearCore.fit(Material(select(plain, "train"), select(plain, "validation"), reference_dbfs), Run())
    heard = quiet_stretches(select(pairs, "train"))
    taps = np.arange(core.h.size)

    def left(numbers: np.ndarray) -> np.ndarray:
        late, gain = numbers
        moved = LinearCore(np.exp(gain) * interpolate(core.h, taps + late), core.ahead, core.sample_rate, reference_dbfs)
        made = CompandedCore(moved, companding)
        return np.concatenate([(made.process(pair.dry.astype(np.float64)) - pair.wet)[pair.mask] for pair in heard])

    near = _whole_samples(core, [companding.taken_off(pair, reference_dbfs) for pair in heard])
    # The gain is found beside it and left: a filter learnt where the tape is loud gives too little where it is not.
    limits = [near - WITHIN, -MOST_GAIN], [near + WITHIN, MOST_GAIN]
    return float(least_squares(left, [near, 0.0], bounds=limits, xtol=CLOSE, max_nfev=MOST_TRIES).x[0])


def _whole_samples(core: LinearCore, pairs: Sequence[Pair]) -> int:
    """The same in whole samples, by the peak of the correlation: from too far away the error is led to another period of treble."""
    total = np.zeros(2 * MOST_SAMPLES + 1)
    for pair in pairs:
        made = np.pad(core.process(pair.dry.astype(np.float64)), MOST_SAMPLES)
        total += np.correlate(made, np.where(pair.mask, pair.wet, 0.0), mode="valid")
    return int(np.argmax(total)) - MOST_SAMPLES


def _later(pair: Pair, samples: float) -> Pair:
    """What was sent so many samples later."""
    unwarped = pair.unwarped
    if unwarped is not None:
        unwarped = replace(unwarped, positions=unwarped.positions - samples)
    dry = interpolate(pair.dry, np.arange(pair.samples) - samples).astype(np.float32)
    return replace(pair, dry=dry, unwarped=unwarped, origin=None)
