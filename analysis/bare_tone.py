"""What a bare recording of a test tone tells: speed, wow and flutter, distortion, noise, dropouts, level stability.

There is no stimulus to compare with. The tone is found (:mod:`analysis.steady_tone`), its own phase is the time base, and what is
left beside it and its harmonics is the noise, re the tone.
"""

from dataclasses import dataclass

import numpy as np

from analysis import distortion, drift, dropouts, modulation, wow_flutter
from analysis.dewarp import dewarp, interpolate
from analysis.findings import Measured, curve, flutter_curve, flutter_results, result
from analysis.intact import CLIPPED
from analysis.phase import Readings, noise_bandwidth_hz, phase_law, track
from analysis.segments import self_timed
from analysis.steady_tone import Found, find, guessed_nominal
from analysis.subjects import noise, steadiness
from analysis.timebase import Timebase
from sessions.results import Conditions, Curve, Result
from signals.audio import AudioReader
from signals.cues import Cue

BANDWIDTH_HZ, STEP_S = 420.0, 0.8e-3
BAND_SHARE = 0.45  # of the tone's frequency that it may be followed at
HIGHEST_SHARE = 0.4  # of it up to which flutter is read (AES6-2008)
NYQUIST_SHARE = 0.8  # of the room between the tone and half the sample rate
MOST_LOST = 0.1
SURE_RAD = 0.35  # with more noise than this in the phase, cycles slip
LONGEST_S = 10.0  # of the tone for distortion and noise
EDGE_S = 0.05
DRIFT_S = 6.0
NOISE_S = 3.5
WIDE_HZ = 20_000.0
SPEED = "mean frequency of the tone over its nominal one; the clock of the recording counts as exact"
DRIFT = "slope of the speed over six equal parts of the tone, times its length"
FLUTTER = "phase demodulation of the tone; AES6-2008 / IEC 60386"
THD = "IEC 60268-3: RMS of the harmonics up to 20 kHz over the fundamental, least squares after dewarping"
LEVEL = "amplitude of the tone, a sine at full scale being 0 dBFS (AES17)"
BESIDE = "beside the tone and its harmonics after dewarping, re the tone"
WANTED = (
    ("speed_error", "%", SPEED),
    ("wow_flutter_weighted_2sigma", "%", FLUTTER),
    ("thd", "%", THD),
    ("noise_a", "dB", BESIDE),
)


@dataclass(frozen=True)
class _Tone:
    """A tone that was found, as everything here looks at it."""

    audio: AudioReader
    channel: int
    cue: Cue
    still: Timebase
    conditions: Conditions

    @property
    def frequency_hz(self) -> float:
        return self.cue.number("frequency_hz")

    def room_hz(self, bandwidth_hz: float) -> float:
        nyquist_hz = 0.5 * self.audio.sample_rate
        return min(bandwidth_hz, BAND_SHARE * self.frequency_hz, NYQUIST_SHARE * (nyquist_hz - self.frequency_hz))

    def follow(self, bandwidth_hz: float, step_s: float) -> Readings:
        rate, room = self.audio.sample_rate, self.room_hz(bandwidth_hz)
        span = (self.cue.start_samples / rate + EDGE_S, self.cue.stop_samples / rate - EDGE_S)
        return track(
            self.audio, self.channel, phase_law(self.cue, rate), self.still, span, room, step_s * bandwidth_hz / room
        )


def measure(audio: AudioReader, channel: int, nominal_hz: float | None) -> Measured:
    """Everything that a recording of a tone tells, for one channel.

    Parameters
    ----------
    audio : AudioReader
        Any sample rate from 8 to 192 kHz.
    channel : int
        Its channel, 0-based.
    nominal_hz : float or None
        Frequency of the tone when it was recorded; None takes the strongest steady line and guesses what it stands for.
    """
    plain: dict[str, str | int | float] = {"channel": channel + 1}
    if nominal_hz is not None:
        plain["frequency_hz"] = nominal_hz
    found = find(audio, channel, nominal_hz)
    if isinstance(found, str):
        return [Result.invalid(quantity, unit, plain, method, found) for quantity, unit, method in WANTED], []
    nominal = nominal_hz or guessed_nominal(found.frequency_hz)
    conditions = {**plain, "frequency_hz": nominal or round(found.frequency_hz, 1)}
    tone = _tone(audio, channel, found, found.frequency_hz, conditions)
    readings = tone.follow(BANDWIDTH_HZ, STEP_S)
    known = np.isfinite(readings.variance)
    reason = _unreadable(readings, known, tone.frequency_hz)
    if reason is not None:
        return [Result.invalid(quantity, unit, conditions, method, reason) for quantity, unit, method in WANTED], []
    delay = np.interp(readings.time_s, readings.time_s[known], readings.delay_s[known])
    mean_hz = found.frequency_hz * (1.0 - (delay[-1] - delay[0]) / (readings.time_s[-1] - readings.time_s[0]))
    results = [
        _speed(readings, delay, mean_hz, nominal, nominal_hz is None, conditions),
        _drift(readings.time_s, delay, float(np.median(readings.variance[known])), conditions),
    ]
    flutter, curves = _flutter(tone, readings, delay, known)
    results += flutter
    tone = _tone(audio, channel, found, float(mean_hz), conditions)
    clipped = _clipped(tone)
    for part in (_spectral, _steadiness):
        more_results, more_curves = part(tone, clipped)
        results += more_results
        curves += more_curves
    return results, curves


