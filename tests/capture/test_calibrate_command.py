"""The command, with an interface made of textbook parts in place of the one on the desk."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from capture.calibration import Loops
from sessions.calibration import find
from tests.capture.interface_by_parts import Interface

ROOT = Path(__file__).parents[2]
ASKED = """
import sys, time, tape
from capture import calibrate_command
from capture.calibration import Loops
from capture.device import StreamFacts
from tests.capture.interface_by_parts import Interface

class Slow(Interface):
    def run(self, sent, sink, tail_s, stop=lambda: False):
        if sent.samples < 100 * 48000:
            return super().run(sent, sink, tail_s, stop)
        end = time.monotonic() + 20.0
        while not stop() and time.monotonic() < end:
            time.sleep(0.01)
        return StreamFacts(0)

calibrate_command.open_loops = lambda device, rate, outputs, inputs: Loops(Slow(cables=(0, 1), outputs=2), outputs, inputs)
tape.main()
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAPE_CONFIG", str(tmp_path / "configuration"))
    return tmp_path / "configuration"


@pytest.fixture
def interface(monkeypatch):
    parts = Interface(cables=(0, 1), outputs=2, noise=1e-5)
    monkeypatch.setattr("capture.calibrate_command.open_loops", lambda device, rate, o, i: Loops(parts, o, i))
    return parts


def test_a_calibration_is_made_and_kept(command, interface, folder):
    done = command("calibrate", "--device", "2i2", "--yes")
    assert done.status == 0, done.err
    assert "output 1 to input 1: latency 1234.5" in done.out
    assert "output 2 to input 2: latency 1234.5" in done.out
    (file,) = folder.rglob("*.json")
    assert done.out.splitlines()[-1] == f"kept: {file}"
    assert find("Test 2i2", 48_000, [(1, 1), (2, 2)]).pairs == ((1, 1), (2, 2))
    # And the voltage afterwards: 0.775 V of a sine at -12 dBFS are 12 dBu at full scale.
    done = command("calibrate", "--device", "2i2", "--volts", "0.7746", "--json")
    told = {r["quantity"]: r["value"] for r in json.loads(done.out)["results"]}
    assert told["output_full_scale"] == pytest.approx(12.0, abs=0.001)
    assert len(list(folder.rglob("*.json"))) == 2


def test_a_voltage_before_a_calibration_is_refused(command, interface, folder):
    for how in ("--meter", "--volts=1.2"):
        refused = command("calibrate", "--device", "2i2", how, "--yes").refusal
        assert "'Test 2i2' has not been calibrated at 48000 Hz" in refused
    assert interface.runs == 0
    assert not folder.exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--outputs", "1,2", "--inputs", "1"], "2 outputs and 1 inputs make no pairs"),
        (["--outputs", "0"], "numbered from 1"),
        (["--volts", "fish"], "'fish' is no list of voltages"),
        ([], "add --yes"),  # there is no terminal here
    ],
)
def test_wrong_wishes_are_refused_before_anything_is_opened(command, interface, wrong, says):
    done = command("calibrate", "--device", "2i2", *wrong)
    assert done.status == 2
    assert says in done.refusal
    assert interface.runs == 0


def test_a_missing_cable_is_one_line(command, interface, folder):
    interface.cables = (0, None)
    assert "input 2 is silent" in command("calibrate", "--device", "2i2", "--yes").refusal
    assert not folder.exists()


def test_the_virtual_deck_has_nothing_to_calibrate(command):
    assert "no audio interface" in command("calibrate", "--device", "virtual", "--yes").refusal


class Terminal:
    """The command in a terminal of its own, and someone who types."""

    def __init__(self, *arguments):
        master, slave = pty.openpty()
        self.screen, self.said = master, ""
        line = [sys.executable, "-c", ASKED, "calibrate", "--device", "2i2", *arguments]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "200"}
        self.process = subprocess.Popen(
            line, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True, close_fds=True
        )
        os.close(slave)

    def wait_for(self, words, seconds=30.0):
        end = time.monotonic() + seconds
        while words not in self.said and time.monotonic() < end:
            if select.select([self.screen], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self.screen, 4096).decode(errors="replace")
                except OSError:  # the other side was closed
                    break
        assert words in self.said, self.said

    def type(self, text):
        os.write(self.screen, text.encode())

    def end(self):
        status = self.process.wait(30)
        os.close(self.screen)
        return status


def test_in_a_terminal_one_is_led_from_cable_to_cable_and_to_the_meter(folder):
    one = Terminal()
    one.wait_for("Connect output 1 to input 1")
    one.type("\n")
    one.wait_for("Connect output 2 to input 2")
    one.type("\n")
    one.wait_for("kept:")
    assert one.end() == 0
    two = Terminal("--meter")
    two.wait_for("volts at output 1:")
    two.type("1.228\n")
    two.wait_for("volts at output 2:")
    two.type("1.228\n")
    two.wait_for("kept:")
    assert two.end() == 0
    found = find("Test 2i2", 48_000, [(1, 1), (2, 2)])
    levels = [r.value for r in found.find("output_full_scale")]
    assert levels == pytest.approx([16.0, 16.0], abs=0.01)
    # Ctrl-C while the tone plays and a question stands ends both.
    three = Terminal("--meter")
    three.wait_for("volts at output 1:")
    three.process.send_signal(2)
    three.wait_for("interrupted")
    assert three.end() == 1
    assert "Fatal" not in three.said
