"""Wow and flutter: from the delay of a tone to the figures of every convention.

========================== ======================= =================================================
figure                     weighting, band         statistic
========================== ======================= =================================================
weighted two-sigma         IEC 60386               value exceeded 5 % of the time (AES6-2008)
weighted RMS               IEC 60386               RMS (JIS, "WRMS")
unweighted RMS             0.2 to 200 Hz           RMS
wow                        0.5 to 6 Hz             RMS
flutter                    6 to 200 Hz             RMS
========================== ======================= =================================================

References
----------
AES6-2008, "Method for measurement of weighted peak flutter of sound recording and reproducing equipment"; IEC 60386; DIN 45507.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.signal import find_peaks, get_window

from analysis.extrapolation import extended
from analysis.weighting import flutter_weight_db

TWO_SIGMA_PERCENTILE = 95.0
MINIMUM_S = 5.0  # AES6-2008: read over at least 5 s
UNWEIGHTED_HZ = (0.2, 200.0)
WOW_HZ = (0.5, 6.0)
FLUTTER_HZ = (6.0, 200.0)
LINE_RATIO = 5.0  # a line stands this far above its surroundings; one bin of hiss in ten million does
FILTER_S = 10.0
ENDS_S = 0.13  # what the filters cannot know beyond the ends of the tone is worth this much of its length (95 %)


@dataclass(frozen=True)
class Deviation:
    """Speed deviation of a recording over output time.

    Attributes
    ----------
    percent : ndarray, shape (points,)
        (f - mean) / mean in %, each point the mean over one step.
    rate_hz : float
        Points a second.
    noise_density : float
        One-sided power density of the delay's error, s^2/Hz: what hiss adds to the reading.
    """

    percent: np.ndarray
    rate_hz: float
    noise_density: float


@dataclass(frozen=True)
class Figure:
    """A figure in %, freed of the share of hiss, and its 95 % uncertainty."""

    value: float
    uncertainty: float


def deviation(delay_s: np.ndarray, step_s: float, noise_density: float) -> Deviation:
    """Speed deviation from the delay on a uniform grid of output time, shape (points - 1,).

    The ratio of returned to sent frequency is 1 - d'(t) over output time; its mean is taken out.
    """
    ratio = 1.0 - np.diff(delay_s) / step_s
    mean = float(np.mean(ratio))
    return Deviation(100.0 * (ratio - mean) / mean, 1.0 / step_s, noise_density)


def figures(signal: Deviation) -> dict[str, Figure]:
    """All conventions side by side, by quantity name.

    Returns
    -------
    dict of str to Figure
        ``wow_flutter_weighted_2sigma``, ``wow_flutter_weighted_rms``, ``wow_flutter_unweighted_rms``, ``wow_rms``,
        ``flutter_rms``; all in %.
    """
    length_s = signal.percent.size / signal.rate_hz
    weighted, noise = _filtered(signal, _weight_amplitude)
    two_sigma = float(np.percentile(np.abs(weighted), TWO_SIGMA_PERCENTILE))
    out = {
        "wow_flutter_weighted_2sigma": _freed(two_sigma, _rms(weighted), noise, length_s),
        "wow_flutter_weighted_rms": _freed(_rms(weighted), _rms(weighted), noise, length_s),
    }
    for name, band in (("wow_flutter_unweighted_rms", UNWEIGHTED_HZ), ("wow_rms", WOW_HZ), ("flutter_rms", FLUTTER_HZ)):
        filtered, noise = _filtered(signal, partial(_band, low_hz=band[0], high_hz=band[1]))
        # A line near the lower edge is in or out by the length of the recording alone: that much is in doubt.
        shift = 1.0 / length_s
        narrower = _rms(_filtered(signal, partial(_band, low_hz=band[0] + shift, high_hz=band[1]))[0])
        wider = _rms(_filtered(signal, partial(_band, low_hz=max(band[0] - shift, 0.5 * band[0]), high_hz=band[1]))[0])
        freed = _freed(_rms(filtered), _rms(filtered), noise, length_s)
        out[name] = Figure(freed.value, freed.uncertainty + 0.5 * abs(wider - narrower))
    return out


def spectrum(signal: Deviation) -> tuple[np.ndarray, np.ndarray]:
    """RMS amplitude over frequency: a line stands at its own RMS value in %.

    Returns
    -------
    frequency_hz, percent_rms : ndarray, shape (bins,)
    """
    x = signal.percent - np.mean(signal.percent)
    window = get_window("hann", x.size)
    frequency = np.fft.rfftfreq(x.size, 1.0 / signal.rate_hz)
    amplitude = np.abs(np.fft.rfft(x * window)) * np.sqrt(2.0) / np.sum(window) / _step_response(frequency, signal)
    inside = (frequency >= 0.1) & (frequency <= 0.45 * signal.rate_hz)
    return frequency[inside], amplitude[inside]


def lines(signal: Deviation, most: int = 8) -> list[tuple[float, float]]:
    """Strongest lines of the spectrum between 0.3 and 200 Hz, as (frequency in Hz, RMS in %), strongest first."""
    frequency, amplitude = spectrum(signal)
    inside = (frequency > 0.3) & (frequency < 200.0)
    frequency, amplitude = frequency[inside], amplitude[inside]
    around = np.array([np.median(amplitude[(frequency > f * 0.7) & (frequency < f * 1.4)]) for f in frequency])
    peaks, _ = find_peaks(amplitude, distance=3)
    strong = [i for i in peaks if amplitude[i] > LINE_RATIO * around[i]]
    strong.sort(key=lambda i: -amplitude[i])
    exact = [_peak_frequency(frequency, amplitude, i) for i in strong[:most]]
    return [(f, _line_rms(signal, f)) for f in exact]


def _line_rms(signal: Deviation, frequency_hz: float) -> float:
    """RMS of the line at a frequency that need not be one of the transform's."""
    window = get_window("hann", signal.percent.size)
    turn = np.exp(-2j * np.pi * frequency_hz / signal.rate_hz * np.arange(window.size))
    value = np.abs(np.sum((signal.percent - np.mean(signal.percent)) * window * turn)) * np.sqrt(2.0) / np.sum(window)
    return float(value / _step_response(np.array([frequency_hz]), signal)[0])


