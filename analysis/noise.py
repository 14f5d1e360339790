"""Noise of a stretch of silent tape: weighted levels, spectrum, third octaves.

Levels are powers; the caller refers them to the returned reference tone.

References
----------
IEC 61672-1 (A-weighting), AES17-2020 clause 5.2.7 (CCIR-RMS), IEC 61260-1 (third-octave bands, base ten).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

from analysis.weighting import CCIR_RMS_OFFSET_DB, a_weight_db, itu468_weight_db

BAND_HZ = (20.0, 20_000.0)
FRAME_S = 1.0  # parts a hum line from the noise beside it
LINE_WIDTH_HZ = 3.0  # a steady line and its skirts, either side
SPARED_HZ = 400.0  # below it a thinned spectrum keeps every bin, so that hum lines stay to be seen
THINNED_OCTAVE = 24  # points to the octave above


@dataclass(frozen=True)
class NoiseSpectrum:
    """One-sided power density.

    Attributes
    ----------
    frequency_hz, density : ndarray, shape (bins,)
        Density in full-scale units squared per Hz.
    frames : int
        Number of half-overlapping Hann frames behind it.
    """

    frequency_hz: np.ndarray
    density: np.ndarray
    frames: int

    @property
    def step_hz(self) -> float:
        """Distance of the bins."""
        return float(self.frequency_hz[1] - self.frequency_hz[0])


def spectrum(silences: Sequence[np.ndarray], sample_rate: int, frame_s: float = FRAME_S) -> NoiseSpectrum:
    """Power density by averaged Hann frames with half overlap (Welch).

    Parameters
    ----------
    silences : sequence of ndarray, shape (samples,)
        Stretches of silent tape, the longest at least a third of a second. Those shorter than a frame tell nothing.
    frame_s : float
        Length of a frame; that of the longest stretch where that is shorter.
    """
    frame = min(round(frame_s * sample_rate), max(silence.size for silence in silences))
    window = get_window("hann", frame)
    frames = [f for silence in silences if silence.size >= frame for f in _frames(silence, frame)]
    powers = [np.abs(np.fft.rfft((f - f.mean()) * window)) ** 2 for f in frames]
    density = 2.0 * np.mean(powers, axis=0) / (sample_rate * np.sum(window**2))
    return NoiseSpectrum(np.fft.rfftfreq(frame, 1.0 / sample_rate), density, len(powers))


def _frames(silence: np.ndarray, size: int) -> np.ndarray:
    """Frames that overlap by half, or by a little less so that the last ends with the silence; shape (frames, size)."""
    count = 1 + (silence.size - size) // max(1, size // 2)
    starts = np.linspace(0, silence.size - size, count).round().astype(int)
    return np.asarray(np.lib.stride_tricks.sliding_window_view(silence, size)[starts])


def without_line(silence: np.ndarray, sample_rate: int, frequency_hz: float, half_width_hz: float) -> np.ndarray:
    """A recording in which a foreign line (a neighbour's pilot) is no louder than the noise on either side of it."""
    values = np.fft.rfft(silence)
    distance = np.abs(np.fft.rfftfreq(silence.size, 1.0 / sample_rate) - frequency_hz)
    line, near = distance <= half_width_hz, (distance > half_width_hz) & (distance <= 3.0 * half_width_hz)
    if near.any():
        usual = np.sqrt(np.mean(np.abs(values[near]) ** 2))
        values[line] *= usual / np.maximum(np.abs(values[line]), 1e-300)
    return np.fft.irfft(values, silence.size)


def weighted_power(noise: NoiseSpectrum, weighting: str, steady_hz: Sequence[float] = ()) -> tuple[float, float]:
    """Power from 20 Hz to 20 kHz behind a weighting, and its relative standard deviation.

    Parameters
    ----------
    weighting : str
        ``"A"``, ``"CCIR-RMS"``, ``"ITU-R 468"`` or ``"none"``.
    steady_hz : sequence of float
        Lines that are steady: they count in the power and do not fluctuate.
    """
    f = noise.frequency_hz
    inside = (f >= BAND_HZ[0]) & (f <= BAND_HZ[1])
    f = f[inside]
    gain_db = {
        "A": a_weight_db(f),
        "CCIR-RMS": itu468_weight_db(f) + CCIR_RMS_OFFSET_DB,
        "ITU-R 468": itu468_weight_db(f),
        "none": np.zeros(f.size),
    }[weighting]
    parts = noise.density[inside] * 10.0 ** (gain_db / 10.0) * noise.step_hz
    power = float(np.sum(parts))
    steady = np.zeros(f.size, dtype=bool)
    for line in steady_hz:
        steady |= np.abs(f - line) <= LINE_WIDTH_HZ
    return power, np.sqrt(_variance(parts[~steady], noise.frames)) / max(power, 1e-300)


def scatter(frames: int) -> float:
    """Variance of the sum of neighbouring bins of an averaged spectrum of Gaussian noise, over the sum of their squares.

    A bin of one frame has a spread of 1. Its noise is in the neighbouring bins and frames too: with w the Hann window, the mean
    of w^4 over the square of that of w^2 is 1.94 for the bins of a frame, and that of the product w^2 w'^2 with the window of the
    frame on either side adds 0.083 each.
    """
    return (1.94 + 0.167 * (1.0 - 1.0 / frames)) / frames


def _variance(parts: np.ndarray, frames: int) -> float:
    return scatter(frames) * float(np.sum(parts**2))


def third_octaves(noise: NoiseSpectrum) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power in third-octave bands from 25 Hz to 20 kHz (IEC 61260-1, base ten).

    Returns
    -------
    centre_hz, power, spread : ndarray, shape (bands,)
        Centre, power, and relative standard deviation of the power.
    """
    centre = 1000.0 * 10.0 ** (np.arange(-16, 14) / 10.0)
    share = _shares(noise, centre * 10.0**-0.05, centre * 10.0**0.05)
    kept = centre * 10.0**0.05 <= noise.frequency_hz[-1]
    power = share @ noise.density
    variance = np.array([_variance(row * noise.density, noise.frames) for row in share])
    return centre[kept], power[kept], (np.sqrt(variance) / np.maximum(power, 1e-300))[kept]


def thinned(noise: NoiseSpectrum, low_hz: float, high_hz: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Spectrum for the eye: every bin below 400 Hz, means over a 24th of an octave above.

    Returns
    -------
    frequency_hz, density, spread : ndarray, shape (points,)
        Frequency, power density, and relative standard deviation of the density.
    """
    f = noise.frequency_hz
    each = (f >= low_hz) & (f < min(SPARED_HZ, high_hz))
    centre = SPARED_HZ * 2.0 ** ((np.arange(2000) + 0.5) / THINNED_OCTAVE)
    centre = centre[centre * 2.0 ** (0.5 / THINNED_OCTAVE) <= high_hz]
    half = 2.0 ** (0.5 / THINNED_OCTAVE)
    share = _shares(noise, centre / half, centre * half)
    mean = (share @ noise.density) / np.sum(share, axis=1)
    variance = np.array([_variance(row * noise.density, noise.frames) for row in share])
    spread = np.sqrt(variance) / np.maximum(share @ noise.density, 1e-300)
    alone = np.full(int(np.sum(each)), 1.0 / np.sqrt(noise.frames))
    return (
        np.concatenate((f[each], centre)),
        np.concatenate((noise.density[each], mean)),
        np.concatenate((alone, spread)),
    )


def _shares(noise: NoiseSpectrum, low_hz: np.ndarray, high_hz: np.ndarray) -> np.ndarray:
    """Width in Hz of every bin inside bands, shape (bands, bins): a bin that an edge cuts counts by the share inside."""
    lower, upper = noise.frequency_hz - noise.step_hz / 2, noise.frequency_hz + noise.step_hz / 2
    return np.clip(np.minimum(upper, high_hz[:, None]) - np.maximum(lower, low_hz[:, None]), 0.0, None)
