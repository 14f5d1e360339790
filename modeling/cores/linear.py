"""The baseline: the linear filter that comes closest, solved in closed form. A model is trained only when it beats it."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

import numpy as np

from modeling.cores.carried import Carried
from modeling.cores.core import Material, Progress, Run, Setting
from modeling.cores.least_squares import Identity, correlate, solve
from modeling.fidelity import esr_of

LENGTH_S = 0.064
"""Longer filters were worse on held-out material: there are too few distinct bass notes to learn more from."""
AHEAD_S = LENGTH_S / 3.0
"""The contour effect of a replay head is symmetric in space: it hears a bass note 4 to 8 ms before that reaches the gap."""
RIDGE = 1e-6


def filter_lengths(sample_rate: int) -> tuple[int, int]:
    """Taps of the filter, and how many of them are look-ahead."""
    return round(LENGTH_S * sample_rate), round(AHEAD_S * sample_rate)


class LinearCore(Carried):
    """A finite impulse response with look-ahead.

    Attributes
    ----------
    h : ndarray, shape (taps,)
        Impulse response; tap `ahead` is the one without delay.
    """

    name: ClassVar[str] = "linear"

    def __init__(self, h: np.ndarray, ahead: int, sample_rate: int, reference_dbfs: float) -> None:
        if h.ndim != 1 or not 0 <= ahead < h.size:
            raise ValueError("h must be a vector and hold its look-ahead")
        self.h = h
        self.filters = h[None]
        self.ahead = ahead
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs

    @property
    def bends(self) -> bool:
        """Never."""
        return False

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks."""
        return self.ahead

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """The filter sees the input; see :meth:`Carried.begin`."""
        return lambda x: x[None]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {"h": self.h}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        return {"ahead": self.ahead, "sample_rate": self.sample_rate, "reference_dbfs": self.reference_dbfs}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        return cls(
            np.asarray(arrays["h"], dtype=np.float64),
            int(settings["ahead"]),
            int(settings["sample_rate"]),
            float(settings["reference_dbfs"]),
        )

    @classmethod
    def fit(cls, material: Material, run: Run) -> Self:
        """Least squares over all training pairs."""
        run.progress(Progress(0.0, None, "solving the linear filter"))
        taps, ahead = filter_lengths(material.sample_rate)
        h = solve(correlate(material.train, Identity(), taps), taps, ahead, RIDGE)[0]
        core = cls(h, ahead, material.sample_rate, material.reference_dbfs)
        run.log({"rung": "linear", "kept": True, "validation_esr": esr_of(core.process, material.validation)})
        return core
