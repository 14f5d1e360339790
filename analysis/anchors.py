"""Moments that are known on every channel of a take: its markers and guard chirps, and what of the take is not there.

A tape that was stopped or cut still has good moments before and after: guards are followed from the start marker on, and from
the end marker back, each expected where the last one found says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.locate import Arrival, FoundTake, heard_on_channels
from analysis.phase import Readings
from analysis.timebase import Timebase
from signals import markers
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

ANCHOR_SD_S = 60e-6  # phase of the response, and flutter within a chirp
BETWEEN_ANCHORS_S = 5e-4  # what a worn deck strays from the line between two chirps
GUARD_REACH_S = 0.05
WANDER = 3e-3  # change of speed from one guard to the next that is still followed
SPEED_OVER_S = 4.0  # anchors so far apart tell the speed better than the start marker does
LEAST_HEARD = 0.5  # share of the guards on the line from start to end of a tape that ran through


@dataclass(frozen=True)
class Anchors:
    """Known moments of one channel.

    Attributes
    ----------
    channel, returned : int
        Channel of the stimulus and of the recording.
    found : FoundTake
        What its markers said.
    readings : Readings
        Delays at markers and guards.
    lost_s : tuple of (float, float)
        Spans of the stimulus, from s to s, that are not on the recording.
    """

    channel: int
    returned: int
    found: FoundTake
    readings: Readings
    lost_s: tuple[tuple[float, float], ...] = ()

    def running_to(self, stop_s: float) -> "Anchors":
        """The same where it is known that the tape ran to a time of the stimulus, after which all is lost."""
        if self.found.end_s is not None or not self.lost_s:
            return self
        low, high = self.lost_s[-1]
        return replace(self, lost_s=(*self.lost_s[:-1], (max(low, stop_s), high)))

    def line(self) -> Timebase:
        """Broken line through the anchors, on a fine enough grid that ends at the last: beyond it the line goes straight on."""
        x = self.readings.time_s - self.readings.delay_s
        if x.size == 1:
            slope = 1.0 / self.found.speed - 1.0
            at = x[0] + np.array([0.0, 1.0])
            return Timebase(float(x[0]), 1.0, self.readings.delay_s[0] + slope * (at - x[0]), np.full(2, BETWEEN_ANCHORS_S))
        grid = np.linspace(x[0], x[-1], 2 + int((x[-1] - x[0]) / 0.05))
        delay = np.interp(grid, x, self.readings.delay_s)
        return Timebase(float(x[0]), float(grid[1] - grid[0]), delay, np.full(grid.size, BETWEEN_ANCHORS_S))


@dataclass(frozen=True)
class Unjoined:
    """A channel that cannot be joined to what was sent, and why and what to do in one line."""

    channel: int
    returned: int
    reason: str


def find(returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int]) -> tuple[list[Anchors], list[Unjoined]]:
    """Anchors of the programme channels of a take, and the channels that have none.

    Parameters
    ----------
    inputs : mapping of int to int
        Channel of the stimulus to channel of the recording.
    """
    programme = [c for c in sheet.channels_of("programme") if c in inputs]
    heard = heard_on_channels(returned, sheet, sorted({inputs[c] for c in programme}))
    anchors, without = [], []
    for c in programme:
        takes, falling, guards = heard[inputs[c]]
        if takes:
            anchors.append(_anchors(returned, sheet, c, inputs[c], takes[0], falling, guards))
        else:
            without.append(c)
    unjoined = []
    for c in without:
        _, falling, guards = heard[inputs[c]]
        borrowed = _borrowed(anchors[0], sheet, c, inputs[c], falling, guards) if anchors else None
        if borrowed is not None:
            anchors.append(borrowed)
        else:
            reason = (
                f"channel {inputs[c] + 1} of the recording has no start marker; check the wiring of track "
                f"{sheet.channels[c].track} and that the tape was played from before the start"
            )
            unjoined.append(Unjoined(c, inputs[c], reason))
    return sorted(anchors, key=lambda a: a.channel), unjoined


def _anchors(
    returned: AudioReader,
    sheet: CueSheet,
    channel: int,
    to: int,
    found: FoundTake,
    falling: Sequence[Arrival],
    guards: Sequence[Arrival],
) -> Anchors:
    rate = sheet.sample_rate
    cues = _cues(sheet, channel)
    start_s, end_s = (sheet.of_kind(kind)[0].start_samples / rate for kind in ("marker_start", "marker_end"))
    if found.end_s is not None:
        line = Timebase.line(start_s, end_s, found.start_s - start_s, found.end_s - end_s)
        near = [_nearest(cue, rate, falling, guards, lambda apex: float(line.delay(apex)), GUARD_REACH_S) for cue in cues]
        if sum(n is not None for n in near) >= LEAST_HEARD * len(cues):
            return Anchors(channel, to, found, _readings([n for n in near if n is not None]))
    speed = found.marker_speed or found.speed
    forward = _followed(cues, rate, falling, guards, found.start_s - start_s, speed)
    if found.end_s is None:
        heard = [n for n in forward if n is not None]
        last = max(
            (cue.start_samples / rate for cue, n in zip(cues, forward, strict=True) if n is not None), default=start_s
        )
        stop = _recorded_to(heard, returned.samples / rate, cues, forward, rate)
        return Anchors(channel, to, found, _readings(heard), ((max(last, stop), sheet.samples / rate),))
    back = _followed(cues[::-1], rate, falling, guards, found.end_s - end_s, speed)[::-1]
    # The cut lies where following from the start loses what following from the end still has.
    split = max(range(len(cues) + 1), key=lambda k: _count(forward[:k]) + _count(back[k:]))
    before, after = ([n for n in part if n is not None] for part in (forward[:split], back[split:]))
    lost = (before[-1][0] if before else start_s, after[0][0] if after else end_s)
    return Anchors(channel, to, found, _readings([*before, *after]), (lost,))


def _borrowed(
    neighbour: Anchors, sheet: CueSheet, channel: int, to: int, falling: Sequence[Arrival], guards: Sequence[Arrival]
) -> Anchors | None:
    """Anchors of a channel whose start marker was lost, where most of its guards come when those of its neighbour do."""
    line = neighbour.line()
    cues = _cues(sheet, channel)
    near = [
        _nearest(cue, sheet.sample_rate, falling, guards, lambda apex: float(line.delay(apex)), GUARD_REACH_S)
        for cue in cues
    ]
    heard = [n for n in near if n is not None]
    if len(heard) < LEAST_HEARD * neighbour.readings.time_s.size:
        return None
    return Anchors(channel, to, neighbour.found, _readings(heard), neighbour.lost_s)


def _cues(sheet: CueSheet, channel: int) -> list[Cue]:
    return list(sheet.of_kind("marker_start", "guard", "marker_end", channel=channel))


def _followed(
    cues: Sequence[Cue], rate: int, falling: Sequence[Arrival], guards: Sequence[Arrival], delay_s: float, speed: float
) -> list[tuple[float, float] | None]:
    """Anchors one after the other, each expected where the last one found says; None for one that is not there."""
    slope = 1.0 / speed - 1.0
    at = begin = cues[0].start_samples / rate
    first = delay_s
    found: list[tuple[float, float] | None] = []
    for cue in cues:
        reach = GUARD_REACH_S + WANDER * abs(cue.start_samples / rate - at)
        near = _nearest(cue, rate, falling, guards, lambda apex: delay_s + slope * (apex - at), reach)  # noqa: B023
        if near is not None:
            at, delay_s = near
            if abs(at - begin) > SPEED_OVER_S:
                slope = (delay_s - first) / (at - begin)
        found.append(near)
    return found


def _nearest(
    cue: Cue,
    rate: int,
    falling: Sequence[Arrival],
    guards: Sequence[Arrival],
    expected: Callable[[float], float],
    reach_s: float,
) -> tuple[float, float] | None:
    """Input time and delay of the best arrival of a marker or guard about where it is expected."""
    chirp, heard = (markers.GUARD, guards) if cue.kind == "guard" else (markers.FALLING, falling)
    # At its apex, where the frequency would have been infinite, a chirp's arrival does not depend on the speed.
    lead = chirp.apparent_shift_s(np.inf)
    apex = cue.start_samples / rate - lead
    near = [a for a in heard if abs(a.time_s - lead - apex - expected(apex)) < reach_s]
    if not near:
        return None
    return apex, max(near, key=lambda a: a.match).time_s - lead - apex


def _readings(heard: Sequence[tuple[float, float]]) -> Readings:
    x, d = np.array(heard, dtype=float).reshape(-1, 2).T
    return Readings(x + d, d, np.full(x.size, ANCHOR_SD_S**2), np.ones(x.size))


def _count(heard: Sequence[object | None]) -> int:
    return sum(h is not None for h in heard)


def _recorded_to(
    heard: Sequence[tuple[float, float]],
    length_s: float,
    cues: Sequence[Cue],
    forward: Sequence[tuple[float, float] | None],
    rate: int,
) -> float:
    """Input time at which the recording ends, where that is why no more was heard; else that of the last thing heard."""
    if not heard:
        return 0.0
    at, delay = heard[-1]
    missed = [
        cue.start_samples / rate for cue, n in zip(cues, forward, strict=True) if n is None and cue.start_samples / rate > at
    ]
    ends = length_s - delay
    return ends if missed and missed[0] + delay > length_s - GUARD_REACH_S else at


def holds(lost_s: Sequence[tuple[float, float]], cue: Cue, sample_rate: int) -> bool:
    """Whether none of a segment lies in spans of the stimulus that are lost."""
    return all(cue.stop_samples <= low * sample_rate or cue.start_samples >= high * sample_rate for low, high in lost_s)
