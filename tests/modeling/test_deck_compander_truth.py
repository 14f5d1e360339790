"""The truth of takes with dbx against the running deck, and against hand-worked algebra."""

import numpy as np
import pytest

from modeling.deck.compander_truth import StaticCompander, companded, compander_figures
from modeling.deck.deck import VirtualDeck
from modeling.deck.noise import a_weighting
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import linear_response
from sessions.results import Measurements, Result
from signals.companded import plan_companded

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
NOISY = FRESH.changed({"tape.hiss_dba": -50.0, "electronics.hum_db": None, "transport.rewind_max_s": 0.3})
ALONE = frozenset({0})


def test_at_1_khz_without_noise_the_halves_meet_at_unity():
    quiet = FRESH.changed(
        {"tape.hiss_dba": -120.0, "compander.floor_db": -140.0, "compander.unity_db": -6.0, "compander.ratio": 1.8}
    )
    static = StaticCompander(quiet, 0, ALONE)
    assert static.encoded_db(np.array([-6.0, -42.0]), 1000.0) == pytest.approx([-6.0, -26.0], abs=1e-3)
    assert static.decoded_db(np.array([-6.0, -26.0]), 1000.0) == pytest.approx([-6.0, -42.0], abs=2e-2)


def test_the_two_algebras_undo_each_other_at_any_frequency():
    static = StaticCompander(FRESH.changed({"tape.hiss_dba": -120.0}), 0, ALONE)
    levels = np.arange(-50.0, 11.0, 10.0)
    for f in (60.0, 400.0, 3150.0, 12_000.0):
        assert static.decoded_db(static.encoded_db(levels, f), f) == pytest.approx(levels, abs=1e-4)


@pytest.fixture(scope="module")
def blank():
    """Blank tape, played without dbx and with."""
    deck = VirtualDeck(NOISY, RATE, -18.0, 5)
    deck.arm([1])
    deck.process(np.zeros((4 * RATE, 4)))
    deck.rewind()
    found = {}
    for number, on in enumerate((False, True), 1):
        deck.set_dbx(play=on)
        deck.play(number)
        found[on] = deck.process(np.zeros((4 * RATE, 4)))[RATE:, 0] / PEAK
    deck.close()
    return found


@pytest.mark.parametrize("on", [False, True])
def test_noise_of_blank_tape_with_and_without_dbx(blank, on):
    spectrum = np.abs(np.fft.rfft(blank[on])) ** 2 / blank[on].size ** 2
    f = np.fft.rfftfreq(blank[on].size, 1.0 / RATE)
    inside = (f >= 20.0) & (f <= 20_000.0)
    level = 10.0 * np.log10(4.0 * np.sum((spectrum * a_weighting(np.maximum(f, 1.0)) ** 2)[inside]))
    assert StaticCompander(NOISY, 0, ALONE).noise_db(on) == pytest.approx(level, abs=0.3)


def test_a_tone_keeps_the_noise_of_the_decoder_up_by_half_a_db_a_db():
    static = StaticCompander(FRESH.changed({"electronics.noise_dba": -130.0, "electronics.hum_db": None}), 0, ALONE)
    low, high = (static.noise_db(True, weighted_db=level) for level in (-20.0, -10.0))
    assert high - low == pytest.approx(10.0, abs=0.1)  # of tape: 20 dB of programme


def test_every_position_says_what_its_takes_tell():
    sheet = plan_companded(session="s", stimulus="encoded", sample_rate=RATE, tracks=[1], pilot_track=4)
    for dbx, quantities in {
        "encode": {"dbx_encode_ratio", "dbx_unity_level", "dbx_time_constant"},
        "decode": {"dbx_decode_ratio", "dbx_unity_level", "dbx_time_constant"},
        "on": {"dbx_tracking_error", "dbx_noise_reduction"},
        "off": set(),
    }.items():
        results, _ = compander_figures(FRESH, sheet, dbx)
        assert {r.quantity for r in results} == quantities
    fourth = plan_companded(session="s", stimulus="encoded", sample_rate=RATE, tracks=[4])
    assert compander_figures(FRESH, fourth, "encode")[0]  # without a pilot the switch stands on ON, not on SYNC


def test_latency_holds_the_emphasis_that_the_other_half_does_not_take_off():
    """The definition on a grid of lags, with the shelf written out by hand."""
    sheet = plan_companded(session="s", stimulus="encoded", sample_rate=RATE, tracks=[1], pilot_track=4)
    f = np.arange(400.0, 6001.0)
    shelf = (1.0 + 1j * f / 800.0) / (1.0 + 1j * f / 3200.0)
    deck = linear_response(f, FRESH, 0, ALONE)
    lags = np.arange(-150e-6, 0.0, 0.1e-6)
    turns = np.exp(2j * np.pi * np.outer(lags, f))
    lag = {
        sign: lags[np.argmax(np.abs(turns @ (deck / np.abs(deck) * (shelf / np.abs(shelf)) ** sign)))] for sign in (-1, 0, 1)
    }
    figures = [Result(quantity="latency", value=0.5, unit="s", conditions={"track": t}, method="test") for t in (1, 4)]
    said = Measurements(session="s", tool_version="test", created="now", results=figures, curves=[])
    for dbx, sign in (("off", 0), ("on", 0), ("encode", 1), ("decode", -1)):
        first, pilot = companded(said, FRESH, sheet, dbx).results
        assert first.value == pytest.approx(0.5 + lag[sign] - lag[0], abs=0.15e-6)
        assert pilot.value == 0.5
    assert lag[1] - lag[0] > 4e-6
