"""The time base: the delay trajectory d(t) that joins a stimulus to its recording."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike


@dataclass(frozen=True)
class Timebase:
    """Delay d(t) in seconds: output time minus input time, over input time.

    Input time is counted from the first sample of the stimulus, output time from the first sample of the recording. The
    grid is uniform; between its points the trajectory is a cubic, beyond its ends it goes on with the slope it had there.

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

    def delay(self, input_time_s: ArrayLike) -> np.ndarray:
        """Delay in seconds at the given input times."""
        raise NotImplementedError

    def output_time(self, input_time_s: ArrayLike) -> np.ndarray:
        """Output time of the given input times."""
        raise NotImplementedError

    def input_time(self, output_time_s: ArrayLike) -> np.ndarray:
        """Input time of the given output times (inverse of :meth:`output_time`)."""
        raise NotImplementedError
