"""Lines in a spectrum: found, measured, and taken out of a signal so that what is left is noise."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from analysis import peak

THRESHOLD_DB = 15.0
MEDIAN_BINS = 31
MOST_LINES = 24


@dataclass(frozen=True)
class Lines:
    """Steady sinusoids.

    Attributes
    ----------
    frequency_hz, amplitude : ndarray, shape (lines,)
        Frequency, and amplitude in units of the signal.
    """

    frequency_hz: np.ndarray
    amplitude: np.ndarray


def take_out(signal: np.ndarray, sample_rate: float, low_hz: float, high_hz: float) -> tuple[Lines, np.ndarray]:
    """Find lines that stand out of their neighbourhood and subtract them.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
    sample_rate : float
        In Hz.
    low_hz, high_hz : float
        Where to look.

    Returns
    -------
    lines : Lines
    rest : ndarray, shape (samples,)
        Signal without them.
    """
    window = np.hanning(signal.size)
    spectrum = np.abs(np.fft.rfft(signal * window))
    step = sample_rate / signal.size
    level = 20.0 * np.log10(spectrum + 1e-30)
    # The median of a Rayleigh-distributed modulus is what noise shows; a line stands above it by far more than its scatter.
    above = level - median_filter(level, MEDIAN_BINS, mode="nearest")
    inner = np.arange(2, spectrum.size - 2)
    highest = (level[inner] >= level[inner - 1]) & (level[inner] > level[inner + 1]) & (above[inner] > THRESHOLD_DB)
    found = inner[highest & (inner * step >= low_hz) & (inner * step <= high_hz)]
    found = np.sort(found[np.argsort(above[found])[::-1][:MOST_LINES]])
    if found.size == 0:
        return Lines(np.zeros(0), np.zeros(0)), signal
    frequency = np.array([peak.of_line(spectrum, i) for i in found]) * step
    phase = 2.0 * np.pi * np.outer(np.arange(signal.size) / sample_rate, frequency)
    columns = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
    solved, *_ = np.linalg.lstsq(columns, signal, rcond=None)
    return Lines(frequency, np.hypot(solved[: found.size], solved[found.size :])), signal - columns @ solved
