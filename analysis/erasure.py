"""Erasure: what is left of an earlier recording where another was made over it.

The later recording has a silent stretch; what the earlier one held there is known, but not exactly where: the tape was rewound by
hand, and every record pass has a speed of its own. So the stretch is compared with the earlier recording at every offset and at a
number of speeds, in frames k short enough that flutter keeps them coherent:

    c_k = sum_n conj(x_k[n]) y_k[n]         E_k = sum_n |x_k[n]|^2         g^2 = sum_k (|c_k|^2 - s E_k) / sum_k E_k^2

with x the earlier and y the later recording, both whitened by the noise of y, and s its power. g is the amplitude left. Under
noise alone the sum over its deviation, z = sum_k (|c_k|^2 - s E_k) / (s sqrt(sum_k E_k^2)), exceeds t with a probability of
exp(-t - 1) at most in any one place.

References
----------
G. L. Turin, "An introduction to matched filters", IRE Trans. Inf. Theory 6(3), 1960.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import fft, ifft, next_fast_len, rfft
from scipy.ndimage import median_filter

from analysis.dewarp import interpolate

BAND_HZ = (250.0, 3250.0)
NOTCH_SHARE = 0.03  # around a line to be left out, for speed and flutter
WHITENED_HZ = 40.0
FRAME_S = 0.2
SPEED_PERCENT, SPEED_STEP_PERCENT = 0.8, 0.1  # by which the record passes are taken to differ
MOST_SPEED_PERCENT = 2.0  # and, where something is heard, at most
STRAYS = np.linspace(-0.3, 0.3, 7)  # samples that a frame comes later than the one before, between two of the speeds
HEARD = 28.0  # some ten million places are looked at
SYSTEMATIC_DB = 1.0  # coherence lost to flutter, and levels that change along a tape
NORMAL_95 = 1.96


@dataclass(frozen=True)
class Residue:
    """What is left of an earlier recording.

    Attributes
    ----------
    heard : bool
        Whether anything stands above the noise.
    level_db, uncertainty_db : float
        Level re that of the earlier recording, and its 95 % uncertainty.
    limit_db : float
        Level from which it would have been found at nine of ten offsets.
    offset_s : float
        Where the stretch lies in the earlier recording, re where it would lie had both begun at one place.
    """

    heard: bool
    level_db: float
    uncertainty_db: float
    limit_db: float
    offset_s: float


def residue(
    silence: np.ndarray, earlier: np.ndarray, reach_s: float, sample_rate: int, avoid_hz: Sequence[float]
) -> Residue:
    """Find what is left of an earlier recording in a stretch of a later one.

    Parameters
    ----------
    silence : ndarray, shape (samples,)
        Silent stretch of the later recording, on the clock of its stimulus.
    earlier : ndarray, shape (samples,)
        The earlier recording on the clock of its own, from `reach_s` before that stretch to `reach_s` after it.
    reach_s : float
        Largest offset.
    avoid_hz : sequence of float
        Lines that both hold anyway, such as the pilot's.
    """
    band = _Band.around(silence, next_fast_len(earlier.size), sample_rate, avoid_hz)
    lags, frame = (round(seconds * band.rate_hz) for seconds in (2.0 * reach_s, FRAME_S))
    slowest = silence.size / (1.0 + MOST_SPEED_PERCENT / 100.0)
    search = _Search.of(band.filtered(earlier), int(slowest / sample_rate * band.rate_hz) // frame, frame, lags)

    def at(step: int) -> tuple[float, float, float, float, int]:
        speed = 1.0 + step * SPEED_STEP_PERCENT / 100.0
        return search.best(band.filtered(interpolate(silence, np.arange(int(silence.size / speed)) * speed)))

    near, farthest = (round(percent / SPEED_STEP_PERCENT) for percent in (SPEED_PERCENT, MOST_SPEED_PERCENT))
    found = [at(step) for step in range(-near, near + 1)]
    if max(found)[0] > HEARD:
        # At a wrong speed some of it is heard too, and taken for less than there is.
        found += [at(side * step) for step in range(near + 1, farthest + 1) for side in (-1, 1)]
    z, noise, power, variance, lag = max(found)
    power = max(power, 1e-30)
    share = min(NORMAL_95 * np.sqrt(variance) / power, 0.99)
    return Residue(
        heard=z > HEARD and power < 1.0,
        level_db=float(10.0 * np.log10(power)),
        uncertainty_db=float(-10.0 * np.log10(1.0 - share)) + SYSTEMATIC_DB,
        limit_db=float(10.0 * np.log10(np.quantile(HEARD * noise / np.sqrt(search.squares), 0.9))),
        offset_s=lag / band.rate_hz - reach_s,
    )


@dataclass(frozen=True)
class _Band:
    """One band as a complex signal of a low rate, weighted by the noise of a stretch."""

    size: int
    low: int
    gain: np.ndarray
    rate_hz: float

    @classmethod
    def around(cls, silence: np.ndarray, size: int, sample_rate: int, avoid_hz: Sequence[float]) -> "_Band":
        low, high = (round(f * size / sample_rate) for f in BAND_HZ)
        frequency = np.arange(low, high) * sample_rate / size
        density = np.abs(np.fft.rfft(silence * np.hanning(silence.size))) ** 2
        smooth = median_filter(density, max(3, round(WHITENED_HZ * silence.size / sample_rate)))
        own = np.fft.rfftfreq(silence.size, 1.0 / sample_rate)
        gain = 1.0 / np.sqrt(np.interp(frequency, own, smooth) + 1e-30)
        for line_hz in avoid_hz:
            gain[np.abs(frequency - line_hz) < NOTCH_SHARE * line_hz] = 0.0
        return cls(size, low, gain, (high - low) * sample_rate / size)

    def filtered(self, signal: np.ndarray) -> np.ndarray:
        """Complex signal, as long as the real one."""
        whole = ifft(rfft(signal, self.size)[self.low : self.low + self.gain.size] * self.gain)
        return whole[: round(signal.size / self.size * self.gain.size)]


@dataclass(frozen=True)
class _Search:
    """An earlier recording, ready to be compared with frames of a later one.

    Attributes
    ----------
    energies : ndarray, shape (frames, lags)
        E_k at every lag.
    squares : ndarray, shape (lags,)
        Sum of their squares.
    """

    spectrum: np.ndarray
    frame: int
    energies: np.ndarray
    squares: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray, frames: int, frame: int, lags: int) -> "_Search":
        padded = np.concatenate((x, np.zeros(max(0, frames * frame + lags - x.size))))
        total = np.concatenate(([0.0], np.cumsum(np.abs(padded) ** 2)))
        starts = frame * np.arange(frames)[:, None] + np.arange(lags)
        energies = total[starts + frame] - total[starts]
        return cls(fft(padded, next_fast_len(padded.size + frame)), frame, energies, np.sum(energies**2, axis=0) + 1e-300)

    def best(self, y: np.ndarray) -> tuple[float, float, float, float, int]:
        """Highest z; then noise, g^2, the variance of that and the lag in samples."""
        frames, lags = self.energies.shape
        noise = float(np.median(np.abs(y) ** 2) / np.log(2.0))
        excess = np.empty((frames, lags))
        for k in range(frames):
            part = y[k * self.frame : (k + 1) * self.frame]
            # sum_n conj(x[n + m]) y[n] for all m at once
            across = ifft(self.spectrum * np.conj(fft(part, self.spectrum.size)))[k * self.frame :][:lags]
            excess[k] = np.abs(across) ** 2 - noise * self.energies[k]
        best = (-np.inf, noise, 0.0, 0.0, 0)
        for stray in STRAYS:
            summed = np.sum([np.roll(row, -round(stray * k)) for k, row in enumerate(excess)], axis=0)
            z = summed / (noise * np.sqrt(self.squares))
            lag = int(np.argmax(z))
            if z[lag] > best[0]:
                power, square = summed[lag] / self.squares[lag], self.squares[lag]
                cubes = np.sum(self.energies[:, lag] ** 3)
                variance = (2.0 * max(power, 0.0) * noise * cubes + noise**2 * square) / square**2
                best = (float(z[lag]), noise, float(power), float(variance), lag)
        return best
