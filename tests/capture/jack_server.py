"""A JACK server without a sound card, and decks on it, so that tests go through PortAudio as with a real interface.

Fixtures, known to every test::

    def test_something(jack_at):
        server = jack_at(48000)                      # a running server, kept for the tests of a file
        deck = server.deck("unity", "--delay", 480)  # found by PortAudio as "Virtual Deck"; stopped when the test ends
        deck.freewheel(True)                         # as fast as everybody can, instead of in real time
        ...                                          # PortAudioDevice("Virtual Deck", 48000, ...), or `tape capture` itself

The kinds of deck and what they take are described in ``jack_deck.py``. While such a test runs, the environment of this process
and of all that it starts names the server. A server that a test kills (``server.kill()``) is started anew for the next one.
Without jackd or libjack these tests are skipped, except under CI (or ``REQUIRE_JACK``), where they fail.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from ctypes.util import find_library
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DECK = "Virtual Deck"
PERIOD = 1024
READY_S = 60.0
"""Long enough for a tape machine that has to be compiled first."""
STOP_S = 10.0
FREEWHEEL_S = 15.0
"""The server waits 10 s for a client that died while it ran free."""


def why_not():
    """What is missing for tests through JACK, or None."""
    if shutil.which("jackd") is None:
        return "jackd is not installed; run 'make system-deps'"
    if find_spec("jack") is None:
        return "JACK-Client is not installed; run 'make install'"
    if find_library("portaudio") is None:
        return "libportaudio2 is not installed; run 'make system-deps'"
    return None


class Deck:
    """A deck in a process of its own."""

    def __init__(self, server: str, kind: str, *options: object, name: str = DECK) -> None:
        line = [sys.executable, str(ROOT / "tests/capture/jack_deck.py"), "--server", server, "--name", name, kind]
        self.name = name
        self.said = []
        self.free = self.ended = False
        self.process = subprocess.Popen(
            [*line, *map(str, options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._heard = threading.Condition()
        threading.Thread(target=self._listen, daemon=True).start()
        self.wait_for("ready", READY_S)

    def _listen(self):
        for line in self.process.stdout:
            with self._heard:
                self.said.append(line.strip())
                self._heard.notify_all()
        with self._heard:
            self.ended = True
            self._heard.notify_all()

    def wait_for(self, words, seconds=5.0):
        """Wait until the deck has said something: ``ready``, ``record``, ``play 1``, ``thru``, ``stopped``."""
        with self._heard:
            self._heard.wait_for(lambda: words in self.said or self.ended, seconds)
        assert words in self.said, f"the deck said {self.said} and not '{words}' (exit status {self.process.poll()})"

    def passed(self):
        """Samples that have gone through the deck so far while something was connected to it."""
        with self._heard:
            known = len(self.said)
            self._tell("count")
            counted = self._heard.wait_for(lambda: [said for said in self.said[known:] if said.startswith("count ")], 5.0)
        return int(counted[0].split()[1])

    def _tell(self, words):
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def freewheel(self, on: bool) -> None:
        """Let the server run as fast as its clients can, or in real time again."""
        words = f"freewheel {'on' if on else 'off'}"
        with self._heard:
            self.said = [said for said in self.said if said != words]
        self._tell(words)
        self.wait_for(words, FREEWHEEL_S)
        self.free = on

    def stop(self) -> None:
        """Switch the deck off, the server in real time again: one that freewheels without clients takes 10 s for the next."""
        if self.free and self.process.poll() is None:
            self.freewheel(False)
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdin.close()


class JackServer:
    """A JACK server of its own name, which takes its time from the computer's clock.

    It is synchronous: a client that is late makes the cycle late, and nothing is lost.
    """

    def __init__(self, rate: int, period: int = PERIOD) -> None:
        self.rate, self.period = rate, period
        self.name = "tape-tests"  # always the same, for JACK keeps a place of only eight for each one that was ever killed
        self.decks: list[Deck] = []
        # -r: no real-time priority; -S: synchronous; -t: wait for a client, ms; -p: most ports, which sizes shared memory
        with_us = (
            ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        )  # it ends when this process is killed
        engine = [*with_us, "jackd", "-n", self.name, "-r", "-S", "-t", "500", "-p", "64"]
        driver = ["-d", "dummy", "-r", str(rate), "-p", str(period), "-C", "4", "-P", "4"]
        self.process = subprocess.Popen(
            [*engine, *driver], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **self.environment}
        )

    @property
    def environment(self) -> dict[str, str]:
        return {"JACK_DEFAULT_SERVER": self.name, "JACK_NO_START_SERVER": "1", "JACK_NO_AUDIO_RESERVATION": "1"}

    @property
    def alive(self):
        return self.process.poll() is None

    def deck(self, kind: str = "unity", *options: object, name: str = DECK) -> Deck:
        """Switch a deck on; it is switched off when the test ends."""
        self.decks.append(Deck(self.name, kind, *options, name=name))
        return self.decks[-1]

    def stop_decks(self):
        while self.decks:
            self.decks.pop().stop()

    def kill(self):
        """End the server as a crash would."""
        self.process.kill()
        self.process.wait()
        self.stop_decks()

    def stop(self) -> None:
        self.stop_decks()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def _jack_server():
    """The running server, one at a time for all test processes: each takes 40 MB of what may be 64 MB of shared memory."""
    if why_not():
        yield None
        return
    import fcntl

    running = Running()
    with (Path(tempfile.gettempdir()) / f"tape-jack-{os.getuid()}.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        yield running
        if running.server is not None:
            if not running.server.alive:  # its memory is left to the next, which clears it away
                running.at(running.server.rate).deck()
            running.server.stop()


class Running:
    """The server that runs now."""

    def __init__(self):
        self.server = None

    def at(self, rate):
        """The server at this rate; one of another rate is stopped, and one that was killed started anew."""
        if self.server is not None and (self.server.rate != rate or not self.server.alive):
            self.server.stop()
            self.server = None
        if self.server is None:
            self.server = JackServer(rate)
        return self.server


@pytest.fixture
def jack_at(_jack_server, monkeypatch):
    """A function that gives a running server of a sample rate, and points PortAudio at it for the length of the test."""
    missing = why_not()
    if missing and (os.environ.get("CI") or os.environ.get("REQUIRE_JACK")):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)

    def at(rate):
        server = _jack_server.at(rate)
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        return server

    yield at
    if _jack_server.server is not None:
        _jack_server.server.stop_decks()
