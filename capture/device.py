"""The one interface to everything that can be played through: an audio interface, the virtual deck, a trained model.

A capture of a two-head deck is two passes with a rewind between them, and somebody has to press the keys. So two roles are
kept apart: the :class:`Device` moves samples, the :class:`Operator` works the transport. For hardware the operator is the
person at the deck, asked in plain words; the virtual deck is its own operator.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

import numpy as np

from signals.audio import AudioReader
from signals.cues import CueSheet

if TYPE_CHECKING:
    from capture.verification import Verification

Sink = Callable[[np.ndarray], None]
Stop = Callable[[], bool]


def never() -> bool:
    """Go on to the end."""
    return False


@dataclass(frozen=True)
class Gap:
    """Samples that were lost: where they should stand in the recording, and how many."""

    start_samples: int
    length_samples: int


@dataclass(frozen=True)
class StreamFacts:
    """What the device says of a pass, finished or not.

    Attributes
    ----------
    samples : int
        Samples per channel delivered to the sink.
    clock_hz : float or None
        Sample rate against the computer's clock, where the device has one.
    flags : tuple of str
        Faults the device reported ("input overflow", ...), each with its sample position.
    lost : tuple of Gap
        Stretches that never arrived and stand as zeros in what was handed over, so that all that follows keeps its time.
    """

    samples: int
    clock_hz: float | None = None
    flags: tuple[str, ...] = field(default=())
    lost: tuple[Gap, ...] = field(default=())


class Device(Protocol):
    """Plays channels and records what returns, both on one sample clock."""

    @property
    def name(self) -> str:
        """Name as the session keeps it."""
        ...

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        ...

    @property
    def input_channels(self) -> int:
        """Number of channels that come back."""
        ...

    @property
    def facts(self) -> StreamFacts:
        """What is known so far of the pass that runs, or of the last one however it ended."""
        ...

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Play `sent` to its end, go on recording for `tail_s`, and hand every returned block to `sink`.

        Blocks are float, shape ``(samples, input_channels)``, in order and without gaps; whatever is known of a block stands in
        `facts` when it is handed over. `stop` is asked several times a second; once it says yes the pass ends early.

        Raises
        ------
        DeviceError
            The device cannot be opened or was lost; what had arrived has been handed over.
        """
        ...


Listen = Callable[[AudioReader, Sink, Stop], StreamFacts]
"""Plays something through the device and hands over what returns, until it is told to stop."""


class Verdict(Enum):
    """What becomes of a pass that was looked at."""

    ACCEPT = "accept"
    REPEAT = "repeat"
    RECORD_AGAIN = "record again"
    ABORT = "abort"


class Operator(Protocol):
    """Works the deck; each call returns when the deck is ready."""

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Set the dbx switch for the recording, or for the play passes, that come next."""
        ...

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Set the recording level for a stimulus, with a steady tone at 0 dB if need be."""
        ...

    def has_tape(self, stimulus: str) -> bool:
        """Say whether the recording of a stimulus that an earlier run made is still on the tape."""
        ...

    def arm(self, tracks: Sequence[int]) -> None:
        """Set the tracks to record and start the tape recording."""
        ...

    def rewind(self) -> None:
        """Stop, and rewind to before the start of the recording."""
        ...

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Set the tracks to playback and start the tape for play pass `number` (from 1)."""
        ...

    def stop(self) -> None:
        """Stop the tape."""
        ...

    def judge(self, take: str, verification: "Verification") -> Verdict:
        """Say whether a pass counts, by what was seen in it."""
        ...
