"""Measure a session: every take onto the bench, and what comes of it into the session."""

import contextlib
import math
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, ThreadPoolExecutor
from threading import Event, Lock

from analysis import electronics, pair
from analysis import interface as interfaces
from analysis.bench import measure_take
from analysis.compander import bench as compander
from analysis.compander import readings as compander_readings
from analysis.findings import Measured
from analysis.passes import with_combined
from analysis.pipeline import one_blas_thread
from analysis.subjects import erasure, tracks
from analysis.subjects.time import LATENCY
from analysis.take import Take
from modeling.aligned import Aligned, AlignedPair, AlignedTake, aligned_takes, record_take, returned_channels
from modeling.model import CARD, read_card
from reports import exports
from reports.evaluation.document import read_evaluation
from reports.header import ReportHeader
from reports.report import build_report
from reports.subjects.models import ModelSummary
from sessions import calibration as calibrations
from sessions.manifest import now, tool_version
from sessions.results import ELECTRONICS, PATH, Condition, Curve, Measurements, Result
from sessions.store import Session
from signals.errors import ModelError, SignalError, TapeError

Progress = Callable[[str], None]
Warn = Progress
CHANNELS_AT_ONCE = 2


@one_blas_thread
def measure_session(
    session: Session, progress: Progress = lambda _: None, aligned: Iterable[Aligned] | None = None
) -> Measurements:
    """Measure all takes of a session.

    Parameters
    ----------
    aligned : iterable of Aligned, optional
        The takes already joined to their stimulus; by default that is done here, one after the other.

    Raises
    ------
    SignalError
        There is no take, none can be joined to what was played, or a pair does not belong together.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    with_dbx: list[compander_readings.Readings] = []
    played: list[AlignedTake] = []
    for item in aligned_takes(session, progress) if aligned is None else aligned:
        measured = _pair(item) if isinstance(item, AlignedPair) else _take(session, item, progress, with_dbx)
        results += measured[0]
        curves += measured[1]
        if isinstance(item, AlignedTake) and item.record.role == "play" and item.alignments:
            played.append(item)
    results += _erasure(session, played, progress)
    for measured in (_electronics(session, progress), compander.measure(with_dbx, session.manifest.reference_dbfs)):
        results += measured[0]
        curves += measured[1]
    return with_combined(
        Measurements(session=session.manifest.id, tool_version=tool_version(), created=now(), results=results, curves=curves)
    )


def write_all(session: Session, measurements: Measurements, warn: Warn = lambda line: None) -> None:
    """Write measurements, curves, their exports and the report into a session, all or none; told what the report leaves out."""
    session.write_measurements(measurements, {**_report_files(session, measurements, warn), **exports.files(measurements)})


def write_report(session: Session, measurements: Measurements, warn: Warn = lambda line: None) -> None:
    """Write ``report.pdf`` and ``figures/`` of a session again; told what the report leaves out."""
    session.write_files(_report_files(session, measurements, warn), renewed=("figures",))


def _report_files(session: Session, measurements: Measurements, warn: Warn) -> dict[str, bytes]:
    """Report with the models trained from the session, and its figures."""
    report = build_report(
        measurements,
        ReportHeader.of_manifest(session.manifest, calibration=calibrations.of_session(session)),
        _models(session, warn),
    )
    return {"report.pdf": report.pdf, **{f"figures/{name}.svg": figure for name, figure in report.figures.items()}}


def _models(session: Session, warn: Warn) -> list[ModelSummary]:
    """What the cards of the session's models say in short, under the names of their folders."""
    found = []
    for path in sorted((session.path / "models").glob(f"[!.]*/{CARD}")):
        try:
            card = read_card(path).model_copy(update={"name": path.parent.name})
        except ModelError as damage:
            warn(f"a model is left out of the report: {damage}")
        else:
            error = card.evaluation
            evaluation = None
            with contextlib.suppress(TapeError):
                evaluation = read_evaluation(path.parent)
            found.append(
                ModelSummary(
                    name=card.name,
                    core=card.core,
                    filter_db=_decibels(error.baseline_esr if error else None),
                    model_db=_decibels(error.esr if error else None),
                    floor_db=_decibels(error.floor_esr if error else None),
                    method=f"Trained on {card.seconds.train:.0f} s, judged on {card.seconds.test:.0f} s; split {card.split}",
                    card=card,
                    # One of an earlier state of the model says nothing of this one.
                    evaluation=evaluation if evaluation and evaluation.weights_sha256 == card.weights_sha256 else None,
                )
            )
    return found


def _decibels(esr: float | None) -> float | None:
    return None if not esr else 10.0 * math.log10(esr)


def _take(
    session: Session, item: AlignedTake, progress: Progress, with_dbx: list[compander_readings.Readings]
) -> tuple[list[Result], list[Curve]]:
    """Figures of one take; what it tells of a compander, where any take of the session has one, goes to `with_dbx`."""
    companded = any(record.conditions.get("dbx", "off") != "off" for record in session.takes())
    results: list[Result] = []
    curves: list[Curve] = []
    for dead in item.unjoined:
        conditions = {"track": item.sheet.channels[dead.channel].track, **_common(session, item)}
        results.append(Result.invalid("latency", "s", conditions, LATENCY, dead.reason))
    takes = _channels(session, item)
    of_each = _side_by_side(takes, lambda what: progress(f"{item.record.id}: {what}"))
    for take, measured in zip(takes, of_each, strict=True):
        if companded:
            with_dbx.append(compander_readings.read(take, measured[1]))
        more_results, more_curves = _without_interface(measured, session, item, take)
        results += more_results
        curves += more_curves
    progress(f"{item.record.id}: measuring the tracks beside one another")
    return tracks.measure(takes, returned_channels(item.sheet, item.record), (results, curves))


