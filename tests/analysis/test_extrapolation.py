"""What a fluctuation is carried on with: lines go on, noise dies away."""

import numpy as np
import pytest

from analysis.extrapolation import burg, extended

RATE_HZ = 1000.0


@pytest.mark.parametrize(("frequency_hz", "seconds"), [(0.2, 5.0), (0.53, 5.0), (4.0, 1.0)])
def test_a_slow_line_goes_on(frequency_hz: float, seconds: float) -> None:
    time = np.arange(-10_000, 40_000) / RATE_HZ
    line = np.sin(2 * np.pi * frequency_hz * time + 0.7)
    whole, added = extended(line[10_000:40_000], RATE_HZ, 10.0)
    assert added == 10_000
    assert whole.size == 50_000
    assert np.allclose(whole[added : added + 30_000], line[10_000:40_000], atol=1e-12)
    beyond = round(seconds * RATE_HZ)
    near = slice(added - beyond, added + 30_000 + beyond)
    assert np.sqrt(np.mean((whole - line)[near] ** 2)) < 0.1


def test_noise_dies_away() -> None:
    noise = np.random.default_rng(0).standard_normal(30_000)
    slow = np.convolve(noise, np.ones(200) / 200, mode="same")
    whole, added = extended(slow, RATE_HZ, 10.0)
    assert np.std(whole[: added // 2]) < np.std(slow)
    assert np.abs(whole).max() < 2.0 * np.abs(slow).max()


def test_a_short_recording_is_extended_by_its_own_length_at_most() -> None:
    whole, added = extended(np.ones(50), RATE_HZ, 10.0)
    assert added == 49
    assert whole.size == 148
    assert np.all(np.isfinite(whole))


def test_burg_finds_a_known_autoregression() -> None:
    rng = np.random.default_rng(1)
    x = np.zeros(20_000)
    for n in range(2, x.size):
        x[n] = 1.5 * x[n - 1] - 0.8 * x[n - 2] + rng.standard_normal()
    # The asymptotic standard deviation is sqrt((1 - 0.8^2) / 20000) = 0.004.
    assert burg(x, 2) == pytest.approx([1.5, -0.8], abs=0.013)
    # Whatever the data, no root lies outside the unit circle.
    for seed in range(5):
        a = burg(np.cumsum(np.random.default_rng(seed).standard_normal(100)), 30)
        assert np.abs(np.roots(np.concatenate(([1.0], -a)))).max() <= 1.0 + 1e-9
    assert np.array_equal(burg(np.zeros(10), 3), np.zeros(3))
