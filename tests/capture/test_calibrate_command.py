"""The command through PortAudio and JACK: a deck that returns what it is sent is a cable of known delay and gain."""

import json
import os
import re
import sys

import numpy as np
import pytest

from capture.attended import capture_attended
from capture.recorder import PortAudioDevice
from capture.terminal import Conversation
from reports.header import ReportHeader
from reports.measuring import measure_session
from sessions.calibration import find, of_session
from sessions.store import Session
from signals.scope import Scope
from signals.stimulus import StimulusAudio, plan
from tests.capture.jack_server import DECK, PERIOD

RATE = 48_000
DELAY = 480  # samples
SHORT = Scope(0.5, (1000.0,), (0.0,), 0.6, (-10.0,), 4.0, 1.0, 0.2, ())
LINE = ("calibrate", "--device", DECK)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAPE_CONFIG", str(tmp_path / "configuration"))
    return tmp_path / "configuration"


def test_a_loop_is_measured_and_kept_and_later_taken_off(jack_at, command, folder, tmp_path):
    jack_at(RATE).deck("unity", "--delay", DELAY, "--gain-db", -6.0).freewheel(True)
    assert "has not been calibrated at 48000 Hz" in command(*LINE, "--volts", "1.2").refusal
    done = command(*LINE, "--yes", "--json")
    assert (done.status, done.err) == (0, "")
    made = find(DECK, RATE, [(1, 1), (2, 2)])
    assert json.loads(done.out) == made.model_dump(mode="json")
    assert made.pairs == ((1, 1), (2, 2))
    assert len(list(folder.rglob("*.json"))) == 1
    for pair in ({"output": 1, "input": 1}, {"output": 2, "input": 2}):
        (latency,), (gain,), (noise,) = (made.find(q, **pair) for q in ("interface_latency", "gain", "noise_a"))
        periods = (latency.value * RATE - DELAY) / PERIOD
        assert round(periods) in (1, 2, 3)  # however many the graph of the server has
        assert periods == pytest.approx(round(periods), abs=1e-5)
        assert latency.note is None
        assert gain.value == pytest.approx(-6.0, abs=0.01)
        assert noise.value is None
        assert "nothing but zeros" in noise.note  # digital silence
        assert all((r.value or 0.0) < 1e-4 for r in made.find("thd", **pair, frequency_hz=1000.0))
        (response,) = made.find_curves("frequency_response", **pair)
        inside = (response.x.array >= 25.0) & (response.x.array <= 20_000.0)
        assert np.max(np.abs(response.y.array[inside])) < 0.01
    told = command(*LINE, "--volts", "0.7746,1.228")
    assert told.status == 0, told.err
    assert "gain -6.00 dB" in told.out
    assert "no noise at all" in told.out
    assert "full scale +12.0 dBu out, +18.0 dBu in" in told.out  # the input takes 6 dB more
    assert "full scale +16.0 dBu out, +22.0 dBu in" in told.out
    assert len(list(folder.rglob("*.json"))) == 2

    session = captured(tmp_path / "session")
    assert of_session(session).find("output_full_scale", output=1)[0].value == pytest.approx(12.0, abs=0.01)
    measured = {r.quantity: r for r in measure_session(session).results}
    assert measured["interface_latency"].value == made.find("interface_latency", output=1)[0].value
    assert measured["latency"].value * RATE == pytest.approx(0.0, abs=0.05)
    assert measured["latency"].method.endswith("the interface's own taken off")
    facts = dict(ReportHeader.of_manifest(session.manifest, calibration=of_session(session)).facts())
    assert re.match(rf"{DECK}, 48\s+kHz, calibrated .*, latency \d", facts["Interface"])


