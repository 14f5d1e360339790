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

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.signal import get_window

from analysis.extrapolation import extended
from analysis.weighting import flutter_weight_db

TWO_SIGMA_PERCENTILE = 95.0
MINIMUM_S = 5.0  # AES6-2008: read over at least 5 s
SHORTEST_S = {
    "wow_flutter_weighted_2sigma": MINIMUM_S - 0.2,  # what a tone of 5 s keeps without its edges
    "wow_flutter_weighted_rms": 2.0,
    "wow_flutter_unweighted_rms": 2.0,
    "wow_rms": 2.0,
    "flutter_rms": 0.5,
}
UNWEIGHTED_HZ = (0.2, 200.0)
WOW_HZ = (0.5, 6.0)
FLUTTER_HZ = (6.0, 200.0)
BANDS_HZ = {"wow_flutter_unweighted_rms": UNWEIGHTED_HZ, "wow_rms": WOW_HZ, "flutter_rms": FLUTTER_HZ}
FILTER_S = 10.0
ENDS_S = {
    "wow_flutter_weighted_2sigma": 0.08,
    "wow_flutter_weighted_rms": 0.10,
    "wow_flutter_unweighted_rms": 0.08,
    "wow_rms": 0.13,
    "flutter_rms": 0.13,
}
"""What the filters cannot know beyond the ends of the tone is worth this much of its length (95 %)."""


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
    highest_hz : float
        Fluctuations up to here were followed; 200 Hz, or 0.4 of the frequency of a low tone (AES6-2008).
    """

    percent: np.ndarray
    rate_hz: float
    noise_density: float
    highest_hz: float = UNWEIGHTED_HZ[1]


@dataclass(frozen=True)
class Figure:
    """A figure in %, freed of the share of hiss, and its 95 % uncertainty."""

    value: float
    uncertainty: float


def deviation(delay_s: np.ndarray, step_s: float, noise_density: float, highest_hz: float = UNWEIGHTED_HZ[1]) -> Deviation:
    """Speed deviation from the delay on a uniform grid of output time, shape (points - 1,).

    The ratio of returned to sent frequency is 1 - d'(t) over output time; its mean is taken out.
    """
    ratio = 1.0 - np.diff(delay_s) / step_s
    mean = float(np.mean(ratio))
    return Deviation(100.0 * (ratio - mean) / mean, 1.0 / step_s, noise_density, highest_hz)


def figures(signal: Deviation) -> dict[str, Figure]:
    """All conventions side by side, by quantity name.

    Returns
    -------
    dict of str to Figure
        ``wow_flutter_weighted_2sigma``, ``wow_flutter_weighted_rms``, ``wow_flutter_unweighted_rms``, ``wow_rms``,
        ``flutter_rms``; all in %.
    """
    length_s = signal.percent.size / signal.rate_hz
    whole = CarriedOn.of(signal)
    frequency = whole.frequency_hz
    weight = _weight_amplitude(frequency, signal.highest_hz)
    weighted, noise = whole.filtered(weight), _hiss_rms(signal, frequency, weight)
    two_sigma = float(np.percentile(np.abs(weighted), TWO_SIGMA_PERCENTILE))
    out = {
        name: _freed(value, _rms(weighted), noise, ENDS_S[name] / length_s)
        for name, value in (("wow_flutter_weighted_2sigma", two_sigma), ("wow_flutter_weighted_rms", _rms(weighted)))
    }
    for name, (low, high) in BANDS_HZ.items():
        top = min(high, signal.highest_hz)
        band = _band(frequency, low, top)
        value, noise = _rms(whole.filtered(band)), _hiss_rms(signal, frequency, band)
        # A line near the lower edge is in or out by the length of the recording alone: that much is in doubt.
        shift = 1.0 / length_s
        narrower = _rms(whole.filtered(_band(frequency, low + shift, top)))
        wider = _rms(whole.filtered(_band(frequency, max(low - shift, 0.5 * low), top)))
        freed = _freed(value, value, noise, ENDS_S[name] / length_s)
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


@dataclass(frozen=True)
class CarriedOn:
    """A deviation carried on beyond its ends, as a spectrum that filters are applied to.

    Attributes
    ----------
    frequency_hz, values : ndarray, shape (bins,)
        Transform of the deviation, freed of what the mean over one step does to it.
    added, points : int
        Points added at each end, and of the deviation itself.
    """

    frequency_hz: np.ndarray
    values: np.ndarray
    added: int
    points: int

    @classmethod
    def of(cls, signal: Deviation) -> Self:
        """Carry a deviation on."""
        whole, added = extended(signal.percent - np.mean(signal.percent), signal.rate_hz, FILTER_S)
        frequency = np.fft.rfftfreq(whole.size, 1.0 / signal.rate_hz)
        return cls(frequency, np.fft.rfft(whole) / _step_response(frequency, signal), added, signal.percent.size)

    def filtered(self, amplitude: np.ndarray) -> np.ndarray:
        """The deviation through a zero-phase filter given by its amplitude at `frequency_hz`, shape (points,)."""
        y = np.fft.irfft(self.values * amplitude, self.points + 2 * self.added)
        return y[self.added : self.added + self.points]


def _hiss_rms(signal: Deviation, frequency: np.ndarray, amplitude: np.ndarray) -> float:
    """The RMS that hiss has behind a filter."""
    density = signal.noise_density * (2.0 * np.pi * frequency * 100.0) ** 2
    return float(np.sqrt(np.sum(density * amplitude**2) * (frequency[1] - frequency[0])))


def _step_response(frequency: np.ndarray, signal: Deviation) -> np.ndarray:
    """What the mean over one step does to a fluctuation."""
    return np.sinc(frequency / signal.rate_hz)


def _freed(value: float, rms: float, noise: float, ends: float) -> Figure:
    share = min(1.0, (noise / max(rms, 1e-12)) ** 2)
    freed = value * np.sqrt(1.0 - share)
    # Half of the correction is in doubt.
    return Figure(float(freed), float(0.5 * (value - freed) + ends * value + 0.3 * noise * share))


def _weight_amplitude(frequency: np.ndarray, highest_hz: float) -> np.ndarray:
    return np.where(frequency <= highest_hz, 10.0 ** (flutter_weight_db(frequency) / 20.0), 0.0)


def _band(frequency: np.ndarray, low_hz: float, high_hz: float) -> np.ndarray:
    return ((frequency >= low_hz) & (frequency <= high_hz)).astype(float)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2)))