def _peak_frequency(frequency: np.ndarray, amplitude: np.ndarray, i: int) -> float:
    if not 0 < i < amplitude.size - 1:
        return float(frequency[i])
    left, mid, right = np.log(amplitude[i - 1 : i + 2] + 1e-30)
    bend = left - 2.0 * mid + right
    offset = 0.5 * (left - right) / bend if bend < 0 else 0.0
    return float(frequency[i] + offset * (frequency[1] - frequency[0]))


def _filtered(signal: Deviation, weight: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, float]:
    """Deviation through a zero-phase filter given by its amplitude, and the RMS that hiss has behind it."""
    x = signal.percent - np.mean(signal.percent)
    whole, added = extended(x, signal.rate_hz, FILTER_S)
    frequency = np.fft.rfftfreq(whole.size, 1.0 / signal.rate_hz)
    amplitude = weight(frequency)
    y = np.fft.irfft(np.fft.rfft(whole) * amplitude / _step_response(frequency, signal), whole.size)
    density = signal.noise_density * (2.0 * np.pi * frequency * 100.0) ** 2
    noise = float(np.sqrt(np.sum(density * amplitude**2) * (frequency[1] - frequency[0])))
    return y[added : added + x.size], noise


def _step_response(frequency: np.ndarray, signal: Deviation) -> np.ndarray:
    """What the mean over one step does to a fluctuation."""
    return np.sinc(frequency / signal.rate_hz)


def _freed(value: float, rms: float, noise: float, length_s: float) -> Figure:
    share = min(1.0, (noise / max(rms, 1e-12)) ** 2)
    freed = value * np.sqrt(1.0 - share)
    # Half of the correction is in doubt.
    return Figure(float(freed), float(0.5 * (value - freed) + ENDS_S / length_s * value + 0.3 * noise * share))


def _weight_amplitude(frequency: np.ndarray) -> np.ndarray:
    return np.where(frequency <= UNWEIGHTED_HZ[1], 10.0 ** (flutter_weight_db(frequency) / 20.0), 0.0)


def _band(frequency: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    return ((frequency >= low_hz) & (frequency <= high_hz)).astype(float)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
