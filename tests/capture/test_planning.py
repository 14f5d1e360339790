"""What a session is planned to hold for takes with dbx in the way."""

import pytest

from capture.planning import Wish, plan_session, planned_dbx, read_dbx, recordings
from capture.recordings import Play, Recording
from signals.errors import StimulusError, UsageError
from signals.markers import identity_code
from signals.tape_length import MINUTES_A_SIDE


@pytest.mark.parametrize(
    ("text", "modes"), [("off", ("off",)), ("decode, on,decode", ("decode", "on")), ("encode", ("encode",))]
)
def test_positions_are_read(text, modes):
    assert read_dbx(text) == modes


@pytest.mark.parametrize("text", ["", "in", "off,,on", "ON"])
def test_unknown_positions_are_refused(text):
    with pytest.raises(UsageError, match="no position of the dbx switch; give some of off, on, encode, decode"):
        read_dbx(text)


def test_each_position_gets_the_recording_that_it_needs():
    assert recordings(("off",), 3) == (Recording("main", False, (Play(3),)),)
    every = recordings(("off", "on", "encode", "decode"), 2)
    assert [(r.stimulus, r.dbx) for r in every] == [("main", False), ("plain", False), ("encoded", True)]
    assert [r.condition(p) for r in every for p in r.plays] == ["off", "decode", "on", "encode"]
    assert {p.passes for r in every for p in r.plays} == {2}
    # The switch, recording and playing in turn: no order turns it less often.
    positions = [s for r in every for s in (r.dbx, *(p.dbx for p in r.plays))]
    assert positions == [False, False, False, True, True, True, False]


def test_a_session_holds_the_stimuli_that_are_needed_and_no_others(tmp_path):
    session = plan_session(tmp_path / "s", Wish(quick=True, pilot_track=4, dbx=("decode", "encode")))
    assert [s.id for s in session.manifest.stimuli] == ["plain", "encoded"]
    for known in session.manifest.stimuli:
        sheet, audio = session.stimulus(known.id)
        assert sheet.code == known.code == identity_code(session.manifest.id, known.id)
        assert not sheet.of_kind("sweep")
        assert (audio.samples, audio.channels) == (sheet.samples, 2)
    assert session.manifest.wiring.outputs == {0: 1, 1: 4}
    assert planned_dbx(session) == ("decode", "on")  # that `encode` was wished for is not kept before there is a take
    assert session.check() == []


def test_every_recording_must_fit_the_tape(tmp_path, monkeypatch):
    """Each begins at the counter's zero, so two that fit need not fit one after the other."""
    monkeypatch.setitem(MINUTES_A_SIDE, "short", 2.2)  # 66 s at 9.5 cm/s
    with pytest.raises(StimulusError, match=r"the stimulus of 2\.6 min does not fit the 1\.1 min of a short"):
        plan_session(tmp_path / "s", Wish(cassette="short", dbx=("on",)))
    assert not (tmp_path / "s").exists()
