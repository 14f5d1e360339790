"""A process of one's own for what may hang: PortAudio never returns from some calls once its server has died.

The parent can always go on, because it can always kill the child. The child ends itself when its parent is gone, leaves Ctrl-C and
SIGTERM, which may come to all processes of a group, to the parent, and keeps what sound libraries print away from the terminal.
"""

import contextlib
import gc
import os
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Self

from signals.errors import DeviceError

ASKING = {signal.SIGINT, signal.SIGTERM}
END_S = 1.0
"""How long a child may take to end in good order."""

_RESULT, _REFUSED, _DEFECT = "result", "refused", "defect"


class GoneError(Exception):
    """The child is no longer there; says so in words that can follow "lost:"."""


class DefectError(RuntimeError):
    """The child failed at something that no user can cause or mend."""


class Child:
    """A process that runs one function, as context manager; leaving it ends the process, in good order if it can.

    Parameters
    ----------
    work : callable
        A function of a module, called with the child's end of a pipe and the arguments.
    *arguments : object
        Anything that can be pickled, and shared memory.
    """

    def __init__(self, work: Callable[..., Any], *arguments: Any) -> None:
        context = get_context("spawn")  # a fork would inherit the locks of whatever threads the parent runs
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_main, args=(theirs, work, arguments), daemon=True)
        with _interrupts_wait():
            self._process.start()
        theirs.close()

    def send(self, message: str) -> None:
        """Tell the child something; nothing happens when it is gone."""
        with contextlib.suppress(OSError):
            self._pipe.send(message)

    def receive(self, timeout_s: float) -> Any:
        """The next thing that the child says, or None when it says nothing in time.

        Raises
        ------
        DeviceError
            The child could not do its work and says why.
        DefectError
            The child met a defect.
        GoneError
            The child is gone.
        """
        ready = connection.wait([self._pipe, self._process.sentinel], timeout_s)
        if self._pipe in ready:
            with contextlib.suppress(EOFError, OSError):
                kind, message = self._pipe.recv()
                if kind == _REFUSED:
                    raise DeviceError(message)
                if kind == _DEFECT:
                    raise DefectError(message)
                return message
        if ready:
            raise GoneError("the process that played and recorded was ended.")
        return None

    def end(self) -> None:
        """End the child: in good order if it can, else at once."""
        self.send("end")
        self._process.join(END_S)
        self.kill()

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()
        self._process.join()
        self._pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.end()


def tell(pipe: Connection, message: Any) -> None:
    """In the child: say something to the parent."""
    pipe.send((_RESULT, message))


def _main(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    for number in ASKING:
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if not os.environ.get("TAPE_TRACEBACK"):
        _silence()
    gc.disable()  # a collection would make a callback late
    try:
        work(pipe, *arguments)
    except DeviceError as error:
        pipe.send((_REFUSED, str(error)))
    except Exception as error:
        pipe.send((_DEFECT, f"{type(error).__name__} in the process that plays and records: {error}"))
    finally:
        os._exit(0)  # what libraries do at exit may hang


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _silence() -> None:
    """ALSA and JACK print to the terminal whatever they come across."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


@contextlib.contextmanager
def _interrupts_wait() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back while a child starts: it inherits that, and so survives until it can ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
