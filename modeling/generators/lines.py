"""Lines in a spectrum: found, measured, and taken out of a signal so that what is left is noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

from analysis import peak

THRESHOLD_DB = 15.0
MEDIAN_BINS = 31
MOST_LINES = 24
SAME_LINE = 1.03
"""Lines of two recordings of one thing whose frequencies differ by less are one line."""


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

    def between(self, low_hz: float, high_hz: float) -> "Lines":
        """Those from one frequency to below another."""
        inside = (self.frequency_hz >= low_hz) & (self.frequency_hz < high_hz)
        return Lines(self.frequency_hz[inside], self.amplitude[inside])


def take_out(signal: np.ndarray, sample_rate: float, low_hz: float, high_hz: float) -> tuple[Lines, np.ndarray]:
    """Find lines that stand out of their neighbourhood, the strongest if there are many, and subtract them.

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
    found = np.sort(found[np.argsort(spectrum[found])[::-1][:MOST_LINES]])
    if found.size == 0:
        return Lines(np.zeros(0), np.zeros(0)), signal
    frequency = np.array([peak.of_line(spectrum, i) for i in found]) * step
    phase = 2.0 * np.pi * np.outer(np.arange(signal.size) / sample_rate, frequency)
    columns = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
    solved, *_ = np.linalg.lstsq(columns, signal, rcond=None)
    return Lines(frequency, np.hypot(solved[: found.size], solved[found.size :])), signal - columns @ solved


def joined(parts: Sequence[Lines]) -> Lines:
    """The lines of several recordings of one thing as one set that has their mean power."""
    left = [list(zip(part.frequency_hz.tolist(), part.amplitude.tolist(), strict=True)) for part in parts]
    found: list[tuple[float, float]] = []
    while any(left):
        first = max((line for lines in left for line in lines), key=lambda line: line[1])
        power = moment = 0.0
        for lines in left:
            near = [line for line in lines if 1.0 / SAME_LINE <= line[0] / first[0] <= SAME_LINE]
            if near:
                line = first if first in near else min(near, key=lambda other: abs(other[0] - first[0]))
                lines.remove(line)
                power, moment = power + line[1] ** 2, moment + line[0] * line[1] ** 2
        found.append((moment / power, float(np.sqrt(power / len(parts)))))
    frequency, amplitude = np.array(sorted(found)).reshape(-1, 2).T
    return Lines(frequency, amplitude)
