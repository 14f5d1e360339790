"""What the time base tells as figures: latency, speed, drift, polarity."""

import numpy as np

from analysis import drift, response
from analysis.dewarp import dewarp
from analysis.findings import Measured, result, trajectory_curves
from analysis.take import EDGE_S, Take
from sessions.results import Result
from signals.cues import Cue
from signals.stimulus import waveform
from signals.sweeps import Sweep

LATENCY = "arrival of the start marker on the time base; linear phase of the response from 400 Hz to 6 kHz counts as delay"
SPEED = "span of the stimulus from start to end marker over the span of its return"
DRIFT = "slope of the speed over the six equal parts of the take from start to end marker, times its length"
POLARITY = "sign of the correlation with what was sent, 200 Hz to 2 kHz"
SWEPT_S, NOISED_S, UNSWEPT_S = 1e-6, 1.5e-6, 7e-6
"""What the constant of the delay is uncertain by (95 %): with a sweep to set it, with noise, and with neither."""

POLARITY_HZ = (200.0, 2000.0)
LEAST_CORRELATION = 0.1  # of a noise or sweep that came back; what did not reaches 0.02


def measure(take: Take, reference: float | None) -> Measured:
    """Latency, speed, drift, polarity, and the trajectory itself."""
    starts, ends = take.sheet.of_kind("marker_start"), take.sheet.of_kind("marker_end")
    conditions = take.under()
    if not starts or not ends:
        note = (
            f"the stimulus has {len(starts)} start and {len(ends)} end markers, one of each is needed; plan it with markers"
        )
        wanted = (("latency", "s", LATENCY), ("speed_error", "%", SPEED), ("speed_drift", "%", DRIFT))
        return [*(Result.invalid(q, unit, conditions, how, note) for q, unit, how in wanted), *_polarities(take)], []
    base = take.alignment.base
    rate = take.sheet.sample_rate
    marker = starts[0].start_samples / rate
    start, end = take.longest_s()
    method = f"{SPEED}; {take.alignment.method}"
    left_s = swept_delay_s(take)
    constant_s = SWEPT_S if left_s is not None else NOISED_S if take.cues("noise") else UNSWEPT_S
    base = base.shifted(left_s or 0.0)
    latency_doubt = float(np.hypot(1.96 * base.sd(marker), constant_s))
    speed = float(base.speed(start, end))
    doubt = 196.0 * float(np.hypot(base.sd(start), base.sd(end))) / (end - start)
    results = [
        result("latency", float(base.delay(marker)), "s", latency_doubt, conditions, LATENCY),
        result("speed_error", 100.0 * (speed - 1.0), "%", doubt, conditions, method),
        _drift(take, start, end),
        *_polarities(take),
    ]
    return results, trajectory_curves(base, start, end, conditions, take.alignment.method)


def swept_delay_s(take: Take) -> float | None:
    """Delay that the response to the softest sweep has left on the time base; None where no sweep tells it.

    What set the constant of the time base is programme, which weighs the frequencies that it holds; the sweep weighs all alike. A
    sweep that was followed by its own phase tells nothing.
    """
    cues = [cue for cue in take.cues("sweep") if cue.name not in take.alignment.own]
    if not cues:
        return None
    cue, rate = min(cues, key=lambda c: c.level_db or 0.0), take.sheet.sample_rate
    lead, stop = round(0.2 * rate), cue.stop_samples + round(0.9 * rate)
    got = dewarp(take.returned, take.alignment.returned, take.alignment.base, cue.start_samples - lead, stop)
    sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
    swept = response.measure(got, lead, sweep, take.sheet.amplitude(cue.level_db or 0.0), rate, orders=(2,))
    speed = take.speed(cue, EDGE_S)
    return swept.linear_delay_s(speed) / speed  # of what is heard, as the trajectory is


def _drift(take: Take, start_s: float, end_s: float) -> Result:
    base = take.alignment.base
    edges_s = drift.edges(start_s, end_s)
    value, doubt = drift.percent(base.speed(edges_s[:-1], edges_s[1:]), edges_s, base.sd(edges_s))
    return result("speed_drift", value, "%", doubt, take.under(), f"{DRIFT}; {take.alignment.method}")


def _polarities(take: Take) -> list[Result]:
    """Sign by the first noise or sweep that came back; nothing where the stimulus has neither."""
    cues = take.cues("noise", "sweep")
    told = 0.0
    for cue in cues:
        told = _correlation(take, cue)
        if abs(told) >= LEAST_CORRELATION:
            return [result("polarity", np.sign(told), "1", None, take.under(), POLARITY)]
    if not cues:
        return []
    note = (
        f"what came back in place of the {cues[-1].kind} has a correlation of {abs(told):.2f} with it, {LEAST_CORRELATION:g} is "
        "needed; check the wiring and play the tape again"
    )
    return [Result.invalid("polarity", "1", take.under(), POLARITY, note)]


def _correlation(take: Take, cue: Cue) -> float:
    """Normalised correlation at the delay of the time base, in the band that tells polarity."""
    rate = take.sheet.sample_rate
    got = dewarp(take.returned, take.alignment.returned, take.alignment.of(cue), cue.start_samples, cue.stop_samples)
    sent = waveform(cue, take.sheet)
    frequency = np.fft.rfftfreq(got.size, 1.0 / rate)
    inside = (frequency > POLARITY_HZ[0]) & (frequency < POLARITY_HZ[1])
    G, S = np.fft.rfft(got)[inside], np.fft.rfft(sent)[inside]
    norm = np.sqrt(np.sum(np.abs(G) ** 2) * np.sum(np.abs(S) ** 2))
    return float(np.sum(np.real(G * np.conj(S))) / max(norm, 1e-300))
