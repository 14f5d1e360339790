"""Recordings made elsewhere: with a portable recorder, in a DAW, by another program, or a pair from an archive."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np

from capture.planning import STIMULUS_OF
from capture.recognition import SILENCE, Levels, Recognised, levels, recognise
from sessions import take as takes
from sessions.audio import SoundFile, blocks, open_audio, require_format
from sessions.disk import sha256_of
from sessions.ledger import MANIFEST
from sessions.manifest import SourceFile, TakeRecord
from sessions.results import Condition
from sessions.store import CAPTURE_RATE_HZ, PAIR_RATE_HZ, Session
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import AudioFileError, SessionError, SignalError
from signals.stimulus import DEFAULT_REFERENCE_DBFS

MINIMUM_BITS = 24
SHORTEST_PAIR_S = 2.0
LARGEST_LENGTH_RATIO = 1.5
"""A wet file may be longer than its dry one by an echo or a slow tape, not by more."""


@dataclass(frozen=True)
class _Window:
    """Part of a sound file as :class:`signals.audio.AudioReader`."""

    audio: AudioReader
    start: int
    stop: int

    @property
    def sample_rate(self) -> int:
        return self.audio.sample_rate

    @property
    def channels(self) -> int:
        return self.audio.channels

    @property
    def samples(self) -> int:
        return self.stop - self.start

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.audio.read(self.start + start, self.start + stop)


@dataclass(frozen=True)
class _Found:
    source: SourceFile
    window: _Window
    sheet: CueSheet
    conditions: Mapping[str, Condition]


def import_recordings(
    session: Session,
    paths: Sequence[Path],
    *,
    role: Literal["play", "loop"] = "play",
    conditions: Mapping[str, Condition] | None = None,
    inputs: Mapping[int, int] | None = None,
) -> list[TakeRecord]:
    """Attach recordings as takes of the stimuli that their markers name.

    All files are looked at before the first is attached, so a refused one leaves the session as it was. A file may hold
    several takes; each becomes a play pass of its own.

    Parameters
    ----------
    session : Session
        A planned session.
    paths : sequence of Path
        Sound files.
    role : {"play", "loop"}
        Whether a tape lies between stimulus and recording, or a processor that returns at once.
    conditions : mapping, optional
        What holds for these takes. A tape recorded with dbx in cannot tell how it was played: without a ``dbx`` here it
        counts as ``on``, one recorded for playing with dbx in as ``decode``.
    inputs : mapping of int to int, optional
        Track that each channel of the files (from 0) comes from; by default the session's wiring, else the order of the
        stimulus.

    Raises
    ------
    AudioFileError
        A file is missing, empty, undecodable, of the wrong rate, resolution or number of channels.
    SignalError
        A file is silent, clipped, cut, of another session, has no markers or has its channels swapped, or its tape was
        recorded in another position of the dbx switch than `conditions` say.
    SessionError
        The session has no stimulus, holds the recording already, or the disk is full.
    """
    sheets = [session.stimulus(known.id)[0] for known in session.manifest.stimuli]
    if not sheets:
        raise SessionError(
            f"{session.path} has no stimulus yet; make one with 'tape stimulus {session.path}' and record it."
        )
    with ExitStack() as opened:
        found: list[_Found] = []
        for path in paths:
            audio = opened.enter_context(open_audio(path))
            source = SourceFile(name=path.name, sha256=sha256_of(path))
            _refuse_again(session, found, source, path)
            wired = inputs or session.manifest.wiring.inputs
            wired = wired or {i: c.track for i, c in enumerate(sheets[0].channels)}
            found += _takes_in(audio, source, sheets, wired, conditions or {})
        return [_attach(session, take, role, inputs) for take in found]


def _refuse_again(session: Session, found: Sequence[_Found], source: SourceFile, path: Path) -> None:
    held = {s.sha256: t.id for t in session.takes() for s in t.sources.values()}
    held.update({take.source.sha256: f"'{take.source.name}' of this import" for take in found})
    if source.sha256 in held:
        raise SessionError(f"{path} is in the session already, as {held[source.sha256]}; import each recording once.")


def _takes_in(
    audio: SoundFile,
    source: SourceFile,
    sheets: Sequence[CueSheet],
    inputs: Mapping[int, int],
    conditions: Mapping[str, Condition],
) -> list[_Found]:
    require_format(
        audio,
        sample_rate=sheets[0].sample_rate,
        minimum_rate=CAPTURE_RATE_HZ,
        minimum_bits=MINIMUM_BITS,
        channels=1 + max(inputs),
    )
    recognised = recognise(audio, sheets, inputs, str(audio.path))
    edges = [0, *(_between(one, two, audio.sample_rate) for one, two in pairwise(recognised))]
    windows = zip(edges, [*edges[1:], audio.samples], strict=True)
    return [
        _Found(source, _Window(audio, *window), take.sheet, _with_dbx(take.sheet, conditions, str(audio.path)))
        for take, window in zip(recognised, windows, strict=True)
    ]


def _with_dbx(sheet: CueSheet, conditions: Mapping[str, Condition], name: str) -> Mapping[str, Condition]:
    """The conditions with the position of the dbx switch that the tape of this stimulus can have been played in."""
    possible = [mode for mode, stimulus in STIMULUS_OF.items() if stimulus == sheet.stimulus]
    asked = conditions.get("dbx")
    if asked is None:
        return conditions if sheet.stimulus == "main" or not possible else {**conditions, "dbx": possible[0]}
    if possible and asked not in possible:
        raise SignalError(
            f"{name} is a recording of the stimulus '{sheet.stimulus}', which is for dbx {' or '.join(possible)}, not {asked};"
            f" import it with --dbx {possible[0]}, or give the recording of '{STIMULUS_OF[str(asked)]}'."
        )
    return conditions


def _between(one: Recognised, two: Recognised, sample_rate: int) -> int:
    """Where to cut between two takes: half-way from the end marker of one to the start marker of the next."""
    end_s = one.found.end_s if one.found.end_s is not None else one.found.start_s
    return round(0.5 * (end_s + two.found.start_s) * sample_rate)


def _attach(
    session: Session,
    take: _Found,
    role: Literal["play", "loop"],
    inputs: Mapping[int, int] | None,
) -> TakeRecord:
    sheet, dbx = take.sheet, take.conditions.get("dbx")
    alike = [
        t for t in session.takes(role) if t.stimulus == sheet.stimulus and t.conditions.get("dbx", "off") == (dbx or "off")
    ]
    number = 1 + max((t.number for t in alike), default=0)
    stem = role if sheet.stimulus == "main" else f"{dbx or sheet.stimulus}-{role}"
    wired = inputs or session.manifest.wiring.inputs or {i: c.track for i, c in enumerate(sheet.channels)}
    with session.begin_take(
        session.free_take_id(f"{stem}-{number}"),
        stimulus=sheet.stimulus,
        role=role,
        number=number,
        conditions=take.conditions,
        sample_rate=take.window.sample_rate,
        channels=take.window.channels,
        inputs=wired,
        expected_samples=take.window.samples,
        sources={takes.RETURNED: take.source},
    ) as writer:
        for block in blocks(take.window):
            writer.write(block)
        return writer.finish()


def attach_pair(path: Path, dry_path: Path, wet_path: Path, speed_cm_s: float, deck: str) -> TakeRecord:
    """Attach a pair to the session in a folder, or to a new one: a pair needs no stimulus.

    Raises
    ------
    TapeError
        As :func:`import_pair`; a session that was made for the pair goes with it.
    """
    if (path / MANIFEST).exists():
        return import_pair(Session.open(path), dry_path, wet_path)
    existed = path.exists()
    session = Session.create(path, deck=deck, speed_cm_s=speed_cm_s, reference_dbfs=DEFAULT_REFERENCE_DBFS)
    try:
        return import_pair(session, dry_path, wet_path)
    except BaseException:
        shutil.rmtree(path, ignore_errors=True)
        if existed:
            path.mkdir(exist_ok=True)
        raise


def import_pair(session: Session, dry_path: Path, wet_path: Path) -> TakeRecord:
    """Attach a pair made with any material on any machine: what went in, and what came out.

    Clipping is kept as a fault of the take, since nothing can be recorded again.

    Parameters
    ----------
    session : Session
        Where the pair goes.
    dry_path, wet_path : Path
        Sound files of one rate, at least 16 kHz.

    Raises
    ------
    AudioFileError
        A file is missing, empty, undecodable, or the two do not fit together in rate or channels.
    SignalError
        A file is silent, too short, or the two differ in length by more than half.
    SessionError
        The disk is full.
    """
    with open_audio(dry_path) as dry, open_audio(wet_path) as wet:
        require_format(dry, minimum_rate=PAIR_RATE_HZ)
        require_format(wet, minimum_rate=PAIR_RATE_HZ)
        if dry.sample_rate != wet.sample_rate:
            raise AudioFileError(
                f"{dry_path} has {dry.sample_rate} Hz and {wet_path} has {wet.sample_rate} Hz; a pair needs one rate:"
                " export both at the same one."
            )
        if dry.channels not in (1, wet.channels):
            raise AudioFileError(
                f"{dry_path} has {dry.channels} channels and {wet_path} has {wet.channels};"
                " give files of as many channels, or a dry one of one channel."
            )
        _require_lengths(dry, wet)
        faults = [fault for audio in (dry, wet) for fault in _faults(audio, levels(audio))]
        names = (dry_path.name, wet_path.name)
        return session.add_pair(session.free_take_id("pair"), dry, wet, names, faults)


def _require_lengths(dry: SoundFile, wet: SoundFile) -> None:
    for audio in (dry, wet):
        if audio.samples < SHORTEST_PAIR_S * audio.sample_rate:
            raise SignalError(
                f"{audio.path} is {audio.samples / audio.sample_rate:.2f} s long;"
                f" a pair needs {SHORTEST_PAIR_S:g} s at least: give a longer recording."
            )
    ratio = max(wet.samples / dry.samples, dry.samples / wet.samples)
    if ratio > LARGEST_LENGTH_RATIO:
        raise SignalError(
            f"{dry.path} is {dry.samples / dry.sample_rate:.1f} s long and {wet.path} {wet.samples / wet.sample_rate:.1f} s;"
            f" they may differ by a factor of {LARGEST_LENGTH_RATIO:g}: check that they belong together."
        )


def _faults(audio: SoundFile, measured: Levels) -> list[str]:
    if measured.peak.max() < SILENCE:
        raise SignalError(
            f"{audio.path} is silent: its peak is below {20 * np.log10(SILENCE):.0f} dBFS;"
            " give the file that holds the signal."
        )
    if not measured.clipped_places:
        return []
    return [f"{audio.path.name} is clipped in {measured.clipped_places} place(s), first at {measured.first_clipped_s:.2f} s"]
