"""Slow wander of a speed, below what the residue of flutter holds: its bands, and a delay that has them.

A pass of length T tells its spectrum from 4/T on, by a multitaper estimate over the whole of it: the tapers are +-2/T wide, and the
parabola that was taken off as mean speed and drift held most of what lies below 2/T. From 4/T on the estimate is within 0.1 dB of a
white spectrum, 0.3 dB of one that falls by 3 dB an octave, and 1 dB of one that falls by 6 dB.

Below :data:`LOWEST_HZ` nothing is made. A deviation v moves the delay by v / (2 pi f), and whoever reads a sound at moments that
wander has to wait as long: a steeper spectrum would double that with every octave, for a drift that no weighting hears.

References
----------
D. J. Thomson, "Spectrum estimation and harmonic analysis", Proc. IEEE 70 (1982) 1055.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.fft import rfft
from scipy.signal.windows import dpss

from modeling.generators.shaped import TAPS, Key, Shaped

LOWEST_HZ, HIGHEST_HZ = 0.05, 0.3
BANDS = 8
"""Three to the octave."""
WANDER_HZ = 50
"""A cubic through points so far apart follows 0.3 Hz to a part in ten million."""
JOINT_HZ = 0.36
"""From here on the filter of a residue has the power that it should: its edges are 0.06 Hz wide, its length being 16 s."""
LEAST_PERIODS = 4.0
HALF_WIDTH, TAPERS = 2.0, 3
"""Half the width of the tapers in units of 1/T, and their number."""


@dataclass(frozen=True)
class Wander:
    """Power of slow wander.

    Attributes
    ----------
    edges_hz : ndarray, shape (bands + 1,)
        Edges of its bands; none where nothing was told.
    variance : ndarray, shape (bands,)
        Variance of the speed deviation in each.
    """

    edges_hz: np.ndarray
    variance: np.ndarray

    @classmethod
    def none(cls) -> Self:
        """No wander."""
        return cls(np.zeros(0), np.zeros(0))

    @classmethod
    def fit(cls, speeds: Sequence[np.ndarray], rate_hz: float) -> Self:
        """Mean power of some passes, in every band of those that are long enough to tell it.

        Parameters
        ----------
        speeds : sequence of ndarray, shape (samples,)
            Deviation of speed without mean, drift and lines.
        rate_hz : float
            A multiple of :data:`WANDER_HZ`.
        """
        edges = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** (np.arange(BANDS + 1) / BANDS)
        told, total = np.zeros(BANDS), np.zeros(BANDS)
        for speed in speeds:
            inside = edges[:-1] >= lowest_hz(speed.size / rate_hz)
            told += inside
            if inside.any():
                total += inside * _variances(speed, rate_hz, edges)
        if not told.any():
            return cls.none()
        return cls(edges, total / np.maximum(told, 1.0))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Inverse of :meth:`to_arrays`; a model may be older than wander."""
        return cls(arrays["edges_hz"], arrays["variance"]) if arrays else cls.none()

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name; none where nothing was told."""
        return {"edges_hz": self.edges_hz, "variance": self.variance} if self.edges_hz.size else {}

    def beside(self, edges_hz: np.ndarray, variance: np.ndarray, made: Shaped, rate_hz: int) -> Shaped | None:
        """Noise of the delay, at :data:`WANDER_HZ`, that is to be added to that of a residue; None where that lacks nothing.

        Some of a residue lies below its bands, and some is missing in the lowest of them.

        Parameters
        ----------
        edges_hz : ndarray, shape (bands + 1,)
            Of the residue.
        variance : ndarray, shape (bands,)
            Of the speed deviation in each of its bands.
        made : Shaped
            Its noise of the delay.
        rate_hz : int
            Rate of that, a multiple of :data:`WANDER_HZ`.
        """
        if not self.edges_hz.size:
            return None
        frequency = np.fft.rfftfreq(TAPS, 1.0 / WANDER_HZ)
        joint = (frequency >= HIGHEST_HZ) & (frequency < JOINT_HZ)
        wanted = delay_density(self.edges_hz, self.variance, WANDER_HZ)
        wanted[joint] = delay_density(edges_hz, variance, WANDER_HZ)[joint]
        there = made.power(TAPS * (rate_hz // WANDER_HZ))[: frequency.size] * 2.0 / rate_hz
        density = np.maximum(wanted - there, 0.0)
        return Shaped.of_density(density, WANDER_HZ) if density.any() else None


def lowest_hz(length_s: float) -> float:
    """Lowest frequency that a pass of this length tells."""
    return max(LOWEST_HZ, LEAST_PERIODS / length_s)


def delay_density(edges_hz: np.ndarray, variance: np.ndarray, rate_hz: float) -> np.ndarray:
    """One-sided power density of a delay, shape (TAPS / 2 + 1,), whose slope has a variance in each band.

    Parameters
    ----------
    edges_hz : ndarray, shape (bands + 1,)
    variance : ndarray, shape (bands,)
    rate_hz : float
        Twice the highest frequency.
    """
    frequency = np.fft.rfftfreq(TAPS, 1.0 / rate_hz)
    step = frequency[1]
    total = np.concatenate([[0.0], np.cumsum(variance)])
    # Of every bin the share between its edges, however narrow the bands.
    share = np.diff(np.interp(np.append(frequency - step / 2.0, frequency[-1] + step / 2.0), edges_hz, total))
    return share / step / (2.0 * np.pi * np.maximum(frequency, step)) ** 2


def at_grid(noise: Shaped, index: np.ndarray, every: int, key: Key) -> np.ndarray:
    """Noise at points of a grid that is so many times finer, joined by cubics, shape (points,).

    Parameters
    ----------
    index : ndarray, shape (points,)
        Of the points, ascending.
    """
    base, part = np.divmod(index, every)
    first = int(base[0]) - 1
    return cubic(noise.read(first, int(base[-1]) + 3, key), base - first, part / every)


def cubic(values: np.ndarray, base: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Lagrange's cubic through the points -1, 0, 1 and 2 from `base`, at the part `u` of the way from 0 to 1."""
    a, b, c, d = (values[base + offset] for offset in (-1, 0, 1, 2))
    return np.asarray(
        -u * (u - 1) * (u - 2) / 6 * a
        + (u + 1) * (u - 1) * (u - 2) / 2 * b
        - (u + 1) * u * (u - 2) / 2 * c
        + (u + 1) * u * (u - 1) / 6 * d
    )


def _variances(speed: np.ndarray, rate_hz: float, edges_hz: np.ndarray) -> np.ndarray:
    """Variance between edges, of the means over 1/WANDER_HZ: what they fold down to 0.3 Hz they hold at -44 dB or less."""
    every = round(rate_hz / WANDER_HZ)
    means = speed[: speed.size // every * every].reshape(-1, every).mean(axis=1)
    tapered = rfft(means * dpss(means.size, HALF_WIDTH, TAPERS), axis=1)
    density = 2.0 / WANDER_HZ * np.mean(np.abs(tapered) ** 2, axis=0)
    step = WANDER_HZ / means.size
    total = np.concatenate([[0.0], np.cumsum(density)]) * step
    bounds = (np.arange(total.size) - 0.5) * step
    return np.diff(np.interp(edges_hz, bounds, total))