def _tone(audio: AudioReader, channel: int, found: Found, frequency_hz: float, conditions: Conditions) -> _Tone:
    rate = audio.sample_rate
    start, stop = round(found.start_s * rate), round(found.stop_s * rate)
    cue = Cue(
        name="tone",
        kind="tone",
        channel=0,
        start_samples=start,
        length_samples=stop - start,
        parameters={"frequency_hz": frequency_hz},
    )
    return _Tone(audio, channel, cue, Timebase.line(0.0, audio.samples / rate, 0.0, 0.0), conditions)


def _unreadable(readings: Readings, known: np.ndarray, frequency_hz: float) -> str | None:
    lost = 100.0 * (1.0 - float(np.mean(known)))
    if lost > 100.0 * MOST_LOST:
        return f"the tone is lost for {lost:.0f} % of its time; check the level and clean the heads"
    radians = 2.0 * np.pi * frequency_hz * float(np.sqrt(np.median(readings.variance[known])))
    if radians > SURE_RAD:
        snr_db = -20.0 * np.log10(np.sqrt(2.0) * radians)
        return f"the tone stands {snr_db:.0f} dB above the noise around it, 6 dB are needed; record it louder"
    return None


def _speed(
    readings: Readings, delay: np.ndarray, mean_hz: float, nominal_hz: float | None, guessed: bool, conditions: Conditions
) -> Result:
    time = readings.time_s
    said = f"{mean_hz:.3f} Hz from {time[0]:.1f} to {time[-1]:.1f} s"
    if nominal_hz is None:
        note = f"{said}: no usual test tone lies within 15 %; say with --tone what it was recorded as"
        return Result.invalid("speed_error", "%", conditions, SPEED, note)
    # Where the tone begins and ends, wow has it early or late by chance.
    wander = float(np.var(delay - np.polyval(np.polyfit(time, delay, 1), time)))
    hiss = float(np.median(readings.variance[np.isfinite(readings.variance)]))
    doubt = 196.0 * float(np.sqrt(2.0 * (wander + hiss))) / float(time[-1] - time[0])
    told = result("speed_error", 100.0 * (mean_hz / nominal_hz - 1.0), "%", doubt, conditions, SPEED)
    guess = f", taken for {nominal_hz:g} Hz" if guessed else ""
    return told.model_copy(update={"note": f"{said}{guess}"})


def _drift(time_s: np.ndarray, delay_s: np.ndarray, variance: float, conditions: Conditions) -> Result:
    seconds = float(time_s[-1] - time_s[0])
    if seconds < DRIFT_S:
        note = f"the tone lasts {seconds:.1f} s, {DRIFT_S:g} s are needed; record a longer one"
        return Result.invalid("speed_drift", "%", conditions, DRIFT, note)
    edges_s = drift.edges(float(time_s[0]), float(time_s[-1]))
    speed = 1.0 - np.diff(np.interp(edges_s, time_s, delay_s)) / np.diff(edges_s)
    # Where each part begins and ends, wow has the tone early or late by chance.
    wander = float(np.var(delay_s - np.polyval(np.polyfit(time_s - time_s[0], delay_s, 2), time_s - time_s[0])))
    value, doubt = drift.percent(speed / np.mean(speed), edges_s, float(np.sqrt(variance + wander)))
    return result("speed_drift", value, "%", doubt, conditions, DRIFT)


def _flutter(tone: _Tone, readings: Readings, delay: np.ndarray, known: np.ndarray) -> Measured:
    room = tone.room_hz(BANDWIDTH_HZ)
    density = float(np.median(readings.variance[known])) / noise_bandwidth_hz(room, tone.audio.sample_rate)
    highest = min(wow_flutter.UNWEIGHTED_HZ[1], HIGHEST_SHARE * tone.frequency_hz, 0.7 * room)
    deviation = wow_flutter.deviation(delay, readings.step_s, density, highest)
    results = flutter_results(deviation, tone.conditions, f"{FLUTTER}, followed up to {highest:.0f} Hz")
    slow = max(1, round(0.01 / readings.step_s))
    count = deviation.percent.size // slow
    percent = deviation.percent[: count * slow].reshape(count, slow).mean(axis=1)
    time = readings.time_s[0] + readings.step_s * (slow * (np.arange(count) + 0.5))
    speed = curve("speed_deviation", tone.conditions, FLUTTER, time, percent, "deviation", "%", x=("time", "s"))
    return results, [flutter_curve(deviation, tone.conditions, FLUTTER), speed]


