"""Whether a channel holds nothing but a steady tone, against tones of known frequency and what is none."""

import numpy as np
import pytest

from analysis.alignment import is_pilot
from analysis.pilot_tone import frequency_of
from signals.audio import ArrayAudio
from signals.music import compose


def heard(wave, rate=48000):
    return frequency_of(ArrayAudio(np.stack([0.0 * wave, wave], axis=1), rate), 1)


def tone(frequency_hz, rate=48000, seconds=12.0, phase=1.1):
    return 0.1 * np.sin(2.0 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate + phase)


@pytest.mark.parametrize("rate", [44100, 48000, 96000])
@pytest.mark.parametrize("frequency_hz", [1000.0, 3147.3, 10003.7])
def test_the_frequency_is_told_to_a_turn_in_the_whole_of_it(frequency_hz, rate):
    noise = 1e-4 * np.random.default_rng(0).standard_normal(12 * rate)
    assert heard(tone(frequency_hz, rate) + noise, rate) == pytest.approx(frequency_hz, abs=1e-4)


def test_ends_may_be_silent():
    wave = tone(3150.0)
    wave[:30000] = wave[-30000:] = 0.0
    assert heard(wave) == pytest.approx(3150.0, abs=1e-4)


def test_what_is_no_pilot():
    t = np.arange(12 * 48000) / 48000
    stopped = tone(3150.0)
    stopped[250_000:350_000] = 0.0
    for wave in (
        compose(1, 12.0, 48000, "chamber"),
        tone(3150.0) + tone(4000.0),
        tone(3150.0) + 0.01 * np.random.default_rng(0).standard_normal(t.size),
        0.1 * np.sin(2.0 * np.pi * 3150.0 * t + 5.0 * np.sin(2.0 * np.pi * 0.5 * t)),
        tone(3150.0) * (1.0 + 0.5 * t / 12.0),
        tone(100.0),
        stopped,
        0.0 * t,
        tone(3150.0, seconds=3.0),
    ):
        assert heard(wave) is None


def test_of_tones_alone_none_is_a_pilot():
    music = compose(1, 12.0, 48000, "chamber")
    one, other = tone(3150.0)[: music.size], tone(4000.0)[: music.size]
    assert not is_pilot(ArrayAudio(one[:, None], 48000), 0)
    assert not is_pilot(ArrayAudio(np.stack([one, other], axis=1), 48000), 0)
    beside = ArrayAudio(np.stack([music, other], axis=1), 48000)
    assert [is_pilot(beside, channel) for channel in range(3)] == [False, True, False]
