"""Mains hum: lines of 50 or 60 Hz and their harmonics that stand out of the noise.

Long frames part a line from the noise and from its neighbours, however loud it is: at 10 Hz distance a Hann frame of two seconds
is 100 dB down. A line's power is what its bins hold beyond the noise on either side.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis import noise

BASES_HZ = (50.0, 60.0)
ORDERS = tuple(range(1, 11))
FRAME_S = 2.0
NEAR_HZ = (2.5, 8.0)  # where the noise beside a line is read
MAINS_TOLERANCE = 0.002  # networks keep to 0.2 % in ordinary operation
LOBE_BINS = 2.5  # half width of a line in bins, and what mains may be off is added
SIGNIFICANT = (
    6.0  # standard deviations above the noise, which is no Gaussian: one silence of 6 s in hundreds holds a false line
)


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


def lines(silences: Sequence[np.ndarray], sample_rate: int) -> list[HumLine]:
    """Lines that stand six standard deviations above the noise, of the mains frequency with the stronger ones.

    Parameters
    ----------
    silences : sequence of ndarray, shape (samples,)
        Stretches of silent tape; where the longest is shorter than half a second they tell nothing.
    """
    if max(silence.size for silence in silences) < 0.5 * sample_rate:
        return []
    beside = noise.spectrum(silences, sample_rate, FRAME_S)
    found = {base: [_line(beside, base * order) for order in ORDERS] for base in BASES_HZ}
    stronger = max(found, key=lambda base: sum(line.power for line in found[base] if line is not None))
    return [line for line in found[stronger] if line is not None]


def _line(found: noise.NoiseSpectrum, frequency_hz: float) -> HumLine | None:
    """The line at a frequency, where one stands out."""
    f, density, step_hz = found.frequency_hz, found.density, found.step_hz
    distance = np.abs(f - frequency_hz)
    half_hz = LOBE_BINS * step_hz + MAINS_TOLERANCE * frequency_hz
    near = (distance > max(NEAR_HZ[0], half_hz)) & (distance < max(NEAR_HZ[1], 2.0 * half_hz))
    line = distance <= half_hz
    if not near.any() or frequency_hz > f[-1]:
        return None
    # The median of averaged periodograms lies below their mean (Wilson and Hilferty, chi-squared of 2 n degrees).
    floor = float(np.median(density[near])) / (1.0 - 1.0 / (9.0 * found.frames)) ** 3
    power = float(np.sum(density[line] - floor) * step_hz)
    width = int(np.sum(line))
    scatter = noise.scatter(found.frames)
    variance_noise = (floor * step_hz) ** 2 * scatter * (width + width**2 / np.sum(near))
    if power <= SIGNIFICANT * np.sqrt(variance_noise):
        return None
    # A line of power P in noise h a bin: variance 2 P h beside that of the noise alone, with the same scatter of frames.
    variance = 2.0 * power * floor * step_hz * scatter + variance_noise
    return HumLine(frequency_hz, power, float(np.sqrt(variance)) / power)
