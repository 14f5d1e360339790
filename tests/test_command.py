"""The command as its user meets it: help, output for programs, and Ctrl-C."""

import json
import os
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile

from tests.conftest import COMMAND, Done, environment
from tests.modeling.known_model import known_model

RATE = 48000
COMMANDS = (
    "demo",
    "devices",
    "stimulus",
    "calibrate",
    "capture",
    "import",
    "check",
    "measure",
    "report",
    "train",
    "render",
    "evaluate",
    "export",
    "selftest",
)
SHORT = ("--quick", "--levels", "0:0:1", "--pilot-track", "4", "--passes", "1")


def save_music(path, seconds, rate, gain=1.0, pause_s=0.0):
    """Noise with the rhythm of speech, the same for every gain and pause."""
    rng = np.random.default_rng(3)
    gate = np.repeat(rng.uniform(0.0, 1.0, int(seconds * 6) + 1) ** 3, rate // 6)[: round(seconds * rate)]
    wave = 0.2 * gate * rng.standard_normal(gate.size).clip(-3, 3)
    soundfile.write(path, gain * np.concatenate([np.zeros(round(pause_s * rate)), wave]), rate, subtype="PCM_24")
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_help_shows_an_example(command, name):
    done = command(name, "--help")
    assert (done.status, done.err) == (0, "")
    assert re.search(rf"Example: tape {name}\s", done.out)


def test_help_names_every_command(command):
    done = command("--help")
    assert done.status == 0
    assert re.findall(r"^│ ([a-z]+) ", done.out, re.MULTILINE) == list(COMMANDS)
    assert command().out == done.out


def test_json_is_all_that_stands_on_standard_output(command, tmp_path):
    """Every command but the demo, whose JSON has its own test."""
    music = save_music(tmp_path / "music.wav", 10.0, RATE)
    dry = save_music(tmp_path / "dry.wav", 20.0, 16_000)
    wet = save_music(tmp_path / "wet.wav", 20.0, 16_000, 0.5, 0.25)
    planned, captured, pair = (tmp_path / name for name in ("planned", "captured", "pair"))
    deck = f"model:{known_model(tmp_path / 'deck')}"
    model, out = pair / "models/linear", tmp_path / "out.wav"

    def said(*arguments):
        done = command(*arguments, "--json")
        assert (done.status, done.err) == (0, ""), done
        return json.loads(done.out)

    stimulus = said("stimulus", planned, "--quick", "--levels", "0:0:1", "--music", music)
    assert stimulus["session"] == str(planned)
    assert soundfile.info(stimulus["stimulus"]).duration == pytest.approx(stimulus["seconds"])
    imported = said("import", planned, stimulus["stimulus"])
    assert [(t["id"], t["state"], t["samples"]) for t in imported["takes"]] == [
        ("play-1", "complete", soundfile.info(stimulus["stimulus"]).frames)
    ]
    assert [t["role"] for t in said("capture", captured, "--device", deck, *SHORT, "--music", music)["takes"]] == ["play"]
    assert [t["role"] for t in said("import", pair, "--dry", dry, "--wet", wet)["takes"]] == ["pair"]
    trained = said("train", pair, "--core", "linear")
    assert trained["model"] == str(model)
    measured = said("measure", pair)
    assert measured == json.loads((pair / "measurements.json").read_text())
    assert said("report", pair) == {"report": str(pair / "report.pdf")}
    assert said("evaluate", model, pair)["held_out"]["evaluation"]["esr"] == pytest.approx(trained["esr"])
    assert said("render", model, dry, out) == {"output": str(out)}
    assert soundfile.info(out).frames == soundfile.info(dry).frames
    assert said("export", pair, tmp_path / "export")["samples"] == soundfile.info(tmp_path / "export/input.wav").frames
    assert said("check", pair) == {"session": str(pair), "problems": []}
    with (pair / "report.pdf").open("ab") as file:
        file.write(b"!")
    done = command("check", pair, "--json")
    assert (done.status, done.err, len(json.loads(done.out)["problems"])) == (1, "", 1)


# What is printed, and where


def test_what_the_terminal_cannot_show_is_escaped(process, tmp_path):
    wave = save_music(tmp_path / "größe.wav", 0.5, RATE)
    done = process("render", "virtual", wave, tmp_path / "höher.wav", told={"PYTHONIOENCODING": "ascii"})
    assert (done.status, done.out) == (0, f"written: {tmp_path}/h\\xf6her.wav\n"), done
    assert soundfile.info(tmp_path / "höher.wav").frames == RATE // 2


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_no_utf_8_is_refused(process, tmp_path):
    save_music(tmp_path / "music.wav", 0.5, RATE).rename(os.fsdecode(bytes(tmp_path) + b"/caf\xe9.wav"))
    before = sorted(os.listdir(bytes(tmp_path)))
    for line in (("render", "virtual", b"caf\xe9.wav", "out.wav"), ("stimulus", "new", "--music", b"caf\xe9.wav")):
        done = process(*(os.fsdecode(part) for part in line), cwd=tmp_path)
        assert done.status == 2
        assert done.refusal.startswith("tape: 'caf\\xe9.wav' is not UTF-8, in which names are written; rename the file")
    assert sorted(os.listdir(bytes(tmp_path))) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has a device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("line", [("check", "{session}"), ("check", "{session}", "--json"), ("check", "--help")])
def test_a_full_standard_output_is_told(captured, line, unbuffered):
    surroundings = {**environment(), "PYTHONUNBUFFERED": unbuffered}
    with open("/dev/full", "w") as full:
        arguments = [part.format(session=captured) for part in line]
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=surroundings
        )
    assert Done(done.returncode, "", done.stderr).refusal == (
        "tape: standard output cannot be written: No space left on device; send it elsewhere; what had been finished is kept"
    )
    assert done.stderr.count("\n") == 1
    assert done.returncode == 1


