"""Frequency response, phase and harmonic responses from the sweeps of a take."""

import numpy as np
from scipy.signal import savgol_filter

from analysis import response
from analysis.dewarp import dewarp
from analysis.findings import Measured, curve, result
from analysis.sweep_timing import sweep_timebase
from analysis.take import CLIPPED, Take
from sessions.results import Conditions, Curve, Result
from signals.sweeps import Sweep

RESPONSE = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"
BAND = "frequency at which the response, smoothed over a sixth of an octave, is 3 dB below that at 1 kHz"
RIPPLE = "half the spread of the response, smoothed over a sixth of an octave, from 100 Hz to 10 kHz"
RIPPLE_HZ = (100.0, 10_000.0)
SYSTEMATIC_DB = 0.03
SPEED_UNKNOWN = 0.005
"""A tape tells nothing of the absolute speed of its own deck, which shifts the ripple of the heads along the frequencies."""

CONSTANT_S = 5e-7  # of the linear phase, which counts as latency
DELAY_SYSTEMATIC_S = 2e-6  # of the slope of a phase that wavers by some hundredths of a degree
DELAY_FROM_HZ = 25.0  # below, the window is too short for a slope so steep
HARMONIC_SYSTEMATIC = 0.025
PHASE_SYSTEMATIC_DEG = 0.4
UNTIMED_S, UNTIMED_DB = 20e-6, 0.08  # where nothing tells the motion of the tape, flutter is left in the response
EDGE_HZ = 25.0  # as much is in doubt below, where the fade of the sweep and the end of the window are felt
LEAST_POINTS = 12  # of a harmonic's response, a quarter of an octave, before it is shown
SIXTH_OCTAVE = response.POINTS_PER_OCTAVE // 6 + 1


def measure(take: Take, reference: float | None) -> Measured:
    """Response, band limits and harmonic responses of every sweep."""
    results: list[Result] = []
    curves: list[Curve] = []
    rate = take.sheet.sample_rate
    for cue in take.cues("sweep"):
        sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
        level_db = cue.level_db or 0.0
        conditions = take.under(level_db=level_db)
        lead = round(0.2 * rate)
        timebase = take.alignment.base
        if cue.name in take.alignment.own:
            timebase = sweep_timebase(take.returned, take.alignment.returned, cue, rate, timebase)
        stop = cue.stop_samples + round(0.9 * rate)
        got = dewarp(take.returned, take.alignment.returned, timebase, cue.start_samples - lead, stop)
        if np.max(np.abs(got)) >= CLIPPED:
            note = f"the returned sweep reaches {np.max(np.abs(got)):.3f} of full scale and is clipped; lower the input gain"
            results.append(Result.invalid("bandwidth_high", "Hz", conditions, RESPONSE, note))
            continue
        found = response.measure(got, lead, sweep, take.sheet.amplitude(level_db), rate)
        frequency, level = found.frequency_hz, found.level_db
        slope = np.gradient(_smooth(level), np.log(frequency))
        # The equalisers of the two passes meet at frequencies that differ by the speed; both have slopes of up to 6 dB an octave.
        ends = np.array([cue.start_samples, cue.stop_samples]) / rate
        speed = 8.686 * abs(float(np.diff(timebase.delay(ends))[0] / np.diff(ends)[0]))
        sd_s = timebase.sd(cue.start_samples / rate + sweep.time_s(frequency))
        untimed = np.where((sd_s > UNTIMED_S) | (frequency < EDGE_HZ), UNTIMED_DB, 0.0)
        doubt = np.sqrt(
            found.level_doubt_db() ** 2 + SYSTEMATIC_DB**2 + speed**2 + (SPEED_UNKNOWN * slope) ** 2 + untimed**2
        )
        curves.append(curve("frequency_response", conditions, RESPONSE, frequency, level, "magnitude", "dB", doubt))
        # Where the sweep itself was followed its phase is gone.
        if cue.name not in take.alignment.own:
            curves += _phase_curves(found.without_linear_phase(), sd_s, conditions)
        curves += _harmonic_curves(found, conditions)
        results += band_results(frequency, level, conditions, doubt)
    return results, curves


