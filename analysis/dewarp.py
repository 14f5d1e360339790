"""Reading a signal between its samples: Kaiser-windowed sinc, for dewarping and for the transport of the virtual deck.

Linear interpolation is 16 dB down on a 10 kHz tone and a cubic 42 dB; with 32 taps to a side and beta 10 the error stays
below -100 dB up to 20 kHz at 48 kHz.
"""

from functools import lru_cache

import numba
import numpy as np

from analysis.timebase import Timebase, on_samples
from signals.audio import AudioReader

HALF_TAPS = 32
BETA = 10.0
PHASES = 512
FAST_HALF_TAPS, FAST_BETA, FAST_PHASES = 16, 8.0, 256


@lru_cache(maxsize=4)
def _kernel_table(half_taps: int, beta: float, phases: int, kind: str) -> np.ndarray:
    """Kernel for each of phases + 1 fractional positions, shape (phases + 1, 2 half_taps)."""
    fraction = np.arange(phases + 1)[:, None] / phases
    offset = np.arange(-half_taps + 1, half_taps + 1)[None, :]
    distance = offset - fraction
    window = np.i0(beta * np.sqrt(np.clip(1.0 - (distance / half_taps) ** 2, 0.0, 1.0))) / np.i0(beta)
    table = np.sinc(distance) * window
    return np.ascontiguousarray(table / table.sum(axis=1, keepdims=True), dtype=kind)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _interpolate(padded: np.ndarray, positions: np.ndarray, table: np.ndarray, out: np.ndarray) -> None:
    """Values at positions in a signal that has as many zeros as there are taps before and after it."""
    phases = table.shape[0] - 1
    taps = table.shape[1]
    last = padded.size - taps
    nought = table[0, 0] - table[0, 0]  # of the table's precision
    for m in range(positions.size):
        base = int(np.floor(positions[m]))
        where = (positions[m] - base) * phases
        phase = min(int(where), phases - 1)
        first = base + 1 + taps // 2
        if first < 0 or first > last:
            out[m] = 0.0
            continue
        # Two sums, one for the phase on either side: both run over whole vectors.
        low, high = nought, nought
        for k in range(taps):
            low += table[phase, k] * padded[first + k]
            high += table[phase + 1, k] * padded[first + k]
        out[m] = low + (where - phase) * (high - low)


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
    positions = np.ascontiguousarray(positions_samples, dtype=np.float64)
    table = _kernel_table(HALF_TAPS, BETA, PHASES, "float64")
    columns = signal if signal.ndim == 2 else signal[:, None]
    out = np.empty((columns.shape[1], positions.size))
    for column, row in zip(columns.T, out, strict=True):
        _interpolate(np.pad(np.asarray(column, dtype=np.float64), table.shape[1]), positions, table, row)
    return out.T if signal.ndim == 2 else out[0]


def interpolate_fast(signal: np.ndarray, positions_samples: np.ndarray) -> np.ndarray:
    """As :func:`interpolate`, in single precision: error below -80 dB up to 0.4 of the sample rate, ten times as fast.

    Returns
    -------
    ndarray, shape (points,), float32
    """
    table = _kernel_table(FAST_HALF_TAPS, FAST_BETA, FAST_PHASES, "float32")
    out = np.empty(positions_samples.size, dtype=np.float32)
    padded = np.pad(np.asarray(signal, dtype=np.float32), table.shape[1])
    _interpolate(padded, np.ascontiguousarray(positions_samples, dtype=np.float64), table, out)
    return out


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
    positions = on_samples(timebase.output_time, start, stop, rate) * rate
    first = int(np.floor(positions[0])) - HALF_TAPS
    last = int(np.ceil(positions[-1])) + HALF_TAPS + 1
    return interpolate(audio.read(first, last)[:, channel], positions - first)
