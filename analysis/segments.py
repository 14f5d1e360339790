"""Time base without a pilot: every segment of a stimulus by its own signal.

Noise and music tell their delay and the response together. A guard, a sweep or a tone tells its delay plus that of the response
at its frequency, and a tone that up to whole cycles. So the programme comes first; its response turns the phase of the others
into delays, and the tones are put in the cycles that join them to what is known around them, the surest first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis import chirps, programme
from analysis.anchors import BETWEEN_ANCHORS_S, Anchors, holds
from analysis.phase import LEAST_SD_S, Readings, freed, phase_law, resolve_cycles, track
from analysis.pipeline import pipelined
from analysis.smoother import Prior, fitted, log_likelihood, smooth
from analysis.timebase import Timebase
from analysis.working_rate import reduce_rate, working_rate
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

TONE_BANDWIDTH_HZ = 60.0
CHIRP_PASSES = 2
STEP_S = 2.5e-3
CUE_MARGIN_S = 0.02
SELF_TIMED_MAX_HZ = 4000.0
PROGRAMME_MARGIN_S = 0.1
SWEEP_TIMED_HZ = (100.0, 10_000.0)
SWEEP_SIGN_HZ = (300.0, 1000.0)
SWEEP_START_SD_S = 1e-2
FAST_S = (1e-6, 2.5e-6, 5e-6)
"""What is tried of the fast part of a trajectory, for a prior that fits the take."""

CONSTANT_SD_S = 1.5e-6  # what the segments of one take differ by in their constants
PILOT_SKEW_S = 2.5e-6  # one track against another
LONG_LOSS_S = 0.06  # over a shorter one the speed on both sides tells the cycle
CAPPED_COHERENCE = 0.9995
SURE_SD_S = 30e-6  # where the programme tells less than this, it tells nothing that the neighbours would not
CORRELATED_S = 0.02  # errors of a programme's trajectory are alike for so long
JOIN_S = 1.0  # how far around a segment the trajectory tells its constant
SURE_CYCLES = 0.2


@dataclass(frozen=True)
class Pilot:
    """Readings of a pilot whose cycles need not be right, and its frequency."""

    readings: Readings
    frequency_hz: float

    def longest_loss_s(self) -> float:
        """Longest time without a reading."""
        time = self.readings.time_s
        heard = time[np.isfinite(self.readings.variance)]
        return float(np.max(np.diff(np.concatenate((time[:1], heard, time[-1:])))))

    def while_heard(self, coarse: Timebase) -> tuple["Pilot", float]:
        """The same up to where it was heard last, and that in time of the stimulus."""
        last = int(np.flatnonzero(np.isfinite(self.readings.variance))[-1])
        parts = (self.readings.time_s, self.readings.delay_s, self.readings.variance, self.readings.amplitude)
        readings = Readings(*(part[: last + 1] for part in parts))
        return replace(self, readings=readings), float(coarse.input_time(readings.time_s[-1]))


def follow(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, known: Anchors, pilot: Pilot | None = None
) -> tuple[Timebase, dict[str, Timebase]]:
    """Trajectory of a channel over the whole take, and that of each segment by itself.

    Parameters
    ----------
    known : Anchors
        Delays at the chirps of the channel, and what of it is lost.
    pilot : Pilot, optional
        What was heard of a pilot on another track that was lost for a while.

    Returns
    -------
    base : Timebase
    own : dict of str to Timebase
        By the segment's name. That of a tone or sweep holds the delay of the response too.
    """
    channel, to, coarse = known.channel, known.returned, known.line()
    rate = sheet.sample_rate
    there = [c for c in sheet.cues if c.channel == channel and holds(known.lost_s, c, rate)]
    programmes = [c for c in there if c.kind in {"music", "noise"}]
    read = _Reader(sent, returned, sheet, channel, to, coarse)
    estimates = list(pipelined(programmes, read, _by_programme))
    own = {cue.name: estimate.timebase for cue, estimate in zip(programmes, estimates, strict=True)}
    readings = [*_stretches(known.readings), *(_over(own[cue.name], cue, rate) for cue in programmes)]
    # Codes and impulses are too short to tell flutter from the phase of the response.
    response = _mean_response(estimates) if estimates else None
    for cue in (c for c in there if response is not None and c.kind in {"marker_code", "impulses"}):
        found = _by_programme(read(cue), None if response is None else response.response)
        readings.append(_over(found.timebase, cue, rate))
    take_s = (0.0, sheet.samples / rate)
    span = (float(coarse.output_time(take_s[0])), float(coarse.output_time(take_s[1])))
    time, delay, variance = _on_grid(span, readings)
    prior = fitted(delay - _along(coarse, time), variance, STEP_S)
    base = _merge(span, readings, prior, coarse)
    known_hz = None if response is None else (response.frequency_hz, response.response)
    # On a trajectory that the chirps have told once they are heard again: their edges then tell the delay, and not the speed.
    told: list[Readings] = []
    for _ in range(CHIRP_PASSES):
        told = [chirp.readings(returned, to, base, known_hz) for chirp in chirps.placed(there, rate)]
        base = _merge(span, [*readings, *told], prior, coarse)
    readings += told
    tones = []
    for cue in (c for c in there if c.kind in {"sweep", "tone"}):
        if cue.kind == "tone" and cue.number("frequency_hz") > SELF_TIMED_MAX_HZ:
            continue
        heard = _by_phase(returned, to, cue, rate, coarse)
        own[cue.name] = _alone(heard, cue, rate, coarse)
        law = phase_law(cue, rate)[1]
        if cue.kind == "tone":
            tones.append((freed(heard, law, base, known_hz), 1.0 / cue.number("frequency_hz")))
        else:
            readings.append(freed(heard, law, base, known_hz, SWEEP_TIMED_HZ))
    readings = _joined(tones, readings, prior)
    prior = _fitted(span, readings, coarse)
    base = _merge(span, readings, prior, coarse)
    if pilot is not None:
        base = _merge(span, [*readings, *_pieces(pilot, base)], prior, coarse)
    return Timebase(base.start_s, base.step_s, base.delay_s, np.hypot(base.sd_s, CONSTANT_SD_S)), own


def own_phases(
    returned: AudioReader, sheet: CueSheet, channel: int, to: int, base: Timebase, lost_s: Sequence[tuple[float, float]]
) -> dict[str, Timebase]:
    """Time bases of the tones and sweeps of a channel by their own phase, by name."""
    rate = sheet.sample_rate
    cues = [c for c in sheet.of_kind("sweep", "tone", channel=channel) if holds(lost_s, c, rate)]
    cues = [c for c in cues if c.kind == "sweep" or c.number("frequency_hz") <= SELF_TIMED_MAX_HZ]
    return {cue.name: self_timed(returned, to, cue, rate, base) for cue in cues}


def self_timed(returned: AudioReader, channel: int, cue: Cue, sample_rate: int, coarse: Timebase) -> Timebase:
    """Time base of a tone or sweep from its own phase; constant and slow trend hold the phase of the response too."""
    return _alone(_by_phase(returned, channel, cue, sample_rate, coarse), cue, sample_rate, coarse)


def _by_phase(returned: AudioReader, channel: int, cue: Cue, sample_rate: int, coarse: Timebase) -> Readings:
    span = (cue.start_samples / sample_rate + CUE_MARGIN_S, cue.stop_samples / sample_rate - CUE_MARGIN_S)
    return track(returned, channel, phase_law(cue, sample_rate), coarse, span, TONE_BANDWIDTH_HZ, STEP_S)


def _alone(found: Readings, cue: Cue, sample_rate: int, coarse: Timebase) -> Timebase:
    """Time base from the phase of a tone or sweep, as near to the coarse one as cycles allow."""
    expected = found.time_s - coarse.input_time(found.time_s)
    reading, variance = found.delay_s, found.variance
    if cue.kind == "tone":
        reading = resolve_cycles(found, cue.number("frequency_hz"), found.time_s, expected).delay_s
    else:
        # The phase of the response is a large delay at low frequencies: there the chirp before the sweep is the better guide.
        frequency = phase_law(cue, sample_rate)[1](found.time_s - expected)
        # A deck that inverts turns the whole sweep by half a cycle, which is no delay; where it begins the chirp tells it.
        begins = (frequency >= SWEEP_SIGN_HZ[0]) & (frequency < SWEEP_SIGN_HZ[1])
        half_cycles = np.round(np.median(2.0 * frequency[begins] * (expected - reading)[begins]))
        reading = reading + half_cycles / (2.0 * frequency)
        reading = np.where(frequency < SWEEP_SIGN_HZ[0], expected, reading)
        variance = np.where(frequency < SWEEP_SIGN_HZ[0], SWEEP_START_SD_S**2, variance)
    if not np.isfinite(variance).any():
        return coarse  # it drowned
    mean, sd = smooth(reading, variance, found.step_s, Prior(fast_s=20e-6))
    return Timebase.over_output(found.time_s, mean, sd)


def _joined(tones: Sequence[tuple[Readings, float]], known: Sequence[Readings], prior: Prior) -> list[Readings]:
    """What is known, and the tones (readings, length of a cycle in s) in the cycles that join it.

    The surest is settled first and then helps its neighbours; what stays in doubt is left out.
    """
    settled, left = list(known), list(tones)
    off: list[tuple[float, float] | None] = [None] * len(left)
    while left:
        told = [o or _cycles_off(*tone, settled, prior) for tone, o in zip(left, off, strict=True)]
        surest = min(range(len(left)), key=lambda i: told[i][1])
        cycles, sd = told.pop(surest)
        if sd > SURE_CYCLES:
            break
        tone, cycle_s = left.pop(surest)
        tone = replace(tone, delay_s=tone.delay_s + np.round(cycles) * cycle_s)
        settled.append(tone)
        off = [None if _apart_s(other, tone) < JOIN_S else o for (other, _), o in zip(left, told, strict=True)]
    return settled


def _apart_s(one: Readings, other: Readings) -> float:
    return float(max(one.time_s[0] - other.time_s[-1], other.time_s[0] - one.time_s[-1]))


def _cycles_off(tone: Readings, cycle_s: float, known: Sequence[Readings], prior: Prior) -> tuple[float, float]:
    """How many cycles a tone should be later to join what is known around it, and the deviation of that number."""
    near = [r for r in known if _apart_s(r, tone) < JOIN_S and np.isfinite(r.variance).any()]
    if not near or not np.isfinite(tone.variance).any():
        return 0.0, np.inf
    span = (tone.time_s[0] - JOIN_S, tone.time_s[-1] + JOIN_S)
    # The logarithm of the likelihood of a Gaussian process is a parabola in any constant: three values tell all of it.
    below, at, above = (
        log_likelihood(*_on_grid(span, [*near, replace(tone, delay_s=tone.delay_s + k * cycle_s)])[1:], STEP_S, prior)
        for k in (-1, 0, 1)
    )
    bend = 2.0 * at - below - above
    return (0.5 * (above - below) / bend, bend**-0.5) if bend > 0.0 else (0.0, np.inf)


def _mean_response(estimates: Sequence[programme.Estimate]) -> programme.Estimate:
    """One response from all segments of programme, by what each knows of every frequency."""
    gamma = np.minimum([e.coherence for e in estimates], CAPPED_COHERENCE)
    weight = gamma / (1.0 - gamma) + 1e-12
    mean = np.sum(weight * [e.response for e in estimates], axis=0) / np.sum(weight, axis=0)
    return replace(estimates[0], response=mean, coherence=np.max(gamma, axis=0))


def _pieces(pilot: Pilot, base: Timebase) -> list[Readings]:
    """Stretches in which a pilot was heard, each in the cycle that the trajectory points to, all on the channel's constant."""
    heard = np.flatnonzero(np.isfinite(pilot.readings.variance))
    apart = np.flatnonzero(np.diff(pilot.readings.time_s[heard]) > LONG_LOSS_S) + 1
    time, delay, variance = (
        np.split(x[heard], apart) for x in (pilot.readings.time_s, pilot.readings.delay_s, pilot.readings.variance)
    )
    off = np.array([_mean_distance(t, d, base) for t, d in zip(time, delay, strict=True)]) * pilot.frequency_hz
    length = [t.size for t in time]
    # A deck may invert, which is half a cycle for all of them alike.
    half = min((0.0, 0.5), key=lambda h: np.average((off - h - np.round(off - h)) ** 2, weights=length))
    delay = [d + (half + np.round(o - half)) / pilot.frequency_hz for d, o in zip(delay, off, strict=True)]
    constant = _mean_distance(np.concatenate(time), np.concatenate(delay), base)
    return [
        Readings(t, d + constant, v + PILOT_SKEW_S**2, np.ones(t.size))
        for t, d, v in zip(time, delay, variance, strict=True)
    ]


