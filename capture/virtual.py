"""The virtual deck as something to capture through: device and operator at once, with a truth to compare with."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.flow import Progress, capture
from capture.passes import RECORD_TAIL_S
from capture.recordings import Plan
from capture.verification import Verification, automatic
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import TAPE_SPEED_UM_S, TRACKS, DeckParameters, load_parameters
from modeling.deck.truth import truth
from sessions.manifest import Interface, TakeRecord, now, tool_version
from sessions.results import Axis, Condition, Curve, Measurements, Result
from sessions.store import Session
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import DeviceError

KIND = "virtual"
DEFAULT_PRESET = "fresh"
BLOCK_SAMPLES = 1 << 15
LATEST_START_S = 1.5
TRUTH = "truth.json"


class VirtualDevice:
    """A :class:`modeling.deck.deck.VirtualDeck` behind an interface with four inputs, worked by itself.

    The interface starts recording a play pass some time before the tape starts, another time for every pass. A tape that is
    asked for and not there, since an earlier run of the program recorded it, is recorded again: the same seed makes it the
    same.

    Parameters
    ----------
    name : str
        Name as the session keeps it.
    parameters : DeckParameters
        The deck.
    stimulus : AudioReader
        What is recorded.
    tracks : sequence of int
        Track that each channel of the stimulus goes to.
    reference_dbfs : float
        Level of a sine at 0 VU.
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
        stimulus: AudioReader,
        tracks: Sequence[int],
        reference_dbfs: float,
        seed: int,
    ) -> None:
        self.name = name
        self.sample_rate = stimulus.sample_rate
        self.parameters = parameters
        self.seed = seed
        self._stimulus = stimulus
        self._tracks = tuple(tracks)
        self._deck = VirtualDeck(parameters, stimulus.sample_rate, reference_dbfs, seed)
        self._late_samples = 0
        self.facts = StreamFacts(0)

    @property
    def inputs(self) -> dict[int, int]:
        """Track behind each input channel: all four tracks come back."""
        return {channel: channel + 1 for channel in range(TRACKS)}

    @property
    def recordings(self) -> int:
        """Record passes made so far on this tape."""
        return self._deck.recordings

    def start_offset_samples(self, number: int) -> int:
        """By how much the interface starts recording before the tape of play pass `number` starts."""
        draw = np.random.default_rng((self.seed, number, 1)).uniform(0.0, LATEST_START_S)
        return round(draw * self.sample_rate)

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Do nothing: this deck has no dbx, and :func:`capture_virtual` refuses what asks for it."""

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Do nothing: the level is right by construction."""

    def has_tape(self, stimulus: str) -> bool:
        """Say yes: a tape that is not there is recorded again, and is the same."""
        return True

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)

    def arm(self, tracks: Sequence[int]) -> None:
        """Start recording on the given tracks."""
        self._deck.arm(tracks)
        self._late_samples = 0

    def rewind(self) -> None:
        """Go back to before the start of the recording."""
        self._deck.rewind()

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Start play pass `number`; all tracks are heard."""
        if self._deck.recordings == 0:
            self._deck.arm(tracks)
            total = self._stimulus.samples + round(RECORD_TAIL_S * self.sample_rate)
            for start in range(0, total, BLOCK_SAMPLES):
                self._deck.process(self._on_tracks(self._stimulus.read(start, min(start + BLOCK_SAMPLES, total))))
            self._deck.rewind()
        self._deck.play(number)
        self._late_samples = self.start_offset_samples(number)

    def stop(self) -> None:
        """Stop the tape."""
        self._deck.stop()

    def close(self) -> None:
        """Throw the tape away."""
        self._deck.close()

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
            sink(self._deck.process(self._on_tracks(sent.read(done, end))))
            done = end
        return self.facts

    def _on_tracks(self, block: np.ndarray) -> np.ndarray:
        out = np.zeros((block.shape[0], TRACKS))
        out[:, [track - 1 for track in self._tracks]] = block
        return out


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
        seed = int(kept) if kept is not None else _seed_of(session.manifest.id)
    if session.takes(complete=False) and (known.name != name or kept != seed):
        raise DeviceError(
            f"The session was begun with '{known.name}'{_seeded(known.settings.get('seed'))}, not '{name}'{_seeded(seed)};"
            " go on with that one, or plan a new session."
        )
    sheet, audio = session.stimulus(stimulus)
    tracks = [channel.track for channel in sheet.channels]
    if max(tracks) > TRACKS:
        raise DeviceError(f"The stimulus plays to track {max(tracks)}; the virtual deck has {TRACKS}: plan a new session.")
    parameters = parameters.model_copy(update={"speed_cm_s": speed_cm_s})
    opened = VirtualDevice(name, parameters, audio, tracks, sheet.reference_dbfs, seed)
    session.set_interface(Interface(name=name, sample_rate=opened.sample_rate, settings={"seed": seed}))
    return opened


def capture_virtual(
    session: Session,
    device: str,
    plan: Plan,
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    seed: int | None = None,
) -> list[TakeRecord]:
    """Capture a session through the virtual deck, and save the truth of its passes beside it as ``truth.json``.

    Raises
    ------
    TapeError
        As :func:`open_virtual` and :func:`capture.flow.capture`.
    """
    require_no_dbx(device, plan)
    stimulus = plan.recordings[0].stimulus
    with session.alone(), closing(open_virtual(session, device, stimulus=stimulus, seed=seed)) as deck:
        plan = plan if plan.inputs or session.manifest.wiring.inputs else replace(plan, inputs=deck.inputs)
        made = capture(session, deck, deck, plan, report)
        if not plan.loop:
            text = true_values(session, deck, stimulus).model_dump_json(indent=1)
            session.write_json(TRUTH if stimulus == "main" else f"truth-{stimulus}.json", text + "\n")
    return made


def require_no_dbx(device: str, plan: Plan) -> None:
    """Refuse what asks for a dbx switch.

    Raises
    ------
    DeviceError
        A recording or a play pass is to be made with dbx in.
    """
    if any(recording.dbx or play.dbx for recording in plan.recordings for play in recording.plays):
        raise DeviceError(f"'{device}' has no dbx; capture with --dbx off, or through an audio interface.")


def true_values(session: Session, deck: VirtualDevice, stimulus: str = "main") -> Measurements:
    """True values of the play passes of a session, times counted as its recordings count them."""
    sheet, _ = session.stimulus(stimulus)
    passes = sorted(take.number for take in session.takes("play") if take.stimulus == stimulus)
    said = truth(
        deck.parameters,
        sheet,
        deck.seed,
        passes=passes,
        tool_version=tool_version(),
        created=now(),
        recording=max(deck.recordings, 1),
    )
    offset_s = {number: deck.start_offset_samples(number) / deck.sample_rate for number in passes}
    return said.model_copy(
        update={
            "results": [_later(result, offset_s) for result in said.results],
            "curves": [_later_curve(curve, offset_s) for curve in said.curves],
        }
    )


def _later(result: Result, offset_s: dict[int, float]) -> Result:
    """A latency as the interface sees it, which had been recording for a while when the tape started."""
    if result.quantity != "latency" or result.value is None:
        return result
    return result.model_copy(update={"value": result.value + offset_s[int(result.conditions["pass"])]})


def _later_curve(curve: Curve, offset_s: dict[int, float]) -> Curve:
    if curve.quantity != "delay_trajectory":
        return curve
    delay = curve.y.array + offset_s[int(curve.conditions["pass"])]
    return curve.model_copy(update={"y": Axis.of(curve.y.name, curve.y.unit, delay)})


def _seeded(seed: Condition | None) -> str:
    return "" if seed is None else f" (seed {seed})"


def _seed_of(session_id: str) -> int:
    return int.from_bytes(hashlib.sha256(session_id.encode()).digest()[:4], "big")
