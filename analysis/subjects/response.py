"""Frequency response, phase and harmonic responses from the sweeps of a take."""

import numpy as np

from analysis import response
from analysis.dewarp import dewarp
from analysis.findings import Measured, curve, result
from analysis.take import CLIPPED, Take
from sessions.results import Conditions, Curve, Result
from signals.sweeps import Sweep

RESPONSE = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"


def measure(take: Take, reference: float | None) -> Measured:
    """Response, band limits and harmonic responses of every sweep."""
    results: list[Result] = []
    curves: list[Curve] = []
    rate = take.sheet.sample_rate
    with_phase = not take.alignment.own
    for cue in take.cues("sweep"):
        sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
        level_db = cue.level_db or 0.0
        conditions = take.under(level_db=level_db)
        lead = round(0.2 * rate)
        got = dewarp(
            take.returned,
            take.alignment.returned,
            take.alignment.of(cue),
            cue.start_samples - lead,
            cue.stop_samples + round(0.9 * rate),
        )
        if np.max(np.abs(got)) >= CLIPPED:
            note = f"the returned sweep reaches {np.max(np.abs(got)):.3f} of full scale and is clipped; lower the input gain"
            results.append(Result.invalid("bandwidth_high", "Hz", conditions, RESPONSE, note))
            continue
        found = response.measure(got, lead, sweep, take.sheet.amplitude(level_db), rate)
        level = 20.0 * np.log10(np.abs(found.transfer) + 1e-12)
        doubt = 8.686 * 1.96 * np.minimum(found.noise / (np.sqrt(2.0) * np.abs(found.transfer) + 1e-12), 1.0) + 0.02
        curves.append(curve("frequency_response", conditions, RESPONSE, found.frequency_hz, level, "magnitude", "dB", doubt))
        if with_phase:
            phase = np.unwrap(np.angle(found.transfer))
            delay = -np.gradient(phase, 2.0 * np.pi * found.frequency_hz)
            curves.append(
                curve("phase_response", conditions, RESPONSE, found.frequency_hz, np.degrees(phase), "phase", "deg")
            )
            curves.append(curve("group_delay", conditions, RESPONSE, found.frequency_hz, delay, "delay", "s"))
        for order, (frequency, ratio) in found.harmonics.items():
            ratio_db = 20.0 * np.log10(ratio + 1e-9)
            curves.append(curve(f"harmonic_response_{order}", conditions, RESPONSE, frequency, ratio_db, "harmonic", "dB"))
        results += band_results(found.frequency_hz, level, conditions)
    return results, curves


def band_results(frequency: np.ndarray, level: np.ndarray, conditions: Conditions) -> list[Result]:
    """Limits of the band and ripple, from a response in dB over frequency in Hz."""
    results = []
    for name, edge in zip(("bandwidth_low", "bandwidth_high"), response.band_edges(frequency, level), strict=True):
        method = "frequency at which the response is 3 dB below that at 1 kHz"
        if edge is None:
            note = f"the response stays within 3 dB of 1 kHz to the end of the sweep ({frequency[0]:.0f} to {frequency[-1]:.0f} Hz)"
            results.append(Result.invalid(name, "Hz", conditions, method, note))
        else:
            results.append(result(name, edge, "Hz", 0.02 * edge, conditions, method))
    inside = (frequency >= 100.0) & (frequency <= 10_000.0)
    ripple = 0.5 * float(np.ptp(level[inside]))
    results.append(
        result("response_ripple", ripple, "dB", 0.1, conditions, "half the spread of the response from 100 Hz to 10 kHz")
    )
    return results