def _side_by_side(takes: list[Take], progress: Progress) -> list[Measured]:
    """Every channel on the bench, some at the same time; `progress` is told by one thread at a time.

    When one fails, or the user breaks off, the others end with the subject that they are at.
    """
    one_at_a_time, broken_off = Lock(), Event()

    def tell(what: str) -> None:
        if broken_off.is_set():
            raise CancelledError
        with one_at_a_time:
            progress(what)

    with ThreadPoolExecutor(CHANNELS_AT_ONCE) as pool:
        try:
            return list(pool.map(lambda take: measure_take(take, tell), takes))
        except BaseException:
            broken_off.set()
            raise


def _channels(session: Session, item: AlignedTake) -> list[Take]:
    """The programme channels of a take."""
    common, inputs = _common(session, item), returned_channels(item.sheet, item.record)
    return [
        Take(item.returned, item.sheet, alignment, {"track": item.sheet.channels[alignment.channel].track, **common}, inputs)
        for alignment in item.alignments
    ]


def _common(session: Session, item: AlignedTake) -> dict[str, Condition]:
    """Conditions of all figures of a take."""
    return {
        "pass": item.record.number,
        "speed_cm_s": session.manifest.speed_cm_s,
        "dbx": "off",
        **item.record.conditions,
    }


def _erasure(session: Session, played: list[AlignedTake], progress: Progress) -> list[Result]:
    """What the last recording left of the first, where one stimulus was recorded after another; both heard without dbx."""
    recorded = [record.stimulus for record in session.takes("record")]
    plain = [item for item in played if item.record.conditions.get("dbx", "off") in ("off", "encode")]
    plain = [item for item in plain if item.record.stimulus in recorded]
    if plain:
        plain.sort(key=lambda item: recorded.index(item.record.stimulus))
        first, last = plain[0], plain[-1]
        if first.record.stimulus != last.record.stimulus and first.record.conditions.get("dbx", "off") == "off":
            progress("looking for what is left of the earlier recording")
            return erasure.measure(_channels(session, first), _channels(session, last))
    tracks_played = sorted({int(take.conditions["track"]) for item in played[:1] for take in _channels(session, item)})
    return [erasure.missing({"track": track, "speed_cm_s": session.manifest.speed_cm_s}) for track in tracks_played]


def _electronics(session: Session, progress: Progress) -> Measured:
    """What the armed tracks returned while the tape was recorded, where their outputs were wired back."""
    results: list[Result] = []
    curves: list[Curve] = []
    item = record_take(session)
    if item is None:
        return results, curves
    inputs = returned_channels(item.sheet, item.record)
    for channel in (c for c in item.sheet.channels_of("programme") if c in inputs):
        track, speed_cm_s = item.sheet.channels[channel].track, session.manifest.speed_cm_s
        conditions: dict[str, Condition] = {"track": track, "speed_cm_s": speed_cm_s, "dbx": "off"}
        progress(f"{item.record.id}: looking for the electronics of track {track}")
        try:
            take = electronics.find(item.sent, item.returned, item.sheet, channel, inputs[channel], conditions)
        except SignalError as error:
            results.append(Result.invalid("latency", "s", {**conditions, PATH: ELECTRONICS}, LATENCY, str(error)))
            continue
        if take is not None:
            measured = electronics.measure(take, lambda what: progress(f"{item.record.id}: {what}"))
            more_results, more_curves = _without_interface(measured, session, item, take)
            results += more_results
            curves += more_curves
    return results, curves


def _without_interface(measured: Measured, session: Session, item: AlignedTake, take: Take) -> Measured:
    """The figures of a channel less what the interface puts into them, where the session holds its calibration."""
    calibration = calibrations.of_session(session)
    if calibration is None or item.record.sources or item.record.sample_rate != calibration.sample_rate:
        return measured
    amplitude = take.reference.amplitude
    by = interfaces.Circumstances(
        calibrations.pair_in_use(session.manifest.interface, take.alignment.channel, take.alignment.returned),
        straight=item.record.role != "play",
        reference_dbfs=item.sheet.reference_dbfs,
        returned_dbfs=20.0 * math.log10(amplitude) if amplitude else None,
    )
    return interfaces.corrected(measured, calibration, by, take.conditions)


def _pair(item: AlignedPair) -> tuple[list[Result], list[Curve]]:
    def conditions_of(channel: int) -> dict[str, Condition]:
        return {"track": channel + 1, "take": item.record.id, **item.record.conditions}

    results = [Result.invalid("latency", "s", conditions_of(d.returned), LATENCY, d.reason) for d in item.unjoined]
    curves: list[Curve] = []
    for channel, estimate in enumerate(item.estimates):
        if estimate is None:
            continue
        conditions = conditions_of(channel)
        dry = item.dry.read(0, item.dry.samples)[:, min(channel, item.dry.channels - 1)]
        wet = item.wet.read(0, item.wet.samples)[:, channel]
        more_results, more_curves = pair.measure(dry, wet, item.record.sample_rate, estimate, conditions)
        results += more_results
        curves += more_curves
    return results, curves
