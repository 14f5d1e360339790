"""Find the takes in a recording by their markers: at unknown offset and speed, whatever the polarity, under noise.

The recording is searched once, in blocks, by matched filters for the falling and the rising chirp. A start marker is a falling
chirp followed by a rising one; the two arrivals give the moment and the speed (see :mod:`signals.markers`). The identity code
that follows names the take, and the end marker says whether it is whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import find_peaks

from signals import markers
from signals.audio import AudioReader
from signals.cues import CueSheet

BLOCK_S = 5.0
RATE_DIVISOR_HZ = 12_000  # envelopes are computed at about this rate
THRESHOLD = 0.30  # normalised correlation; the chirps stand above 0.5 on a worn tape, music stays below 0.2
WRONG_SPEED_THRESHOLD = 0.18  # at half or twice the speed a quarter of the chirp falls outside its template
SPEED_RANGE = (0.80, 1.25)
WRONG_SPEED_RANGE = (0.40, 2.5)
CODE_SEARCH_S = 0.004
CODE_ERRORS = 2


@dataclass(frozen=True)
class Arrival:
    """A chirp found: time of its start in the recording if the speed were nominal, and how well it matched (0 to 1)."""

    time_s: float
    match: float


@dataclass(frozen=True)
class FoundTake:
    """One take in a recording.

    Attributes
    ----------
    channel : int
        Channel of the recording on which its markers were found best, 0-based.
    start_s : float
        Time in the recording at which the start marker begins.
    speed : float
        Returned over sent frequency, from the marker (about 0.1 %), or from start to end marker where both were found.
    code : int or None
        Identity on the tape; None where the channel carries no code (a pilot).
    end_s : float or None
        Time at which the end marker begins; None when the recording stops before it.
    """

    channel: int
    start_s: float
    speed: float
    code: int | None
    end_s: float | None


def find_takes(audio: AudioReader, sheet: CueSheet, channels: Sequence[int] | None = None) -> list[FoundTake]:
    """Takes in a recording, in order of time, each on the channel that carries its code best.

    Parameters
    ----------
    audio : AudioReader
        The recording.
    sheet : CueSheet
        Where start and end marker stand in the stimulus. Its code is not compared here: that of the tape is returned.
    channels : sequence of int, optional
        Channels to search; all by default.

    Returns
    -------
    list of FoundTake
        Empty when there is no start marker at a speed between 0.8 and 1.25.
    """
    found = [
        take
        for c in (channels if channels is not None else range(audio.channels))
        for take in _channel_takes(audio, c, sheet)
    ]
    best: list[FoundTake] = []
    for take in sorted(found, key=lambda t: (t.code is None, t.end_s is None, t.channel)):
        if all(abs(take.start_s - other.start_s) > markers.START_S for other in best):
            best.append(take)
    return sorted(best, key=lambda t: t.start_s)


def take_on_channel(audio: AudioReader, sheet: CueSheet, channel: int) -> FoundTake | None:
    """The first take on one channel, or None."""
    takes = _channel_takes(audio, channel, sheet)
    return takes[0] if takes else None


def start_marker(audio: AudioReader, channel: int = 0) -> float | None:
    """Time of the first start marker in a short stretch of one channel, or None."""
    return _first_pair(audio, channel, markers.START_SPACING_S)


def end_marker(audio: AudioReader, channel: int = 0) -> float | None:
    """Time of the first end marker in a short stretch of one channel, or None."""
    return _first_pair(audio, channel, markers.END_SPACING_S)


def _first_pair(audio: AudioReader, channel: int, spacing_s: float) -> float | None:
    falling, rising = arrivals(audio, channel, (markers.FALLING, markers.RISING))
    pairs = _pairs(falling, rising, spacing_s, SPEED_RANGE)
    return pairs[0][0] if pairs else None


def played_speed(audio: AudioReader, channel: int) -> float | None:
    """Speed of the first start marker even when it is far off, as when a tape made at 9.5 cm/s is played at 4.8; or None."""
    falling, rising = arrivals(audio, channel, (markers.FALLING, markers.RISING), WRONG_SPEED_THRESHOLD)
    pairs = _pairs(falling, rising, markers.START_SPACING_S, WRONG_SPEED_RANGE)
    return pairs[0][1] if pairs else None


def same_code(found: int, expected: int) -> bool:
    """Whether two identity codes are the same, but for a few bits misread."""
    return (found ^ expected).bit_count() <= CODE_ERRORS


def _channel_takes(audio: AudioReader, channel: int, sheet: CueSheet) -> list[FoundTake]:
    falling, rising = arrivals(audio, channel, (markers.FALLING, markers.RISING))
    starts = _pairs(falling, rising, markers.START_SPACING_S, SPEED_RANGE)
    ends = _pairs(falling, rising, markers.END_SPACING_S, SPEED_RANGE)
    start_cue = sheet.of_kind("marker_start")[0].start_samples
    end_cue = sheet.of_kind("marker_end")[0].start_samples
    nominal_s = (end_cue - start_cue) / sheet.sample_rate
    takes = []
    for number, (start_s, speed) in enumerate(starts):
        limit = starts[number + 1][0] if number + 1 < len(starts) else np.inf
        own = [e for e, _ in ends if start_s < e < limit and abs((e - start_s) * speed / nominal_s - 1.0) < 0.03]
        end_s = own[0] if own else None
        refined = nominal_s / (end_s - start_s) if end_s is not None else speed
        takes.append(FoundTake(channel, start_s, refined, _read_code(audio, channel, start_s, speed, sheet), end_s))
    return takes


def arrivals(
    audio: AudioReader, channel: int, chirps: Sequence[markers.Chirp], threshold: float = THRESHOLD
) -> list[list[Arrival]]:
    """Where chirps occur in one channel, by normalised matched filters.

    The filters work at a reduced rate, on blocks that overlap by the longest chirp, so memory does not grow with length.

    Returns
    -------
    list of lists of Arrival
        One list a chirp, in order of time.
    """
    rate = audio.sample_rate
    longest = max(c.samples(rate) for c in chirps)
    block = 1 << int(np.ceil(np.log2(BLOCK_S * rate)))
    reduction = max(1, rate // RATE_DIVISOR_HZ)
    reduction = 1 << int(np.log2(reduction))  # divides the block, a power of two
    found: list[list[Arrival]] = [[] for _ in chirps]
    step = block - 2 * longest
    spectra = [np.conj(np.fft.rfft(c.waveform(rate), block)) for c in chirps]
    kept = block // reduction
    for first in range(-longest, audio.samples, step):
        spectrum = np.fft.rfft(audio.read(first, first + block)[:, channel])
        band = _band(block, rate)
        signal = _analytic(np.where(band, spectrum, 0.0), kept)
        for chirp, template, hits in zip(chirps, spectra, found, strict=True):
            match = _match(
                signal, _analytic(np.where(band, spectrum * template, 0.0), kept), chirp, template, rate, reduction
            )
            hits.extend(_peaks(match, threshold, first, step + longest, longest, rate, reduction))
    return found


def _band(block: int, rate: int) -> np.ndarray:
    frequency = np.fft.rfftfreq(block, 1.0 / rate)
    return (frequency > 0.6 * markers.LOW_HZ) & (frequency < 1.1 * markers.HIGH_HZ)


def _analytic(spectrum: np.ndarray, kept: int) -> np.ndarray:
    """Analytic signal at the reduced rate from the lower part of a one-sided spectrum, shape (kept,), complex."""
    length = 2 * (spectrum.size - 1)
    full = np.zeros(kept, dtype=complex)
    size = min(kept, spectrum.size)
    full[:size] = 2.0 * spectrum[:size]
    return np.fft.ifft(full) * (kept / length)


def _match(
    signal: np.ndarray, correlation: np.ndarray, chirp: markers.Chirp, template: np.ndarray, rate: int, reduction: int
) -> np.ndarray:
    """Normalised correlation in 0..1 at the reduced rate (Cauchy-Schwarz with the energy under the template)."""
    span = max(1, chirp.samples(rate) // reduction)
    energy = np.concatenate(([0.0], np.cumsum(np.abs(signal) ** 2)))
    under = np.empty(signal.size)
    under[: signal.size - span] = energy[span:-1] - energy[: -span - 1]
    under[signal.size - span :] = energy[-1] - energy[signal.size - span : -1]
    own = np.sum(np.abs(_analytic(np.where(_band(2 * (template.size - 1), rate), np.conj(template), 0.0), signal.size)) ** 2)
    floor = 1e-12 * max(float(energy[-1]), 1e-30)
    return np.abs(correlation) / np.sqrt((np.maximum(under, 0.0) + floor) * own) / reduction


def _peaks(
    match: np.ndarray, threshold: float, first: int, stop: int, longest: int, rate: int, reduction: int
) -> Iterator[Arrival]:
    distance = max(1, round(0.03 * rate / reduction))
    indices, _ = find_peaks(match, height=threshold, distance=distance)
    for i in indices:
        if not longest <= i * reduction < stop or not 0 < i < match.size - 1:
            continue
        left, mid, right = match[i - 1 : i + 2]
        curvature = left - 2.0 * mid + right
        offset = 0.5 * (left - right) / curvature if curvature < 0 else 0.0
        yield Arrival(float(first + (i + offset) * reduction) / rate, float(mid))


def _pairs(
    falling: Sequence[Arrival], rising: Sequence[Arrival], spacing_s: float, speeds: tuple[float, float]
) -> list[tuple[float, float]]:
    """Pairs of a falling and a rising chirp as (start time, speed), strongest taken first where they overlap, in order of time.

    With q = 1/speed the second chirp seems to come q spacing + (1 - q) (K2 - K1) after the first, K being the apparent shift of
    each at infinite speed: linear in q, so solved at once.
    """
    shift = markers.RISING.apparent_shift_s(np.inf) - markers.FALLING.apparent_shift_s(np.inf)
    candidates = []
    for one in falling:
        for two in rising:
            q = (two.time_s - one.time_s - shift) / (spacing_s - shift)
            if q > 0 and speeds[0] <= 1.0 / q <= speeds[1]:
                start = one.time_s - markers.FALLING.apparent_shift_s(1.0 / q)
                candidates.append((one.match * two.match, start, 1.0 / q))
    chosen: list[tuple[float, float]] = []
    for _, start, speed in sorted(candidates, reverse=True):
        if all(abs(start - other) > spacing_s for other, _ in chosen):
            chosen.append((start, speed))
    return sorted(chosen)


def _read_code(audio: AudioReader, channel: int, start_s: float, speed: float, sheet: CueSheet) -> int | None:
    """Identity behind a start marker, or None when the chirps there do not stand out."""
    cue = sheet.of_kind("marker_code")[0]
    lead_s = (cue.start_samples - sheet.of_kind("marker_start")[0].start_samples) / sheet.sample_rate
    rate = audio.sample_rate
    code, clear = 0, 0
    for bit in range(markers.CODE_BITS):
        expected_s = start_s + (lead_s + bit * markers.BIT_PERIOD_S) / speed
        scores = [
            _chirp_strength(audio, channel, chirp, expected_s, speed, rate) for chirp in (markers.BIT_ZERO, markers.BIT_ONE)
        ]
        code = code << 1 | int(scores[1] > scores[0])
        clear += max(scores) > 0.5 and max(scores) > 1.3 * min(scores)
    return code if clear >= markers.CODE_BITS - CODE_ERRORS else None


def _chirp_strength(
    audio: AudioReader, channel: int, chirp: markers.Chirp, expected_s: float, speed: float, rate: int
) -> float:
    """Largest normalised correlation of a chirp, stretched to the speed, within a few milliseconds of where it should be."""
    stretched = markers.Chirp(chirp.first_hz * speed, chirp.last_hz * speed, chirp.duration_s / speed)
    template = stretched.waveform(rate)
    first = round((expected_s - CODE_SEARCH_S) * rate)
    signal = audio.read(first, first + template.size + round(2 * CODE_SEARCH_S * rate))[:, channel]
    size = 1 << int(np.ceil(np.log2(signal.size + template.size)))
    product = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(template, size))
    envelope = np.abs(_analytic(product, size))[: signal.size - template.size + 1]
    at = int(np.argmax(envelope))
    energy = np.sum(signal[at : at + template.size] ** 2) * np.sum(template**2)
    return float(envelope[at] / np.sqrt(energy)) if energy > 0 else 0.0
