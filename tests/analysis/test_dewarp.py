"""Reading between samples, against sines and polynomials in closed form."""

import numpy as np
import pytest

from analysis.dewarp import dewarp, interpolate
from analysis.timebase import Timebase
from signals.audio import ArrayAudio

RATE = 48_000


def error_db(got: np.ndarray, expected: np.ndarray) -> float:
    return 20.0 * np.log10(np.max(np.abs(got - expected)))


@pytest.mark.parametrize("frequency_hz", [50.0, 1000.0, 10_000.0, 14_000.0, 16_000.0, 18_000.0])
def test_a_fluttering_sine_is_read_to_100_db(frequency_hz):
    """0.2 % of flutter at 4 Hz, read out again: the error of the tone stays below -100 dB to 18 kHz."""
    samples = RATE
    wave = np.sin(2 * np.pi * frequency_hz / RATE * np.arange(samples) + 0.4)
    time = np.arange(1000, samples - 1000) / RATE
    position = (time + 2e-3 / (2 * np.pi * 4.0) * np.sin(2 * np.pi * 4.0 * time)) * RATE
    expected = np.sin(2 * np.pi * frequency_hz / RATE * position + 0.4)
    assert error_db(interpolate(wave, position), expected) < -98.0


def test_whole_positions_give_the_samples_themselves():
    wave = np.random.default_rng(0).standard_normal(500)
    assert np.max(np.abs(interpolate(wave, np.arange(500.0)) - wave)) < 1e-12


def test_channels_are_read_alike_and_outside_is_silence():
    wave = np.random.default_rng(0).standard_normal((300, 3))
    position = np.array([-200.0, 17.3, 151.9, 900.0])
    got = interpolate(wave, position)
    assert got.shape == (4, 3)
    assert np.array_equal(got[:, 1], interpolate(wave[:, 1], position))
    assert np.array_equal(got[[0, 3]], np.zeros((2, 3)))


def test_dewarping_undoes_a_known_trajectory():
    seconds = 3.0
    time = np.arange(round((seconds + 1.0) * RATE)) / RATE
    grid = np.arange(0.0, seconds, 1e-3)
    timebase = Timebase(0.0, 1e-3, 0.3 + 0.004 * grid + 1e-4 * np.sin(2 * np.pi * 2.0 * grid), np.zeros(grid.size))
    sent = timebase.input_time(time)
    recording = np.sin(2 * np.pi * 997.0 * sent) * (sent > 0)
    got = dewarp(ArrayAudio(recording[:, None], RATE), 0, timebase, RATE, 2 * RATE)
    assert error_db(got, np.sin(2 * np.pi * 997.0 * np.arange(RATE, 2 * RATE) / RATE)) < -98.0
