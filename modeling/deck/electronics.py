"""The amplifiers before and after the tape. Signals are in units of the peak of a sine at 0 VU."""

import numpy as np
from scipy.signal import lfilter

from modeling.deck.parameters import Electronics

COUPLING_HZ = 5.0
"""Corner of the coupling capacitor behind each amplifier."""


def amplify(signal: np.ndarray, gain_db: float, electronics: Electronics) -> np.ndarray:
    """Gain, a trace of second harmonic, and a soft ceiling.

    With c the ceiling, x + a x^2 is limited as y / (1 + (y/c)^4)^(1/4): clean until close to the ceiling, as an
    operational amplifier is.
    """
    x = 10.0 ** (gain_db / 20.0) * signal
    y = x + electronics.asymmetry * np.square(x)
    ceiling = 10.0 ** (electronics.headroom_db / 20.0)
    return y / np.sqrt(np.sqrt(1.0 + np.square(np.square(y / ceiling))))


def small_signal_gain(gain_db: float) -> float:
    """Slope of :func:`amplify` at zero."""
    return float(10.0 ** (gain_db / 20.0))


def coupling_capacitor(sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Numerator and denominator of the high-pass: bilinear transform of s / (s + w), exact at the frequencies that matter here."""
    t = np.tan(np.pi * COUPLING_HZ / sample_rate)
    return np.array([1.0, -1.0]) / (1.0 + t), np.array([1.0, (t - 1.0) / (1.0 + t)])


class Amplifier:
    """:func:`amplify` and the coupling capacitor behind it, streaming."""

    def __init__(self, gain_db: float, electronics: Electronics, channels: int, sample_rate: int) -> None:
        self._gain_db = gain_db
        self._electronics = electronics
        self._b, self._a = coupling_capacitor(sample_rate)
        self._state = np.zeros((channels, 1))

    def process(self, signal: np.ndarray) -> np.ndarray:
        """Amplify ``(channels, samples)``."""
        amplified = amplify(signal, self._gain_db, self._electronics)
        out, self._state = lfilter(self._b, self._a, amplified, axis=1, zi=self._state)
        return out
