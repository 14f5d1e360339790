"""What tests of the whole command share: running it, and seeing that a folder is as it was."""

import contextlib
import hashlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

pytest_plugins = ["tests.capture.jack_server", "tests.capture.terminal_driver", "tests.scheduling"]

ROOT = Path(__file__).parents[1]
# Whoever runs the tests in the background may have told them to ignore Ctrl-C.
HEARING = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{HEARING}; import tape; tape.main()"]


@dataclass(frozen=True)
class Done:
    """What a run of the command left behind."""

    status: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line in which a failed command says why; progress may stand before it."""
        assert self.status in (1, 2), self
        said = [line for line in self.err.splitlines() if line.startswith("tape: ")]
        assert said == self.err.splitlines()[-1:], self.err
        assert "Traceback" not in self.err
        assert "a defect in tape" not in self.err
        assert "Warning" not in self.err
        return said[0]


def environment() -> dict[str, str]:
    # Bytecode is kept, whatever the shell says: compiling the program anew takes every process half a second.
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}


@pytest.fixture(scope="session")
def command():
    """A function that runs ``tape`` with arguments in this process, through its entry point."""
    import tape

    def run(*arguments) -> Done:
        out, err, before = io.StringIO(), io.StringIO(), sys.argv
        sys.argv = ["tape", *map(str, arguments)]
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as end:
                tape.main()
        finally:
            sys.argv = before
        status = end.value.code
        return Done(status if isinstance(status, int) else int(status is not None), out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def process():
    """A function that runs ``tape`` with arguments in a process of its own; `told` are variables of its environment."""

    def run(*arguments, told=(), **how) -> Done:
        line = [*COMMAND, *map(str, arguments)]
        surroundings = {**environment(), **dict(told)}
        done = subprocess.run(line, capture_output=True, text=True, check=False, env=surroundings, **how)
        return Done(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture(scope="session")
def start():
    """A function that starts ``tape`` with arguments and returns the running process."""

    def run(*arguments) -> subprocess.Popen:
        line = [*COMMAND, *map(str, arguments)]
        return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())

    return run


@pytest.fixture(scope="session")
def digests():
    """A function that names every file under a folder with the digest of its contents.

    A file is read again when it was touched: one that was written to has another time of change, whatever is in it.
    """

    @cache
    def digest(file: Path, inode: int, size: int, changed_ns: int) -> str:
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def read(folder: Path) -> dict[str, str]:
        files = {file: file.stat() for file in sorted(folder.rglob("*")) if file.is_file()}
        return {
            file.relative_to(folder).as_posix(): digest(file, told.st_ino, told.st_size, told.st_ctime_ns)
            for file, told in files.items()
        }

    return read


@pytest.fixture(scope="session")
def captured(command, tmp_path_factory) -> Path:
    """A session of one pass, of a ladder of one level, with a pilot, through a device of known gain, motion and hiss."""
    from tests.bad_input.material import SHORT, music, save
    from tests.modeling.known_model import known_model

    folder = tmp_path_factory.mktemp("captured")
    save(folder / "music.wav", music(12.0))
    model = known_model(folder / "deck", taps=(0.5,), wow=0.001, hiss=1e-4)
    options = ("--device", f"model:{model}", "--pilot-track", 4, "--passes", 1, "--music", folder / "music.wav", *SHORT)
    assert command("capture", folder / "session", *options).status == 0
    return folder / "session"