def _mean_distance(time: np.ndarray, delay: np.ndarray, base: Timebase) -> float:
    """How much later than readings a trajectory is, by the moments at which it is known well."""
    input_time = base.input_time(time)
    return float(np.average(time - input_time - delay, weights=base.sd(input_time) ** -2.0))


@dataclass(frozen=True)
class _Segment:
    """A segment of programme at the working rate, with what is known of its trajectory and where its clocks begin."""

    dry: np.ndarray
    wet: np.ndarray
    rate: int
    local: Timebase
    shift_in_s: float
    shift_out_s: float


@dataclass(frozen=True)
class _Reader:
    """Reads segments of programme of one channel."""

    sent: AudioReader
    returned: AudioReader
    sheet: CueSheet
    channel: int
    to: int
    coarse: Timebase

    def __call__(self, cue: Cue) -> _Segment:
        full, coarse = self.sheet.sample_rate, self.coarse
        rate, divisor = working_rate(full)
        margin = round(PROGRAMME_MARGIN_S * full) // divisor * divisor
        first = cue.start_samples - margin
        first -= first % divisor
        last = cue.stop_samples + margin
        got_first, got_last = (int(float(coarse.output_time(s / full)) * full) for s in (first, last))
        dry = reduce_rate(self.sent.read(first, last)[:, self.channel], divisor)
        wet = reduce_rate(self.returned.read(got_first, got_last)[:, self.to], divisor)
        shift_in, shift_out = first / full, got_first / full
        local = Timebase(coarse.start_s - shift_in, coarse.step_s, coarse.delay_s - (shift_out - shift_in), coarse.sd_s)
        return _Segment(dry, wet, rate, local, shift_in, shift_out)


