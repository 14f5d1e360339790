import numpy as np
import pytest
from scipy.signal import lfilter

from modeling.cores import least_squares
from modeling.cores.least_squares import Identity, Sums, behind, correlate, mixed, solve
from modeling.pairs import Pair

RATE = 48000
NOISE = {"kind": "noise"}
"""What begins and ends in silence, and is taken as it is."""


class Two:
    """Two features: the input, and its cube."""

    before_samples = 0
    after_samples = 0

    def __call__(self, x):
        return np.stack([x, x**3])


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    dry = np.zeros(30000)
    dry[1000:29000] = rng.standard_normal(28000)
    g = np.stack([np.r_[0.2, 1.0, -0.5, 0.1], np.r_[0.0, -0.1, 0.05, 0.02]])
    ahead = 1
    u = np.stack([dry, dry**3])
    wet = sum(np.convolve(u[k], g[k])[ahead : ahead + dry.size] for k in range(2))
    whole = np.ones(dry.size, dtype=bool)
    return Pair(dry, wet, whole, RATE, "train", conditions=NOISE), g, ahead


def test_filters_are_those_of_a_dense_least_squares_solution(pair):
    """A noisy target and numpy's own solver on the explicit matrix of shifted signals."""
    pair, _, ahead = pair
    rng = np.random.default_rng(1)
    wet = pair.wet + 0.3 * rng.standard_normal(pair.samples)
    noisy = Pair(pair.dry, wet, pair.mask, RATE, "train", conditions=NOISE)
    taps = 6
    found = solve(correlate([noisy], Two(), 16), taps, ahead, 1e-12)
    padded = np.pad(np.stack([pair.dry, pair.dry**3]), ((0, 0), (taps, taps)))
    columns = [padded[k, taps + ahead - i :][: pair.samples] for k in range(2) for i in range(taps)]
    dense = np.linalg.lstsq(np.array(columns).T, wet, rcond=None)[0].reshape(2, taps)
    assert np.allclose(found, dense, atol=1e-6)


def test_known_filters_are_found(pair):
    pair, g, ahead = pair
    assert np.allclose(solve(correlate([pair], Two(), 8), 4, ahead, 1e-12), g, atol=1e-6)


def test_correlations_of_some_signals_are_those_summed_for_them_alone(pair):
    pair, _, _ = pair
    some, alone = correlate([pair], Two(), 8).of([0]), correlate([pair], Identity(), 8)
    assert np.allclose(some.auto, alone.auto, rtol=1e-9, atol=1e-6)
    assert np.allclose(some.cross, alone.cross, rtol=1e-9, atol=1e-6)


def test_correlations_do_not_depend_on_the_cut_into_blocks(pair, monkeypatch):
    pair, _, _ = pair
    whole = correlate([pair], Two(), 20)
    monkeypatch.setattr(least_squares, "FFT_SAMPLES", 4096)
    cut = correlate([pair], Two(), 20)
    assert np.allclose(cut.auto, whole.auto, rtol=1e-9, atol=1e-6)
    assert np.allclose(cut.cross, whole.cross, rtol=1e-9, atol=1e-6)


def test_correlations_behind_a_filter_are_those_of_filtered_signals(pair):
    pair, _, _ = pair
    h, ahead = np.r_[0.3, 1.0, 0.4, -0.2, 0.1], 2

    class Filtered:
        before_samples = after_samples = 0

        def __call__(self, x):
            return np.stack([np.convolve(row, h)[ahead : ahead + x.size] for row in Two()(x)])

    derived = behind(correlate([pair], Two(), 30), h, ahead, 10)
    direct = correlate([pair], Filtered(), 10)
    assert np.allclose(derived.auto, direct.auto, rtol=1e-9, atol=1e-5)
    assert np.allclose(derived.cross, direct.cross, rtol=1e-9, atol=1e-5)


def test_correlations_of_a_mix_are_those_of_the_mixed_signal(pair):
    pair, g, ahead = pair

    class Mix:
        before_samples = after_samples = 0

        def __call__(self, x):
            rows = Two()(x)
            return sum(np.convolve(rows[k], g[k])[ahead : ahead + x.size] for k in range(2))[None]

    derived = mixed(correlate([pair], Two(), 30), g, ahead, 10)
    direct = correlate([pair], Mix(), 10)
    assert np.allclose(derived.auto, direct.auto, rtol=1e-9, atol=1e-5)
    assert np.allclose(derived.cross, direct.cross, rtol=1e-9, atol=1e-5)


def test_masked_samples_do_not_count():
    rng = np.random.default_rng(4)
    dry = rng.standard_normal(20000)
    wet = 0.5 * dry
    mask = np.ones(20000, dtype=bool)
    mask[5000:9000] = False
    wet[5000:9000] = 7.0 * dry[5000:9000]
    found = solve(correlate([Pair(dry, wet, mask, RATE, "train")], Identity(), 4), 1, 0, 1e-12)
    assert found[0, 0] == pytest.approx(0.5, abs=1e-9)


