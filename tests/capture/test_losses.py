"""Whatever dies while a pass is recorded, what had arrived a second before is on disk, bit for bit, and the capture goes on.

The processes are killed, the disk is a real one that another program fills. The stimulus carries
noise, so that every sample says where it belongs.
"""

import os
import select
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from sessions.store import Session
from signals.audio import ArrayAudio
from signals.stimulus import StimulusAudio
from tests.capture.conftest import RATE, short_sheet
from tests.capture.jack_server import PERIOD
from tests.conftest import environment

TONE_S = 6.0
LATEST_S = 8.0
"""The stimulus is some seconds longer."""
SAFE_S = 1.0
TOLD_S = 5.0
"""The program says within this time what happened; a busy computer may need longer to end it."""
END_S = 20.0
GO_ON_S = 90.0

PROGRAM = """
import sys

def main():
    from multiprocessing import active_children
    from capture.flow import capture
    from capture.recorder import PortAudioDevice
    from capture.recordings import Plan
    from capture.verification import automatic
    from sessions.store import Session
    from signals.errors import TapeError

    class Deck:
        def __getattr__(self, name):
            return lambda *arguments, **more: None

        def judge(self, take, verification):
            return automatic(verification)

    told = []

    def report(progress):
        if progress.done_samples and not told:
            told.append(True)
            print(progress.done_samples, *(child.pid for child in active_children()), flush=True)

    try:
        device = PortAudioDevice("Virtual Deck", 48000, range(4), range(4))
        capture(Session.open(sys.argv[1]), device, Deck(), Plan.of(loop=True), report)
    except TapeError as error:
        sys.exit(f"tape: {error}")

if __name__ == "__main__":
    main()  # what is imported there, the stream's process does without
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """A function that starts a program which records a session through the deck."""
    script = tmp_path_factory.mktemp("program") / "record.py"
    script.write_text(PROGRAM)

    def start(session):
        line = [sys.executable, str(script), str(session)]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())

    return start


@pytest.fixture(scope="module")
def stimulus():
    sheet = short_sheet("abc123", "main", TONE_S, tracks=(1, 2, 3))
    noise = 1e-3 * np.random.default_rng(5).standard_normal((sheet.samples, 4))
    return sheet, ArrayAudio(StimulusAudio(sheet).read(0, sheet.samples) + noise, RATE)


@pytest.fixture
def disk(tmp_path):
    """A small disk of its own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root on Linux")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


class Recording:
    """A program that records a session, from its first block on."""

    def __init__(self, folder, deck, program, stimulus):
        self.folder, self.deck, self.program = folder, deck, program
        self.session = Session.create(
            folder / "session", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, session_id="abc123"
        )
        self.session.add_stimulus(*stimulus)
        self.process = program(self.session.path)
        words = self.process.stdout.readline().split()
        assert len(words) == 2, self.process.communicate()
        self.safe_samples, self.child = map(int, words)

    def run_for(self, seconds):
        """Let it record; afterwards `safe_samples` have arrived a second ago at the latest, as the deck counts them."""
        if seconds <= SAFE_S:
            time.sleep(seconds)
            return
        before = self.deck.passed()
        time.sleep(seconds - SAFE_S)
        self.safe_samples += self.deck.passed() - before
        time.sleep(SAFE_S)

    def has_told(self):
        """The one line in which it says what happened."""
        assert select.select([self.process.stderr], [], [], TOLD_S)[0]
        out, err = self.process.communicate(timeout=END_S)
        assert self.process.returncode == 1
        assert out == ""
        (line,) = err.splitlines()
        return line

    def require_kept(self):
        """What had arrived is there, as it was sent, in a session that is whole."""
        session = Session.open(self.session.path)
        session.recover()
        assert session.check() == []
        (record,) = session.takes("loop", complete=False)
        assert record.state == "interrupted"
        assert record.samples >= self.safe_samples
        sent = session.stimulus()[1]
        with session.take(record.id)[1] as returned:
            kept = returned.read(0, returned.samples)
        delay = int(np.argmax(kept[:, 0] != 0.0))
        assert delay in (0, PERIOD, 2 * PERIOD)
        assert np.array_equal(kept[delay:], sent.read(0, len(kept) - delay))
        return record

    def require_goes_on(self, deck):
        """The next run records the take that is missing."""
        deck.freewheel(True)
        _, err = self.program(self.session.path).communicate(timeout=GO_ON_S)
        deck.freewheel(False)
        assert err == ""
        session = Session.open(self.session.path)
        assert session.check() == []
        assert [take.state for take in session.takes("loop", complete=False)] == ["interrupted", "complete"]


def each_moment(seed):
    """Twenty moments: an early one at every run of the tests, all of them in a study."""
    drawn = sorted(np.random.default_rng(seed).uniform(0.05, LATEST_S, 20))
    early = drawn.pop(3)
    study = (pytest.param(moment, marks=pytest.mark.slow, id=f"{moment:.2f}s") for moment in drawn)
    return pytest.mark.parametrize("moment_s", [pytest.param(early, id=f"{early:.2f}s"), *study])


@each_moment(1)
def test_the_stream_is_killed(jack_at, tmp_path, program, stimulus, moment_s):
    deck = jack_at(RATE).deck("unity")
    recording = Recording(tmp_path, deck, program, stimulus)
    recording.run_for(moment_s)
    os.kill(recording.child, signal.SIGKILL)
    assert recording.has_told().startswith("tape: 'Virtual Deck' was lost")
    recording.require_kept()
    recording.require_goes_on(deck)


@each_moment(2)
def test_the_program_is_killed(jack_at, tmp_path, program, stimulus, moment_s):
    deck = jack_at(RATE).deck("unity")
    recording = Recording(tmp_path, deck, program, stimulus)
    recording.run_for(moment_s)
    recording.process.kill()
    recording.process.communicate()
    recording.require_kept()
    recording.require_goes_on(deck)


@each_moment(3)
@pytest.mark.slow
def test_the_sound_server_is_killed(jack_at, tmp_path, program, stimulus, moment_s):
    server = jack_at(RATE)
    deck = server.deck("unity")
    recording = Recording(tmp_path, deck, program, stimulus)
    recording.run_for(moment_s)
    server.kill()
    assert recording.has_told().startswith("tape: 'Virtual Deck' was lost")
    recording.require_kept()
    recording.require_goes_on(jack_at(RATE).deck("unity"))


@each_moment(4)
def test_the_disk_is_filled(jack_at, disk, program, stimulus, moment_s):
    deck = jack_at(RATE).deck("unity")
    recording = Recording(disk, deck, program, stimulus)
    recording.run_for(moment_s)
    subprocess.run(["dd", "if=/dev/zero", f"of={disk / 'others'}", "bs=64k"], check=False, capture_output=True)
    line = recording.has_told()
    assert line.startswith("tape: There is no room to write returned.wav")
    (disk / "others").unlink()
    recording.require_kept()
    recording.require_goes_on(deck)
