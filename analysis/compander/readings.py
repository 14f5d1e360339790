"""Readings of one channel of a take: levels of settled steps and pairs of tones, envelopes of bursts, noise.

Steps and pairs of tones are read as lines (:mod:`lines`), bursts as envelopes on the stimulus' clock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis import modulation, noise
from analysis.compander.lines import (
    READING_SD_DB,
    Line,
    above_hum,
    full_scale_db,
    idle_lines,
    line_power,
    settled,
    step,
)
from analysis.dewarp import dewarp
from analysis.intact import CLIPPED
from analysis.take import Take
from sessions.results import Condition, Curve
from signals.cues import Cue

SMOOTHING_S = 0.004  # of a burst's envelope; two periods below 500 Hz
GRID_S = 0.0005
SMALL_SIGNAL_DB = -20.0


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
        Level of the noise in the same bandwidth, and of hum at this frequency.
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
    pairs = [c for c in take.cues("two_tone", purpose="emphasis") if companded]
    sounding = {c.number("frequency_hz") for c in (*tones, *take.cues("bursts"))} | {c.number("second_hz") for c in pairs}
    idle = idle_lines(take, sounding) if companded else {}
    reference = take.reference.amplitude
    return Readings(
        take.conditions,
        tuple(above for c in tones if (line := step(take, c)) and (above := above_hum(line, idle))),
        tuple(p for c in pairs if (p := _probe(take, c, idle))),
        tuple(b for c in take.cues("bursts") if companded and (b := _burst(take, c, idle))),
        _silence(take),
        {c.level_db or 0.0: _beside(take, c) for c in low},
        20.0 * float(np.log10(reference)) if reference else None,
        _response(curves),
    )


def _probe(take: Take, cue: Cue, idle: Mapping[float, float]) -> Probe | None:
    wave, rate = settled(take, cue), take.sheet.sample_rate
    strong_hz, weak_hz = cue.number("first_hz"), cue.number("second_hz")
    strong, weak = line_power(wave, strong_hz, rate, weak_hz), line_power(wave, weak_hz, rate, strong_hz)
    if strong is None or weak is None or np.max(np.abs(wave)) >= CLIPPED:
        return None
    sd_db = 4.343 * float(np.hypot(strong[1], weak[1]))
    above = above_hum(Line(weak_hz, 0.0, full_scale_db(weak[0]), float(np.hypot(sd_db, READING_SD_DB))), idle)
    if above is None:
        return None
    change = 10.0 * np.log10(weak[0] / strong[0]) - cue.number("second_db")
    return Probe(weak_hz, strong_hz, float(change), above.sd_db)


def _burst(take: Take, cue: Cue, idle: Mapping[float, float]) -> Burst | None:
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
    hum = 0.5 * 10.0 ** (idle[tone_hz] / 10.0) if tone_hz in idle else 0.0
    return Burst(
        tone_hz,
        cue.level_db or 0.0,
        cue.number("rest_db"),
        cue.number("on_s"),
        cue.number("period_s"),
        taps / rate,
        np.arange(envelope.size) * stride / rate,
        10.0 * np.log10(2.0 * np.maximum(envelope - floor, 1e-3 * floor)),
        float(10.0 * np.log10(2.0 * (floor + hum))),
    )


def _silence(take: Take) -> Noise | None:
    heard = take.hiss()
    return Noise(*noise.weighted_power(noise.spectrum(heard, take.sheet.sample_rate), "A")) if heard else None


def _beside(take: Take, cue: Cue) -> Noise:
    """Noise beside a low tone, the tone and its harmonics taken out."""
    heard = take.without_pilots(settled(take, cue))
    return Noise(*modulation.residue(heard, cue.number("frequency_hz"), take.sheet.sample_rate))


def _response(curves: Sequence[Curve]) -> tuple[np.ndarray, np.ndarray] | None:
    found = [c for c in curves if c.quantity == "frequency_response"]
    if not found:
        return None
    best = min(found, key=lambda c: abs(float(c.conditions.get("level_db", 0.0)) - SMALL_SIGNAL_DB))
    return best.x.array, best.y.array
