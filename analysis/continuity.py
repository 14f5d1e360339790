"""Samples that were lost without notice: a step of the delay that no tape can make.

Flags of an interface do not tell every loss. A recording that holds its stimulus does: where samples are missing, all that follows
comes early by as many. The delay is read at every marker and guard chirp and twice a second where the stimulus times itself
(programme, noise, sweeps, impulses). A tape's own delay wanders, by half a millisecond on a worn deck, but wander comes back and a
loss stays: at every place between two readings a straight line with a step is fitted to the readings around it, and a step that
stands far above all the others of the take is a loss. The phase of a tone or pilot in between, where it jumps, then says when.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis import peak
from analysis.dewarp import HALF_TAPS, interpolate
from analysis.locate import Arrival, FoundTake, arrivals
from analysis.phase import phase_law, track
from analysis.timebase import Timebase
from signals import markers
from signals.audio import AudioReader
from signals.cues import CueSheet

NEAR_S, FAR_S = 0.25, 3.0  # how far from where it is due a chirp is looked for, at first and when there is none
WINDOW_S, HOP_S, REACH_S = 0.5, 0.5, 0.05
BAND_HZ = (300.0, 2500.0)  # above, the wow within a window smears the correlation
FLOOR = 1e-3  # bins so far below the strongest tell nothing (power)
LEAST_QUALITY = 0.2
PEAK_S, CLEAR_PEAK = 1e-3, 1.6
INNER = 0.9  # of the reach: further out a window that fits nowhere seems to fit best
AROUND_S = 30.0
AROUND_READINGS = 20
LEAST_A_SIDE = 2
STANDS_OUT = 7.0  # a step over the usual one of the take
TAPE_STEP_S = 6e-4
DIRECT_STEP_S = 3e-5
MOST_LOSSES = 20
JUMP_BANDWIDTH_HZ = 200.0
JUMP_STEP_S = 1e-3
JUMP_BESIDE_S = 0.01
JUMP_EDGE_S = 0.03
JUMP_DOUBT_S = 0.25
LEAST_JUMP_CYCLES = 0.04
JUMP_STANDS_OUT = 6.0


@dataclass(frozen=True)
class Loss:
    """Samples missing (or, negative, too many) in a recording, between two times of it.

    Attributes
    ----------
    from_s, to_s : float
        The loss lies between these times in the recording.
    samples : int
        How many are missing.
    doubt_samples : int
        By how much that number may be wrong (two standard deviations).
    """

    from_s: float
    to_s: float
    samples: int
    doubt_samples: int


@dataclass(frozen=True)
class Continuity:
    """What a take says of its own wholeness.

    Attributes
    ----------
    losses : tuple of Loss
        In order of time; empty too where there are too few readings to tell.
    polarity : {1, -1, 0}
        Whether what returns is inverted; 0 where nothing tells.
    """

    losses: tuple[Loss, ...] = ()
    polarity: int = 0


@dataclass(frozen=True)
class Readings:
    """Delay (shape (readings,)) at input times, in order."""

    time_s: np.ndarray
    delay_s: np.ndarray


def examine(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, channel: int, to: int, found: FoundTake, *, tape: bool
) -> Continuity:
    """Find what was lost between the start and the end marker of a take, and whether it came back inverted.

    Parameters
    ----------
    sent, returned : AudioReader
        The stimulus as played, and the recording.
    sheet : CueSheet
        What was played.
    channel, to : int
        Channel of the stimulus, and the channel of the recording on which it comes back.
    found : FoundTake
        Where the take lies.
    tape : bool
        Whether a tape moves in between; without one far smaller losses are found.
    """
    chirps = _chirps(returned, sheet, channel, to, found)
    if chirps.time_s.size < 2:
        return Continuity()
    readings, signs = _with_programme(sent, returned, sheet, channel, to, chirps)
    told = []
    least_s = TAPE_STEP_S if tape else DIRECT_STEP_S
    for at, step_s, doubt_s in steps(readings, least_s) if chirps.time_s.size > 2 else []:
        start, end = (float(readings.time_s[i] + readings.delay_s[i]) for i in (at, at + 1))
        moment = _jump(returned, sheet, channel, to, readings, at)
        if moment is not None:
            start, end = max(start, moment - JUMP_DOUBT_S), min(end, moment + JUMP_DOUBT_S)
        rate = sheet.sample_rate
        told.append(Loss(start, end, round(-step_s * rate), max(1, round(doubt_s * rate))))
    return Continuity(tuple(told), int(np.sign(sum(signs))))


def _chirps(audio: AudioReader, sheet: CueSheet, channel: int, to: int, found: FoundTake) -> Readings:
    """Delays at markers and guards, each looked for where the one before makes it due."""
    rate = sheet.sample_rate
    heard = dict(zip(("marker", "guard"), arrivals(audio, to, (markers.FALLING, markers.GUARD)), strict=True))
    time, delay = [], []
    before_in = sheet.of_kind("marker_start")[0].start_samples / rate
    before_out = found.start_s
    for cue in sheet.of_kind("marker_start", "guard", "marker_end", channel=channel):
        kind, chirp = ("guard", markers.GUARD) if cue.kind == "guard" else ("marker", markers.FALLING)
        start_s = cue.start_samples / rate
        due = before_out + (start_s - before_in) / found.speed + chirp.apparent_shift_s(found.speed)
        best = _nearest(heard[kind], due)
        if best is not None:
            before_in, before_out = start_s, best.time_s - chirp.apparent_shift_s(found.speed)
            # At its apex, where the frequency would have been infinite, a chirp's arrival does not depend on the speed.
            lead = chirp.apparent_shift_s(np.inf)
            time.append(start_s - lead)
            delay.append(best.time_s - start_s)
    return Readings(np.array(time), np.array(delay))


def _nearest(heard: Sequence[Arrival], due_s: float) -> Arrival | None:
    for reach_s in (NEAR_S, FAR_S):
        near = [a for a in heard if abs(a.time_s - due_s) < reach_s]
        if near:
            return max(near, key=lambda a: a.match)
    return None


def _with_programme(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, channel: int, to: int, chirps: Readings
) -> tuple[Readings, list[float]]:
    """The chirps' readings and those of short windows of what times itself between them, and the signs of these."""
    rate = sheet.sample_rate
    slope = float(np.median(np.diff(chirps.delay_s) / np.diff(chirps.time_s)))
    time, delay, signs = list(chirps.time_s), list(chirps.delay_s), []
    for cue in sheet.of_kind("marker_code", "music", "noise", "sweep", "impulses", channel=channel):
        for start in np.arange(cue.start_samples / rate, (cue.stop_samples / rate) - WINDOW_S, HOP_S):
            middle = start + 0.5 * WINDOW_S
            expected = float(np.interp(middle, chirps.time_s, chirps.delay_s))
            lag = _lag(sent, returned, channel, to, float(start), expected - 0.5 * WINDOW_S * slope, slope)
            if lag is not None:
                time.append(middle)
                delay.append(expected + lag[0])
                signs.append(lag[1])
    order = np.argsort(time)
    return Readings(np.array(time)[order], np.array(delay)[order]), signs


