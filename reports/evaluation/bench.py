"""The model on the bench: a session of its own, captured through it with the stimulus of the deck's."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from capture.flow import Progress
from capture.planning import recordings
from capture.recordings import Plan
from capture.trained import KIND, capture_trained
from modeling.model import load
from modeling.settings import Setting
from reports.evaluation.silence import with_long_silence
from reports.measuring import measure_session
from sessions import calibration as calibrations
from sessions.manifest import TakeRecord
from sessions.results import Measurements
from sessions.store import Session

MOST_PASSES = 3


def passes_of(session: Session, take: TakeRecord) -> int:
    """How many passes of the model stand beside those of the deck: as many as there are like the one it is held against."""
    alike = [t for t in session.takes(take.role) if t.stimulus == take.stimulus and _dbx(t) == _dbx(take)]
    return min(MOST_PASSES, len(alike))


def on_bench(
    model: Path,
    session: Session,
    take: TakeRecord,
    seed: int,
    progress: Callable[[str], None] = lambda _: None,
    setting: Setting | None = None,
) -> Measurements:
    """Play a take's stimulus through a model and measure what comes back.

    Parameters
    ----------
    model : Path
        Folder of the model.
    session : Session
        Holds the stimulus. What the interface did to the deck's takes is in the model too, and is taken off its figures as well.
    take : TakeRecord
        One made without a stimulus is a pair, and cannot be asked for.

    setting : mapping, optional
        The one that fits the session, by default the model's first.

    Raises
    ------
    TapeError
        The model does not fit the session, or the disk is full.
    """
    stimulus = take.stimulus or "main"
    told: list[str] = []

    def tell(step: Progress) -> None:
        what = f"playing the stimulus through the model, pass {step.state.number or 1}"
        if told[-1:] != [what]:
            told.append(what)
            progress(what)

    with tempfile.TemporaryDirectory(prefix="tape-bench-") as folder:
        bench = Session.create(
            Path(folder) / "session",
            deck=f"Model {model.name}",
            speed_cm_s=session.manifest.speed_cm_s,
            reference_dbfs=session.manifest.reference_dbfs,
            wiring=session.manifest.wiring.model_copy(update={"inputs": {}}),
            tape=session.manifest.tape,
            session_id=session.manifest.id,
        )
        bench.add_stimulus(*session.stimulus(stimulus))
        plan = Plan(recordings((_dbx(take),), passes_of(session, take)), take.role == "loop")
        capture_trained(bench, f"{KIND}:{model}", plan, tell, seed=seed)
        if calibrations.of_session(session) is not None and not take.sources:
            kept = session.manifest.interface.calibration or calibrations.IN_SESSION
            bench.write_file(kept, (session.path / kept).read_bytes())
            bench.set_interface(session.manifest.interface)
        measured = measure_session(bench, lambda what: progress(f"model: {what}"))
    progress("model: a long silence")
    return with_long_silence(measured, load(model, setting), seed)


def _dbx(take: TakeRecord) -> str:
    return str(take.conditions.get("dbx", "off"))
