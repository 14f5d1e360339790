"""Find the takes in a recording by their markers: at unknown offset and speed, whatever the polarity, under noise.

The recording is searched once, in blocks, by matched filters for the falling and the rising chirp. A start marker is a falling
chirp followed by a rising one; the two arrivals give the moment and the speed (see :mod:`signals.markers`). The identity code
that follows names the take, and the end marker says whether it is whole.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.signal import find_peaks

from analysis import peak
from analysis.pipeline import pipelined
from signals import markers
from signals.audio import AudioReader
from signals.cues import CueSheet

BLOCK_S = 5.0
RATE_DIVISOR_HZ = 6000  # envelopes are computed at about this rate, or up to twice it
BETWEEN_TAPS = 12
BETWEEN = np.sinc(np.array([[-0.5], [0.0], [0.5]]) - np.arange(-BETWEEN_TAPS, BETWEEN_TAPS + 1)) * np.kaiser(
    2 * BETWEEN_TAPS + 1, 6.0
)
"""Reads half a sample before, at, and half a sample after a sample, from those around it."""

THRESHOLD = 0.30  # normalised correlation; the chirps stand above 0.5 on a worn tape, music stays below 0.2
WRONG_SPEED_THRESHOLD = 0.18  # at half or twice the speed a quarter of the chirp falls outside its template
SPEED_RANGE = (0.78, 1.28)  # pitch controls of 12 % against one another make 0.786 and 1.273
WRONG_SPEED_RANGE = (0.40, 2.5)
ECHO_S, ECHO_DB = 4.0, -20.0  # the fullest reel turns in 3.3 s at 4.8 cm/s; print-through stays below -40 dB
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
    marker_speed : float or None
        Speed from the start marker alone, which a cut in the tape does not change.
    """

    channel: int
    start_s: float
    speed: float
    code: int | None
    end_s: float | None
    marker_speed: float | None = None


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
        Empty when there is no start marker at a speed within :data:`SPEED_RANGE`.
    """
    searched = channels if channels is not None else range(audio.channels)
    found = _takes_on(audio, searched, sheet)
    best: list[FoundTake] = []
    for take in sorted(found, key=lambda t: (t.code is None, t.end_s is None, t.channel)):
        if all(abs(take.start_s - other.start_s) > markers.START_S for other in best):
            best.append(take)
    return sorted(best, key=lambda t: t.start_s)


def take_on_channel(audio: AudioReader, sheet: CueSheet, channel: int) -> FoundTake | None:
    """The first take on one channel, or None."""
    takes = _takes_on(audio, (channel,), sheet)
    return takes[0] if takes else None


def heard_on_channels(
    audio: AudioReader, sheet: CueSheet, channels: Sequence[int]
) -> dict[int, tuple[list[FoundTake], list[Arrival], list[Arrival]]]:
    """Takes on each channel, and all arrivals of the falling chirp and of the guard on it."""
    heard = arrivals_on(audio, channels, (markers.FALLING, markers.RISING, markers.GUARD))
    return {c: (_channel_takes(audio, c, sheet, hits[0], hits[1]), hits[0], hits[2]) for c, hits in heard.items()}


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


def _takes_on(audio: AudioReader, channels: Sequence[int], sheet: CueSheet) -> list[FoundTake]:
    """Takes on some channels."""
    heard = arrivals_on(audio, channels, (markers.FALLING, markers.RISING))
    return [take for c, hits in heard.items() for take in _channel_takes(audio, c, sheet, hits[0], hits[1])]


def _channel_takes(
    audio: AudioReader, channel: int, sheet: CueSheet, falling: Sequence[Arrival], rising: Sequence[Arrival]
) -> list[FoundTake]:
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
        code = _read_code(audio, channel, start_s, speed, sheet)
        takes.append(FoundTake(channel, start_s, refined, code, end_s, speed))
    return takes


def arrivals(
    audio: AudioReader, channel: int, chirps: Sequence[markers.Chirp], threshold: float = THRESHOLD
) -> list[list[Arrival]]:
    """Where chirps occur in one channel, by normalised matched filters.

    Returns
    -------
    list of lists of Arrival
        One list a chirp, in order of time.
    """
    return arrivals_on(audio, (channel,), chirps, threshold)[channel]


def arrivals_on(
    audio: AudioReader, channels: Sequence[int], chirps: Sequence[markers.Chirp], threshold: float = THRESHOLD
) -> dict[int, list[list[Arrival]]]:
    """Where chirps occur in several channels, which are read once.

    The filters work at a reduced rate, on blocks that overlap by the longest chirp, so memory does not grow with length.

    Returns
    -------
    dict of int to list of lists of Arrival
        By the channel, one list a chirp, in order of time.
    """
    rate = audio.sample_rate
    longest = max(c.samples(rate) for c in chirps)
    block = 1 << int(np.ceil(np.log2(BLOCK_S * rate)))
    reduction = max(1, rate // RATE_DIVISOR_HZ)
    reduction = 1 << int(np.log2(reduction))  # divides the block, a power of two
    bank = _Bank.of(chirps, block, rate, reduction)
    found: dict[int, list[list[Arrival]]] = {c: [[] for _ in chirps] for c in channels}
    step = block - 2 * longest
    searched = list(found)
    firsts = range(-longest, audio.samples, step)

    def work(heard: np.ndarray) -> list[list[list[tuple[float, float]]]]:
        return [
            [list(bank.peaks(c, n, threshold, rate)) for c, n in zip(*one, strict=True)]
            for one in zip(*bank.matches(heard), strict=True)
        ]

    peaks = pipelined(firsts, lambda first: audio.read(first, first + block)[:, searched].T, work)
    for first, by_channel in zip(firsts, peaks, strict=True):
        for hits, by_chirp in zip(found.values(), by_channel, strict=True):
            for one, here in zip(hits, by_chirp, strict=True):
                one.extend(Arrival((first + at) / rate, match) for at, match in here if longest <= at < step + longest)
    return {c: [_without_echoes(audio, c, *one) for one in zip(chirps, hits, strict=True)] for c, hits in found.items()}


def _without_echoes(audio: AudioReader, channel: int, chirp: markers.Chirp, hits: Sequence[Arrival]) -> list[Arrival]:
    """Arrivals without those that are echoes: print-through puts one a turn of the reel before and after, far softer."""
    samples = chirp.samples(audio.sample_rate)
    heard = [audio.read(first := round(hit.time_s * audio.sample_rate), first + samples)[:, channel] for hit in hits]
    power = np.array([float(np.sum(wave**2)) for wave in heard])
    time = np.array([hit.time_s for hit in hits])
    loudest = [float(np.max(power[np.abs(time - at) < ECHO_S])) for at in time]
    return [hit for hit, own, most in zip(hits, power, loudest, strict=True) if own >= 10.0 ** (ECHO_DB / 10.0) * most]


@dataclass(frozen=True)
class _Bank:
    """Matched filters for some chirps, applied to blocks of one length in the band of the chirps."""

    band: slice
    block: int
    reduction: int
    templates: np.ndarray  # shape (1 + chirps, bins): 1, which leaves the signal itself, and the conjugate spectra
    spans: tuple[int, ...]
    energies: np.ndarray

    @classmethod
    def of(cls, chirps: Sequence[markers.Chirp], block: int, rate: int, reduction: int) -> "_Bank":
        frequency = np.fft.rfftfreq(block, 1.0 / rate)
        edges = np.searchsorted(frequency, (0.6 * markers.LOW_HZ, 1.1 * markers.HIGH_HZ))
        band = slice(int(edges[0]), min(int(edges[1]), block // reduction))
        chirped = np.array([np.conj(fft.rfft(c.waveform(rate), block)[band]) for c in chirps])
        templates = np.concatenate((np.ones((1, chirped.shape[1])), chirped)).astype(np.complex64)
        spans = tuple(max(1, c.samples(rate) // reduction) for c in chirps)
        bank = cls(band, block, reduction, templates, spans, np.empty(0))
        return replace(bank, energies=np.square(np.linalg.norm(bank.analytic(templates[1:]), axis=1)))

    def analytic(self, spectra: np.ndarray) -> np.ndarray:
        """Analytic signals at the reduced rate from bands of one-sided spectra, shifted down to begin at 0 Hz."""
        full = np.zeros((*spectra.shape[:-1], self.block // self.reduction), dtype=np.complex64)
        full[..., : spectra.shape[-1]] = (2.0 / self.reduction) * spectra
        return fft.ifft(full, overwrite_x=True)

    def matches(self, signals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Correlation with each chirp at the reduced rate, and the largest it could be (Cauchy-Schwarz).

        Parameters
        ----------
        signals : ndarray, shape (channels, block)

        Returns
        -------
        ndarray, shape (channels, chirps, block / reduction), complex, and the same, real
        """
        spectra = fft.rfft(np.ascontiguousarray(signals, dtype=np.float32))[:, None, self.band]
        heard = self.analytic(spectra * self.templates[None])
        signal, correlations = heard[:, 0], heard[:, 1:]
        energy = np.cumsum(signal.real**2 + signal.imag**2, axis=1, dtype=np.float64)
        energy = np.pad(energy, ((0, 0), (1, max(self.spans))), mode="edge")
        energy[:, 0] = 0.0
        points = signal.shape[1]
        under = np.stack([energy[:, span : span + points] - energy[:, :points] for span in self.spans], axis=1)
        floor = 1e-12 * np.maximum(energy[:, -1], 1e-30)[:, None, None]
        return correlations, np.sqrt((np.maximum(under, 0.0) + floor) * self.energies[:, None]) * self.reduction

    def peaks(self, correlation: np.ndarray, norm: np.ndarray, threshold: float, rate: int) -> Iterator[tuple[float, float]]:
        """Place in samples of the block, and height in 0..1, of peaks of a correlation with one chirp."""
        distance = max(1, round(0.03 * rate / self.reduction))
        indices, _ = find_peaks(np.abs(correlation) / norm, height=threshold, distance=distance)
        for i in indices:
            around = np.arange(i - BETWEEN_TAPS, i + BETWEEN_TAPS + 1)
            if around[0] < 0 or around[-1] >= correlation.size:
                continue
            # At this rate the band just fits: the peak is read between the samples, with the band moved to its middle.
            middle = np.exp(-1j * np.pi * (self.band.stop - self.band.start) * around / correlation.size)
            left, mid, right = np.abs(BETWEEN @ (correlation[around] * middle))
            # Three readings half a sample apart.
            yield float((i + 0.5 * peak.vertex(left, mid, right)) * self.reduction), float(mid / norm[i])


def _analytic(spectrum: np.ndarray) -> np.ndarray:
    """Analytic signal from a one-sided spectrum."""
    full = np.zeros(2 * (spectrum.size - 1), dtype=complex)
    full[: spectrum.size] = 2.0 * spectrum
    return fft.ifft(full)


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
    signal = signal - np.mean(signal)  # a converter may add an offset
    size = 1 << int(np.ceil(np.log2(signal.size + template.size)))
    product = np.fft.rfft(signal, size) * np.conj(np.fft.rfft(template, size))
    envelope = np.abs(_analytic(product))[: signal.size - template.size + 1]
    at = int(np.argmax(envelope))
    energy = np.sum(signal[at : at + template.size] ** 2) * np.sum(template**2)
    return float(envelope[at] / np.sqrt(energy)) if energy > 0 else 0.0
