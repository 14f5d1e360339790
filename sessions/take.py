"""Writing one take: blocks go straight to disk; what had arrived stays when a pass is interrupted."""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from sessions.audio import SoundFile, open_audio
from sessions.disk import PART, describe, free_bytes, sha256_of, sync_folder, told_as_session_error, write_together
from sessions.manifest import FileRecord, TakeRecord, load, to_json
from sessions.wave import Encoding, WaveWriter, mend, write_wave
from signals.audio import AudioReader
from signals.errors import SessionError

RECORD = "take.json"
RETURNED = "returned.wav"
SENT = "sent.wav"
RUNNING = "running.json"
"""What is known of a take while it is being recorded; gone when the take is listed."""

ENCODING: Encoding = "float32"
"""Takes are 32-bit float: every 24-bit sample is held exactly and nothing a device delivers is cut off."""

BALLAST = "room.part"
_BALLAST_BYTES = 150_000
"""Held while a take is recorded, and let go so that its records find room on a disk that is full."""

_ROOM_FOR_RECORDS_BYTES = 500_000

SYNC_S = 1.0
"""So much at most of a take is lost with the power."""

Commit = Callable[[TakeRecord, Mapping[str, FileRecord]], None]


def require_room(folder: Path, values: int) -> None:
    """Refuse before the tape rolls when the disk cannot hold so many sample values.

    Raises
    ------
    SessionError
        With the room needed, the room free and the remedy.
    """
    needed = values * 4 + _ROOM_FOR_RECORDS_BYTES
    free = free_bytes(folder)
    if free < needed:
        raise SessionError(
            f"{needed / 1e6:.1f} MB are needed at {folder} and {free / 1e6:.1f} MB are free;"
            " free some space or choose a folder on another disk."
        )


def file_record(path: Path, sha256: str | None = None) -> FileRecord:
    """Size and digest of a file."""
    return FileRecord(size_bytes=path.stat().st_size, sha256=sha256 or sha256_of(path))


