"""Which names a session accepts: none that leaves its folder or touches what must stay."""

import re
from pathlib import Path, PurePosixPath

from sessions.disk import PART
from sessions.manifest import NAME_PATTERN
from signals.errors import SessionError

_PROGRAM = Path(__file__).resolve().parents[1]
_ROOMS = ("signals", "sessions", "analysis", "modeling", "capture", "reports", "tests")


def checked_id(name: str) -> str:
    """The id of a stimulus or take, if it can be a folder's name on every system.

    Raises
    ------
    SessionError
        It is longer than 100 characters, or holds anything but lower-case letters, digits, ``-`` and ``_``.
    """
    if not re.match(NAME_PATTERN, name):
        raise SessionError(
            f"'{name}' cannot name a stimulus or take; use at most 100 lower-case letters, digits, '-' and '_'."
        )
    return name


def checked_derived(name: str) -> str:
    """The relative path of a derived file, if it stays inside the session and outside what is never overwritten.

    Raises
    ------
    SessionError
        It is absolute, climbs out, or names the manifest, a stimulus or a take.
    """
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.parts
    if outside or path.parts[0] in {"session.json", "stimuli", "takes"} or name.endswith(PART):
        raise SessionError(f"'{name}' cannot be written into a session as a derived file; choose another name.")
    return str(path)


def refuse_program_folder(path: Path) -> None:
    """Refuse to make a session inside the program's own code, such as ``sessions/`` of a checkout.

    Raises
    ------
    SessionError
        The path lies in a room of the program.
    """
    for room in _ROOMS:
        if path.resolve().is_relative_to(_PROGRAM / room):
            raise SessionError(f"{path} lies in the program's own folder '{room}'; choose a folder elsewhere.")
