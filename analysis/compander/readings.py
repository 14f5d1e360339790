"""Readings of one channel of a take: levels of settled steps and pairs of tones, envelopes of bursts, noise.

A line's power is summed over a band as wide as flutter spreads it, less the noise beside it, so that motion left after
dewarping takes nothing from it. Of every segment the second half is read, when the detector has settled.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis import noise
from analysis.dewarp import dewarp
from analysis.take import CLIPPED, EDGE_S, Take
from sessions.results import Condition, Curve
from signals.cues import Cue

LINE_BINS = 3.0  # a Hann window's line, and one bin
FLUTTER = 0.002  # of the frequency, on either side
BESIDE = 4.0  # the noise is looked for within so many widths
HUM_APART_DB = 20.0  # by which a tone stands above a line that sounds without it
LEAST_RATIO = 4.0  # of a line's power to the noise in its band
READING_SD_DB = 0.01  # what level drifts within a take
SILENCE_LEAD_S = 1.0  # a decoder comes down through 100 dB
SILENCE_TAIL_S = 0.2
SMOOTHING_S = 0.004  # of a burst's envelope; two periods below 500 Hz
GRID_S = 0.0005
NOTCHED_HARMONICS = 40
NOTCH_HZ = 12.0
SMALL_SIGNAL_DB = -20.0


@dataclass(frozen=True)
class Line:
    """A settled tone: what was sent, what returned in dB re full scale, and the standard deviation of that."""

    frequency_hz: float
    level_db: float
    returned_db: float
    sd_db: float


@dataclass(frozen=True)
class Probe:
    """A weak tone beside a strong one: by how much its ratio to the strong one returned otherwise than sent."""

    frequency_hz: float
    beside_hz: float
    change_db: float
    sd_db: float


@dataclass(frozen=True)
class Burst:
    """Envelope of a burst segment on the stimulus' clock.

    Attributes
    ----------
    on_s, period_s, rest_db
        As in the cue.
    time_s, envelope_db : ndarray, shape (points,)
        Time from the start of the segment, and level returned, smoothed by a Hann window of `smoothing_s`.
    noise_db : float
        Level of the noise in the same bandwidth.
    """

    frequency_hz: float
    level_db: float
    rest_db: float
    on_s: float
    period_s: float
    smoothing_s: float
    time_s: np.ndarray
    envelope_db: np.ndarray
    noise_db: float


@dataclass(frozen=True)
class Noise:
    """A-weighted power in full-scale units squared, and its relative standard deviation."""

    power: float
    spread: float


@dataclass(frozen=True)
class Readings:
    """All of one channel of one take.

    Attributes
    ----------
    conditions : mapping
        Those of the take.
    reference_db : float or None
        Returned level of the 1 kHz reference tone.
    response : tuple of ndarray or None
        Frequency in Hz and returned over sent in dB, where sweeps went through.
    beside : mapping of float to Noise
        Noise beside low tones, by the level sent.
    """

    conditions: Mapping[str, Condition]
    steps: tuple[Line, ...]
    probes: tuple[Probe, ...]
    bursts: tuple[Burst, ...]
    silence: Noise | None
    beside: Mapping[float, Noise]
    reference_db: float | None
    response: tuple[np.ndarray, np.ndarray] | None

    @property
    def dbx(self) -> str:
        """Position of the switch."""
        return str(self.conditions.get("dbx", "off"))


MODULATING_HZ = 100.0


def read(take: Take, curves: Sequence[Curve] = ()) -> Readings:
    """Everything about a compander that one channel of a take holds.

    Parameters
    ----------
    curves : sequence of Curve
        What the bench found of it; the response is taken from there.
    """
    companded = str(take.conditions.get("dbx", "off")) != "off"
    tones = [c for purpose in ("ladder", "spot") for c in take.cues("tone", purpose=purpose)]
    low = [c for c in tones if companded and c.number("frequency_hz") == MODULATING_HZ]
    idle = _idle(take, {c.number("frequency_hz") for c in tones})
    reference = [line for c in take.cues("tone", purpose="reference") if (line := _step(take, c))]
    return Readings(
        take.conditions,
        tuple(above for c in tones if (line := _step(take, c)) and (above := _above_hum(line, idle))),
        tuple(p for c in take.cues("two_tone", purpose="emphasis") if companded and (p := _probe(take, c))),
        tuple(b for c in take.cues("bursts") if companded and (b := _burst(take, c))),
        _silence(take),
        {c.level_db or 0.0: _beside(take, c) for c in low},
        reference[0].returned_db if reference else None,
        _response(curves),
    )


def line_power(
    wave: np.ndarray, frequency_hz: float, sample_rate: int, shunned_hz: float = 0.0
) -> tuple[float, float] | None:
    """Mean square of a line in noise, and its relative standard deviation; None where noise hides it.

    Parameters
    ----------
    wave : ndarray, shape (samples,)
    shunned_hz : float
        Frequency of another line, about which no noise is looked for.
    """
    window = np.hanning(wave.size + 2)[1:-1]
    power = 2.0 * np.abs(np.fft.rfft(wave * window)) ** 2 / (wave.size * np.sum(window**2))
    frequency = np.fft.rfftfreq(wave.size, 1.0 / sample_rate)
    step = sample_rate / wave.size
    half = LINE_BINS * step + FLUTTER * frequency_hz
    distance = np.abs(frequency - frequency_hz)
    line = distance <= half
    near = (distance > half + step) & (distance <= BESIDE * half) & (frequency > 2.0 * step)
    if shunned_hz:
        near &= np.abs(frequency - shunned_hz) > LINE_BINS * step + 2.0 * FLUTTER * shunned_hz
    hiss = float(np.mean(power[near])) if near.any() else 0.0
    bins = int(np.count_nonzero(line))
    total = float(np.sum(power[line])) - bins * hiss
    if total <= LEAST_RATIO * bins * hiss or total <= 0.0:
        return None
    # A line of power P in bins of Gaussian noise h, 1.5 of which it covers: variance 2 P h 1.5 + bins h^2.
    return total, float(np.sqrt(3.0 * total * hiss + 2.0 * bins * hiss**2)) / total


def settled(take: Take, cue: Cue) -> np.ndarray:
    """Second half of a segment without its fade, on the stimulus' clock."""
    start = cue.start_samples + cue.length_samples // 2
    stop = cue.stop_samples - round(0.6 * EDGE_S * take.sheet.sample_rate)
    return dewarp(take.returned, take.alignment.returned, take.alignment.base, start, stop)


