"""Harmonic distortion of a steady tone, by least squares on its harmonics after dewarping.

The FFT of a fluttering tone spreads the n-th harmonic n times as wide as the first, and peak picking then reads half the
distortion. After dewarping by the tone's own phase the harmonics stand still and are found exactly, with the hiss in their
neighbourhood as measure of doubt.

References
----------
IEC 60268-3 (total harmonic distortion re the fundamental); AES17-2020 (THD+N, 20 Hz to 20 kHz).
"""

from dataclasses import dataclass

import numpy as np

HIGHEST_HZ = 20_000.0
LOWEST_HZ = 20.0
SYSTEMATIC = 0.003  # of the value: fades, dewarping, what level drifts during a tone


@dataclass(frozen=True)
class Harmonics:
    """A tone taken apart.

    Attributes
    ----------
    power : ndarray, shape (orders,)
        Squared peak amplitude of the fundamental and its harmonics up to 20 kHz, less the share of hiss; that share can make
        the power of a harmonic that is not there negative, which keeps sums unbiased.
    hiss : ndarray, shape (orders,)
        The share of hiss in each, a squared amplitude.
    residual_rms : float
        RMS of all but the fundamental, 20 Hz to 20 kHz.
    """

    power: np.ndarray
    hiss: np.ndarray
    residual_rms: float

    @property
    def fundamental(self) -> float:
        """Peak amplitude of the fundamental."""
        return float(np.sqrt(self.power[0]))

    def thd(self) -> tuple[float, float] | None:
        """Total harmonic distortion re the fundamental in %, and its 95 % uncertainty; None when it drowns in hiss."""
        total = float(np.sum(self.power[1:]))
        # Power of a line in Gaussian hiss h: variance 2 P h + h^2.
        spread = float(np.sqrt(np.sum(2.0 * np.maximum(self.power[1:], 0.0) * self.hiss[1:] + self.hiss[1:] ** 2)))
        if total < 2.0 * spread:
            return None
        amplitude = np.sqrt(total) / self.fundamental
        return 100.0 * amplitude, 196.0 * amplitude * (0.5 * spread / total) + 100.0 * amplitude * SYSTEMATIC

    def thd_n(self) -> float:
        """THD+N in %: residual over the RMS of the fundamental."""
        return 100.0 * self.residual_rms * np.sqrt(2.0) / self.fundamental

    def harmonic_db(self, order: int) -> tuple[float, float] | None:
        """Level of a harmonic in dB re the fundamental and its 95 % uncertainty; None when it drowns in hiss."""
        if order > self.power.size or self.power[order - 1] < 2.0 * self.hiss[order - 1]:
            return None
        P, h = self.power[order - 1], self.hiss[order - 1]
        return float(10.0 * np.log10(P / self.power[0])), float(
            1.96 * 4.343 * np.sqrt(2.0 * P * h + h**2) / P + 8.686 * SYSTEMATIC
        )


def analyse(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> Harmonics:
    """Harmonics of a dewarped steady tone.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        The tone without its fades, on the stimulus' clock.
    frequency_hz : float
        Its frequency as sent.
    """
    cycles = int(tone.size / sample_rate * frequency_hz)
    samples = round(cycles * sample_rate / frequency_hz)
    part = tone[:samples] - np.mean(tone[:samples])
    window = np.hanning(samples)
    window /= np.mean(window)
    time = np.arange(samples) / sample_rate
    orders = max(1, int(min(HIGHEST_HZ, 0.47 * sample_rate) / frequency_hz))
    spectrum_hz = np.fft.rfftfreq(samples, 1.0 / sample_rate)
    power, hiss = np.zeros(orders), np.zeros(orders)
    rest = part.copy()
    for n in range(1, orders + 1):
        carrier = np.exp(-2j * np.pi * n * frequency_hz * time)
        value = 2.0 * np.mean(rest * carrier * window)
        power[n - 1] = np.abs(value) ** 2
        rest = rest - np.real(value * np.conj(carrier))
    density = np.abs(np.fft.rfft(rest * window)) ** 2 * 4.0 / samples**2
    for n in range(1, orders + 1):
        # Neighbours of the line, but for the bins that it may touch itself, tell the power that hiss puts into its bin.
        distance = np.abs(spectrum_hz - n * frequency_hz)
        near = (distance > 4.0 * sample_rate / samples) & (distance < 0.45 * frequency_hz)
        hiss[n - 1] = float(np.mean(density[near])) if near.any() else 0.0
    return Harmonics(
        power - np.where(np.arange(orders) > 0, hiss, 0.0), hiss, _residual_rms(part, frequency_hz, time, sample_rate)
    )


def _residual_rms(part: np.ndarray, frequency_hz: float, time: np.ndarray, sample_rate: int) -> float:
    angle = 2.0 * np.pi * frequency_hz * time
    basis = np.stack((np.sin(angle), np.cos(angle)), axis=1)
    fit, *_ = np.linalg.lstsq(basis, part, rcond=None)
    spectrum = np.fft.rfft(part - basis @ fit)
    frequency = np.fft.rfftfreq(part.size, 1.0 / sample_rate)
    inside = (frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)
    return float(np.sqrt(2.0 * np.sum(np.abs(spectrum[inside]) ** 2)) / part.size)


def maximum_output_level(output_db: np.ndarray, third_harmonic_db: np.ndarray, percent: float = 3.0) -> float | None:
    """Output level at which the third harmonic reaches `percent` of the fundamental, or None if the ladder never gets there.

    Interpolated between the two steps around it, linear in dB: the third harmonic of a soft saturation rises 2 dB a dB.
    """
    limit = 20.0 * np.log10(percent / 100.0)
    above = np.flatnonzero((third_harmonic_db[1:] >= limit) & (third_harmonic_db[:-1] < limit))
    if above.size == 0:
        return None
    i = int(above[0])
    share = (limit - third_harmonic_db[i]) / (third_harmonic_db[i + 1] - third_harmonic_db[i])
    return float(output_db[i] + share * (output_db[i + 1] - output_db[i]))
