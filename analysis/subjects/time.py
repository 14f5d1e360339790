"""What the time base tells as figures: latency, speed, drift, polarity."""

import numpy as np

from analysis.dewarp import dewarp
from analysis.findings import Measured, result, trajectory_curves
from analysis.take import Take
from signals.cues import Cue
from signals.stimulus import waveform

LATENCY = "arrival of the start marker on the time base; linear phase of the response from 400 Hz to 6 kHz counts as delay"
SPEED = "span of the stimulus from start to end marker over the span of its return"


def measure(take: Take, reference: float | None) -> Measured:
    """Latency, speed, drift, polarity, and the trajectory itself."""
    base = take.alignment.base
    rate = take.sheet.sample_rate
    marker = take.sheet.of_kind("marker_start")[0].start_samples / rate
    start, end = take.longest_s()
    conditions = take.under()
    method = f"{SPEED}; {take.alignment.method}"
    sd = float(base.sd(marker))
    ends = base.output_time(np.array([start, end]))
    speed = (end - start) / float(ends[1] - ends[0])
    doubt = 196.0 * float(np.hypot(base.sd(start), base.sd(end))) / (end - start)
    thirds = np.linspace(start, end, 7)
    out = base.output_time(thirds)
    local = np.diff(thirds) / np.diff(out)
    drift = 100.0 * float(np.polyfit(np.arange(6), local, 1)[0]) * 6.0
    results = [
        result("latency", float(base.delay(marker)), "s", 1.96 * sd + 2e-6, conditions, LATENCY),
        result("speed_error", 100.0 * (speed - 1.0), "%", doubt, conditions, method),
        result("speed_drift", drift, "%", None, conditions, "slope of the speed over the take, from its six parts"),
    ]
    found = take.cues("noise", "sweep")
    if found:
        sign = _polarity(take, found[0])
        results.append(
            result("polarity", sign, "1", None, conditions, "sign of the correlation with what was sent, 200 Hz to 2 kHz")
        )
    return results, trajectory_curves(base, start, end, conditions, take.alignment.method)


def _polarity(take: Take, cue: Cue) -> float:
    rate = take.sheet.sample_rate
    got = dewarp(take.returned, take.alignment.returned, take.alignment.of(cue), cue.start_samples, cue.stop_samples)
    sent = waveform(cue, take.sheet)
    frequency = np.fft.rfftfreq(got.size, 1.0 / rate)
    inside = (frequency > 200.0) & (frequency < 2000.0)
    cross = np.sum(np.real(np.fft.rfft(got) * np.conj(np.fft.rfft(sent)))[inside])
    return 1.0 if cross >= 0.0 else -1.0
