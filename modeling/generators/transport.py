"""Wow and flutter: the measured motion of a deck, made anew.

The speed of a transport deviates by lines (capstan, pinch roller, reels turn at fixed rates) and a random residue. Both are
taken from a measured delay trajectory: lines with their amplitude, the residue as power in narrow bands. They are made again
as a sum of sinusoids of random phase, the residue with several at random frequencies in every band. The mean speed and its
slow drift are not made: a rendering keeps its length.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from scipy.signal import welch

from analysis.timebase import Timebase
from modeling.generators.lines import Lines, joined, take_out

RATE_HZ = 1000.0
LOW_HZ = 0.3
HIGH_HZ = 200.0
BANDS = int(np.ceil(np.log2(HIGH_HZ / LOW_HZ) * 9))
"""Nine to the octave."""
TONES_PER_BAND = 4
GRID_HZ = 1000
LEAST_S = 5.0


@dataclass(frozen=True)
class TransportGenerator:
    """Parametric motion of a deck.

    Attributes
    ----------
    lines : Lines
        Speed deviation as a fraction (0.001 is 0.1 %).
    edges_hz : ndarray, shape (bands + 1,)
        Edges of the bands of the residue.
    variance : ndarray, shape (bands,)
        Variance of the speed deviation in each.
    """

    lines: Lines
    edges_hz: np.ndarray
    variance: np.ndarray

    @classmethod
    def fit(cls, timebases: Sequence[Timebase]) -> Self | None:
        """Take the motion from measured trajectories; None when each is shorter than 5 s.

        The motions of recording and playing add, and a line of both in another phase at every pass. What many passes would tell is
        the mean of their power.

        Parameters
        ----------
        timebases : sequence of Timebase
            Of one play pass or several.
        """
        longest = [timebase for timebase in timebases if _seconds(timebase) >= LEAST_S]
        if not longest:
            return None
        edges = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (np.arange(BANDS + 1) / BANDS)
        lines, variances = zip(*(_of_pass(timebase, edges) for timebase in longest), strict=True)
        return cls(joined(lines), edges, np.mean(variances, axis=0))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name."""
        return {
            "line_frequency_hz": self.lines.frequency_hz,
            "line_amplitude": self.lines.amplitude,
            "edges_hz": self.edges_hz,
            "variance": self.variance,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Inverse of :meth:`to_arrays`."""
        lines = Lines(arrays["line_frequency_hz"], arrays["line_amplitude"])
        return cls(lines, arrays["edges_hz"], arrays["variance"])

    @property
    def rms_percent(self) -> float:
        """Speed deviation, unweighted RMS in %."""
        return float(100.0 * np.sqrt(np.sum(self.lines.amplitude**2) / 2.0 + np.sum(self.variance)))

    def motion(self, seed: int) -> "Motion":
        """Draw a motion."""
        rng = np.random.default_rng(seed)
        low, high = np.log(self.edges_hz[:-1]), np.log(self.edges_hz[1:])
        residue_hz = np.exp(low + (high - low) * rng.random((TONES_PER_BAND, low.size)))
        # A Gaussian process has Rayleigh amplitudes; two squared normals make the square of one.
        power = rng.chisquare(2, residue_hz.shape) / 2.0 * self.variance / TONES_PER_BAND
        frequency = np.concatenate([self.lines.frequency_hz, residue_hz.ravel()])
        speed = np.concatenate([self.lines.amplitude, np.sqrt(2.0 * power).ravel()])
        return Motion(frequency, speed / (2.0 * np.pi * frequency), rng.uniform(0.0, 2.0 * np.pi, frequency.size))


@dataclass(frozen=True)
class Motion:
    """One motion: a delay around zero, known at every moment of output time."""

    frequency_hz: np.ndarray
    delay_s: np.ndarray
    phase: np.ndarray

    @cached_property
    def bound_s(self) -> float:
        """The delay is never larger than this."""
        return float(np.sum(self.delay_s))

    def delay(self, start: int, stop: int, sample_rate: int) -> np.ndarray:
        """Delay in seconds at samples `start` to `stop` of the output."""
        # On a grid of absolute time, then through the cubic of the four points around: exact to 0.4 % of a 100 Hz component,
        # which is small itself, and the same whatever the block.
        position = np.arange(start, stop) * (GRID_HZ / sample_rate)
        first = int(np.floor(position[0])) - 1
        grid = np.arange(first, int(np.floor(position[-1])) + 3)
        values = np.zeros(grid.size)
        for f, amplitude, phase in zip(self.frequency_hz, self.delay_s, self.phase, strict=True):
            values += amplitude * np.cos(2.0 * np.pi * np.mod(f * (grid / GRID_HZ), 1.0) + phase)
        index = np.floor(position).astype(int) - first
        u = position - np.floor(position)
        a, b, c, d = (values[index + offset] for offset in (-1, 0, 1, 2))
        # Lagrange's cubic through points at -1, 0, 1, 2
        return (
            -u * (u - 1) * (u - 2) / 6 * a
            + (u + 1) * (u - 1) * (u - 2) / 2 * b
            - (u + 1) * u * (u - 2) / 2 * c
            + (u + 1) * u * (u - 1) / 6 * d
        )


def _seconds(timebase: Timebase) -> float:
    return timebase.step_s * (timebase.delay_s.size - 1)


def _of_pass(timebase: Timebase, edges: np.ndarray) -> tuple[Lines, np.ndarray]:
    """Lines of one pass, and the variance of the rest between the edges."""
    time = timebase.start_s + np.arange(0.0, _seconds(timebase), 1.0 / RATE_HZ)
    speed = -np.gradient(timebase.delay(time), 1.0 / RATE_HZ)
    speed -= np.polyval(np.polyfit(time - time[0], speed, 2), time - time[0])
    lines, rest = take_out(speed, RATE_HZ, LOW_HZ, HIGH_HZ)
    frequency, density = welch(rest, RATE_HZ, nperseg=min(rest.size, round(16.0 * RATE_HZ)), detrend="linear")
    # The integral of the density between the edges, however few bins lie there.
    total = np.concatenate([[0.0], np.cumsum(density)]) * (frequency[1] - frequency[0])
    bounds = np.concatenate([frequency, [frequency[-1] + frequency[1]]]) - frequency[1] / 2.0
    return lines, np.maximum(np.diff(np.interp(edges, bounds, total)), 0.0)
