"""One program at a time: a second capture into a session would take the running take of the first for one that was cut off."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.disk import told_as_session_error
from signals.errors import SessionError

LOCK = "capture.lock"
"""Only on Windows, where a folder itself cannot be locked; it may stay behind and does no harm."""


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other programs from capturing into a session; the system lets go of the lock when this program ends, however it ends.

    Raises
    ------
    SessionError
        Another program holds it, or there is no such folder.
    """
    with told_as_session_error(folder):
        descriptor = (
            os.open(folder / LOCK, os.O_RDWR | os.O_CREAT) if sys.platform == "win32" else os.open(folder, os.O_RDONLY)
        )
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise SessionError(
                f"{folder} is being captured into by another program; wait until it is done, or end it, and try again."
            ) from error
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
