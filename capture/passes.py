"""One pass: run the device into a new take, look at what came back, and keep it as it was judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from analysis.locate import SPEED_RANGE
from capture.device import Device, Operator, Sink, Stop, StreamFacts, Verdict, never
from capture.findings import Pass
from capture.listening import WAIT_S, Listener
from capture.recordings import Play, Recording
from capture.verification import level_db, verify
from sessions.manifest import TakeRecord, TakeRole
from sessions.store import Session
from sessions.take import TakeWriter
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SignalError

RECORD_TAIL_S = 1.0
PLAY_TAIL_S = 5.0
PLAY_TAIL_SHARE = 0.02
"""A play pass is recorded longer than the stimulus by a start that comes late and a tape that runs slow, and longer still until
its end marker is heard."""

LONGEST_TAIL_SHARE = 1.0 / SPEED_RANGE[0] - 1.0
"""By how much a tape can run too slow and still be measured."""

LISTED_GAPS = 100

Tell = Callable[[int, int, str], None]
"""Is told samples done, samples of the pass (0 where nobody knows yet), and what is heard meanwhile."""


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
class Material:
    """One recording of a plan, with its stimulus and the track of each input channel."""

    recording: Recording
    sheet: CueSheet
    audio: AudioReader
    inputs: Mapping[int, int]

    @property
    def tracks(self) -> tuple[int, ...]:
        """Tracks that the stimulus plays to."""
        return tuple(sorted(channel.track for channel in self.sheet.channels))

    @property
    def duration_s(self) -> float:
        """Length of the stimulus."""
        return self.sheet.samples / self.sheet.sample_rate


@dataclass(frozen=True)
class Bench:
    """What passes are run with.

    Attributes
    ----------
    session : Session
        Where they are kept.
    device : Device
        What they run through.
    operator : Operator
        Who works the deck and judges them.
    play_tail_s, until_heard
        As in :class:`capture.recordings.Plan`.
    ports : mapping of int to int
        Number, as on the box, of the input behind each channel; by default they are counted from 1.
    """

    session: Session
    device: Device
    operator: Operator
    play_tail_s: float | None = None
    until_heard: bool = False
    ports: Mapping[int, int] = field(default_factory=dict)


def kept(session: Session, role: TakeRole, recording: Recording, play: Play | None = None) -> list[TakeRecord]:
    """Takes of a recording that count: of one of its positions of the dbx switch, or (`play` None) of its record pass."""
    dbx = _condition(recording, play)
    takes = [take for take in session.takes(role) if take.stimulus == recording.stimulus]
    return [take for take in takes if take.conditions.get("dbx", "off") == dbx]


def record(bench: Bench, material: Material, tell: Tell) -> Verdict:
    """Put the stimulus on tape; whether the pass counts, or what comes next."""
    return _run(bench, material, None, "record", 1, material.audio, RECORD_TAIL_S, tell)


def play(bench: Bench, material: Material, position: Play, number: int, tell: Tell) -> Verdict:
    """Record what the tape plays; whether the pass counts, or what comes next."""
    sheet = material.sheet
    silence = Silence(sheet.sample_rate, len(sheet.channels), sheet.samples)
    if bench.play_tail_s is not None:
        return _run(bench, material, position, "play", number, silence, bench.play_tail_s, tell)
    usual_s = PLAY_TAIL_S + PLAY_TAIL_SHARE * material.duration_s
    least_samples = 0 if bench.until_heard else sheet.samples + round(usual_s * sheet.sample_rate)
    listener = Listener(sheet, material.inputs, least_samples)
    tail_s = WAIT_S + LONGEST_TAIL_SHARE * material.duration_s
    return _run(bench, material, position, "play", number, silence, tail_s, tell, listener)


def loop(bench: Bench, material: Material, position: Play, number: int, tell: Tell) -> Verdict:
    """Record what comes back while the stimulus is played; whether the pass counts, or what comes next."""
    return _run(bench, material, position, "loop", number, material.audio, RECORD_TAIL_S, tell)


def _condition(recording: Recording, position: Play | None) -> str:
    if position is None:
        return "on" if recording.dbx else "off"
    return recording.condition(position)


def _run(
    bench: Bench,
    material: Material,
    position: Play | None,
    role: TakeRole,
    number: int,
    sent: AudioReader,
    tail_s: float,
    tell: Tell,
    listener: Listener | None = None,
) -> Verdict:
    """Run a pass of `sent` and `tail_s`, or until a listener has heard enough."""
    recording, sheet, rate = material.recording, material.sheet, material.sheet.sample_rate
    total = sent.samples + round(tail_s * rate)
    take_id = bench.session.free_take_id(_stem(recording, position, role, number))
    writer = bench.session.begin_take(
        take_id,
        stimulus=recording.stimulus,
        role=role,
        number=number,
        conditions={"dbx": _condition(recording, position)},
        sample_rate=rate,
        channels=bench.device.input_channels,
        inputs=material.inputs,
        expected_samples=total,
    )

    def sink(block: np.ndarray) -> None:
        _note(writer, bench.device.facts)
        if not listener:
            writer.write(block)
            return tell(writer.samples, total, "")
        listener.hear(block)
        if writer.samples < listener.least_samples and listener.over():
            block = block[: listener.least_samples - writer.samples]  # no more than this was wanted
        writer.write(block)
        tell(writer.samples, max(listener.likely_samples, listener.least_samples), listener.heard)

    with writer:
        facts = _through(bench, writer, sent, sink, tail_s, listener.over if listener else never)
        others = [bench.session.sheet(s.id) for s in bench.session.manifest.stimuli if s.id != sheet.stimulus]
        tell(writer.samples, 0, "looking at what came back")
        expected_db = _expected_db(bench.session, material)
        seen = Pass(take_id, role, sheet, material.inputs, facts, others, expected_db, bench.ports)
        with writer.review() as returned:
            seen_in = verify(material.audio, returned, seen)
        verdict = bench.operator.judge(take_id, seen_in)
        accepted = verdict is Verdict.ACCEPT and seen_in.fit
        if verdict is Verdict.ACCEPT and not accepted:
            verdict = Verdict.ABORT
        why = seen_in.refusal or f"not accepted by the user ({verdict.value})"
        writer.finish(
            accepted=accepted,
            faults=[*([] if accepted else [why]), *seen_in.faults],
        )
    if verdict is Verdict.ABORT:
        told = f"the capture was ended at take '{take_id}', which is kept but does not count; run it again to go on"
        raise SignalError(seen_in.refusal or told)
    return verdict


def _stem(recording: Recording, position: Play | None, role: TakeRole, number: int) -> str:
    """Name of a take, such as ``play-1``, ``encode-play-2`` or ``encoded-record``."""
    dbx = "off" if position is None else recording.condition(position)
    special = dbx if dbx != "off" else recording.stimulus
    return "-".join([*([] if special == "main" else [special]), role, *([] if role == "record" else [str(number)])])


def _expected_db(session: Session, material: Material) -> dict[int, float]:
    """Level at which each track came back while it was recorded, where it did."""
    takes = kept(session, "record", material.recording)
    if not takes:
        return {}
    _, returned = session.take(takes[-1].id)
    with returned:
        return level_db(returned, material.sheet, takes[-1].inputs)


def _note(writer: TakeWriter, facts: StreamFacts) -> None:
    """Have the take keep what the device says, however the pass ends."""
    lost = (f"{gap.length_samples} samples lost at {gap.start_samples}" for gap in facts.lost[:LISTED_GAPS])
    writer.note((*facts.flags, *lost), facts.clock_hz)


def _through(bench: Bench, writer: TakeWriter, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop) -> StreamFacts:
    try:
        return bench.device.run(sent, sink, tail_s, stop)
    finally:
        _note(writer, bench.device.facts)
        bench.operator.stop()  # whatever happened, the tape must not run on
