"""Noise of a stretch of silent tape: weighted levels, spectrum, third octaves, hum.

Levels are powers; the caller refers them to the returned reference tone.

References
----------
IEC 61672-1 (A-weighting), AES17-2020 clause 5.2.7 (CCIR-RMS), IEC 61260-1 (third-octave bands, base ten).
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

from analysis.weighting import CCIR_RMS_OFFSET_DB, a_weight_db, itu468_weight_db

BAND_HZ = (20.0, 20_000.0)
FRAME_S = 0.35
HUM_BASES_HZ = (50.0, 60.0)
HUM_ORDERS = (1, 2, 3, 4, 6)
HUM_RATIO = 6.0  # a hum line stands this far above its neighbourhood, in power


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


def spectrum(silence: np.ndarray, sample_rate: int) -> NoiseSpectrum:
    """Power density by averaged Hann frames with half overlap (Welch).

    Parameters
    ----------
    silence : ndarray, shape (samples,)
        Recording of silent tape, at least a third of a second.
    """
    frame = min(round(FRAME_S * sample_rate), silence.size)
    hop = max(1, frame // 2)
    window = get_window("hann", frame)
    frames = np.lib.stride_tricks.sliding_window_view(silence, frame)[::hop]
    power = np.mean([np.abs(np.fft.rfft((f - f.mean()) * window)) ** 2 for f in frames], axis=0)
    density = 2.0 * power / (sample_rate * np.sum(window**2))
    return NoiseSpectrum(np.fft.rfftfreq(frame, 1.0 / sample_rate), density, frames.shape[0])


def without_line(noise: NoiseSpectrum, frequency_hz: float, half_width_hz: float) -> NoiseSpectrum:
    """The spectrum with the bins about a foreign line (a neighbour's pilot) replaced by their surroundings."""
    distance = np.abs(noise.frequency_hz - frequency_hz)
    line, near = distance <= half_width_hz, (distance > half_width_hz) & (distance <= 3.0 * half_width_hz)
    density = np.where(line, np.mean(noise.density[near]), noise.density)
    return NoiseSpectrum(noise.frequency_hz, density, noise.frames)


def weighted_power(noise: NoiseSpectrum, weighting: str) -> tuple[float, float]:
    """Power from 20 Hz to 20 kHz behind a weighting, and its relative standard deviation.

    Parameters
    ----------
    weighting : str
        ``"A"``, ``"CCIR-RMS"`` or ``"none"``.
    """
    f = noise.frequency_hz
    inside = (f >= BAND_HZ[0]) & (f <= BAND_HZ[1])
    f = f[inside]
    gain_db = {
        "A": a_weight_db(f),
        "CCIR-RMS": itu468_weight_db(f) + CCIR_RMS_OFFSET_DB,
        "none": np.zeros(f.size),
    }[weighting]
    parts = noise.density[inside] * 10.0 ** (gain_db / 10.0) * noise.step_hz
    power = float(np.sum(parts))
    # A bin of one frame has a spread of 1. Its noise is in the neighbouring bins and frames too: sum of w^4 over that of w^2
    # squared, 1.94 for the bins, and 0.17 for the frame on either side.
    spread = float(np.sqrt(2.28 * np.sum(parts**2) / noise.frames)) / max(power, 1e-300)
    return power, spread


def third_octaves(noise: NoiseSpectrum) -> tuple[np.ndarray, np.ndarray]:
    """Power in third-octave bands from 25 Hz to 20 kHz (IEC 61260-1, base ten).

    Returns
    -------
    centre_hz, power : ndarray, shape (bands,)
    """
    centre = 1000.0 * 10.0 ** (np.arange(-16, 14) / 10.0)
    low, high = centre * 10.0**-0.05, centre * 10.0**0.05
    edge_low, edge_high = noise.frequency_hz - noise.step_hz / 2, noise.frequency_hz + noise.step_hz / 2
    # A bin that a band edge cuts counts by the share inside.
    share = np.clip(np.minimum(edge_high[None, :], high[:, None]) - np.maximum(edge_low[None, :], low[:, None]), 0.0, None)
    kept = high <= noise.frequency_hz[-1]
    return centre[kept], (share @ noise.density)[kept]


def hum_lines(noise: NoiseSpectrum) -> list[tuple[float, float]]:
    """Mains lines that stand out, as (frequency in Hz, power), of the mains frequency with the stronger lines."""
    found: dict[float, list[tuple[float, float]]] = {}
    for base in HUM_BASES_HZ:
        found[base] = []
        for order in HUM_ORDERS:
            distance = np.abs(noise.frequency_hz - base * order)
            line, near = distance <= 2.0 * noise.step_hz, (distance > 3.0 * noise.step_hz) & (distance < 8.0 * noise.step_hz)
            floor = float(np.median(noise.density[near]))
            peak = float(np.max(noise.density[line]))
            if peak > HUM_RATIO * floor:
                power = float(np.sum(noise.density[line] - floor) * noise.step_hz)
                found[base].append((base * order, power))
    return max(found.values(), key=lambda lines: sum(p for _, p in lines))
