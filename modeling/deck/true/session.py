"""What the truth is asked about: a deck, a stimulus, and the tracks that carry it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from modeling.deck.erasure import left_over_filter
from modeling.deck.parameters import DeckParameters
from sessions.results import Condition
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet
from signals.errors import ModelError


@dataclass(frozen=True)
class TrueSession:
    """Deck, stimulus, and the tracks (0-based) that carry programme.

    Attributes
    ----------
    sound : AudioReader
        The stimulus.
    ratio : float
        Frequency heard over frequency sent in the play pass that is asked about, beside what pitch control does to it.
    over : int
        Earlier recordings that this one was made over.
    """

    parameters: DeckParameters
    sheet: CueSheet
    driven: frozenset[int]
    sound: AudioReader
    ratio: float = 1.0
    over: int = 0

    def conditions(self, track: int, number: int, **more: Condition) -> dict[str, Condition]:
        """Conditions of a figure; `track` 0-based."""
        speed: Condition = self.parameters.speed_cm_s
        return {"track": track + 1, "pass": number, "speed_cm_s": speed, "dbx": "off", **more}

    def is_dead(self, track: int) -> bool:
        """Whether a track (0-based) replays nothing."""
        return track == self.parameters.faults.dead_track - 1

    @property
    def is_haunted(self) -> bool:
        """Whether an earlier recording is heard beside this one, since erasure left something of it."""
        return self.over > 0 and left_over_filter(self.parameters, self.sheet.sample_rate) is not None

    def heard_with(self, track: int) -> frozenset[int]:
        """Tracks that carry the same as `track`."""
        return self.driven if track in self.driven else frozenset({track})

    def seconds(self, samples: int) -> float:
        """Time of a number of samples."""
        return samples / self.sheet.sample_rate

    def marker_s(self, kind: str) -> float:
        """Start of the marker in stimulus time.

        Raises
        ------
        ModelError
            The stimulus has none.
        """
        found = [c for c in self.sheet.cues if c.kind == kind]
        if not found:
            raise ModelError(
                f"stimulus '{self.sheet.stimulus}' has 0 cues of kind {kind}, 1 is needed; plan it with markers"
            )
        return self.seconds(found[0].start_samples)


def tone_conditions(cue: Cue) -> Mapping[str, Condition]:
    """Conditions of a figure of one tone."""
    level: Mapping[str, Condition] = {} if cue.level_db is None else {"level_db": cue.level_db}
    return {"frequency_hz": cue.number("frequency_hz"), **level}


def decibels(ratio: float) -> float:
    """Level of an amplitude ratio."""
    return float(20.0 * np.log10(max(ratio, 1e-15)))
