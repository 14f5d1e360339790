"""Pitch control between the passes, end to end: a play pass lasts as long as the tape does, and its speed is measured."""

import json

import pytest

from analysis.locate import SPEED_RANGE
from capture.passes import PLAY_TAIL_S, PLAY_TAIL_SHARE
from capture.recordings import Plan
from capture.virtual.session import capture_virtual
from reports.measuring import measure_session
from sessions.results import Measurements
from sessions.store import Session
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(8.0, (1000.0,), (-20.0, 0.0), 0.8, (), 4.0, 3.0, 0.5, ())


def pitched(folder, record_percent, play_percent):
    path = folder / "pitched.toml"
    lines = (f"record_pitch_percent = {record_percent}", f"play_pitch_percent = {play_percent}")
    path.write_text("\n".join(['extends = "fresh"', "[transport]", *lines]) + "\n")
    return f"virtual:{path}"


def captured(folder, record_percent, play_percent):
    session = Session.create(folder / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, session_id="pitch")
    sheet = plan(session="pitch", sample_rate=RATE, tracks=[1], pilot_track=4, scope=SCOPE)
    session.add_stimulus(sheet, StimulusAudio(sheet))
    (take,) = capture_virtual(session, pitched(folder, record_percent, play_percent), Plan(), seed=6)
    true = Measurements.model_validate(json.loads((session.path / "truth.json").read_text()))
    return session, take, sheet, true


def test_a_slower_play_pass_is_measured_like_any_other(tmp_path):
    session, _, _, true = captured(tmp_path, 4.0, -3.0)
    told = measure_session(Session.open(session.path))
    for quantity in ("speed_error", "latency", "wow_flutter_weighted_2sigma", "noise_a"):
        (found,) = told.find(quantity, track=1, **{"pass": 1})
        (expected,) = true.find(quantity, track=1)
        assert found.value == pytest.approx(expected.value, abs=found.uncertainty), quantity
    (speed,) = told.find("speed_error", track=1, **{"pass": 1})
    assert speed.value == pytest.approx(100.0 * (0.97 / 1.04 - 1.0), abs=0.3)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("record_percent", "play_percent"), [(12.0, -12.0), pytest.param(-12.0, 12.0, marks=pytest.mark.slow)]
)
def test_a_pass_lasts_until_its_end_marker_is_heard_and_never_less_than_usual(tmp_path, record_percent, play_percent):
    _, take, sheet, true = captured(tmp_path, record_percent, play_percent)
    usual = sheet.samples + round((PLAY_TAIL_S + PLAY_TAIL_SHARE * sheet.samples / RATE) * RATE)
    assert take.samples == usual if play_percent > 0.0 else take.samples > usual
    heard_s = sheet.samples / RATE * (1.0 + record_percent / 100.0) / (1.0 + play_percent / 100.0)
    assert take.samples / RATE <= max(usual / RATE, heard_s + 8.0)
    (speed,) = true.find("speed_error", track=1)
    assert SPEED_RANGE[0] < 1.0 + speed.value / 100.0 < SPEED_RANGE[1]
    assert any("than when it was recorded, more than 8 %" in fault for fault in take.faults)


@pytest.mark.slow
def test_without_pitch_a_pass_is_as_long_as_ever(tmp_path):
    _, take, sheet, _ = captured(tmp_path, 0.0, 0.0)
    assert take.samples == sheet.samples + round((PLAY_TAIL_S + PLAY_TAIL_SHARE * sheet.samples / RATE) * RATE)
