"""The calibration of an interface: what it does by itself, kept beside the user's configuration and copied into sessions.

A calibration is made of figures and curves like any measurement. The newest of an interface, its rate and its channels has a
file of its own; the one before is kept beside it with the time at which it was made.
"""

import hashlib
import re
from collections.abc import Collection
from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from sessions.configuration import configuration_folder
from sessions.disk import told_as_session_error, write_together
from sessions.manifest import Interface, Wiring, load, to_json
from sessions.results import Measurements
from sessions.store import Session
from signals.errors import SessionError

FOLDER = "calibrations"
IN_SESSION = "calibration.json"

Pair = tuple[int, int]


class Calibration(Measurements):
    """What the loops from each output to its input told of the interface alone.

    Conditions of its figures are ``output`` and ``input``, numbered from 1 as on the box, and ``level_db`` re
    `reference_dbfs` as sent. Levels in dBFS are those at the input.

    Attributes
    ----------
    session : str
        Identity of the stimulus that was played.
    interface : str
        Name of the interface.
    sample_rate : int
        Sample rate in Hz.
    outputs, inputs : tuple of int
        The pairs that were looped, output by output.
    reference_dbfs : float
        Level of a sine at 0 dB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    interface: str
    sample_rate: int = Field(gt=0)
    outputs: tuple[int, ...] = Field(min_length=1)
    inputs: tuple[int, ...] = Field(min_length=1)
    reference_dbfs: float = Field(le=0)

    @model_validator(mode="after")
    def _in_pairs(self) -> Self:
        if len(self.outputs) != len(self.inputs):
            raise ValueError(f"{len(self.outputs)} outputs and {len(self.inputs)} inputs make no pairs")
        return self

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Output and input of every loop."""
        return tuple(zip(self.outputs, self.inputs, strict=True))


def keep(calibration: Calibration) -> Path:
    """Write a calibration into the user's configuration; one that stands there is renamed with its date, never overwritten.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SessionError
        The folder cannot be written, or the disk is full; what stood there still stands.
    """
    path = _file(calibration.interface, calibration.sample_rate, calibration.outputs, calibration.inputs)
    with told_as_session_error(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        texts = {path: to_json(calibration).encode()}
        if path.exists():
            # Copied under the new name before the old one is replaced, so that no moment is without either.
            texts = {_dated(path): path.read_bytes(), **texts}
    write_together(texts)
    return path


def find(interface: str, sample_rate: int, pairs: Collection[Pair] = ()) -> Calibration | None:
    """The calibration of an interface at a rate that holds most of the wanted pairs, the newest of several; None without one.

    Raises
    ------
    SessionError
        A calibration of this interface is damaged or of a newer schema.
    """
    start = _stem(interface, sample_rate)
    files = sorted((configuration_folder() / FOLDER).glob(f"{start}.*.json"))
    found = [_read(file) for file in files if not _is_dated(file)]
    return max(found, key=lambda c: (len(set(pairs) & set(c.pairs)), c.created), default=None)


def find_exact(interface: str, sample_rate: int, pairs: Collection[Pair]) -> Calibration | None:
    """The newest calibration of just these pairs, or None.

    Raises
    ------
    SessionError
        It is damaged or of a newer schema.
    """
    outputs, inputs = tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs)
    path = _file(interface, sample_rate, outputs, inputs)
    return _read(path) if path.exists() else None


def adopt(session: Session) -> Calibration | None:
    """Copy the calibration of a session's interface into it, if there is one; say which the session holds.

    Of several, that which holds most of the outputs and inputs in use is taken.

    A session that has takes keeps the calibration with which they were begun.

    Raises
    ------
    SessionError
        A calibration is damaged, or the session cannot be written.
    """
    interface = session.manifest.interface
    if interface.calibration is not None and session.takes(complete=False):
        return of_session(session)
    pairs = pairs_in_use(interface, session.manifest.wiring)
    found = None if interface.sample_rate is None else find(interface.name, interface.sample_rate, pairs)
    if found is None:
        return of_session(session)
    session.write_json(IN_SESSION, to_json(found))
    session.set_interface(interface.model_copy(update={"calibration": IN_SESSION}))
    return found


def of_session(session: Session) -> Calibration | None:
    """The calibration that a session holds; None if its interface was not calibrated.

    Raises
    ------
    SessionError
        It is missing, damaged, of a newer schema, or of another interface or rate.
    """
    interface = session.manifest.interface
    if interface.calibration is None:
        return None
    path = session.path / interface.calibration
    calibration = load(Calibration, path)
    if (known_as(calibration.interface), calibration.sample_rate) != (known_as(interface.name), interface.sample_rate):
        raise SessionError(
            f"{path} is of '{calibration.interface}' at {calibration.sample_rate} Hz, the session of '{interface.name}' at "
            f"{interface.sample_rate} Hz; restore the file from a copy of the session."
        )
    return calibration


def pair_in_use(interface: Interface, sent: int, returned: int) -> Pair:
    """Output and input of the interface, from 1, behind a channel of the stimulus and one of the recording, from 0.

    ``outputs`` and ``inputs`` in the interface's settings say which were used, such as ``3,4``; by default they are the first.
    """
    return _number(interface, "outputs", sent), _number(interface, "inputs", returned)


def pairs_in_use(interface: Interface, wiring: Wiring) -> list[Pair]:
    """Output and input of the interface, from 1, for every track that is sent to and returned."""
    returned = {track: channel for channel, track in wiring.inputs.items()} or {t: c for c, t in wiring.outputs.items()}
    return [pair_in_use(interface, c, returned[track]) for c, track in sorted(wiring.outputs.items()) if track in returned]


def _number(interface: Interface, side: str, channel: int) -> int:
    numbers = str(interface.settings.get(side, "")).split(",")
    return int(numbers[channel]) if channel < len(numbers) and numbers[channel].strip().isdigit() else channel + 1


def known_as(interface: str) -> str:
    """Name of an interface without what changes when it is plugged in again: ALSA's number of the card."""
    return re.sub(r"\s*\(hw:\d+,\d+\)", "", interface).strip()


def _read(path: Path) -> Calibration:
    """A calibration of the user's configuration, of which there need be no copy."""
    try:
        return load(Calibration, path)
    except SessionError as error:
        remedy = "delete it, or calibrate the interface again with 'tape calibrate'."
        raise SessionError(str(error).replace("restore it from a copy of the session.", remedy)) from error


def _stem(interface: str, sample_rate: int) -> str:
    """Start of a file's name: readable on every system, and by the digest different for different names."""
    name = known_as(interface)
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "interface"
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:6]}.{sample_rate}"


def _file(interface: str, sample_rate: int, outputs: tuple[int, ...], inputs: tuple[int, ...]) -> Path:
    channels = f"out{'+'.join(map(str, outputs))}-in{'+'.join(map(str, inputs))}"
    return configuration_folder() / FOLDER / f"{_stem(interface, sample_rate)}.{channels}.json"


def _dated(path: Path) -> Path:
    """A free name for the calibration that stands at `path`, with the time at which it was made."""
    try:
        made = re.sub(r"[^0-9TZ]", "", _read(path).created.split("+")[0])
    except SessionError:
        made = "damaged"
    number, free = 1, path.with_suffix(f".{made}.json")
    while free.exists():
        number += 1
        free = path.with_suffix(f".{made}-{number}.json")
    return free


def _is_dated(path: Path) -> bool:
    return len(path.name.split(".")) > 4
