"""The time base: the delay trajectory d(t) that joins a stimulus to its recording."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicSpline

EVALUATED_S = 3.4e-4  # a cubic through points so far apart follows flutter of 200 Hz within 0.1 % of its size


@dataclass(frozen=True)
class Timebase:
    """Delay d(t) in seconds: output time minus input time, over input time.

    Input time is counted from the first sample of the stimulus, output time from the first sample of the recording. The
    grid is uniform; between its points the trajectory is a cubic spline, beyond its ends it goes on with the slope it had
    there.

    Attributes
    ----------
    start_s, step_s : float
        Input time of the first grid point, and grid step.
    delay_s : ndarray, shape (points,)
        Delay.
    sd_s : ndarray, shape (points,)
        Standard deviation of the delay, without that of its constant.
    """

    start_s: float
    step_s: float
    delay_s: np.ndarray
    sd_s: np.ndarray

    @classmethod
    def line(cls, start_s: float, stop_s: float, delay_start_s: float, delay_stop_s: float) -> "Timebase":
        """Straight trajectory between two input times."""
        delay = np.array([delay_start_s, delay_stop_s])
        return cls(start_s, stop_s - start_s, delay, np.zeros(2))

    @classmethod
    def over_output(cls, output_time_s: np.ndarray, delay_s: np.ndarray, sd_s: np.ndarray) -> "Timebase":
        """Make a time base from a trajectory known on a uniform grid of *output* time, as estimators find it."""
        input_time = output_time_s - delay_s
        step = float(output_time_s[1] - output_time_s[0])
        grid = np.arange(input_time[0], input_time[-1], step)
        delay = CubicSpline(input_time, delay_s)(grid)
        return cls(float(grid[0]), step, delay, np.interp(grid, input_time, sd_s))

    @property
    def input_times_s(self) -> np.ndarray:
        """Input times of the grid points."""
        return self.start_s + self.step_s * np.arange(self.delay_s.size)

    @cached_property
    def _spline(self) -> CubicSpline:
        return CubicSpline(self.input_times_s, self.delay_s, bc_type="natural")

    @cached_property
    def _inverse(self) -> CubicSpline:
        return CubicSpline(self.input_times_s + self.delay_s, self.input_times_s, bc_type="natural")

    def delay(self, input_time_s: ArrayLike) -> np.ndarray:
        """Delay in seconds at the given input times."""
        time = np.asarray(input_time_s, dtype=np.float64)
        last = self.start_s + self.step_s * (self.delay_s.size - 1)
        inside = np.clip(time, self.start_s, last)
        result = self._spline(inside)
        if time.size and (np.min(time) < self.start_s or np.max(time) > last):
            ends = np.where(time < self.start_s, self._spline(self.start_s, 1), self._spline(last, 1))
            result = result + ends * (time - inside)
        return result

    def slope(self, input_time_s: ArrayLike) -> np.ndarray:
        """Derivative of the delay: 1 / (1 + slope) is the ratio of returned to sent frequency."""
        time = np.asarray(input_time_s, dtype=np.float64)
        return np.asarray(self._spline(np.clip(time, self.start_s, self.input_times_s[-1]), 1))

    def speed(self, start_s: ArrayLike, stop_s: ArrayLike) -> np.ndarray:
        """Ratio of returned to sent frequency, on the average between two input times."""
        passed_s = np.asarray(stop_s, dtype=np.float64) - np.asarray(start_s, dtype=np.float64)
        return passed_s / (self.output_time(stop_s) - self.output_time(start_s))

    def sd(self, input_time_s: ArrayLike) -> np.ndarray:
        """Standard deviation of the delay at the given input times."""
        return np.interp(np.asarray(input_time_s, dtype=np.float64), self.input_times_s, self.sd_s)

    def output_time(self, input_time_s: ArrayLike) -> np.ndarray:
        """Output time of the given input times."""
        return np.asarray(input_time_s, dtype=np.float64) + self.delay(input_time_s)

    def input_time(self, output_time_s: ArrayLike) -> np.ndarray:
        """Input time of the given output times: the inverse of :meth:`output_time`, by a spline through the same points."""
        time = np.asarray(output_time_s, dtype=np.float64)
        spline = self._inverse
        first, last = spline.x[0], spline.x[-1]
        inside = np.clip(time, first, last)
        result = spline(inside)
        if time.size and (np.min(time) < first or np.max(time) > last):
            ends = 1.0 / (1.0 + self.slope(np.where(time < first, self.start_s, np.inf)))
            result = result + ends * (time - inside)
        return result

    def between(self, start_s: float, stop_s: float) -> "Timebase":
        """The part of the trajectory from one input time to another, less than a step longer at either end."""
        times = self.input_times_s
        first = max(0, int(np.searchsorted(times, start_s, "right")) - 1)
        stop = int(np.searchsorted(times, stop_s)) + 1
        return Timebase(float(times[first]), self.step_s, self.delay_s[first:stop], self.sd_s[first:stop])

    def shifted(self, seconds: float) -> "Timebase":
        """The same trajectory with a constant added to the delay."""
        return Timebase(self.start_s, self.step_s, self.delay_s + seconds, self.sd_s)


def on_samples(law: Callable[[np.ndarray], np.ndarray], start: int, stop: int, sample_rate: int) -> np.ndarray:
    """Values of a smooth function of time at every sample, evaluated at every few of them and joined by cubics.

    Parameters
    ----------
    law : callable
        Function of time in seconds.
    start, stop : int
        Range in samples.

    Returns
    -------
    ndarray, shape (stop - start,)
    """
    step = max(1, int(EVALUATED_S * sample_rate))
    if step == 1:
        return np.asarray(law(np.arange(start, stop) / sample_rate), dtype=np.float64)
    count = -(-(stop - start) // step)
    points = np.asarray(law((start + step * np.arange(-1, count + 3)) / sample_rate), dtype=np.float64)
    return _cubics(points, step, stop - start)


@numba.njit(cache=True, nogil=True)
def _cubics(points: np.ndarray, step: int, samples: int) -> np.ndarray:
    """Third-order Lagrange interpolation; point 1 is at sample 0."""
    out = np.empty(samples)
    for m in range(samples):
        k = m // step
        u = (m - k * step) / step
        a, b, c, d = points[k], points[k + 1], points[k + 2], points[k + 3]
        out[m] = b + u * ((c - a / 3.0 - b / 2.0 - d / 6.0) + u * ((a + c) / 2.0 - b + u * ((b - c) / 2.0 + (d - a) / 6.0)))
    return out
