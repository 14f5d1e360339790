"""Frequency response, phase and harmonic responses from the sweeps of a take."""

from collections.abc import Sequence

import numpy as np

from analysis import intact, response, sweep_holes
from analysis.dewarp import dewarp
from analysis.findings import Measured, curve
from analysis.subjects.band import SYSTEMATIC_DB, band_results, invalid
from analysis.sweep_timing import sweep_timebase
from analysis.take import Take
from analysis.timebase import Timebase
from sessions.results import Conditions, Curve, Result
from signals.sweeps import Sweep

RESPONSE = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"
UNGUIDED_DB = 0.015  # of a sweep that is timed by its own phase
LOW_DB, LOW_HZ = 0.04, 30.0  # up to here, above as the square of the period: fade of the sweep, end of the window
BEND_S = 0.15
UNGUIDED_FROM_HZ = 60.0  # below, a sweep timed by its own phase is too slow to tell wow from its response
CONSTANT_S = 5e-7  # of the linear phase, which counts as latency
DELAY_SYSTEMATIC_S = 3e-7
WANDER_HZ = (
    1.3  # a time base that errs like the skew of tape (3 Hz) is steep by 2 pi 1.3 Hz of its error, over a third of an octave
)
DELAY_FROM_HZ = 25.0  # below, the window is too short for a slope so steep
HARMONIC_SYSTEMATIC = 0.025
PHASE_SYSTEMATIC_DEG, PHASE_LOW_DEG = 0.1, 0.1  # the latter as LOW_DB
UNTIMED_S, UNTIMED_DB = 20e-6, 0.08  # where nothing tells the motion of the tape, flutter is left in the response
EDGE_HZ = 25.0  # as much is in doubt below, where the fade of the sweep and the end of the window are felt
LEAST_POINTS = 12  # of a harmonic's response, a quarter of an octave, before it is shown
LEAST_KNOWN = 0.5  # of the response that must stand out of the noise, or the sweep did not come back


Holes = Sequence[tuple[float, float]]


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
        note = intact.clipping(got, "sweep")
        if note is not None:
            results += invalid(conditions, note)
            continue
        amplitude = take.sheet.amplitude(level_db)
        found = response.measure(got, lead, sweep, amplitude, rate)
        holes = sweep_holes.find(got, lead, sweep, amplitude, rate)
        whole = _outside(found.frequency_hz, holes)
        heard = whole & (np.abs(found.transfer) > 2.0 * found.noise)
        if float(np.mean(heard)) < LEAST_KNOWN:
            results += invalid(conditions, _lost(float(np.mean(heard))))
            continue
        frequency, level = found.frequency_hz, found.level_db
        sd_s = timebase.sd(cue.start_samples / rate + sweep.time_s(frequency))
        untimed = np.where((sd_s > UNTIMED_S) | (frequency < EDGE_HZ), UNTIMED_DB, 0.0)
        guided = cue.name not in take.alignment.own
        if not guided:
            untimed = np.hypot(
                untimed, _mistaken_db(timebase, take.alignment.base, cue.start_samples / rate, sweep, frequency)
            )
        own = np.hypot(SYSTEMATIC_DB if guided else UNGUIDED_DB, LOW_DB * np.minimum(1.0, LOW_HZ / frequency) ** 2)
        lasting = np.hypot(own, untimed)
        doubt = np.hypot(found.level_doubt_db(), lasting)
        told = np.where(whole, level, np.nan)
        curves.append(curve("frequency_response", conditions, RESPONSE, frequency, told, "magnitude", "dB", doubt))
        # Where the sweep itself was followed its phase is gone.
        if guided:
            curves += _phase_curves(found.without_linear_phase(), sweep, sd_s, whole, conditions)
        curves += _harmonic_curves(found, holes, conditions, 0.0 if guided else UNGUIDED_FROM_HZ)
        results += band_results(frequency[whole], level[whole], conditions, doubt[whole], lasting[whole])
    return results, curves


def _mistaken_db(own: Timebase, base: Timebase, start_s: float, sweep: Sweep, frequency_hz: np.ndarray) -> np.ndarray:
    """What following a sweep has taken off or put into its low end: there a bent phase of the response looks like wow."""
    at = start_s + sweep.time_s(frequency_hz)
    before, here, after = (own.delay(t) - base.delay(t) for t in (at - BEND_S, at, at + BEND_S))
    bend = (after - 2.0 * here + before) / BEND_S**2
    return np.where(frequency_hz < UNGUIDED_FROM_HZ, 8.686 * 0.5 * sweep.rate_s * np.abs(bend), 0.0)


def _phase_curves(
    found: response.Response, sweep: Sweep, sd_s: np.ndarray, whole: np.ndarray, conditions: Conditions
) -> list[Curve]:
    """Phase and group delay, the linear part of the phase counted as latency."""
    turn = 2.0 * np.pi * found.frequency_hz
    timing = np.hypot(1.96 * sd_s, CONSTANT_S)
    low_deg = PHASE_LOW_DEG * np.minimum(1.0, LOW_HZ / found.frequency_hz) ** 2
    doubt = np.hypot(np.degrees(np.hypot(found.phase_doubt(), turn * timing)), np.hypot(PHASE_SYSTEMATIC_DEG, low_deg))
    phase = np.where(whole, np.degrees(found.phase), np.nan)
    delay, delay_doubt = found.group_delay()
    # The group delay is the phase over frequency; a time base that moves while the sweep rises bends it.
    moved = 1.96 * sd_s * np.hypot(1.0, 2.0 * np.pi * WANDER_HZ * sweep.rate_s)
    own = np.hypot(DELAY_SYSTEMATIC_S, 2.0 * np.radians(low_deg) / turn)
    delay, delay_doubt = np.where(whole, delay, np.nan), np.sqrt(delay_doubt**2 + moved**2 + own**2)
    told = found.frequency_hz >= DELAY_FROM_HZ
    return [
        curve("phase_response", conditions, RESPONSE, found.frequency_hz, phase, "phase", "deg", doubt),
        curve("group_delay", conditions, RESPONSE, found.frequency_hz[told], delay[told], "delay", "s", delay_doubt[told]),
    ]


def _harmonic_curves(found: response.Response, holes: Holes, conditions: Conditions, from_hz: float) -> list[Curve]:
    """Harmonics over the fundamental where they stand out of the noise, from a frequency of the fundamental on."""
    curves = []
    for order, every in found.harmonics.items():
        harmonic = every.above(from_hz)
        if np.count_nonzero(np.isfinite(harmonic.ratio)) < LEAST_POINTS:
            continue
        ratio_db = np.where(_outside(harmonic.frequency_hz, holes), 20.0 * np.log10(harmonic.ratio), np.nan)
        doubt = np.hypot(-20.0 * np.log10(1.0 - harmonic.doubt), 8.686 * HARMONIC_SYSTEMATIC)
        name = f"harmonic_response_{order}"
        curves.append(curve(name, conditions, RESPONSE, harmonic.frequency_hz, ratio_db, "harmonic", "dB", doubt))
    return curves


def _outside(frequency_hz: np.ndarray, bands_hz: Holes) -> np.ndarray:
    """Whether frequencies lie in none of the bands."""
    outside = np.ones(frequency_hz.size, dtype=bool)
    for low, high in bands_hz:
        outside &= (frequency_hz < low) | (frequency_hz > high)
    return outside


def _lost(share: float) -> str:
    return (
        f"the sweep stands out of the noise at {100.0 * share:.0f} % of its frequencies, {100.0 * LEAST_KNOWN:g} % are needed: it "
        "was lost or drowned; check the level, clean the heads and play the tape again"
    )
