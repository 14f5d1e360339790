"""The way through a capture: a state machine that knows neither which device it plays through nor who works the deck.

A deck with one head cannot be heard while it records, so there are two kinds of pass with a rewind between them::

    planned --arm--> armed --record--> recorded --rewind--> rewound --play--> playing --capture--> verified
                                          ^                                                           |
                                          +---------------------- another pass -----------------------+--> done

Whatever a session already holds is not done again: one whose record pass is complete goes on with its next play pass. In
loop mode (electronics, a three-head deck, any other processor) what returns in the first pass is the take.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from capture.device import Device, Operator, StreamFacts
from capture.recognition import recognise
from sessions.manifest import Interface, TakeRecord, TakeRole
from sessions.results import Condition
from sessions.store import Session
from sessions.take import TakeWriter
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import DeviceError

RECORD_TAIL_S = 1.0
PLAY_TAIL_S = 5.0
PLAY_TAIL_SHARE = 0.02
"""A play pass is recorded longer than the stimulus by a start that comes late and a tape that runs slow."""


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
    """Where a capture stands: the step, and the number of the play pass that it belongs to (0 before the first)."""

    step: Step
    number: int = 0


@dataclass(frozen=True)
class Progress:
    """What is happening, for whoever shows it: state, samples done and samples in this pass."""

    state: State
    done_samples: int = 0
    total_samples: int = 0


@dataclass(frozen=True)
class Plan:
    """What to capture.

    Attributes
    ----------
    stimulus : str
        Stimulus of the session.
    passes : int
        Play passes the session shall hold in the end.
    loop : bool
        One pass: what returns while the stimulus is sent is the take.
    conditions : mapping
        What holds for these takes (``dbx``, ...), as results repeat it.
    inputs : mapping of int to int
        Track that each input channel (from 0) comes from; by default the session's wiring, else the order of the stimulus.
    play_tail_s : float, optional
        How much longer than the stimulus a play pass is recorded.
    """

    stimulus: str = "main"
    passes: int = 1
    loop: bool = False
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    inputs: Mapping[int, int] = field(default_factory=dict)
    play_tail_s: float | None = None


@dataclass(frozen=True)
class Silence:
    """Nothing to be played, while the tape is."""

    sample_rate: int
    channels: int
    samples: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Zeros, shape ``(stop - start, channels)``."""
        return np.zeros((stop - start, self.channels))


