"""The virtual deck with its dbx switch worked: what returns in every position, what its truth says, and that it resumes."""

import json

import numpy as np
import pytest

from capture.planning import recordings
from capture.recordings import Plan
from capture.virtual.session import capture_virtual
from modeling.deck.compander_truth import StaticCompander
from modeling.deck.parameters import load_parameters
from sessions.results import Measurements
from sessions.store import Session

RATE = 48_000
POSITIONS = ("off", "decode", "on", "encode")
STIMULI = ("main", "plain", "encoded")
TAKES = {"off": "play-1", "decode": "decode-play-1", "on": "on-play-1", "encode": "encode-play-1"}


def planned(positions=POSITIONS):
    return Plan(recordings(positions, 1), play_tail_s=3.5)


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    from tests.capture.conftest import planned_session

    session = planned_session(tmp_path_factory.mktemp("dbx") / "session", stimuli=STIMULI, tone_s=1.0)
    capture_virtual(session, "virtual", planned(), seed=4)
    return session


def level_db(session, take, channel, frequency_hz, last_s=0.5):
    """Of a tone at the end of where it stands, re 0 VU."""
    record, audio = session.take(take)
    sheet, _ = session.stimulus(record.stimulus)
    truth = truth_of(session, record.stimulus)
    dbx = record.conditions["dbx"]
    (latency,) = truth.find("latency", track=1, dbx=dbx)
    stop = sheet.of_kind("tone")[0].stop_samples / RATE + latency.value - 0.05
    wave = audio.read(round((stop - last_s) * RATE), round(stop * RATE))[:, channel]
    power = np.abs(np.fft.rfft(wave * np.hanning(wave.size))) ** 2
    near = np.abs(np.fft.rfftfreq(wave.size, 1 / RATE) - frequency_hz) < 0.05 * frequency_hz
    return 10.0 * np.log10(4.0 * np.sum(power[near]) / wave.size / np.sum(np.hanning(wave.size) ** 2)) + 18.0


def truth_of(session, stimulus):
    name = "truth.json" if stimulus == "main" else f"truth-{stimulus}.json"
    return Measurements.model_validate(json.loads((session.path / name).read_text()))


@pytest.mark.parametrize("dbx", POSITIONS)
def test_what_returns_is_what_the_static_algebra_says(captured, dbx):
    static = StaticCompander(load_parameters("fresh"), 0, frozenset({0}))
    assert level_db(captured, TAKES[dbx], 0, 315.0) == pytest.approx(static.returned_db(dbx, -3.0, 315.0), abs=0.15)


def test_the_pilot_on_track_4_stays_out_of_it(captured):
    levels = [level_db(captured, take, 3, 3700.0) for take in TAKES.values()]
    assert np.ptp(levels) < 0.1


def test_the_truth_of_takes_with_dbx_claims_nothing_of_the_deck_without(captured):
    for stimulus in ("plain", "encoded"):
        truth = truth_of(captured, stimulus)
        quantities = {r.quantity for r in truth.results}
        assert {"latency", "speed_error", "noise_a"} <= quantities
        assert not quantities & {"thd", "mol_315", "harmonic_2", "crosstalk", "imd_smpte"}
        assert "frequency_response" not in {c.quantity for c in truth.curves}
        assert {r.conditions["dbx"] for r in truth.results} <= {"decode", "on", "encode"}
    (silent,) = truth_of(captured, "encoded").find("noise_a", dbx="on", track=1)
    (hiss,) = truth_of(captured, "main").find("noise_a", track=1)
    assert silent.value < hiss.value - 15.0


def test_passes_of_one_tape_in_two_positions_move_differently(captured):
    truth = truth_of(captured, "encoded")
    (on,), (encode,) = (truth.find("speed_error", track=1, dbx=dbx) for dbx in ("on", "encode"))
    assert on.conditions["pass"] == encode.conditions["pass"] == 1
    assert on.value != encode.value


@pytest.mark.slow
def test_a_resumed_capture_plays_the_same_tapes(captured, make_session):
    resumed = make_session("resumed", stimuli=STIMULI, tone_s=1.0)
    for positions in (("off",), ("off", "decode", "encode"), POSITIONS):
        capture_virtual(Session.open(resumed.path), "virtual", planned(positions), seed=4)
    for take in TAKES.values():
        one, two = (Session.open(s.path).take(take)[1] for s in (captured, resumed))
        assert np.array_equal(one.read(0, one.samples), two.read(0, two.samples)), take
