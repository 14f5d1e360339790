"""Join a recording to its stimulus: the time base of every channel of a take, or of a pair without markers.

====================== =================================================================================================
what there is          how the trajectory is had
====================== =================================================================================================
pilot                  phase of the pilot, 200 Hz wide; the programme adds the channel's own constant and its slow skew
stimulus, no pilot     each segment's own phase (tones, sweeps) or programme (music, noise), :mod:`analysis.segments`
programme alone        search by band energies, cross-correlation, then the programme (:mod:`analysis.programme`)
====================== =================================================================================================
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from analysis import programme, search, segments, skew
from analysis.dewarp import interpolate
from analysis.locate import FoundTake, arrivals, take_on_channel
from analysis.phase import Readings, phase_law, resolve_cycles, track
from analysis.smoother import Prior, smooth
from analysis.timebase import Timebase
from analysis.transfer import transfer
from analysis.working_rate import reduce_rate, working_rate
from signals import markers
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet
from signals.errors import SignalError

PILOT_BANDWIDTH_HZ = 200.0
PILOT_STEP_S = 1e-3
ANCHOR_SD_S = 60e-6  # phase of the response, and flutter within a chirp
GUARD_REACH_S = 0.05
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
    """

    channel: int
    returned: int
    found: FoundTake
    base: Timebase
    method: str
    own: dict[str, Timebase] = field(default_factory=dict)

    def of(self, cue: Cue) -> Timebase:
        """Time base to use for a segment."""
        return self.own.get(cue.name, self.base)


def align_take(
    sent: AudioReader, returned: AudioReader, sheet: CueSheet, inputs: dict[int, int], progress: Progress = lambda _: None
) -> list[Alignment]:
    """Time bases of the programme channels of a take.

    Parameters
    ----------
    sent, returned : AudioReader
        The stimulus as played, and the recording.
    inputs : dict of int to int
        Stimulus channel to channel of the recording.
    progress : callable, optional
        Told in words what is being done.

    Returns
    -------
    list of Alignment
        One a programme channel that is present in `inputs`, in order.

    Raises
    ------
    SignalError
        A channel has no start marker, or stops before the end marker.
    """
    programme_channels = [c for c in sheet.channels_of("programme") if c in inputs]
    anchored = []
    for c in programme_channels:
        progress(f"finding the markers of channel {inputs[c] + 1}")
        found = take_on_channel(returned, sheet, inputs[c])
        if found is None:
            raise SignalError(
                f"channel {inputs[c] + 1} of the recording has no start marker; check the wiring of track "
                f"{sheet.channels[c].track} and that the tape was played from before the start"
            )
        if found.end_s is None:
            raise SignalError(
                f"channel {inputs[c] + 1} of the recording ends at {returned.samples / returned.sample_rate:.1f} s without "
                f"an end marker; record on until the stimulus of {sheet.samples / sheet.sample_rate:.0f} s is over"
            )
        anchored.append((c, found, _anchors(returned, inputs[c], sheet, found)))
    pilot = _pilot(returned, sheet, inputs, anchored[0][2], progress) if anchored else None
    if pilot is None or pilot.longest_loss_s() > segments.LONG_LOSS_S:
        return [
            _by_segments(sent, returned, sheet, c, inputs[c], found, anchors, pilot, progress)
            for c, found, anchors in anchored
        ]
    trajectory = _trajectory(pilot.readings)
    progress("fitting the channels to the pilot")
    bases = skew.follow(sent, returned, sheet, [(c, inputs[c]) for c, _, _ in anchored], trajectory)
    return [
        Alignment(c, inputs[c], found, base, "pilot, with the channel's own skew from its programme")
        for (c, found, _), base in zip(anchored, bases, strict=True)
    ]


def align_pair(dry: np.ndarray, wet: np.ndarray, sample_rate: int) -> programme.Estimate:
    """Time base and response of a pair of recordings without markers, one channel of each.

    Raises
    ------
    SignalError
        The two have nothing in common that could be found.
    """
    rate, divisor = working_rate(sample_rate)
    sent, got = reduce_rate(dry, divisor), reduce_rate(wet, divisor)
    match = search.find(sent, got, rate)
    if match is None:
        raise SignalError("dry and wet have nothing in common that could be found; check that they belong together")
    prior = Prior()
    line = programme.coarse(sent, got, rate, match.timebase, prior)
    prior = programme.prior_of(line, prior)
    line = programme.coarse(sent, got, rate, line, prior)
    estimate = programme.refine(sent, got, rate, line, prior)
    warped = interpolate(sent, estimate.timebase.input_time(np.arange(got.size) / rate) * rate)
    _, coherence, frequency = transfer(warped, got, rate)
    inside = (frequency > COHERENT_HZ[0]) & (frequency < COHERENT_HZ[1])
    if (best := float(np.max(coherence[inside]))) < LEAST_COHERENCE:
        raise SignalError(
            f"dry and wet have a coherence of {best:.4f} where they fit best and at least {LEAST_COHERENCE} is needed; "
            "check that they belong together"
        )
    return estimate


