"""Echoes of the neighbouring layers, against the field of a magnetised layer worked by hand."""

import numpy as np
import pytest
from scipy.integrate import quad

from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.print_through import printed
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STILL = FRESH.changed({**MOTIONLESS, **SILENT, "tape.print_db": -50.0})


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def returned(parameters, sent, block=8192):
    """Track 1 as it comes back of a wave in units of 0 VU."""
    deck = VirtualDeck(parameters, RATE, -18.0, 2)
    deck.arm([1])
    wave = np.zeros((sent.size, 4))
    wave[:, 0] = PEAK * sent
    for start in range(0, sent.size, block):
        deck.process(wave[start : start + block])
    deck.rewind()
    deck.play(1)
    heard = np.concatenate([deck.process(0.0 * wave[start : start + block]) for start in range(0, sent.size, block)])
    deck.close()
    return heard[:, 0] / PEAK


def burst(frequency_hz, start_s, stop_s, seconds=5.0):
    time = np.arange(round(seconds * RATE)) / RATE
    return np.where((time >= start_s) & (time < stop_s), np.sin(2.0 * np.pi * frequency_hz * time), 0.0)


def line(wave, frequency_hz, start_s, stop_s):
    time = np.arange(round(start_s * RATE), round(stop_s * RATE)) / RATE
    return 2.0 * np.mean(wave[round(start_s * RATE) :][: time.size] * np.exp(-2j * np.pi * frequency_hz * time))


def by_hand(frequency_hz, speed_um_s):
    """Mean field in a coating of 5 um, 13 um above one that is magnetised along it, by integrating the charges' field over both."""
    k = 2.0 * np.pi * frequency_hz / speed_um_s
    # A sheet of magnetisation cos(kx), dy thick, has the field -(k / 2) e^{-kz} cos(kx) dy at a distance z.
    return -quad(lambda y: quad(lambda z: k / 2.0 * np.exp(-k * (z - y)), 18.0, 23.0)[0], 0.0, 5.0)[0] / 5.0


@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_the_law_is_that_of_the_field_of_a_layer(speed):
    deck = STILL.changed({"speed_cm_s": speed})
    f = np.array([50.0, 200.0, 1000.0, 4000.0])
    stated = printed(f, deck)
    field = np.array([by_hand(x, deck.speed_um_s) for x in f])
    assert stated / stated[2] == pytest.approx(field / field[2], rel=1e-9)
    every = printed(np.geomspace(20.0, 20_000.0, 4001), deck)
    assert db(np.min(every)) == pytest.approx(-50.0, abs=0.01)
    strongest_hz = np.geomspace(20.0, 20_000.0, 4001)[np.argmin(every)]
    assert deck.speed_um_s / strongest_hz == pytest.approx(2.0 * np.pi * 18.0, rel=0.05)


@pytest.mark.parametrize("frequency_hz", [300.0, 1000.0, 5000.0])
def test_a_burst_is_heard_a_turn_before_and_a_turn_after(frequency_hz):
    """2 pi 20 mm at 95.25 mm/s are 1.3193 s."""
    turn_s = 2.0 * np.pi * 20.0 / 95.25
    heard = returned(STILL, burst(frequency_hz, 2.0, 2.5))
    main = line(heard, frequency_hz, 2.1, 2.4)
    for side in (-1.0, 1.0):
        echo = line(heard, frequency_hz, 2.1 + side * turn_s, 2.4 + side * turn_s)
        assert db(echo / main) == pytest.approx(db(printed(np.array([frequency_hz]), STILL)[0]), abs=0.1)
    quiet = heard[round(2.95 * RATE) : round(3.25 * RATE)]  # the bass of the replay amplifier has died away
    assert db(np.max(np.abs(quiet))) < -90.0


def test_no_block_size_changes_it_and_without_it_nothing_is_heard():
    wave = burst(1000.0, 1.5, 2.0, 4.0)
    assert np.max(np.abs(returned(STILL, wave, 1000) - returned(STILL, wave, 48_000))) < 1e-9
    none = returned(STILL.changed({"tape.print_db": None}), wave)
    assert db(np.max(np.abs(none[round(2.9 * RATE) : round(3.2 * RATE)]))) < -90.0


def test_the_truth_states_no_noise_where_echoes_lie_in_the_silence():
    sheet = CueSheet(
        stimulus="main",
        session="test",
        code=1,
        sample_rate=RATE,
        samples=4 * RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="programme", track=1),),
        cues=(
            Cue(name="start", kind="marker_start", channel=0, start_samples=0, length_samples=4800, level_db=-3.0),
            Cue(name="end", kind="marker_end", channel=0, start_samples=3 * RATE, length_samples=4800, level_db=-3.0),
        ),
    )
    loud, none = (
        truth(FRESH.changed({"tape.print_db": level}), sheet, 0, passes=[1], tool_version="0", created="now")
        for level in (-56.0, None)
    )
    assert none.find("noise_a")
    assert not loud.find("noise_a")
    assert not loud.find_curves("noise_spectrum")
    assert len(loud.find("hum")) == len(none.find("hum"))
