"""The default core: a generalised Hammerstein model, solved instead of trained.

``y = h * sum_k g_k * phi_k(x)``: static curves phi_k of the signal and of its treble-emphasised copy, each through a short
filter g_k, all through one long filter h. A tape recorder is saturation between emphasis and losses, and that is what this
form holds. How it is solved stands in :mod:`modeling.cores.ladder`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numba
import numpy as np
from scipy.signal import bilinear, firwin, lfilter, resample_poly

from modeling.cores.core import FiniteMemory, Material, Run, Setting, input_scale
from modeling.cores.linear import convolve_valid

BASS_HZ = 50.0
"""Where a cassette recorder begins to lift the bass: 3180 us (IEC 60094-1)."""
SETTLING_S = 0.16
"""After this the lift has settled to 1e-6 or better for a floor of 14 Hz and above."""

GAINS = (1, 2, 4)
CURVES = 1 + len(GAINS) + 2
ODD = tuple(range(1 + len(GAINS)))


def curves(p: np.ndarray, limit: float) -> np.ndarray:
    """Static curves of a signal, shape ``(n,)`` to ``(CURVES, n)``.

    In order: p; p - tanh(g p)/g for g = 1, 2, 4; p^2; p tanh(3 p) - p^2. The last two are even, and the model makes second
    harmonics of them alone. Beyond `limit`, the largest level that was learnt from, each goes on along its tangent.
    """
    inside = np.clip(p, -limit, limit)
    beyond = p - inside
    one = np.tanh(inside)
    two = 2.0 * one / (1.0 + one * one)  # tanh(2p) from tanh(p), and so on
    three = (one + two) / (1.0 + one * two)
    four = 2.0 * two / (1.0 + two * two)
    out = np.empty((CURVES, p.size))
    out[0] = p
    for row, (gain, bent) in enumerate(zip(GAINS, (one, two, four), strict=True), start=1):
        out[row] = inside - bent / gain
    out[-2] = inside * inside
    out[-1] = inside * three - out[-2]
    if beyond.any():
        for row, gain in enumerate(GAINS, start=1):
            out[row] += np.tanh(gain * limit) ** 2 * beyond
        edge = np.tanh(3.0 * limit)
        out[-2] += 2.0 * limit * np.abs(beyond)
        out[-1] += (edge + 3.0 * limit * (1.0 - edge**2) - 2.0 * limit) * np.abs(beyond)
    return out


HALF_BAND = firwin(27, 0.5, window=("kaiser", 5.0))


@dataclass(frozen=True)
class Emphasis:
    """What a record amplifier does before the tape bends the signal.

    Attributes
    ----------
    bass_floor_hz : float
        The bass is lifted below BASS_HZ down to this frequency; BASS_HZ itself means no lift.
    zero_hz, pole_hz : float
        The treble is lifted from the one to the other, in the emphasised copy alone.
    """

    bass_floor_hz: float
    zero_hz: float
    pole_hz: float


class Basis:
    """The curves of a signal and of its emphasised copy, made at twice the rate.

    The tape does not fold what it makes above half the sample rate back into the audible band; without the higher rate the
    model would, and the folded products were most of its error on loud treble.

    Attributes
    ----------
    before_samples, after_samples : int
        Input needed around the samples that are asked for.
    emphasis : Emphasis
    limits : tuple of float
        Largest level learnt from, of the signal and of its emphasised copy, on the scale of the curves.
    rows : ndarray of int or None
        Which curves to make; None for all.
    """

    after_samples = 32

    def __init__(self, sample_rate: int, reference_dbfs: float, emphasis: Emphasis, limits: tuple[float, float]) -> None:
        self.emphasis = emphasis
        self.limits = limits
        self.before_samples = round(SETTLING_S * sample_rate)
        self.rows: np.ndarray | None = None
        self._scale = input_scale(reference_dbfs)
        self._factor = 2 if sample_rate < 80000 else 1
        w = 2.0 * np.pi
        self._bass = bilinear([1.0, w * BASS_HZ], [1.0, w * emphasis.bass_floor_hz], sample_rate)
        rate = self._factor * sample_rate
        # Above 0.45 of the rate the bilinear transform makes no shelf.
        zero, pole = (2.0 * rate * np.tan(np.pi * min(f / rate, 0.45)) for f in (emphasis.zero_hz, emphasis.pole_hz))
        self._treble = bilinear([1.0 / zero, 1.0], [1.0 / pole, 1.0], rate)

    def branches(self, x: np.ndarray) -> np.ndarray:
        """`x` on the scale of the curves, and the same with its treble lifted, shape ``(2, factor * n)``."""
        signal = self._scale * x
        if self.emphasis.bass_floor_hz < BASS_HZ:
            signal = lfilter(*self._bass, signal)
        signal = resample_poly(signal, self._factor, 1)
        return np.stack([signal, lfilter(*self._treble, signal)])

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Curves, shape ``(before + n + after,)`` to ``(2 * CURVES, n)``, or fewer rows if `rows` says so."""
        # A dozen samples around suffice for the decimation; the rest of the context has settled the filters and goes first.
        margin = self.after_samples // 2
        kept = slice(self._factor * (self.before_samples - margin), self._factor * (x.size - margin))
        made = np.concatenate([curves(p[kept], limit) for p, limit in zip(self.branches(x), self.limits, strict=True)])
        if self.rows is not None:
            made = made[self.rows]
        if self._factor == 1:
            return made[:, margin:-margin]
        return _halve(made, 2 * margin, made.shape[1] // 2 - 2 * margin)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _halve(x: np.ndarray, first: int, wanted: int) -> np.ndarray:
    """Every second sample of rows behind a half-band filter, from sample `first` on; shape ``(rows, wanted)``."""
    out = np.empty((x.shape[0], wanted))
    middle = HALF_BAND.size // 2
    for row in range(x.shape[0]):
        for m in range(wanted):
            centre = first + 2 * m
            total = HALF_BAND[middle] * x[row, centre]
            for lag in range(1, middle + 1, 2):  # the even taps of a half-band filter are zero
                total += HALF_BAND[middle + lag] * (x[row, centre - lag] + x[row, centre + lag])
            out[row, m] = total
    return out


class HammersteinCore(FiniteMemory):
    """``h * sum_k g_k * phi_k(x)``.

    Attributes
    ----------
    h : ndarray, shape (taps,)
        Common filter.
    g : ndarray, shape (2 * CURVES, taps)
        Filter of each curve; a row of zeros switches its curve off.
    aheads : tuple of int
        How many taps of h and of each g are look-ahead.
    """

    name: ClassVar[str] = "hammerstein"

    def __init__(
        self,
        h: np.ndarray,
        g: np.ndarray,
        aheads: tuple[int, int],
        sample_rate: int,
        reference_dbfs: float,
        emphasis: Emphasis,
        limits: tuple[float, float],
    ) -> None:
        if (
            h.ndim != 1
            or g.ndim != 2
            or g.shape[0] != 2 * CURVES
            or not (0 <= aheads[0] < h.size and 0 <= aheads[1] < g.shape[1])
        ):
            raise ValueError("h must be a vector, g one filter for each curve, and both hold their look-ahead")
        self.h = h
        self.g = g
        self.aheads = aheads
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self.basis = Basis(sample_rate, reference_dbfs, emphasis, limits)
        used = np.flatnonzero(g.any(axis=1))
        self.basis.rows = used
        self._filters = np.stack([np.convolve(h, g[row]) for row in used])

    @property
    def bends(self) -> bool:
        """Whether any curve but the straight line is in use."""
        return bool(np.delete(self.g, [0, CURVES], axis=0).any())

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks."""
        return sum(self.aheads) + self.basis.after_samples

    @property
    def history_samples(self) -> int:
        """How far into the past the core looks."""
        return self._filters.shape[1] - 1 - sum(self.aheads) + self.basis.before_samples

    def respond(self, x: np.ndarray) -> np.ndarray:
        """Output for the inner part of `x`; see :meth:`FiniteMemory.respond`."""
        return convolve_valid(self.basis(x), self._filters)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {"h": self.h, "g": self.g}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        emphasis = self.basis.emphasis
        return {
            "sample_rate": self.sample_rate,
            "reference_dbfs": self.reference_dbfs,
            "aheads": list(self.aheads),
            "bass_floor_hz": emphasis.bass_floor_hz,
            "zero_hz": emphasis.zero_hz,
            "pole_hz": emphasis.pole_hz,
            "limits": list(self.basis.limits),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        h_ahead, g_ahead = (int(ahead) for ahead in settings["aheads"])
        plain, emphasised = (float(limit) for limit in settings["limits"])
        return cls(
            np.asarray(arrays["h"], dtype=np.float64),
            np.asarray(arrays["g"], dtype=np.float64),
            (h_ahead, g_ahead),
            int(settings["sample_rate"]),
            float(settings["reference_dbfs"]),
            Emphasis(*(float(settings[name]) for name in ("bass_floor_hz", "zero_hz", "pole_hz"))),
            (plain, emphasised),
        )

    @classmethod
    def fit(cls, material: Material, run: Run) -> "HammersteinCore":
        """Climb the rungs; see :mod:`modeling.cores.ladder`."""
        from modeling.cores.ladder import climb

        return climb(material, run)
