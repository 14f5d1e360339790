"""The synchronised exponential sweep and its analytic inverse.

References
----------
A. Novak, P. Lotton, L. Simon, "Synchronized swept-sine: theory, application and implementation", J. Audio Eng. Soc. 63(10),
2015. With f1 L an integer, the n-th harmonic of the sweep is the sweep itself, advanced by L ln n (eq. 34 and 38 there).
"""

from dataclasses import dataclass

import numpy as np

from signals.errors import StimulusError


@dataclass(frozen=True)
class Sweep:
    """Synchronised exponential sweep x(t) = sin(2 pi f1 L exp(t/L)).

    Attributes
    ----------
    low_hz, high_hz : float
        First and last instantaneous frequency.
    rate_s : float
        L, the time in which the frequency grows e-fold; ``low_hz * rate_s`` is an integer.
    """

    low_hz: float
    high_hz: float
    rate_s: float

    @classmethod
    def design(cls, low_hz: float, high_hz: float, duration_s: float) -> "Sweep":
        """Sweep of about `duration_s`: L is rounded so that f1 L is an integer (Novak 2015, eq. 33).

        Raises
        ------
        StimulusError
            The frequencies are not rising, or the sweep is shorter than one cycle of the lowest.
        """
        if not 0.0 < low_hz < high_hz:
            raise StimulusError(f"sweep from {low_hz:g} to {high_hz:g} Hz: frequencies must be positive and rising")
        cycles = round(low_hz * duration_s / np.log(high_hz / low_hz))
        if cycles < 1:
            raise StimulusError(f"sweep of {duration_s:g} s is too short for a start at {low_hz:g} Hz; make it longer")
        return cls(low_hz, high_hz, cycles / low_hz)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last frequency."""
        return float(self.rate_s * np.log(self.high_hz / self.low_hz))

    def samples(self, sample_rate: int) -> int:
        """Whole samples of the sweep."""
        return int(self.duration_s * sample_rate)

    def phase(self, time_s: np.ndarray) -> np.ndarray:
        """Phase in radians, 2 pi f1 L exp(t/L) (eq. 32; a multiple of 2 pi at t = 0)."""
        return 2.0 * np.pi * self.low_hz * self.rate_s * np.exp(time_s / self.rate_s)

    def frequency_hz(self, time_s: np.ndarray) -> np.ndarray:
        """Instantaneous frequency f1 exp(t/L)."""
        return self.low_hz * np.exp(time_s / self.rate_s)

    def time_s(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Time at which the sweep passes a frequency."""
        return self.rate_s * np.log(frequency_hz / self.low_hz)

    def waveform(self, sample_rate: int, fade_in_s: float, fade_out_s: float) -> np.ndarray:
        """Sweep of peak 1 with faded ends, shape (samples,)."""
        samples = self.samples(sample_rate)
        wave = np.sin(self.phase(np.arange(samples) / sample_rate))
        for edge, ends in ((round(fade_in_s * sample_rate), wave), (round(fade_out_s * sample_rate), wave[::-1])):
            ends[:edge] *= 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / max(edge, 1))
        return wave

    def inverse_spectrum(self, frequency_hz: np.ndarray) -> np.ndarray:
        """Spectrum of the inverse filter: the sweep times this is an impulse at time zero.

        X~(f) = 2 sqrt(f/L) exp(-j 2 pi f L (1 - ln(f/f1)) + j pi/4) (eq. 43), for the continuous-time spectrum: multiply
        the discrete transform of the recording by the sample period. Zero at f = 0.

        Returns
        -------
        ndarray, complex, shape of `frequency_hz`
        """
        f = np.asarray(frequency_hz, dtype=np.float64)
        positive = np.maximum(f, np.finfo(float).tiny)
        angle = -2.0 * np.pi * f * self.rate_s * (1.0 - np.log(positive / self.low_hz)) + np.pi / 4.0
        return np.where(f > 0.0, 2.0 * np.sqrt(positive / self.rate_s) * np.exp(1j * angle), 0.0)

    def harmonic_advance_s(self, order: float) -> float:
        """Time by which the impulse response of harmonic `order` comes before the linear one: L ln n (eq. 38)."""
        return float(self.rate_s * np.log(order))
