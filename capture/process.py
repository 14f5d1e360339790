"""What the process of a command shares with whoever started it: arguments, standard output, and the signal that ends it."""

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from signals.errors import UsageError

ENDED = 128 + signal.SIGTERM
"""Status that shells and schedulers expect of a program that SIGTERM ended."""


def require_text(arguments: Sequence[str]) -> None:
    """Refuse names that are no text: sessions, reports and libsndfile write names in UTF-8.

    Raises
    ------
    UsageError
        An argument holds bytes that are no UTF-8.
    """
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(argument).decode("utf-8", "backslashreplace")
            raise UsageError(f"'{shown}' is not UTF-8, in which names are written; rename the file or folder") from None


def print_any_text() -> None:
    """Have standard output and error show what their encoding lacks as an escape, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def flush_output() -> None:
    """Have the system take what was printed.

    Raises
    ------
    OSError
        It does not. What was printed is let go then, or Python would try again at its end, and complain.
    """
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


@contextlib.contextmanager
def sigterm_as_interrupt() -> Iterator[Callable[[], bool]]:
    """Have SIGTERM end the program as Ctrl-C does, so that it leaves nothing half-written; says whether it came."""
    came = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_IGN)  # `timeout` sends it twice, and cleaning up is not to be broken off
        came.set()
        raise KeyboardInterrupt

    here = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if here:
        signal.signal(signal.SIGTERM, end)
    try:
        yield came.is_set
    finally:
        if here:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
