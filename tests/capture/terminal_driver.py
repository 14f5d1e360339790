"""A person at a terminal, as a fixture known to every test.

::

    def test_something(terminal):
        person = terminal("capture", session, "--device", "virtual deck")  # ``tape`` in a terminal of its own
        assert "1 record pass" in person.wait_for("Press Enter to begin")
        person.answer()                              # Enter
        person.interrupt()                           # Ctrl-C
        person.wait_for("tape: interrupted")
        assert person.status() == 1
"""

import codecs
import os
import pty
import re
import select
import subprocess
import sys
import time

import pytest

from tests.conftest import HEARING, environment

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\r")
CUT = re.compile(r"\x1b(\[[0-9;?]*)?$")
"""The beginning of a control sequence whose end has not been read yet."""
LIVE = re.compile(r"\x1b\[\?25([lh])")
"""Whatever is drawn again and again hides the cursor, and shows it when it is over."""
PROMPT_S = 60.0
END_S = 30.0
# The terminal is made that of the program, so that Ctrl-C typed here reaches it as it does in a shell.
PROGRAM = f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {HEARING}; import tape; tape.main()"


class Terminal:
    """A program in a terminal, and someone who reads and types."""

    def __init__(self, line, columns=110):
        self._master, slave = pty.openpty()
        how = {**environment(), "TERM": "xterm", "COLUMNS": str(columns)}
        self.process = subprocess.Popen(line, stdin=slave, stdout=slave, stderr=slave, env=how, start_new_session=True)
        os.close(slave)
        self.said = ""
        """All that was said, without the control sequences."""
        self._decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        self._seen = 0
        self._rest = ""
        self._drawing = False

    def _read(self, seconds):
        """Read what comes within some seconds; whether there may be more."""
        if not select.select([self._master], [], [], seconds)[0]:
            return True
        try:
            text = self._rest + self._decode(os.read(self._master, 65536))
        except OSError:  # the program has ended
            return False
        cut = CUT.search(text)
        text, self._rest = (text[: cut.start()], cut[0]) if cut else (text, "")
        for sign in LIVE.findall(text):
            self._drawing = sign == "l"
        self.said += ANSI.sub("", text)
        return True

    def wait_for(self, words, seconds=PROMPT_S):
        """What was said up to and with some words that were not said before."""
        give_up, more = time.monotonic() + seconds, True
        while words not in self.said[self._seen :]:
            assert more, f"ended without {words!r}:\n{self.said[self._seen :]}"
            assert time.monotonic() < give_up, f"waited for {words!r} after:\n{self.said[self._seen :]}"
            more = self._read(0.2)
        start, self._seen = self._seen, self.said.index(words, self._seen) + len(words)
        return self.said[start : self._seen]

    def is_still(self, seconds=0.4):
        """Whether nothing is drawn while a question waits for its answer; one that is slow to draw has hidden the cursor."""
        give_up = time.monotonic() + seconds
        while time.monotonic() < give_up:
            self._read(0.1)
        return not self._drawing and not self.said[self._seen :].strip()

    def answer(self, words=""):
        """Type an answer."""
        os.write(self._master, f"{words}\n".encode())

    def interrupt(self):
        """Type Ctrl-C, no sooner than a person reads: between printing a prompt and waiting, Python takes it for later."""
        time.sleep(0.2)
        os.write(self._master, b"\x03")

    def status(self):
        """Exit status of the program, once it has said all that it says."""
        give_up = time.monotonic() + END_S
        while self._read(0.2) and time.monotonic() < give_up:
            pass
        return self.process.wait(END_S)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@pytest.fixture
def terminal():
    """A function that starts ``tape`` with arguments in a terminal."""
    opened = []

    def start(*arguments, **how):
        opened.append(Terminal([sys.executable, "-c", PROGRAM, *map(str, arguments)], **how))
        return opened[-1]

    yield start
    for one in opened:
        one.close()
