"""One programme channel of a take, as the bench reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from analysis.alignment import Alignment
from analysis.dewarp import dewarp
from analysis.segments import self_timed
from sessions.results import Conditions
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

EDGE_S = 0.05


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
    inputs : mapping of int to int
        Channel of the stimulus to channel of the recording, of all that came back; empty where only this one matters.
    """

    returned: AudioReader
    sheet: CueSheet
    alignment: Alignment
    conditions: Conditions
    inputs: Mapping[int, int] = field(default_factory=dict)

    def cues(self, *kinds: str, purpose: str | None = None) -> list[Cue]:
        """Segments of this channel that are on the recording, of given kinds and purpose."""
        found = (c for c in self.sheet.cues if c.channel == self.alignment.channel and c.kind in kinds)
        there = (c for c in found if self.alignment.holds(c, self.sheet.sample_rate))
        return [c for c in there if purpose is None or c.parameters.get("purpose") == purpose]

    def lost(self) -> list[Cue]:
        """Segments of this channel that are not on the recording, or not whole."""
        found = (c for c in self.sheet.cues if c.channel == self.alignment.channel)
        return [c for c in found if not self.alignment.holds(c, self.sheet.sample_rate)]

    def longest_s(self) -> tuple[float, float]:
        """From where to where the tape ran without a loss, at its longest, between start and end marker; input time."""
        rate = self.sheet.sample_rate
        ends = [self.sheet.of_kind(kind)[0].start_samples / rate for kind in ("marker_start", "marker_end")]
        edges = [ends[0], *(t for span in sorted(self.alignment.lost_s) for t in span), ends[1]]
        runs = [(low, min(high, ends[1])) for low, high in zip(edges[::2], edges[1::2], strict=True)]
        return max(runs, key=lambda run: run[1] - run[0])

    @property
    def companded(self) -> bool:
        """Whether a compander was in the way, which takes time to settle behind a step of level."""
        return str(self.conditions.get("dbx", "off")) != "off"

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
