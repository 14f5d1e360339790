"""Lines in what a take returned: settled tones through flutter and noise, and what sounds at their frequency in silence.

A line's power is summed over a band as wide as flutter spreads it, less the noise beside it, so that motion left after
dewarping takes nothing from it. Of every segment the second half is read, when the detector has settled.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from analysis.dewarp import dewarp
from analysis.intact import CLIPPED
from analysis.take import EDGE_S, SILENCE_EDGE_S, Take
from signals.cues import Cue

LINE_BINS = 3.0  # a Hann window's line, and one bin
FLUTTER = 0.002  # of the frequency, on either side
BESIDE = 4.0  # the noise is looked for within so many widths
HUM_APART_DB = 20.0  # by which a tone stands above a line that sounds without it
LEAST_RATIO = 4.0  # of a line's power to the noise in its band
READING_SD_DB = 0.01  # what level drifts within a take


@dataclass(frozen=True)
class Line:
    """A settled tone: what was sent, what returned in dB re full scale, and the standard deviation of that."""

    frequency_hz: float
    level_db: float
    returned_db: float
    sd_db: float


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
    # A line of power P in bins of Gaussian noise h, 1.5 of which it covers: variance 2 P h 1.5 + 2 bins h^2, as neighbouring
    # bins share noise behind the window.
    return total, float(np.sqrt(3.0 * total * hiss + 2.0 * bins * hiss**2)) / total


def settled(take: Take, cue: Cue) -> np.ndarray:
    """Second half of a segment without its fade, on the stimulus' clock."""
    start = cue.start_samples + cue.length_samples // 2
    stop = cue.stop_samples - round(0.6 * EDGE_S * take.sheet.sample_rate)
    return dewarp(take.returned, take.alignment.returned, take.alignment.base, start, stop)


def step(take: Take, cue: Cue) -> Line | None:
    """A settled tone; None where it is clipped or noise hides it."""
    wave = settled(take, cue)
    found = line_power(wave, cue.number("frequency_hz"), take.sheet.sample_rate)
    if found is None or np.max(np.abs(wave)) >= CLIPPED:
        return None
    sd = float(np.hypot(4.343 * found[1], READING_SD_DB))
    return Line(cue.number("frequency_hz"), cue.level_db or 0.0, full_scale_db(found[0]), sd)


def idle_lines(take: Take, tones_hz: Collection[float]) -> dict[float, float]:
    """Lines that sound in silence too at the frequencies of tones, such as hum: level re full scale by frequency."""
    found = {}
    for cue in take.cues("silence")[:1]:
        wave, speed = take.silence(cue), take.speed(cue, SILENCE_EDGE_S)
        for tone_hz in tones_hz:
            line = line_power(wave, speed * tone_hz, take.sheet.sample_rate)
            if line is not None:
                found[tone_hz] = full_scale_db(line[0])
    return found


def above_hum(line: Line, idle: Mapping[float, float]) -> Line | None:
    """A line with what hum of unknown phase may add to it; None where that is too much."""
    hum = idle.get(line.frequency_hz)
    if hum is None:
        return line
    if line.returned_db < hum + HUM_APART_DB:
        return None
    doubt = 8.686 / np.sqrt(2.0) * 10.0 ** ((hum - line.returned_db) / 20.0)
    return replace(line, sd_db=float(np.hypot(line.sd_db, doubt)))


def full_scale_db(mean_square: float) -> float:
    """Level re a sine at full scale."""
    return float(10.0 * np.log10(2.0 * mean_square))
