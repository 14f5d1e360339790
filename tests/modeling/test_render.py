import tracemalloc

import numpy as np
import pytest

from modeling.render import Settings, render, render_blocks
from signals.audio import ArrayAudio
from signals.errors import ModelError

RATE = 48000
BARE = Settings(wow=0.0, hiss=0.0)


@pytest.fixture(scope="module")
def model(trained):
    return trained.model


@pytest.fixture(scope="module")
def sound():
    t = np.arange(3 * RATE) / RATE
    return 0.1 * np.sin(2 * np.pi * 440 * t) * np.minimum(1, t * 20)


def test_without_wow_and_hiss_it_is_the_bare_core(model, sound):
    assert np.max(np.abs(render(model, sound, RATE, BARE) - model.core.process(sound))) < 1e-12


@pytest.mark.parametrize("channels", [1, 2, 4])
@pytest.mark.parametrize("rate", [16000, 44100, 48000, 96000])
def test_any_rate_and_number_of_channels_keeps_length_and_time(model, channels, rate):
    """A tone comes back in time with itself: against the core's own response at 440 Hz, not a sample late."""
    n = 2 * rate + 123
    t = np.arange(n) / rate
    x = 0.05 * np.sin(2 * np.pi * 440 * t)
    y = render(model, np.repeat(x[:, None], channels, axis=1), rate, BARE)
    assert y.shape == (n, channels)
    assert np.isfinite(y).all()
    assert np.array_equal(y, np.repeat(y[:, :1], channels, axis=1))
    middle = slice(rate // 2, rate // 2 + round(rate / 440 * 440))
    at_rate = np.vdot(np.exp(2j * np.pi * 440 * t[middle]), y[middle, 0])
    own = 0.05 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE)
    piece = slice(RATE // 2, RATE // 2 + RATE)
    at_own = np.vdot(np.exp(2j * np.pi * 440 * np.arange(2 * RATE)[piece] / RATE), model.core.process(own)[piece])
    delay_s = np.angle(at_own / at_rate) / (2 * np.pi * 440)
    assert abs(delay_s) < 1e-6
    assert abs(at_rate) / rate == pytest.approx(abs(at_own) / RATE, rel=1e-3)


@pytest.mark.parametrize("block", [64, 4567])
def test_blocks_joined_equal_the_whole_with_wow_and_hiss(model, sound, monkeypatch, block):
    from modeling import render as module

    short, settings = sound[: RATE // 2], Settings(wow=2.0, hiss=2.0, seed=5)
    monkeypatch.setattr(module, "BLOCK", short.size)
    whole = render(model, short, RATE, settings)
    monkeypatch.setattr(module, "BLOCK", block)
    assert np.max(np.abs(render(model, short, RATE, settings) - whole)) < 1e-6


def test_the_seed_decides(model, sound):
    first = render(model, sound, RATE, Settings(seed=1))
    assert np.array_equal(render(model, sound, RATE, Settings(seed=1)), first)
    assert not np.allclose(render(model, sound, RATE, Settings(seed=2)), first)


def test_hiss_has_the_level_asked_for(model):
    silence = np.zeros(4 * RATE)
    one, two = (render(model, silence, RATE, Settings(hiss=amount)) for amount in (1.0, 2.0))
    assert np.std(one) == pytest.approx(3e-4, rel=0.03)
    assert np.allclose(two, 2 * one)
    assert not render(model, silence, RATE, Settings(hiss=0.0)).any()


def test_hiss_differs_between_channels_and_motion_does_not(model, sound):
    stereo = np.stack([sound, sound], axis=1)
    moved = render(model, stereo, RATE, Settings(hiss=0.0))
    assert np.array_equal(moved[:, 0], moved[:, 1])
    hissing = render(model, np.zeros((RATE, 2)), RATE)
    assert abs(np.corrcoef(hissing.T)[0, 1]) < 0.05


def test_wow_modulates_a_tone_as_much_as_the_deck(model):
    """0.03 ms at 5 Hz swings the phase of a 3 kHz tone by 2 pi 3000 * 3e-5 = 0.565 rad peak."""
    t = np.arange(8 * RATE) / RATE
    x = 0.05 * np.sin(2 * np.pi * 3000 * t)
    still, moved = (render(model, x, RATE, Settings(wow=amount, hiss=0.0)) for amount in (0.0, 1.0))
    ring = np.exp(-2j * np.pi * 3000 * t)
    phase = [np.unwrap(np.angle(np.convolve(y * ring, np.ones(480) / 480, mode="same")))[RATE:-RATE] for y in (moved, still)]
    swing = phase[0] - phase[1]
    swing -= swing.mean()
    assert np.std(swing) * np.sqrt(2) == pytest.approx(0.565, rel=0.05)


def test_drive_bends_more_and_is_no_louder(model):
    t = np.arange(RATE) / RATE
    x = 0.02 * np.sin(2 * np.pi * 500 * t)
    plain, driven = (render(model, x, RATE, Settings(0.0, 0.0, drive_db=drive))[RATE // 4 : -RATE // 4] for drive in (0, 18))
    spectra = [np.abs(np.fft.rfft(y * np.hanning(y.size))) for y in (plain, driven)]
    first, third = 250, 750
    assert spectra[1][first] == pytest.approx(spectra[0][first], rel=0.1)
    assert spectra[1][third] / spectra[1][first] > 10 * spectra[0][third] / spectra[0][first]


def test_mix_is_between_dry_and_deck(model, sound):
    dry, half, wet = (render(model, sound, RATE, Settings(0.0, 0.0, mix=mix)) for mix in (0.0, 0.5, 1.0))
    assert np.max(np.abs(dry - sound)) < 1e-12
    assert np.max(np.abs(half - 0.5 * (dry + wet))) < 1e-12


@pytest.mark.parametrize("rate", [16000, 44100, 192000])
def test_the_dry_sound_is_mixed_as_it_is_in_the_file(model, rate):
    """Also what lies above the band of the model."""
    x = 0.1 * np.random.default_rng(0).standard_normal((rate + 77, 2))
    assert np.array_equal(render(model, x, rate, Settings(mix=0.0)), x)
    wet, half = (render(model, x, rate, Settings(mix=mix)) for mix in (1.0, 0.5))
    assert np.max(np.abs(half - 0.5 * (x + wet))) < 1e-12


def test_nothing_is_clipped_or_normalised(model, sound):
    loud = render(model, 20 * sound, RATE, BARE)
    assert np.isfinite(loud).all()
    assert np.max(np.abs(loud)) > 0.3
    assert np.max(np.abs(loud)) < 20 * np.max(np.abs(sound))


@pytest.mark.parametrize("samples", [0, 1, 63, 1000])
def test_short_sounds(model, samples):
    assert render(model, np.full(samples, 0.1), RATE).shape == (samples,)


def test_memory_does_not_grow_with_length(model):
    class Long:
        sample_rate, channels, samples = RATE, 1, 25 * RATE

        def read(self, start, stop):
            return np.full((stop - start, 1), 0.01)

    tracemalloc.start()
    count = sum(block.shape[0] for block in render_blocks(model, Long()))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 25 * RATE
    assert peak < 80e6


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"wow": -1.0}, "wow -1"),
        ({"hiss": 11.0}, "hiss 11"),
        ({"mix": 1.5}, "mix 1.5 is outside 0 to 1"),
        ({"drive_db": 99.0}, "drive"),
    ],
)
def test_settings_out_of_range_are_refused(fields, said):
    with pytest.raises(ModelError, match=said):
        Settings(**fields)


def test_a_low_rate_is_refused(model):
    with pytest.raises(ModelError, match="8000 Hz, a model needs at least 16000"):
        list(render_blocks(model, ArrayAudio(np.zeros((100, 1)), 8000)))