def _lag(
    sent: AudioReader, returned: AudioReader, channel: int, to: int, start_s: float, delay_s: float, slope: float
) -> tuple[float, float] | None:
    """How much later a window of the stimulus comes than thought, and with which sign; None where it cannot be told."""
    rate = sent.sample_rate
    size = round(WINDOW_S * rate)
    reach = round(REACH_S * rate)
    first = round(start_s * rate)
    dry = sent.read(first, first + size)[:, channel]
    got_first = (first / rate + delay_s) * rate - reach * (1.0 + slope)
    positions = got_first + (1.0 + slope) * np.arange(size + 2 * reach)
    low = int(positions[0]) - HALF_TAPS
    got = interpolate(returned.read(low, int(positions[-1]) + HALF_TAPS + 1)[:, to], positions - low)
    length = 1 << int(np.ceil(np.log2(got.size)))
    frequency = np.fft.rfftfreq(length, 1.0 / rate)
    inside = (frequency > BAND_HZ[0]) & (frequency < BAND_HZ[1])
    X, Y = np.fft.rfft(dry * np.hanning(size), length) * inside, np.fft.rfft(got, length) * inside
    power = np.abs(X) ** 2
    if not power.any():
        return None
    weight = power / (power + FLOOR * power.max())
    unit = weight * np.conj(X) * Y / (np.abs(X) * np.abs(Y) + 1e-30)
    wave = np.fft.irfft(unit, length)[: 2 * reach + 1] * length / 2.0
    height = np.abs(wave)  # a deck may invert
    at = int(np.argmax(height))
    if abs(at - reach) > INNER * reach or height[at] < LEAST_QUALITY * np.sum(weight):
        return None
    near = round(PEAK_S * rate)
    others = np.concatenate([height[: max(0, at - near)], height[at + near :]])
    if height[at] < CLEAR_PEAK * others.max():  # a held chord, or a narrow part of a sweep, fits at many lags
        return None
    lag_s = (at + peak.vertex(*height[at - 1 : at + 2]) - reach) * (1.0 + slope) / rate
    return lag_s, float(np.sign(wave[at]))


