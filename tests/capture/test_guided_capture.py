"""The guided capture as a person meets it: ``tape capture`` in a terminal, through PortAudio, and the session measured."""

import json
import re
import time

import numpy as np
import pytest

from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from sessions.store import Session
from sessions.wave import write_wave
from signals.audio import ArrayAudio
from tests.capture.terminal_driver import PROMPT_S


def prepare(person):
    person.wait_for("Press Enter to begin")
    person.answer()
    person.wait_for("Press Enter when it is so.")  # cables
    person.answer()
    person.wait_for("Press Enter when it is so.")  # the panel
    person.answer()
    person.wait_for("Set the dbx switch to OFF.")
    person.wait_for("Press Enter when it is so.")
    person.answer()


def test_a_person_is_led_from_the_first_prompt_to_a_measured_session(jack_at, terminal, command, tmp_path):
    deck = jack_at(48000).deck("tape", "--tracks", "1,4", "--script", "thru,record,play")
    deck.freewheel(True)
    session, music = tmp_path / "my-deck", tmp_path / "short.wav"
    write_wave(music, ArrayAudio(0.1 * np.random.default_rng(3).standard_normal((6 * 48000, 1)), 48000), "pcm24")
    line = ("capture", session, "--device", "virtual deck", "--pilot-track", 4, "--outputs", "1,4", "--inputs", "1,4")
    person = terminal(*line, "--quick", "--levels", "0:6:6", "--music", music, "--passes", 1)
    begun = person.wait_for("Press Enter to begin")
    assert "1 record pass and 1 play pass" in begun
    person.answer()
    cables = person.wait_for("Press Enter when it is so.")
    assert "output 4 to MIC/LINE IN of channel 4 (pilot)" in cables
    assert "TAPE OUT 1 to input 1" in cables
    person.answer()
    panel = person.wait_for("Press Enter when it is so.")
    for words in ("DIRECT", "EQ flat", "PITCH CONTROL in its detent", "Type II", "9.5 cm/s"):
        assert words in panel
    person.answer()
    person.wait_for("Set the dbx switch to OFF.")
    person.wait_for("Press Enter when it is so.")
    person.answer()
    person.wait_for("Press Enter for the tone and the meters.")
    person.answer()
    person.wait_for("-18.0 dBFS  good")
    person.answer()
    person.wait_for("Press Enter while the tape is recording.")
    person.answer()
    person.wait_for("Stop the tape.")
    person.wait_for("record: markers found, level -0.0 dB re sent, speed")
    person.wait_for("[a accept, r repeat, b break off; Enter: accept]")
    person.answer()
    person.wait_for("SAFE, so that nothing is erased")
    person.wait_for("Press Enter when it is so.")
    person.answer()
    person.wait_for("Press Enter, then PLAY.")
    person.answer()
    person.wait_for("start marker heard")
    summary = person.wait_for("0 dropouts")
    assert re.search(r"play-1: markers found, level [+-]0\.\d dB re expected, speed \+0\.18 %", summary)
    person.wait_for("Enter: accept]")
    person.answer()
    person.wait_for(f"next: tape measure {session}")
    assert person.status() == 0

    opened = Session.open(session)
    assert opened.check() == []
    assert [(t.id, t.state, t.faults) for t in opened.takes(complete=False)] == [
        ("record", "complete", ()),
        ("play-1", "complete", ()),
    ]
    sheet, _ = opened.stimulus()
    said = json.loads(command("measure", session, "--json").out)["results"]
    true = truth(load_parameters("fresh"), sheet, 1, passes=[1], tool_version="", created="")

    tape = {"pass": 1, "track": 1}
    for quantity, more, tolerance in (
        ("speed_error", {}, 2e-3),  # the tape rolls some blocks before the stream does, and its speed drifts
        ("wow_flutter_weighted_2sigma", {}, 2e-3),
        ("thd", {"frequency_hz": 315.0, "level_db": 0.0}, 0.02),
        ("noise_a", {}, 0.2),
    ):
        (expected,) = [r.value for r in true.find(quantity, **tape, **more)][:1]
        found = [
            r["value"] for r in said if r["quantity"] == quantity and {**tape, **more}.items() <= r["conditions"].items()
        ]
        assert found[0] == pytest.approx(expected, abs=tolerance), quantity


def wait_for_bytes(file, size):
    give_up = time.monotonic() + PROMPT_S
    while not file.exists() or file.stat().st_size < size:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def test_ctrl_c_in_a_pass_keeps_it_and_the_same_command_goes_on(jack_at, terminal, tmp_path):
    jack_at(48000).deck("tape", "--tracks", "1", "--script", "thru,record")
    session = tmp_path / "s"
    line = ("capture", session, "--device", "virtual deck", "--quick", "--levels", "-10:0:10", "--passes", 1)
    person = terminal(*line)
    prepare(person)
    person.wait_for("Press Enter for the tone and the meters.")
    person.answer()
    person.wait_for("-18.0 dBFS  good")
    person.answer()
    person.wait_for("Press Enter while the tape is recording.")
    person.answer()
    person.wait_for("record pass")
    wait_for_bytes(session / "takes/record/returned.wav.part", 3 * 48000 * 4)
    person.interrupt()
    person.wait_for("Stop the tape.")
    person.wait_for("tape: interrupted; what had been finished is kept")
    assert person.status() == 1
    opened = Session.open(session)
    (kept,) = opened.takes(complete=False)
    assert (kept.state, kept.faults) == ("interrupted", ("stopped by the user",))
    assert kept.samples > 2 * 48000
    assert opened.check() == []
    again = terminal("capture", session, "--device", "virtual deck")
    assert "1 record pass and 1 play pass" in again.wait_for("Press Enter to begin")
    again.interrupt()
    again.wait_for("tape: interrupted")
