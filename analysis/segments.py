"""Time base without a pilot: every segment of a stimulus by its own signal.

Noise and music tell their delay and the response together. A tone or a sweep tells its delay plus that of the response at its
frequency, and a tone that up to whole cycles. So the programme comes first; its response turns the phase of sweeps and tones
into delays, and cycles are settled from the lowest tone up, each on the trajectory that those before it gave.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from analysis import programme
from analysis.phase import Readings, phase_law, resolve_cycles, track
from analysis.smoother import Prior, smooth
from analysis.timebase import Timebase
from signals import markers
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

TONE_BANDWIDTH_HZ = 60.0
STEP_S = 2.5e-3
CUE_MARGIN_S = 0.05
SELF_TIMED_MAX_HZ = 4000.0
PROGRAMME_MARGIN_S = 0.1
BETWEEN_ANCHORS_S = 5e-4  # what a worn deck strays from the line between two chirps
SWEEP_TIMED_HZ = (100.0, 10_000.0)
SWEEP_SIGN_HZ = (300.0, 1000.0)
SWEEP_START_SD_S = 1e-2
LEAST_SD_S = 1e-6
RESPONSE_SD_RAD = 5e-3  # phase of the response as the programme tells it
CONSTANT_SD_S = 3e-6  # what the segments of one take differ by in their constants
CAPPED_COHERENCE = 0.9995


def follow(
    sent: AudioReader,
    returned: AudioReader,
    sheet: CueSheet,
    channel: int,
    to: int,
    anchors: Readings,
    coarse: Timebase,
) -> tuple[Timebase, dict[str, Timebase]]:
    """Trajectory of a channel over the whole take, and that of each segment by itself.

    Parameters
    ----------
    channel, to : int
        Channel of the stimulus and of the recording.
    anchors : Readings
        Delays at the chirps.
    coarse : Timebase
        Line through the anchors.

    Returns
    -------
    base : Timebase
    own : dict of str to Timebase
        By the segment's name. That of a tone or sweep holds the delay of the response too.
    """
    rate = sheet.sample_rate
    programmes = sheet.of_kind("music", "noise", channel=channel)
    estimates = [_by_programme(sent, returned, sheet, channel, to, cue, coarse) for cue in programmes]
    own = {cue.name: estimate.timebase for cue, estimate in zip(programmes, estimates, strict=True)}
    response = _mean_response(estimates)
    readings = [_over(own[cue.name], cue, rate) for cue in programmes]
    for cue in (_with_code(sheet, channel, "marker_start", 0), _with_code(sheet, channel, "marker_end", -1)):
        # A marker is too short to tell flutter from the phase of the response.
        found = _by_programme(sent, returned, sheet, channel, to, cue, coarse, response.response)
        readings.append(_over(found.timebase, cue, rate))
    base = _merge(anchors, readings, Prior())
    # Between what has been read the trajectory strays as far as it does from the line between two chirps.
    stray = float(np.std(base.delay_s - coarse.delay(base.input_times_s)))
    prior = replace(Prior(), flutter_s=max(Prior().flutter_s, stray))
    base = _merge(anchors, readings, prior)
    timed = [c for c in sheet.of_kind("tone", channel=channel) if c.number("frequency_hz") <= SELF_TIMED_MAX_HZ]
    steps: list[list[Cue]] = [list(sheet.of_kind("sweep", channel=channel))]
    steps += [[c for c in timed if c.number("frequency_hz") == f] for f in sorted({c.number("frequency_hz") for c in timed})]
    for cues in steps:
        for cue in cues:
            heard = _by_phase(returned, to, cue, rate, coarse)
            own[cue.name] = _alone(heard, cue, rate, coarse)
            readings.append(_freed(heard, cue, rate, base, response))
        base = _merge(anchors, readings, prior)
    return Timebase(base.start_s, base.step_s, base.delay_s, np.hypot(base.sd_s, CONSTANT_SD_S)), own


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
    mean, sd = smooth(reading, variance, found.step_s, Prior(fast_s=20e-6))
    return Timebase.over_output(found.time_s, mean, sd)


def _freed(found: Readings, cue: Cue, sample_rate: int, base: Timebase, response: programme.Estimate) -> Readings:
    """Readings of a tone or sweep without the delay of the response, in the cycle that the known trajectory points to."""
    input_time = base.input_time(found.time_s)
    frequency = phase_law(cue, sample_rate)[1](input_time)
    delay = found.delay_s - _response_delay(response, frequency)
    variance = found.variance + LEAST_SD_S**2 + (RESPONSE_SD_RAD / (2.0 * np.pi * frequency)) ** 2
    sure = np.isfinite(found.variance)
    if cue.kind == "sweep":
        sure &= (frequency >= SWEEP_TIMED_HZ[0]) & (frequency <= SWEEP_TIMED_HZ[1])
    if not sure.any():
        return Readings(found.time_s, delay, np.full(delay.size, np.inf), found.amplitude)
    # Moments at which the trajectory is known well decide; in a sweep a cycle is longest where it begins.
    weight = sure / (base.sd(input_time) * frequency) ** 2
    apart = (found.time_s - input_time - delay) * frequency
    cycles = np.round(np.sum(weight * apart) / np.sum(weight))
    return Readings(found.time_s, delay + cycles / frequency, np.where(sure, variance, np.inf), found.amplitude)


def _mean_response(estimates: Sequence[programme.Estimate]) -> programme.Estimate:
    """One response from all segments of programme, by what each knows of every frequency."""
    gamma = np.minimum([e.coherence for e in estimates], CAPPED_COHERENCE)
    weight = gamma / (1.0 - gamma) + 1e-12
    mean = np.sum(weight * [e.response for e in estimates], axis=0) / np.sum(weight, axis=0)
    return replace(estimates[0], response=mean, coherence=np.max(gamma, axis=0))


def _response_delay(response: programme.Estimate, frequency_hz: np.ndarray) -> np.ndarray:
    """Delay of the response at given frequencies, up to one number of whole cycles."""
    phase = np.interp(frequency_hz, response.frequency_hz, np.unwrap(np.angle(response.response)))
    return -phase / (2.0 * np.pi * frequency_hz)


def _with_code(sheet: CueSheet, channel: int, kind: Literal["marker_start", "marker_end"], code: int) -> Cue:
    """A marker and the identity code beside it as one segment of programme.

    A lone chirp cannot tell flutter from dispersion, since each of its frequencies sounds once; the code's many chirps can.
    """
    marker = sheet.of_kind(kind, channel=channel)[0]
    beside = sheet.of_kind("marker_code", channel=channel)[code]
    start = min(marker.start_samples, beside.start_samples)
    falling = marker.start_samples + markers.FALLING.samples(sheet.sample_rate)
    length = max(falling, beside.stop_samples) - start
    return marker.model_copy(update={"kind": "music", "start_samples": start, "length_samples": length})


def _by_programme(
    sent: AudioReader,
    returned: AudioReader,
    sheet: CueSheet,
    channel: int,
    to: int,
    cue: Cue,
    coarse: Timebase,
    response: np.ndarray | None = None,
) -> programme.Estimate:
    """Trajectory and response from a segment of programme; of a short one with a response known before."""
    rate, divisor = programme.working_rate(sheet.sample_rate)
    margin = round(PROGRAMME_MARGIN_S * sheet.sample_rate) // divisor * divisor
    first = cue.start_samples - margin
    first -= first % divisor
    last = cue.stop_samples + margin
    got_first = int(float(coarse.output_time(first / sheet.sample_rate)) * sheet.sample_rate)
    got_last = int(float(coarse.output_time(last / sheet.sample_rate)) * sheet.sample_rate)
    dry = programme.reduce_rate(sent.read(first, last)[:, channel], divisor)
    wet = programme.reduce_rate(returned.read(got_first, got_last)[:, to], divisor)
    shift_in, shift_out = first / sheet.sample_rate, got_first / sheet.sample_rate
    local = Timebase(coarse.start_s - shift_in, coarse.step_s, coarse.delay_s - (shift_out - shift_in), coarse.sd_s)
    local = programme.coarse(dry, wet, rate, local, Prior(), BETWEEN_ANCHORS_S)
    estimate = programme.refine(dry, wet, rate, local, programme.prior_of(local, Prior()), response=response)
    back = estimate.timebase
    timebase = Timebase(back.start_s + shift_in, back.step_s, back.delay_s + (shift_out - shift_in), back.sd_s)
    return replace(estimate, timebase=timebase)


def _over(timebase: Timebase, cue: Cue, sample_rate: int) -> Readings:
    """A segment's trajectory as readings over the segment."""
    time = np.arange(cue.start_samples, cue.stop_samples, sample_rate * STEP_S) / sample_rate
    variance = timebase.sd(time) ** 2 + LEAST_SD_S**2
    return Readings(timebase.output_time(time), timebase.delay(time), variance, np.ones(time.size))