def _middle(tone: _Tone) -> tuple[int, int]:
    """First sample of the middle of the tone, and the one behind its last."""
    rate = tone.audio.sample_rate
    edge = max(round(EDGE_S * rate), (tone.cue.length_samples - round(LONGEST_S * rate)) // 2)
    return tone.cue.start_samples + edge, tone.cue.stop_samples - edge


def _clipped(tone: _Tone) -> str | None:
    """Why the level of the tone, and all that is read off it, says nothing; None where nothing is clipped."""
    share = float(np.mean(np.abs(tone.audio.read(*_middle(tone))[:, tone.channel]) >= CLIPPED))
    return f"{100 * share:.2g} % of the samples reach full scale and are clipped; record at a lower level" if share else None


def _spectral(tone: _Tone, clipped: str | None) -> Measured:
    """Level, distortion and noise of the middle of the tone."""
    if clipped is not None:
        lost = (("tone_level", "dBFS", LEVEL), *WANTED[2:])
        return [Result.invalid(*w[:2], tone.conditions, w[2], clipped) for w in lost], []
    rate, frequency = tone.audio.sample_rate, tone.frequency_hz
    timebase = self_timed(tone.audio, tone.channel, tone.cue, rate, tone.still)
    start, stop = _middle(tone)
    wave = dewarp(tone.audio, tone.channel, timebase, start, stop)
    found = distortion.analyse(wave, frequency, rate)
    level = 20.0 * np.log10(found.fundamental)
    results = [result("tone_level", level, "dBFS", found.fundamental_doubt_db(), tone.conditions, LEVEL)]
    thd = found.thd() if 2.0 * frequency < 0.47 * rate else None
    if thd is None:
        note = "the harmonics are below the noise or above the band of the recording; record longer, or at a higher rate"
        results.append(Result.invalid("thd", "%", tone.conditions, THD, note))
    else:
        results.append(result("thd", thd[0], "%", thd[1], tone.conditions, THD))
    residue = _beside(tone, timebase, start, wave)
    if residue.size < noise.SHORTEST_S * rate:
        note = f"the tone lasts {wave.size / rate:.1f} s, {NOISE_S:g} s are needed for its noise; record a longer one"
        return [*results, Result.invalid("noise_a", "dB", tone.conditions, BESIDE, note)], []
    told, curves = noise.levels([residue], rate, found.fundamental, tone.conditions)
    band = f", up to {0.5 * rate / 1000:g} kHz" if 0.5 * rate < WIDE_HZ else ""
    results += [r.model_copy(update={"method": f"{r.method}; {BESIDE}{band}"}) for r in told]
    return results, [c.model_copy(update={"method": f"{c.method}; {BESIDE}{band}"}) for c in curves]


def _beside(tone: _Tone, timebase: Timebase, start: int, wave: np.ndarray) -> np.ndarray:
    """The recording less its tone and harmonics, as recorded: what dewarping does to noise near the band's end is not done to it.

    Parameters
    ----------
    start : int
        First sample of the dewarped tone, on the clock of the tone.
    wave : ndarray, shape (samples,)
        The dewarped tone.
    """
    rate = tone.audio.sample_rate
    rest = modulation.without_tone(wave, tone.frequency_hz, rate)
    if rest.size < rate:
        return np.zeros(0)
    first = start + modulation.edge_samples(rate)
    lines = wave[first - start : first - start + rest.size] - rest
    # A kernel reaches 32 samples beyond its place; the clocks stray by less than the edge.
    ends = timebase.output_time(np.array([first, first + rest.size]) / rate) * rate
    inside = np.arange(int(ends[0]) + 64, int(ends[1]) - 64)
    heard = tone.audio.read(int(inside[0]), int(inside[-1]) + 1)[:, tone.channel]
    return heard - interpolate(lines, timebase.input_time(inside / rate) * rate - first)


def _steadiness(tone: _Tone, clipped: str | None) -> tuple[list[Result], list[Curve]]:
    rate = tone.audio.sample_rate
    slow = tone.follow(steadiness.SLOW_HZ, steadiness.SLOW_STEP_S)
    bandwidth = noise_bandwidth_hz(tone.room_hz(steadiness.SLOW_HZ), rate)
    stability = steadiness.level_result(slow, tone.frequency_hz, bandwidth, tone.conditions)
    if clipped is not None:
        stability = Result.invalid(stability.quantity, stability.unit, tone.conditions, stability.method, clipped)
    heard = dropouts.follow(tone.audio, tone.channel, tone.cue, rate, tone.still)
    results, curves = steadiness.found(heard, tone.conditions)
    return [stability, *results], curves
