"""Crosstalk: what one track gives to another, found below the noise by correlation with the track that sounds.

All tracks share one head and one tape, so what leaks from a track has the time base of that track, wow and flutter and all.
The recording of the sounding track is therefore the best replica of what leaks from it: no time base is needed. Over the bins k
around a tone, X being the spectrum of the sounding track and Y that of the one that listens,

    H = sum_k conj(X_k) Y_k / sum_k |X_k|^2          variance of H = N / sum_k |X_k|^2

with N the noise in one bin of Y. This is the matched filter: a tone of T seconds and power S stands against the noise of 1 / T Hz,
however far flutter spreads its line.

References
----------
G. C. Carter, "Coherence and time delay estimation", Proc. IEEE 75(2), 1987. G. L. Turin, "An introduction to matched filters", IRE
Trans. Inf. Theory 6(3), 1960.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import prev_fast_len, rfft
from scipy.signal.windows import tukey

TAPER_S = 0.1  # keeps a loud tone far away, such as a pilot on the listening track, out of the bins
LINE_HZ, LINE_SHARE = 10.0, 0.006  # flutter spreads a line by a share of its frequency
HEARD = 12.0  # power over noise from which a line counts: noise alone reaches it six times in a million
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Leak:
    """What a listening track hears of one tone of a sounding track.

    Attributes
    ----------
    ratio : complex
        Listening over sounding track.
    variance : float
        Variance of the ratio by noise, of both its parts together.
    source_snr : float
        Power of the tone over the noise in its bins, on the sounding track.
    """

    ratio: complex
    variance: float
    source_snr: float

    @property
    def heard(self) -> bool:
        """Whether it stands above the noise."""
        return abs(self.ratio) ** 2 > HEARD * self.variance

    @property
    def level_db(self) -> float:
        """Level re the sounding track, the share of the noise subtracted."""
        return float(10.0 * np.log10(abs(self.ratio) ** 2 - self.variance))

    @property
    def uncertainty_db(self) -> float:
        """95 % uncertainty of the level, its wider side."""
        return float(-20.0 * np.log10(1.0 - NORMAL_95 * np.sqrt(0.5 * self.variance) / abs(self.ratio)))

    @property
    def limit_db(self) -> float:
        """Level that it stays below 95 % of the time."""
        return float(20.0 * np.log10(abs(self.ratio) + NORMAL_95 * np.sqrt(0.5 * self.variance) + 1e-10))


def leaks(recording: np.ndarray, source: int, frequencies_hz: Sequence[float], sample_rate: int) -> list[list[Leak]]:
    """What every channel of a recording holds of the tones of one channel.

    Parameters
    ----------
    recording : ndarray, shape (samples, channels)
        A stretch in which tones sound on one channel, and on others nothing near them.
    source : int
        The channel that sounds.
    frequencies_hz : sequence of float
        Tones as they come back, right within 0.6 %.

    Returns
    -------
    list of list of Leak
        By tone and channel; of the source in itself the ratio is 1.
    """
    spectrum, spacing_hz = _spectrum(recording, sample_rate)
    found = []
    for frequency_hz in frequencies_hz:
        part = spectrum[_bins(frequency_hz, spacing_hz, spectrum.shape[0])]
        replica = part[:, source]
        # The noise of the sounding track is in the sum too, and is no part of the tone. Flutter's sidebands are.
        noise = replica.size * _beside(spectrum[:, source], frequency_hz, spacing_hz)
        total = float(np.sum(np.abs(replica) ** 2))
        power = max(total - noise, 1e-3 * total, 1e-200)  # a channel may be digitally silent
        row = []
        for channel in range(part.shape[1]):
            ratio = complex(np.vdot(replica, part[:, channel]) / power)
            own = channel == source
            beside = 0.0 if own else _noise(part[:, channel] - ratio * replica)
            row.append(Leak(1.0 + 0.0j if own else ratio, beside / power, power / max(noise, 1e-200)))
        found.append(row)
    return found


def tone_powers(recording: np.ndarray, frequencies_hz: Sequence[float], sample_rate: int) -> np.ndarray:
    """Power of tones above the noise beside them on every channel, summed; shape (channels,)."""
    spectrum, spacing_hz = _spectrum(recording, sample_rate)
    powers = np.zeros(recording.shape[1])
    for frequency_hz in frequencies_hz:
        part = spectrum[_bins(frequency_hz, spacing_hz, spectrum.shape[0])]
        for channel, strength in enumerate(np.abs(part.T) ** 2):
            total = float(np.sum(strength))
            noise = strength.size * _beside(spectrum[:, channel], frequency_hz, spacing_hz)
            powers[channel] += total - noise if total > 2.0 * noise else 0.0
    return powers


def _spectrum(recording: np.ndarray, sample_rate: int) -> tuple[np.ndarray, float]:
    """Spectrum of every channel, shape (bins, channels), of all but the last few samples, and the spacing of its bins in Hz."""
    samples = prev_fast_len(recording.shape[0], real=True)
    window = tukey(samples, min(1.0, 2.0 * TAPER_S * sample_rate / samples))
    return np.stack([rfft(channel[:samples] * window) for channel in recording.T], axis=1), sample_rate / samples


def _bins(frequency_hz: float, spacing_hz: float, count: int, widths: float = 1.0) -> slice:
    half_hz = widths * (LINE_HZ + LINE_SHARE * frequency_hz)
    first = max(1, int(np.ceil((frequency_hz - half_hz) / spacing_hz)))
    return slice(first, min(count, int((frequency_hz + half_hz) / spacing_hz) + 1))


def _beside(spectrum: np.ndarray, frequency_hz: float, spacing_hz: float) -> float:
    """Noise in a bin on both sides of a line, out to three times its width."""
    line, around = (_bins(frequency_hz, spacing_hz, spectrum.size, widths) for widths in (1.0, 3.0))
    return _noise(np.concatenate((spectrum[around.start : line.start], spectrum[line.stop : around.stop])))


def _noise(part: np.ndarray) -> float:
    """Mean power of a bin: lines stand in few of the bins, and the power of noise is exponentially distributed."""
    return float(np.median(np.abs(part) ** 2) / np.log(2.0)) if part.size else 0.0
