import numpy as np
import pytest

from capture.level_tone import LevelTone

RATE = 48000


def through(tone, matrix, late_s=0.1, seconds=5.0):
    """What comes back when output k reaches input j with the gain ``matrix[k][j]``, in blocks."""
    sent = tone.read(0, round(seconds * RATE))
    back = np.concatenate([np.zeros((round(late_s * RATE), sent.shape[1])), sent @ np.array(matrix)])
    for start in range(0, len(back), 4096):
        tone.hear(back[start : start + 4096])


def test_each_channel_sounds_alone_for_a_second_and_then_all():
    tone = LevelTone(RATE, 3, 0.125)
    wave = tone.read(0, 5 * RATE).reshape(5, RATE, 3)
    assert (np.abs(wave).max(axis=1) > 0.12).tolist() == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ] + [[True] * 3] * 2
    peak = np.abs(np.fft.rfft(wave[4, :, 0])) * 2 / RATE
    assert (int(np.argmax(peak)), peak.max()) == (1000, pytest.approx(0.125))
    assert np.array_equal(tone.read(70_000, 80_000), tone.read(0, 80_000)[70_000:])


@pytest.mark.parametrize(
    ("matrix", "heard"),
    [
        ([[0.5, 0.0], [0.0, 0.5]], [0, 1]),
        ([[0.5, 0.01], [0.01, 0.5]], [0, 1]),
        ([[0.0, 0.5], [0.5, 0.0]], [1, 0]),
        ([[0.5, 0.0], [0.0, 0.0]], [0, None]),
        ([[0.0, 0.0], [0.02, 0.02]], [None, None]),
    ],
)
def test_where_each_output_comes_back_is_heard(matrix, heard):
    tone = LevelTone(RATE, 2, 0.125)
    through(tone, matrix)
    assert tone.loudest_input() == heard
