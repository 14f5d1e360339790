"""The noise meter of ITU-R BS.468-4: weighting network and quasi-peak rectifier.

The recommendation does not say how the meter is built, only what it reads on bursts (its tables 2 and 3), and suggests two peak
rectifiers of different time constants one after the other. The four constants here are those whose readings lie nearest to both
tables; all are within a fifth of the tolerance. It reads the RMS value of a steady sine.

References
----------
ITU-R BS.468-4, clause 1 (weighting network), clause 2 and tables 2 and 3 (dynamic characteristics), clause 2.6 (calibration).
"""

from functools import lru_cache

import numba
import numpy as np
from scipy import fft

from analysis.weighting import itu468_network

CHARGE_S = (1.483e-3, 0.2728)
DISCHARGE_S = (0.2913, 0.2901)
LEAST_RATE_HZ = 96_000  # a rectifier sees the peaks between samples of a lower rate poorly
CALIBRATION_HZ = 1000.0  # clause 2.6
SETTLING_S = 2.0
FORGOTTEN_S = 0.05
# Readings of steady noise wander more than its RMS value does: so many times, as simulated (1.2 to 1.4).
WANDER = 1.4


def weighted(signal: np.ndarray, sample_rate: int) -> tuple[np.ndarray, int]:
    """Signal behind the weighting network, and its sample rate, which is a multiple of the one given.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
    """
    factor = -(-LEAST_RATE_HZ // sample_rate)
    # The network forgets within some milliseconds; the silence behind the signal keeps its end from its beginning.
    size = fft.next_fast_len(signal.size + round(FORGOTTEN_S * sample_rate), real=True)
    spectrum = fft.rfft(signal, size) * itu468_network(np.fft.rfftfreq(size, 1.0 / sample_rate))
    return factor * fft.irfft(spectrum, factor * size)[: factor * signal.size], factor * sample_rate


def readings(signal: np.ndarray, sample_rate: int) -> np.ndarray:
    """What the meter shows after every sample, from rest; RMS value of a steady sine. Shape (samples,).

    Parameters
    ----------
    signal : ndarray, shape (samples,)
        Already weighted; sampled at 96 kHz or more for the full accuracy.
    """
    return _meter(signal, *_constants(sample_rate), np.zeros(2)) / _sine_reading(sample_rate)


def level(signal: np.ndarray, sample_rate: int) -> float:
    """Weighted quasi-peak value of steady noise: the mean of what the meter shows once it has settled.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
        As recorded, not weighted.
    """
    heard, rate = weighted(signal, sample_rate)
    state = np.zeros(2)
    settling = heard[: round(SETTLING_S * rate)]
    for _ in range(1 if heard.size > settling.size else -(-round(SETTLING_S * rate) // max(1, heard.size))):
        _meter(settling, *_constants(rate), state)
    return float(np.mean(_meter(heard, *_constants(rate), state))) / _sine_reading(rate)


@lru_cache(maxsize=8)
def _sine_reading(sample_rate: int) -> float:
    """What the rectifiers end at on a sine of RMS value 1."""
    time = np.arange(4 * sample_rate) / sample_rate
    sine = np.sqrt(2.0) * np.sin(2.0 * np.pi * CALIBRATION_HZ * time)
    return float(np.mean(_meter(sine, *_constants(sample_rate), np.zeros(2))[-sample_rate:]))


def _constants(sample_rate: int) -> tuple[float, float, float, float]:
    """Share of the distance that each stage is charged by in a sample, and share that is left after discharging."""
    charge = [1.0 - np.exp(-1.0 / (t * sample_rate)) for t in CHARGE_S]
    left = [np.exp(-1.0 / (t * sample_rate)) for t in DISCHARGE_S]
    return float(charge[0]), float(left[0]), float(charge[1]), float(left[1])


@numba.njit(cache=True, nogil=True)
def _meter(
    signal: np.ndarray, charge_1: float, left_1: float, charge_2: float, left_2: float, state: np.ndarray
) -> np.ndarray:
    """Two peak rectifiers in tandem; `state` is that of both, changed."""
    out = np.empty(signal.size)
    first, second = state[0], state[1]
    for i in range(signal.size):
        first *= left_1
        above = abs(signal[i]) - first
        if above > 0.0:
            first += above * charge_1
        second *= left_2
        if first > second:
            second += (first - second) * charge_2
        out[i] = second
    state[0], state[1] = first, second
    return out
