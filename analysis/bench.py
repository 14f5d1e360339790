"""The bench: cues and a reader of the recording in, results and curves out.

It opens nothing. :func:`measure_take` measures one programme channel of an aligned take, :func:`measure_pair` a pair of
recordings made with any material. Every figure states its method, its conditions and its 95 % uncertainty; one that cannot be
had is present, invalid, and says why.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from analysis import distortion, noise, programme, response, wow_flutter
from analysis.alignment import Alignment, self_timed
from analysis.dewarp import dewarp, interpolate
from analysis.phase import phase_law, track
from analysis.timebase import Timebase
from sessions.results import Axis, Conditions, Curve, Result, finite_points
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet
from signals.stimulus import waveform
from signals.sweeps import Sweep

Measured = tuple[list[Result], list[Curve]]
FLUTTER_BANDWIDTH_HZ = 300.0
FLUTTER_STEP_S = 1e-3
CURVE_POINTS = 60_000
EDGE_S = 0.05
SATURATED_HZ = 10_000.0
MOL_HZ = 315.0
CLIPPED = 0.999

LATENCY = "arrival of the start marker on the time base; linear phase of the response from 400 Hz to 6 kHz counts as delay"
SPEED = "span of the stimulus from start to end marker over the span of its return"
DEVIATION = "derivative of the delay trajectory, re its mean"
FLUTTER = "phase demodulation of the tone, 300 Hz wide; AES6-2008 / IEC 60386"
RESPONSE = "synchronised exponential sweep (Novak 2015), deconvolved after dewarping"
PAIR_RESPONSE = "cross-spectrum over auto-spectrum of the aligned programme, smoothed over 0.3 octave"
THD = "IEC 60268-3: RMS of the harmonics up to 20 kHz over the fundamental, least squares after dewarping"
THD_N = "AES17: all but the fundamental, 20 Hz to 20 kHz, over the fundamental, after dewarping"
LEVEL = "fundamental of the returned tone re that of the 1 kHz reference tone at 0 dB"
NOISE = "power of silent tape from 20 Hz to 20 kHz re the returned reference tone (1 kHz at 0 dB)"


@dataclass(frozen=True)
class Take:
    """One programme channel of a take on the bench.

    Attributes
    ----------
    returned : AudioReader
        The recording.
    sheet : CueSheet
        What was played.
    alignment : Alignment
        Time base of the channel.
    conditions : mapping
        Conditions that hold for every figure: track, pass, speed, dbx.
    """

    returned: AudioReader
    sheet: CueSheet
    alignment: Alignment
    conditions: Conditions

    def cues(self, *kinds: str, purpose: str | None = None) -> list[Cue]:
        """Segments of this channel, of given kinds and purpose."""
        found = (c for c in self.sheet.cues if c.channel == self.alignment.channel and c.kind in kinds)
        return [c for c in found if purpose is None or c.parameters.get("purpose") == purpose]

    def under(self, **more: str | float) -> dict[str, str | int | float]:
        """Conditions of the take with those of one figure."""
        return {**self.conditions, **more}

    def steady(self, cue: Cue) -> tuple[np.ndarray, Cue]:
        """A tone without its fades, dewarped by its own phase, shape (samples,)."""
        rate = self.sheet.sample_rate
        timebase = self.alignment.own.get(cue.name)
        if timebase is None:
            timebase = self_timed(self.returned, self.alignment.returned, cue, rate, self.alignment.base)
        edge = round(EDGE_S * rate)
        start, stop = cue.start_samples + edge, cue.stop_samples - edge
        return dewarp(self.returned, self.alignment.returned, timebase, start, stop), cue


def measure_take(take: Take, progress: Callable[[str], None] = lambda _: None) -> Measured:
    """Everything that the stimulus allows, for one programme channel."""
    results: list[Result] = []
    curves: list[Curve] = []
    reference = _reference_amplitude(take)
    for name, subject in (
        ("time", _time),
        ("wow and flutter", _wow_flutter),
        ("response", _response),
        ("distortion", _distortion),
        ("noise", _noise),
    ):
        progress(f"measuring {name} of track {take.conditions.get('track', '?')}")
        more_results, more_curves = subject(take, reference)
        results += more_results
        curves += more_curves
    return results, curves


def measure_pair(
    dry: np.ndarray, wet: np.ndarray, sample_rate: int, estimate: programme.Estimate, conditions: Conditions
) -> Measured:
    """What a pair of recordings made with any material tells: delay, speed, polarity, response.

    Parameters
    ----------
    dry, wet : ndarray, shape (samples,)
        Signal sent and returned.
    estimate : programme.Estimate
        Their time base, from :func:`analysis.alignment.align_pair`.
    """
    timebase = estimate.timebase
    end_s = min(dry.size / sample_rate, float(timebase.input_time(wet.size / sample_rate)))
    start_s = max(0.0, float(timebase.input_time(0.0)))
    sd = float(np.sqrt(np.mean(timebase.sd_s**2)))
    speed = (end_s - start_s) / float(timebase.output_time(end_s) - timebase.output_time(start_s))
    speed_sd = np.sqrt(2.0) * sd / (end_s - start_s)
    method = (
        "delay trajectory from the programme: Gauss-Newton on the phase in short frames, with a prior on the motion of tape"
    )
    results = [
        _result("latency", float(timebase.delay(start_s)), "s", 1.96 * sd, conditions, method),
        _result("speed_error", 100.0 * (speed - 1.0), "%", 196.0 * speed_sd, conditions, method),
    ]
    curves = _trajectory_curves(timebase, start_s, end_s, conditions, method)
    grid = np.arange(start_s, end_s, timebase.step_s)
    if end_s - start_s >= wow_flutter.MINIMUM_S - 0.5:
        density = 2.0 * float(np.median(timebase.sd(grid))) ** 2 * timebase.step_s
        deviation = wow_flutter.deviation(timebase.delay(grid), timebase.step_s, density)
        results += _flutter_results(deviation, dict(conditions), method)
        curves.append(_flutter_curve(deviation, dict(conditions), method))
    time = np.arange(wet.size) / sample_rate
    warped = interpolate(dry, timebase.input_time(time) * sample_rate)
    H, coherence, frequency = programme.transfer(warped, wet, sample_rate)
    told = (coherence > 0.5) & (frequency >= 20.0) & (frequency <= 0.46 * sample_rate)
    if told.sum() > 8:
        frames = max(1.0, wet.size / (2.0 * (frequency.size - 1)))
        doubt = 8.686 * 1.96 * np.sqrt((1.0 - coherence[told]) / (2.0 * coherence[told] * frames))
        level = 20.0 * np.log10(np.abs(H[told]))
        curves.append(
            _curve("frequency_response", conditions, PAIR_RESPONSE, frequency[told], level, "magnitude", "dB", doubt)
        )
        phase = np.degrees(np.unwrap(np.angle(H[told])))
        curves.append(_curve("phase_response", conditions, PAIR_RESPONSE, frequency[told], phase, "phase", "deg"))
        middle = told & (frequency > 200.0) & (frequency < 2000.0)
        sign = float(np.sign(np.sum(np.real(H[middle])))) if middle.any() else 0.0
        if sign:
            results.append(_result("polarity", sign, "1", None, conditions, "sign of the response from 200 Hz to 2 kHz"))
    return results, curves


def _reference_amplitude(take: Take) -> float | None:
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
        _result("latency", float(base.delay(start)), "s", 1.96 * sd + 2e-6, conditions, LATENCY),
        _result("speed_error", 100.0 * (speed - 1.0), "%", doubt, conditions, method),
        _result("speed_drift", drift, "%", None, conditions, "slope of the speed over the take, from its six parts"),
    ]
    found = take.cues("noise", "sweep")
    if found:
        sign = _polarity(take, found[0])
        results.append(
            _result("polarity", sign, "1", None, conditions, "sign of the correlation with what was sent, 200 Hz to 2 kHz")
        )
    return results, _trajectory_curves(base, start, end, conditions, take.alignment.method)


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
        density = float(np.median(readings.variance[known])) / FLUTTER_BANDWIDTH_HZ
        deviation = wow_flutter.deviation(delay, FLUTTER_STEP_S, density)
        results += _flutter_results(deviation, conditions, FLUTTER)
        curves.append(_flutter_curve(deviation, conditions, FLUTTER))
    return results, curves


def _flutter_results(
    deviation: wow_flutter.Deviation, conditions: dict[str, str | int | float], method: str
) -> list[Result]:
    results = [
        _result(name, figure.value, "%", figure.uncertainty, conditions, method)
        for name, figure in wow_flutter.figures(deviation).items()
    ]
    for frequency, percent in wow_flutter.lines(deviation):
        line = {**conditions, "frequency_hz": round(frequency, 3)}
        results.append(_result("flutter_line", percent, "%", None, line, "line of the flutter spectrum, RMS"))
    return results


def _flutter_curve(deviation: wow_flutter.Deviation, conditions: Conditions, method: str) -> Curve:
    frequency, percent = wow_flutter.spectrum(deviation)
    return _curve("flutter_spectrum", conditions, f"{method}; RMS of each line", frequency, percent, "speed deviation", "%")


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
        curves.append(
            _curve("frequency_response", conditions, RESPONSE, found.frequency_hz, level, "magnitude", "dB", doubt)
        )
        if with_phase:
            phase = np.unwrap(np.angle(found.transfer))
            delay = -np.gradient(phase, 2.0 * np.pi * found.frequency_hz)
            curves.append(
                _curve("phase_response", conditions, RESPONSE, found.frequency_hz, np.degrees(phase), "phase", "deg")
            )
            curves.append(_curve("group_delay", conditions, RESPONSE, found.frequency_hz, delay, "delay", "s"))
        for order, (frequency, ratio) in found.harmonics.items():
            ratio_db = 20.0 * np.log10(ratio + 1e-9)
            curves.append(_curve(f"harmonic_response_{order}", conditions, RESPONSE, frequency, ratio_db, "harmonic", "dB"))
        results += _band_results(found.frequency_hz, level, conditions)
    return results, curves


def _band_results(frequency: np.ndarray, level: np.ndarray, conditions: Conditions) -> list[Result]:
    results = []
    for name, edge in zip(("bandwidth_low", "bandwidth_high"), response.band_edges(frequency, level), strict=True):
        method = "frequency at which the response is 3 dB below that at 1 kHz"
        if edge is None:
            note = f"the response stays within 3 dB of 1 kHz to the end of the sweep ({frequency[0]:.0f} to {frequency[-1]:.0f} Hz)"
            results.append(Result.invalid(name, "Hz", conditions, method, note))
        else:
            results.append(_result(name, edge, "Hz", 0.02 * edge, conditions, method))
    inside = (frequency >= 100.0) & (frequency <= 10_000.0)
    ripple = 0.5 * float(np.ptp(level[inside]))
    results.append(
        _result("response_ripple", ripple, "dB", 0.1, conditions, "half the spread of the response from 100 Hz to 10 kHz")
    )
    return results


def _distortion(take: Take, reference: float | None) -> Measured:
    results: list[Result] = []
    curves: list[Curve] = []
    ladders: dict[float, list[tuple[float, distortion.Harmonics]]] = {}
    for cue in take.cues("tone", purpose="ladder"):
        frequency, level_db = cue.number("frequency_hz"), cue.level_db or 0.0
        tone, _ = take.steady(cue)
        conditions = take.under(frequency_hz=frequency, level_db=level_db)
        if np.max(np.abs(tone)) >= CLIPPED:
            note = f"the returned tone reaches {np.max(np.abs(tone)):.3f} of full scale and is clipped; lower the input gain"
            results.append(Result.invalid("thd", "%", conditions, THD, note))
            continue
        found = distortion.analyse(tone, frequency, take.sheet.sample_rate)
        if found.fundamental < 4.0 * found.residual_rms:
            note = "the tone stands less than 9 dB above the noise; raise the level or check the wiring"
            results.append(Result.invalid("thd", "%", conditions, THD, note))
            continue
        ladders.setdefault(frequency, []).append((level_db, found))
        if 3.0 * frequency <= distortion.HIGHEST_HZ:
            results += _harmonic_results(found, conditions)
    for frequency, steps in ladders.items():
        more_results, more_curves = _ladder(take, frequency, steps, reference)
        results += more_results
        curves += more_curves
    return results, curves


def _harmonic_results(found: distortion.Harmonics, conditions: Conditions) -> list[Result]:
    results = [_result("thd_n", found.thd_n(), "%", 0.02 * found.thd_n(), conditions, THD_N)]
    thd = found.thd()
    if thd is None:
        note = "the harmonics are below the noise in their bands; a longer or louder tone would show them"
        results.append(Result.invalid("thd", "%", conditions, THD, note))
    else:
        results.append(_result("thd", thd[0], "%", thd[1], conditions, THD))
    for order in range(2, 6):
        level = found.harmonic_db(order)
        if level is None:
            note = f"harmonic {order} is below the noise in its band; a longer or louder tone would show it"
            results.append(Result.invalid(f"harmonic_{order}", "dB", conditions, THD, note))
        else:
            results.append(_result(f"harmonic_{order}", level[0], "dB", level[1], conditions, THD))
    return results


def _ladder(
    take: Take, frequency: float, steps: list[tuple[float, distortion.Harmonics]], reference: float | None
) -> Measured:
    conditions = take.under(frequency_hz=frequency)
    level = np.array([s[0] for s in steps])
    zero = reference if reference is not None else steps[int(np.argmin(np.abs(level)))][1].fundamental
    output = np.array([20.0 * np.log10(s[1].fundamental / zero) for s in steps])
    results: list[Result] = []
    curves = [_curve("compression", conditions, LEVEL, level, output, "output", "dB", x=("input", "dB"))]
    if 3.0 * frequency <= distortion.HIGHEST_HZ:
        told = [(step, found.thd()) for step, found in steps]
        thd = np.array([(step, *figure) for step, figure in told if figure is not None])
        if thd.size:
            curves.append(
                _curve("thd_vs_level", conditions, THD, thd[:, 0], thd[:, 1], "THD", "%", thd[:, 2], x=("level", "dB"))
            )
    if frequency == MOL_HZ:
        third = np.array([10.0 * np.log10(max(s[1].power[2] / s[1].power[0], 1e-12)) for s in steps])
        method = (
            "output level at 315 Hz at which the third harmonic is 3 % of the fundamental, re the returned reference tone"
        )
        mol = distortion.maximum_output_level(output, third)
        if mol is None:
            note = f"the third harmonic stays below 3 % up to {level[-1]:+g} dB; extend the ladder with --levels"
            results.append(Result.invalid("mol_315", "dB", conditions, method, note))
        else:
            results.append(_result("mol_315", mol, "dB", 0.3, conditions, method))
    if frequency == SATURATED_HZ:
        method = "highest output at 10 kHz over the ladder, re the returned reference tone"
        if (
            output.size > 2
            and np.argmax(output) == output.size - 1
            and output[-1] - output[-2] > 0.2 * (level[-1] - level[-2])
        ):
            note = f"the output still rises at {level[-1]:+g} dB; extend the ladder with --levels"
            results.append(Result.invalid("sol_10k", "dB", conditions, method, note))
        else:
            results.append(_result("sol_10k", float(np.max(output)), "dB", 0.2, conditions, method))
    return results, curves


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
            results.append(_result(quantity, value, "dB", doubt, conditions, f"{NOISE}, {weighting}-weighted RMS"))
            if quantity == "noise_a":
                results.append(_result("snr_a", -value, "dB", doubt, conditions, f"{NOISE}, A-weighted, sign reversed"))
        for frequency, power in noise.hum_lines(spectrum):
            level = 10.0 * np.log10(power / zero)
            results.append(
                _result("hum", level, "dB", None, take.under(frequency_hz=frequency), "line of the noise spectrum")
            )
        inside = (spectrum.frequency_hz >= 20.0) & (spectrum.frequency_hz <= min(22_000.0, 0.48 * rate))
        density = 10.0 * np.log10(spectrum.density[inside] / zero + 1e-20)
        curves.append(
            _curve("noise_spectrum", conditions, NOISE, spectrum.frequency_hz[inside], density, "density", "dB/Hz")
        )
        centre, power_bands = noise.third_octaves(spectrum)
        bands = 10.0 * np.log10(power_bands / zero + 1e-20)
        thirds = take.under(bandwidth="1/3 octave")
        curves.append(_curve("noise_spectrum", thirds, f"{NOISE}, third octaves", centre, bands, "level", "dB"))
    return results, curves


def _trajectory_curves(timebase: Timebase, start_s: float, end_s: float, conditions: Conditions, method: str) -> list[Curve]:
    step = max(timebase.step_s, (end_s - start_s) / CURVE_POINTS)
    time = np.arange(start_s, end_s, step)
    delay, sd = timebase.delay(time), timebase.sd(time)
    ratio = 1.0 / (1.0 + timebase.slope(time))
    speed = 100.0 * (ratio / np.mean(ratio) - 1.0)
    axis = ("time", "s")
    return [
        _curve("delay_trajectory", conditions, method, time, delay, "delay", "s", 1.96 * sd, x=axis),
        _curve("speed_deviation", conditions, f"{DEVIATION}; {method}", time, speed, "deviation", "%", x=axis),
    ]


def _result(
    quantity: str, value: float, unit: str, uncertainty: float | None, conditions: Conditions, method: str
) -> Result:
    return Result(
        quantity=quantity,
        value=float(value),
        unit=unit,
        uncertainty=None if uncertainty is None else float(uncertainty),
        conditions=dict(conditions),
        method=method,
    )


def _curve(
    quantity: str,
    conditions: Conditions,
    method: str,
    x_values: np.ndarray,
    y_values: np.ndarray,
    y_name: str,
    y_unit: str,
    uncertainty: Iterable[float] | None = None,
    x: tuple[str, str] = ("frequency", "Hz"),
) -> Curve:
    doubt = np.zeros(np.size(x_values)) if uncertainty is None else np.asarray(uncertainty, dtype=float)
    kept_x, kept_y, kept_doubt = finite_points(x_values, y_values, doubt)
    return Curve(
        quantity=quantity,
        conditions=dict(conditions),
        method=method,
        x=Axis.of(x[0], x[1], kept_x),
        y=Axis.of(y_name, y_unit, kept_y),
        uncertainty=None if uncertainty is None else kept_doubt.tolist(),
    )
