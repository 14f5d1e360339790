"""From a session to a data set: aligned pairs, the floor under every error, and what the generators are made from."""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis.alignment import Alignment, align_channels, align_take, is_pilot
from analysis.take import Take
from analysis.timebase import Timebase
from modeling.aligned import returned_channels
from modeling.card import Source
from modeling.compander import Companding
from modeling.compander_asymmetry import with_asymmetry
from modeling.compander_fit import fitted
from modeling.compander_start import HALVES, Start, constants
from modeling.dropouts import Found, falls_of_pilot, without_dropouts
from modeling.floor import Floor, floor_of, replicate_esr
from modeling.generators.unevenness import unevenness
from modeling.material import pairs_of, spans_of_length, spans_of_sheet, split_in_words
from modeling.pairs import Pair, Span, select
from modeling.settings import Setting
from sessions.manifest import TakeRecord
from sessions.store import MEASUREMENTS, Session
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import ModelError, SignalError

Alignments = MutableMapping[str, Sequence[Alignment]]
"""Time bases that are known already, by the take's id; what is aligned is added."""


@dataclass(frozen=True)
class Dataset:
    """All that a model is made from.

    Attributes
    ----------
    pairs : list of Pair
        Of all splits.
    reference_dbfs : float
        Level of a sine at 0 VU.
    floor : Floor
        Under the error on the test pairs.
    silence : ndarray, shape (samples,), or None
        Recording of silent tape, no decoder in the way.
    trajectory : Timebase
        Motion of the deck.
    source : Source
    split : str
        How the held-out material was chosen, in words.
    companding : Companding or None
        Halves of a compander that the pairs were made with.
    behind : ndarray, shape (samples,), or None
        Recording of silent tape behind a decoder.
    unevenness : ndarray, shape (bins,), or None
        Density of what multiplies a sound on tape; see :func:`modeling.generators.unevenness.unevenness`.
    dropouts : Found
        What there is of them in the pairs; they do not count as target.
    also : tuple of Source
        What else it was pooled from; see :mod:`modeling.pooling`.
    motions : tuple of Timebase
        Of all passes like those that it was cut from.
    setting : mapping
        Conditions of it that differ from those of others a model learns from.
    between : list of Pair
        What lies between the halves, from takes without dbx; empty where they do not tell, and it is learnt from `pairs`.
    """

    pairs: list[Pair]
    reference_dbfs: float
    floor: Floor
    silence: np.ndarray | None
    trajectory: Timebase
    source: Source
    split: str
    companding: Companding | None = None
    behind: np.ndarray | None = None
    unevenness: np.ndarray | None = None
    dropouts: Found = field(default_factory=Found)
    also: tuple[Source, ...] = ()
    motions: tuple[Timebase, ...] = ()
    setting: Setting = field(default_factory=dict)
    between: list[Pair] = field(default_factory=list)

    @property
    def taught(self) -> list[Pair]:
        """What the core learns from; with a compander perhaps as it was outside."""
        return self.between or self.pairs

    @property
    def sources(self) -> list[Source]:
        """All that it was made from."""
        return [self.source, *self.also]


def from_session(
    session: Session,
    track: int | None = None,
    known: Alignments | None = None,
    progress: Callable[[str], None] = lambda message: None,
    dbx: str = "off",
) -> Dataset:
    """Make a data set from the first complete play pass (or pass in a loop, or pair) of a session in a position of the dbx switch.

    A second play pass of the same stimulus, where there is one, shows how closely the deck repeats itself. A pair that was
    imported does not know its position, and is taken to be in the one that is asked for.

    Parameters
    ----------
    track : int, optional
        Programme track to learn; the first by default.
    known : mapping, optional
        Time bases that were estimated already, by take; those of others are added.
    dbx : str
        ``off``, ``on``, ``encode`` or ``decode``.

    Raises
    ------
    ModelError
        The session holds nothing to learn from.
    TapeError
        A file of it is missing or damaged, or a take cannot be aligned.
    """
    if dbx not in HALVES:
        raise ModelError(f"'{dbx}' is no position of the dbx switch; choose one of {', '.join(HALVES)}")
    passes = _made_with(session, dbx, progress)
    if passes:
        return _from_passes(session, passes, track, {} if known is None else known, progress, dbx)
    pairs = session.takes("pair")
    if not pairs:
        raise ModelError(
            f"{session.path} holds no complete play pass and no pair; run 'tape capture' or 'tape import' on it first"
        )
    record, sent, returned = session.pair(pairs[0].id)
    if track is not None and not 1 <= track <= returned.channels:
        raise ModelError(f"take '{record.id}' has no track {track}; it has {returned.channels}, numbered from 1")
    programmes = [n for n in range(1, returned.channels + 1) if track in (None, n) and not is_pilot(sent, n - 1)]
    if not programmes:
        raise ModelError(f"track {track or 1} of take '{record.id}' holds the pilot; name one with programme")
    number = programmes[0]
    source = Source(session=session.manifest.id, take=record.id, track=number, conditions={"dbx": dbx})
    start = start_of(session, dbx, number, progress)
    return from_pair(sent, returned, session.manifest.reference_dbfs, source, number - 1, start)


