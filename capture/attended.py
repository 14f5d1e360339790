"""A capture through an audio interface with a person at the deck, or nobody where the deck works itself."""

from collections.abc import Sequence

from capture import flow
from capture.calibration import read_channels
from capture.flow import Progress, Step
from capture.operator import Cables, Person
from capture.planning import planned_dbx, recordings
from capture.recorder import PortAudioDevice
from capture.recordings import Plan
from capture.terminal import Conversation
from sessions.manifest import Interface, TakeRecord
from sessions.results import Condition
from sessions.store import Session
from signals.errors import SessionError, UsageError

WORDS = {Step.ARMED: "record pass", Step.PLAYING: "play pass"}


def read_ports(text: str | None, channels: int, what: str) -> tuple[int, ...]:
    """Numbers of outputs or inputs, from 1, from a text such as ``3,4``; the first ones from none.

    Raises
    ------
    UsageError
        It cannot be read so, names one twice, or does not name one for each channel of the stimulus.
    """
    if text is None:
        return tuple(range(1, channels + 1))
    numbers = read_channels(text, what)
    if len(numbers) != channels:
        raise UsageError(
            f"--{what} '{text}' names {len(numbers)} channel(s) and the stimulus has {channels} (one a track, one for a pilot);"
            f" name {channels}"
        )
    return numbers


def kept_ports(session: Session, what: str) -> str | None:
    """The outputs or inputs with which a session was begun, as text."""
    known = session.manifest.interface.settings.get(what)
    return str(known) if known is not None and session.takes(complete=False) else None


def dbx_of(session: Session, asked: Sequence[str] | None) -> tuple[str, ...]:
    """Positions of the dbx switch to capture in a session that exists: those asked for, else those it was begun with.

    Raises
    ------
    SessionError
        The session has no stimulus for a position.
    """
    planned = planned_dbx(session)
    if asked is None:
        begun = session.manifest.interface.settings.get("dbx")
        return tuple(str(begun).split(",")) if begun else planned
    possible = {*planned, *(["encode"] if "on" in planned else [])}
    missing = [mode for mode in asked if mode not in possible]
    if missing:
        raise SessionError(
            f"{session.path} was planned for dbx {', '.join(sorted(possible))} and has no stimulus for '{missing[0]}';"
            " plan a new session with --dbx."
        )
    return tuple(asked)


def capture_attended(
    talk: Conversation,
    session: Session,
    device: PortAudioDevice,
    *,
    dbx: Sequence[str],
    passes: int,
    loop: bool,
) -> list[TakeRecord]:
    """Lead through a session, or what is left of it.

    Parameters
    ----------
    talk : Conversation
        Where the person is spoken to.
    session : Session
        A session that holds the stimuli.
    device : PortAudioDevice
        The interface, with an output and an input for each channel of the stimulus.
    dbx : sequence of str
        Positions of the dbx switch.
    passes : int
        Play (or loop) passes the session shall hold in each.
    loop : bool
        One pass, without a tape.

    Raises
    ------
    TapeError
        As :func:`capture.flow.capture`.
    """
    sheet, _ = session.stimulus(session.manifest.stimuli[0].id)
    outputs, inputs = ([channel + 1 for channel in side] for side in (device.outputs, device.inputs))
    settings: dict[str, Condition] = {
        "outputs": ",".join(map(str, outputs)),
        "inputs": ",".join(map(str, inputs)),
        "dbx": ",".join(dbx),
        "passes": passes,
    }
    calibration = session.manifest.interface.calibration if session.manifest.interface.name == device.name else None
    session.set_interface(
        Interface(name=device.name, sample_rate=device.sample_rate, settings=settings, calibration=calibration)
    )
    tracks = {i: channel.track for i, channel in enumerate(sheet.channels)}
    plan = Plan(recordings(dbx, passes), loop, tracks, until_heard=not loop)
    person = Person(talk, Cables(device.name, outputs, inputs), sheet, session.manifest, passes, loop=loop)
    longest_s = max(known.samples / known.sample_rate for known in session.manifest.stimuli)
    session.recover()
    person.prepare(longest_s, *flow.remaining(session, plan))

    def tell(progress: Progress) -> None:
        if not (progress.done_samples or progress.total_samples):
            return
        what = "loop pass" if loop else WORDS[progress.state.step]
        number = "" if what == "record pass" else f" {progress.state.number}"
        total = progress.total_samples
        part = min(1.0, progress.done_samples / total) if total else None
        talk.progress(f"{what}{number}{f': {progress.heard}' if progress.heard else ''}", part)

    return flow.capture(session, device, person, plan, tell)
