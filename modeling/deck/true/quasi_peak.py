"""What the quasi-peak meter of ITU-R BS.468-4 makes of noise, from the parts of its network and the current into its capacitors.

Behind the network the noise of a deck is Gaussian; how far the meter's reading then lies above the RMS value depends on the
bandwidth a little and has no closed form, so it is found by letting the meter run over a long stretch of such noise.
"""

from functools import lru_cache

import numba
import numpy as np
from scipy.signal import resample

SOURCE_OHM = LOAD_OHM = 600.0
SHUNTS_F = (13.85e-9, 26.82e-9, 9.21e-9, 31.47e-9)
INDUCTORS_H = (12.88e-3, 26.49e-3)
SERIES_F = 33.06e-9
"""Figure 1a of the recommendation: shunt, inductor, shunt, series capacitor, shunt, inductor, shunt between the resistors."""

CHARGE_S, DISCHARGE_S = (1.483e-3, 0.2728), (0.2913, 0.2901)
"""Two peak rectifiers, of the constants whose readings lie nearest to tables 2 and 3."""

RATE_HZ = 96_000
SECONDS = 20
SETTLED_S = 2
NOTHING = np.zeros(0)


def network(frequency_hz: np.ndarray) -> np.ndarray:
    """Magnitude of the weighting network, 1 at 1 kHz."""
    return _transfer(np.asarray(frequency_hz, dtype=np.float64)) / _transfer(np.array([1000.0]))[0]


def _transfer(frequency_hz: np.ndarray) -> np.ndarray:
    s = 2j * np.pi * np.maximum(frequency_hz, 1e-6)
    # Voltage and current at the source for 1 V at the load, walking back through the ladder.
    volt, ampere = np.ones_like(s), np.full_like(s, 1.0 / LOAD_OHM)
    c1, c2, c3, c4 = SHUNTS_F
    l1, l2 = INDUCTORS_H
    for shunt, series in ((c4, s * l2), (c3, 1.0 / (s * SERIES_F)), (c2, s * l1)):
        ampere = ampere + s * shunt * volt
        volt = volt + series * ampere
    ampere = ampere + s * c1 * volt
    return np.abs(1.0 / (volt + SOURCE_OHM * ampere))


def reading_db(
    frequency_hz: np.ndarray,
    density: np.ndarray,
    line_hz: np.ndarray,
    line_peak: np.ndarray,
    beside: np.ndarray = NOTHING,
    sample_rate: int = RATE_HZ,
) -> float:
    """Mean reading of the meter on Gaussian noise of a one-sided power density with lines in it, dB re a sine of RMS value 1.

    Parameters
    ----------
    frequency_hz, density : ndarray, shape (points,)
        Density before the network; none beyond its ends.
    line_hz, line_peak : ndarray, shape (lines,)
    beside : ndarray, shape (any,)
        A sound that goes with the noise, over and over.
    sample_rate : int
        Of that sound.
    """
    samples = SECONDS * RATE_HZ
    f = _grid_hz()
    power = np.interp(f, frequency_hz, density, left=0.0, right=0.0) * _network_on_grid() ** 2
    generator = np.random.default_rng(468)
    phases = np.exp(2j * np.pi * generator.random(f.size)) * np.sqrt(-np.log1p(-generator.random(f.size)))
    heard = np.fft.irfft(phases * np.sqrt(0.5 * power * RATE_HZ * samples), samples)
    time_s = np.arange(samples) / RATE_HZ
    for hertz, peak in zip(line_hz, line_peak * network(line_hz), strict=True):
        heard += peak * np.sin(2.0 * np.pi * hertz * time_s + hertz)
    if beside.size:
        spectrum = np.fft.rfft(beside)
        spectrum *= network(np.fft.rfftfreq(beside.size, 1.0 / sample_rate))
        heard += np.resize(resample(np.fft.irfft(spectrum, beside.size), beside.size * RATE_HZ // sample_rate), samples)
    return 20.0 * float(np.log10(_mean_reading(heard, SETTLED_S * RATE_HZ) / _reading_of_sine()))


def _grid_hz() -> np.ndarray:
    return np.fft.rfftfreq(SECONDS * RATE_HZ, 1.0 / RATE_HZ)


@lru_cache(maxsize=1)
def _network_on_grid() -> np.ndarray:
    return network(_grid_hz())


@lru_cache(maxsize=1)
def _reading_of_sine() -> float:
    """Of RMS value 1."""
    sine = np.sqrt(2.0) * np.sin(2.0 * np.pi * 1000.0 * np.arange(6 * RATE_HZ) / RATE_HZ)
    return _mean_reading(sine, 4 * RATE_HZ)


@numba.njit(cache=True, nogil=True)
def _mean_reading(signal: np.ndarray, settled: int) -> float:
    """Mean over the samples from `settled` on: dv/dt = max(0, in - v) / charge - v / discharge, for one stage after the other."""
    step = 1.0 / RATE_HZ
    first, second, total = 0.0, 0.0, 0.0
    for i in range(signal.size):
        first += step * (max(0.0, abs(signal[i]) - first) / CHARGE_S[0] - first / DISCHARGE_S[0])
        second += step * (max(0.0, first - second) / CHARGE_S[1] - second / DISCHARGE_S[1])
        if i >= settled:
            total += second
    return total / (signal.size - settled)