class TakeWriter:
    """A take being recorded, as context manager.

    Leaving the block after :meth:`finish` keeps a complete take. Leaving it by an exception, or filling the disk, keeps what had
    arrived, marked as interrupted. No trace is left of a take to which nothing had arrived, or which was being copied from files
    that are still there.

    Parameters
    ----------
    folder : Path
        New folder of the take; must not exist.
    record : TakeRecord
        What is known before the pass, state ``running``.
    expected_samples : int
        Likely length, 0 if unknown.
    commit : callable
        Writes ``take.json`` and lists the finished take in the session.
    """

    def __init__(self, folder: Path, record: TakeRecord, expected_samples: int, commit: Commit) -> None:
        self.record = record
        self._folder = folder
        self._commit = commit
        self._files: dict[str, FileRecord] = {}
        self._open = True
        self._synced_s = time.monotonic()
        self._noted = False
        try:
            folder.mkdir(parents=True)
        except FileExistsError as error:
            raise SessionError(f"{folder} exists already and a take is never overwritten; choose another name.") from error
        except OSError as error:
            raise SessionError(describe(error, folder)) from error
        part = folder / (RETURNED + PART)
        try:
            with told_as_session_error(part):
                write_together({folder / RUNNING: to_json(record).encode()})
                (folder / BALLAST).write_bytes(bytes(_BALLAST_BYTES))
                self._wave = WaveWriter(part, record.sample_rate, record.channels, ENCODING, expected_samples)
                for parent in (folder, folder.parent, folder.parent.parent):
                    sync_folder(parent)
        except BaseException:  # Ctrl-C too leaves nothing of a take that had not begun
            self._discard()
            raise

    @property
    def samples(self) -> int:
        """Samples per channel written so far."""
        return self._wave.samples

    def write(self, block: np.ndarray) -> None:
        """Append returned samples, shape ``(samples, channels)``.

        Raises
        ------
        AudioFileError
            Wrong number of channels, NaN or infinity.
        SessionError
            The disk is full; what had arrived is kept as an interrupted take.
        """
        try:
            self._wave.write(block)
            if time.monotonic() - self._synced_s > SYNC_S:
                self._wave.sync()
                self._synced_s = time.monotonic()
                if self._noted:
                    with contextlib.suppress(SessionError):  # a full disk is told when the next samples are written
                        write_together({self._folder / RUNNING: to_json(self.record).encode()})
                        self._noted = False
        except OSError as error:
            message = describe(error, self._folder / RETURNED)
            self._close_cut(message)
            raise SessionError(message) from error

    def note(self, flags: Sequence[str], clock_hz: float | None) -> None:
        """Take down what the device has reported so far; it stays with the take however the pass ends.

        Parameters
        ----------
        flags : sequence of str
            Everything reported since the pass began.
        clock_hz : float or None
            Sample rate against the computer's clock.
        """
        if self._open and (tuple(flags), clock_hz) != (self.record.flags, self.record.clock_hz):
            self.record = self.record.model_copy(update={"flags": tuple(flags), "clock_hz": clock_hz})
            self._noted = True

    def keep_sent(self, audio: AudioReader) -> None:
        """Keep what was sent beside what returned, for a pair that has no stimulus of the session.

        Raises
        ------
        SessionError
            The disk is full.
        """
        self._files[SENT] = file_record(self._folder / SENT, write_wave(self._folder / SENT, audio, ENCODING))

    def review(self) -> SoundFile:
        """End the sound file and open it for a look before :meth:`finish` lists it; nothing can be written afterwards.

        Raises
        ------
        SessionError
            The disk is full; the take stays for :func:`recover`.
        """
        self._end()
        return open_audio(self._folder / RETURNED)

    def finish(
        self,
        *,
        accepted: bool = True,
        faults: Sequence[str] = (),
    ) -> TakeRecord:
        """Close the take and list it in the session.

        Parameters
        ----------
        accepted : bool
            Whether the take counts; one that does not is kept as interrupted.
        faults : sequence of str
            What is wrong with the take although it is complete (clipping, ...), or why it does not count.

        Raises
        ------
        SessionError
            The disk is full; the take stays for :func:`recover`.
        """
        state = "complete" if accepted else "interrupted"
        self._end()
        return self._close({"state": state, "faults": tuple(faults)})

    def _close(self, facts: dict[str, Any]) -> TakeRecord:
        self.record = self.record.model_copy(update={**facts, "samples": self.samples})
        self._open = False
        (self._folder / BALLAST).unlink(missing_ok=True)
        with self._kept_for_recovery(), told_as_session_error(self._folder / RECORD):
            self._commit(self.record, self._files)
            (self._folder / RUNNING).unlink()
        return self.record

    def _close_cut(self, fault: str) -> None:
        """Keep what could be written."""
        self._open = False
        if self.record.sources:
            self._discard()
            return
        part, returned = self._folder / (RETURNED + PART), self._folder / RETURNED
        with contextlib.suppress(SessionError):  # then it waits for recover(), with the same fault to be told here
            digest = self._wave.cut()
            if self.samples == 0:
                self._discard()
                return
            part.replace(returned)
            self._files[RETURNED] = file_record(returned, digest)
            self._close({"state": "interrupted", "faults": (fault,)})

    def _end(self) -> None:
        """Complete the sound file and give it its name."""
        returned = self._folder / RETURNED
        if RETURNED in self._files:
            return
        with self._kept_for_recovery(), told_as_session_error(returned):
            digest = self._wave.close()
            (self._folder / (RETURNED + PART)).replace(returned)
            self._files[RETURNED] = file_record(returned, digest)

    @contextlib.contextmanager
    def _kept_for_recovery(self) -> Iterator[None]:
        """Leave a take whose end cannot be written as a killed program would; copies of files are removed."""
        try:
            yield
        except SessionError:
            self._open = False
            if self.record.sources:
                self._discard()
            raise

    def _discard(self) -> None:
        self._open = False
        if hasattr(self, "_wave"):
            self._wave.abandon()
        shutil.rmtree(self._folder, ignore_errors=True)
        with contextlib.suppress(OSError):  # takes/ itself, if this was the first
            self._folder.parent.rmdir()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if not self._open:
            return
        if self.samples == 0 or self.record.sources:
            self._discard()
            return
        if isinstance(error, KeyboardInterrupt):
            fault = "stopped by the user"
        else:
            fault = str(error) if error else "the pass was left before its end"
        self._end()
        self._close({"state": "interrupted", "faults": (fault,)})


def recover(folder: Path, commit: Commit) -> TakeRecord | None:
    """Complete the take of a program that was killed while recording.

    Returns
    -------
    TakeRecord or None
        The take, marked as interrupted (or complete, if only its listing was missing); None when there was nothing worth
        keeping and the folder was removed.

    Raises
    ------
    SessionError
        The folder holds something other than a take.
    """
    part, returned = folder / (RETURNED + PART), folder / RETURNED
    (folder / BALLAST).unlink(missing_ok=True)
    if (folder / RECORD).exists():
        record = load(TakeRecord, folder / RECORD)
        names = [name for name in (SENT, RETURNED) if (folder / name).exists()]
        commit(record, {name: file_record(folder / name) for name in names})
        (folder / RUNNING).unlink(missing_ok=True)
        return record
    if {file.name for file in folder.iterdir()} <= {RUNNING + PART, RETURNED + PART}:  # ended while it was made, or removed
        shutil.rmtree(folder, ignore_errors=True)
        return None
    record = load(TakeRecord, folder / RUNNING)
    if returned.exists():  # killed between closing the sound file and listing it
        returned.replace(part)
    samples, digest = mend(part, record.sample_rate, record.channels, ENCODING) if part.exists() else (0, "")
    if samples == 0 or record.sources:
        shutil.rmtree(folder, ignore_errors=True)
        return None
    part.replace(returned)
    fault = "the program was ended while it recorded"
    record = record.model_copy(update={"state": "interrupted", "samples": samples, "faults": (fault,)})
    commit(record, {RETURNED: file_record(returned, digest)})
    (folder / RUNNING).unlink(missing_ok=True)
    return record
