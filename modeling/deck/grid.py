"""A trajectory at audio rate."""

from functools import lru_cache

import numba
import numpy as np

from modeling.deck.comb import cubic, rotation
from modeling.deck.scrape import modulate, settle
from modeling.deck.tracks import lever
from modeling.deck.transport import Trajectory

GRID_HZ = 1000
"""Rate at which the trajectory is evaluated; a cubic through values and slopes joins the points, with an error below a
nanosecond for all flutter up to 200 Hz."""

_GRID_BLOCK = 512


class GridTrajectory:
    """A trajectory at audio rate: evaluated on a fixed grid of absolute time, joined by cubics.

    The grid is worked out in blocks at fixed absolute times, so the result does not depend on how it is asked for.
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self._lever = lever()
        self._block = lru_cache(maxsize=8)(self._evaluate_block)
        offset_s = np.arange(_GRID_BLOCK) / GRID_HZ
        envelopes = () if trajectory.scrape is None else trajectory.scrape.envelopes
        self._combs = (trajectory.flutter, trajectory.skew, *envelopes)
        self._tables = [rotation(comb, offset_s) for comb in self._combs]

    def advance(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """s(t) - t of track `track` (0-based) at ascending times."""
        run_down = self._trajectory.run_down
        if run_down is None:
            return self._evaluate(time_s, track, scraping=True)[0]
        turned_s = run_down.turned(time_s)
        return turned_s - time_s + self._evaluate(turned_s, track, scraping=True)[0]

    def time_at(self, position_s: np.ndarray, track: int) -> np.ndarray:
        """Solve s(t) = position for ascending positions."""
        trajectory = self._trajectory
        t, more = trajectory.first_guess(position_s)
        for _ in range(4 + more):
            advance, slope = self._evaluate(t, track, scraping=False)
            t = t - (t + advance - position_s) / (1.0 + slope)
        if trajectory.scrape is not None:
            first, nodes = self._nodes(t)
            settle(t, (first, float(GRID_HZ)), nodes[4:], trajectory.scrape.resonance_hz, 1.0 + slope)
        return t if trajectory.run_down is None else trajectory.run_down.time_at(t)

    def _evaluate(self, time_s: np.ndarray, track: int, scraping: bool) -> tuple[np.ndarray, np.ndarray]:
        trajectory = self._trajectory
        first, nodes = self._nodes(time_s)
        lever_track = self._lever[track]
        value = nodes[0] + lever_track * nodes[2]
        slope = nodes[1] + lever_track * nodes[3]
        value_out = np.empty_like(time_s)
        slope_out = np.empty_like(time_s)
        _join(time_s, first, value, slope, value_out, slope_out)
        if scraping and trajectory.scrape is not None:
            modulate(time_s, (first, float(GRID_HZ)), nodes[4:], trajectory.scrape.resonance_hz, value_out, slope_out)
        constant = trajectory.start_s + lever_track * trajectory.skew_s
        polynomial = constant + (trajectory.speed_error + 0.5 * trajectory.drift_per_s * time_s) * time_s
        advance, slope = polynomial + value_out, trajectory.speed_error + trajectory.drift_per_s * time_s + slope_out
        if trajectory.start is not None:
            advance = advance - trajectory.start.lag(time_s)
            slope = slope - trajectory.start.slope(time_s)
        if trajectory.stretch is not None:
            slope = (1.0 + slope) * (1.0 - trajectory.stretch.slope(time_s + advance)) - 1.0
            advance = advance - trajectory.stretch.lag(time_s + advance)
        return advance, slope

    def _nodes(self, time_s: np.ndarray) -> tuple[int, np.ndarray]:
        """Grid points around some times: the number of the first, and rows as of a block."""
        first = int(np.floor(time_s.min() * GRID_HZ)) // _GRID_BLOCK
        last = (int(np.floor(time_s.max() * GRID_HZ)) + 1) // _GRID_BLOCK
        return first * _GRID_BLOCK, np.concatenate([self._block(b) for b in range(first, last + 1)], axis=1)

    def _evaluate_block(self, block: int) -> np.ndarray:
        """Value and slope of flutter, skew, and envelopes of scrape flutter at a block's grid points; shape (4 or 8, points)."""
        start_s = block * _GRID_BLOCK / GRID_HZ
        rows = []
        for comb, (value, slope) in zip(self._combs, self._tables, strict=True):
            angle = 2.0 * np.pi * comb.frequency_hz * start_s + comb.phase
            phasor = np.concatenate([np.sin(angle), np.cos(angle)])
            rows += [value @ phasor, slope @ phasor]
        return np.array(rows)


@numba.njit(cache=True, nogil=True)
def _join(
    time_s: np.ndarray, first_node: int, value: np.ndarray, slope: np.ndarray, value_out: np.ndarray, slope_out: np.ndarray
) -> None:
    """Cubic Hermite interpolation and its derivative."""
    for i in range(time_s.size):
        value_out[i], slope_out[i] = cubic(time_s[i] * GRID_HZ - first_node, value, slope, float(GRID_HZ))
