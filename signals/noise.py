"""Seeded noise."""

import numpy as np


def white_noise(samples: int, seed: int) -> np.ndarray:
    """Gaussian white noise of RMS 1/sqrt(2) (the RMS of a unit sine), shape (samples,)."""
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(samples) / np.sqrt(2.0)


def pink_noise(samples: int, sample_rate: int, seed: int, low_hz: float = 20.0, high_hz: float = 20_000.0) -> np.ndarray:
    """Gaussian noise of equal power per octave between two frequencies and nothing outside.

    RMS is 1/sqrt(2), that of a unit sine. The spectrum is shaped in one transform, so the noise is periodic in its length.

    Returns
    -------
    ndarray, shape (samples,)
    """
    spectrum = np.fft.rfft(white_noise(samples, seed))
    frequency = np.fft.rfftfreq(samples, 1.0 / sample_rate)
    inside = (frequency >= low_hz) & (frequency <= high_hz)
    shape = np.zeros(frequency.size)
    shape[inside] = 1.0 / np.sqrt(frequency[inside])
    wave = np.fft.irfft(spectrum * shape, samples)
    return wave / (np.sqrt(2.0) * np.sqrt(np.mean(wave**2)))
