"""A session as other trainers want it: ``input.wav`` and ``output.wav``, equally long and aligned, with ``snapshot.json`` beside.

Trainers of snapshots (Neural Amp Modeler, GuitarML and their like) know of no time base: here the *recording* is warped onto the
time of what was sent, which takes wow, flutter and latency out of it, and costs a little of what lies above 20 kHz. What `tape
train` learns from is the other direction, sound warped onto the time of the tape, and can be had too.

The segments follow one another, those to learn from first, then those to choose by, then those held out; test tones are left out.
At the beginning of a segment the recording still answers to what came before it in the session.
"""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import soxr
from pydantic import BaseModel, ConfigDict

from analysis.dewarp import dewarp
from analysis.timebase import on_samples
from modeling.card import Source
from modeling.dataset import Dataset, from_session
from modeling.doubts import doubts_of
from modeling.model import CARD
from modeling.pairs import Pair, Split, select
from modeling.provenance import with_digests
from sessions.disk import sync_folder, told_as_session_error, write_together
from sessions.manifest import now, to_json, tool_version
from sessions.names import refuse_program_folder
from sessions.results import Condition
from sessions.store import Session
from sessions.take import require_room
from sessions.wave import Encoding, writing
from signals.audio import AudioReader
from signals.errors import ModelError, SessionError, UsageError

Direction = Literal["dry", "tape"]
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
INPUT, OUTPUT, RECORD = "input.wav", "output.wav", "snapshot.json"
RATES_HZ = (16_000, 192_000)
SCHEMA_VERSION = 1


class Segment(BaseModel):
    """A stretch of both files, in samples of them, and what it is for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    split: Split
    start_samples: int
    stop_samples: int
    conditions: dict[str, Condition] = {}


class Snapshot(BaseModel):
    """The contents of ``snapshot.json``.

    Attributes
    ----------
    source : Source
        The take, its track and conditions, and the digests of its sound files.
    direction : str
        ``dry``: the recording was warped onto the time of what was sent. ``tape``: the other way round.
    reference_dbfs : float
        Level of a sine at 0 VU, in both files.
    floor : dict
        Error-to-signal ratio under the error of any model on the held-out segments, ``esr``, and its parts, null where not known.
    split : str
        How the held-out material was chosen.
    segments : list of Segment
        In order; they fill the files.
    masked : list of (int, int)
        Stretches, from sample to sample, that should not count as target: dropouts, clipping, silence, doubtful time.
    doubts : list of str
        What speaks against the material.
    files : dict
        SHA-256 of both.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    created: str
    tool_version: str
    source: Source
    direction: Direction
    sample_rate: int
    encoding: Encoding
    samples: int
    reference_dbfs: float
    floor: dict[str, float | None]
    split: str
    segments: list[Segment]
    masked: list[tuple[int, int]]
    doubts: list[str]
    files: dict[str, str]


def export(
    session_path: Path,
    folder: Path,
    *,
    track: int | None = None,
    dbx: str = "off",
    direction: str = "dry",
    sample_rate: int | None = None,
    encoding: Encoding = "pcm24",
    progress: Callable[[str], None] = lambda message: None,
    warn: Callable[[str], None] = lambda line: None,
) -> Snapshot:
    """Write a snapshot of a session into a new folder, whole or not at all.

    Parameters
    ----------
    track, dbx
        As of :func:`modeling.dataset.from_session`.
    direction : str
        One of DIRECTIONS.
    sample_rate : int, optional
        Of the files in Hz; by default that of the session.
    warn : callable
        Told each doubt about the material.

    Raises
    ------
    UsageError
        There is no such direction or rate, or it is the folder of a model.
    SessionError
        The folder exists, or cannot be written; nothing is left behind.
    ModelError
        The session holds nothing to learn from.
    TapeError
        A file of it is missing or damaged, or a take cannot be aligned.
    """
    if direction not in DIRECTIONS:
        raise UsageError(f"direction '{direction}' is unknown; choose one of {', '.join(DIRECTIONS)}")
    if sample_rate is not None and not RATES_HZ[0] <= sample_rate <= RATES_HZ[1]:
        raise UsageError(
            f"{sample_rate} Hz is outside {RATES_HZ[0]} to {RATES_HZ[1]} Hz; choose a rate inside, 48000 is usual"
        )
    if (session_path / CARD).exists():
        raise UsageError(f"{session_path} is the folder of a model; name that of a session, whose recordings are exported")
    session = Session.open(session_path)
    refuse_program_folder(folder)
    if folder.exists():
        raise SessionError(f"{folder} exists already and is never overwritten; name a new folder")
    dataset = from_session(session, track, None, progress, dbx)
    doubts = doubts_of(dataset)
    for doubt in doubts:
        warn(doubt)
    progress("writing the pair")
    part = folder.with_name(f".{folder.name[:50]}-{secrets.token_hex(4)}")  # a name that is nobody's
    try:
        with told_as_session_error(folder):
            part.mkdir(parents=True)
        made = _write(session, dataset, part, "dry" if direction == "dry" else "tape", sample_rate, encoding, doubts)
        with told_as_session_error(folder):
            part.rename(folder)
            sync_folder(folder.parent)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return made