def test_tapered_sums_are_those_of_the_windowed_signals():
    """Both times of a product weighed: plain correlation of what the window leaves."""
    rng = np.random.default_rng(6)
    dry, wet = rng.standard_normal(4000), rng.standard_normal(4000)
    mask = np.zeros(4000, dtype=bool)
    mask[500:3500] = True
    window = np.zeros(4000)
    window[500:3500] = np.hanning(3000)
    whole, blocks = Sums(Two(), 5, size=3008), Sums(Two(), 5, size=512)
    blocks.add([Pair(dry, wet, mask, RATE, "train")], tapered=True)
    power = float(np.sum((wet * window) ** 2))
    whole.add_whole(Pair(dry, wet, mask, RATE, "train"), power)
    u = np.stack([dry, dry**3]) * window
    for found in (whole.correlations(), blocks.correlations()):
        assert found.power == pytest.approx(power)
        for lag in range(-5, 6):
            assert found.auto[0, 1, 5 + lag] == pytest.approx(np.sum(u[0] * np.roll(u[1], -lag)), rel=1e-6)
            assert found.cross[1, 5 + lag] == pytest.approx(np.sum(wet * window * np.roll(u[1], -lag)), rel=1e-6)


def test_a_whole_sound_is_shaped_and_weighed_to_a_power():
    """Against plain sums of what the window and a convolution leave."""
    rng = np.random.default_rng(8)
    dry, wet = rng.standard_normal(2400), rng.standard_normal(2400)
    mask = np.zeros(2400, dtype=bool)
    mask[200:2200] = True
    shaping, window = np.array([-0.3, 0.2, 1.0, 0.2, -0.3]), np.zeros(2400)
    window[mask] = np.hanning(2000)
    sums = Sums(Two(), 7, size=2016)
    sums.add_whole(Pair(dry, wet, mask, RATE, "tone"), 5.0, shaping)
    found = sums.correlations()
    x, y = (np.convolve(window * sound, shaping, "same") for sound in (dry, wet))
    share = 5.0 / np.sum(y**2)
    assert found.power == pytest.approx(5.0)
    for lag in range(-7, 8):
        assert found.auto[0, 0, 7 + lag] == pytest.approx(share * np.sum(x * np.roll(x, -lag)), rel=1e-9, abs=1e-9)
        assert found.cross[0, 7 + lag] == pytest.approx(share * np.sum(y * np.roll(x, -lag)), rel=1e-9, abs=1e-9)


def test_a_sound_that_came_back_as_nothing_teaches_nothing():
    sums = Sums(Two(), 5, size=3008)
    for mask in (np.ones(2000, dtype=bool), np.zeros(2000, dtype=bool)):
        sums.add_whole(Pair(np.ones(2000), np.zeros(2000), mask, RATE, "tone"), 1.0)
    found = sums.correlations()
    assert not found.auto.any()
    assert found.power == 0.0


def test_a_sound_longer_than_a_transform_is_refused():
    with pytest.raises(ValueError, match="2005 samples does not fit in a transform of 2000"):
        Sums(Two(), 5, size=2000).add_whole(Pair(np.ones(2000), np.ones(2000), np.ones(2000, dtype=bool), RATE, "tone"), 1.0)


def test_short_music_is_solved_for_in_spite_of_its_edges():
    """Three seconds cut out of a sound whose bass is 60 dB over its treble: hard edges take the one for the other."""
    dry = lfilter([1.0], np.poly([0.999, 0.999]), np.random.default_rng(3).standard_normal(5 * RATE))
    dry /= np.std(dry)
    h = np.exp(-np.arange(200) / 40.0) * np.cos(np.arange(200) / 3.0)
    wet = np.convolve(dry, h)[: dry.size]
    mask = np.zeros(dry.size, dtype=bool)
    mask[RATE : 4 * RATE] = True
    errors = {}
    for kind in ("music", "noise"):
        found = solve(
            correlate([Pair(dry, wet, mask, RATE, "train", conditions={"kind": kind})], Identity(), 300), 300, 0, 1e-9
        )
        error = np.convolve(dry, found[0])[: dry.size] - wet
        errors[kind] = np.sum(error[mask] ** 2) / np.sum(wet[mask] ** 2)
    assert errors["music"] < 1e-6
    assert errors["noise"] > 10.0 * errors["music"]


@pytest.mark.parametrize("shaping", [None, np.array([-0.5, 1.0, -0.5])])
def test_equations_of_a_tapered_excerpt_are_positive_definite(shaping):
    """Bass that is cut out of a longer sound; with hard edges the equations are not, which shows that the case is hard enough."""
    t = np.arange(6000) / RATE
    dry = np.sin(2 * np.pi * 60.0 * t) + 0.01 * np.sin(2 * np.pi * 7000.0 * t)
    mask = np.zeros(dry.size, dtype=bool)
    mask[1000:5000] = True
    lags = 40 + np.arange(20)[:, None] - np.arange(20)[None, :]
    least = {}
    for tapered in (False, True):
        sums = Sums(Two(), 40, spread=2)
        sums.add([Pair(dry, dry, mask, RATE, "train")], tapered=tapered, shaping=shaping)
        matrix = sums.correlations().auto[:, :, lags].transpose(0, 2, 1, 3).reshape(40, 40)
        scale = np.sqrt(np.diag(matrix))
        least[tapered] = float(np.linalg.eigvalsh(matrix / np.outer(scale, scale))[0])
    assert least[False] < -1e-7
    assert least[True] > -1e-9
