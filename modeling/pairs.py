"""Aligned pairs of what was sent and what came back: what models learn from.

The dry signal is warped onto the time of the tape and the target is left as it was recorded, so that noise and products of
distortion in it stay untouched. That is exact as long as the deck does the same to a signal a little faster or slower, which
wow far below 1 % allows. Level is information: nothing is normalised.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from sessions.results import Condition

Split = Literal["train", "validation", "test", "tone"]

BEFORE_S = 0.1
AFTER_S = 0.02
"""Context around every segment, which the filters of a core need and which does not count as target."""


@dataclass(frozen=True)
class Pair:
    """One aligned segment of one channel.

    Attributes
    ----------
    dry, wet : ndarray, shape (samples,), float32
        What was sent, warped onto the time of the recording, and what came back.
    mask : ndarray, shape (samples,), bool
        Where `wet` counts as target: not in the context at either end, nor in dropouts or silence.
    sample_rate : int
        Of both, in Hz.
    split : str
        ``train``, ``validation`` or ``test``; a ``tone`` is for the comparison of harmonics only.
    name : str
        Name of the segment.
    conditions : dict
        Level, track, pass, speed and so on; ``frequency_hz`` of a tone.
    """

    dry: np.ndarray
    wet: np.ndarray
    mask: np.ndarray
    sample_rate: int
    split: Split
    name: str = ""
    conditions: dict[str, Condition] = field(default_factory=dict)

    @property
    def samples(self) -> int:
        """Length, context included."""
        return int(self.dry.size)

    @property
    def seconds(self) -> float:
        """Length of what counts as target."""
        return float(np.count_nonzero(self.mask)) / self.sample_rate


def select(pairs: Sequence[Pair], split: Split) -> list[Pair]:
    """Pairs of one part of the material."""
    return [pair for pair in pairs if pair.split == split]
