"""The session: a folder that holds all that was played, returned and measured, and says so in ``session.json``."""

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Self

from pydantic import ValidationError

from sessions import curves, lock, results, take
from sessions.audio import SoundFile, blocks, open_audio
from sessions.check import problems
from sessions.disk import told_as_session_error, write_together
from sessions.ledger import MANIFEST, Ledger, of_removed_models, open_ledger
from sessions.manifest import (
    FileRecord,
    Interface,
    SessionManifest,
    SourceFile,
    StimulusRecord,
    TakeRecord,
    TakeRole,
    Wiring,
    load,
    now,
    to_json,
    tool_version,
)
from sessions.names import checked_derived, checked_id, refuse_program_folder
from sessions.take import TakeWriter, file_record, require_room
from sessions.wave import write_wave
from signals import cues
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SessionError

MEASUREMENTS = "measurements.json"
CAPTURE_RATE_HZ = 48000
PAIR_RATE_HZ = 16000


class Session:
    """A session on disk.

    Attributes
    ----------
    path : Path
        Its folder.
    """

    def __init__(self, ledger: Ledger) -> None:
        self.path = ledger.folder
        self._ledger = ledger

    @property
    def manifest(self) -> SessionManifest:
        """Contents of ``session.json`` as last read or written here."""
        return self._ledger.manifest

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        deck: str,
        speed_cm_s: float,
        reference_dbfs: float,
        wiring: Wiring | None = None,
        interface: Interface | None = None,
        tape: str | None = None,
        session_id: str | None = None,
    ) -> Self:
        """Make a new, empty session.

        Raises
        ------
        SessionError
            The folder exists and is not empty, belongs to the program itself, or cannot be written.
        """
        path = Path(path)
        refuse_program_folder(path)
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise SessionError(f"{path} exists already and is not empty; name a new folder for the session.")
        try:
            manifest = SessionManifest(
                id=session_id or uuid.uuid4().hex[:12],
                created=now(),
                tool_version=tool_version(),
                deck=deck,
                tape=tape,
                speed_cm_s=speed_cm_s,
                wiring=wiring or Wiring(),
                interface=interface or Interface(name="not named"),
                reference_dbfs=reference_dbfs,
            )
        except ValidationError as error:
            first = error.errors()[0]
            raise SessionError(f"{first['loc'][0]} is {first['input']!r}: {first['msg']}; correct it.") from error
        existed = path.exists()
        try:
            with told_as_session_error(path):
                path.mkdir(parents=True, exist_ok=True)
            write_together({path / MANIFEST: to_json(manifest).encode()})
        except SessionError:
            if not existed:
                with contextlib.suppress(OSError):
                    path.rmdir()
            raise
        return cls(Ledger(path, manifest))

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a session.

        Raises
        ------
        SessionError
            There is none, it is damaged, or its schema is newer than this program.
        """
        return cls(open_ledger(Path(path)))

    def set_interface(self, interface: Interface) -> None:
        """Say through which device the session is played, once that is known."""
        if interface != self.manifest.interface:
            self._ledger.write({}, change=lambda m: m.model_copy(update={"interface": interface}))

    # Stimuli

    def add_stimulus(self, sheet: CueSheet, audio: AudioReader) -> None:
        """Keep a stimulus: ``stimuli/<id>.wav`` (24 bit) and ``stimuli/<id>.json``.

        Raises
        ------
        SessionError
            It stands there already, sheet and waveform disagree, the rate is below 48 kHz, or the disk is full.
        """
        name = checked_id(sheet.stimulus)
        wav, document = self.path / f"stimuli/{name}.wav", self.path / f"stimuli/{name}.json"
        if any(known.id == name for known in self.manifest.stimuli) or wav.exists() or document.exists():
            raise SessionError(
                f"{self.path} holds a stimulus '{name}' already and never overwrites one; plan a new session."
            )
        planned = (sheet.sample_rate, len(sheet.channels), sheet.samples, sheet.session)
        found = (audio.sample_rate, audio.channels, audio.samples, self.manifest.id)
        if planned != found:
            raise SessionError(
                f"The cue sheet '{name}' (rate, channels, samples, session) is {planned}, the waveform {found}."
            )
        if audio.sample_rate < CAPTURE_RATE_HZ:
            raise SessionError(f"The stimulus has {audio.sample_rate} Hz; a session needs at least {CAPTURE_RATE_HZ} Hz.")
        require_room(self.path, audio.samples * audio.channels)
        record = StimulusRecord(
            id=name, code=sheet.code, sample_rate=audio.sample_rate, channels=audio.channels, samples=audio.samples
        )
        try:
            with told_as_session_error(wav):
                wav.parent.mkdir(exist_ok=True)
            listed = {f"stimuli/{name}.wav": file_record(wav, write_wave(wav, audio, "pcm24"))}
            texts = {f"stimuli/{name}.json": to_json(sheet).encode()}
            self._ledger.write(texts, listed, lambda m: m.model_copy(update={"stimuli": (*m.stimuli, record)}))
        except BaseException:
            wav.unlink(missing_ok=True)
            document.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                wav.parent.rmdir()
            raise

    def sheet(self, stimulus_id: str = "main") -> CueSheet:
        """Cue sheet of a stimulus; raises as :meth:`stimulus` does."""
        self._require_stimulus(stimulus_id)
        return load(CueSheet, self.path / f"stimuli/{stimulus_id}.json", cues.SCHEMA_VERSION)

    def stimulus(self, stimulus_id: str = "main") -> tuple[CueSheet, SoundFile]:
        """Cue sheet and waveform of a stimulus.

        Raises
        ------
        SessionError
            There is no such stimulus, or its sheet is damaged.
        AudioFileError
            Its sound file is missing or damaged.
        """
        return self.sheet(stimulus_id), open_audio(self.path / f"stimuli/{stimulus_id}.wav")

    def _require_stimulus(self, stimulus_id: str) -> None:
        if stimulus_id not in {known.id for known in self.manifest.stimuli}:
            known = ", ".join(stimulus.id for stimulus in self.manifest.stimuli) or "none"
            raise SessionError(f"{self.path} has no stimulus '{stimulus_id}'; it has: {known}.")

    def alone(self) -> AbstractContextManager[None]:
        """Keep other programs from capturing into this session (see :func:`sessions.lock.held`)."""
        return lock.held(self.path)

    # Takes

    def begin_take(
        self,
        take_id: str,
        *,
        stimulus: str | None,
        role: TakeRole,
        number: int,
        conditions: Mapping[str, results.Condition],
        sample_rate: int,
        channels: int,
        inputs: Mapping[int, int],
        expected_samples: int = 0,
        sources: Mapping[str, SourceFile] | None = None,
    ) -> TakeWriter:
        """Start a take in a new folder ``takes/<take_id>`` (see :class:`sessions.take.TakeWriter`).

        Parameters
        ----------
        inputs : mapping of int to int
            Track that each returned channel (from 0) comes from.
        expected_samples : int
            Likely length; with it the room on disk is checked beforehand.
        sources : mapping of str to SourceFile
            What the take is imported from, by the name of its sound file.

        Raises
        ------
        SessionError
            The take exists, the stimulus does not, the rate is below 48 kHz, or the disk is full.
        """
        if not (self.path / MANIFEST).exists():
            raise SessionError(f"{self.path} is no longer there; it was moved or removed: name it where it is now.")
        if stimulus is not None:
            self._require_stimulus(stimulus)
        if role != "pair" and sample_rate < CAPTURE_RATE_HZ:
            raise SessionError(
                f"The take has {sample_rate} Hz; at least {CAPTURE_RATE_HZ} Hz are needed: set the interface."
            )
        if any(known.id == take_id for known in self.manifest.takes):
            raise SessionError(
                f"{self.path} holds a take '{take_id}' already and never overwrites one; choose another name."
            )
        record = TakeRecord(
            id=checked_id(take_id),
            state="running",
            role=role,
            number=number,
            stimulus=stimulus,
            conditions=dict(conditions),
            created=now(),
            sample_rate=sample_rate,
            channels=channels,
            samples=0,
            inputs=dict(inputs),
            sources=dict(sources or {}),
        )
        require_room(self.path, expected_samples * channels)
        return TakeWriter(self.path / "takes" / take_id, record, expected_samples, self._list_take)

    def take(self, take_id: str) -> tuple[TakeRecord, SoundFile]:
        """Record and returned sound of a take.

        Raises
        ------
        SessionError
            There is no such take.
        AudioFileError
            Its sound file is missing or damaged.
        """
        for record in self.manifest.takes:
            if record.id == take_id:
                return record, open_audio(self.path / "takes" / take_id / take.RETURNED)
        known = ", ".join(record.id for record in self.manifest.takes) or "none"
        raise SessionError(f"{self.path} has no take '{take_id}'; it has: {known}.")

    def takes(self, role: TakeRole | None = None, complete: bool = True) -> list[TakeRecord]:
        """Takes in the order they were made; `complete` leaves out the interrupted ones."""
        return [t for t in self.manifest.takes if role in (None, t.role) and (t.state == "complete" or not complete)]

    def free_take_id(self, stem: str) -> str:
        """The first of ``stem``, ``stem-2``, ``stem-3``, ... that no take uses."""
        copy, name = 1, stem
        while (self.path / "takes" / name).exists() or any(known.id == name for known in self.manifest.takes):
            copy += 1
            name = f"{stem}-{copy}"
        return name

    def add_pair(
        self,
        take_id: str,
        dry: AudioReader,
        wet: AudioReader,
        source_names: tuple[str, str],
        faults: Sequence[str] = (),
    ) -> TakeRecord:
        """Keep a pair made elsewhere: ``takes/<take_id>/sent.wav`` beside ``returned.wav``, and what is wrong with it.

        Raises
        ------
        SessionError
            The rates differ or are below 16 kHz, the take exists, or the disk is full.
        """
        if dry.sample_rate != wet.sample_rate or dry.sample_rate < PAIR_RATE_HZ:
            raise SessionError(
                f"The pair has {dry.sample_rate} and {wet.sample_rate} Hz;"
                f" both files need one rate of at least {PAIR_RATE_HZ} Hz."
            )
        require_room(self.path, dry.samples * dry.channels + wet.samples * wet.channels)
        with self.begin_take(
            take_id,
            stimulus=None,
            role="pair",
            number=1,
            conditions={},
            sample_rate=wet.sample_rate,
            channels=wet.channels,
            inputs={channel: channel + 1 for channel in range(wet.channels)},
            expected_samples=wet.samples,
            sources={name: SourceFile(name=n) for name, n in zip((take.SENT, take.RETURNED), source_names, strict=True)},
        ) as writer:
            writer.keep_sent(dry)
            for block in blocks(wet):
                writer.write(block)
            return writer.finish(faults=faults)

    def pair(self, take_id: str) -> tuple[TakeRecord, SoundFile, SoundFile]:
        """Record, sent sound and returned sound of an imported pair.

        Raises
        ------
        SessionError
            There is no such take, or it is no pair.
        """
        record, returned = self.take(take_id)
        if record.role != "pair":
            raise SessionError(f"Take '{take_id}' is a {record.role} pass, no pair of files; read it with its stimulus.")
        return record, open_audio(self.path / "takes" / take_id / take.SENT), returned

    def recover(self) -> list[str]:
        """Complete and list the takes that an ended program left behind; the ids of those that were kept."""
        known = {record.id for record in self.manifest.takes}
        folders = sorted(f for f in (self.path / "takes").glob("*") if f.is_dir() and f.name not in known)
        with told_as_session_error(self.path / "takes"):
            return [record.id for f in folders if (record := take.recover(f, self._list_take))]

    def _list_take(self, record: TakeRecord, files: Mapping[str, FileRecord]) -> None:
        folder = f"takes/{record.id}"
        listed = {f"{folder}/{name}": entry for name, entry in files.items()}
        texts = {f"{folder}/{take.RECORD}": to_json(record).encode()}
        self._ledger.write(texts, listed, lambda m: m.model_copy(update={"takes": (*m.takes, record)}))

    # Derived files

    def write_file(self, name: str, data: bytes) -> None:
        """Write a derived file (measurements, figure, report, truth) and list it; it may replace an earlier one.

        Raises
        ------
        SessionError
            The name points outside the session or at a stimulus or take, or the disk is full.
        """
        self.write_files({name: data})

    def write_files(self, files: Mapping[str, bytes], renewed: Sequence[str] = ()) -> None:
        """Write derived files, all or none (see :meth:`write_file`); others in the folders `renewed` are outdated and go."""
        named = {checked_derived(name): data for name, data in files.items()}
        outdated = [n for n in self.manifest.files if n not in named and n.startswith(tuple(f"{f}/" for f in renewed))]
        self._ledger.write(named, outdated=outdated)

    def write_json(self, name: str, text: str) -> None:
        """Write a derived text file, such as JSON, as UTF-8 (see :meth:`write_file`)."""
        self.write_file(name, text.encode())

    def list_files(self, names: Sequence[str]) -> None:
        """List derived files that another room wrote into the session, such as a model's folder; models that are gone go."""
        with told_as_session_error(self.path):
            found = {checked_derived(name): file_record(self.path / name) for name in names}
        self._ledger.write({}, found, outdated=of_removed_models(self.path, self.manifest.files) - set(names))

    def write_measurements(self, measurements: results.Measurements, report: Mapping[str, bytes] | None = None) -> None:
        """Write ``measurements.json``, ``curves/*.csv`` and further files (a report's) in place of earlier ones, all or none."""
        files = {MEASUREMENTS: to_json(measurements).encode(), **(report or {})}
        for name, curve in zip(curves.file_names(measurements.curves), measurements.curves, strict=True):
            files[f"curves/{name}"] = curves.csv_text(curve).encode()
        self.write_files(files, renewed=("curves", "figures") if report else ("curves",))

    def read_measurements(self) -> results.Measurements:
        """Read ``measurements.json``.

        Raises
        ------
        SessionError
            The session has not been measured, or the file is damaged or of a newer schema.
        """
        if not (self.path / MEASUREMENTS).exists():
            raise SessionError(f"{self.path} has not been measured; run 'tape measure {self.path}' first.")
        return load(results.Measurements, self.path / MEASUREMENTS, results.SCHEMA_VERSION)

    # The whole

    def check(self) -> list[str]:
        """Verify files, digests and schema; each problem is one line, none means the session is whole."""
        return list(problems(self.path, load(SessionManifest, self.path / MANIFEST)))
