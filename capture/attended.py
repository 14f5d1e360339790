"""A capture through an audio interface with a person at the deck, or nobody where the deck works itself."""

from collections.abc import Sequence

from capture import flow
from capture.calibration import read_channels
from capture.flow import Progress, Step
from capture.operator import Cables, Person
from capture.planning import planned_dbx, recordings
from capture.recorder import PortAudioDevice
from capture.recordings import RECORD_OVER, Plan
from capture.terminal import Conversation
from sessions.calibration import known_as
from sessions.manifest import Interface, TakeRecord
from sessions.results import Condition
from sessions.store import Session
from signals.errors import DeviceError, SessionError, UsageError

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
    only_failed = session.takes(complete=False) and not session.takes()
    return None if known is None or only_failed else str(known)


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


def over_of(session: Session, asked: bool) -> bool:
    """Whether each recording of a session that exists is made over the one before it: as it was begun, else as asked.

    Raises
    ------
    UsageError
        It was begun otherwise.
    """
    begun = RECORD_OVER in session.manifest.interface.settings
    if asked and not begun and session.takes("record", complete=False):
        raise UsageError(f"{session.path} was begun without --record-over; go on without it, or name a new session")
    return begun or asked


def _require_same(session: Session, name: str, outputs: Sequence[int], inputs: Sequence[int], loop: bool) -> None:
    """Refuse what would make the takes of a session mean different things."""
    takes = session.takes()
    if not takes:
        return
    if ("loop" in {take.role for take in takes}) != loop:
        how = "with --loop" if not loop else "without --loop"
        raise UsageError(f"{session.path} was begun {how}; go on {how}, or name a new session")
    known = session.manifest.interface
    if known_as(known.name) != known_as(name):
        raise DeviceError(
            f"{session.path} was begun with '{known.name}', not '{name}'; go on with that one, or name a new session."
        )
    for what, numbers in (("outputs", outputs), ("inputs", inputs)):
        before = str(known.settings.get(what, ""))
        if before != ",".join(map(str, numbers)):
            raise DeviceError(
                f"{session.path} was begun with {what} {before} of the interface, not {','.join(map(str, numbers))}; go on"
                f" with --{what} {before}, or name a new session."
            )


def capture_attended(
    talk: Conversation,
    session: Session,
    device: PortAudioDevice,
    *,
    dbx: Sequence[str],
    passes: int,
    loop: bool,
    over: bool = False,
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
    over : bool
        Each recording is made over the one before it.

    Raises
    ------
    TapeError
        As :func:`capture.flow.capture`.
    """
    with session.alone():
        return _lead(talk, session, device, dbx, passes, loop, over)


def _lead(
    talk: Conversation,
    session: Session,
    device: PortAudioDevice,
    dbx: Sequence[str],
    passes: int,
    loop: bool,
    over: bool,
) -> list[TakeRecord]:
    sheet = session.sheet(session.manifest.stimuli[0].id)
    outputs, inputs = ([channel + 1 for channel in side] for side in (device.outputs, device.inputs))
    _require_same(session, device.name, outputs, inputs, loop)
    settings: dict[str, Condition] = {
        "outputs": ",".join(map(str, outputs)),
        "inputs": ",".join(map(str, inputs)),
        "dbx": ",".join(dbx),
        "passes": passes,
        **({RECORD_OVER: 1} if over else {}),
    }
    known = session.manifest.interface
    if known_as(known.name) == known_as(device.name):  # plugged in again, it may have another number and is the same
        session.set_interface(known.model_copy(update={"settings": settings}))
    else:
        session.set_interface(Interface(name=device.name, sample_rate=device.sample_rate, settings=settings))
    tracks = {i: channel.track for i, channel in enumerate(sheet.channels)}
    plan = Plan(recordings(dbx, passes), loop, tracks, dict(enumerate(inputs)), until_heard=not loop, over=over)
    begun = bool(session.takes("record", complete=False))
    cables = Cables(device.name, outputs, inputs)
    person = Person(talk, cables, sheet, session.manifest, passes, loop=loop, over=over, begun=begun)
    longest_s = max(known.samples / known.sample_rate for known in session.manifest.stimuli)
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
