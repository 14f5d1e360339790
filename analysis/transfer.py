"""The response between two aligned signals, and the delay that is in it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy import fft
from scipy.signal import get_window

RESPONSE_S = 0.090
RECENTRE_HZ = (400.0, 6000.0)
SMOOTHED_OCTAVES = 0.3
ENOUGH_COHERENCE = 1.0 / 3.0  # the band above counts in full
TRIED = 81  # delays at a time
MOST_FRAMES = 4096  # more tell nothing that these, spread evenly, do not
BATCH = 64


def frame_size(rate: int) -> int:
    """Samples of a frame: about 90 ms, a power of two."""
    return 1 << round(np.log2(RESPONSE_S * rate))


@dataclass
class Spectra:
    """Sums of cross- and auto-spectra over frames, weighted cell by cell by 1 / (|Y|^2 + a tenth of its mean).

    Loud moments so do not decide alone. Sums of several pieces add up.

    Attributes
    ----------
    rate : int
        Sample rate in Hz.
    mean_power : ndarray, shape (bins,)
        Mean of |Y|^2 over all frames that will be added.
    sums : ndarray, shape (3, bins), complex
        Weighted sums of Y conj(X), |X|^2, |Y|^2.
    """

    rate: int
    mean_power: np.ndarray
    sums: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.sums = np.zeros((3, self.mean_power.size), dtype=complex)

    @property
    def frequency_hz(self) -> np.ndarray:
        """Frequencies of the bins."""
        return np.fft.rfftfreq(2 * (self.mean_power.size - 1), 1.0 / self.rate)

    def add(self, warped: np.ndarray, wet: np.ndarray, every: int = 1) -> None:
        """Add what two aligned signals tell, from half-overlapping frames or every so many of them."""
        for X, Y in zip(_frames(warped, self.rate, every), _frames(wet, self.rate, every), strict=True):
            power = Y.real**2 + Y.imag**2
            weight = 1.0 / (power + 0.1 * self.mean_power + 1e-30)
            self.sums[0] += np.sum(weight * Y * np.conj(X), axis=0)
            self.sums[1] += np.sum(weight * (X.real**2 + X.imag**2), axis=0)
            self.sums[2] += np.sum(weight * power, axis=0)

    def response(self, advance_s: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Response and coherence, smoothed over 0.3 octave after a delay is taken off, which is given back by the caller."""
        frequency = self.frequency_hz
        turned = self.sums[0] * np.exp(2j * np.pi * frequency * advance_s)
        cross, power_in, power_out = (
            octave_mean(s, frequency, SMOOTHED_OCTAVES) for s in (turned, self.sums[1].real, self.sums[2].real)
        )
        # A floor far below the programme keeps bands in which nothing was sent from dividing nothing by nothing.
        power_in = power_in + 1e-9 * float(np.max(power_in)) + 1e-30
        power_out = power_out + 1e-30
        return cross / power_in, np.clip(np.abs(cross) ** 2 / (power_in * power_out), 0.0, 1.0)


def mean_power(wet: np.ndarray, rate: int, every: int = 1) -> np.ndarray:
    """Mean of |Y|^2 over the frames of a signal, shape (bins,)."""
    total, count = np.zeros(frame_size(rate) // 2 + 1), 0
    for Y in _frames(wet, rate, every):
        total += np.sum(Y.real**2 + Y.imag**2, axis=0, dtype=np.float64)
        count += Y.shape[0]
    return total / max(count, 1)


def transfer(warped: np.ndarray, wet: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Response from aligned programme, with coherence, over frequency; smoothed over 0.3 octave.

    Returns
    -------
    H : ndarray, complex, shape (bins,)
    coherence : ndarray, shape (bins,)
    frequency_hz : ndarray, shape (bins,)
    """
    every = 1 + wet.size // (MOST_FRAMES * frame_size(rate) // 2)
    spectra = Spectra(rate, mean_power(wet, rate, every))
    spectra.add(warped, wet, every)
    return *spectra.response(), spectra.frequency_hz


def linear_phase_delay(H: np.ndarray, coherence: np.ndarray, frequency_hz: np.ndarray) -> float:
    """Delay in a response: argmax over tau of |sum W H/|H| exp(j 2 pi f tau)| from 400 Hz to 6 kHz.

    The modulus is taken because a constant phase, an inversion say, is not a delay. W is the same at all frequencies, since the
    phase of a deck is no straight line and the constant must not hang on the spectrum of the programme; only where next to
    nothing of it came back does it fall, as coherence / (1 - coherence).
    """
    inside = (frequency_hz >= RECENTRE_HZ[0]) & (frequency_hz <= RECENTRE_HZ[1]) & (np.abs(H) > 0.0)
    if not inside.any():
        return 0.0
    gamma = np.minimum(coherence[inside], ENOUGH_COHERENCE)
    unit = H[inside] / np.abs(H[inside]) * gamma / (1.0 - gamma)
    f = frequency_hz[inside]
    centre, reach = 0.0, 2e-3
    while reach > 2e-9:
        taus, step = np.linspace(centre - reach, centre + reach, TRIED, retstep=True)
        turned, turn = unit * np.exp(2j * np.pi * f * taus[0]), np.exp(2j * np.pi * f * step)
        sums = np.empty(TRIED)
        for k in range(TRIED):
            sums[k] = np.abs(turned.sum())
            turned *= turn
        centre = float(taus[np.argmax(sums)])
        reach /= 10.0
    return centre


def octave_mean(values: np.ndarray, frequency_hz: np.ndarray, octaves: float) -> np.ndarray:
    """Mean over a band around every frequency, along the last axis."""
    ratio = 2.0 ** (octaves / 2.0)
    low = np.searchsorted(frequency_hz, frequency_hz / ratio)
    high = np.searchsorted(frequency_hz, frequency_hz * ratio, side="right")
    total = np.cumsum(values, axis=-1)
    total = np.concatenate((np.zeros((*values.shape[:-1], 1), dtype=total.dtype), total), axis=-1)
    return (total[..., high] - total[..., low]) / np.maximum(high - low, 1)


def _frames(signal: np.ndarray, rate: int, every: int) -> Iterator[np.ndarray]:
    """Spectra of Hann frames that overlap by half, in batches of shape (frames, bins)."""
    size = frame_size(rate)
    if signal.size < size:
        signal = np.pad(signal, (0, size - signal.size))
    frames = np.lib.stride_tricks.sliding_window_view(signal, size)[:: size // 2 * every]
    window = get_window("hann", size).astype(signal.dtype)
    for first in range(0, frames.shape[0], BATCH):
        yield fft.rfft(frames[first : first + BATCH] * window, axis=1)
