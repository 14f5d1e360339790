"""Noise: level, spectrum by scipy's Welch estimate, and seeds."""

import numpy as np
import pytest
from scipy.signal import welch
from scipy.stats import kstest

from signals.noise import pink_noise, white_noise

RATE = 48_000


def test_white_noise_is_gaussian_and_flat() -> None:
    noise = white_noise(400_000, 1)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1 / np.sqrt(2), rel=0.005)
    assert kstest(noise[::7] * np.sqrt(2), "norm").pvalue > 0.01
    density = welch(noise, RATE, nperseg=1024)[1][5:-5]
    # White noise of mean square 1/2 over half the rate; 780 half-overlapped frames leave 4 % (one standard deviation).
    assert density.mean() == pytest.approx(0.5 / (RATE / 2), rel=0.005)
    assert density.std() / density.mean() < 0.06


def test_pink_noise_has_equal_power_in_every_octave_and_none_outside() -> None:
    noise = pink_noise(20 * RATE, RATE, 3, 30.0, 16_000.0)
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1 / np.sqrt(2), rel=1e-9)
    power = np.abs(np.fft.rfft(noise)) ** 2
    frequency = np.fft.rfftfreq(noise.size, 1 / RATE)
    assert power[(frequency < 29.9) | (frequency > 16_001.0)].max() < 1e-12 * power.max()
    octaves = [power[(frequency >= f) & (frequency < 2 * f)].sum() for f in (250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0)]
    # 5000 bins and more in each: 1.4 % of power, one standard deviation, in the narrowest.
    assert np.abs(10 * np.log10(octaves / np.mean(octaves))).max() < 0.2


def test_noise_follows_from_its_seed() -> None:
    assert np.array_equal(pink_noise(1000, RATE, 5), pink_noise(1000, RATE, 5))
    first, second = pink_noise(RATE, RATE, 5), pink_noise(RATE, RATE, 6)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.1
