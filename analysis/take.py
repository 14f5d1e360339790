"""One programme channel of a take, as the bench reads it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from analysis import noise
from analysis import reference as references
from analysis.alignment import Alignment
from analysis.dewarp import dewarp
from analysis.segments import self_timed
from sessions.results import Conditions
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

EDGE_S = 0.05
SILENCE_EDGE_S = 0.3  # what sounded before dies away; for a decoder the stimulus rests half a second before besides
PILOT_WIDTH_HZ = 40.0  # on either side, in which flutter spreads a pilot


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

    def span_s(self, cue: Cue, edge_s: float) -> tuple[float, float]:
        """Stretch of the recording that a segment takes, without its edges."""
        start_s, stop_s = self._inside_s(cue, edge_s)
        return float(self.alignment.base.output_time(start_s)), float(self.alignment.base.output_time(stop_s))

    def speed(self, cue: Cue, edge_s: float) -> float:
        """Ratio of returned to sent frequency in a segment without its edges."""
        return float(self.alignment.base.speed(*self._inside_s(cue, edge_s)))

    def stretch(self, cue: Cue, edge_s: float) -> np.ndarray:
        """A segment without its edges as recorded, neither moved nor dewarped; shape (samples, channels), perhaps no samples."""
        start, stop = (round(time_s * self.sheet.sample_rate) for time_s in self.span_s(cue, edge_s))
        return self.returned.read(start, max(start, stop))

    def silence(self, cue: Cue) -> np.ndarray:
        """A silent segment of this channel, as recorded; shape (samples,), perhaps no samples."""
        return self.stretch(cue, SILENCE_EDGE_S)[:, self.alignment.returned]

    def without_pilots(self, wave: np.ndarray, speed: float = 1.0) -> np.ndarray:
        """A stretch without what leaks into it from pilots, whose frequency in it is that sent times `speed`."""
        for pilot in self.sheet.of_kind("pilot") if wave.size else ():
            wave = noise.without_line(wave, self.sheet.sample_rate, speed * pilot.number("frequency_hz"), PILOT_WIDTH_HZ)
        return wave

    def hiss(self) -> list[np.ndarray]:
        """Every silent segment of this channel without what leaks into it from pilots; shape (samples,) each."""
        cues = self.cues("silence")
        return [self.without_pilots(self.silence(cue), self.speed(cue, SILENCE_EDGE_S)) for cue in cues]

    @cached_property
    def reference(self) -> references.Reference:
        """Its returned reference tone, analysed once."""
        cues = self.cues("tone", purpose=references.PURPOSE)
        if not cues:
            return references.missing(any(c.parameters.get("purpose") == references.PURPOSE for c in self.lost()))
        tone, frequency_hz = self.steady(cues[0]), cues[0].number("frequency_hz")
        return references.read(tone, frequency_hz, self.sheet.sample_rate, self.companded)

    def steady(self, cue: Cue) -> np.ndarray:
        """A tone without its fades, dewarped by its own phase, shape (samples,)."""
        rate = self.sheet.sample_rate
        timebase = self.alignment.own.get(cue.name)
        if timebase is None:
            timebase = self_timed(self.returned, self.alignment.returned, cue, rate, self.alignment.base)
        edge = round(EDGE_S * rate)
        start, stop = cue.start_samples + edge, cue.stop_samples - edge
        return dewarp(self.returned, self.alignment.returned, timebase, start, stop)

    def _inside_s(self, cue: Cue, edge_s: float) -> tuple[float, float]:
        """Input times of a segment without its edges."""
        rate = self.sheet.sample_rate
        return cue.start_samples / rate + edge_s, cue.stop_samples / rate - edge_s
