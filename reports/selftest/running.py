"""One deck from its seed to its errors, through the code that users run: plan, capture, measure; and only then the truth."""

import hashlib
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.flow import Progress as CaptureProgress
from capture.flow import capture
from capture.planning import Wish, plan_session, recordings
from capture.recordings import Plan
from capture.virtual.device import VirtualDevice
from capture.virtual.session import capture_through
from capture.virtual.truth import true_values
from capture.wire import Wire
from modeling.deck.true.linearity import RESPONSE_HZ
from reports import measuring
from reports.selftest.cases import POSITIONS, WIRING, Case
from reports.selftest.goals import LOOP
from reports.selftest.joining import Joined, join
from sessions.manifest import now, tool_version
from sessions.results import Axis, Condition, Conditions, Curve, Measurements, Result
from sessions.store import Session

Tell = Callable[[float], None]
SHARES = {"planned": 0.04, "captured": 0.35, "measured": 0.95}
STEPS_A_TAKE = 12  # about as many steps does measuring a take tell of
LATE_SAMPLES = 1234
BY_NATURE = "what is sent comes back as it was"


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    case: Case
    joined: Joined
    seconds: float


def measure_case(case: Case, folder: Path, tell: Tell = lambda _: None) -> Outcome:
    """Capture and measure one deck, and join the figures with its truth.

    Parameters
    ----------
    folder : Path
        An empty folder, for the session.
    tell : callable
        Told how far it is, 0 to 1.

    Raises
    ------
    TapeError
        It cannot be captured or measured.
    """
    started = time.monotonic()
    tracks, pilot = WIRING[case.kind]
    dbx = POSITIONS.get(case.kind, ("off",))
    wish = Wish(tracks=tracks, pilot_track=pilot, quick=case.quick, deck="a deck of the selftest", seed=case.seed, dbx=dbx)
    session = plan_session(folder / "session", wish, identifier=_identifier(case))
    tell(SHARES["planned"])
    true = _through_wire(session, case, tell) if case.kind == LOOP else _through_deck(session, case, tell)
    measured = _measured(session.path, case, tell)
    joined = join(measured, _of_tracks(true(), tracks))
    return Outcome(case, joined, time.monotonic() - started)


def _identifier(case: Case) -> str:
    """Of the session: it makes the code on the tape, and is the same whenever the deck is drawn again."""
    return hashlib.sha256(f"selftest {case.kind} {case.seed}".encode()).hexdigest()[:12]


def _through_deck(session: Session, case: Case, tell: Tell) -> Callable[[], Measurements]:
    made = recordings(POSITIONS.get(case.kind, ("off",)), case.passes)
    deck = VirtualDevice("virtual deck", case.deck(), session.stimulus, made[0].stimulus, case.seed)
    passes = sum(1 + sum(play.passes for play in recording.plays) for recording in made)
    with closing(deck):
        capture_through(session, deck, Plan(made), _reporting(passes, tell))
    return lambda: _truth(Session.open(session.path), deck, [recording.stimulus for recording in made])


def _truth(session: Session, deck: VirtualDevice, stimuli: Sequence[str]) -> Measurements:
    told = [true_values(session, deck, stimulus) for stimulus in stimuli]
    update = {"results": [r for each in told for r in each.results], "curves": [c for each in told for c in each.curves]}
    return told[0].model_copy(update=update)


def _through_wire(session: Session, case: Case, tell: Tell) -> Callable[[], Measurements]:
    sheet, _ = session.stimulus()
    wire = Wire(sheet.sample_rate, len(sheet.channels), LATE_SAMPLES)
    capture(session, wire, wire, Plan.of(loop=True), _reporting(1, tell))
    return lambda: wire_truth(Session.open(session.path))


def _of_tracks(true: Measurements, tracks: tuple[int, ...]) -> Measurements:
    """The truth of the tracks with programme: of a track with the pilot alone nothing is measured."""

    def of_programme(conditions: Conditions) -> bool:
        return conditions.get("track") is None or conditions["track"] in tracks

    return true.model_copy(
        update={
            "results": [r for r in true.results if of_programme(r.conditions)],
            "curves": [c for c in true.curves if of_programme(c.conditions)],
        }
    )


def _reporting(passes: int, tell: Tell) -> Callable[[CaptureProgress], None]:
    done = [0, 0]  # passes over, samples of the last report

    def report(progress: CaptureProgress) -> None:
        if progress.total_samples:
            done[0] += progress.done_samples < done[1]
            done[1] = progress.done_samples
            part = (done[0] + progress.done_samples / progress.total_samples) / passes
            tell(SHARES["planned"] + min(part, 1.0) * (SHARES["captured"] - SHARES["planned"]))

    return report


def _measured(path: Path, case: Case, tell: Tell) -> Measurements:
    """Measure a session as it lies on disk, with nothing else at hand."""
    steps = [0]
    expected = STEPS_A_TAKE * (case.passes * len(WIRING[case.kind][0]) + 1)

    def progress(_: str) -> None:
        steps[0] += 1
        part = min(1.0, steps[0] / expected)
        tell(SHARES["captured"] + part * (SHARES["measured"] - SHARES["captured"]))

    return measuring.measure_session(Session.open(path), progress)


def wire_truth(session: Session) -> Measurements:
    """What a wire does: nothing, later."""
    sheet, _ = session.stimulus()
    results: list[Result] = []
    curves: list[Curve] = []
    for channel in sheet.channels_of("programme"):
        here: dict[str, Condition] = {
            "track": sheet.channels[channel].track,
            "pass": 1,
            "speed_cm_s": session.manifest.speed_cm_s,
            "dbx": "off",
        }
        late_s = LATE_SAMPLES / sheet.sample_rate
        for quantity, value, unit in (
            ("latency", late_s, "s"), ("speed_error", 0.0, "%"), ("speed_drift", 0.0, "%"), ("polarity", 1.0, "1"),
        ):  # fmt: skip
            results.append(Result(quantity=quantity, value=value, unit=unit, conditions=here, method=BY_NATURE))
        for cue in sheet.of_kind("tone", channel=channel):
            if cue.parameters.get("purpose") == "wow_flutter":
                tone = {**here, "frequency_hz": cue.number("frequency_hz"), "level_db": cue.level_db or 0.0}
                for name in ("weighted_2sigma", "weighted_rms", "unweighted_rms"):
                    quantity = f"wow_flutter_{name}"
                    results.append(Result(quantity=quantity, value=0.0, unit="%", conditions=tone, method=BY_NATURE))
        for cue in sheet.of_kind("sweep", channel=channel):
            x, y = Axis.of("frequency", "Hz", RESPONSE_HZ), Axis.of("magnitude", "dB", np.zeros(RESPONSE_HZ.size))
            swept = {**here, "level_db": cue.level_db or 0.0}
            curves.append(Curve(quantity="frequency_response", conditions=swept, method=BY_NATURE, x=x, y=y))
    return Measurements(
        session=session.manifest.id, tool_version=tool_version(), created=now(), results=results, curves=curves
    )