def _by_programme(heard: _Segment, response: np.ndarray | None = None) -> programme.Estimate:
    """Trajectory and response from a segment of programme; of a short one with a response known before."""
    dry, wet, rate = heard.dry, heard.wet, heard.rate
    local = programme.coarse(dry, wet, rate, heard.local, Prior(), BETWEEN_ANCHORS_S)
    estimate = programme.refine(dry, wet, rate, local, programme.prior_of(local, Prior()), response=response)
    back, shift_s = estimate.timebase, heard.shift_out_s - heard.shift_in_s
    return replace(
        estimate, timebase=Timebase(back.start_s + heard.shift_in_s, back.step_s, back.delay_s + shift_s, back.sd_s)
    )


def _over(timebase: Timebase, cue: Cue, sample_rate: int) -> Readings:
    """A segment's trajectory as readings over the segment, which count as independent."""
    time = np.arange(cue.start_samples, cue.stop_samples, sample_rate * STEP_S) / sample_rate
    sd = timebase.sd(time)
    variance = np.where(sd < SURE_SD_S, sd**2 * CORRELATED_S / STEP_S + LEAST_SD_S**2, np.inf)
    return Readings(timebase.output_time(time), timebase.delay(time), variance, np.ones(time.size))


def _stretches(anchors: Readings) -> list[Readings]:
    """Each chirp, which stands alone, drawn out to one step of the grid along the mean speed."""
    span = anchors.time_s[-1] - anchors.time_s[0]
    slope = float((anchors.delay_s[-1] - anchors.delay_s[0]) / span) if span > 0.0 else 0.0
    ends = STEP_S * np.array([-0.5, 0.5])
    return [
        Readings(time + ends, delay + slope * ends, np.full(2, variance), np.ones(2))
        for time, delay, variance in zip(anchors.time_s, anchors.delay_s, anchors.variance, strict=True)
    ]


