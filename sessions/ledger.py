"""The list of a session's files: ``session.json``, read before every change and written together with what it lists."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from sessions.disk import told_as_session_error, write_together
from sessions.manifest import FileRecord, SessionManifest, load, to_json
from signals.errors import SessionError

MANIFEST = "session.json"

Change = Callable[[SessionManifest], SessionManifest]


class Ledger:
    """Keeps the manifest of a session.

    Attributes
    ----------
    folder : Path
        Folder of the session.
    manifest : SessionManifest
        Contents of ``session.json`` as last read or written here.
    """

    def __init__(self, folder: Path, manifest: SessionManifest) -> None:
        self.folder = folder
        self.manifest = manifest

    def write(
        self,
        texts: Mapping[str, bytes],
        listed: Mapping[str, FileRecord] | None = None,
        change: Change = lambda manifest: manifest,
        outdated: Collection[str] = (),
    ) -> None:
        """Write files and the changed manifest, all or none.

        Parameters
        ----------
        texts : mapping of str to bytes
            New contents by relative path.
        listed : mapping of str to FileRecord
            Files that stand already and are to be listed.
        change : callable
            What else changes in the manifest.
        outdated : collection of str
            Files to be removed and listed no more.

        Raises
        ------
        SessionError
            The disk is full, or the folder cannot be written; the session is as it was.
        """
        manifest = change(load(SessionManifest, self.folder / MANIFEST))
        kept = {name: entry for name, entry in manifest.files.items() if name not in outdated}
        new = {n: FileRecord(size_bytes=len(d), sha256=hashlib.sha256(d).hexdigest()) for n, d in texts.items()}
        manifest = manifest.model_copy(update={"files": {**kept, **(listed or {}), **new}})
        with told_as_session_error(self.folder):
            for name in texts:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        contents = {self.folder / name: data for name, data in texts.items()}
        write_together({**contents, self.folder / MANIFEST: to_json(manifest).encode()})
        self.manifest = manifest
        with told_as_session_error(self.folder):
            for name in outdated:
                (self.folder / name).unlink(missing_ok=True)


def of_removed_models(folder: Path, names: Iterable[str]) -> set[str]:
    """Listed files of models whose whole folders are gone: a model can be removed, since it can be trained again."""
    models = {name: folder / Path(*Path(name).parts[:2]) for name in names if name.startswith("models/")}
    return {name for name, model in models.items() if not model.exists()}


def open_ledger(folder: Path) -> Ledger:
    """Open the ledger of the session in `folder`.

    Raises
    ------
    SessionError
        There is no session, it is damaged, or its schema is newer than this program.
    """
    if folder.is_file():
        raise SessionError(f"{folder} is a file; name the folder of a session (unpack it first if it is zipped).")
    if not folder.is_dir():
        raise SessionError(f"There is no session at {folder}; check the name, or plan one with 'tape stimulus {folder}'.")
    if not (folder / MANIFEST).exists():
        raise SessionError(f"{folder} holds no {MANIFEST}, so it is no session; name the folder that holds one.")
    return Ledger(folder, load(SessionManifest, folder / MANIFEST))