def _step(take: Take, cue: Cue) -> Line | None:
    wave = settled(take, cue)
    found = line_power(wave, cue.number("frequency_hz"), take.sheet.sample_rate)
    if found is None or np.max(np.abs(wave)) >= CLIPPED:
        return None
    sd = float(np.hypot(4.343 * found[1], READING_SD_DB))
    return Line(cue.number("frequency_hz"), cue.level_db or 0.0, _full_scale_db(found[0]), sd)


def _idle(take: Take, tones_hz: Collection[float]) -> dict[float, float]:
    """Lines that sound in silence too at the frequencies of tones, such as hum: level re full scale by frequency."""
    found = {}
    for cue in take.cues("silence")[:1]:
        wave = _silent(take, cue)
        for tone_hz in tones_hz:
            line = line_power(wave, tone_hz, take.sheet.sample_rate)
            if line is not None:
                found[tone_hz] = _full_scale_db(line[0])
    return found


def _above_hum(line: Line, idle: Mapping[float, float]) -> Line | None:
    """A line with what hum of unknown phase may add to it; None where that is too much."""
    hum = idle.get(line.frequency_hz)
    if hum is None:
        return line
    if line.returned_db < hum + HUM_APART_DB:
        return None
    doubt = 8.686 / np.sqrt(2.0) * 10.0 ** ((hum - line.returned_db) / 20.0)
    return replace(line, sd_db=float(np.hypot(line.sd_db, doubt)))


