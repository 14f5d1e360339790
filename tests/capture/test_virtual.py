import json

import numpy as np
import pytest

from analysis.locate import find_takes
from capture.flow import State, Step
from capture.recordings import Plan
from capture.virtual.opening import open_virtual
from capture.virtual.session import capture_virtual
from sessions.results import Measurements
from sessions.store import Session
from signals.errors import DeviceError, ModelError

RATE = 48000


@pytest.fixture
def session(make_session):
    return make_session("short", tone_s=1.0)


def test_all_tracks_come_back_and_the_truth_lies_beside(session):
    states = []
    parts = []
    (take,) = capture_virtual(session, "virtual", Plan(), lambda p: states.append(p.state), seed=5, of_truth=parts.append)
    assert states[-1] == State(Step.DONE, 1)
    record, audio = session.take(take.id)
    assert (record.channels, record.inputs) == (4, {0: 1, 1: 2, 2: 3, 3: 4})
    assert (session.manifest.interface.name, session.manifest.interface.settings) == ("virtual:fresh", {"seed": 5})
    assert session.check() == []
    # programme on track 1 and pilot on track 4, at about the level they were sent at; neighbours only whisper
    rms = np.sqrt(np.mean(audio.read(6 * RATE, 8 * RATE) ** 2, axis=0))
    assert rms[0] > 0.03
    assert rms[3] > 0.03
    assert max(rms[1:3]) < 0.005

    # Of one pass with two tracks: each track, then the tracks beside one another.
    assert parts == pytest.approx([0.0, 1 / 3, 2 / 3])
    truth = Measurements.model_validate(json.loads((session.path / "truth.json").read_text()))
    sheet, _ = session.stimulus()
    (found,) = find_takes(audio, sheet)
    marker_s = sheet.of_kind("marker_start")[0].start_samples / RATE
    (latency,) = truth.find("latency", track=1)
    assert latency.value == pytest.approx(found.start_s - marker_s, abs=1e-3)
    assert "truth.json" in session.manifest.files
    (trajectory,) = truth.find_curves("delay_trajectory", track=1)
    assert np.interp(marker_s, trajectory.x.array, trajectory.y.array) == pytest.approx(latency.value, abs=1e-3)


@pytest.mark.slow
def test_a_resumed_capture_plays_the_same_tape(make_session):
    at_once, resumed = (make_session(name, tone_s=0.5) for name in "ab")
    capture_virtual(at_once, "virtual:worn", Plan.of(2, play_tail_s=3.5), seed=3)
    capture_virtual(resumed, "virtual:worn", Plan.of(1, play_tail_s=3.5), seed=3)
    capture_virtual(Session.open(resumed.path), "virtual:worn", Plan.of(2, play_tail_s=3.5))
    for take_id in ("play-1", "play-2"):
        one, two = (Session.open(s.path).take(take_id)[1] for s in (at_once, resumed))
        assert one.samples == two.samples
        assert np.array_equal(one.read(0, one.samples), two.read(0, two.samples))
    truths = [json.loads((s.path / "truth.json").read_text())["results"] for s in (at_once, resumed)]
    assert truths[0] == truths[1]
    latencies = {r["conditions"]["pass"]: r["value"] for r in truths[0] if r["quantity"] == "latency"}
    assert abs(latencies[1] - latencies[2]) > 0.001  # every pass starts at its own moment


def test_the_seed_follows_from_the_session_unless_it_is_given(make_session):
    seeds = [open_virtual(make_session(name, session_id=name), "virtual").seed for name in ("one", "two")]
    assert seeds[0] != seeds[1]
    assert open_virtual(make_session("again", session_id="one"), "virtual").seed == seeds[0]


def test_in_loop_mode_the_electronics_come_back_at_once(session):
    (take,) = capture_virtual(session, "virtual", Plan(loop=True))
    _, audio = session.take(take.id)
    sheet, _ = session.stimulus()
    (found,) = find_takes(audio, sheet)
    assert found.start_s == pytest.approx(2.0, abs=1e-3)
    assert found.speed == pytest.approx(1.0, abs=1e-6)
    assert not (session.path / "truth.json").exists()


def test_a_deck_of_one_s_own_is_read_from_a_file(session, tmp_path):
    (tmp_path / "mine.toml").write_text('extends = "fresh"\n[transport]\nspeed_error_percent = 2.5\n')
    deck = open_virtual(session, f"virtual:{tmp_path / 'mine.toml'}")
    assert deck.parameters.transport.speed_error_percent == 2.5


@pytest.mark.parametrize(
    ("device", "error", "message"),
    [
        ("virtual:none", ModelError, "no deck 'none'"),
        ("Scarlett", DeviceError, "'Scarlett' is no virtual deck"),
    ],
)
def test_an_unknown_deck_is_refused(session, contents, device, error, message):
    before = contents(session.path)
    with pytest.raises(error, match=message):
        capture_virtual(session, device, Plan())
    assert contents(session.path) == before


def test_a_session_goes_on_with_the_deck_that_began_it(session, contents):
    capture_virtual(session, "virtual", Plan(loop=True), seed=1)
    before = contents(session.path)
    for device, seed in (("virtual:worn", None), ("virtual", 2)):
        with pytest.raises(DeviceError, match=r"begun with 'virtual:fresh' \(seed 1\)"):
            capture_virtual(session, device, Plan.of(2), seed=seed)
    assert contents(session.path) == before


def test_a_speed_the_deck_has_not_is_refused(tmp_path):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=19.0, reference_dbfs=-18.0)
    with pytest.raises(DeviceError, match=r"for 19 cm/s; the virtual deck runs at 9\.5 and 4\.8"):
        open_virtual(session, "virtual")