def _phase_curves(found: response.Response, sd_s: np.ndarray, conditions: Conditions) -> list[Curve]:
    """Phase and group delay, the linear part of the phase counted as latency."""
    turn = 2.0 * np.pi * found.frequency_hz
    timing = np.hypot(1.96 * sd_s, CONSTANT_S)
    doubt = np.hypot(np.degrees(np.hypot(found.phase_doubt(), turn * timing)), PHASE_SYSTEMATIC_DEG)
    phase = np.degrees(found.phase)
    delay, delay_doubt = found.group_delay()
    delay_doubt = np.hypot(delay_doubt, DELAY_SYSTEMATIC_S)
    told = found.frequency_hz >= DELAY_FROM_HZ
    return [
        curve("phase_response", conditions, RESPONSE, found.frequency_hz, phase, "phase", "deg", doubt),
        curve("group_delay", conditions, RESPONSE, found.frequency_hz[told], delay[told], "delay", "s", delay_doubt[told]),
    ]


def _harmonic_curves(found: response.Response, conditions: Conditions) -> list[Curve]:
    """Harmonics over the fundamental where they stand out of the noise."""
    curves = []
    for order, harmonic in found.harmonics.items():
        if np.count_nonzero(np.isfinite(harmonic.ratio)) < LEAST_POINTS:
            continue
        ratio_db = 20.0 * np.log10(harmonic.ratio)
        doubt = np.hypot(-20.0 * np.log10(1.0 - harmonic.doubt), 8.686 * HARMONIC_SYSTEMATIC)
        name = f"harmonic_response_{order}"
        curves.append(curve(name, conditions, RESPONSE, harmonic.frequency_hz, ratio_db, "harmonic", "dB", doubt))
    return curves


def band_results(
    frequency: np.ndarray, level: np.ndarray, conditions: Conditions, doubt_db: np.ndarray | None = None
) -> list[Result]:
    """Limits of the band and ripple, from a response in dB over frequency in Hz and its 95 % uncertainty."""
    results = []
    smooth = _smooth(level)
    # What is random in the doubt of a point is less in the mean of its neighbours; that it might not be is the careful view.
    doubt = np.full(level.size, SYSTEMATIC_DB) if doubt_db is None else doubt_db
    at_1k = int(np.argmin(np.abs(np.log(frequency / 1000.0))))
    slope = np.abs(np.gradient(smooth, np.log(frequency)))
    for name, edge in zip(("bandwidth_low", "bandwidth_high"), response.band_edges(frequency, smooth), strict=True):
        if edge is None:
            note = f"the response stays within 3 dB of 1 kHz to the end of the sweep ({frequency[0]:.0f} to {frequency[-1]:.0f} Hz)"
            results.append(Result.invalid(name, "Hz", conditions, BAND, note))
        else:
            at = int(np.argmin(np.abs(np.log(frequency / edge))))
            off = float(np.hypot(doubt[at], doubt[at_1k])) / max(float(slope[at]), 0.5)
            results.append(result(name, edge, "Hz", edge * float(np.hypot(off, SPEED_UNKNOWN)), conditions, BAND))
    inside = (frequency >= RIPPLE_HZ[0]) & (frequency <= RIPPLE_HZ[1])
    if not inside.any():
        return results
    highest, lowest = int(np.argmax(smooth[inside])), int(np.argmin(smooth[inside]))
    ripple = 0.5 * float(smooth[inside][highest] - smooth[inside][lowest])
    off = 0.5 * float(np.hypot(doubt[inside][highest], doubt[inside][lowest]))
    results.append(result("response_ripple", ripple, "dB", off, conditions, RIPPLE))
    return results


def _smooth(level: np.ndarray) -> np.ndarray:
    """A response without what is narrower than a sixth of an octave; its curvature stays."""
    return np.asarray(savgol_filter(level, SIXTH_OCTAVE, 2)) if level.size >= SIXTH_OCTAVE else level
