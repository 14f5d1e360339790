"""Harmonic distortion of a steady tone, by least squares on its harmonics after dewarping.

The FFT of a fluttering tone spreads the n-th harmonic n times as wide as the first, and peak picking then reads half the
distortion. After dewarping by the tone's own phase the harmonics stand still and are found exactly, with the hiss in their
neighbourhood as measure of doubt.

References
----------
IEC 60268-3 (total harmonic distortion re the fundamental); AES17-2020 (THD+N, 20 Hz to 20 kHz, behind a notch).
"""

from dataclasses import dataclass

import numpy as np

from analysis import lines

HIGHEST_HZ = 20_000.0
LOWEST_HZ = 20.0
SYSTEMATIC = 0.004  # of the value: fades, dewarping, what level and speed drift during a tone
LEVEL_SYSTEMATIC_DB = 0.005  # of the fundamental's level: dewarping and drift
NOTCH_Q = 3.0  # the notch of THD+N is as wide as the fundamental over this; the sidebands of fast flutter fall into it
REACH = 0.45  # of the fundamental: how far beside a harmonic its hiss is looked for
MOST_REACH_HZ = 150.0


@dataclass(frozen=True)
class Harmonics:
    """A tone taken apart.

    Attributes
    ----------
    power : ndarray, shape (orders,)
        Squared peak amplitude of the fundamental and its harmonics up to 20 kHz, less the share of hiss and hum; that share can
        make the power of a harmonic that is not there negative, which keeps sums unbiased.
    hiss : ndarray, shape (orders,)
        The share of hiss and hum in each, a squared amplitude.
    variance : ndarray, shape (orders,)
        Variance of each power.
    noise_power : float
        Twice the mean square of all that is neither harmonic nor in the notch, 20 Hz to 20 kHz.
    noise_variance : float
        Its variance.
    """

    power: np.ndarray
    hiss: np.ndarray
    variance: np.ndarray
    noise_power: float
    noise_variance: float

    @property
    def fundamental(self) -> float:
        """Peak amplitude of the fundamental."""
        return float(np.sqrt(max(self.power[0], 0.0)))

    @property
    def residual_rms(self) -> float:
        """RMS of all but the fundamental and what is in the notch around it, 20 Hz to 20 kHz."""
        return float(np.sqrt(0.5 * (self.noise_power + np.sum(self.power[1:] + self.hiss[1:]))))

    def fundamental_doubt_db(self) -> float:
        """95 % uncertainty of the level of the fundamental in dB."""
        by_noise = 1.96 * 4.343 * float(np.sqrt(self.variance[0])) / max(self.power[0], 1e-300)
        return float(np.hypot(by_noise, LEVEL_SYSTEMATIC_DB))

    def thd(self) -> tuple[float, float] | None:
        """Total harmonic distortion re the fundamental in %, and its 95 % uncertainty; None when it drowns in hiss."""
        total = float(np.sum(self.power[1:]))
        doubt = lines.amplitude_doubt(total, float(np.sum(self.variance[1:])))
        if doubt is None:
            return None
        percent = 100.0 * np.sqrt(total) / self.fundamental
        return percent, percent * float(np.hypot(doubt, SYSTEMATIC))

    def thd_n(self) -> tuple[float, float]:
        """THD+N in % and its 95 % uncertainty: residual over the RMS of the fundamental."""
        percent = 100.0 * self.residual_rms * np.sqrt(2.0) / self.fundamental
        spread = np.sqrt(self.noise_variance + np.sum(self.variance[1:])) / (2.0 * self.residual_rms**2 + 1e-300)
        return percent, percent * float(np.hypot(0.5 * 1.96 * spread, SYSTEMATIC))

    def harmonic_db(self, order: int) -> tuple[float, float] | None:
        """Level of a harmonic in dB re the fundamental and its 95 % uncertainty; None when it drowns in hiss."""
        if order > self.power.size:
            return None
        power = float(self.power[order - 1])
        doubt = lines.amplitude_doubt(power, float(self.variance[order - 1]))
        if doubt is None:
            return None
        return 10.0 * float(np.log10(power / self.power[0])), float(
            np.hypot(-20.0 * np.log10(1.0 - doubt), 8.686 * SYSTEMATIC)
        )