def _merge(anchors: Readings, segments: Sequence[Readings], prior: Prior) -> Timebase:
    """One trajectory through the chirps and the readings of segments, on a uniform grid of output time."""
    first = min(r.time_s[0] for r in (anchors, *segments))
    last = max(r.time_s[-1] for r in (anchors, *segments))
    time = first + STEP_S * np.arange(int((last - first) / STEP_S) + 1)
    information, weighted = np.zeros(time.size), np.zeros(time.size)
    for r in segments:
        inside = slice(*np.searchsorted(time, (r.time_s[0], r.time_s[-1])))
        told = np.interp(time[inside], r.time_s, 1.0 / r.variance)
        information[inside] += told
        weighted[inside] += told * np.interp(time[inside], r.time_s, r.delay_s)
    # The chirps stand alone: each is brought to the grid along the mean speed.
    slope = float(np.polyfit(anchors.time_s, anchors.delay_s, 1)[0])
    index = np.clip(np.round((anchors.time_s - first) / STEP_S).astype(int), 0, time.size - 1)
    np.add.at(information, index, 1.0 / anchors.variance)
    np.add.at(weighted, index, (anchors.delay_s + slope * (time[index] - anchors.time_s)) / anchors.variance)
    known = information > 0.0
    variance = np.where(known, 1.0 / np.where(known, information, 1.0), np.inf)
    delay = np.where(known, weighted * np.where(known, variance, 0.0), np.nan)
    mean, sd = smooth(delay, variance, STEP_S, prior)
    return Timebase.over_output(time, mean, sd)