@dataclass(frozen=True)
class Capture:
    """Everything that a transition works with."""

    session: Session
    device: Device
    operator: Operator
    plan: Plan
    report: Callable[[Progress], None]
    sheet: CueSheet
    audio: AudioReader
    inputs: Mapping[int, int]

    @property
    def tracks(self) -> tuple[int, ...]:
        """Tracks that the stimulus plays to."""
        return tuple(sorted(channel.track for channel in self.sheet.channels))


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
        A session that holds the stimulus.
    device : Device
        What the stimulus is played through.
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
        What came back is not the take; it is kept as an interrupted take.
    SessionError
        The disk is full; the session is as it was before the pass.
    """
    session.recover()
    sheet, audio = session.stimulus(plan.stimulus)
    inputs = plan.inputs or session.manifest.wiring.inputs or {i: c.track for i, c in enumerate(sheet.channels)}
    _require_fit(device, sheet, inputs)
    if session.manifest.interface.name != device.name:
        session.set_interface(Interface(name=device.name, sample_rate=device.sample_rate))
    job = Capture(session, device, operator, plan, report, sheet, audio, inputs)
    transitions = LOOP if plan.loop else TWO_PASSES
    state = _resumed(job)
    while state.step is not Step.DONE:
        report(Progress(state))
        state = transitions[state.step](job, state)
    report(Progress(state))
    return _takes(job, "loop" if plan.loop else "play")


def _resumed(job: Capture) -> State:
    """The state that the takes of the session stand for."""
    role: TakeRole = "loop" if job.plan.loop else "play"
    number = max((take.number for take in _takes(job, role)), default=0)
    if number >= job.plan.passes:
        return State(Step.DONE, number)
    if job.plan.loop or not _takes(job, "record"):
        return State(Step.PLANNED, number)
    return State(Step.RECORDED, number)


def _takes(job: Capture, role: TakeRole) -> list[TakeRecord]:
    return [take for take in job.session.takes(role) if take.stimulus == job.plan.stimulus]


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


# Transitions: what is done in a state, and the state it leads to.


def _arm(job: Capture, state: State) -> State:
    job.operator.arm(job.tracks)
    return replace(state, step=Step.ARMED)


def _record(job: Capture, state: State) -> State:
    _pass(job, "record", 1, job.audio, RECORD_TAIL_S, state)
    return replace(state, step=Step.RECORDED)


def _rewind(job: Capture, state: State) -> State:
    job.operator.rewind()
    return State(Step.REWOUND, state.number + 1)


def _play(job: Capture, state: State) -> State:
    job.operator.play(job.tracks, state.number)
    return replace(state, step=Step.PLAYING)


def _capture_play(job: Capture, state: State) -> State:
    silence = Silence(job.sheet.sample_rate, len(job.sheet.channels), job.sheet.samples)
    tail_s = job.plan.play_tail_s
    if tail_s is None:
        tail_s = PLAY_TAIL_S + PLAY_TAIL_SHARE * job.sheet.samples / job.sheet.sample_rate
    _pass(job, "play", state.number, silence, tail_s, state)
    return replace(state, step=Step.VERIFIED)


def _capture_loop(job: Capture, state: State) -> State:
    state = State(state.step, state.number + 1)
    _pass(job, "loop", state.number, job.audio, RECORD_TAIL_S, state)
    return replace(state, step=Step.VERIFIED)


def _next(again: Step) -> Callable[[Capture, State], State]:
    def decide(job: Capture, state: State) -> State:
        return replace(state, step=again if state.number < job.plan.passes else Step.DONE)

    return decide


TWO_PASSES: dict[Step, Callable[[Capture, State], State]] = {
    Step.PLANNED: _arm,
    Step.ARMED: _record,
    Step.RECORDED: _rewind,
    Step.REWOUND: _play,
    Step.PLAYING: _capture_play,
    Step.VERIFIED: _next(Step.RECORDED),
}

LOOP: dict[Step, Callable[[Capture, State], State]] = {
    Step.PLANNED: _arm,
    Step.ARMED: _capture_loop,
    Step.VERIFIED: _next(Step.PLANNED),
}


def _pass(job: Capture, role: TakeRole, number: int, sent: AudioReader, tail_s: float, state: State) -> TakeRecord:
    """Run the device once into a new take; anything but a record pass is looked at before it counts."""
    rate = job.sheet.sample_rate
    total = sent.samples + round(tail_s * rate)
    stem = role if job.plan.stimulus == "main" else f"{job.plan.stimulus}-{role}"
    take_id = job.session.free_take_id(stem if role == "record" else f"{stem}-{number}")
    writer = job.session.begin_take(
        take_id,
        stimulus=job.plan.stimulus,
        role=role,
        number=number,
        conditions=job.plan.conditions,
        sample_rate=rate,
        channels=job.device.input_channels,
        inputs=job.inputs,
        expected_samples=total,
    )
    with writer:
        facts = _run(job, writer, sent, tail_s, lambda done: job.report(Progress(state, done, total)))
        if role != "record":
            with writer.review() as returned:
                recognise(returned, [job.sheet], job.inputs, f"Take '{take_id}'")
        return writer.finish(flags=facts.flags, clock_hz=facts.clock_hz)


def _run(job: Capture, writer: TakeWriter, sent: AudioReader, tail_s: float, report: Callable[[int], None]) -> StreamFacts:
    def sink(block: np.ndarray) -> None:
        writer.write(block)
        report(writer.samples)

    try:
        return job.device.run(sent, sink, tail_s)
    finally:
        job.operator.stop()  # whatever happened, the tape must not run on