def analyse(tone: np.ndarray, frequency_hz: float, sample_rate: int, hum: np.ndarray | None = None) -> Harmonics:
    """Harmonics of a dewarped steady tone.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        The tone without its fades, on the stimulus' clock.
    frequency_hz : float
        Its frequency as sent.
    hum : ndarray, shape (any,), optional
        What stands in silence at its first harmonics, from :func:`silent_power`.
    """
    part = _whole_cycles(tone, frequency_hz, sample_rate)
    orders = max(1, int(min(HIGHEST_HZ, 0.47 * sample_rate) / frequency_hz))
    reach = min(REACH * frequency_hz, MOST_REACH_HZ)
    found = lines.fit(part, frequency_hz * np.arange(1, orders + 1), sample_rate, reach)
    power, variance, hiss = found.power, found.variance, found.hiss.copy()
    # A steady hum in unknown phase lifts a harmonic by its power on the average, and moves it as hiss of that power does.
    stray = np.zeros(orders)
    if hum is not None:
        stray[: hum.size] = hum[:orders]
    power = power - np.where(np.arange(orders) > 0, stray, 0.0)
    variance = variance + 2.0 * np.maximum(power, 0.0) * stray + stray**2
    noise_power, noise_variance = _noise(found.rest, frequency_hz, sample_rate)
    return Harmonics(power, hiss + stray, variance, noise_power, noise_variance)


def silent_power(silence: np.ndarray, frequency_hz: float, samples: int, sample_rate: int, orders: int = 8) -> np.ndarray:
    """Steady lines that stand in silence where the harmonics of a tone will be: hum, and a pilot's.

    Parameters
    ----------
    silence : ndarray, shape (any,)
        Recording without a tone.
    samples : int
        Length of the tone.

    Returns
    -------
    ndarray, shape (orders,)
        Squared peak amplitude, zero where nothing stands out.
    """
    frequencies = frequency_hz * np.arange(1, min(orders, int(0.47 * sample_rate / frequency_hz)) + 1)
    parts = [silence[start : start + samples] for start in range(0, silence.size - samples + 1, samples)]
    if not parts:
        return np.zeros(frequencies.size)
    found = [lines.fit(part, frequencies, sample_rate, min(REACH * frequency_hz, MOST_REACH_HZ)) for part in parts]
    hiss = np.mean([f.hiss for f in found], axis=0)
    above = np.mean([f.power for f in found], axis=0)
    return np.asarray(np.where(above > 4.0 * hiss / np.sqrt(len(parts)), above, 0.0))


def _whole_cycles(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> np.ndarray:
    cycles = int(tone.size / sample_rate * frequency_hz)
    return tone[: round(cycles * sample_rate / frequency_hz)]


def _noise(rest: np.ndarray, frequency_hz: float, sample_rate: int) -> tuple[float, float]:
    """Twice the mean square of what is left, 20 Hz to 20 kHz less a notch, and its variance."""
    window = lines.taper(rest.size)
    rest = rest - np.average(rest, weights=window)  # an offset of the converter would spread behind the window
    power = 4.0 * np.abs(np.fft.rfft(rest * window)) ** 2 / (rest.size * np.sum(window**2))
    frequency = np.fft.rfftfreq(rest.size, 1.0 / sample_rate)
    counted = (frequency >= LOWEST_HZ) & (frequency <= HIGHEST_HZ)
    counted &= np.abs(frequency - frequency_hz) > 0.5 * frequency_hz / NOTCH_Q
    # Neighbouring bins share noise behind a window; the mean of a squared exponential is twice its square.
    shared = rest.size * np.sum(window**4) / np.sum(window**2) ** 2
    return float(np.sum(power[counted])), float(0.5 * shared * np.sum(power[counted] ** 2))