def _silent(take: Take, cue: Cue) -> np.ndarray:
    """What is heard in silence once a decoder has come down, as recorded."""
    rate = take.sheet.sample_rate
    first, last = take.alignment.base.output_time(np.array([cue.start_samples, cue.stop_samples]) / rate) * rate
    start, stop = int(first) + round(SILENCE_LEAD_S * rate), int(last) - round(SILENCE_TAIL_S * rate)
    return take.returned.read(start, stop)[:, take.alignment.returned]


def _probe(take: Take, cue: Cue) -> Probe | None:
    wave, rate = settled(take, cue), take.sheet.sample_rate
    strong_hz, weak_hz = cue.number("first_hz"), cue.number("second_hz")
    strong, weak = line_power(wave, strong_hz, rate, weak_hz), line_power(wave, weak_hz, rate, strong_hz)
    if strong is None or weak is None or np.max(np.abs(wave)) >= CLIPPED:
        return None
    change = 10.0 * np.log10(weak[0] / strong[0]) - cue.number("second_db")
    return Probe(weak_hz, strong_hz, float(change), float(np.hypot(4.343 * np.hypot(strong[1], weak[1]), READING_SD_DB)))


def _burst(take: Take, cue: Cue) -> Burst | None:
    rate, tone_hz = take.sheet.sample_rate, cue.number("frequency_hz")
    smoothing = max(SMOOTHING_S, 2.0 / tone_hz)
    taps = round(smoothing * rate) | 1
    lead = taps // 2
    start, stop = cue.start_samples - lead, cue.stop_samples + lead
    wave = dewarp(take.returned, take.alignment.returned, take.alignment.base, start, stop)
    if np.max(np.abs(wave)) >= CLIPPED:
        return None
    time = (np.arange(start, stop) - cue.start_samples) / rate
    window = np.hanning(taps + 2)[1:-1]
    window /= np.sum(window)
    stride = max(1, round(GRID_S * rate))
    beside_hz = tone_hz + max(1000.0, 6.0 / smoothing)
    envelope, beside = (
        2.0 * np.abs(np.convolve(wave * np.exp(-2j * np.pi * f * time), window, "valid")[::stride]) ** 2
        for f in (tone_hz, beside_hz)
    )
    floor = max(float(np.median(beside)) / np.log(2.0), 1e-16)
    return Burst(
        tone_hz,
        cue.level_db or 0.0,
        cue.number("rest_db"),
        cue.number("on_s"),
        cue.number("period_s"),
        taps / rate,
        np.arange(envelope.size) * stride / rate,
        10.0 * np.log10(2.0 * np.maximum(envelope - floor, 1e-3 * floor)),
        10.0 * np.log10(2.0 * floor),
    )


def _silence(take: Take) -> Noise | None:
    for cue in take.cues("silence")[:1]:
        return _noise(take, _silent(take, cue), ())
    return None


def _beside(take: Take, cue: Cue) -> Noise:
    """Noise beside a low tone, the tone and its harmonics taken out."""
    tone_hz = cue.number("frequency_hz")
    return _noise(take, settled(take, cue), tone_hz * np.arange(1, NOTCHED_HARMONICS + 1))


def _noise(take: Take, wave: np.ndarray, lines_hz: Sequence[float] | np.ndarray) -> Noise:
    spectrum = noise.spectrum(wave, take.sheet.sample_rate)
    for line in lines_hz:
        spectrum = noise.without_line(spectrum, float(line), NOTCH_HZ)
    for pilot in take.sheet.of_kind("pilot"):
        spectrum = noise.without_line(spectrum, pilot.number("frequency_hz"), 40.0)
    return Noise(*noise.weighted_power(spectrum, "A"))


def _response(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray] | None:
    found = [c for c in curves if c.quantity == "frequency_response"]
    if not found:
        return None
    best = min(found, key=lambda c: abs(float(c.conditions.get("level_db", 0.0)) - SMALL_SIGNAL_DB))
    return best.x.array, best.y.array


def _full_scale_db(mean_square: float) -> float:
    return float(10.0 * np.log10(2.0 * mean_square))
