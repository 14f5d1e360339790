"""A trained model as something to capture through, so that the bench which measured a deck measures the model of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.flow import Progress, capture
from capture.recordings import Plan, dbx_condition
from capture.seeds import seed_from
from capture.verification import Verification, automatic
from modeling.model import Family, Model, load_family
from modeling.render import BLOCK, Settings, render_blocks
from modeling.settings import place
from sessions.manifest import Interface, TakeRecord
from sessions.results import Condition
from sessions.store import Session
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import DeviceError, ModelError

KIND = "model"


@dataclass(frozen=True)
class Lasting:
    """Sound with silence behind it, up to a length in samples."""

    audio: AudioReader
    samples: int

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.audio.sample_rate

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.audio.channels

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``."""
        return self.audio.read(start, stop)


class TrainedDevice:
    """A :class:`modeling.model.Model` in the place of a deck, worked by itself.

    Every channel of the stimulus, the pilot too, goes through the same core; all share one motion, and each has hiss of its own.
    Nothing comes back while it records, unless in a loop: a model knows the deck from its input to what is played, and not the
    tape between. Motion and hiss of a pass are drawn from the seed and the pass's number, so that one made again is the same.

    Parameters
    ----------
    name : str
        Name as the session keeps it.
    models : mapping
        The model in each position of the dbx switch that it learnt and that fits the session.
    stimulus_of : callable
        Cue sheet and sound of a stimulus by its name.
    first : str
        The stimulus that is recorded first.
    seed : int
        Motion and hiss follow from it.
    recorded_with : mapping
        Whether a stimulus is recorded with dbx, by its name.
    loop : bool
        What is sent comes straight back through the model.
    """

    def __init__(
        self,
        name: str,
        models: Mapping[str, Model],
        stimulus_of: Callable[[str], tuple[CueSheet, AudioReader]],
        first: str,
        seed: int,
        *,
        recorded_with: Mapping[str, bool] | None = None,
        loop: bool = False,
    ) -> None:
        self.name = name
        self.models = models
        self.model = next(iter(models.values()))
        self.seed = seed
        self.sample_rate = self.model.core.sample_rate
        self._recorded_with = recorded_with or {}
        self.facts = StreamFacts(0)
        self._stimulus_of = stimulus_of
        self._stimulus = first
        self._sheet, self._tape = stimulus_of(first)
        self._loop = loop
        self._recording = False
        self._pass = 0

    @property
    def input_channels(self) -> int:
        """As many channels come back as the stimulus has."""
        return len(self._sheet.channels)

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Take the model that learnt the switch so.

        Raises
        ------
        DeviceError
            It was trained on takes with the switch otherwise.
        """
        if recording:
            fitting = [dbx for dbx in self.models if on == (dbx in ("on", "encode"))]
        else:
            position = dbx_condition(self._recorded_with.get(self._stimulus, False), on)
            fitting = [position] if position in self.models else []
        if not fitting:
            learnt = ",".join(self.models)
            raise DeviceError(f"'{self.name}' was trained on takes with dbx {learnt}; capture with --dbx {learnt}.")
        self.model = self.models[fitting[0]]

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Put the stimulus in; the level is right by construction."""
        self._take_up(sheet.stimulus)

    def has_tape(self, stimulus: str) -> bool:
        """Put the stimulus in and say yes: nothing is ever erased."""
        self._take_up(stimulus)
        return True

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)

    def arm(self, tracks: Sequence[int]) -> None:
        """Start recording."""
        self._recording = not self._loop
        self._pass += self._loop

    def rewind(self) -> None:
        """Go back to before the start of the recording."""

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Start play pass `number`."""
        self._recording, self._pass = False, number

    def stop(self) -> None:
        """Stop the tape."""
        self._recording = False

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Hand over silence while recording, and else the model's answer to the stimulus, for `tail_s` longer."""
        total = sent.samples + round(tail_s * self.sample_rate)
        heard = Lasting(sent if self._loop else self._tape, total)
        self.facts = StreamFacts(0)
        for block in self._silence(heard) if self._recording else render_blocks(self.model, heard, self._settings()):
            if stop():
                break
            self.facts = StreamFacts(self.facts.samples + block.shape[0])
            sink(block)
        return self.facts

    def _silence(self, heard: Lasting) -> Iterator[np.ndarray]:
        for start in range(0, heard.samples, BLOCK):
            yield np.zeros((min(BLOCK, heard.samples - start), heard.channels))

    def _settings(self) -> Settings:
        return Settings(seed=seed_from(f"{self.seed} {self._stimulus} {self._pass}"))

    def _take_up(self, stimulus: str) -> None:
        self._stimulus = stimulus
        self._sheet, self._tape = self._stimulus_of(stimulus)


