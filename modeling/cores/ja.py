"""The Jiles-Atherton law between linear filters, its few numbers searched for and its filters solved.

``y = h * (g_0 * x + g_1 * m)``: m is the magnetisation that a field makes, and the field is x behind a treble shelf. Six numbers
are not linear in y: the law's drive, pinning, reversible part and coupling, all in units of its shape, and the two corners of
the shelf. For any six, the filters are ridge least squares, so that the search is over six numbers alone (variable projection).
It runs the law itself, of :mod:`modeling.deck.hysteresis`; docs/methods-models.md says how the ways to search compare.

References
----------
D. C. Jiles, D. L. Atherton, "Theory of ferromagnetic hysteresis", J. Magn. Magn. Mater. 61 (1986) 48.
G. Golub, V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems whose variables separate",
SIAM J. Numer. Anal. 10 (1973) 413.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Self

import numpy as np
from scipy.signal import bilinear, firwin, lfilter, upfirdn

from modeling.cores.carried import Carried
from modeling.cores.core import Material, Run, Setting, input_scale
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import JilesAtherton

HALF_TAPS = 8
"""Of the filters to and from the higher rate, in samples of the lower one."""
LATE = 2 * HALF_TAPS
LOWEST_HZ = 10.0
"""A head does not replay what stays magnetised; a high-pass takes it off."""
WARM_UP_S = 0.25


@dataclass(frozen=True)
class Numbers:
    """What is searched for.

    Attributes
    ----------
    drive : float
        Field of a signal of 1 on the inner scale, like all fields in units of the law's shape a.
    pinning, coupling : float
        k and alpha M_s.
    reversible : float
        c.
    zero_hz, pole_hz : float
        Corners of the shelf before the law.
    """

    drive: float
    pinning: float
    reversible: float
    coupling: float
    zero_hz: float
    pole_hz: float

    @property
    def material(self) -> JilesAtherton:
        """The law.

        Raises
        ------
        ValueError
            The numbers are outside what the law can be made of.
        """
        return JilesAtherton(
            shape_ka_m=1.0, pinning_ka_m=self.pinning, reversible=self.reversible, coupling_ka_m=self.coupling
        )


class Magnetised:
    """The input and its magnetisation, the two signals of a least-squares problem."""

    after_samples = LATE

    def __init__(self, numbers: Numbers, sample_rate: int, reference_dbfs: float) -> None:
        self._material = numbers.material
        self.before_samples = round(WARM_UP_S * sample_rate)
        self._factor = 4 if sample_rate < 80000 else 2
        rate = self._factor * sample_rate
        zero, pole = (2.0 * rate * np.tan(np.pi * min(f / rate, 0.45)) for f in (numbers.zero_hz, numbers.pole_hz))
        self._shelf = bilinear([1.0 / zero, 1.0], [1.0 / pole, 1.0], rate)
        self._gain = numbers.drive * input_scale(reference_dbfs)
        self._low_pass = firwin(2 * HALF_TAPS * self._factor + 1, 1.0 / self._factor, window=("kaiser", 5.0))
        self._high_pass = [1.0, -1.0], [1.0, -np.exp(-2.0 * np.pi * LOWEST_HZ / sample_rate)]

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start demagnetised: gives a function from the next samples ``(n,)`` to both signals ``(2, n)``, LATE samples late."""
        factor, low_pass = self._factor, self._low_pass
        law = Hysteresis(self._material, 1, "RK2")
        past, past_m = np.zeros(2 * HALF_TAPS), np.zeros(2 * HALF_TAPS * factor)
        shelf_state, high_pass_state = np.zeros(1), np.zeros(1)

        def advance(block: np.ndarray) -> np.ndarray:
            nonlocal past, past_m, shelf_state, high_pass_state
            n = block.size
            if n == 0:
                return np.zeros((2, 0))
            seen = np.concatenate([past, block])
            past = seen[n:]
            fine = factor * upfirdn(low_pass, seen, up=factor)[LATE * factor : (LATE + n) * factor]
            field, shelf_state = lfilter(*self._shelf, self._gain * fine, zi=shelf_state)
            seen_m = np.concatenate([past_m, law.process(field[None])[0]])
            past_m = seen_m[n * factor :]
            m, high_pass_state = lfilter(
                *self._high_pass, upfirdn(low_pass, seen_m, down=factor)[LATE : LATE + n], zi=high_pass_state
            )
            return np.stack([seen[:n], m])

        return advance

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Both signals after a warm-up from the demagnetised state, shape ``(before + n + after,)`` to ``(2, n)``."""
        return self.begin()(x)[:, self.before_samples + LATE :]


class JaCore(Carried):
    """``h * (g_0 * x + g_1 * m)``.

    Attributes
    ----------
    numbers : Numbers
    filters : ndarray, shape (2, taps)
        h behind g_0 and behind g_1.
    ahead : int
        How many of their taps are look-ahead.
    """

    name: ClassVar[str] = "ja"

    def __init__(self, numbers: Numbers, filters: np.ndarray, ahead: int, sample_rate: int, reference_dbfs: float) -> None:
        if filters.ndim != 2 or filters.shape[0] != 2 or not 0 <= ahead < filters.shape[1]:
            raise ValueError("there must be two filters, and they must hold their look-ahead")
        self.numbers = numbers
        self.filters = filters
        self.ahead = ahead
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self._signals = Magnetised(numbers, sample_rate, reference_dbfs)

    @property
    def bends(self) -> bool:
        """Whether the magnetisation is heard."""
        return bool(self.filters[1].any())

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks."""
        return self.ahead + LATE

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start demagnetised; see :meth:`Carried.begin`."""
        return self._signals.begin()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {"filters": self.filters}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        own: dict[str, Setting] = {
            "ahead": self.ahead,
            "sample_rate": self.sample_rate,
            "reference_dbfs": self.reference_dbfs,
        }
        return {**asdict(self.numbers), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        return cls(
            Numbers(**{field.name: float(settings[field.name]) for field in fields(Numbers)}),
            np.asarray(arrays["filters"], dtype=np.float64),
            int(settings["ahead"]),
            int(settings["sample_rate"]),
            float(settings["reference_dbfs"]),
        )

    @classmethod
    def fit(cls, material: Material, run: Run) -> "JaCore":
        """Search; see :mod:`modeling.cores.ja_search`."""
        from modeling.cores.ja_search import search

        return search(material, run)
