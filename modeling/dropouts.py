"""Dropouts in programme: moments at which far less comes back than the deck makes of what was sent everywhere else.

The least-squares filter says what should come back. In short frames and a few bands its answer P is held against what did, W: the
gain is ``|sum W P*| / sum |P|^2`` over the bins of a band. It falls in a dropout, but elsewhere too, and those falls have to stay:

======================= =========================================================================================================
what else lowers it     what it is held against
======================= =========================================================================================================
compression             the median gain of all frames in which the band is as loud, for compression is there every time
compander, slow drift   the median of what is left, over a third of a second around, for a dropout is short
hiss, modulation noise  the spread among frames as loud; a band counts by one over its square, one that is lost in hiss not at all
an error of the filter  the loudest frame within the filter's length, of which the answer may be so much off, -30 dB
======================= =========================================================================================================

Where the pilot on its own track falls, half of the evidence is enough: what lifts the tape off the head often lifts more than one
track.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.fft import rfft, rfftfreq
from scipy.ndimage import binary_closing, binary_propagation, label, maximum_filter1d, median_filter
from scipy.signal import fftconvolve

from analysis.dropouts import DEPTH_DB, envelope, events, follow
from analysis.timebase import Timebase
from modeling.cores.least_squares import Identity, correlate, solve
from modeling.cores.linear import AHEAD_S, LENGTH_S, RIDGE, filter_lengths
from modeling.pairs import Pair, select
from signals.audio import AudioReader
from signals.cues import CueSheet

FRAME_S, HOP_S = 5.4e-3, 1.35e-3
BANDS_HZ = (150.0, 600.0, 1500.0, 3500.0, 7000.0, 14000.0)
HIGHEST = 0.45
"""Of the sample rate: where the last band ends at the latest."""
LEAST_GAIN = 0.63
"""A dropout begins where less comes back than this part of what is usual, 4 dB less,"""
STANDS_OUT, BRIEFLY = 7.0, 5.0
"""and less by so many times the usual spread, the second if it is brief; with a pilot that falls as well, half of both."""
BRIEF_S = 0.015
"""What bends and what a decoder does lasts longer: music 10 dB above 0 VU, and one behind a decoder that nobody told of, had three
and six times as much masked with five spreads for all. With seven for all, a tenth of those just behind an attack were missed."""
RECOVERED = 0.9
"""It lasts until this part is back."""
LONGEST_S = 0.15
"""What lasts longer is no dropout but a change of the deck or of its time base."""
LEVELS = 40
LEAST_FRAMES = 200
"""Frames are sorted by level into so many classes, each of so many frames at least."""
LEAST_SPREAD = 0.02
FILTER_ERROR = 1e-3
"""Of the power of what sounds near: just before an attack the filter answers where nothing is to be heard."""
AROUND_S, BLOCK_S = 0.33, 0.01
CHUNK = 4096
FELT = 1e-3
"""Of the loudest sample: what differs more from what a whole tape would have given feels the dropout."""
MOST_LOST = 0.5
"""Of the time of a pilot; one that is lost for longer tells nothing."""


@dataclass(frozen=True)
class Found:
    """Dropouts of some pairs.

    Attributes
    ----------
    count : int
        How many, over all pairs.
    seconds : float
        How long they last together.
    listened_s : float
        Length of the sound that was looked at.
    """

    count: int = 0
    seconds: float = 0.0
    listened_s: float = 0.0

    @property
    def per_minute(self) -> float:
        """Their rate."""
        return 60.0 * self.count / self.listened_s if self.listened_s else 0.0


def all_of(found: Sequence[Found]) -> Found:
    """What there is of them in several lots of pairs together."""
    return Found(sum(f.count for f in found), sum(f.seconds for f in found), sum(f.listened_s for f in found))


@dataclass(frozen=True)
class _Gains:
    """Gain and level of every band in every frame of a pair, and the highest level near; arrays of shape ``(frames, bands)``."""

    gain: np.ndarray
    level_db: np.ndarray
    near_db: np.ndarray


def without_dropouts(
    pairs: Sequence[Pair],
    heard: Sequence[Pair] | None = None,
    falls_s: Sequence[tuple[float, float]] = (),
    opened: Callable[[np.ndarray], np.ndarray] = lambda sound: sound,
) -> tuple[list[Pair], Found]:
    """Pairs in which dropouts do not count as target, and what there was of them.

    Parameters
    ----------
    pairs : sequence of Pair
        Of all splits.
    heard : sequence of Pair, optional
        The same as they are on tape, where there was a compander in the way.
    falls_s : sequence of (float, float)
        Spans of the recording, from s to s, in which the pilot falls; see :func:`falls_of_pilot`.
    opened : callable
        Makes of a sound on tape what came back: the decoder, to which a dropout is a soft passage that it is a while in leaving.
    """
    heard = pairs if heard is None else heard
    train = select(heard, "train")
    taps, ahead = filter_lengths(train[0].sample_rate)
    h = solve(correlate(train, Identity(), taps), taps, ahead, RIDGE)[0]
    gains = [_gains(pair, h, ahead) for pair in heard]
    masked, count, lost = list(pairs), 0, 0.0
    for group in _alike(pairs):
        ratios, spreads = _against_level([gains[i] for i in group])
        for i, ratio, spread in zip(group, ratios, spreads, strict=True):
            pair = pairs[i]
            low = _low(ratio, spread, _falls(pair, falls_s, ratio.size))
            bad = _samples(low, pair) & pair.mask
            if bad.any():
                mended = np.where(bad, _answer(heard[i], h, ahead), heard[i].wet)
                masked[i] = _bridged(pair, bad, opened(mended).astype(np.float32))
                count += len(_stretches(bad))
                lost += pair.seconds - masked[i].seconds
    return masked, Found(count, lost, sum(pair.seconds for pair in pairs))


def falls_of_pilot(
    returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int], timebase: Timebase
) -> list[tuple[float, float]]:
    """Spans of a recording, from s to s, in which the pilot lies 6 dB or more below its usual level.

    Parameters
    ----------
    inputs : mapping of int to int
        Channel of the stimulus to channel of the recording.
    """
    for cue in sheet.of_kind("pilot"):
        if cue.channel in inputs:
            heard = follow(returned, inputs[cue.channel], cue, sheet.sample_rate, timebase)
            if heard.amplitude.size and heard.lost() < MOST_LOST:
                fallen = events(envelope(heard), DEPTH_DB)
                return [(e.time_s - 0.5 * e.length_s, e.time_s + 0.5 * e.length_s) for e in fallen]
    return []


def _alike(pairs: Sequence[Pair]) -> list[list[int]]:
    """Pairs that are held against the same law: all music, all stretches of sweeps, and every steady tone against itself.

    In most bands a stretch of a sweep brings but what leaks into them and hiss; what little that is shows beside the others alone.
    """
    groups: dict[str | int, list[int]] = {}
    for i, pair in enumerate(pairs):
        steady = "frequency_hz" in pair.conditions and pair.conditions.get("kind") != "sweep"
        groups.setdefault(i if steady else "sweep" if "frequency_hz" in pair.conditions else "music", []).append(i)
    return list(groups.values())


def _frames(sample_rate: int) -> tuple[int, int]:
    """Length and distance of frames, in samples."""
    return round(FRAME_S * sample_rate), round(HOP_S * sample_rate)


def _gains(pair: Pair, h: np.ndarray, ahead: int) -> _Gains:
    """Gain of a pair re the filter `h`, whose tap `ahead` is without delay."""
    rate = pair.sample_rate
    size, hop = _frames(rate)
    predicted = _answer(pair, h, ahead)
    window = np.hanning(size)
    frequency = rfftfreq(size, 1.0 / rate)
    edges = np.searchsorted(frequency, [f for f in BANDS_HZ if f < HIGHEST * rate])
    stop = int(np.searchsorted(frequency, min(BANDS_HZ[-1], HIGHEST * rate)))
    edges = edges[edges < stop]
    views = [np.lib.stride_tricks.sliding_window_view(x, size)[::hop] for x in (predicted, pair.wet)]
    gain, level = np.empty((2, views[0].shape[0], edges.size))
    for start in range(0, gain.shape[0], CHUNK):
        part = slice(start, start + CHUNK)
        P, W = (rfft(view[part] * window, axis=1)[:, :stop] for view in views)
        power = np.add.reduceat(np.abs(P) ** 2, edges, axis=1)
        gain[part] = np.abs(np.add.reduceat(W * P.conj(), edges, axis=1)) / (power + 1e-20)
        level[part] = 10.0 * np.log10(power + 1e-20)
    # From the end of the filter's memory to the end of its look-ahead.
    near = maximum_filter1d(level, round(LENGTH_S / HOP_S) | 1, axis=0, origin=round((0.5 * LENGTH_S - AHEAD_S) / HOP_S))
    return _Gains(gain, level, near)


def _against_level(gains: Sequence[_Gains]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of each pair, gain over what is usual at its level, all bands as one, and its spread; shape ``(frames,)``."""
    gain = np.concatenate([g.gain for g in gains])
    level = np.concatenate([g.level_db for g in gains])
    ratio, spread = np.empty_like(gain), np.empty_like(gain)
    for band in range(gain.shape[1]):
        order = np.argsort(level[:, band])
        classes = np.array_split(order, max(1, min(LEVELS, order.size // LEAST_FRAMES)))
        # Compression grows fastest where the sound is loudest.
        classes[-1:] = np.array_split(classes[-1], max(1, classes[-1].size // LEAST_FRAMES))
        centres = np.array([np.mean(level[c, band]) for c in classes])
        usual = np.array([np.median(gain[c, band]) for c in classes])
        ratio[:, band] = gain[:, band] / np.maximum(np.interp(level[:, band], centres, usual), 1e-9)
        off = np.array([np.median(np.abs(ratio[c, band] - 1.0)) for c in classes])
        spread[:, band] = np.maximum(1.4826 * np.interp(level[:, band], centres, off), LEAST_SPREAD)
    near = np.concatenate([g.near_db for g in gains])
    weight = 1.0 / (spread**2 + FILTER_ERROR * 10.0 ** (0.1 * (near - level)))
    joined = np.sum(weight * ratio, axis=1) / np.sum(weight, axis=1)
    sd = 1.0 / np.sqrt(np.sum(weight, axis=1))
    edges = np.cumsum([g.gain.shape[0] for g in gains])[:-1]
    return np.split(joined, edges), np.split(sd, edges)


def _low(ratio: np.ndarray, spread: np.ndarray, falls: np.ndarray) -> np.ndarray:
    """Frames that lie in a dropout."""
    block = max(1, round(BLOCK_S / HOP_S))
    count = -(-ratio.size // block)
    medians = np.median(np.pad(ratio, (0, count * block - ratio.size), "edge").reshape(count, block), axis=1)
    usual = median_filter(medians, size=round(AROUND_S / BLOCK_S) | 1, mode="nearest")
    ratio = ratio / np.maximum(np.interp(np.arange(ratio.size), (np.arange(count) + 0.5) * block, usual), 1e-3)
    share = np.where(falls, 0.5, 1.0)

    def standing_out(spreads: float, longest_s: float) -> np.ndarray:
        core = (ratio < 1.0 - share * (1.0 - LEAST_GAIN)) & (1.0 - ratio > share * spreads * spread)
        core[1:-1] &= core[:-2] | core[2:]  # one frame alone is chance
        found = binary_propagation(core, mask=ratio < RECOVERED)
        parts, number = label(found)
        lengths = np.bincount(parts.ravel(), minlength=number + 1) * HOP_S
        return np.asarray(found & (lengths[parts] <= longest_s))

    return standing_out(STANDS_OUT, LONGEST_S) | standing_out(BRIEFLY, BRIEF_S)


def _falls(pair: Pair, falls_s: Sequence[tuple[float, float]], frames: int) -> np.ndarray:
    """Frames of a pair that meet a fall of the pilot."""
    size, hop = _frames(pair.sample_rate)
    met = np.zeros(frames, dtype=bool)
    first = 0 if pair.origin is None else pair.origin.first_samples
    for start_s, stop_s in falls_s:
        start = int(np.floor((start_s * pair.sample_rate - first - size) / hop)) + 1
        stop = int(np.ceil((stop_s * pair.sample_rate - first) / hop))
        met[max(start, 0) : max(stop, 0)] = True
    return met


def _bridged(pair: Pair, bad: np.ndarray, mended: np.ndarray) -> Pair:
    """A pair without its bad samples, which are bridged.

    Behind a decoder what follows a dropout is bad too, until the decoder has forgotten it.
    """
    felt = (np.abs(mended - pair.wet) > FELT * np.abs(mended).max()) & pair.mask
    if np.any(felt & ~bad):
        bad = bad | binary_closing(felt, np.ones(2 * _frames(pair.sample_rate)[1])) & pair.mask
    bridges = tuple((a, mended[a:b].copy()) for a, b in _stretches(bad))
    return replace(pair, mask=pair.mask & ~bad, bridges=bridges)


def _stretches(bad: np.ndarray) -> list[tuple[int, int]]:
    """First sample of each, and that after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], bad.astype(np.int8), [0])))).tolist()
    return list(zip(edges[::2], edges[1::2], strict=True))


def _answer(pair: Pair, h: np.ndarray, ahead: int) -> np.ndarray:
    """What a filter, whose tap `ahead` is without delay, makes of the sound that was sent."""
    return np.asarray(fftconvolve(pair.dry.astype(np.float64), h)[ahead : ahead + pair.samples])


def _samples(low: np.ndarray, pair: Pair) -> np.ndarray:
    """Samples of a pair that lie in frames."""
    size, hop = _frames(pair.sample_rate)
    edges = np.zeros(pair.samples + 1, dtype=np.int32)
    first = np.flatnonzero(low) * hop
    np.add.at(edges, first, 1)
    np.add.at(edges, np.minimum(first + size, pair.samples), -1)
    return np.cumsum(edges[:-1]) > 0
