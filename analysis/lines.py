"""Sines of known frequency in a steady stretch of signal, and the noise that each of them stands in.

Each line is found by its correlation behind a tapered window, which is least squares as lines are many bins apart. The noise that
falls into its bin is told by the bins beside it: by their median, which a stray line (hum, a flutter sideband) does not move.

References
----------
D. Rife, R. Boorstyn, IEEE Trans. Inf. Theory 20(5), 1974: variance of amplitude and phase of a sine in white noise. The power P
that is found for a line in Gaussian noise of power h in its bin has the variance 2 P h + h^2 (noncentral chi-squared).
"""

from dataclasses import dataclass

import numba
import numpy as np
from scipy.signal.windows import tukey

from analysis.quantile import quantile

TAPER = 0.25  # of the stretch, half at either end: 0.4 dB worse than none, and its skirts fall by 18 dB an octave
OWN_BINS = 4.0  # so far from a line its own remains may reach
SURE = 0.8
"""A power is told when its 95 % uncertainty is at most this part of it: the amplitude is then known to half of itself."""


@dataclass(frozen=True)
class Lines:
    """Lines of a stretch of signal.

    Attributes
    ----------
    amplitude : ndarray, complex, shape (lines,)
        Peak amplitude, the phase that of a cosine at the first sample.
    hiss : ndarray, shape (lines,)
        Mean square of the error that noise makes in it.
    hiss_spread : ndarray, shape (lines,)
        Relative standard deviation with which `hiss` is known.
    rest : ndarray, shape (samples,)
        The stretch without its lines and its mean.
    """

    amplitude: np.ndarray
    hiss: np.ndarray
    hiss_spread: np.ndarray
    rest: np.ndarray

    @property
    def power(self) -> np.ndarray:
        """Squared amplitude less the share of hiss, which can make it negative; sums stay without bias that way."""
        return np.abs(self.amplitude) ** 2 - self.hiss

    @property
    def variance(self) -> np.ndarray:
        """Variance of `power`."""
        return 2.0 * np.maximum(self.power, 0.0) * self.hiss + self.hiss**2 * (1.0 + self.hiss_spread**2)


def fit(signal: np.ndarray, frequency_hz: np.ndarray, sample_rate: int, reach_hz: float) -> Lines:
    """Find lines of known frequencies.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
        A steady stretch.
    frequency_hz : ndarray, shape (lines,)
        Their frequencies, apart by several times the inverse of the length.
    reach_hz : float
        How far to either side of a line its noise is looked for.
    """
    rest = signal - np.mean(signal)
    window = taper(rest.size)
    turn = 2.0 * np.pi * np.asarray(frequency_hz, dtype=np.float64) / sample_rate
    amplitude = _taken_out(rest, window / np.sum(window), turn)
    density = np.abs(np.fft.rfft(rest * window)) ** 2 * 4.0 / np.sum(window) ** 2
    step_hz = sample_rate / rest.size
    own = round(OWN_BINS)
    reach = max(round(reach_hz / step_hz), own + 4)
    centres = np.round(np.asarray(frequency_hz, dtype=np.float64) / step_hz).astype(np.int64)
    return Lines(amplitude, *_hiss(density, centres, own, reach), rest)


@numba.njit(cache=True, nogil=True)
def _hiss(density: np.ndarray, centres: np.ndarray, own: int, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power of noise in the bins on either side of every line, and how far it is known."""
    hiss, spread = np.zeros(centres.size), np.ones(centres.size)
    for i in range(centres.size):
        centre = centres[i]
        first, last = max(1, centre - reach), min(centre + reach + 1, density.size)
        near, count = np.empty(max(last - first, 0)), 0
        for k in range(first, last):
            if abs(k - centre) > own:
                near[count] = density[k]
                count += 1
        if count:
            # The power in a bin of noise is exponentially distributed: its median is ln 2 of its mean, and known to 1.44 / sqrt n.
            hiss[i] = quantile(near[:count], 0.5) / np.log(2.0)
            spread[i] = 1.0 / (np.log(2.0) * np.sqrt(count))
    return hiss, spread


def taper(samples: int) -> np.ndarray:
    """Window of a stretch, shape (samples,)."""
    return np.asarray(tukey(samples, TAPER))


def amplitude_doubt(power: float, variance: float) -> float | None:
    """95 % uncertainty of an amplitude, relative, from the power it was taken from and its variance; None where it is not told.

    The root makes the interval lopsided; its lower and longer side is stated, since where noise lifts a line over the threshold
    the truth lies below.
    """
    doubt = 1.96 * np.sqrt(variance)
    return 1.0 - float(np.sqrt(1.0 - doubt / power)) if power > 0.0 and doubt <= SURE * power else None


@numba.njit(cache=True, nogil=True, fastmath=True)
def _taken_out(rest: np.ndarray, weight: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Amplitudes of the lines, which are taken out of `rest` one after the other."""
    amplitude = np.zeros(turn.size, dtype=np.complex128)
    cosine, sine = np.empty(rest.size), np.empty(rest.size)
    for i in range(turn.size):
        # A rotating phasor in blocks, each a turn of the one before, for speed.
        block = min(64, rest.size)
        for m in range(block):
            cosine[m], sine[m] = np.cos(turn[i] * m), np.sin(turn[i] * m)
        for start in range(block, rest.size, block):
            c, s = np.cos(turn[i] * start), np.sin(turn[i] * start)
            for m in range(min(block, rest.size - start)):
                cosine[start + m] = c * cosine[m] - s * sine[m]
                sine[start + m] = s * cosine[m] + c * sine[m]
        in_phase = quadrature = 0.0
        for m in range(rest.size):
            in_phase += weight[m] * rest[m] * cosine[m]
            quadrature += weight[m] * rest[m] * sine[m]
        for m in range(rest.size):
            rest[m] -= 2.0 * (in_phase * cosine[m] + quadrature * sine[m])
        amplitude[i] = 2.0 * (in_phase - 1j * quadrature)
    return amplitude