def _made_with(session: Session, dbx: str, progress: Callable[[str], None]) -> list[TakeRecord]:
    """Play passes, else passes in a loop, in a position of the dbx switch; says which others are left out."""
    passes = session.takes("play") or session.takes("loop")
    made = [take for take in passes if dbx_of(take) == dbx]
    others = [take for take in passes if dbx_of(take) != dbx]
    if others and not made:
        there = list(dict.fromkeys(map(dbx_of, others)))
        raise ModelError(
            f"{session.path} holds takes with dbx {', '.join(there)} and none with dbx {dbx}; "
            f"train with --dbx {' or '.join(there)}, or capture with dbx {dbx}"
        )
    if others:
        progress(f"leaving out what was not made with dbx {dbx}: {', '.join(take.id for take in others)}")
    return made


def dbx_of(take: TakeRecord) -> str:
    """Position of the dbx switch; one that is not spoken of is off."""
    return str(take.conditions.get("dbx", "off"))


def start_of(session: Session, dbx: str, track: int, progress: Callable[[str], None]) -> Start | None:
    """Halves of the compander that are in the way, with what the bench found of them."""
    if dbx == "off":
        return None
    start = constants(dbx, session.read_measurements() if (session.path / MEASUREMENTS).exists() else None, track)
    progress(f"compander: {start.told}" + (f"; seeking {', '.join(start.unknown)}" if start.unknown else ""))
    return start


def _from_passes(
    session: Session,
    passes: Sequence[TakeRecord],
    track: int | None,
    known: Alignments,
    progress: Callable[[str], None],
    dbx: str,
) -> Dataset:
    refused: list[ModelError | SignalError] = []
    usable = next(_usable(session, passes, track, known, progress, refused), None)
    if usable is None:
        raise refused[0]
    first, returned, alignment = usable
    others = [take for take in passes if take.id != first.id and take.stimulus == first.stimulus and _like(take, first)]
    sheet, sent = session.stimulus(first.stimulus or "main")
    number = sheet.channels[alignment.channel].track
    repeat = next(((heard, base) for _, heard, base in _usable(session, others, number, known, progress, refused)), None)
    source = Source(
        session=session.manifest.id,
        take=first.id,
        track=number,
        conditions={**first.conditions, "speed_cm_s": session.manifest.speed_cm_s},
    )
    start = start_of(session, dbx, number, progress)
    bare = None
    plain = [take for take in session.takes("play") if dbx_of(take) == "off"]
    if start and start.companding.decode and plain:
        heard, base = _aligned(session, plain[0], number, known, progress)
        bare = Take(heard, session.stimulus(plain[0].stimulus or "main")[0], base, {})
    progress(f"cutting pairs of track {number}")
    falls_s = falls_of_pilot(returned, sheet, returned_channels(sheet, first), alignment.base)
    return from_take(sheet, sent, returned, alignment, source, repeat, start, bare, falls_s)


def _usable(
    session: Session,
    passes: Sequence[TakeRecord],
    track: int | None,
    known: Alignments,
    progress: Callable[[str], None],
    refused: list[ModelError | SignalError],
) -> Iterator[tuple[TakeRecord, AudioReader, Alignment]]:
    """Passes with the time base of a track; says which are left out, and adds why to `refused`."""
    for record in passes:
        try:
            aligned = _aligned(session, record, track, known, progress)
        except (ModelError, SignalError) as error:
            progress(f"leaving out take '{record.id}': {error}")
            refused.append(error)
        else:
            yield record, *aligned


def _aligned(
    session: Session, record: TakeRecord, track: int | None, known: Alignments, progress: Callable[[str], None]
) -> tuple[AudioReader, Alignment]:
    """Recording of a take, and the time base of a track of it."""
    sheet, sent = session.stimulus(record.stimulus or "main")
    _, returned = session.take(record.id)
    alignments = known.get(record.id)
    if alignments is None:
        progress(f"aligning take {record.id}")
        alignments = align_take(sent, returned, sheet, returned_channels(sheet, record), progress)
        known[record.id] = alignments
    return returned, _of_track(alignments, sheet, track, record)


def _like(take: TakeRecord, other: TakeRecord) -> bool:
    """Whether two takes were made alike; a switch that is not spoken of is off."""
    one, two = ({**record.conditions, "dbx": dbx_of(record)} for record in (take, other))
    return one == two


