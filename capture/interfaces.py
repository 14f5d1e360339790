"""Audio interfaces as PortAudio lists them, and which of them a user means by a name or a number."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from signals.errors import DeviceError

_PREFERRED = ("ASIO", "Core Audio", "ALSA", "JACK Audio Connection Kit", "Windows WASAPI", "Windows WDM-KS")
"""An interface can be had through several host APIs; these leave the samples alone more than the others do."""


@dataclass(frozen=True)
class Interface:
    """One entry of PortAudio's list.

    Attributes
    ----------
    index : int
        Number in the list; changes when something is plugged in.
    name, host_api : str
        What it is called, and by whom.
    inputs, outputs : int
        Number of channels; many interfaces are two entries, one of inputs and one of outputs.
    default_input, default_output : bool
        The system's choice.
    default_rate_hz : float
        The rate it runs at unless told otherwise.
    rates : tuple of int
        Those of :data:`capture.portaudio.RATES` at which it can be opened in full width; empty unless asked for.
    refusal : str
        Why it cannot be opened at all, in PortAudio's words; empty when it can, or was not asked.
    """

    index: int
    name: str
    host_api: str
    inputs: int
    outputs: int
    default_input: bool = False
    default_output: bool = False
    default_rate_hz: float = 0.0
    rates: tuple[int, ...] = ()
    refusal: str = ""

    @property
    def duplex(self) -> bool:
        """It plays and records."""
        return self.inputs > 0 and self.outputs > 0


@dataclass(frozen=True)
class Duplex:
    """What a pass is played and recorded through: one entry of the list, or two that belong together."""

    recording: Interface
    playing: Interface

    @property
    def name(self) -> str:
        """Name as a session keeps it."""
        if self.recording.name == self.playing.name:
            return self.recording.name
        return f"{self.recording.name} + {self.playing.name}"


def choose(device: str, listed: Sequence[Interface]) -> Duplex:
    """The interface that a user means.

    Parameters
    ----------
    device : str
        A name or part of one, in any case, alone or followed by a comma and the host API; an index; or the indices of input and
        output, such as ``3,5``.
    listed : sequence of Interface
        What there is.

    Raises
    ------
    DeviceError
        There is none, or more than one, or it does not both play and record.
    """
    if not listed:
        raise DeviceError(
            f"'{device}' was asked for and no audio interface is there; plug it in, start the sound server, and look with"
            " 'tape devices'."
        )
    if re.fullmatch(r"\s*\d+(\s*,\s*\d+)?\s*", device):
        return _by_index([int(part) for part in device.split(",")], listed)
    return _by_name(device, listed)


def _by_index(indices: Sequence[int], listed: Sequence[Interface]) -> Duplex:
    entries = {entry.index: entry for entry in listed}
    for index in indices:
        if index not in entries:
            raise DeviceError(f"There is no interface {index}; the list goes from 0 to {max(entries)}, see 'tape devices'.")
    recording, playing = entries[indices[0]], entries[indices[-1]]
    if len(indices) == 1 and not recording.duplex:
        partners = [other for other in listed if _belong_together(recording, other)]
        if len(partners) == 1:
            recording, playing = (recording, partners[0]) if recording.inputs else (partners[0], recording)
    return _require_both_ways(recording, playing)


def _by_name(device: str, listed: Sequence[Interface]) -> Duplex:
    wanted = device.strip().lower()
    full = {entry.index: f"{entry.name}, {entry.host_api}".lower() for entry in listed}
    matching = [entry for entry in listed if wanted in (entry.name.lower(), full[entry.index])]
    if not matching and wanted:
        matching = [entry for entry in listed if wanted in full[entry.index]]
    if not matching:
        names = list(dict.fromkeys(entry.name for entry in listed))
        lowered = {name.lower(): name for name in names}
        near = [lowered[name] for name in difflib.get_close_matches(wanted, lowered, 5, 0.4)] or names[:5]
        raise DeviceError(
            f"No audio interface is called '{device}'; there is {', '.join(repr(name) for name in near)}:"
            " name one with --device, or see 'tape devices'."
        )
    apis = {entry.host_api for entry in matching}
    best = min(apis, key=lambda api: (_PREFERRED.index(api) if api in _PREFERRED else len(_PREFERRED), api))
    matching = [entry for entry in matching if entry.host_api == best]
    both = [entry for entry in matching if entry.duplex]
    recording = both or [entry for entry in matching if entry.inputs]
    playing = both or [entry for entry in matching if entry.outputs]
    if len(recording) > 1 or len(playing) > 1:
        several = ", ".join(f"{entry.index} '{entry.name}'" for entry in matching)
        raise DeviceError(f"'{device}' could be any of {several}; say more of the name, or give the number.")
    return _require_both_ways(*(recording or playing), *(playing or recording))


def _belong_together(one: Interface, other: Interface) -> bool:
    """Two entries of one interface: Windows calls them 'Speakers (Name)' and 'Microphone (Name)'."""
    if one.host_api != other.host_api or bool(one.inputs) == bool(other.inputs) or bool(one.outputs) == bool(other.outputs):
        return False
    inner = [re.search(r"\((.+)\)", entry.name) for entry in (one, other)]
    return one.name == other.name or (all(inner) and len({match[1] for match in inner if match}) == 1)


def _require_both_ways(recording: Interface, playing: Interface) -> Duplex:
    if not recording.inputs or not playing.outputs:
        entry, lacks = (playing, "output") if recording.inputs else (recording, "input")
        raise DeviceError(
            f"'{entry.name}' has no {lacks}s, and a deck is played to and recorded from; name an interface with both, or the"
            " numbers of two entries as INPUT,OUTPUT: see 'tape devices'."
        )
    return Duplex(recording, playing)
