"""Where the program keeps what belongs to the user's equipment and to no session."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

OVERRIDE = "TAPE_CONFIG"
NAME = "tape"


def configuration_folder(
    environment: Mapping[str, str] = os.environ, platform: str = sys.platform, home: Path | None = None
) -> Path:
    r"""The user's configuration folder; it need not exist yet.

    ``TAPE_CONFIG`` names it outright. Otherwise it is ``%APPDATA%\tape`` on Windows, ``~/Library/Application Support/tape`` on
    macOS, and ``$XDG_CONFIG_HOME/tape`` or ``~/.config/tape`` elsewhere (XDG Base Directory Specification 0.8: a relative
    path in the variable is ignored).
    """
    if environment.get(OVERRIDE):
        return Path(environment[OVERRIDE])
    home = home or Path.home()
    if platform == "win32":
        base = Path(environment["APPDATA"]) if environment.get("APPDATA") else home / "AppData" / "Roaming"
    elif platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        wanted = environment.get("XDG_CONFIG_HOME", "")
        base = Path(wanted) if wanted.startswith("/") else home / ".config"
    return base / NAME
