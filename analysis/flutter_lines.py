"""Lines of the flutter spectrum: parts that turn.

The record pass and the play pass contribute a line each, whose frequencies differ as the speeds of the passes do, so that they
beat. A line is therefore fitted, together with all others, as a sine and a cosine whose amplitudes are polynomials in time; its
RMS is that of the fit over the whole of the tone, less what random flutter puts into so many coefficients.
"""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.polynomial import legendre
from scipy.signal import find_peaks

from analysis import peak
from analysis.quantile import quantile
from analysis.wow_flutter import Deviation, spectrum

LOW_HZ, HIGH_HZ = 0.3, 200.0
RATIO = 4.3  # a line stands this far above its surroundings; three bins of hiss in a million do
QUANTILE, TO_MEDIAN = 0.35, 1.268  # lines raise a low quantile least; a Rayleigh distribution's median over it
PASSES = 0.007  # speeds of two passes differ by less
LEAST_ORDER, MOST_ORDER = 2, 10
LEAST_PERIODS = 3.0
ALIKE = 0.3
MOST_ALIKE = 2  # parts that turn at nearly one rate; more lines than that beside each other are random flutter
BESIDE_BINS, BESIDE = 12.0, 0.06  # how far from a line the random flutter beside it is read
SYSTEMATIC = 0.002
UNEVEN = 1.2
APART_BINS = 3.0  # nearer to each other two peaks are one line


@dataclass(frozen=True)
class Line:
    """A line: frequency in Hz, RMS over the tone in %, and the 95 % uncertainty of the latter."""

    frequency_hz: float
    rms: float
    uncertainty: float


def lines(signal: Deviation, most: int = 8) -> list[Line]:
    """Strongest lines of the spectrum between 0.3 and 200 Hz, strongest first."""
    length_s = signal.percent.size / signal.rate_hz
    frequency, amplitude = spectrum(signal)
    inside = (frequency > max(LOW_HZ, LEAST_PERIODS / length_s)) & (frequency < min(HIGH_HZ, signal.highest_hz))
    frequency, amplitude = frequency[inside], amplitude[inside]
    if frequency.size < 5:
        return []
    around = _surroundings(frequency, amplitude)
    peaks, _ = find_peaks(amplitude)
    strong = sorted((i for i in peaks if amplitude[i] > RATIO * around[i]), key=lambda i: -amplitude[i])
    chosen: list[int] = []
    for i in strong:
        apart = [abs(frequency[i] - frequency[j]) for j in chosen]
        # What lies so near to a stronger line is the same part in the other pass, or the skirt of the line.
        if all(d > max(APART_BINS / length_s, PASSES * frequency[j]) for d, j in zip(apart, chosen, strict=True)):
            chosen.append(i)
    exact = frequency[0] + np.array([peak.of_line(amplitude, i) for i in chosen[:most]]) / length_s
    # A bin is 1.5 / T wide behind a Hann window: power density of the random flutter in %^2/Hz.
    density = np.array([_beside(frequency, amplitude, i, chosen, length_s) for i in chosen[:most]]) * length_s / 1.5
    return sorted(_fitted(signal, exact, density), key=lambda line: -line.rms) if chosen else []


def _fitted(signal: Deviation, frequency_hz: np.ndarray, density: np.ndarray) -> list[Line]:
    """RMS of the lines at some frequencies, fitted all together."""
    # Means of neighbours lose nothing that the step's own response does not say.
    stride = max(1, int(signal.rate_hz / (2.5 * max(HIGH_HZ, float(np.max(frequency_hz))))))
    points, rate_hz = signal.percent.size // stride, signal.rate_hz / stride
    x = signal.percent[: points * stride].reshape(points, stride).mean(axis=1)
    length_s = points / rate_hz
    orders = np.clip(np.ceil(PASSES * frequency_hz * length_s), LEAST_ORDER, MOST_ORDER).astype(int)
    time = (np.arange(points) + 0.5) / rate_hz
    shapes = legendre.legvander(np.linspace(-1.0, 1.0, points), int(orders.max()))
    columns = []
    for f, order in zip(frequency_hz, orders, strict=True):
        turn = np.exp(2j * np.pi * f * time)[:, None] * shapes[:, : order + 1]
        columns.append(np.concatenate((turn.real, turn.imag), axis=1))
    design = np.concatenate(columns, axis=1)
    weights = np.linalg.lstsq(design.T @ design, design.T @ (x - np.mean(x)), rcond=1e-10)[0]
    found, first = [], 0
    for f, block, n in zip(frequency_hz, columns, density, strict=True):
        part = block @ weights[first : first + block.shape[1]]
        first += block.shape[1]
        noise = n * block.shape[1] / (2.0 * length_s)
        found.append(_line(float(f), float(np.mean(part**2)), float(noise), float(n) / length_s, rate_hz))
    return found


def _line(frequency_hz: float, total: float, noise: float, bin_power: float, rate_hz: float) -> Line:
    """The line in a fit of some power, with the share of random flutter in it, and that in a band of one over the length."""
    power = max(total - noise, 0.1 * total)
    # A sine of power P in noise N: variance 2 P N / T; and a third of the noise taken off is in doubt. Random flutter is uneven,
    # and what is read around the line may be off by as much as the factor.
    sd = UNEVEN * np.sqrt(2.0 * power * bin_power + noise * bin_power + (0.35 * noise) ** 2)
    step = float(np.sinc(frequency_hz / rate_hz))  # what the mean over one step does to it
    rms = float(np.sqrt(power)) / step
    return Line(frequency_hz, rms, float(1.96 * sd / (2.0 * np.sqrt(power))) / step + SYSTEMATIC * rms)


def _beside(frequency: np.ndarray, amplitude: np.ndarray, i: int, chosen: list[int], length_s: float) -> float:
    """Mean power of the bins on either side of a line; weaker ones, and many alike, count as random flutter."""
    distance = np.abs(frequency - frequency[i])
    near = (distance > APART_BINS / length_s) & (distance < max(BESIDE_BINS / length_s, BESIDE * frequency[i]))
    alike = [j for j in chosen if near[j] and amplitude[j] > ALIKE * amplitude[i]]
    for j in alike if len(alike) <= MOST_ALIKE else ():
        near &= np.abs(frequency - frequency[j]) > APART_BINS / length_s
    return float(np.mean(amplitude[near] ** 2)) if near.any() else 0.0


def _surroundings(frequency: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """Median of the spectrum without its lines, from 0.7 to 1.4 of every frequency."""
    first, last = np.searchsorted(frequency, 0.7 * frequency), np.searchsorted(frequency, 1.4 * frequency)
    return TO_MEDIAN * _quantiles(np.ascontiguousarray(amplitude), first, last)


@numba.njit(cache=True, nogil=True)
def _quantiles(values: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Quantile of many stretches of one array."""
    out = np.empty(first.size)
    for k in range(first.size):
        out[k] = quantile(values[first[k] : last[k]], QUANTILE)
    return out
