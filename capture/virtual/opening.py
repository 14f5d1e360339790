"""Opening a virtual deck for a session: which deck a device stands for, and whether it fits what the session holds."""

from capture.recordings import RECORD_OVER
from capture.seeds import seed_from
from capture.virtual.device import VirtualDevice
from modeling.deck.parameters import TAPE_SPEED_UM_S, TRACKS, load_parameters
from sessions.manifest import Interface
from sessions.results import Condition
from sessions.store import Session
from signals.errors import DeviceError

KIND = "virtual"
DEFAULT_PRESET = "fresh"


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


def open_virtual(
    session: Session, device: str, *, stimulus: str = "main", seed: int | None = None, over: bool = False
) -> VirtualDevice:
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
    over : bool
        Each recording of the session is made over the one before it.

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
    recorded = [take.stimulus for take in session.takes("record") if take.stimulus is not None]
    opened = VirtualDevice(name, parameters, session.stimulus, stimulus, seed, over=over, recorded=recorded)
    settings = {"seed": seed, **{key: known.settings[key] for key in ("dbx",) if key in known.settings}}
    if over:
        settings[RECORD_OVER] = 1
    session.set_interface(Interface(name=name, sample_rate=opened.sample_rate, settings=settings))
    return opened


def _preset(device: str) -> str:
    kind, _, preset = device.partition(":")
    if kind != KIND:
        raise DeviceError(
            f"'{device}' is no virtual deck; use virtual, virtual:PRESET or virtual:FILE.toml, or record the file of"
            " 'tape stimulus' with another program and attach it with 'tape import'."
        )
    return preset or DEFAULT_PRESET


def _seeded(seed: Condition | None) -> str:
    return "" if seed is None else f" (seed {seed})"
