"""The way through a capture: a state machine that knows neither which device it plays through nor who works the deck.

A deck with one head cannot be heard while it records, so there are two kinds of pass with a rewind between them::

    planned --arm--> armed --record--> recorded --rewind--> rewound --play--> playing --capture--> verified
       ^               |                  ^                                      |                    |
       |<-- repeat ----+                  |<------------- repeat ----------------+                    |
       |<-- tape is not there any more ---+                                      |                    |
       |<------------------------- record again ---------------------------------+                    |
       |                                  +-------------------- another pass -------------------------+
       +----------------------------------------- another recording ----------------------------------+--> done

Every pass is looked at when it is over, and who works the deck says whether it counts, is done again or ends the capture. A pass
that does not count stays, marked as interrupted. Whatever a session already holds is not done again: one whose record pass is
complete goes on with its next play pass. In loop mode (electronics, a three-head deck, any other processor) what returns in the
first pass is the take.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from capture import passes
from capture.device import Device, Operator, Verdict
from capture.passes import Bench, Material
from capture.recordings import Plan, Recording
from sessions import calibration
from sessions.manifest import Interface, TakeRecord, TakeRole
from sessions.store import Session
from signals.cues import CueSheet
from signals.errors import DeviceError, SessionError


class Step(Enum):
    """Where a capture stands."""

    PLANNED = "planned"
    ARMED = "armed"
    RECORDED = "recorded"
    REWOUND = "rewound"
    PLAYING = "playing"
    VERIFIED = "verified"
    DONE = "done"


@dataclass(frozen=True)
class State:
    """Where a capture stands.

    Attributes
    ----------
    step : Step
        What was done last.
    number : int
        Play pass that it belongs to, 0 before the first.
    recording, play : int
        Which recording of the plan, and which of its positions of the dbx switch, from 0.
    """

    step: Step
    number: int = 0
    recording: int = 0
    play: int = 0


@dataclass(frozen=True)
class Progress:
    """What is happening, for whoever shows it: state, samples done and samples in this pass, what is heard meanwhile."""

    state: State
    done_samples: int = 0
    total_samples: int = 0
    heard: str = ""


@dataclass(frozen=True)
class Capture:
    """Everything that a transition works with."""

    bench: Bench
    plan: Plan
    report: Callable[[Progress], None]
    materials: tuple[Material, ...]

    def tell(self, state: State) -> passes.Tell:
        """What reports the samples of a pass."""
        return lambda done, total, heard: self.report(Progress(state, done, total, heard))


def capture(
    session: Session,
    device: Device,
    operator: Operator,
    plan: Plan,
    report: Callable[[Progress], None] = lambda progress: None,
) -> list[TakeRecord]:
    """Lead a session to the state its plan asks for.

    Parameters
    ----------
    session : Session
        A session that holds the stimuli.
    device : Device
        What they are played through.
    operator : Operator
        Who works the deck.
    plan : Plan
        What to capture.
    report : callable
        Is told of every step and of every block.

    Returns
    -------
    list of TakeRecord
        The takes of this plan that the session now holds, those of earlier runs included.

    Raises
    ------
    DeviceError
        The device does not fit the stimulus, or was lost; what had arrived is kept as an interrupted take.
    SignalError
        What came back is not the take, or was not accepted; it is kept as an interrupted take.
    SessionError
        The disk is full; what had arrived is kept as an interrupted take. Or a recording was made over one that is to be played.
    """
    session.recover()
    _require_on_tape(session, plan)
    materials = tuple(_material(session, device, plan, recording) for recording in plan.recordings)
    if calibration.known_as(session.manifest.interface.name) != calibration.known_as(device.name):
        session.set_interface(Interface(name=device.name, sample_rate=device.sample_rate))
    calibration.adopt(session)
    job = Capture(Bench(session, device, operator, plan.play_tail_s, plan.until_heard, plan.ports), plan, report, materials)
    transitions = LOOP if plan.loop else TWO_PASSES
    state = _resumed(job, 0)
    while state.step is not Step.DONE:
        report(Progress(state))
        state = transitions[state.step](job, state)
    report(Progress(state))
    role = _role(plan)
    return [take for r in plan.recordings for position in r.plays for take in passes.kept(session, role, r, position)]


def remaining(session: Session, plan: Plan) -> tuple[int, int]:
    """How many record passes and how many play or loop passes a plan still asks for."""
    records = missing = 0
    for recording in plan.recordings:
        to_play = _to_play(session, plan, recording)
        missing += to_play
        records += bool(to_play) and not plan.loop and not passes.kept(session, "record", recording)
    return records, missing


def _to_play(session: Session, plan: Plan, recording: Recording) -> int:
    """How many play or loop passes of a recording a plan still asks for."""
    role = _role(plan)
    return sum(max(0, p.passes - _highest(passes.kept(session, role, recording, p))) for p in recording.plays)


def _require_on_tape(session: Session, plan: Plan) -> None:
    """Refuse to play what was recorded over; a recording that was begun and not ended has erased as well."""
    begun = [take.stimulus for take in session.takes("record", complete=False)] if plan.over else []
    for recording in plan.recordings if begun else ():
        if begun[-1] == recording.stimulus or not passes.kept(session, "record", recording):
            continue
        if missing := _to_play(session, plan, recording):
            raise SessionError(
                f"'{begun[-1]}' was recorded over '{recording.stimulus}' in {session.path}: {missing} more play pass(es) of that"
                " cannot be made; ask for no more passes than are there, or name a new session."
            )


def _role(plan: Plan) -> TakeRole:
    return "loop" if plan.loop else "play"


def _material(session: Session, device: Device, plan: Plan, recording: Recording) -> Material:
    sheet, audio = session.stimulus(recording.stimulus)
    inputs = plan.inputs or session.manifest.wiring.inputs or {i: c.track for i, c in enumerate(sheet.channels)}
    _require_fit(device, sheet, inputs)
    return Material(recording, sheet, audio, inputs)


def _require_fit(device: Device, sheet: CueSheet, inputs: Mapping[int, int]) -> None:
    if device.sample_rate != sheet.sample_rate:
        raise DeviceError(
            f"'{device.name}' runs at {device.sample_rate} Hz and the stimulus was made for {sheet.sample_rate} Hz;"
            " set the device to that rate or plan a new session."
        )
    if max(inputs) >= device.input_channels:
        raise DeviceError(
            f"'{device.name}' returns {device.input_channels} channel(s) and the wiring names channel {max(inputs) + 1};"
            " choose another device or wiring."
        )
    missing = {channel.track for channel in sheet.channels} - set(inputs.values())
    if missing:
        raise DeviceError(f"No input is wired to track {min(missing)}, which the stimulus plays to; name one in the wiring.")


def _resumed(job: Capture, first: int) -> State:
    """Where to go on, from the recording `first` on: what the takes of the session stand for."""
    session, role = job.bench.session, _role(job.plan)
    for index in range(first, len(job.materials)):
        recording = job.materials[index].recording
        for at, position in enumerate(recording.plays):
            number = _highest(passes.kept(session, role, recording, position))
            if number < position.passes:
                on_tape = not job.plan.loop and passes.kept(session, "record", recording)
                return State(Step.RECORDED if on_tape else Step.PLANNED, number, index, at)
    last = job.plan.recordings[-1]
    number = _highest(passes.kept(session, role, last, last.plays[-1]))
    return State(Step.DONE, number, len(job.materials) - 1, len(last.plays) - 1)


def _highest(takes: list[TakeRecord]) -> int:
    return max((take.number for take in takes), default=0)


# Transitions: what is done in a state, and the state it leads to.


def _arm(job: Capture, state: State) -> State:
    material, operator, device = job.materials[state.recording], job.bench.operator, job.bench.device
    operator.set_dbx(recording=True, on=material.recording.dbx)
    operator.set_level(material.sheet, lambda sent, sink, stop: device.run(sent, sink, 0.0, stop))
    operator.arm(material.tracks)
    return replace(state, step=Step.ARMED)


def _record(job: Capture, state: State) -> State:
    verdict = passes.record(job.bench, job.materials[state.recording], job.tell(state))
    return replace(state, step=Step.RECORDED if verdict is Verdict.ACCEPT else Step.PLANNED)


def _rewind(job: Capture, state: State) -> State:
    if not job.bench.operator.has_tape(job.materials[state.recording].sheet.stimulus):
        return replace(state, step=Step.PLANNED)
    job.bench.operator.rewind()
    return replace(state, step=Step.REWOUND, number=state.number + 1)


def _play(job: Capture, state: State) -> State:
    material = job.materials[state.recording]
    job.bench.operator.set_dbx(recording=False, on=material.recording.plays[state.play].dbx)
    job.bench.operator.play(material.tracks, state.number)
    return replace(state, step=Step.PLAYING)


def _capture_play(job: Capture, state: State) -> State:
    material = job.materials[state.recording]
    position = material.recording.plays[state.play]
    match passes.play(job.bench, material, position, state.number, job.tell(state)):
        case Verdict.ACCEPT:
            return replace(state, step=Step.VERIFIED)
        case Verdict.RECORD_AGAIN:
            return replace(state, step=Step.PLANNED, number=state.number - 1)
        case _:
            return replace(state, step=Step.RECORDED, number=state.number - 1)


def _capture_loop(job: Capture, state: State) -> State:
    material = job.materials[state.recording]
    position = material.recording.plays[state.play]
    job.bench.operator.set_dbx(recording=False, on=position.dbx)
    following = replace(state, number=state.number + 1)
    verdict = passes.loop(job.bench, material, position, following.number, job.tell(following))
    return replace(following, step=Step.VERIFIED) if verdict is Verdict.ACCEPT else replace(state, step=Step.PLANNED)


def _next(job: Capture, state: State) -> State:
    """Another pass of this recording, the next recording, or the end."""
    return _resumed(job, state.recording)


TWO_PASSES: dict[Step, Callable[[Capture, State], State]] = {
    Step.PLANNED: _arm,
    Step.ARMED: _record,
    Step.RECORDED: _rewind,
    Step.REWOUND: _play,
    Step.PLAYING: _capture_play,
    Step.VERIFIED: _next,
}

LOOP: dict[Step, Callable[[Capture, State], State]] = {
    Step.PLANNED: _arm,
    Step.ARMED: _capture_loop,
    Step.VERIFIED: _next,
}
