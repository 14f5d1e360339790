"""The virtual deck as something to capture through: device and operator at once, with a truth to compare with."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.flow import Progress, capture
from capture.passes import RECORD_TAIL_S
from capture.recordings import Plan
from capture.seeds import seed_from
from capture.verification import Verification, automatic
from modeling.deck.compander import Positions
from modeling.deck.compander_truth import companded, compander_figures
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import TAPE_SPEED_UM_S, TRACKS, DeckParameters, load_parameters
from modeling.deck.truth import truth
from sessions.manifest import Interface, TakeRecord, now, tool_version
from sessions.results import Axis, Condition, Conditions, Curve, Measurements, Result
from sessions.store import Session
from signals.audio import AudioReader
from signals.companded import ENCODED
from signals.cues import CueSheet
from signals.errors import DeviceError
from signals.stimulus import MAIN

KIND = "virtual"
DEFAULT_PRESET = "fresh"
BLOCK_SAMPLES = 1 << 15
LATEST_START_S = 1.5
TRUTH = "truth.json"
PASSES_WITHOUT_DBX = 1000  # more than anybody makes
Told = Callable[[float], None]


@dataclass(frozen=True)
class Tape:
    """A cassette in a deck of its own, and what is recorded on it."""

    sheet: CueSheet
    audio: AudioReader
    deck: VirtualDeck

    @property
    def tracks(self) -> tuple[int, ...]:
        """Track that each channel of the stimulus goes to."""
        return tuple(channel.track for channel in self.sheet.channels)


class VirtualDevice:
    """A :class:`modeling.deck.deck.VirtualDeck` behind an interface with four inputs, worked by itself.

    The interface starts recording a play pass some time before the tape starts, another time for every pass. Every stimulus has
    its own cassette. One that is asked for and not there, since an earlier run of the program recorded it, is recorded again:
    the same seed makes it the same.

    Parameters
    ----------
    name : str
        Name as the session keeps it.
    parameters : DeckParameters
        The deck.
    stimulus_of : callable
        Cue sheet and sound of a stimulus by its name.
    first : str
        The stimulus that is recorded first.
    seed : int
        Everything random follows from it.

    Raises
    ------
    ModelError
        The deck does not run at the rate or level of the stimulus.
    """

    input_channels = TRACKS

    def __init__(
        self,
        name: str,
        parameters: DeckParameters,
        stimulus_of: Callable[[str], tuple[CueSheet, AudioReader]],
        first: str,
        seed: int,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.seed = seed
        self._stimulus_of = stimulus_of
        self._tapes: dict[str, Tape] = {}
        self._tape = self.tape(first)
        self.sample_rate = self._tape.audio.sample_rate
        self._recorded_with_dbx = self._played_with_dbx = False
        self._late_samples = 0
        self.facts = StreamFacts(0)

    @property
    def inputs(self) -> dict[int, int]:
        """Track behind each input channel: all four tracks come back."""
        return {channel: channel + 1 for channel in range(TRACKS)}

    def seed_of(self, stimulus: str) -> int:
        """Seed of the cassette of a stimulus, and of the passes over it."""
        return self.seed if stimulus == MAIN else seed_from(f"{self.seed} {stimulus}")

    def tape(self, stimulus: str) -> Tape:
        """The cassette of a stimulus, blank at first."""
        if stimulus not in self._tapes:
            sheet, audio = self._stimulus_of(stimulus)
            seed = self.seed_of(stimulus)
            # In the position SYNC a pilot on track 4 stays out of the dbx.
            sync = [c.role for c in sheet.channels if c.track == TRACKS] == ["pilot"]
            deck = VirtualDeck(
                self.parameters, audio.sample_rate, sheet.reference_dbfs, seed, Positions(stimulus == ENCODED, sync=sync)
            )
            self._tapes[stimulus] = Tape(sheet, audio, deck)
        return self._tapes[stimulus]

    def start_offset_samples(self, stimulus: str, number: int) -> int:
        """By how much the interface starts recording before the tape starts in a pass as the deck counts it."""
        draw = np.random.default_rng((self.seed_of(stimulus), number, 1)).uniform(0.0, LATEST_START_S)
        return round(draw * self.sample_rate)

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Set the dbx switch for the recording, or for the play passes, that come next."""
        if recording:
            self._recorded_with_dbx = on
        else:
            self._played_with_dbx = on

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Put the cassette in; the level is right by construction."""
        self._tape = self.tape(sheet.stimulus)

    def has_tape(self, stimulus: str) -> bool:
        """Put the cassette in and say yes: a recording that is not there is made again, and is the same."""
        self._tape = self.tape(stimulus)
        return True

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)

    def arm(self, tracks: Sequence[int]) -> None:
        """Start recording on the given tracks."""
        self._tape.deck.set_dbx(record=self._recorded_with_dbx)
        self._tape.deck.arm(tracks)
        self._late_samples = 0

    def rewind(self) -> None:
        """Go back to before the start of the recording."""
        self._tape.deck.rewind()

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Start play pass `number`; all tracks are heard."""
        tape = self._tape
        if tape.deck.recordings == 0:
            tape.deck.arm(tracks)
            total = tape.audio.samples + round(RECORD_TAIL_S * self.sample_rate)
            for start in range(0, total, BLOCK_SAMPLES):
                tape.deck.process(self._on_tracks(tape.audio.read(start, min(start + BLOCK_SAMPLES, total))))
            tape.deck.rewind()
        tape.deck.set_dbx(play=self._played_with_dbx)
        passed = pass_of_deck(number, self._played_with_dbx)
        tape.deck.play(passed)
        self._late_samples = self.start_offset_samples(tape.sheet.stimulus, passed)

    def stop(self) -> None:
        """Stop the tape."""
        self._tape.deck.stop()

    def close(self) -> None:
        """Throw the tapes away."""
        for tape in self._tapes.values():
            tape.deck.close()

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Play `sent` and hand over what the four tracks return, for `tail_s` longer or until `stop` says yes."""
        total = sent.samples + round(tail_s * self.sample_rate)
        late = min(self._late_samples, total)
        self.facts = StreamFacts(late)
        if late:
            sink(np.zeros((late, TRACKS)))
        done = 0
        while done < total - late and not stop():
            end = min(done + BLOCK_SAMPLES, total - late)
            self.facts = StreamFacts(late + end)
            sink(self._tape.deck.process(self._on_tracks(sent.read(done, end))))
            done = end
        return self.facts

    def _on_tracks(self, block: np.ndarray) -> np.ndarray:
        out = np.zeros((block.shape[0], TRACKS))
        out[:, [track - 1 for track in self._tape.tracks]] = block
        return out


def pass_of_deck(number: int, dbx: bool) -> int:
    """Number by which the deck counts a play pass: with dbx in, the same tape moves otherwise than without."""
    return number + (PASSES_WITHOUT_DBX if dbx else 0)


def deck_name(device: str) -> str:
    """What to call the deck that a device stands for, once it is known that there is such a deck.

    Raises
    ------
    DeviceError
        The device is no virtual deck.
    ModelError
        No such preset or file, or a value out of its limits.
    """
    preset = _preset(device)
    load_parameters(preset)
    return f"Virtual 424 MkII ({preset})"


def _preset(device: str) -> str:
    kind, _, preset = device.partition(":")
    if kind != KIND:
        raise DeviceError(
            f"'{device}' is no virtual deck; use virtual, virtual:PRESET or virtual:FILE.toml, or record the file of"
            " 'tape stimulus' with another program and attach it with 'tape import'."
        )
    return preset or DEFAULT_PRESET


def open_virtual(session: Session, device: str, *, stimulus: str = "main", seed: int | None = None) -> VirtualDevice:
    """The virtual deck for a session, at the session's tape speed.

    Parameters
    ----------
    session : Session
        A session that holds the stimulus; it keeps the device's name and seed.
    device : str
        ``virtual``, ``virtual:PRESET`` or ``virtual:FILE.toml``.
    stimulus : str
        The stimulus to be played.
    seed : int, optional
        By default the one the session keeps, else one made from the session's id.

    Raises
    ------
    DeviceError
        Another deck has made takes of this session, or the deck lacks its speed or tracks.
    ModelError
        No such preset or file, or a value out of its limits.
    """
    preset = _preset(device)
    name = f"{KIND}:{preset}"
    parameters = load_parameters(preset)
    speed_cm_s = session.manifest.speed_cm_s
    if speed_cm_s not in TAPE_SPEED_UM_S:
        speeds = " and ".join(f"{speed:g}" for speed in TAPE_SPEED_UM_S)
        raise DeviceError(f"The session is for {speed_cm_s:g} cm/s; the virtual deck runs at {speeds}: plan a new session.")
    known = session.manifest.interface
    kept = known.settings.get("seed") if known.name == name else None
    if seed is None:
        seed = int(kept) if kept is not None else seed_from(session.manifest.id)
    if session.takes(complete=False) and (known.name != name or kept != seed):
        raise DeviceError(
            f"The session was begun with '{known.name}'{_seeded(known.settings.get('seed'))}, not '{name}'{_seeded(seed)};"
            " go on with that one, or plan a new session."
        )
    sheet, _ = session.stimulus(stimulus)
    tracks = [channel.track for channel in sheet.channels]
    if max(tracks) > TRACKS:
        raise DeviceError(f"The stimulus plays to track {max(tracks)}; the virtual deck has {TRACKS}: plan a new session.")
    parameters = parameters.model_copy(update={"speed_cm_s": speed_cm_s})
    opened = VirtualDevice(name, parameters, session.stimulus, stimulus, seed)
    settings = {"seed": seed, **{key: known.settings[key] for key in ("dbx",) if key in known.settings}}
    session.set_interface(Interface(name=name, sample_rate=opened.sample_rate, settings=settings))
    return opened


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
    with session.alone(), closing(open_virtual(session, device, stimulus=plan.recordings[0].stimulus, seed=seed)) as deck:
        made = capture_through(session, deck, plan, report)
        if not plan.loop:
            stimuli = list(dict.fromkeys(recording.stimulus for recording in plan.recordings))
            for i, stimulus in enumerate(stimuli):
                text = true_values(session, deck, stimulus, _share(of_truth, i, len(stimuli))).model_dump_json(indent=1)
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


def _share(told: Told, i: int, count: int) -> Told:
    """What is told of the whole while the `i`-th of `count` equal parts is done."""
    return lambda part: told((i + part) / count)


def true_values(session: Session, deck: VirtualDevice, stimulus: str = MAIN, told: Told = lambda part: None) -> Measurements:
    """True values of the play passes of a session, times counted as its recordings count them."""
    takes = [take for take in session.takes("play") if take.stimulus == stimulus]
    said: list[Measurements] = []
    figures: tuple[list[Result], list[Curve]] = ([], [])
    for dbx in dict.fromkeys(str(take.conditions.get("dbx", "off")) for take in takes):
        numbers = sorted(take.number for take in takes if take.conditions.get("dbx", "off") == dbx)
        for number in numbers:
            said.append(_true_pass(deck, stimulus, dbx, number, _share(told, len(said), len(takes))))
        results, curves = compander_figures(deck.parameters, deck.tape(stimulus).sheet, dbx)
        figures = (figures[0] + results, figures[1] + curves)
    first = said[0] if said else _true_pass(deck, stimulus, "off", None, told)
    return first.model_copy(
        update={
            "results": [*(r for each in said for r in each.results), *figures[0]],
            "curves": [*(c for each in said for c in each.curves), *figures[1]],
        }
    )


def _true_pass(deck: VirtualDevice, stimulus: str, dbx: str, number: int | None, told: Told) -> Measurements:
    """True values of one play pass; of none, where the session holds none."""
    tape = deck.tape(stimulus)
    passed = None if number is None else pass_of_deck(number, dbx in ("on", "decode"))
    said = truth(
        deck.parameters,
        tape.sheet,
        deck.seed_of(stimulus),
        passes=[] if passed is None else [passed],
        tool_version=tool_version(),
        created=now(),
        recording=max(tape.deck.recordings, 1),
        told=told,
    )
    said = companded(said, deck.parameters, tape.sheet, dbx)
    if number is None or passed is None:
        return said
    late_s = deck.start_offset_samples(stimulus, passed) / deck.sample_rate
    return said.model_copy(
        update={
            "results": [_later(r, number, late_s) for r in said.results],
            "curves": [_later_curve(c, number, late_s) for c in said.curves],
        }
    )


def _later(result: Result, number: int, late_s: float) -> Result:
    """A figure under the session's number of its pass; a latency as the interface sees it, which was recording before."""
    value = result.value
    if result.quantity == "latency" and value is not None:
        value += late_s
    return result.model_copy(update={"value": value, "conditions": _of_pass(result.conditions, number)})


def _later_curve(curve: Curve, number: int, late_s: float) -> Curve:
    update: dict[str, object] = {"conditions": _of_pass(curve.conditions, number)}
    if curve.quantity == "delay_trajectory":
        update["y"] = Axis.of(curve.y.name, curve.y.unit, curve.y.array + late_s)
    return curve.model_copy(update=update)


def _of_pass(conditions: Conditions, number: int) -> dict[str, Condition]:
    return {key: number if key == "pass" else value for key, value in conditions.items()}


def _seeded(seed: Condition | None) -> str:
    return "" if seed is None else f" (seed {seed})"
