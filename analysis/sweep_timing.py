"""Time base of a sweep from its own phase, for a response that flutter does not ripple.

Flutter that is left in a sweep changes how long the sweep stays at a frequency: with tau what is left of the delay and L the
rate of the sweep, the response is wrong by the factor 1 - L tau''/2, which is 0.1 dB for 0.1 % at 5 Hz and L = 0.8 s. So the
sweep's phase is followed from its low end on, as wide as its frequency allows. The phase of the response goes with it: what is
left of the sweep has the phase that was sent and the level that came back.
"""

from dataclasses import dataclass

import numpy as np

from analysis.phase import phase_law, track
from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue
from signals.sweeps import Sweep

STEP_S = 1e-3
JOIN_OCTAVES = 0.25
SIGN_HZ = (300.0, 3000.0)  # where the phase of a response is that of its sign

SLOW_HZ, SLOW_SD_S, SURE_SD_S = 60.0, 3e-5, 1e-6
"""Below, the sweep is too slow to tell wow from its response."""


@dataclass(frozen=True)
class Band:
    """Where the sweep is followed with one bandwidth; all in Hz."""

    low_hz: float
    high_hz: float
    bandwidth_hz: float


BANDS = (Band(12.0, 80.0, 7.0), Band(80.0, 320.0, 28.0), Band(320.0, 1280.0, 100.0), Band(1280.0, np.inf, 240.0))


def sweep_timebase(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, base: Timebase) -> Timebase:
    """Time base of a sweep, its response's own phase taken for delay.

    Parameters
    ----------
    audio : AudioReader
        The recording, and which channel of it.
    cue : Cue
        The sweep.
    base : Timebase
        What is known of the delay, within some 0.5 ms.
    """
    sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
    start_s, law = cue.start_samples / sample_rate, phase_law(cue, sample_rate)
    reach = 2.0**JOIN_OCTAVES
    stop_s = cue.stop_samples / sample_rate
    time, phase = np.zeros(0), np.zeros(0)
    for band in BANDS:
        edges = sweep.time_s(
            np.array([max(band.low_hz, 1.2 * sweep.low_hz), min(band.high_hz * reach, 0.99 * sweep.high_hz)])
        )
        span = (start_s + float(edges[0]), min(start_s + float(edges[1]), stop_s - 0.01))
        if span[1] - span[0] < 0.1:
            continue
        found = track(audio, channel, law, base, span, band.bandwidth_hz, STEP_S)
        known = np.isfinite(found.variance)
        if known.sum() < 10:
            continue
        at = base.input_time(found.time_s)
        turned = np.interp(
            found.time_s, found.time_s[known], (2.0 * np.pi * law[1](at) * (found.time_s - at - found.delay_s))[known]
        )
        time, phase = _joined(time, phase, found.time_s, turned)
    if not time.size:
        return base
    grid = np.arange(time[0], time[-1], STEP_S)
    at = base.input_time(grid)
    frequency, phase = law[1](at), np.interp(grid, time, phase)
    inside = (frequency > SIGN_HZ[0]) & (frequency < SIGN_HZ[1])
    phase -= np.pi * np.round(np.median(phase[inside if inside.any() else slice(None)]) / np.pi)
    delay = grid - at - phase / (2.0 * np.pi * frequency)
    # Before the first reading the delay goes on as the base has it, from where the sweep was first heard.
    before = np.arange(grid[0] - 1.0, grid[0] - 0.5 * STEP_S, STEP_S)
    early = before - base.input_time(before)
    early = early + (delay[0] - (grid[0] - at[0])) * np.linspace(0.0, 1.0, before.size) ** 2
    whole, told = np.concatenate((before, grid)), np.concatenate((early, delay))
    if np.max(np.diff(told)) >= STEP_S:  # the tape would have stood still or run backwards: what was followed is no sweep
        return base
    sd = np.concatenate((np.full(before.size, SLOW_SD_S), np.where(frequency < SLOW_HZ, SLOW_SD_S, SURE_SD_S)))
    return Timebase.over_output(whole, told, sd)


def _joined(
    time: np.ndarray, phase: np.ndarray, more_time: np.ndarray, more_phase: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two stretches of phase as one, faded over where both are known, in the cycle that joins them."""
    if not time.size:
        return more_time, more_phase
    both = time >= more_time[0]
    if not both.any():
        turns = np.round((phase[-1] - more_phase[0]) / (2.0 * np.pi))
        return np.concatenate((time, more_time)), np.concatenate((phase, more_phase + 2.0 * np.pi * turns))
    there = np.interp(time[both], more_time, more_phase)
    turns = np.round(np.median(phase[both] - there) / (2.0 * np.pi))
    more_phase = more_phase + 2.0 * np.pi * turns
    share = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, int(both.sum())))
    mixed = (1.0 - share) * phase[both] + share * (there + 2.0 * np.pi * turns)
    rest = more_time > time[-1]
    return (
        np.concatenate((time[~both], time[both], more_time[rest])),
        np.concatenate((phase[~both], mixed, more_phase[rest])),
    )