def _anchors(returned: AudioReader, channel: int, sheet: CueSheet, found: FoundTake) -> Readings:
    """Delays at the markers and guard chirps."""
    assert found.end_s is not None
    rate = sheet.sample_rate
    start_in = sheet.of_kind("marker_start")[0].start_samples / rate
    end_in = sheet.of_kind("marker_end")[0].start_samples / rate
    line = Timebase.line(start_in, end_in, found.start_s - start_in, found.end_s - end_in)
    falling, guards = arrivals(returned, channel, (markers.FALLING, markers.GUARD))
    inputs, delays = [], []
    for cue in sheet.of_kind("marker_start", "guard", "marker_end", channel=sheet.channels_of("programme")[0]):
        chirp, heard = (markers.GUARD, guards) if cue.kind == "guard" else (markers.FALLING, falling)
        # At its apex, where the frequency would have been infinite, a chirp's arrival does not depend on the speed.
        lead = chirp.apparent_shift_s(np.inf)
        apex = cue.start_samples / rate - lead
        near = [a for a in heard if abs(a.time_s - lead - float(line.output_time(apex))) < GUARD_REACH_S]
        if near:
            best = max(near, key=lambda a: a.match)
            inputs.append(apex)
            delays.append(best.time_s - lead - apex)
    x, d = np.array(inputs), np.array(delays)
    return Readings(x + d, d, np.full(x.size, ANCHOR_SD_S**2), np.ones(x.size))


def _through(anchors: Readings) -> Timebase:
    """Broken line through the anchors, on a fine enough grid that ends at the last: beyond it the line goes straight on."""
    x = anchors.time_s - anchors.delay_s
    grid = np.linspace(x[0], x[-1], 2 + int((x[-1] - x[0]) / 0.05))
    return Timebase(
        float(x[0]),
        float(grid[1] - grid[0]),
        np.interp(grid, x, anchors.delay_s),
        np.full(grid.size, segments.BETWEEN_ANCHORS_S),
    )


def _pilot(
    returned: AudioReader, sheet: CueSheet, inputs: dict[int, int], anchors: Readings, progress: Progress
) -> segments.Pilot | None:
    """What was heard of the pilot, or None when there is none or it does not stand out."""
    cues = [c for c in sheet.of_kind("pilot") if c.channel in inputs]
    if not cues:
        return None
    cue, channel = cues[0], inputs[cues[0].channel]
    progress("following the pilot")
    coarse = _through(anchors)
    rate = sheet.sample_rate
    edge = 0.1
    span = (cue.start_samples / rate + edge, cue.stop_samples / rate - edge)
    first, last = (max(0.0, float(coarse.output_time(s))) for s in span)
    last = min(last, returned.samples / returned.sample_rate)
    span = (float(coarse.input_time(first + edge)), float(coarse.input_time(last - edge)))
    readings = track(returned, channel, phase_law(cue, rate), coarse, span, PILOT_BANDWIDTH_HZ, PILOT_STEP_S)
    frequency = cue.number("frequency_hz")
    heard = np.isfinite(readings.variance)
    noise = 2.0 * np.pi * frequency * np.sqrt(np.median(readings.variance[heard])) if heard.any() else np.inf
    if noise > 10.0 ** (-MINIMUM_PILOT_DB / 20.0):
        return None
    return segments.Pilot(resolve_cycles(readings, frequency, anchors.time_s, anchors.delay_s), frequency)


def _trajectory(pilot: Readings) -> Timebase:
    if np.isfinite(pilot.variance).all():
        return Timebase.over_output(pilot.time_s, pilot.delay_s, np.sqrt(pilot.variance))
    mean, sd = smooth(pilot.delay_s, pilot.variance, pilot.step_s, Prior())
    return Timebase.over_output(pilot.time_s, mean, sd)


def _by_segments(
    sent: AudioReader,
    returned: AudioReader,
    sheet: CueSheet,
    channel: int,
    to: int,
    found: FoundTake,
    anchors: Readings,
    pilot: segments.Pilot | None,
    progress: Progress,
) -> Alignment:
    """Each segment by its own signal, with what is there of a pilot that was lost for a while."""
    progress(f"following the segments of channel {to + 1}")
    base, own = segments.follow(sent, returned, sheet, channel, to, anchors, _through(anchors), pilot)
    heard = "" if pilot is None else "the pilot where it was heard, elsewhere "
    return Alignment(channel, to, found, base, f"{heard}each segment's own phase or programme, and marker chirps", own)
