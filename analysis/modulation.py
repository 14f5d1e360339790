"""Modulation noise: what a tone adds to the noise beside it.

The tone and its harmonics, which stand still after dewarping, are replaced by what lies on either side of each; the A-weighted
rest is the noise while a signal is there. A low tone is used, since its own skirts lie where the weighting is low.
"""

import numpy as np

from analysis.noise import NoiseSpectrum, spectrum, weighted_power

NOTCH_HZ = 4.0  # half width: the line after dewarping, and the window's skirts
BESIDE_HZ = 12.0  # the noise beside a line is read up to here
WHOLE_HZ = 2.0 * BESIDE_HZ + 1.0


def residue(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> tuple[float, float]:
    """A-weighted power beside a tone and its harmonics, and its relative standard deviation.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        The dewarped tone without its fades, a second or longer.
    frequency_hz : float
        Its frequency as sent, at least 25 Hz.

    Raises
    ------
    ValueError
        The tone is so low that there is no room beside its harmonics.
    """
    if frequency_hz < WHOLE_HZ:
        raise ValueError(f"a tone of {frequency_hz:g} Hz leaves no room beside its harmonics; use {WHOLE_HZ:g} Hz or more")
    return weighted_power(notched(spectrum(tone, sample_rate), frequency_hz), "A")


def notched(whole: NoiseSpectrum, frequency_hz: float, width: float = 1.0) -> NoiseSpectrum:
    """A spectrum with a line and its harmonics replaced by the mean of what lies beside each; `width` scales both."""
    order = np.maximum(np.round(whole.frequency_hz / frequency_hz), 1.0)
    distance = np.abs(whole.frequency_hz - order * frequency_hz)
    line, near = distance <= width * NOTCH_HZ, (distance > width * NOTCH_HZ) & (distance <= width * BESIDE_HZ)
    index = order.astype(int)
    total = np.bincount(index[near], whole.density[near], index.max() + 1)
    count = np.bincount(index[near], minlength=index.max() + 1)
    beside = total / np.maximum(count, 1)
    return NoiseSpectrum(whole.frequency_hz, np.where(line, beside[index], whole.density), whole.frames)


def without_tone(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """What is left of a dewarped tone when it and its harmonics are no louder than what lies beside each.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        Cut to whole cycles, so that the tone has no skirts of its own.

    Returns
    -------
    ndarray, shape (at most samples,)
    """
    cycles = int(tone.size / sample_rate * frequency_hz)
    samples = round(cycles * sample_rate / frequency_hz)
    values = np.fft.rfft(tone[:samples])
    values[0] = 0.0
    whole = NoiseSpectrum(np.fft.rfftfreq(samples, 1.0 / sample_rate), np.abs(values) ** 2, 1)
    calm = notched(whole, frequency_hz, min(1.0, frequency_hz / WHOLE_HZ))
    return np.fft.irfft(values * np.sqrt(calm.density / np.maximum(whole.density, 1e-300)), samples)
