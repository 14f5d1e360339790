"""Two devices whose laws no core shares, in closed form and at four times the rate: a Preisach-like one and a slewing saturator."""

import numba
import numpy as np
from scipy.signal import butter, lfilter, resample_poly, sosfilt

FACTOR = 4
OPERATORS = 32
SPREAD = 0.3
"""Width of the Gaussian of the play operators' thresholds, re a sine at 0 VU."""
OFFSET = 0.05
"""By which the operators sit off the middle: the asymmetry that makes even harmonics."""
SLEW = 0.09
"""Greatest step of the saturator's output a sample at the higher rate: that of a sine at 0 VU and 11 kHz."""


def preisach(x: np.ndarray, sample_rate: int, reference: float) -> np.ndarray:
    """A sum of play operators with Gaussian weights, off the middle, beside a straight part, into an uneven tanh and losses.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    reference : float
        Peak of a sine at 0 VU.
    """
    u = resample_poly(x / reference, FACTOR, 1)
    thresholds = np.linspace(0.02, 1.2, OPERATORS)
    weights = np.exp(-0.5 * (thresholds / SPREAD) ** 2)
    bent = 0.45 * u + 0.55 * _plays(u, thresholds, weights / weights.sum())
    bent = 4.0 * (np.tanh(bent / 4.0 + 0.03) - np.tanh(0.03))
    return _lost(resample_poly(bent, 1, FACTOR), sample_rate) * reference


def slewing(x: np.ndarray, sample_rate: int, reference: float) -> np.ndarray:
    """A plain tanh, without any emphasis, whose output cannot move faster than a slew limit."""
    u = resample_poly(x / reference, FACTOR, 1)
    limited = _slewed(3.0 * np.tanh(u / 3.0), SLEW * 192_000 / (FACTOR * sample_rate))
    return _lost(resample_poly(limited, 1, FACTOR), sample_rate) * reference


@numba.njit(cache=True)
def _plays(x: np.ndarray, thresholds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    state = np.zeros(thresholds.size)
    out = np.empty(x.size)
    for i in range(x.size):
        total = 0.0
        for k in range(thresholds.size):
            r = thresholds[k]
            state[k] = min(max(state[k], x[i] + OFFSET - r), x[i] + OFFSET + r)
            total += weights[k] * state[k]
        out[i] = total
    return out


@numba.njit(cache=True)
def _slewed(x: np.ndarray, most: float) -> np.ndarray:
    out = np.empty(x.size)
    last = 0.0
    for i in range(x.size):
        last += min(max(x[i] - last, -most), most)
        out[i] = last
    return out


def _lost(y: np.ndarray, sample_rate: int) -> np.ndarray:
    """Treble of a head, and no DC."""
    b, a = butter(1, 14_000.0, fs=sample_rate)
    return np.asarray(sosfilt(butter(2, 20.0, "high", fs=sample_rate, output="sos"), lfilter(b, a, y)))
