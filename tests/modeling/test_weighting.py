import numpy as np
import pytest
from scipy.signal import freqz, lfilter

from modeling.cores.least_squares import Identity, Sums, solve
from modeling.cores.weighting import HARMONICS, LONG_S, of_harmonics, of_programme, shaping
from modeling.pairs import Pair

RATE = 48_000


def _pair(wet, **conditions):
    sound = wet.astype(np.float32)
    return Pair(sound, sound, np.ones(wet.size, dtype=bool), RATE, "train", "noise", conditions)


def _at(weight, frequency_hz):
    return weight[round(frequency_hz / (RATE / 2) * (weight.size - 1))]


def test_all_counts_alike_in_white_programme():
    weight = of_programme([_pair(0.1 * np.random.default_rng(1).standard_normal(10 * RATE))])
    assert _at(weight, 40.0) == 1.0
    assert [_at(weight, f) for f in (500.0, 2000.0, 8000.0, 18000.0)] == pytest.approx([1.0] * 4, rel=0.1)


def test_treble_counts_by_the_root_of_the_power_it_lacks():
    # Of first order: power falls by 6 dB an octave, so that the weight doubles.
    noise = np.random.default_rng(2).standard_normal(20 * RATE)
    pole = np.exp(-2.0 * np.pi * 100.0 / RATE)
    weight = of_programme([_pair(lfilter([1.0 - pole], [1.0, -pole], noise))])
    assert _at(weight, 4000.0) / _at(weight, 1000.0) == pytest.approx(4.0, rel=0.1)
    assert weight.max() == pytest.approx(10.0 ** (40.0 / 20.0), rel=0.15)  # and no further than 40 dB of power


def test_silence_weighs_nothing_up():
    assert (of_programme([_pair(np.zeros(RATE))]) == 1.0).all()


@pytest.mark.parametrize("frequency_hz", [63.0, 125.0, 1000.0, 6300.0])
def test_harmonics_count_more_than_their_tone(frequency_hz):
    tone = _pair(np.zeros(RATE), frequency_hz=frequency_hz)
    taps = shaping(of_harmonics(tone, np.ones(2049)), RATE, LONG_S)
    heard = np.abs(freqz(taps, worN=[frequency_hz, 2.0 * frequency_hz, 3.0 * frequency_hz], fs=RATE)[1]) ** 2
    assert heard[1:] == pytest.approx([HARMONICS, HARMONICS], rel=0.15)
    assert heard[0] == pytest.approx(1.0, abs=0.01 * HARMONICS)  # the filter is too short to be sharper about 63 Hz
    assert taps == pytest.approx(taps[::-1])


def test_an_error_is_shaped_before_it_is_squared():
    # Two taps of an echo, of which one lies where the shaping hears nothing.
    rng = np.random.default_rng(3)
    dry, taps = 0.1 * rng.standard_normal(2 * RATE), np.array([0.25, 0.5, 0.25])
    wet = np.convolve(dry, [0.5, 0.2])[: dry.size]
    pair = Pair(dry.astype(np.float32), wet.astype(np.float32), np.ones(dry.size, dtype=bool), RATE, "train")
    sums = Sums(Identity(), 8, spread=2)
    sums.add([pair], tapered=False, shaping=taps)
    found = sums.correlations()
    x, y = (np.convolve(sound, taps, "same") for sound in (dry, wet))
    assert found.power == pytest.approx(float(y @ y), rel=1e-4)
    least = np.linalg.lstsq(np.stack([x, np.roll(x, 1)], axis=1), y, rcond=None)[0]
    assert solve(found, 2, 0, 0.0)[0] == pytest.approx(least, abs=1e-3)
    assert least == pytest.approx([0.5, 0.2], abs=1e-3)
