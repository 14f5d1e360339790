"""Reading a signal between its samples: Kaiser-windowed sinc, for dewarping and for the transport of the virtual deck.

Linear interpolation is 16 dB down on a 10 kHz tone and a cubic 42 dB; with 32 taps to a side and beta 10 the error stays
below -100 dB up to 20 kHz at 48 kHz.
"""

from functools import lru_cache

import numba
import numpy as np

from analysis.timebase import Timebase
from signals.audio import AudioReader

HALF_TAPS = 32
BETA = 10.0
PHASES = 512


@lru_cache(maxsize=1)
def _kernel_table() -> np.ndarray:
    """Kernel for each of PHASES + 1 fractional positions, shape (PHASES + 1, 2 * HALF_TAPS)."""
    fraction = np.arange(PHASES + 1)[:, None] / PHASES
    offset = np.arange(-HALF_TAPS + 1, HALF_TAPS + 1)[None, :]
    distance = offset - fraction
    window = np.i0(BETA * np.sqrt(np.clip(1.0 - (distance / HALF_TAPS) ** 2, 0.0, 1.0))) / np.i0(BETA)
    table = np.sinc(distance) * window
    return np.ascontiguousarray(table / table.sum(axis=1, keepdims=True))


@numba.njit(cache=True, fastmath=True, nogil=True)
def _interpolate(signal: np.ndarray, positions: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    samples, channels = signal.shape
    phases = table.shape[0] - 1
    taps = table.shape[1]
    kernel = np.empty(taps)
    for m in range(positions.size):
        base = int(np.floor(positions[m]))
        where = (positions[m] - base) * phases
        phase = min(int(where), phases - 1)
        weight = where - phase
        first = base - taps // 2 + 1
        low = max(0, -first)
        high = min(taps, samples - first)
        for k in range(low, high):
            kernel[k] = table[phase, k] + weight * (table[phase + 1, k] - table[phase, k])
        for c in range(channels):
            total = 0.0
            for k in range(low, high):
                total += kernel[k] * signal[first + k, c]
            out[m, c] = total


def interpolate(signal: np.ndarray, positions_samples: np.ndarray) -> np.ndarray:
    """Values of a signal at fractional sample positions.

    Parameters
    ----------
    signal : ndarray, shape (samples,) or (samples, channels)
        Band-limited signal; it is zero outside.
    positions_samples : ndarray, shape (points,)
        Positions in samples, 0 being the first.

    Returns
    -------
    ndarray, shape (points,) or (points, channels), float64
    """
    columns = np.ascontiguousarray(signal if signal.ndim == 2 else signal[:, None], dtype=np.float64)
    out = np.empty((positions_samples.size, columns.shape[1]))
    _interpolate(columns, np.ascontiguousarray(positions_samples, dtype=np.float64), _kernel_table(), out)
    return out if signal.ndim == 2 else out[:, 0]


def dewarp(audio: AudioReader, channel: int, timebase: Timebase, start: int, stop: int) -> np.ndarray:
    """Recording on the clock of the stimulus.

    Parameters
    ----------
    audio : AudioReader
        The recording.
    timebase : Timebase
        Trajectory that joins the two clocks.
    start, stop : int
        Range in samples of the stimulus, at the recording's rate.

    Returns
    -------
    ndarray, shape (stop - start,)
    """
    rate = audio.sample_rate
    positions = timebase.output_time(np.arange(start, stop) / rate) * rate
    first = int(np.floor(positions[0])) - HALF_TAPS
    last = int(np.ceil(positions[-1])) + HALF_TAPS + 1
    return interpolate(audio.read(first, last)[:, channel], positions - first)