def from_take(
    sheet: CueSheet,
    sent: AudioReader,
    returned: AudioReader,
    alignment: Alignment,
    source: Source,
    repeat: tuple[AudioReader, Alignment] | None = None,
    start: Start | None = None,
    bare: Take | None = None,
    falls_s: Sequence[tuple[float, float]] = (),
) -> Dataset:
    """Make a data set from one channel of an aligned take, and of a repeated one where there is one.

    Parameters
    ----------
    start : Start, optional
        Halves of a compander that it was made with.
    bare : Take, optional
        The same track without dbx: behind a decoder the hiss of a silent tape lies below what comes after.
    falls_s : sequence of (float, float)
        Spans of the recording, from s to s, in which its pilot falls.

    Raises
    ------
    ModelError
        The take cannot be learnt from.
    """
    spans = [
        span
        for span in spans_of_sheet(sheet, alignment.channel)
        # Followed by its own phase, as without a pilot, a sweep shows nothing of the phase of the deck.
        if span.conditions["kind"] != "sweep" or span.name not in alignment.own
    ]
    pairs = pairs_of(sent, alignment.channel, returned, alignment.returned, lambda span: _timebase(alignment, span), spans)
    companding = _fitted(start, pairs, sheet.reference_dbfs)
    pairs, dropouts = _whole(pairs, companding, sheet.reference_dbfs, falls_s)
    take, decoded = Take(returned, sheet, alignment, {}), bool(companding and companding.decode)
    tape = bare if decoded else take
    silence, uneven = (_silence(tape), unevenness(tape)) if tape else (None, None)
    behind = _silence(take) if decoded else None
    replicate = None
    if repeat is not None:
        test = [span for span in spans if span.split == "test"]
        timebases = [(_timebase(alignment, span), _timebase(repeat[1], span)) for span in test]
        replicate = replicate_esr(returned, repeat[0], (alignment.returned, repeat[1].returned), timebases, test)
    floor = floor_of(select(pairs, "test"), silence, replicate, companding, sheet.reference_dbfs, uneven)
    return Dataset(
        pairs,
        sheet.reference_dbfs,
        floor,
        silence,
        alignment.base,
        source,
        split_in_words(sheet, alignment.channel),
        companding,
        behind,
        uneven,
        dropouts,
    )


def from_pair(
    sent: AudioReader,
    returned: AudioReader,
    reference_dbfs: float,
    source: Source,
    channel: int = 0,
    start: Start | None = None,
) -> Dataset:
    """Make a data set from one returned channel of a pair of recordings without markers; a mono signal went to all.

    Raises
    ------
    ModelError
        The pair cannot be learnt from.
    SignalError
        The two cannot be aligned.
    """
    if sent.sample_rate != returned.sample_rate:
        raise ModelError(
            f"sent and returned sound have {sent.sample_rate} and {returned.sample_rate} Hz; both must have the same rate"
        )
    fed = min(channel, sent.channels - 1)
    timebase = align_channels(sent, returned, fed, channel).timebase
    # Only what both recordings hold.
    ends = timebase.input_time(np.array([0.0, returned.samples / returned.sample_rate])) * sent.sample_rate
    low, high = max(0, int(np.ceil(ends[0]))), min(sent.samples, int(ends[1]))
    spans = [
        Span(span.start_samples + low, span.stop_samples + low, span.split, span.name)
        for span in spans_of_length(max(0, high - low), sent.sample_rate)
    ]
    pairs = pairs_of(sent, fed, returned, channel, lambda span: timebase, spans)
    split = "by contiguous blocks of time with gaps between them: the material has no pieces that could be told apart"
    companding = _fitted(start, pairs, reference_dbfs)
    pairs, dropouts = _whole(pairs, companding, reference_dbfs)
    floor = floor_of(select(pairs, "test"), None)
    return Dataset(pairs, reference_dbfs, floor, None, timebase, source, split, companding, dropouts=dropouts)


def _fitted(start: Start | None, pairs: Sequence[Pair], reference_dbfs: float) -> Companding | None:
    if start is None:
        return None
    found = fitted(start.companding, start.unknown, select(pairs, "train"), reference_dbfs)
    return with_asymmetry(found, select(pairs, "ladder"), reference_dbfs)


def _whole(
    pairs: list[Pair],
    companding: Companding | None,
    reference_dbfs: float,
    falls_s: Sequence[tuple[float, float]] = (),
) -> tuple[list[Pair], Found]:
    """Pairs in which dropouts do not count, and what there was of them, found on the tape's side of a compander."""
    if companding is None:
        return without_dropouts(pairs, None, falls_s)
    on_tape = [companding.taken_off(pair, reference_dbfs) for pair in pairs]

    def opened(sound: np.ndarray) -> np.ndarray:
        return companding.decoder(1, pairs[0].sample_rate, reference_dbfs).process(sound[None])[0]

    return without_dropouts(pairs, on_tape, falls_s, opened)


def _of_track(alignments: Sequence[Alignment], sheet: CueSheet, track: int | None, record: TakeRecord) -> Alignment:
    tracks = {sheet.channels[a.channel].track: a for a in alignments}
    if not tracks or (track is not None and track not in tracks):
        there = ", ".join(str(t) for t in sorted(tracks)) or "none"
        where = "any track" if track is None else f"track {track}"
        raise ModelError(f"take '{record.id}' has no programme on {where}; tracks with programme: {there}")
    return tracks[min(tracks) if track is None else track]


def _timebase(alignment: Alignment, span: Span) -> Timebase:
    return alignment.own.get(span.name, alignment.base)


def _silence(take: Take) -> np.ndarray | None:
    """Longest silent passage as recorded; hiss is not dewarped."""
    longest = max((take.silence(cue) for cue in take.cues("silence")), key=len, default=np.zeros(0))
    return longest if longest.size else None
