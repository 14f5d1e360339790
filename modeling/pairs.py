"""Aligned pairs of what was sent and what came back: what models learn from.

The dry signal is warped onto the time of the tape and the target is left as it was recorded, so that noise and products of
distortion in it stay untouched. That is exact as long as the deck does the same to a signal a little faster or slower, which
wow far below 1 % allows. Level is information: nothing is normalised.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from scipy.fft import irfft, rfft

from analysis.dewarp import HALF_TAPS, interpolate
from analysis.timebase import Timebase
from sessions.results import Condition
from signals.audio import AudioReader
from signals.errors import ModelError

Split = Literal["train", "validation", "test", "ladder", "tone"]

BEFORE_S = 0.25
AFTER_S = 0.05
"""Context around every segment, which the filters of a core need and which does not count as target."""
MOST_SD_S = 10e-6
"""Where the time base is less sure than this, and than three times its median, samples do not count as target."""
SILENCE_DBFS = -100.0
FULL_SCALE = 0.999
EARLIEST_S, LATEST_S = -2e-3, 10e-3
"""Where the response of a deck may peak on its time base."""


@dataclass(frozen=True)
class Unwarped:
    """What was sent, on its own time, with the trajectory of the tape.

    Attributes
    ----------
    sound : ndarray, shape (sent samples,), float32
    positions : ndarray, shape (samples,), float64
        Where in it each sample of the recording lies; rising.
    """

    sound: np.ndarray
    positions: np.ndarray


@dataclass(frozen=True)
class Span:
    """A stretch of what was sent, in samples, and what it is used for."""

    start_samples: int
    stop_samples: int
    split: Split
    name: str
    conditions: dict[str, Condition] = field(default_factory=dict)


@dataclass(frozen=True)
class Origin:
    """Where in a take a pair was cut from.

    Attributes
    ----------
    span : Span
        Of what was sent.
    first_samples : int
        Sample of the recording that the pair begins with.
    channels : tuple of int
        Channel that was sent, and channel of the recording.
    timebase : Timebase
        What joins the two.
    """

    span: Span
    first_samples: int
    channels: tuple[int, int]
    timebase: Timebase


@dataclass(frozen=True)
class Pair:
    """One aligned segment of one channel.

    Attributes
    ----------
    dry, wet : ndarray, shape (samples,), float32
        What was sent, warped onto the time of the recording, and what came back.
    mask : ndarray, shape (samples,), bool
        Where `wet` counts as target: not in the context at either end, nor in dropouts or silence.
    sample_rate : int
        Of both, in Hz.
    split : str
        ``train``, ``validation`` or ``test``. Test tones are a ``ladder``, from which harmonics may be learnt, or a ``tone``,
        with which they are compared; stretches of a sweep are in the ladder as well.
    name : str
        Name of the segment.
    conditions : dict
        Level, track, pass, speed and so on; ``frequency_hz`` of a tone, and in the middle of a stretch of a sweep.
    unwarped : Unwarped or None
        What `dry` was made of, where a network may learn from it.
    origin : Origin or None
        Where it was cut from.
    bridges : tuple of (int, ndarray)
        First sample of each dropout, and what goes in its place into sums that suffer no holes; it is no target either.
    """

    dry: np.ndarray
    wet: np.ndarray
    mask: np.ndarray
    sample_rate: int
    split: Split
    name: str = ""
    conditions: dict[str, Condition] = field(default_factory=dict)
    unwarped: Unwarped | None = None
    origin: Origin | None = None
    bridges: tuple[tuple[int, np.ndarray], ...] = ()

    @property
    def samples(self) -> int:
        """Length, context included."""
        return int(self.dry.size)

    @property
    def seconds(self) -> float:
        """Length of what counts as target."""
        return float(np.count_nonzero(self.mask)) / self.sample_rate

    def bridged(self) -> tuple[np.ndarray, np.ndarray]:
        """What came back and where it counts, with dropouts bridged."""
        if not self.bridges:
            return self.wet, self.mask
        wet, mask = self.wet.copy(), self.mask.copy()
        for start, sound in self.bridges:
            wet[start : start + sound.size] = sound
            mask[start : start + sound.size] = True
        return wet, mask

    def part(self, start: int, stop: int, before: int, after: int) -> "Pair":
        """Samples `start` to `stop`, the first and last of which are context."""
        mask = self.mask[start:stop].copy()
        mask[:before] = mask[mask.size - after :] = False
        low, high = start + before, stop - after
        bridges = tuple(
            (max(at, low) - start, sound[max(0, low - at) : high - at])
            for at, sound in self.bridges
            if at < high and at + sound.size > low
        )
        dry, wet = self.dry[start:stop], self.wet[start:stop]
        return replace(self, dry=dry, wet=wet, mask=mask, unwarped=None, origin=None, bridges=bridges)


def select(pairs: Sequence[Pair], split: Split) -> list[Pair]:
    """Pairs of one part of the material."""
    return [pair for pair in pairs if pair.split == split]


def fingerprint(pairs: Sequence[Pair]) -> list[float]:
    """What tells some pairs from others, for a run that is resumed."""
    return [round(float(np.abs(pair.wet * pair.mask, dtype=np.float64).sum()), 6) for pair in pairs]


def cut(
    sent: AudioReader, sent_channel: int, returned: AudioReader, returned_channel: int, timebase: Timebase, span: Span
) -> Pair:
    """Cut an aligned pair out of a take.

    Parameters
    ----------
    sent, returned : AudioReader
        Stimulus and recording, at one sample rate.
    timebase : Timebase
        Joins the two.
    span : Span
        Which stretch; it is cut with some context, which is masked.

    Raises
    ------
    ModelError
        The two have different sample rates.
    """
    rate = returned.sample_rate
    if sent.sample_rate != rate:
        raise ModelError(
            f"sent and returned sound have {sent.sample_rate} and {rate} Hz; convert one, both must have the same rate"
        )
    edges = np.array([span.start_samples / rate - BEFORE_S, span.stop_samples / rate + AFTER_S])
    first, stop = np.round(timebase.output_time(edges) * rate).astype(int)
    position = timebase.input_time(np.arange(first, stop) / rate) * rate
    low, high = int(np.floor(position.min())) - HALF_TAPS, int(np.ceil(position.max())) + HALF_TAPS + 1
    sound = np.ascontiguousarray(sent.read(low, high)[:, sent_channel])
    dry = interpolate(sound, position - low)
    wet = returned.read(int(first), int(stop))[:, returned_channel]
    mask = (position >= span.start_samples) & (position < span.stop_samples)
    sd_s = timebase.sd(position / rate)
    mask &= sd_s <= max(MOST_SD_S, 3.0 * float(np.median(sd_s[mask])))
    mask &= ~_clipped(wet) & ~_silent(dry, rate)
    # Doubt about the time matters where the sound changes fast, and not at all where there is none.
    slope = np.gradient(wet)[mask] ** 2
    weighted = float(slope @ sd_s[mask] ** 2) / max(float(np.sum(slope)), 1e-30)
    conditions = {**span.conditions, "timing_sd_s": float(np.sqrt(weighted))}
    target = (wet - wet.mean()).astype(np.float32)
    unwarped = Unwarped(sound.astype(np.float32), position - low) if span.split == "train" else None
    origin = Origin(span, int(first), (sent_channel, returned_channel), timebase)
    return Pair(dry.astype(np.float32), target, mask, rate, span.split, span.name, conditions, unwarped, origin)


def centred(pairs: Sequence[Pair]) -> list[Pair]:
    """Take out the constant delay that is left between dry and wet, in whole samples.

    The constant of a time base and the linear phase of the deck's response cannot be told apart. Where the former was found
    otherwise than usual, the response would begin before the look-ahead of a core, and is moved. Elsewhere nothing is
    touched, so that a model can be held against any take.

    Raises
    ------
    ModelError
        The delay is beyond what a time base leaves: it belongs to another recording.
    """
    shift = _peak_delay(select(pairs, "train") or pairs)
    if EARLIEST_S <= shift / pairs[0].sample_rate <= LATEST_S:
        return list(pairs)
    limit = round(AFTER_S * pairs[0].sample_rate)
    if abs(shift) > limit:
        raise ModelError(
            f"sent and returned sound are {1e3 * shift / pairs[0].sample_rate:+.1f} ms apart on the time base, "
            f"limit {1e3 * AFTER_S:g} ms; check that they belong together"
        )
    return [_later(pair, shift) for pair in pairs]


def _later(pair: Pair, shift: int) -> Pair:
    """What was sent so many samples later."""
    unwarped, origin = pair.unwarped, pair.origin
    if unwarped is not None:
        unwarped = replace(unwarped, positions=unwarped.positions - shift)
    if origin is not None:
        origin = replace(origin, timebase=origin.timebase.shifted(shift / pair.sample_rate))
    return replace(pair, dry=np.roll(pair.dry, shift), unwarped=unwarped, origin=origin)


def _peak_delay(pairs: Sequence[Pair]) -> int:
    """Delay of the highest peak of the impulse response, by deconvolution over all pairs."""
    size = 16384
    cross = np.zeros(size // 2 + 1, dtype=complex)
    power = np.zeros(size // 2 + 1)
    window = np.hanning(size)
    for pair in pairs:
        for start in range(0, pair.samples - size, size):
            dry = rfft(pair.dry[start : start + size] * window)
            cross += rfft(pair.wet[start : start + size] * window) * dry.conj()
            power += np.abs(dry) ** 2
    response = irfft(cross / (power + 1e-3 * power.mean() + 1e-30))
    peak = int(np.argmax(np.abs(response)))
    return peak - size if peak > size // 2 else peak


def _clipped(wet: np.ndarray) -> np.ndarray:
    """Samples in a run at digital full scale."""
    full = np.abs(wet) >= FULL_SCALE
    inside = full[:-2] & full[1:-1] & full[2:]
    mask = np.zeros(wet.size, dtype=bool)
    for offset in range(3):
        mask[offset : offset + inside.size] |= inside
    return mask


def _silent(dry: np.ndarray, sample_rate: int) -> np.ndarray:
    """Frames of 50 ms in which nothing was sent and no context reaches."""
    frame = round(0.05 * sample_rate)
    count = -(-dry.size // frame)
    level = (np.pad(dry, (0, count * frame - dry.size)).reshape(count, frame) ** 2).mean(axis=1)
    quiet = level < 10.0 ** (SILENCE_DBFS / 10.0)
    lasting = quiet.copy()
    lasting[1:] &= quiet[:-1]  # the frame after a sound still holds its end
    return np.repeat(lasting, frame)[: dry.size]
