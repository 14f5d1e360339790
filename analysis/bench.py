"""The bench: cues and a reader of the recording in, results and curves out.

It opens nothing. Every figure states its method, its conditions and its 95 % uncertainty; one that cannot be had is present,
invalid, and says why. A pair of recordings made with any material goes to :mod:`analysis.pair` instead.
"""

from collections.abc import Callable

import numpy as np

from analysis import distortion, ladder, noise, response, wow_flutter
from analysis.dewarp import dewarp
from analysis.findings import Measured, curve, flutter_curve, flutter_results, result, trajectory_curves
from analysis.ladder import CLIPPED
from analysis.phase import noise_bandwidth_hz, phase_law, track
from analysis.take import EDGE_S, Take
from sessions.results import Conditions, Curve, Result
from signals.cues import Cue
from signals.stimulus import waveform
from signals.sweeps import Sweep

FLUTTER_BANDWIDTH_HZ = 300.0
FLUTTER_STEP_S = 1e-3
LATENCY = "arrival of the start marker on the time base; linear phase of the response from 400 Hz to 6 kHz counts as delay"
SPEED = "span of the stimulus from start to end marker over the span of its return"
FLUTTER = "phase demodulation of the tone, 300 Hz wide; AES6-2008 / IEC 60386"
RESPONSE = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"
NOISE = "power of what returns in silence, from 20 Hz to 20 kHz, re the returned reference tone (1 kHz at 0 dB)"


def measure_take(take: Take, progress: Callable[[str], None] = lambda _: None) -> Measured:
    """Everything that the stimulus allows, for one programme channel."""
    results: list[Result] = []
    curves: list[Curve] = []
    reference = reference_amplitude(take)
    for name, subject in (
        ("time", _time),
        ("wow and flutter", _wow_flutter),
        ("response", _response),
        ("distortion", ladder.measure),
        ("noise", _noise),
    ):
        progress(f"measuring {name} of track {take.conditions.get('track', '?')}")
        more_results, more_curves = subject(take, reference)
        results += more_results
        curves += more_curves
    return results, curves


def reference_amplitude(take: Take) -> float | None:
    """Peak amplitude of the returned 1 kHz reference tone at 0 dB."""
    cues = take.cues("tone", purpose="reference")
    if not cues:
        return None
    tone, cue = take.steady(cues[0])
    return distortion.analyse(tone, cue.number("frequency_hz"), take.sheet.sample_rate).fundamental


def _time(take: Take, reference: float | None) -> Measured:
    base = take.alignment.base
    rate = take.sheet.sample_rate
    start = take.sheet.of_kind("marker_start")[0].start_samples / rate
    end = take.sheet.of_kind("marker_end")[0].start_samples / rate
    conditions = take.under()
    method = f"{SPEED}; {take.alignment.method}"
    sd = float(base.sd(start))
    ends = base.output_time(np.array([start, end]))
    speed = (end - start) / float(ends[1] - ends[0])
    doubt = 196.0 * float(np.hypot(base.sd(start), base.sd(end))) / (end - start)
    thirds = np.linspace(start, end, 7)
    out = base.output_time(thirds)
    local = np.diff(thirds) / np.diff(out)
    drift = 100.0 * float(np.polyfit(np.arange(6), local, 1)[0]) * 6.0
    results = [
        result("latency", float(base.delay(start)), "s", 1.96 * sd + 2e-6, conditions, LATENCY),
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


def _wow_flutter(take: Take, reference: float | None) -> Measured:
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
            results.append(Result.invalid("wow_flutter_weighted_2sigma", "%", conditions, FLUTTER, note))
            continue
        delay = np.interp(readings.time_s, readings.time_s[known], readings.delay_s[known])
        density = float(np.median(readings.variance[known])) / noise_bandwidth_hz(FLUTTER_BANDWIDTH_HZ, rate)
        deviation = wow_flutter.deviation(delay, readings.step_s, density)
        results += flutter_results(deviation, conditions, FLUTTER)
        curves.append(flutter_curve(deviation, conditions, FLUTTER))
    return results, curves


def _response(take: Take, reference: float | None) -> Measured:
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


def _noise(take: Take, reference: float | None) -> Measured:
    results: list[Result] = []
    curves: list[Curve] = []
    conditions = take.under()
    for cue in take.cues("silence"):
        if reference is None or reference <= 0.0:
            results.append(
                Result.invalid("noise_a", "dB", conditions, NOISE, "there is no reference tone; use a planned stimulus")
            )
            continue
        rate = take.sheet.sample_rate
        first, last = take.alignment.base.output_time(np.array([cue.start_samples, cue.stop_samples]) / rate) * rate
        edge = round(0.3 * rate)
        silence = take.returned.read(int(first) + edge, int(last) - edge)[:, take.alignment.returned]
        spectrum = noise.spectrum(silence, rate)
        for pilot in take.sheet.of_kind("pilot"):
            spectrum = noise.without_line(spectrum, pilot.number("frequency_hz"), 40.0)
        zero = reference**2 / 2.0
        for quantity, weighting in (("noise_a", "A"), ("noise_ccir_rms", "CCIR-RMS")):
            power, spread = noise.weighted_power(spectrum, weighting)
            value = 10.0 * np.log10(power / zero + 1e-20)
            doubt = 1.96 * 4.343 * spread + 0.02
            results.append(result(quantity, value, "dB", doubt, conditions, f"{NOISE}, {weighting}-weighted RMS"))
            if quantity == "noise_a":
                results.append(result("snr_a", -value, "dB", doubt, conditions, f"{NOISE}, A-weighted, sign reversed"))
        for frequency, power in noise.hum_lines(spectrum):
            level = 10.0 * np.log10(power / zero)
            results.append(
                result("hum", level, "dB", None, take.under(frequency_hz=frequency), "line of the noise spectrum")
            )
        inside = (spectrum.frequency_hz >= 20.0) & (spectrum.frequency_hz <= min(22_000.0, 0.48 * rate))
        density = 10.0 * np.log10(spectrum.density[inside] / zero + 1e-20)
        curves.append(curve("noise_spectrum", conditions, NOISE, spectrum.frequency_hz[inside], density, "density", "dB/Hz"))
        centre, power_bands = noise.third_octaves(spectrum)
        bands = 10.0 * np.log10(power_bands / zero + 1e-20)
        thirds = take.under(bandwidth="1/3 octave")
        curves.append(curve("noise_spectrum", thirds, f"{NOISE}, third octaves", centre, bands, "level", "dB"))
    return results, curves