def captured(path):
    """A session of one pass through output 1 and input 1, without a tape."""
    session = Session.create(path, deck="cable", speed_cm_s=9.5, reference_dbfs=-18.0)
    sheet = plan(session=session.manifest.id, sample_rate=RATE, tracks=(1,), scope=SHORT)
    session.add_stimulus(sheet, StimulusAudio(sheet))
    device = PortAudioDevice(DECK, RATE, [0], [0])
    with Conversation(asking=False, quiet=True) as talk:
        capture_attended(talk, session, device, dbx=("off",), passes=1, loop=True)
    return session


@pytest.mark.parametrize(
    ("gain_db", "outputs", "inputs", "says"),
    [
        (0.0, "1,2", "2,1", "what output 1 plays comes back at input 1 and not at input 2; swap the cables"),
        (0.0, "1", "2", "input 2 is silent (-inf dBFS at most) while output 1 plays; put a cable"),
        (40.0, "1", "1", "is clipped; turn its gain down"),
        (0.0, "5", "1", "has 4 output(s) and output 5 was asked for"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(jack_at, command, folder, gain_db, outputs, inputs, says):
    jack_at(RATE).deck("unity", "--gain-db", gain_db).freewheel(True)
    done = command(*LINE, "--outputs", outputs, "--inputs", inputs, "--yes")
    assert says in done.refusal
    assert done.status == 1
    assert not folder.exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--outputs", "1,2", "--inputs", "1"], "--outputs 1,2 and --inputs 1 make no pairs"),
        (["--outputs", "0"], "numbered from 1"),
        (["--volts", "fish"], "'fish' is no voltage"),
        (["--meter", "--yes"], "--meter asks for the volts and --yes asks nothing"),
        ([], "add --yes"),  # there is no terminal here
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_opened(command, monkeypatch, wrong, says):
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        done = command("calibrate", "--device", "no such interface", *wrong)
    assert done.status == 2
    assert says in done.refusal


def test_the_virtual_deck_has_nothing_to_calibrate(command):
    assert "'virtual:worn' is no audio interface" in command("calibrate", "--device", "virtual:worn", "--yes").refusal


def test_in_a_terminal_one_is_led_from_cable_to_cable_and_to_the_meter(jack_at, terminal, folder):
    deck = jack_at(RATE).deck("unity", "--delay", DELAY)
    deck.freewheel(True)
    cables = terminal(*LINE, columns=200)
    for number in (1, 2):
        cables.wait_for(f"Connect output {number} of '{DECK}' to its input {number}")
        cables.wait_for("Press Enter when the cable is in.")
        assert cables.is_still()  # no bar is drawn while someone is asked
        cables.answer()
        cables.wait_for(f"measuring output {number} to input {number}")
    cables.wait_for("kept:")
    assert cables.status() == 0
    deck.freewheel(False)

    meter = terminal(*LINE, "--meter", columns=200)
    meter.wait_for("Press Enter for the tone.")
    meter.answer()
    meter.wait_for("Volts RMS at output 1:")
    for typed, answer in (("", "is no voltage"), ("1,23", "is no voltage"), ("1000", "beyond any line output")):
        meter.answer(typed)
        meter.wait_for(answer)
        meter.wait_for("Volts RMS at output 1:")
    meter.answer("1.228")
    meter.wait_for("Volts RMS at output 2:")
    assert meter.is_still()
    meter.answer("0.7746")
    meter.wait_for("kept:")
    assert meter.status() == 0
    levels = [r.value for r in find(DECK, RATE, [(1, 1), (2, 2)]).find("output_full_scale")]
    assert levels == pytest.approx([16.0, 12.0], abs=0.01)

    kept = sorted(folder.rglob("*.json"))
    broken_off = terminal(*LINE, "--meter", columns=200)
    broken_off.wait_for("Press Enter for the tone.")
    broken_off.answer()
    broken_off.wait_for("Volts RMS at output 1:")
    broken_off.interrupt()
    broken_off.wait_for("tape: interrupted")
    assert broken_off.status() == 1
    assert "Fatal" not in broken_off.said
    assert sorted(folder.rglob("*.json")) == kept
