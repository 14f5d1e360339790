"""Modulation noise: measured beside tones, and made beside sound."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.signal import lfilter, welch

from modeling.floor import floor_of
from modeling.generators.noise import NoiseGenerator
from modeling.generators.unevenness import unevenness
from modeling.pairs import Pair

RATE = 48000
RMS, CORNER_HZ = 10 ** (-45 / 20), 200.0


def uneven(seconds, seed):
    """One pole: density (2 / pi) s^2 / f_c / (1 + (f / f_c)^2)."""
    pole = np.exp(-2 * np.pi * CORNER_HZ / RATE)
    white = np.random.default_rng(seed).standard_normal(round(seconds * RATE) + RATE)
    return lfilter([RMS * np.sqrt(1 - pole**2)], [1, -pole], white)[RATE:]


def density(frequency_hz):
    return 2 / np.pi * RMS**2 / CORNER_HZ / (1 + (frequency_hz / CORNER_HZ) ** 2)


def hiss(seconds, seed):
    return 1e-4 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


class Tones:
    """A take of steady tones with hiss, flutter that was left, and a dropout in the first."""

    sheet = SimpleNamespace(sample_rate=RATE)

    def __init__(self, tones=((3150.0, 0.0, 15.0), (1000.0, 5.0, 1.2), (1000.0, -40.0, 1.2), (315.0, 0.0, 1.2))):
        self._tones = tones

    def hiss(self):
        return [hiss(5.0, 99)]

    def cues(self, *kinds):
        return [SimpleNamespace(number=lambda _, t=t: t[0], level_db=t[1], seconds=t[2]) for t in self._tones]

    def steady(self, cue):
        hertz, seconds = cue.number("frequency_hz"), cue.seconds
        time = np.arange(round(seconds * RATE)) / RATE
        loud = 1.0 + uneven(seconds, int(hertz + cue.level_db))
        if seconds > 10.0:
            loud[6 * RATE : 6 * RATE + 500] *= 0.2
        flutter = 3e-3 * np.sin(2 * np.pi * 60.0 * time)
        sound = 10 ** ((cue.level_db - 18.0) / 20) * loud * np.cos(2 * np.pi * hertz * time + 1.0 + flutter)
        return sound + hiss(seconds, int(hertz) + 1)


@pytest.fixture(scope="module")
def found():
    return unevenness(Tones())


def test_the_density_beside_tones_is_that_of_the_coating(found):
    grid = np.linspace(0.0, RATE / 2, found.size)
    bands = 12.5 * 2.0 ** np.arange(8)  # half of a band of 6 Hz shows in 75 bins of 5 Hz: 4.3 / sqrt(75) = 0.5 dB
    error = [10 * np.log10(np.interp(f, grid, found) / density(f)) for f in np.sqrt(bands[:-1] * bands[1:])]
    assert np.max(np.abs(error)) < 1.2
    assert np.trapezoid(found, grid) == pytest.approx(RMS**2, rel=0.1)


def test_tones_that_are_soft_or_low_or_not_there_tell_nothing():
    assert unevenness(Tones(((1000.0, -40.0, 5.0), (315.0, 0.0, 5.0)))) is None
    assert unevenness(Tones(())) is None


def test_made_beside_a_tone_it_has_that_density_and_none_in_silence(found):
    generator = NoiseGenerator.fit(hiss(5.0, 3), RATE, found)
    assert generator.modulation_db == pytest.approx(-45.0, abs=0.5)
    time = np.arange(20 * RATE) / RATE
    made = generator.beside(np.cos(2 * np.pi * 5000.0 * time), 0, 0, 1)
    frequency, beside = welch(made, RATE, nperseg=9600)
    for low, high in ((20, 60), (100, 300), (500, 1500)):
        upper = (frequency >= 5000 + low) & (frequency < 5000 + high)
        assert 10 * np.log10(beside[upper].mean() / (density(frequency[upper] - 5000.0) / 4).mean()) == pytest.approx(
            0, abs=1
        )
    assert np.array_equal(generator.beside(np.zeros(1000), 500, 0, 1), generator.read(500, 1500, 0, 1))


def test_it_survives_a_round_trip_and_a_model_without_it_is_read(found):
    generator = NoiseGenerator.fit(hiss(2.0, 3), RATE, found)
    arrays = generator.to_arrays()
    sound = np.ones(100)
    again = NoiseGenerator.from_arrays(arrays, RATE)
    assert np.array_equal(again.beside(sound, 7, 1, 2), generator.beside(sound, 7, 1, 2))
    del arrays["unevenness"]
    older = NoiseGenerator.from_arrays(arrays, RATE)
    assert older.modulation_db is None
    assert np.array_equal(older.beside(sound, 7, 1, 2), generator.read(7, 107, 1, 2))


def test_the_floor_holds_what_no_model_can_know():
    """A sound times 1 + m differs from itself by the variance of m, -45 dB."""
    grid = np.linspace(0.0, RATE / 2, 8193)
    wet = np.random.default_rng(5).standard_normal(RATE).astype(np.float32)
    pair = Pair(wet, wet, np.ones(wet.size, dtype=bool), RATE, "test", "", {"timing_sd_s": 0.0})
    floor = floor_of([pair], None, unevenness=density(grid))
    assert 10 * np.log10(floor.modulation) == pytest.approx(-45.0, abs=0.1)
    assert floor.esr == floor.modulation
