"""The static law: its equation by hand, its ratio and unity level from noisy pairs, and how honest their uncertainty is."""

import numpy as np
import pytest

from analysis.compander.channel import Channel
from analysis.compander.law import fit, high_db

STEPS = np.arange(-40.0, 1.0, 2.5)


def test_without_noise_high_is_r_times_low():
    assert high_db(STEPS, 2.0, 0.0) == pytest.approx(2.0 * STEPS)
    assert high_db(STEPS, 1.7, 0.0) == pytest.approx(1.7 * STEPS)


def test_far_below_the_noise_the_gain_stands_still():
    low = np.array([-80.0, -70.0])
    assert high_db(low, 2.0, 1e-4) == pytest.approx(low - 40.0, abs=0.01)


@pytest.mark.parametrize(("ratio", "unity", "noise_db"), [(2.0, 0.0, None), (2.0, -10.0, -31.0), (1.6, 5.0, -25.0)])
def test_ratio_and_unity_come_back_where_noise_bends_the_law(ratio, unity, noise_db):
    noise = 0.0 if noise_db is None else 10.0 ** (noise_db / 10.0)
    power = 10.0 ** (STEPS / 10.0) + noise
    high = STEPS + (ratio - 1.0) * (10.0 * np.log10(power) - unity)
    law = fit(STEPS, high, np.full(STEPS.size, 0.02))
    assert law is not None
    assert law.ratio == pytest.approx(ratio, abs=1e-4)
    expected = 10.0 * np.log10(10.0 ** (unity / 10.0) - noise)
    level, _ = law.unity_db()
    assert level == pytest.approx(expected, abs=2e-3)


def test_the_ratio_and_the_unity_level_lie_within_their_uncertainty_95_times_in_100():
    rng = np.random.default_rng(7)
    inside, trials = np.zeros(2), 300
    for _ in range(trials):
        ratio, unity, noise = rng.uniform(1.5, 2.5), rng.uniform(-12.0, 5.0), 10.0 ** (rng.uniform(-55.0, -28.0) / 10.0)
        sd = np.hypot(0.05, 0.2 * 10.0 ** (-(STEPS + 40.0) / 20.0))
        clean = STEPS + (ratio - 1.0) * (10.0 * np.log10(10.0 ** (STEPS / 10.0) + noise) - unity)
        law = fit(STEPS, clean + sd * rng.standard_normal(STEPS.size), sd)
        true_unity = 10.0 * np.log10(10.0 ** (unity / 10.0) - noise)
        level, level_sd = law.unity_db()
        inside += abs(law.ratio - ratio) < 1.96 * law.ratio_sd, abs(level - true_unity) < 1.96 * level_sd
    assert np.all((inside / trials >= 0.90) & (inside / trials <= 0.99)), inside / trials


@pytest.mark.parametrize("levels", [[-20.0, -10.0], [-12.0, -11.0, -10.0, -9.0, -8.0]])
def test_too_few_or_too_close_levels_tell_nothing(levels):
    assert fit(levels, [2.0 * x for x in levels], [0.02] * len(levels)) is None


def bent_channel() -> Channel:
    """+3 dB of gain; output loses 0.1 dB at -5, 0.4 at 0 and 1.5 dB at +5 dB."""
    level = np.arange(-30.0, 6.0, 5.0)
    loss = np.interp(level, [-10.0, -5.0, 0.0, 5.0], [0.0, 0.1, 0.4, 1.5])
    f = np.geomspace(20.0, 20_000.0, 200)
    return Channel({1000.0: np.stack([level, 3.0 - loss])}, (f, 3.0 - 6.0 * np.log2(np.maximum(f / 8000.0, 1.0))))


def test_the_channel_gives_gain_and_compression_and_takes_them_back():
    channel = bent_channel()
    assert channel.gain_db(1000.0) == pytest.approx(3.0)
    assert channel.gain_db(16_000.0) == pytest.approx(-3.0, abs=0.1)  # from the response
    assert channel.compression_db(1000.0, np.array([-40.0, 0.0])) == pytest.approx([0.0, 0.4])
    for sent in (-50.0, -3.0, 0.0, 4.0):
        returned = sent + 3.0 - float(channel.compression_db(1000.0, np.array(sent)))
        assert channel.as_sent_db(1000.0, np.array(returned)) == pytest.approx(sent, abs=0.01)
    assert -5.0 < channel.straight_to_db(1000.0) < -3.0
    assert channel.straight_to_db(8000.0) < -10.0  # nothing tells how much a tape holds there
