"""Modulation noise: what a tone adds to the noise beside it.

The tone and its harmonics, which stand still after dewarping, are replaced by what lies on either side of each; the A-weighted
rest is the noise while a signal is there. A low tone is used, since its own skirts lie where the weighting is low.
"""

import numpy as np
from scipy.signal import get_window

from analysis.noise import NoiseSpectrum, spectrum, weighted_power

NOTCH_HZ = 4.0  # half width: the line after dewarping, and the window's skirts
BESIDE_HZ = 12.0  # the noise beside a line is read up to here
SHARP_FRAME_S = 1.5
SIDEBANDS_HZ, SIDEBANDS_SHARE = 250.0, 0.24  # of a low tone's frequency
WHOLE_HZ = 2.0 * BESIDE_HZ + 1.0


def residue(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> tuple[float, float]:
    """A-weighted power beside a tone and its harmonics, and its relative standard deviation.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        The dewarped tone without its fades, a second or longer.
    frequency_hz : float
        Its frequency as sent, at least 25 Hz.

    Raises
    ------
    ValueError
        The tone is so low that there is no room beside its harmonics.
    """
    if frequency_hz < WHOLE_HZ:
        raise ValueError(f"a tone of {frequency_hz:g} Hz leaves no room beside its harmonics; use {WHOLE_HZ:g} Hz or more")
    return weighted_power(notched(spectrum([tone], sample_rate), frequency_hz), "A")


def notched(whole: NoiseSpectrum, frequency_hz: float, sidebands_hz: float = 0.0) -> NoiseSpectrum:
    """A spectrum with a line and its harmonics replaced by the mean of what lies beside each.

    Parameters
    ----------
    sidebands_hz : float
        As far from the line itself its sidebands are taken for the tone's; as much again beyond tells the noise.
    """
    order = np.maximum(np.round(whole.frequency_hz / frequency_hz), 1.0)
    distance = np.abs(whole.frequency_hz - order * frequency_hz)
    first = (order == 1.0) & (sidebands_hz > NOTCH_HZ)
    inner, outer = np.where(first, sidebands_hz, NOTCH_HZ), np.where(first, 2.0 * sidebands_hz, BESIDE_HZ)
    line, near = distance <= inner, (distance > inner) & (distance <= outer)
    index = order.astype(int)
    total = np.bincount(index[near], whole.density[near], index.max() + 1)
    count = np.bincount(index[near], minlength=index.max() + 1)
    beside = total / np.maximum(count, 1)
    return NoiseSpectrum(whole.frequency_hz, np.where(line, beside[index], whole.density), whole.frames)


def without_tone(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """What is left of a dewarped tone when it and its harmonics are no louder than what lies beside each.

    Frames of 1.5 s, of a window whose skirts are 92 dB down (Blackman-Harris), overlap by three quarters and add up to a constant;
    each is notched by itself, about the tone wide enough for the sidebands that flutter makes up to 200 Hz.

    Parameters
    ----------
    tone : ndarray, shape (samples,)

    Returns
    -------
    ndarray, shape (fewer samples,)
        From :func:`edge_samples` on, and without as much at the end; empty for less than three seconds.
    """
    hop = round(SHARP_FRAME_S * sample_rate) // 4
    frame = 4 * hop
    count = tone.size // hop - 3
    if count < 5:
        return np.zeros(0)
    window = get_window("blackmanharris", frame)
    window /= np.sum(window[::hop])
    frequency = np.fft.rfftfreq(frame, 1.0 / sample_rate)
    sidebands_hz = min(SIDEBANDS_HZ, SIDEBANDS_SHARE * frequency_hz)
    out = np.zeros((count + 3) * hop)
    for start in range(0, count * hop, hop):
        values = np.fft.rfft(tone[start : start + frame] * window)
        density = np.abs(values) ** 2
        calm = notched(NoiseSpectrum(frequency, density, 1), frequency_hz, sidebands_hz).density
        out[start : start + frame] += np.fft.irfft(values * np.sqrt(calm / np.maximum(density, 1e-300)), frame)
    return out[3 * hop : -3 * hop]


def edge_samples(sample_rate: int) -> int:
    """How much :func:`without_tone` cuts off at the beginning, where frames do not overlap in full."""
    return 3 * (round(SHARP_FRAME_S * sample_rate) // 4)