def _merge(span_s: tuple[float, float], readings: Sequence[Readings], prior: Prior, coarse: Timebase) -> Timebase:
    """One trajectory through readings, over a span of output time; the prior is about the coarse one, which may have a cut."""
    time, delay, variance = _on_grid(span_s, readings)
    along = _along(coarse, time)
    mean, sd = smooth(delay - along, variance, STEP_S, prior)
    return Timebase.over_output(time, mean + along, sd)


def _fitted(span_s: tuple[float, float], readings: Sequence[Readings], coarse: Timebase) -> Prior:
    """The prior that makes readings likeliest, its fast part too: it says how far they may be carried beyond their ends."""
    time, delay, variance = _on_grid(span_s, readings)
    delay = delay - _along(coarse, time)
    slow = fitted(delay, variance, STEP_S, FAST_S[0])
    tried = [replace(slow, fast_s=fast) for fast in FAST_S]
    return max(tried, key=lambda prior: log_likelihood(delay, variance, STEP_S, prior))


def _along(coarse: Timebase, time_s: np.ndarray) -> np.ndarray:
    """Delay over output time."""
    return time_s - coarse.input_time(time_s)


def _on_grid(span_s: tuple[float, float], readings: Sequence[Readings]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, delay and variance of all readings on a uniform grid of output time."""
    time = span_s[0] + STEP_S * np.arange(int((span_s[1] - span_s[0]) / STEP_S) + 1)
    information, weighted = np.zeros(time.size), np.zeros(time.size)
    for r in readings:
        inside = slice(*np.searchsorted(time, (r.time_s[0], r.time_s[-1])))
        told = np.interp(time[inside], r.time_s, 1.0 / r.variance)
        information[inside] += told
        weighted[inside] += told * np.interp(time[inside], r.time_s, r.delay_s)
    known = information > 0.0
    variance = np.where(known, 1.0 / np.where(known, information, 1.0), np.inf)
    return time, np.where(known, weighted * np.where(known, variance, 0.0), np.nan), variance
