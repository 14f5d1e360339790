"""Dropouts: moments at which a steady tone is lost, each with its depth and length.

The tone's level is followed re its own running median, so that what level drifts is no dropout.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import chi2

from analysis.phase import Readings, phase_law, track
from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue

BANDWIDTH_HZ = 300.0
STEP_S = 1e-3
FINE_HZ, FINE_STEP_S = 800.0, 4e-4  # for depth and length; a tone of less than 2 kHz has no room for it
FINE_SHARE = 0.4  # of the tone's frequency that the bandwidth may be
EDGE_S = 0.1
DEPTH_DB = 6.0
SHORTEST_S = 2e-3
LEAST_DB = 3.0  # what counts as an event at all
USUAL_BLOCK_S = 0.05  # medians of so long,
USUAL_S = 2.0  # and the median of those over so long are the usual level
DEEPEST_DB = 60.0


@dataclass(frozen=True)
class Dropout:
    """One dropout: middle in output time, greatest depth, and the time spent more than 3 dB down."""

    time_s: float
    depth_db: float
    length_s: float


@dataclass(frozen=True)
class Envelope:
    """Level of a tone over output time.

    Attributes
    ----------
    time_s, level_db : ndarray, shape (points,)
        Output time on a uniform grid, and level in dB re its running median.
    """

    time_s: np.ndarray
    level_db: np.ndarray

    @property
    def step_s(self) -> float:
        """Spacing of the points."""
        return float((self.time_s[-1] - self.time_s[0]) / max(1, self.time_s.size - 1))

    @property
    def seconds(self) -> float:
        """Time looked at."""
        return self.step_s * self.time_s.size


def envelope(readings: Readings) -> Envelope:
    """Level of a tracked tone re what is usual around it."""
    amplitude = np.maximum(readings.amplitude, 1e-12)
    block = max(1, round(USUAL_BLOCK_S / readings.step_s))
    count = max(1, amplitude.size // block)
    medians = np.array([np.median(part) for part in np.array_split(amplitude, count)])
    centres = np.array([np.mean(part) for part in np.array_split(readings.time_s, count)])
    usual = median_filter(medians, size=min(2 * (count // 2) - 1, round(USUAL_S / USUAL_BLOCK_S) | 1), mode="nearest")
    level = 20.0 * np.log10(amplitude / np.interp(readings.time_s, centres, np.maximum(usual, 1e-12)))
    return Envelope(readings.time_s, np.maximum(level, -DEEPEST_DB))


def follow(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, timebase: Timebase) -> Readings:
    """Amplitude of a tone or pilot at the resolution of a millisecond, from 0.1 s behind its start to 0.1 s before its end."""
    span = (cue.start_samples / sample_rate + EDGE_S, cue.stop_samples / sample_rate - EDGE_S)
    frequency_hz = cue.number("frequency_hz")
    room_hz = min(FINE_HZ, FINE_SHARE * frequency_hz, 0.8 * (0.5 * sample_rate - frequency_hz))
    step_s = FINE_STEP_S * FINE_HZ / room_hz
    return track(audio, channel, phase_law(cue, sample_rate), timebase, span, room_hz, step_s)


def events(heard: Envelope, depth_db: float = LEAST_DB) -> list[Dropout]:
    """All stretches more than `depth_db` below the usual level, in order."""
    below = heard.level_db < -depth_db
    edges = np.diff(np.concatenate(([0], below.astype(int), [0])))
    # The filter rings with the period of its band's edge, three points; what swings to both sides is no depth.
    calm = 20.0 * np.log10(np.convolve(np.pad(10.0 ** (heard.level_db / 20.0), 1, mode="edge"), np.ones(3) / 3.0, "valid"))
    found = []
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        depth = max(depth_db, -float(np.min(calm[start:stop])))
        middle = 0.5 * (heard.time_s[start] + heard.time_s[stop - 1])
        found.append(Dropout(float(middle), depth, float((stop - start) * heard.step_s)))
    return found


def per_minute(heard: Envelope, depth_db: float, shortest_s: float) -> tuple[float, float]:
    """Rate of stretches at least so deep for so long, in 1/min, and its 95 % uncertainty.

    Dropouts come at random: the uncertainty is the farther end of the exact interval of a Poisson count (Garwood 1936).
    """
    count = sum(e.length_s >= shortest_s - 0.5 * heard.step_s for e in events(heard, depth_db))
    low = 0.5 * chi2.ppf(0.025, 2 * count) if count else 0.0
    high = 0.5 * chi2.ppf(0.975, 2 * count + 2)
    minutes = heard.seconds / 60.0
    return count / minutes, float(max(high - count, count - low)) / minutes


def count(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, coarse: Timebase) -> int:
    """Number of times that a tone falls to half its usual amplitude, or less, for 2 ms or longer.

    Parameters
    ----------
    audio : AudioReader
        The recording.
    channel : int
        Its channel.
    cue : Cue
        The tone.
    sample_rate : int
        Rate of stimulus and recording in Hz.
    coarse : Timebase
        Where the tone lies, within some milliseconds.
    """
    span = (cue.start_samples / sample_rate + EDGE_S, cue.stop_samples / sample_rate - EDGE_S)
    readings = track(audio, channel, phase_law(cue, sample_rate), coarse, span, BANDWIDTH_HZ, STEP_S)
    low = readings.amplitude < 10.0 ** (-DEPTH_DB / 20.0) * np.median(readings.amplitude)
    edges = np.diff(np.concatenate(([0], low.astype(int), [0])))
    lengths = (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)) * readings.step_s
    return int(np.sum(lengths >= SHORTEST_S - 0.5 * readings.step_s))