def steps(readings: Readings, least_s: float) -> list[tuple[int, float, float]]:
    """Steps as (reading before it, size in s, by how much that may be wrong), in order of time.

    The largest is taken, all taken so far are fitted together with the trend, and what is left is searched again. A step that the
    very next reading takes back is none: that reading alone strays, as where music repeats itself.
    """
    time, delay = readings.time_s, readings.delay_s
    places: list[int] = []
    sizes, rest = _fitted(time, delay, places)
    size, explained = _all_steps(time, rest)
    while len(places) < MOST_LOSSES:
        # A step shows at all places around it, and explains most where it is.
        at = int(np.argmax(np.where(np.isin(np.arange(size.size), places), 0.0, explained)))
        largest = abs(float(size[at]))
        sizes, rest = _fitted(time, delay, [*places, at])
        size, explained = _all_steps(time, rest)
        usual = 1.4826 * float(np.median(np.abs(size)))  # of the tape, now that this one is gone
        threshold = max(least_s, STANDS_OUT * usual)
        if largest < threshold:
            break
        places.append(at)
    if not places:
        return []
    sizes, rest = _fitted(time, delay, places)
    while places and np.min(np.abs(sizes)) < threshold:  # what a neighbour explains better
        del places[int(np.argmin(np.abs(sizes)))]
        sizes, rest = _fitted(time, delay, places)
    doubt = float(2.0 * np.sqrt(2.0) * np.std(rest))  # of the difference of two readings, for the tape wanders in between
    found = dict(sorted(zip(places, sizes.tolist(), strict=True)))
    strays = [at for at in found if at + 1 in found and abs(found[at] + found[at + 1]) < doubt]
    kept = [at for at in found if at not in strays and at - 1 not in strays]
    return [(at, found[at], doubt) for at in kept]


def _fitted(time_s: np.ndarray, delay_s: np.ndarray, places: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Sizes of steps at given places, fitted with a trend of second order, and the delay without both."""
    number = np.arange(time_s.size)
    t = (time_s - time_s[0]) / (time_s[-1] - time_s[0])
    columns = np.stack([np.ones(t.size), t, t**2, *((number > at).astype(float) for at in places)], axis=1)
    found = np.linalg.lstsq(columns, delay_s, rcond=None)[0]
    return found[3:], delay_s - columns @ found


def _all_steps(time_s: np.ndarray, delay_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Size of a step at every place, and by how much it lessens the sum of squares."""
    found = np.array([_step(time_s, delay_s, at) for at in range(time_s.size - 1)])
    return found[:, 0], found[:, 1]


def _step(time_s: np.ndarray, delay_s: np.ndarray, at: int) -> tuple[float, float]:
    """Step between reading `at` and the next, beside a straight line through those around; 0 where there are too few."""
    low = max(0, at + 1 - AROUND_READINGS, int(np.searchsorted(time_s, time_s[at] - AROUND_S)))
    high = min(time_s.size, at + 1 + AROUND_READINGS, int(np.searchsorted(time_s, time_s[at + 1] + AROUND_S)))
    if min(at + 1 - low, high - at - 1) < LEAST_A_SIDE:
        return 0.0, 0.0
    line = np.stack([np.ones(high - low), time_s[low:high] - time_s[at]], axis=1)
    step = (np.arange(low, high) > at).astype(float)
    # What the line leaves of both (Frisch-Waugh): their ratio is the step of the joint fit.
    orthonormal = np.linalg.qr(line)[0]
    step, rest = (v - orthonormal @ (orthonormal.T @ v) for v in (step, delay_s[low:high]))
    size = float(step @ rest) / float(step @ step)
    return size, size * float(step @ rest)


def _jump(returned: AudioReader, sheet: CueSheet, channel: int, to: int, readings: Readings, at: int) -> float | None:
    """When the phase of a tone jumps between two readings; None where it does not stand out."""
    rate = sheet.sample_rate
    step_s = 0.05
    grid = np.arange(readings.time_s[0], readings.time_s[-1], step_s)
    coarse = Timebase(float(grid[0]), step_s, np.interp(grid, readings.time_s, readings.delay_s), np.full(grid.size, 1e-3))
    best, when = JUMP_STANDS_OUT, None
    for cue in sheet.of_kind("tone", channel=channel):
        start = max(cue.start_samples / rate, float(readings.time_s[at])) + JUMP_EDGE_S
        stop = min(cue.stop_samples / rate, float(readings.time_s[at + 1])) - JUMP_EDGE_S
        if stop - start < 8.0 * JUMP_BESIDE_S:
            continue
        found = track(returned, to, phase_law(cue, rate), coarse, (start, stop), JUMP_BANDWIDTH_HZ, JUMP_STEP_S)
        beside = round(JUMP_BESIDE_S / JUMP_STEP_S)
        phase = (found.delay_s - (found.time_s - coarse.input_time(found.time_s))) * cue.number("frequency_hz")
        # A jump against the line through what lies on either side of it, in cycles.
        jump = np.abs(phase[2 * beside : -beside] - phase[beside : -2 * beside] - np.median(np.diff(phase)) * beside)
        usual = float(np.median(jump)) + 1e-4
        k = int(np.argmax(jump))
        if jump[k] > LEAST_JUMP_CYCLES and jump[k] / usual > best:
            best, when = jump[k] / usual, float(found.time_s[k + beside + beside // 2])
    return when