def _write(
    session: Session,
    dataset: Dataset,
    folder: Path,
    direction: Direction,
    sample_rate: int | None,
    encoding: Encoding,
    doubts: list[str],
) -> Snapshot:
    sent, returned = _sounds(session, dataset.source)
    rate = sent.sample_rate if sample_rate is None else sample_rate
    pairs = [pair for split in SPLITS for pair in select(dataset.pairs, split)]
    expected = sum(round(pair.samples * rate / pair.sample_rate) for pair in pairs)
    require_room(folder, 2 * expected)
    segments: list[Segment] = []
    masks: list[np.ndarray] = []
    with ExitStack() as files:
        writers = [files.enter_context(writing(folder / name, rate, 1, encoding, expected)) for name in (INPUT, OUTPUT)]
        for pair, (dry, wet, mask) in zip(pairs, _segments(pairs, sent, returned, direction), strict=True):
            sounds = [soxr.resample(x, pair.sample_rate, rate, "VHQ") if rate != pair.sample_rate else x for x in (dry, wet)]
            length = min(sound.size for sound in sounds)
            start = writers[0].samples
            for writer, sound in zip(writers, sounds, strict=True):
                writer.write(sound[:length, None])
            at = np.minimum(np.arange(length) * pair.sample_rate // rate, mask.size - 1)
            masks.append(mask[at])
            conditions = {name: value for name, value in pair.conditions.items() if name != "timing_sd_s"}
            segments.append(
                Segment(
                    name=pair.name, split=pair.split, start_samples=start, stop_samples=start + length, conditions=conditions
                )
            )
    floor = dataset.floor
    made = Snapshot(
        created=now(),
        tool_version=tool_version(),
        source=with_digests(dataset.source, session),
        direction=direction,
        sample_rate=rate,
        encoding=encoding,
        samples=writers[0].samples,
        reference_dbfs=dataset.reference_dbfs,
        floor={
            "esr": floor.esr,
            "noise": floor.noise,
            "modulation": floor.modulation,
            "timing": floor.timing,
            "replicate": floor.replicate,
        },
        split=dataset.split,
        segments=segments,
        masked=_stretches(~np.concatenate(masks)),
        doubts=doubts,
        files={name: writer.sha256 for name, writer in zip((INPUT, OUTPUT), writers, strict=True)},
    )
    write_together({folder / RECORD: to_json(made).encode()})
    return made


def _sounds(session: Session, source: Source) -> tuple[AudioReader, AudioReader]:
    """What was sent and what came back in a take."""
    record, returned = session.take(source.take)
    if record.role == "pair":
        return session.pair(source.take)[1:]
    return session.stimulus(record.stimulus or "main")[1], returned


def _segments(
    pairs: list[Pair], sent: AudioReader, returned: AudioReader, direction: Direction
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Sound that was sent, sound that came back, and where that counts, of each pair without its context."""
    for pair in pairs:
        if pair.origin is None:
            raise ModelError(f"'{pair.name}' was cut from no take; export a session")
        span, timebase, rate = pair.origin.span, pair.origin.timebase, pair.sample_rate
        start, stop = span.start_samples, span.stop_samples
        places = np.rint(on_samples(timebase.output_time, start, stop, rate) * rate).astype(int) - pair.origin.first_samples
        if direction == "tape":
            inside = slice(max(0, int(places[0])), int(places[-1]) + 1)
            yield pair.dry[inside].astype(np.float64), pair.wet[inside].astype(np.float64), pair.mask[inside]
            continue
        fed, heard = pair.origin.channels
        wet = dewarp(returned, heard, timebase, start, stop)
        mask = pair.mask[np.clip(places, 0, pair.samples - 1)]
        yield sent.read(start, stop)[:, fed], wet - wet.mean(), mask


def _stretches(mask: np.ndarray) -> list[tuple[int, int]]:
    """Where a mask holds, from sample to sample."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], mask.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
