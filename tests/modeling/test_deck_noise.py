"""Noise and crosstalk of the virtual deck."""

import numpy as np
import pytest

from modeling.deck.convolution import BlockPlan
from modeling.deck.deck import VirtualDeck
from modeling.deck.noise import ElectronicsNoise, TapeHiss, a_weighting
from modeling.deck.parameters import load_parameters
from modeling.deck.tracks import crosstalk

RATE = 48000
FRESH = load_parameters("fresh")
# IEC 61672-1 table 3, A-weighting in dB at the exact base-ten frequencies behind 20, 31.5, 100, 250, 500 Hz
# and 1, 2, 4, 10, 20 kHz.
A_DB = np.array([-50.5, -39.4, -19.1, -8.6, -3.2, 0.0, 1.2, 1.0, -2.5, -9.3])
A_HZ = 10.0 ** (np.array([13, 15, 20, 24, 27, 30, 33, 36, 40, 43]) / 10.0)
STILL = {
    f"transport.{name}": 0.0
    for name in type(FRESH.transport).model_fields
    if name.endswith(("percent", "per_min")) or name.startswith("rewind")
} | {"tracks.skew_us": 0.0, "tracks.skew_wander_us": 0.0}


def a_weighted_level_db(signal, full_db):
    """A-weighted level of noise re a sine of peak 10^(full_db/20), by periodogram and the standard's table."""
    spectrum = np.abs(np.fft.rfft(signal)) ** 2 / signal.size**2 * 2.0
    frequency = np.fft.rfftfreq(signal.size, 1.0 / RATE)
    used = (frequency > 20.0) & (frequency < 20000.0)
    weight_db = np.interp(np.log(frequency[used]), np.log(A_HZ), A_DB)
    return 10.0 * np.log10(2.0 * np.sum(spectrum[used] * 10.0 ** (weight_db / 10.0))) - full_db


def test_a_weighting_follows_the_standard():
    assert 20.0 * np.log10(a_weighting(A_HZ)) == pytest.approx(A_DB, abs=0.06)


@pytest.mark.parametrize(("preset", "level_db"), [("fresh", -56.0), ("worn", -50.0)])
@pytest.mark.parametrize("rate_speed", [(48000, 9.5), (48000, 4.8)])
def test_blank_tape_hisses_at_the_stated_level(preset, level_db, rate_speed):
    rate, speed = rate_speed
    deck = VirtualDeck(load_parameters(preset).changed({"speed_cm_s": speed, "tracks.gain_db": [0.0] * 4}), rate, -18.0, 1)
    deck.play(1)
    heard = deck.process(np.zeros((6 * rate, 4)))
    for track in range(4):
        assert a_weighted_level_db(heard[:, track], -18.0) == pytest.approx(level_db, abs=0.3)
    deck.close()


def test_hiss_lies_on_the_tape_and_electronics_noise_does_not():
    still = FRESH.changed({**STILL, "electronics.noise_dba": -56.0})
    deck = VirtualDeck(still, RATE, -18.0, 7)
    passes = []
    for number in (1, 2):
        deck.rewind()
        deck.play(number)
        passes.append(deck.process(np.zeros((3 * RATE, 4)))[:, 0])
    # Equal A-weighted levels of both kinds; the common part is the hiss.
    f = np.fft.rfftfreq(3 * RATE, 1.0 / RATE)
    weight = a_weighting(np.maximum(f, 1.0))
    one, two = (np.fft.rfft(p) * weight for p in passes)
    common = np.real(np.vdot(one, two)) / np.sqrt(np.vdot(one, one).real * np.vdot(two, two).real)
    assert common == pytest.approx(0.5, abs=0.05)
    deck.close()


def test_hiss_is_a_function_of_position_alone():
    plan = BlockPlan.at(RATE)
    whole = TapeHiss(FRESH, plan, (3, 0, 1)).read(-30000, 60000)
    assert np.array_equal(TapeHiss(FRESH, plan, (3, 0, 1)).read(-100, 25000), whole[29900:55000])
    assert abs(np.corrcoef(whole, TapeHiss(FRESH, plan, (3, 1, 1)).read(-30000, 60000))[0, 1]) < 0.02
    assert abs(np.corrcoef(whole, TapeHiss(FRESH, plan, (3, 0, 2)).read(-30000, 60000))[0, 1]) < 0.02


def test_hum_stands_at_the_mains_frequency():
    loud = FRESH.changed({"electronics.hum_db": -40.0, "electronics.mains_hz": 60})
    noise = ElectronicsNoise(loud, BlockPlan.at(RATE), (1, 1, 1)).read(RATE)[2]
    spectrum = 2.0 * np.abs(np.fft.rfft(noise)) / RATE
    assert 20.0 * np.log10(spectrum[60]) == pytest.approx(-40.0, abs=0.1)
    assert 20.0 * np.log10(spectrum[120]) == pytest.approx(-46.0, abs=0.1)


def test_crosstalk_is_55_db_at_1_khz_and_rises_on_both_sides():
    f = np.array([60.0, 300.0, 1000.0, 5000.0, 12000.0])
    level = 20.0 * np.log10(np.abs(crosstalk(f, FRESH.speed_um_s, FRESH.tracks)))
    assert level[2] == pytest.approx(-55.0, abs=0.01)
    assert level[0] > level[1] + 20.0
    assert level[2] < level[3] < level[4]


def test_neighbour_is_heard_at_minus_55_db_and_no_further():
    """1 kHz recorded on track 2 of a running deck, read on all four through a narrow band."""
    quiet = FRESH.changed(
        {
            **STILL,
            "tape.hiss_dba": -110.0,
            "electronics.noise_dba": -120.0,
            "electronics.hum_db": None,
            "tracks.gain_db": [0.0] * 4,
        }
    )
    deck = VirtualDeck(quiet, RATE, -18.0, 1)
    time_s = np.arange(2 * RATE) / RATE
    sent = np.zeros((2 * RATE, 4))
    sent[:, 1] = 10.0 ** (-18.0 / 20.0) * np.sin(2.0 * np.pi * 1000.0 * time_s)
    deck.arm([1, 2, 3, 4])
    deck.process(sent)
    deck.rewind()
    deck.play(1)
    heard = deck.process(np.zeros_like(sent))[RATE // 2 : RATE // 2 + RATE]
    level = 20.0 * np.log10(2.0 * np.abs(np.fft.rfft(heard, axis=0)[1000]) / RATE) + 18.0
    assert level[1] == pytest.approx(0.0, abs=0.2)
    assert level[[0, 2]] - level[1] == pytest.approx([-55.0, -55.0], abs=0.2)
    assert level[3] < -100.0
    deck.close()
