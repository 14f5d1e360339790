"""Whether a tone came back whole, told of tones that were damaged by hand."""

import numpy as np
import pytest

from analysis import intact

RATE = 48_000
TIME = np.arange(2 * RATE) / RATE
TONE = 0.1 * np.sin(2.0 * np.pi * 1000.0 * TIME)
HISS = 1e-3 * np.random.default_rng(0).standard_normal(TIME.size)


def test_a_whole_tone_with_hiss_hum_and_an_offset() -> None:
    hum = 0.3 * np.sin(2.0 * np.pi * 50.0 * TIME)
    assert intact.flaw(TONE + HISS, 1000.0, RATE) is None
    assert intact.flaw(TONE + HISS + hum + 0.2, 1000.0, RATE) is None
    np.testing.assert_allclose(intact.block_amplitudes(TONE + HISS, 1000.0, RATE), 0.1, rtol=2e-3)


def test_one_decibel_up_and_down_is_allowed() -> None:
    worn = TONE * 10.0 ** (np.sin(2.0 * np.pi * 3.0 * TIME) / 20.0)
    assert intact.flaw(worn + HISS, 1000.0, RATE) is None


@pytest.mark.parametrize(
    ("gain", "words"),
    [
        (np.full(TIME.size, 12.0), "the returned tone reaches 1.2"),
        (np.zeros(TIME.size), "did not come back"),
        (np.where((TIME > 1.0) & (TIME < 1.2), 0.1, 1.0), "strays by -20 dB"),
        (np.where(TIME > 1.8, 2.0, 1.0), "strays by +6 dB"),
        (np.where(TIME > 1.5, 0.0, 1.0), "the level of the tone strays by"),
    ],
)
def test_a_damaged_tone(gain: np.ndarray, words: str) -> None:
    assert words in str(intact.flaw(TONE * gain + HISS, 1000.0, RATE))


def test_digital_silence() -> None:
    assert "did not come back" in str(intact.flaw(np.zeros(RATE), 1000.0, RATE))
    assert intact.clipping(np.zeros(0), "tone") is None
