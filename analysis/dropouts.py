"""Dropouts: moments at which a steady tone is lost, each with its depth and length.

The tone's level is followed re its own running median, so that what level drifts is no dropout.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import chi2

from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue

REACH_HZ = 1200.0  # half of the band that depth and length are read in
REACH_SHARE = 0.4  # of the tone's frequency, where that is less
GAUSS_SHARE = 0.375  # of it at which the band has fallen to 1/e
BLOCK_POINTS, MARGIN_POINTS = 8192, 64
EDGE_S = 0.1
DEPTH_DB = 6.0
SHORTEST_S = 2e-3
LEAST_DB = 3.0  # what counts as an event at all
USUAL_BLOCK_S = 0.05  # medians of so long,
USUAL_S = 2.0  # and the median of those over so long are the usual level
DEEPEST_DB = 60.0
LOST_DB, USUAL_PERCENTILE = 30.0, 90.0


@dataclass(frozen=True)
class Dropout:
    """One dropout: middle in output time, greatest depth, and the time spent below the depth that was asked for."""

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


@dataclass(frozen=True)
class Amplitude:
    """Amplitude of a tone over output time, arrays of shape (points,) on a uniform grid."""

    time_s: np.ndarray
    amplitude: np.ndarray

    @property
    def step_s(self) -> float:
        """Spacing of the points."""
        return float((self.time_s[-1] - self.time_s[0]) / max(1, self.time_s.size - 1))

    def lost(self) -> float:
        """Share of the time at which next to nothing of the tone is there."""
        usual = float(np.percentile(self.amplitude, USUAL_PERCENTILE))
        return float(np.mean(self.amplitude <= 10.0 ** (-LOST_DB / 20.0) * usual)) if usual > 0.0 else 1.0


def envelope(heard: Amplitude) -> Envelope:
    """Level of a tone re what is usual around it."""
    amplitude = np.maximum(heard.amplitude, 1e-12)
    count = max(1, amplitude.size // max(1, round(USUAL_BLOCK_S / heard.step_s)))
    medians = np.concatenate([np.median(part, axis=1) for part in _blocks(amplitude, count)])
    centres = np.concatenate([np.mean(part, axis=1) for part in _blocks(heard.time_s, count)])
    usual = median_filter(
        medians, size=max(1, min(2 * (count // 2) - 1, round(USUAL_S / USUAL_BLOCK_S) | 1)), mode="nearest"
    )
    level = 20.0 * np.log10(amplitude / np.interp(heard.time_s, centres, np.maximum(usual, 1e-12)))
    return Envelope(heard.time_s, np.maximum(level, -DEEPEST_DB))


def _blocks(values: np.ndarray, count: int) -> list[np.ndarray]:
    """An array in so many blocks, those longer by one value first, in two arrays of shape (blocks, values)."""
    size, longer = divmod(values.size, count)
    edge = longer * (size + 1)
    return [values[:edge].reshape(longer, size + 1), values[edge:].reshape(count - longer, size)]


def follow(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, timebase: Timebase) -> Amplitude:
    """Amplitude of a tone or pilot, from 0.1 s behind its start to 0.1 s before its end.

    A Gaussian band about the tone, which does not ring: 0.5 ms wide (standard deviation) where the tone has room for it, which is
    2.4 kHz; wow moves the tone in it by nothing that matters.
    """
    start_s, stop_s = (float(timebase.output_time(n / sample_rate)) for n in (cue.start_samples, cue.stop_samples))
    frequency_hz = cue.number("frequency_hz") * (cue.length_samples / sample_rate) / (stop_s - start_s)
    reach_hz = min(REACH_HZ, REACH_SHARE * frequency_hz, 0.8 * (0.5 * sample_rate - frequency_hz))
    stride = max(1, int(0.5 * sample_rate / reach_hz))
    block = BLOCK_POINTS * stride
    centre = round(frequency_hz * block / sample_rate)
    offset_hz = np.fft.fftfreq(BLOCK_POINTS, stride / sample_rate)
    shape = np.exp(-((offset_hz / (GAUSS_SHARE * reach_hz)) ** 2))
    places = centre + np.round(offset_hz * block / sample_rate).astype(int)
    first, last = round((start_s + EDGE_S) * sample_rate), round((stop_s - EDGE_S) * sample_rate)
    wanted = max(0, (last - first) // stride)
    kept = BLOCK_POINTS - 2 * MARGIN_POINTS
    parts = []
    for point in range(0, wanted, kept):
        begin = first + (point - MARGIN_POINTS) * stride
        values = np.fft.rfft(audio.read(begin, begin + block)[:, channel])
        near = np.where((places >= 0) & (places < values.size), values[np.clip(places, 0, values.size - 1)], 0.0)
        parts.append(np.abs(np.fft.ifft(near * shape))[MARGIN_POINTS:-MARGIN_POINTS] * 2.0 / stride)
    amplitude = np.concatenate(parts)[:wanted] if parts else np.zeros(0)
    return Amplitude((first + stride * np.arange(amplitude.size)) / sample_rate, amplitude)


def events(heard: Envelope, depth_db: float = LEAST_DB) -> list[Dropout]:
    """All stretches more than `depth_db` below the usual level, in order."""
    below = heard.level_db < -depth_db
    edges = np.diff(np.concatenate(([0], below.astype(int), [0])))
    found = []
    for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True):
        depth = -float(np.min(heard.level_db[start:stop]))
        middle = 0.5 * (heard.time_s[start] + heard.time_s[stop - 1])
        found.append(Dropout(float(middle), depth, float((stop - start) * heard.step_s)))
    return found


def per_minute(heard: Envelope, depth_db: float, shortest_s: float) -> tuple[float, float]:
    """Rate of stretches at least so deep for so long, in 1/min, and its 95 % uncertainty.

    Dropouts come at random: the uncertainty is the farther end of the exact interval of a Poisson count (Garwood 1936).
    """
    count = _number(heard, depth_db, shortest_s)
    low = 0.5 * chi2.ppf(0.025, 2 * count) if count else 0.0
    high = 0.5 * chi2.ppf(0.975, 2 * count + 2)
    minutes = heard.seconds / 60.0
    return count / minutes, float(max(high - count, count - low)) / minutes


def count(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, coarse: Timebase) -> int:
    """Number of times that a tone falls by 6 dB or more for 2 ms or longer.

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
    heard = follow(audio, channel, cue, sample_rate, coarse)
    return _number(envelope(heard), DEPTH_DB, SHORTEST_S) if heard.amplitude.size else 0


def _number(heard: Envelope, depth_db: float, shortest_s: float) -> int:
    """Number of stretches at least so deep for so long."""
    return sum(e.length_s >= shortest_s - 0.5 * heard.step_s for e in events(heard, depth_db))