# Ctrl-C


@pytest.fixture
def interrupt(start):
    """A function that runs the command, presses Ctrl-C when it says it is doing something, and returns its last line."""
    if sys.platform == "win32":
        pytest.skip("Ctrl-C cannot be sent to one process alone")

    def run(when, *arguments, asking=signal.SIGINT, status=1):
        running = start(*arguments)
        try:
            said = ""
            for line in running.stderr:
                said += line
                if when in line:
                    running.send_signal(asking)
                    break
            out, err = running.communicate(timeout=60)
        finally:
            running.kill()
        assert running.returncode == status, said + err
        assert all(line.startswith(("linear filter", "floor under")) for line in out.splitlines())  # what is known by then
        assert "Traceback" not in err
        return err.splitlines()[-1]

    return run


EVERY_MOMENT = pytest.param(("composing", "armed", "playing"), marks=pytest.mark.slow)


@pytest.mark.parametrize("moments", [("playing",), EVERY_MOMENT])
def test_ctrl_c_in_a_capture(interrupt, command, tmp_path, moments):
    session = tmp_path / "session"
    line = ("capture", session, *SHORT, "--music", save_music(tmp_path / "music.wav", 5.0, RATE))
    for moment in moments:
        assert interrupt(moment, *line) == "tape: interrupted; what had been finished is kept"
        begun = (session / "session.json").exists()
        assert begun or moment == "composing"
        assert not begun or command("check", session).out == f"{session}: whole\n"
    done = command(*line, "--json")
    assert (done.status, done.err) == (0, ""), done
    assert [t["role"] for t in json.loads(done.out)["takes"]] == ["play"]
    takes = json.loads((session / "session.json").read_text())["takes"]
    assert sorted(t["role"] for t in takes if t["state"] == "complete") == ["play", "record"]
    assert all(t["faults"] == ["stopped by the user"] for t in takes if t["state"] == "interrupted")
    assert command("check", session).status == 0


@pytest.mark.parametrize(
    ("asking", "status", "said"), [(signal.SIGINT, 1, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
)
def test_a_rendering_that_is_ended_leaves_nothing(interrupt, tmp_path, asking, status, said):
    source, model = save_music(tmp_path / "long.wav", 120.0, RATE), known_model(tmp_path / "deck")
    line = ("render", model, source, tmp_path / "out.wav")
    ended = f"tape: {said}; what had been finished is kept"
    assert interrupt("rendering", *line, asking=asking, status=status) == ended
    assert sorted(file.name for file in tmp_path.iterdir()) == ["deck", "long.wav"]


def test_ctrl_c_in_a_training(interrupt, command, tmp_path):
    session = tmp_path / "pair"
    dry, wet = (save_music(tmp_path / name, 8.0, 16_000, g) for name, g in (("dry.wav", 1.0), ("wet.wav", 0.5)))
    assert command("import", session, "--dry", dry, "--wet", wet).status == 0
    said = interrupt("training: step", "train", session, "--core", "tcn", "--minutes", "5")
    assert re.fullmatch(r"tape: training was interrupted at step \d+ of \d+; go on with --resume", said)
    assert command("check", session).status == 0
    assert not (session / "models/tcn").exists()
    again = ("train", session, "--core", "tcn")
    assert "a training of 'tcn' was interrupted" in command(*again, "--name", "tcn").refusal
    assert "planned for 5 minutes; it can end sooner" in command(*again, "--minutes", "6", "--resume").refusal
    assert "leave out --steps 9" in command(*again, "--steps", "9", "--resume").refusal
    done = command(*again, "--minutes", "0.02", "--resume")
    assert done.status == 0, done.err
    assert done.out.startswith("linear filter (least squares): ESR ")
    assert (session / "models/tcn/model.safetensors").exists()
    assert command("check", session).status == 0
