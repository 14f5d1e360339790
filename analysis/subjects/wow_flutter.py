"""Wow and flutter of the tone that the stimulus holds for it."""

import numpy as np

from analysis import wow_flutter
from analysis.findings import Measured, flutter_curve, flutter_results
from analysis.phase import noise_bandwidth_hz, phase_law, track
from analysis.take import EDGE_S, Take
from sessions.results import Curve, Result

FLUTTER_BANDWIDTH_HZ = 420.0  # within 1 % up to 200 Hz
FLUTTER_STEP_S = 0.8e-3
FLUTTER = "phase demodulation of the tone, 420 Hz wide; AES6-2008 / IEC 60386"


def measure(take: Take, reference: float | None) -> Measured:
    """Every convention, lines and spectrum, of the tone that is there for it."""
    results: list[Result] = []
    curves: list[Curve] = []
    for cue in take.cues("tone", purpose="wow_flutter"):
        rate = take.sheet.sample_rate
        frequency = cue.number("frequency_hz")
        conditions = take.under(frequency_hz=frequency, level_db=cue.level_db or 0.0)
        span = (cue.start_samples / rate + EDGE_S, cue.stop_samples / rate - EDGE_S)
        readings = track(
            take.returned,
            take.alignment.returned,
            phase_law(cue, rate),
            take.alignment.base,
            span,
            FLUTTER_BANDWIDTH_HZ,
            FLUTTER_STEP_S,
        )
        known = np.isfinite(readings.variance)
        if known.mean() < 0.9:
            note = (
                f"the tone is lost for {100.0 * (1.0 - known.mean()):.0f} % of its time; check the level and clean the heads"
            )
            results += [Result.invalid(name, "%", conditions, FLUTTER, note) for name in wow_flutter.SHORTEST_S]
            continue
        delay = np.interp(readings.time_s, readings.time_s[known], readings.delay_s[known])
        density = float(np.median(readings.variance[known])) / noise_bandwidth_hz(FLUTTER_BANDWIDTH_HZ, rate)
        deviation = wow_flutter.deviation(delay, readings.step_s, density)
        results += flutter_results(deviation, conditions, FLUTTER)
        curves.append(flutter_curve(deviation, conditions, FLUTTER))
    return results, curves
