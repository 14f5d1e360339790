"""One program at a time in a folder.

A second capture into a session would take the running take of the first for one that was cut off, and a second training of a name
would write over the first.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sessions.disk import told_as_session_error
from signals.errors import SessionError

CAPTURING = "being captured into"
LOCK = "capture.lock"
"""Only on Windows, where a folder itself cannot be locked; it may stay behind and does no harm."""


@contextmanager
def held(folder: Path, busy: str = CAPTURING) -> Iterator[None]:
    """Keep other programs out of a folder; the system lets go of the lock when this program ends, however it ends.

    Parameters
    ----------
    busy : str
        What happens to the folder, for them to be told.

    Raises
    ------
    SessionError
        Another program holds it, or there is no such folder.
    """
    with told_as_session_error(folder):
        descriptor = _opened(folder)
    try:
        try:
            _lock(descriptor)
        except OSError as error:
            raise SessionError(
                f"{folder} is {busy} by another program; wait until it is done, or end it, and try again."
            ) from error
        yield
    finally:
        os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a program has the lock of a folder."""
    try:
        descriptor = _opened(folder)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def _opened(folder: Path) -> int:
    if sys.platform == "win32":
        return os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
    return os.open(folder, os.O_RDONLY)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
