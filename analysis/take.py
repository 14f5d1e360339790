"""One programme channel of a take, as the bench reads it."""

from dataclasses import dataclass

import numpy as np

from analysis.alignment import Alignment
from analysis.dewarp import dewarp
from analysis.segments import self_timed
from sessions.results import Conditions
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

EDGE_S = 0.05
CLIPPED = 0.999  # of full scale


@dataclass(frozen=True)
class Take:
    """One programme channel of a take on the bench.

    Attributes
    ----------
    returned : AudioReader
        The recording.
    sheet : CueSheet
        What was played.
    alignment : Alignment
        Time base of the channel.
    conditions : mapping
        Conditions that hold for every figure: track, pass, speed, dbx.
    """

    returned: AudioReader
    sheet: CueSheet
    alignment: Alignment
    conditions: Conditions

    def cues(self, *kinds: str, purpose: str | None = None) -> list[Cue]:
        """Segments of this channel, of given kinds and purpose."""
        found = (c for c in self.sheet.cues if c.channel == self.alignment.channel and c.kind in kinds)
        return [c for c in found if purpose is None or c.parameters.get("purpose") == purpose]

    def under(self, **more: str | float) -> dict[str, str | int | float]:
        """Conditions of the take with those of one figure."""
        return {**self.conditions, **more}

    def steady(self, cue: Cue) -> tuple[np.ndarray, Cue]:
        """A tone without its fades, dewarped by its own phase, shape (samples,)."""
        rate = self.sheet.sample_rate
        timebase = self.alignment.own.get(cue.name)
        if timebase is None:
            timebase = self_timed(self.returned, self.alignment.returned, cue, rate, self.alignment.base)
        edge = round(EDGE_S * rate)
        start, stop = cue.start_samples + edge, cue.stop_samples - edge
        return dewarp(self.returned, self.alignment.returned, timebase, start, stop), cue
