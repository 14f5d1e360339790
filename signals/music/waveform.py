"""Sounds as functions of seconds and hertz, sampled at whatever rate is asked for.

Every instrument is put together from the pieces on this page. Envelopes are functions of time, spectra functions of
frequency, and noise is a set of Fourier coefficients that belongs to a duration rather than to a sample rate. So the same
note at 48 and at 96 kHz is the same waveform, and none holds anything above :data:`TOP_HZ` that could fold.
"""

from collections.abc import Callable

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

Response = Callable[[np.ndarray], np.ndarray]

TOP_HZ = 19_000.0
_GRID_S = 0.01  # durations of noise are multiples of it, and it is a whole number of samples at every usual rate


def stream(seed: int, *key: int) -> np.random.Generator:
    """Independent random stream for one part, bar or note of the piece `seed`."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def times(duration_s: float, sample_rate: int) -> np.ndarray:
    """Sampling instants of a sound in s, shape ``(samples,)``."""
    return np.arange(max(1, int(np.ceil(duration_s * sample_rate)))) / sample_rate


def grid(duration_s: float, sample_rate: int) -> tuple[int, np.ndarray]:
    """Length in samples of a period that holds the sound and is quick to transform, and its frequencies up to TOP_HZ in Hz.

    The frequencies depend on the duration alone.
    """
    period_s = next_fast_len(int(np.ceil(duration_s / _GRID_S)) or 1, real=True) * _GRID_S
    return round(period_s * sample_rate), np.arange(1, int(TOP_HZ * period_s) + 1) / period_s


def from_spectrum(spectrum: np.ndarray, samples: int) -> np.ndarray:
    """Sum of cosines with the complex amplitudes `spectrum` at the frequencies of :func:`grid`, shape ``(samples,)``.

    The topmost eighth is faded, since a spectrum that ends in a step would ring at its end.
    """
    bins = np.zeros(samples // 2 + 1, dtype=np.complex128)
    bins[1 : len(spectrum) + 1] = spectrum
    faded = len(spectrum) // 8
    bins[len(spectrum) + 1 - faded : len(spectrum) + 1] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, faded + 1) / faded)
    return irfft(bins, samples) * (samples / 2)


def noise(rng: np.random.Generator, duration_s: float, sample_rate: int, response: Response) -> np.ndarray:
    """Gaussian noise of the given magnitude response, shape ``(samples,)``; unit variance for a response of 1."""
    samples, frequency_hz = grid(duration_s, sample_rate)
    white = rng.standard_normal(2 * len(frequency_hz)).view(np.complex128)
    return from_spectrum(white * response(frequency_hz) / np.sqrt(len(frequency_hz)), samples)[
        : len(times(duration_s, sample_rate))
    ]


def shape(sound: np.ndarray, sample_rate: int, response: Response, ring_s: float = 0.0) -> np.ndarray:
    """Filter a sound with a complex response, letting it ring on for `ring_s`."""
    length = len(sound) + int(ring_s * sample_rate)
    samples = next_fast_len(length + int(0.05 * sample_rate), real=True)
    spectrum = rfft(sound, samples)
    frequency_hz = np.arange(len(spectrum)) * (sample_rate / samples)
    return irfft(spectrum * response(frequency_hz), samples)[:length]


def resonance(frequency_hz: np.ndarray, centre_hz: float, bandwidth_hz: float) -> np.ndarray:
    """Band-pass of second order, 1 at its centre: ``j f b / (f0^2 - f^2 + j f b)``. Takes complex frequencies too."""
    damping = 1j * frequency_hz * bandwidth_hz
    return damping / (centre_hz**2 - frequency_hz**2 + damping)


def band(low_hz: float, high_hz: float, order: int = 2) -> Response:
    """Magnitude response that passes `low_hz` to `high_hz`, with Butterworth slopes of the given order."""

    def magnitude(frequency_hz: np.ndarray) -> np.ndarray:
        above = 1.0 / (1.0 + (low_hz / np.maximum(frequency_hz, 1e-3)) ** (2 * order))
        below = 1.0 / (1.0 + (frequency_hz / high_hz) ** (2 * order))
        return np.sqrt(above * below)

    return magnitude


def decay(time_s: np.ndarray, t60_s: float) -> np.ndarray:
    """Exponential decay by 60 dB in `t60_s`."""
    return np.exp(time_s * (-np.log(1e3) / t60_s))


def ramp(time_s: np.ndarray, start_s: float, length_s: float) -> np.ndarray:
    """Raised-cosine step from 0 at `start_s` to 1 at ``start_s + length_s``, over rising instants."""
    first, last = np.searchsorted(time_s, (start_s, start_s + length_s))
    step = np.zeros(len(time_s))
    step[first:last] = 0.5 - 0.5 * np.cos((time_s[first:last] - start_s) * (np.pi / length_s))
    step[last:] = 1.0
    return step


def gate(time_s: np.ndarray, attack_s: float, hold_s: float, release_s: float) -> np.ndarray:
    """Envelope that rises at once, holds 1 until `hold_s` and is gone `release_s` later."""
    return ramp(time_s, 0.0, attack_s) * (1.0 - ramp(time_s, hold_s, release_s))


def wander(rng: np.random.Generator, time_s: np.ndarray, fastest_hz: float) -> np.ndarray:
    """Slow irregular movement of unit variance: what no player's hand or voice is without."""
    rates_hz = fastest_hz * np.array([0.23, 0.51, 1.0]) * rng.uniform(0.8, 1.2, 3)
    phases = rng.uniform(0.0, 2.0 * np.pi, 3)
    moves = sum(np.sin(2.0 * np.pi * rate * time_s + phase) for rate, phase in zip(rates_hz, phases, strict=True))
    return np.asarray(moves) * np.sqrt(2.0 / 3.0)


def level(sound: np.ndarray, sample_rate: int) -> np.ndarray:
    """Scale a sound so that its loudest 50 ms have an RMS of 1; energy, unlike a peak, is the same at every rate."""
    window = round(0.05 * sample_rate)
    energy = np.add.reduceat(sound * sound, np.arange(0, len(sound), window))
    loudest = float(np.max(energy)) / window
    return sound / np.sqrt(loudest) if loudest > 0.0 else sound
