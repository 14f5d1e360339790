"""Sums of sinusoids: what everything that flutters or wanders is made of, so that every property of it is known."""

from dataclasses import dataclass
from math import factorial

import numba
import numpy as np

TERMS = 11
SINE = tuple((-1.0) ** n / factorial(2 * n + 1) for n in range(TERMS))
COSINE = tuple((-1.0) ** n / factorial(2 * n) for n in range(TERMS))
"""Taylor series in the square of an angle, of sin(x) / x and cos(x); up to a quarter of a turn they end beyond double precision."""


@dataclass(frozen=True)
class Comb:
    """A sum of sinusoids a sin(2 pi f t + phi); arrays of shape ``(lines,)``, amplitudes in seconds."""

    frequency_hz: np.ndarray
    amplitude_s: np.ndarray
    phase: np.ndarray

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Sum at the given times, shape ``(times,)``."""
        return self._sum(self.amplitude_s, 0.0, time_s)

    def slope(self, time_s: np.ndarray) -> np.ndarray:
        """Its derivative: deviation of speed as a plain ratio."""
        return self._sum(2.0 * np.pi * self.frequency_hz * self.amplitude_s, 0.25, time_s)

    def _sum(self, amplitude: np.ndarray, lead: float, time_s: np.ndarray) -> np.ndarray:
        """Of sines that lead by a part of a turn."""
        turns = self.phase / (2.0 * np.pi) + lead
        return _sum_of_sines(self.frequency_hz, amplitude, turns, np.ascontiguousarray(time_s, dtype=np.float64))


def joined(*combs: Comb) -> Comb:
    """Lines of several combs in their order."""
    return Comb(
        np.concatenate([c.frequency_hz for c in combs]),
        np.concatenate([c.amplitude_s for c in combs]),
        np.concatenate([c.phase for c in combs]),
    )


def random_lines(low_hz: float, high_hz: float, lines: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, one drawn in each of `lines` bands of equal ratio, and the widths of the bands."""
    edges = np.geomspace(low_hz, high_hz, lines + 1)
    return edges[:-1] + np.diff(edges) * generator.random(lines), np.diff(edges)


def rotation(comb: Comb, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrices that turn (sin, cos) of the phases at a block's start into values and slopes over the block.

    sin(p + wt) = sin p cos wt + cos p sin wt, so a block costs one small matrix product in place of many sines.
    """
    w = 2.0 * np.pi * comb.frequency_hz
    cos, sin = np.cos(np.outer(offset_s, w)), np.sin(np.outer(offset_s, w))
    value = np.hstack([cos * comb.amplitude_s, sin * comb.amplitude_s])
    slope = np.hstack([-sin * comb.amplitude_s * w, cos * comb.amplitude_s * w])
    return value, slope


@numba.njit(cache=True, nogil=True, inline="always")
def cubic(x: float, value: np.ndarray, slope: np.ndarray, grid_hz: float) -> tuple[float, float]:
    """What joins values and slopes on a grid, and its derivative, `x` points from the first one."""
    j = min(max(int(np.floor(x)), 0), value.size - 2)
    u = x - j
    step = 1.0 / grid_hz
    p0, p1 = value[j], value[j + 1]
    m0, m1 = slope[j] * step, slope[j + 1] * step
    c2 = 3.0 * (p1 - p0) - 2.0 * m0 - m1
    c3 = 2.0 * (p0 - p1) + m0 + m1
    return p0 + u * (m0 + u * (c2 + u * c3)), (m0 + u * (2.0 * c2 + 3.0 * u * c3)) * grid_hz


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz"})
def _sum_of_sines(frequency_hz: np.ndarray, amplitude: np.ndarray, turns: np.ndarray, time_s: np.ndarray) -> np.ndarray:
    """Shapes ``(lines,)`` three times and ``(times,)`` to ``(times,)``.

    A deck's truth needs hundreds of millions of sines. The compiler makes several at once of the series of half an angle.
    """
    out = np.empty(time_s.size)
    for i in range(time_s.size):
        total = 0.0
        for k in range(frequency_hz.size):
            turned = frequency_hz[k] * time_s[i] + turns[k]
            x = np.pi * (turned - np.floor(turned + 0.5))
            y = x * x
            sine, cosine = SINE[TERMS - 1], COSINE[TERMS - 1]
            for term in range(TERMS - 2, -1, -1):
                sine, cosine = SINE[term] + y * sine, COSINE[term] + y * cosine
            total += amplitude[k] * 2.0 * x * sine * cosine
        out[i] = total
    return out