def learnt_of(family: Family, condition: str) -> Condition | None:
    """A condition of the takes that a model was trained on; None where they say nothing of it, or it learnt several."""
    if any(condition in setting for setting in family.settings):
        return None
    return next((source.conditions[condition] for source in family.card.sources if condition in source.conditions), None)


def deck_name(device: str, sample_rate: int, speed_cm_s: float) -> str:
    """What to call the deck that a model stands for, once it is known to fit a session.

    Raises
    ------
    ModelError
        There is no such model, it is damaged, or none of its settings has that speed.
    DeviceError
        It runs at another sample rate, or was trained at another tape speed.
    """
    family = load_family(_path(device))
    card = family.card
    if card.sample_rate != sample_rate:
        raise DeviceError(
            f"'{device}' runs at {card.sample_rate} Hz and the session at {sample_rate} Hz; plan the session with"
            f" --rate {card.sample_rate}, or use a model trained at {sample_rate} Hz."
        )
    speed = learnt_of(family, "speed_cm_s")
    if speed is not None and speed != speed_cm_s:
        raise DeviceError(
            f"'{device}' was trained at {speed} cm/s and the session is for {speed_cm_s:g} cm/s; plan the session with"
            f" --speed {speed}."
        )
    if "speed_cm_s" in (family.settings or [{}])[0]:
        place(family.settings, {"speed_cm_s": speed_cm_s})
    return f"Model {card.name}"


def _fitting(family: Family, session: Session) -> dict[str, Model]:
    """The model in each position of the dbx switch that it learnt, as far as it fits a session."""
    learnt = dict.fromkeys(setting["dbx"] for setting in family.settings if "dbx" in setting)
    if not learnt:
        model = family.at(family.fitting(session.manifest))
        return {model.card.dbx: model}
    found, refused = {}, None
    for dbx in learnt:
        try:
            found[str(dbx)] = family.at(family.fitting(session.manifest, dbx=dbx))
        except ModelError as error:
            refused = refused or error
    if refused and not found:
        raise refused
    return found


def capture_trained(
    session: Session,
    device: str,
    plan: Plan,
    report: Callable[[Progress], None] = lambda progress: None,
    *,
    seed: int | None = None,
) -> list[TakeRecord]:
    """Capture a session through a trained model.

    Parameters
    ----------
    session : Session
        A session that holds the stimuli; it keeps the device's name and seed.
    device : str
        ``model:PATH``.
    seed : int, optional
        By default the one the session keeps, else one made from the session's id.

    Raises
    ------
    DeviceError
        The model does not fit the session, or another device has made takes of it.
    ModelError
        There is no such model, or it is damaged.
    TapeError
        As :func:`capture.flow.capture`.
    """
    path = _path(device)
    if plan.over:
        raise DeviceError(f"'{device}' is a model and has no tape to record over; capture without --record-over.")
    first = plan.recordings[0].stimulus
    deck_name(device, session.sheet(first).sample_rate, session.manifest.speed_cm_s)
    family = load_family(path)
    models = _fitting(family, session)
    name = f"{KIND}:{family.card.name}"
    kept = session.manifest.interface
    if seed is None:
        seed = int(kept.settings["seed"]) if kept.name == name else seed_from(session.manifest.id)
    settings: dict[str, Condition] = {"seed": seed, "weights_sha256": family.card.weights_sha256}
    begun_so = kept.name == name and settings.items() <= kept.settings.items()
    if session.takes(complete=False) and not begun_so:
        raise DeviceError(
            f"The session was begun with '{kept.name}', or with another state of it, not with '{name}' (seed {seed});"
            " go on with that one, or plan a new session."
        )
    with session.alone():
        recorded_with = {recording.stimulus: recording.dbx for recording in plan.recordings}
        opened = TrainedDevice(name, models, session.stimulus, first, seed, recorded_with=recorded_with, loop=plan.loop)
        dbx = {key: kept.settings[key] for key in ("dbx",) if key in kept.settings}
        session.set_interface(Interface(name=name, sample_rate=opened.sample_rate, settings={**settings, **dbx}))
        return capture(session, opened, opened, plan, report)


def _path(device: str) -> Path:
    kind, _, path = device.partition(":")
    if kind != KIND or not path:
        raise DeviceError(f"'{device}' is no trained model; write model:PATH, such as model:my-session/models/hammerstein.")
    return Path(path)
