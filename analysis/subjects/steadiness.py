"""What the amplitude of long tones tells: dropouts and level stability."""

from collections.abc import Mapping

import numpy as np

from analysis import dropouts
from analysis.findings import Measured, curve, result
from analysis.level_stability import FEWEST, WINDOW_S, stability
from analysis.phase import Readings, noise_bandwidth_hz, phase_law, track
from analysis.take import EDGE_S, Take
from sessions.results import Condition, Conditions, Curve, Result
from signals.cues import Cue

DROPOUTS = "falls of a tone's level below its running median, the envelope read by a Gaussian of 0.5 ms"
STABILITY = "half the range of the central 95 % of the levels of the wow and flutter tone, each over 0.1 s"
COUNTED = ((6.0, 2.0), (12.0, 5.0))
"""Depth in dB and least length in ms of what counts as a dropout."""
SLOW_HZ, SLOW_STEP_S = 60.0, 5e-3
SHORTEST_S = 4.0
MOST_LOST = 0.5  # of the time: then it is no dropout but the end of the tone


def measure(take: Take, reference: float | None) -> Measured:
    """Dropouts of the longest tone of the channel, and of a pilot on its own track; level stability."""
    results: list[Result] = [_stability(take, cue) for cue in take.cues("tone", purpose="wow_flutter")]
    curves: list[Curve] = []
    for cue, channel, conditions in _long_tones(take):
        heard = dropouts.follow(take.returned, channel, cue, take.sheet.sample_rate, take.alignment.base)
        more_results, more_curves = found(heard, conditions)
        results += more_results
        curves += more_curves
    return results, curves


def found(heard: dropouts.Amplitude, conditions: Mapping[str, Condition]) -> Measured:
    """Rates, and each dropout's depth and length, of a tone that was followed."""
    lost = heard.lost() if heard.amplitude.size else 1.0
    if lost > MOST_LOST:
        note = f"the tone is lost for {100 * lost:.0f} % of its time; check the level and clean the heads"
        wanted = ({**conditions, "depth_db": d, "length_ms": n} for d, n in COUNTED)
        return [Result.invalid("dropouts_per_minute", "1/min", here, DROPOUTS, note) for here in wanted], []
    levels = dropouts.envelope(heard)
    results = []
    for depth_db, length_ms in COUNTED:
        rate, doubt = dropouts.per_minute(levels, depth_db, length_ms / 1000.0)
        here = {**conditions, "depth_db": depth_db, "length_ms": length_ms}
        results.append(result("dropouts_per_minute", rate, "1/min", doubt, here, DROPOUTS))
    events = dropouts.events(levels)
    if not events:
        return results, []
    time = np.array([e.time_s for e in events])
    depth, length = np.array([e.depth_db for e in events]), np.array([e.length_s for e in events])
    method = f"{DROPOUTS}; every one of 3 dB or more"
    axis = ("time", "s")
    return results, [
        curve("dropouts", conditions, method, time, depth, "depth", "dB", x=axis),
        curve("dropout_lengths", conditions, f"{method}, time spent below", time, length, "length", "s", x=axis),
    ]


def long_enough(take: Take) -> list[Cue]:
    """Tones of the channel that are long enough to count dropouts in."""
    return [c for c in take.cues("tone") if c.length_samples >= SHORTEST_S * take.sheet.sample_rate]


def _long_tones(take: Take) -> list[tuple[Cue, int, Conditions]]:
    """Tones to look at, the channel of the recording that holds each, and the conditions of what it tells."""
    own = long_enough(take)
    chosen: list[tuple[Cue, int, Conditions]] = []
    if own:
        cue = max(own, key=lambda c: c.length_samples)
        chosen.append((cue, take.alignment.returned, take.under(frequency_hz=cue.number("frequency_hz"))))
    first = min((c for c in take.sheet.channels_of("programme") if c in take.inputs), default=take.alignment.channel)
    if take.alignment.channel != first:
        return chosen  # the pilot is everyone's, and told of once
    for cue in take.sheet.of_kind("pilot"):
        if cue.channel in take.inputs:
            track_number = take.sheet.channels[cue.channel].track
            here = take.under(track=track_number, frequency_hz=cue.number("frequency_hz"))
            chosen.append((cue, take.inputs[cue.channel], here))
    return chosen


def _stability(take: Take, cue: Cue) -> Result:
    rate, frequency = take.sheet.sample_rate, cue.number("frequency_hz")
    here = take.under(frequency_hz=frequency, level_db=cue.level_db or 0.0)
    span = (cue.start_samples / rate + EDGE_S, cue.stop_samples / rate - EDGE_S)
    law = phase_law(cue, rate)
    readings = track(take.returned, take.alignment.returned, law, take.alignment.base, span, SLOW_HZ, SLOW_STEP_S)
    return level_result(readings, frequency, noise_bandwidth_hz(SLOW_HZ, rate), here)


def level_result(readings: Readings, frequency_hz: float, bandwidth_hz: float, conditions: Conditions) -> Result:
    """Level stability of a tone that was followed, `bandwidth_hz` wide."""
    known = np.isfinite(readings.variance)
    if not known.any():
        note = "the tone is lost; check the wiring and the level"
        return Result.invalid("level_stability", "dB", conditions, STABILITY, note)
    # The phase's variance is that of the amplitude too; of the band the mean over 0.1 s leaves 1 / 0.2 s.
    phase_sd = 2.0 * np.pi * frequency_hz * np.sqrt(float(np.median(readings.variance[known])))
    reading_sd = phase_sd * np.sqrt(0.5 / WINDOW_S / bandwidth_hz)
    told = stability(readings.amplitude, readings.step_s, reading_sd, readings.delay_s)
    if told is None:
        seconds = readings.time_s[-1] - readings.time_s[0]
        note = f"the tone lasts {seconds:.1f} s, {FEWEST * WINDOW_S:g} s are needed; record a longer one"
        return Result.invalid("level_stability", "dB", conditions, STABILITY, note)
    return result("level_stability", told[0], "dB", told[1], conditions, STABILITY)
