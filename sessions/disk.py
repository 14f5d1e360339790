"""Whole files or none: temporary name, sync, rename; and the operating system's errors told in one line."""

import errno
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from signals.errors import SessionError

PART = ".part"
NO_ROOM = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}


def describe(error: OSError, path: Path) -> str:
    """One line for a failure of the operating system at `path`: value, limit, remedy."""
    if error.errno in NO_ROOM:
        return (
            f"There is no room to write {path.name}: {free_bytes(path) / 1e6:.1f} MB are free at {path.parent}"
            " (or a size limit or quota was met); free some space or choose a folder on another disk, then try again."
        )
    if error.errno == errno.ENAMETOOLONG:
        longest = max(path.parts, key=len)
        return f"{longest[:40]}... has {len(longest)} characters, too many for the name of a file; choose a shorter one."
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return f"{path} cannot be written or read: {error.strerror}; change its permissions or choose another folder."
    return f"{path}: {error.strerror or error}; check the folder and the disk, then run the command again."


@contextmanager
def told_as_session_error(path: Path) -> Iterator[None]:
    """Turn an ``OSError`` inside the block into a :class:`SessionError`."""
    try:
        yield
    except OSError as error:
        raise SessionError(describe(error, path)) from error


def free_bytes(path: Path) -> int:
    """Free bytes on the disk that holds, or would hold, `path`."""
    for folder in (path, *path.parents):
        if folder.is_dir():
            return shutil.disk_usage(folder).free
    return 0


def require_writable(*folders: Path) -> None:
    """Tell before long work that its files could not be written; a folder that is not there yet counts as that above it.

    Raises
    ------
    SessionError
        One cannot be written.
    """
    for folder in folders:
        there = next(above for above in (folder.absolute(), *folder.absolute().parents) if above.exists())
        with told_as_session_error(folder), tempfile.TemporaryFile(dir=there):
            pass


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` survive a loss of power (Windows has no such call and needs none)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_together(files: Mapping[Path, bytes]) -> None:
    """Write several files so that a full disk leaves every one of them as it was.

    All contents are on disk under temporary names before the first is renamed; the last one named is renamed last.

    Raises
    ------
    SessionError
        The disk is full, or a folder cannot be written; what stood there still stands.
    """
    parts = {path: path.with_name(path.name + PART) for path in files}
    try:
        for path, data in files.items():
            with told_as_session_error(path), parts[path].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        for path, part in parts.items():
            with told_as_session_error(path):
                part.replace(path)
                sync_folder(path.parent)
    except BaseException:  # Ctrl-C too leaves no temporary name behind
        for part in parts.values():
            part.unlink(missing_ok=True)
        raise


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hexadecimal digits."""
    with told_as_session_error(path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
