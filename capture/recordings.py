"""What a capture is made of: recordings, done one after the other, each with its play passes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

RECORD_OVER = "record_over"
"""Setting by which a session keeps that each of its recordings is made over the one before it."""


def dbx_condition(recorded: bool, played: bool) -> str:
    """Name of a pair of positions of the dbx switch: ``off``, ``on``, ``encode`` (recorded only), ``decode`` (played only)."""
    return {(False, False): "off", (True, True): "on", (True, False): "encode", (False, True): "decode"}[recorded, played]


@dataclass(frozen=True)
class Play:
    """Play passes of a recording in one position of the dbx switch.

    Attributes
    ----------
    passes : int
        How many the session shall hold in the end.
    dbx : bool
        Whether the dbx switch is on while the tape is played.
    """

    passes: int = 1
    dbx: bool = False


@dataclass(frozen=True)
class Recording:
    """One stimulus, put on tape once and played.

    Attributes
    ----------
    stimulus : str
        Stimulus of the session.
    dbx : bool
        Whether the dbx switch is on while it is recorded.
    plays : tuple of Play
        What is played of it, in this order.
    """

    stimulus: str = "main"
    dbx: bool = False
    plays: tuple[Play, ...] = (Play(),)

    def condition(self, play: Play) -> str:
        """The ``dbx`` condition of a play pass."""
        return dbx_condition(self.dbx, play.dbx)


@dataclass(frozen=True)
class Plan:
    """What to capture.

    Attributes
    ----------
    recordings : tuple of Recording
        In the order in which they are made.
    loop : bool
        One pass: what returns while the stimulus is sent is the take.
    inputs : mapping of int to int
        Track that each input channel (from 0) comes from; by default the session's wiring, else the order of the stimulus.
    ports : mapping of int to int
        Number, as on the box, of the input behind each channel; by default they are counted from 1.
    play_tail_s : float, optional
        How much longer than the stimulus a play pass is recorded, whatever is heard.
    until_heard : bool
        End a play pass soon after its end marker was heard, or when nothing more is heard. Without it the deck starts by itself,
        and a pass lasts its usual time at least.
    over : bool
        Each recording is made over the one before it, on one cassette.
    """

    recordings: tuple[Recording, ...] = (Recording(),)
    loop: bool = False
    inputs: Mapping[int, int] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)
    play_tail_s: float | None = None
    until_heard: bool = False
    over: bool = False

    @classmethod
    def of(cls, passes: int = 1, stimulus: str = "main", *, loop: bool = False, play_tail_s: float | None = None) -> Self:
        """A single recording without dbx."""
        return cls((Recording(stimulus, plays=(Play(passes),)),), loop, play_tail_s=play_tail_s)
