"""Noise and crosstalk of the virtual deck."""

import numpy as np
import pytest
from scipy.integrate import quad

from modeling.deck.convolution import BlockPlan
from modeling.deck.deck import VirtualDeck
from modeling.deck.noise import ElectronicsNoise, TapeHiss, a_weighting, hiss_density
from modeling.deck.parameters import load_parameters
from modeling.deck.tracks import crosstalk
from tests.modeling.still_deck import MOTIONLESS

RATE = 48000
FRESH = load_parameters("fresh")
# IEC 61672-1 table 3, A-weighting in dB at the exact base-ten frequencies behind 20, 31.5, 100, 250, 500 Hz
# and 1, 2, 4, 10, 20 kHz.
A_DB = np.array([-50.5, -39.4, -19.1, -8.6, -3.2, 0.0, 1.2, 1.0, -2.5, -9.3])
A_HZ = 10.0 ** (np.array([13, 15, 20, 24, 27, 30, 33, 36, 40, 43]) / 10.0)


def a_weighted_level_db(signal, full_db):
    """A-weighted level of noise re a sine of peak 10^(full_db/20), by periodogram and the standard's table."""
    spectrum = np.abs(np.fft.rfft(signal)) ** 2 / signal.size**2 * 2.0
    frequency = np.fft.rfftfreq(signal.size, 1.0 / RATE)
    used = (frequency > 20.0) & (frequency < 20000.0)
    weight_db = np.interp(np.log(frequency[used]), np.log(A_HZ), A_DB)
    return 10.0 * np.log10(2.0 * np.sum(spectrum[used] * 10.0 ** (weight_db / 10.0))) - full_db


def test_a_weighting_follows_the_standard():
    assert 20.0 * np.log10(a_weighting(A_HZ)) == pytest.approx(A_DB, abs=0.06)


def blank(parameters):
    """Six seconds of a blank tape on all tracks."""
    deck = VirtualDeck(parameters.changed({"tracks.gain_db": [0.0] * 4}), RATE, -18.0, 1)
    deck.play(1)
    heard = deck.process(np.zeros((6 * RATE, 4)))
    deck.close()
    return heard


@pytest.mark.parametrize(("preset", "level_db"), [("fresh", -56.0), ("worn", -50.0)])
def test_blank_tape_hisses_at_the_stated_level(preset, level_db):
    for track in blank(load_parameters(preset)).T:
        assert a_weighted_level_db(track, -18.0) == pytest.approx(level_db, abs=0.3)


def hiss_by_hand_db(speed_um_s, replay_us, flux_at_0_vu):
    """A-weighted level of particle noise of one density over the wave number, but for a constant.

    Flux noise (1 - e^{-2kd}) / (2kd) 2 pi / v per Hz, through spacing 0.2 um, gap 1.1 um and the equaliser, re the chain at 315 Hz.
    The bump of 1 dB at 100 Hz and below has no part in what is A-weighted.
    """

    def chain(f):
        k = 2.0 * np.pi * f / speed_um_s
        head = np.exp(-0.2 * k) * np.sin(0.55 * k) / (0.55 * k)
        low, high = 2.0 * np.pi * f * 3180e-6, 2.0 * np.pi * f * replay_us * 1e-6
        return head * low / np.hypot(1.0, low) * np.hypot(1.0, high)

    def density(octave):  # per octave, which quad finds easier than 20 kHz in a row
        f = 20.0 * 2.0**octave
        depth = 2.0 * 5.0 * 2.0 * np.pi * f / speed_um_s
        weight = 10.0 ** (np.interp(np.log(f), np.log(A_HZ), A_DB) / 10.0)
        return -np.expm1(-depth) / depth * 2.0 * np.pi / speed_um_s * chain(f) ** 2 * weight * f * np.log(2.0)

    power = quad(density, 0.0, np.log2(1000.0), epsrel=1e-6, limit=200)[0] / (chain(315.0) * flux_at_0_vu) ** 2
    return 10.0 * np.log10(power)


def test_one_noise_of_the_tape_is_heard_at_both_speeds():
    """More of it in every Hz at the lower speed, and through 70 us for 35 us: some 3 dB."""
    more_db = hiss_by_hand_db(47_625.0, 70.0, 0.298) - hiss_by_hand_db(95_250.0, 35.0, 0.302)
    assert 3.0 < more_db < 4.0
    for track in blank(FRESH.changed({"speed_cm_s": 4.8, "electronics.noise_dba": -140.0, "electronics.hum_db": None})).T:
        assert a_weighted_level_db(track, -18.0) == pytest.approx(-56.0 + more_db, abs=0.2)


def test_hiss_rises_by_3_db_for_half_the_track_width():
    """Signal goes as the width, noise as its root."""
    f = np.geomspace(20.0, 20_000.0, 9)
    for speed in (4.8, 9.5):
        wide, narrow = (FRESH.changed({"speed_cm_s": speed, "tracks.width_mm": width}) for width in (1.2, 0.6))
        assert 10.0 * np.log10(hiss_density(f, narrow) / hiss_density(f, wide)) == pytest.approx(3.0103, abs=1e-4)


def test_hiss_of_the_stated_condition_does_not_hang_on_the_speed_in_use():
    """Along the tape it is the same: as much over the same wavelengths."""
    f = np.geomspace(20.0, 9000.0, 9)
    slow = FRESH.changed({"speed_cm_s": 4.8})
    assert hiss_density(f, slow) == pytest.approx(2.0 * hiss_density(2.0 * f, FRESH), rel=1e-12)


def test_hiss_lies_on_the_tape_and_electronics_noise_does_not():
    still = FRESH.changed({**MOTIONLESS, "electronics.noise_dba": -56.0})
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
            **MOTIONLESS,
            "tape.hiss_dba": -110.0,
            "tape.modulation_db": -120.0,
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
