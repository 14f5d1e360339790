"""Mains hum: lines of 50 or 60 Hz and their harmonics that stand out of the noise.

Long frames part a line from the noise and from its neighbours, however loud it is: at 10 Hz distance a Hann frame of two seconds
is 100 dB down. A line's power is what its bins hold beyond the noise on either side.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

BASES_HZ = (50.0, 60.0)
ORDERS = tuple(range(1, 11))
FRAME_S = 2.0
NEAR_HZ = (2.5, 8.0)  # where the noise beside a line is read
MAINS_TOLERANCE = 0.002  # networks keep to 0.2 % in ordinary operation
LOBE_BINS = 2.5  # half width of a line in bins, and what mains may be off is added
SIGNIFICANT = 5.0  # standard deviations above the noise
HALF_OVERLAP = 0.72  # independent frames among half-overlapping ones


@dataclass(frozen=True)
class HumLine:
    """A line of the mains.

    Attributes
    ----------
    frequency_hz : float
        Its nominal frequency.
    power : float
        Mean square.
    spread : float
        Relative standard deviation of the power.
    """

    frequency_hz: float
    power: float
    spread: float


def lines(silence: np.ndarray, sample_rate: int) -> list[HumLine]:
    """Lines that stand five standard deviations above the noise, of the mains frequency with the stronger ones.

    Parameters
    ----------
    silence : ndarray, shape (samples,)
        Recording of silent tape; shorter than half a second it tells nothing.
    """
    if silence.size < 0.5 * sample_rate:
        return []
    frame = min(round(FRAME_S * sample_rate), silence.size)
    window = get_window("hann", frame)
    frames = np.lib.stride_tricks.sliding_window_view(silence, frame)[:: max(1, frame // 2)]
    step_hz = sample_rate / frame
    bins = int(min(0.5 * sample_rate, 1.05 * max(BASES_HZ) * max(ORDERS)) / step_hz)
    spectra = [np.abs(np.fft.rfft((f - np.mean(f)) * window)[:bins]) ** 2 for f in frames]
    density = 2.0 * np.mean(spectra, axis=0) / (sample_rate * np.sum(window**2))
    count = 1.0 if len(spectra) == 1 else HALF_OVERLAP * len(spectra)
    found = {base: [_line(density, step_hz, count, base * order) for order in ORDERS] for base in BASES_HZ}
    stronger = max(found, key=lambda base: sum(line.power for line in found[base] if line is not None))
    return [line for line in found[stronger] if line is not None]


def _line(density: np.ndarray, step_hz: float, frames: float, frequency_hz: float) -> HumLine | None:
    """The line at a frequency, where one stands out."""
    f = step_hz * np.arange(density.size)
    distance = np.abs(f - frequency_hz)
    half_hz = LOBE_BINS * step_hz + MAINS_TOLERANCE * frequency_hz
    near = (distance > max(NEAR_HZ[0], half_hz)) & (distance < max(NEAR_HZ[1], 2.0 * half_hz))
    line = distance <= half_hz
    if not near.any() or frequency_hz > f[-1]:
        return None
    # The median of averaged periodograms lies below their mean (Wilson and Hilferty, chi-squared of 2 n degrees).
    floor = float(np.median(density[near])) / (1.0 - 1.0 / (9.0 * frames)) ** 3
    power = float(np.sum(density[line] - floor) * step_hz)
    width = int(np.sum(line))
    variance_noise = (floor * step_hz) ** 2 * 1.94 * (width + width**2 / np.sum(near)) / frames
    if power <= SIGNIFICANT * np.sqrt(variance_noise):
        return None
    # A line of power P in noise h, its share of 1.5 bins: variance 2 P h beside that of the noise alone.
    variance = 2.0 * power * 1.5 * floor * step_hz / frames + variance_noise
    return HumLine(frequency_hz, power, float(np.sqrt(variance)) / power)
