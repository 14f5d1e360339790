"""Whether a session is whole: every file there, unchanged, and saying what the manifest says."""

from collections.abc import Iterator
from pathlib import Path

from sessions import results, take
from sessions.audio import open_audio
from sessions.disk import PART, sha256_of
from sessions.ledger import of_removed_models
from sessions.lock import LOCK
from sessions.manifest import SessionManifest, TakeRecord, load
from signals import cues
from signals.cues import CueSheet
from signals.errors import TapeError


def problems(path: Path, manifest: SessionManifest) -> Iterator[str]:
    """Everything that is wrong with a session, a line each.

    Parameters
    ----------
    path : Path
        Folder of the session.
    manifest : SessionManifest
        Its manifest.
    """
    sound = set()
    removed = of_removed_models(path, manifest.files)
    for name, expected in sorted(manifest.files.items()):
        file = path / name
        if name in removed:
            continue
        if not file.is_file():
            yield f"{name}: missing; restore it from a copy of the session."
        elif (size := file.stat().st_size) != expected.size_bytes:
            yield f"{name}: {size} bytes, {expected.size_bytes} were written; restore it from a copy of the session."
        elif sha256_of(file) != expected.sha256:
            yield f"{name}: changed since it was written (SHA-256 differs); restore it from a copy of the session."
        else:
            sound.add(name)
    yield from _contents(path, manifest, sound)
    yield from _strangers(path, manifest)


def _contents(path: Path, manifest: SessionManifest, sound: set[str]) -> Iterator[str]:
    """Whether documents and sound files agree with the manifest; files found damaged already are left out."""
    for stimulus in manifest.stimuli:
        wav, document = f"stimuli/{stimulus.id}.wav", f"stimuli/{stimulus.id}.json"
        yield from (f"{name}: not listed in session.json." for name in (wav, document) if name not in manifest.files)
        try:
            if wav in sound:
                yield from _shape(path / wav, wav, stimulus.sample_rate, stimulus.channels, stimulus.samples)
            if document in sound:
                sheet = load(CueSheet, path / document, cues.SCHEMA_VERSION)
                if (sheet.session, sheet.code, sheet.samples) != (manifest.id, stimulus.code, stimulus.samples):
                    yield f"{document}: belongs to session {sheet.session}, code {sheet.code}; session.json says otherwise."
        except TapeError as error:
            yield str(error)
    for record in manifest.takes:
        wav, document = f"takes/{record.id}/{take.RETURNED}", f"takes/{record.id}/{take.RECORD}"
        yield from (f"{name}: not listed in session.json." for name in (wav, document) if name not in manifest.files)
        try:
            if wav in sound:
                yield from _shape(path / wav, wav, record.sample_rate, record.channels, record.samples)
            if document in sound and load(TakeRecord, path / document) != record:
                yield f"{document}: differs from what session.json says of the take."
        except TapeError as error:
            yield str(error)
    if "measurements.json" in sound:
        try:
            load(results.Measurements, path / "measurements.json", results.SCHEMA_VERSION)
        except TapeError as error:
            yield str(error)


def _shape(file: Path, name: str, sample_rate: int, channels: int, samples: int) -> Iterator[str]:
    with open_audio(file) as audio:
        found = (audio.sample_rate, audio.channels, audio.samples)
        if found != (sample_rate, channels, samples):
            yield f"{name}: rate, channels and samples are {found}; session.json says {(sample_rate, channels, samples)}."


def _strangers(path: Path, manifest: SessionManifest) -> Iterator[str]:
    """Files among stimuli and takes that the manifest does not know, and what an ended program left behind."""
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if not file.is_file() or name in manifest.files or name == LOCK:
            continue
        if name.startswith("takes/") and file.name == take.RUNNING:
            yield f"{file.parent.relative_to(path).as_posix()}: being recorded, or cut off; continue the capture to keep it."
        elif file.name.endswith(PART):
            if not (file.parent / take.RUNNING).exists():
                yield f"{name}: left behind by a program that was ended; delete it."
        elif name.startswith(("stimuli/", "takes/")) and not (file.parent / take.RUNNING).exists():
            yield f"{name}: not listed in session.json; remove it, or import it as a take."
