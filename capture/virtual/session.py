"""Capturing a session through the virtual deck."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

from capture.flow import Progress, capture
from capture.recordings import Plan
from capture.virtual.device import VirtualDevice
from capture.virtual.opening import open_virtual
from capture.virtual.truth import Told, share, true_values
from sessions.manifest import TakeRecord
from sessions.store import Session
from signals.stimulus import MAIN

TRUTH = "truth.json"


def capture_virtual(
    session: Session,
    device: str,
    plan: Plan,
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    seed: int | None = None,
    of_truth: Told = lambda part: None,
) -> list[TakeRecord]:
    """Capture a session through the virtual deck, and save the truth of its passes beside it as ``truth.json``, one per stimulus.

    Parameters
    ----------
    of_truth : callable
        Is told which part of the truth, 0 to 1, has been worked out: that takes some seconds a pass.

    Raises
    ------
    TapeError
        As :func:`open_virtual` and :func:`capture.flow.capture`.
    """
    first = plan.recordings[0].stimulus
    with session.alone(), closing(open_virtual(session, device, stimulus=first, seed=seed, over=plan.over)) as deck:
        made = capture_through(session, deck, plan, report)
        if not plan.loop:
            stimuli = list(dict.fromkeys(recording.stimulus for recording in plan.recordings))
            for i, stimulus in enumerate(stimuli):
                text = true_values(session, deck, stimulus, share(of_truth, i, len(stimuli))).model_dump_json(indent=1)
                session.write_json(TRUTH if stimulus == MAIN else f"truth-{stimulus}.json", text + "\n")
    return made


def capture_through(
    session: Session, deck: VirtualDevice, plan: Plan, report: Callable[[Progress], None] = lambda progress: None
) -> list[TakeRecord]:
    """Capture a session through a virtual deck that is open; the session learns nothing of its seed, parameters or truth.

    Raises
    ------
    TapeError
        As :func:`capture.flow.capture`.
    """
    plan = plan if plan.inputs or session.manifest.wiring.inputs else replace(plan, inputs=deck.inputs)
    return capture(session, deck, deck, plan, report)
