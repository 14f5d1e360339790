"""Several sessions, tracks and positions of the dbx switch as the material of one model: pooled, each pass aligned once.

What was made alike becomes one data set. Where speed, recording level, dbx or tape differ, each combination of them is a setting
with a data set of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

import numpy as np

from analysis.alignment import Alignment, align_take
from analysis.take import Take
from analysis.timebase import Timebase
from modeling.aligned import Progress, returned_channels
from modeling.card import Source
from modeling.compander_plain import between_halves
from modeling.config import Config
from modeling.dataset import Alignments, Dataset, dbx_of, from_session, start_of
from modeling.dropouts import all_of
from modeling.floor import pooled_floor
from modeling.pairs import select
from modeling.provenance import with_digests
from modeling.settings import NAMES, UNNAMED, Setting, differing
from sessions.manifest import TakeRecord
from sessions.results import Condition
from sessions.store import Session
from signals.errors import ModelError, SignalError, TapeError


@dataclass(frozen=True)
class Portion:
    """One track of a session in one position of the dbx switch, and all its conditions."""

    session: Session
    track: int | None
    dbx: str
    conditions: Setting


def gather(
    sessions: Sequence[Session],
    config: Config,
    progress: Progress = lambda _: None,
    known: Mapping[str, Alignments] | None = None,
) -> list[Dataset]:
    """All that a model learns from, a data set for each setting, that of the first session first.

    Parameters
    ----------
    config : Config
        Its tracks, positions of the dbx switch and conditions.
    known : mapping, optional
        Time bases that were estimated already, by id of the session.

    Raises
    ------
    ModelError
        The sessions cannot be pooled, or one holds nothing to learn from.
    TapeError
        A file of one is missing or damaged, or a take cannot be aligned.
    """
    chosen, names = portions(sessions, config)
    bases: dict[str, Alignments] = {key: dict(alignments) for key, alignments in (known or {}).items()}
    made: dict[tuple[Condition, ...], list[Dataset]] = {}
    for portion in chosen:
        with _named(portion.session, several=len(sessions) > 1):
            dataset = _dataset(portion, bases.setdefault(portion.session.manifest.id, {}), progress)
        if config.scheme != "II":  # what was sent as it was, twice as much again, is for that scheme alone
            pairs, between = ([replace(pair, unwarped=None) for pair in part] for part in (dataset.pairs, dataset.between))
            dataset = replace(dataset, pairs=pairs, between=between)
        setting = {name: portion.conditions[name] for name in names}
        made.setdefault(tuple(setting.values()), []).append(replace(dataset, setting=setting))
    return [merged(alike) for alike in made.values()]


def portions(sessions: Sequence[Session], config: Config) -> tuple[list[Portion], tuple[str, ...]]:
    """What there is to learn from, and the conditions in which it differs: all that is known before anything is aligned.

    Raises
    ------
    ModelError
        The sessions cannot be pooled.
    """
    first = sessions[0]
    seen: dict[str, Session] = {}
    for session in sessions:
        if session.manifest.id in seen:
            raise ModelError(f"{session.path} and {seen[session.manifest.id].path} are one session; name each once")
        seen[session.manifest.id] = session
        rates = [_rate(each) for each in (first, session)]
        if None not in rates and rates[0] != rates[1]:
            raise ModelError(
                f"{first.path} has {rates[0]} Hz and {session.path} has {rates[1]} Hz; a model has one sample rate: "
                "leave one out, or plan it anew with --rate"
            )
    chosen = [
        Portion(session, track, dbx, _conditions(session, first, dbx))
        for session in sessions
        for dbx in _positions(session, config.positions)
        for track in config.tracks
    ]
    missing = [dbx for dbx in config.positions if dbx not in {portion.dbx for portion in chosen}]
    if missing:
        raise ModelError(f"no session holds takes with dbx {' or '.join(missing)}; leave it out, or capture with it")
    found = differing([portion.conditions for portion in chosen])
    names = found if config.condition is None else tuple(name for name in found if name in config.condition)
    for name, words in (("level_db", "level of a sine at 0 VU"), ("dbx", "position of the dbx switch")):
        if name in found and name not in names:
            raise ModelError(
                f"the {words} differs between what is to be pooled; add {name} to --condition, or leave one out"
            )
    if names and config.residual:
        raise ModelError(
            f"a residual is trained at one setting, and {' and '.join(names)} differs here; leave out --residual"
        )
    return chosen, names


def _rate(session: Session) -> int | None:
    rates = [take.sample_rate for take in session.takes()] + [stimulus.sample_rate for stimulus in session.manifest.stimuli]
    return next(iter(rates), None)


def _positions(session: Session, asked: Sequence[str]) -> list[str]:
    """Which of the positions asked for a session has takes in; with one alone, whether it has is told where they are read."""
    if len(asked) == 1:
        return list(asked)
    passes = session.takes("play") or session.takes("loop")
    if not passes and session.takes("pair"):
        raise ModelError(
            f"{session.path} holds a pair, which does not say in what position of the dbx switch it was made; give one --dbx"
        )
    there = {dbx_of(take) for take in passes}
    return [dbx for dbx in asked if dbx in there] or list(asked[:1])


def _conditions(session: Session, first: Session, dbx: str) -> dict[str, Condition]:
    manifest = session.manifest
    level_db = round(first.manifest.reference_dbfs - manifest.reference_dbfs, 6)
    values: dict[str, Condition] = {
        "speed_cm_s": manifest.speed_cm_s,
        "level_db": level_db,
        "dbx": dbx,
        "tape": manifest.tape or UNNAMED,
    }
    return {name: values[name] for name in NAMES}


@contextmanager
def _named(session: Session, *, several: bool) -> Iterator[None]:
    """Say of which session an error tells."""
    try:
        yield
    except TapeError as error:
        if not several or str(session.path) in str(error):
            raise
        raise type(error)(f"{session.path}: {error}") from error


def _dataset(portion: Portion, known: Alignments, progress: Progress) -> Dataset:
    session = portion.session
    for record in session.takes("play") or session.takes("loop"):
        if dbx_of(record) == portion.dbx and record.id not in known:
            with suppress(SignalError):
                progress(f"aligning take {record.id}")
                sheet, sent = session.stimulus(record.stimulus or "main")
                inputs = returned_channels(sheet, record)
                known[record.id] = list(align_take(sent, session.take(record.id)[1], sheet, inputs, progress))
    dataset = from_session(session, portion.track, known, progress, portion.dbx)
    motions = motions_of(session, dataset.source, known)
    others = [take.id for take in _alike(session, dataset.source, known)]
    if dataset.behind is not None:  # the noise of the tape was heard without dbx
        others += [take.id for take in session.takes("play") if dbx_of(take) == "off"][:1]
    made = replace(dataset, source=with_digests(dataset.source, session, others), motions=tuple(motions))
    return _with_plain(made, session, known, progress)


def _with_plain(dataset: Dataset, session: Session, known: Alignments, progress: Progress) -> Dataset:
    """What lies between the halves of a compander from the same track without dbx, where it can be learnt from."""
    there = any(dbx_of(take) == "off" for take in session.takes("play") or session.takes("loop"))
    track, dbx = dataset.source.track, str(dataset.source.conditions.get("dbx", "off"))
    start = start_of(session, dbx, track or 1, lambda _: None)
    # What is wrong with constants that nothing measured, a core learns from takes with dbx alone.
    if start is None or start.unknown or dataset.companding is None or not there:
        return dataset
    try:
        plain = from_session(session, track, known)
    except (ModelError, SignalError) as error:
        progress(f"learning what lies between the halves from takes with dbx: {error}")
        return dataset
    progress(f"learning what lies between the halves from take '{plain.source.take}', without dbx")
    between = between_halves(plain.pairs, dataset.companding, dataset.pairs, dataset.reference_dbfs)
    return replace(dataset, between=between, also=(with_digests(plain.source, session),))


def motions_of(session: Session, source: Source, known: Mapping[str, Sequence[Alignment]]) -> list[Timebase]:
    """Motion of each pass that was made as that which a model learns from; all tracks of a pass share it.

    Parameters
    ----------
    known : mapping
        Time bases by take.
    """
    return [_running(session, take, known[take.id][0]) for take in _alike(session, source, known)]


def _alike(session: Session, source: Source, known: Mapping[str, Sequence[Alignment]]) -> list[TakeRecord]:
    """Passes that were made as that which a model learns from, and could be aligned."""
    takes = {record.id: record for record in session.takes()}
    first = takes[source.take]
    return [
        take
        for name, take in takes.items()
        if known.get(name)
        and take.stimulus == first.stimulus
        and {**take.conditions, "dbx": dbx_of(take)} == {**first.conditions, "dbx": dbx_of(first)}
    ]


def _running(session: Session, record: TakeRecord, alignment: Alignment) -> Timebase:
    """The trajectory between start and end marker, where the tape ran without a loss; elsewhere it is drawn out, and calmer."""
    sheet, _ = session.stimulus(record.stimulus or "main")
    start_s, stop_s = Take(session.take(record.id)[1], sheet, alignment, {}).longest_s()
    return alignment.base.between(start_s, stop_s)


def merged(datasets: Sequence[Dataset]) -> Dataset:
    """Data sets that were made alike as one.

    Silence is that of the first that has any, as are the constants of a compander; modulation noise is the mean. The floor is
    weighted by the power that each has in the test. Where takes without dbx tell of some what lies between the halves, the core
    learns from those alone.

    Raises
    ------
    ModelError
        A track of a session is among them twice.
    """
    first = datasets[0]
    if len(datasets) == 1:
        return first
    sources = [source for dataset in datasets for source in dataset.sources]
    for number, source in enumerate(sources):
        if any((source.session, source.take, source.track) == (s.session, s.take, s.track) for s in sources[:number]):
            raise ModelError(f"track {source.track} of take '{source.take}' is asked for twice; name each --track once")
    power = [
        sum(float(np.sum(pair.wet[pair.mask].astype(np.float64) ** 2)) for pair in select(dataset.pairs, "test"))
        for dataset in datasets
    ]
    uneven = [dataset.unevenness for dataset in datasets if dataset.unevenness is not None]
    passes = {(dataset.source.session, dataset.source.take): dataset.motions for dataset in datasets}
    return replace(
        first,
        pairs=[pair for dataset in datasets for pair in dataset.pairs],
        between=[pair for dataset in datasets for pair in dataset.between],
        floor=pooled_floor([dataset.floor for dataset in datasets], power),
        silence=next((dataset.silence for dataset in datasets if dataset.silence is not None), None),
        behind=next((dataset.behind for dataset in datasets if dataset.behind is not None), None),
        unevenness=np.mean(uneven, axis=0) if uneven else None,
        also=tuple(sources[1:]),
        motions=tuple(motion for motions in passes.values() for motion in motions),
        dropouts=all_of([dataset.dropouts for dataset in datasets]),
        split="; ".join(dict.fromkeys(dataset.split for dataset in datasets)),
    )
