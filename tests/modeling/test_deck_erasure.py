"""What a recording leaves of the one before it, against the classes worked by hand and against the running deck."""

import numpy as np
import pytest
from scipy.stats import norm

from modeling.deck.deck import VirtualDeck
from modeling.deck.erasure import left_over
from modeling.deck.parameters import load_parameters
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STILL = FRESH.changed({**MOTIONLESS, **SILENT, "electronics.asymmetry": 0.0})


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def sine(frequency_hz, level_db=-20.0, seconds=2.0):
    sent = np.zeros((round(seconds * RATE), 4))
    sent[:, 0] = PEAK * 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * frequency_hz * np.arange(len(sent)) / RATE)
    return sent


def record(deck, sent, block=8192):
    deck.arm([1])
    for start in range(0, len(sent), block):
        deck.process(sent[start : start + block])
    deck.rewind()


def heard(deck, seconds=1.7):
    deck.play(1)
    return deck.process(np.zeros((round(seconds * RATE), 4)))[:, 0]


def line(wave, frequency_hz):
    used = wave[round(0.5 * RATE) : round(1.5 * RATE)]
    return 2.0 * np.mean(used * np.exp(-2j * np.pi * frequency_hz * np.arange(used.size) / RATE))


def left_at_long_wavelengths(erase_ka_m):
    """Sums over depth and coercivity, of what is above both fields and of all: Type II in the deck, by its figures."""
    bias = 276.0
    y = np.linspace(0.0, 5.0, 601)[:, None]
    hc = np.geomspace(15.0, 300.0, 6001)
    biased, erased = (
        field * 2.0 / np.pi * np.arctan(gap / 2.0 / (y + 0.2)) for field, gap in ((bias, 2.5), (erase_ka_m, 200.0))
    )
    share = norm.pdf(np.log(hc / 52.0) / 0.22) * (1.0 - np.exp(-((y / 5.02) ** 1.5)))  # per ln hc
    # dM/dS but for a constant: hc / H_b where the bias froze it, else h exp(-d^2 / 2 s_u^2).
    slope = np.where(hc < biased, hc, biased * np.exp(-0.5 * ((hc - biased) / (0.18 * 52.0)) ** 2)) / bias
    return np.sum((share * slope)[hc > np.maximum(biased, erased)]) / np.sum(share * slope)


@pytest.mark.parametrize("erase_ka_m", [60.0, 80.0, 100.0])
def test_what_is_left_of_long_waves_is_the_share_of_the_particles_that_stay(erase_ka_m):
    weak = STILL.changed({"erase_head.field_ka_m": erase_ka_m})
    found = left_over(np.array([20.0]), weak)[0]
    assert db(found) == pytest.approx(db(left_at_long_wavelengths(erase_ka_m)), abs=0.5)


@pytest.mark.parametrize("cassette", ["type-i", "type-ii", "type-iv"])
def test_a_fresh_machine_erases_better_than_makers_promise(tmp_path, cassette):
    """65 to 70 dB at 1 kHz, of every tape that it is aligned for."""
    file = tmp_path / "deck.toml"
    file.write_text(f'cassette = "{cassette}"\n')
    assert db(left_over(np.array([1000.0]), load_parameters(str(file)))[0]) < -70.0


def test_what_the_bias_reaches_is_erased_without_an_erase_head():
    """The field of the record gap is strong at the surface and weak in the depth: short waves go, long ones stay."""
    none = STILL.changed({"erase_head.field_ka_m": 0.0})
    long, short = db(left_over(np.array([100.0, 10_000.0]), none))
    assert -15.0 < long < -5.0
    assert short < long - 3.0


@pytest.mark.parametrize("frequency_hz", [315.0, 1000.0, 6000.0])
@pytest.mark.parametrize("left_db", [None, -40.0])
def test_the_running_deck_leaves_what_is_stated(frequency_hz, left_db):
    weak = STILL.changed({"erase_head.field_ka_m": 70.0, "faults.erasure_db": left_db})
    deck = VirtualDeck(weak, RATE, -18.0, 0)
    record(deck, sine(frequency_hz))
    before = line(heard(deck), frequency_hz)
    record(deck, 0.0 * sine(frequency_hz))
    after = line(heard(deck), frequency_hz)
    deck.close()
    expected = left_over(np.array([frequency_hz]), weak)[0]
    assert db(after / before) == pytest.approx(db(expected), abs=0.1)
    assert np.angle(after / before / expected) == pytest.approx(0.0, abs=0.02)


def test_a_recording_lies_over_what_is_left_whatever_the_block_size():
    weak = STILL.changed({"erase_head.field_ka_m": 70.0, "transport.capstan_percent": 0.1})
    rest = []
    for block in (1000, 48_000):
        deck = VirtualDeck(weak, RATE, -18.0, 0)
        record(deck, sine(400.0, 0.0), block)
        record(deck, sine(1000.0, -10.0, 1.2), block)
        rest.append(heard(deck))
        deck.close()
    assert np.max(np.abs(rest[0] - rest[1])) < 1e-9
    # Where the later one ends the earlier goes on.
    tail = rest[0][round(1.4 * RATE) : round(1.6 * RATE)]
    assert db(2.0 * np.mean(tail * np.exp(-2j * np.pi * np.arange(tail.size) / 120.0)) / PEAK) == pytest.approx(0.0, abs=1.0)
