"""Join a recording to its stimulus: the time base of every channel of a take, or of a pair without markers.

====================== =================================================================================================
what there is          how the trajectory is had
====================== =================================================================================================
pilot                  phase of the pilot, 200 Hz wide; the programme adds the channel's own constant and its slow skew
stimulus, no pilot     each segment's own phase (tones, sweeps) or programme (music, noise), :mod:`analysis.segments`
pair with a pilot      as programme alone; then the phase of the pilot, to which the programme adds constant and skew
programme alone        search by band energies, cross-correlation, then the programme (:mod:`analysis.programme`)
====================== =================================================================================================
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from analysis import anchors, programme, search, segments, skew
from analysis.anchors import Anchors, Unjoined, holds
from analysis.locate import FoundTake
from analysis.phase import Readings, phase_law, resolve_cycles, track
from analysis.pilot_tone import frequency_of
from analysis.pipeline import one_blas_thread
from analysis.smoother import Prior, smooth
from analysis.timebase import Timebase
from analysis.working_rate import Reduced, working_rate
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet
from signals.errors import SignalError

PILOT_BANDWIDTH_HZ = 200.0
PILOT_STEP_S = 2e-3
MINIMUM_PILOT_DB = 20.0
COHERENT_HZ = (200.0, 4000.0)
LEAST_COHERENCE = 0.02  # signals that have nothing in common reach 0.003, a pair with 9 dB more noise than signal 0.05

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Alignment:
    """Time base of one programme channel of a take.

    Attributes
    ----------
    channel : int
        Stimulus channel.
    returned : int
        Channel of the recording.
    found : FoundTake
        What the markers on this channel said.
    base : Timebase
        Trajectory over the whole take.
    method : str
        How it was had.
    own : dict of str to Timebase
        Better time bases of single segments, by the segment's name.
    lost_s : tuple of (float, float)
        Spans of the stimulus, from s to s, that are not on the recording: the tape was stopped or cut.
    """

    channel: int
    returned: int
    found: FoundTake
    base: Timebase
    method: str
    own: dict[str, Timebase] = field(default_factory=dict)
    lost_s: tuple[tuple[float, float], ...] = ()

    def of(self, cue: Cue) -> Timebase:
        """Time base to use for a segment."""
        return self.own.get(cue.name, self.base)

    def holds(self, cue: Cue, sample_rate: int) -> bool:
        """Whether the whole of a segment is on the recording."""
        return holds(self.lost_s, cue, sample_rate)


def align_take(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int], progress: Progress = lambda _: None
) -> list[Alignment]:
    """Time bases of the programme channels of a take that can be joined to what was sent.

    Parameters
    ----------
    sent, returned : AudioReader
        The stimulus as played, and the recording.
    inputs : mapping of int to int
        Stimulus channel to channel of the recording.
    progress : callable, optional
        Told in words what is being done.

    Returns
    -------
    list of Alignment
        One a programme channel that is present in `inputs` and can be joined, in order.

    Raises
    ------
    SignalError
        None of them can.
    """
    alignments, unjoined = join_take(sent, returned, sheet, inputs, progress)
    if unjoined and not alignments:
        raise SignalError(unjoined[0].reason)
    return alignments


@one_blas_thread
def join_take(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int], progress: Progress = lambda _: None
) -> tuple[list[Alignment], list[Unjoined]]:
    """As :func:`align_take`, with the channels that cannot be joined, and why; raises nothing."""
    progress("finding the markers")
    found, unjoined = anchors.find(returned, sheet, inputs)
    if not found:
        return [], unjoined
    surest = max(found, key=lambda a: a.readings.time_s.size)
    pilot = _pilot(returned, sheet, inputs, surest, progress)
    if pilot is not None and surest.found.end_s is None:
        # Of a tape that stopped the pilot says until when it ran.
        pilot, stop_s = pilot.while_heard(surest.line())
        found = [a.running_to(stop_s) for a in found]
        surest = surest.running_to(stop_s)
    if pilot is not None and pilot.longest_loss_s() <= segments.LONG_LOSS_S:
        known, first, how = _trajectory(pilot.readings), None, "pilot, with the channel's own skew from its programme"
    else:
        # One track is followed by its segments, with what is there of a pilot that was lost for a while; the rest go with it.
        progress(f"following the segments of channel {surest.returned + 1}")
        first = _by_segments(sent, returned, sheet, surest, pilot)
        known, how = first.base, f"{first.method}, of track {sheet.channels[first.channel].track}; the channel's own skew"
    others = [a for a in found if first is None or a.channel != first.channel]
    progress("fitting the channels to the pilot" if first is None else "fitting the other channels to it")
    joins = [(a.channel, a.returned) for a in others]
    bases = skew.follow(sent, returned, sheet, joins, known, tuple(span for a in found for span in a.lost_s))
    alignments = [] if first is None else [first]
    for a, base in zip(others, bases, strict=True):
        own = {} if first is None else segments.own_phases(returned, sheet, a.channel, a.returned, base, a.lost_s)
        alignments.append(Alignment(a.channel, a.returned, a.found, base, how, own, a.lost_s))
    return sorted(alignments, key=lambda a: a.channel), unjoined


def align_channels(dry: AudioReader, wet: AudioReader, fed: int, channel: int) -> programme.Estimate:
    """Time base and response of a pair of recordings without markers, which are never held at their full rate.

    Where another channel of `dry` holds nothing but a steady tone that comes back on the same channel of `wet`, it is the pilot.

    Parameters
    ----------
    fed, channel : int
        Channel of `dry` and of `wet`.

    Raises
    ------
    SignalError
        The two have nothing in common that could be found.
    """
    rate, _ = working_rate(dry.sample_rate)
    (sent,), (got,) = Reduced(dry, (fed,)).whole(), Reduced(wet, (channel,)).whole()
    match = search.find(sent, got, rate)
    if match is None:
        raise SignalError("dry and wet have nothing in common that could be found; check that they belong together")
    prior = Prior()
    line = programme.coarse(sent, got, rate, match.timebase, prior)
    prior = programme.prior_of(line, prior)
    line = programme.coarse(sent, got, rate, line, prior)
    estimate = programme.refine(sent, got, rate, line, prior)
    pilot = _pilot_beside(dry, wet, fed, channel, estimate.timebase)
    if pilot is not None:
        known, frequency = pilot
        estimate = replace(programme.refine(sent, got, rate, known, skew.SKEW, about=known), pilot_hz=frequency)
    inside = (estimate.frequency_hz > COHERENT_HZ[0]) & (estimate.frequency_hz < COHERENT_HZ[1])
    if (best := float(np.max(estimate.coherence[inside]))) < LEAST_COHERENCE:
        raise SignalError(
            f"dry and wet have a coherence of {best:.4f} where they fit best and at least {LEAST_COHERENCE} is needed; "
            "check that they belong together"
        )
    return estimate


def is_pilot(dry: AudioReader, channel: int) -> bool:
    """Whether a channel of a pair is its pilot: nothing but a steady tone, beside a channel of something else."""
    if channel >= dry.channels or frequency_of(dry, channel) is None:
        return False
    return any(frequency_of(dry, other) is None for other in range(dry.channels) if other != channel)


def _pilot(
    returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int], known: Anchors, progress: Progress
) -> segments.Pilot | None:
    """What was heard of the pilot, or None when there is none or it does not stand out."""
    cues = [c for c in sheet.of_kind("pilot") if c.channel in inputs]
    if not cues:
        return None
    progress("following the pilot")
    readings = _tone(returned, inputs[cues[0].channel], cues[0], sheet.sample_rate, known.line())
    if readings is None:
        return None
    frequency = cues[0].number("frequency_hz")
    return segments.Pilot(resolve_cycles(readings, frequency, known.readings.time_s, known.readings.delay_s), frequency)


def _pilot_beside(
    dry: AudioReader, wet: AudioReader, fed: int, channel: int, known: Timebase
) -> tuple[Timebase, float] | None:
    """Trajectory of a pilot beside the programme of a pair, with the constant of that, and its frequency; None without one."""
    for beside in range(min(dry.channels, wet.channels)):
        if beside in (fed, channel) or (frequency := frequency_of(dry, beside)) is None:
            continue
        cue = Cue(name="pilot", kind="pilot", channel=beside, start_samples=0, length_samples=dry.samples)
        cue = cue.model_copy(update={"parameters": {"frequency_hz": frequency}})
        readings = _tone(wet, beside, cue, dry.sample_rate, known)
        if readings is None or segments.Pilot(readings, frequency).longest_loss_s() > segments.LONG_LOSS_S:
            continue
        # The phase with which it was sent is not known, but the programme tells the delay.
        heard = np.isfinite(readings.variance)
        off = readings.time_s - known.input_time(readings.time_s) - readings.delay_s
        return _trajectory(replace(readings, delay_s=readings.delay_s + np.median(off[heard]))), frequency
    return None


def _tone(returned: AudioReader, channel: int, cue: Cue, rate: int, coarse: Timebase) -> Readings | None:
    """Readings of a tone of the stimulus, right up to whole cycles; None where it does not stand out."""
    edge = 0.1
    span = (cue.start_samples / rate + edge, cue.stop_samples / rate - edge)
    first, last = (max(0.0, float(coarse.output_time(s))) for s in span)
    last = min(last, returned.samples / returned.sample_rate)
    span = (float(coarse.input_time(first + edge)), float(coarse.input_time(last - edge)))
    readings = track(returned, channel, phase_law(cue, rate), coarse, span, PILOT_BANDWIDTH_HZ, PILOT_STEP_S)
    heard = np.isfinite(readings.variance)
    if not heard.any():
        return None
    noise = 2.0 * np.pi * cue.number("frequency_hz") * np.sqrt(np.median(readings.variance[heard]))
    return readings if noise <= 10.0 ** (-MINIMUM_PILOT_DB / 20.0) else None


def _trajectory(pilot: Readings) -> Timebase:
    if np.isfinite(pilot.variance).all():
        return Timebase.over_output(pilot.time_s, pilot.delay_s, np.sqrt(pilot.variance))
    mean, sd = smooth(pilot.delay_s, pilot.variance, pilot.step_s, Prior())
    return Timebase.over_output(pilot.time_s, mean, sd)


def _by_segments(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, known: Anchors, pilot: segments.Pilot | None
) -> Alignment:
    """Each segment by its own signal, with what is there of a pilot that was lost for a while."""
    base, own = segments.follow(sent, returned, sheet, known, pilot)
    heard = "" if pilot is None else "the pilot where it was heard, elsewhere "
    method = f"{heard}each segment's own phase or programme, and marker chirps"
    return Alignment(known.channel, known.returned, known.found, base, method, own, known.lost_s)
