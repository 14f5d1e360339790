"""How channels move against a trajectory that is known: the pilot's, or that of the track beside them.

One Gauss-Newton step on the programme of each channel is enough, since the known trajectory is right within some microseconds.
The prior is about that trajectory and as wide as the skew of tape, so that a channel follows its own motion where its programme
tells it and the known trajectory where nothing sounds. Recordings are read in parts: memory does not grow with their length.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from analysis import cells, chirps
from analysis.anchors import holds
from analysis.dewarp import interpolate_fast
from analysis.pipeline import pipelined
from analysis.programme import CERTAIN_CYCLES, FINE_BAND_HZ, filtered, joined
from analysis.smoother import Prior, log_likelihood
from analysis.timebase import Timebase, on_samples
from analysis.transfer import RESPONSE_S, Spectra, frame_size, linear_phase_delay, mean_power
from analysis.working_rate import Reduced
from signals.audio import AudioReader
from signals.cues import Cue, CueSheet

SKEW = Prior(speed_walk=1e-8, flutter_s=2.5e-6, flutter_hz=3.0, fast_s=1e-8)
SKEW_S = (0.35e-6, 0.7e-6, 1.25e-6, 2.5e-6, 5e-6, 10e-6)
SKEW_HZ = (0.7, 3.0, 10.0)
"""What is tried of each for a prior that fits the take."""

FITTED_S = 120.0
FITTED_LEAST = 1000
LEAST_SD_S = 0.25e-6  # what level and spectrum of the programme move it by
MUTE = ("tone", "two_tone", "multitone", "impulses", "silence", "pilot", "sweep")
"""Segments that say nothing: the phase of few lines is no delay, and steps and peaks of level would be read as skew.

A sweep would tell, but what it tells is the phase of the response at one frequency, which is to be measured by it.
"""

JOINED_S = 0.35  # segments so near to each other count as one stretch
PART_S = 10.0
RESPONSE_MOST_S = 120.0  # of programme is enough to tell the response
LEAST_STRETCH_S = 0.1
BESIDE_SAMPLES = 100  # of the stimulus, for the interpolation and what a straight line between the ends leaves out


@dataclass(frozen=True)
class _Part:
    """A stretch of output time at the working rate, in frames, with the beginning and end of the programme around it."""

    first: int
    stop: int
    begins_s: float
    ends_s: float


@dataclass(frozen=True)
class _Raw:
    """A part as recorded: samples `first` to `stop` of the recording, `low` to `high` of the stimulus, at the working rate."""

    part: _Part
    first: int
    stop: int
    low: int
    high: int
    sent: np.ndarray
    returned: np.ndarray


@dataclass(frozen=True)
class _Heard:
    """A part to work on: the signal sent on the clock of the recording, and each channel, from sample `first` on."""

    part: _Part
    first: int
    warped: np.ndarray
    wet: list[np.ndarray]


def follow(
    sent: AudioReader,
    returned: AudioReader,
    sheet: CueSheet,
    joins: Sequence[tuple[int, int]],
    known: Timebase,
    lost_s: Sequence[tuple[float, float]] = (),
) -> list[Timebase]:
    """Trajectories of channels, each with its own constant and skew.

    Parameters
    ----------
    joins : sequence of (int, int)
        Channel of the stimulus and of the recording.
    known : Timebase
        Trajectory that all follow but for their skew.
    lost_s : sequence of (float, float)
        Spans of the stimulus that are not on the recording.

    Returns
    -------
    list of Timebase
        In the order of `joins`. Deviations hold that of the known trajectory.
    """
    found: dict[tuple[int, int], Timebase] = {}
    alike: dict[tuple[object, ...], list[tuple[int, int]]] = {}
    for channel, to in joins:
        cues = (c for c in sheet.cues if c.channel == channel and c.kind not in MUTE)
        same = tuple((c.kind, c.name, c.start_samples, c.level_db) for c in cues)
        alike.setdefault(same, []).append((channel, to))
    for group in alike.values():
        work = _Group(sent, returned, sheet, group, known, lost_s)
        found.update(zip(group, work.trajectories(), strict=True))
    return [found[join] for join in joins]


class _Group:
    """Channels that carry the same."""

    def __init__(
        self,
        sent: AudioReader,
        returned: AudioReader,
        sheet: CueSheet,
        joins: Sequence[tuple[int, int]],
        known: Timebase,
        lost_s: Sequence[tuple[float, float]],
    ) -> None:
        self.dry = Reduced(sent, (joins[0][0],))
        self.wet = Reduced(returned, tuple(to for _, to in joins))
        self.rate = self.wet.rate
        self.hop = cells.hop_samples(self.rate)
        self.returned = returned
        self.known = known
        self.count = max(1, (self.wet.samples - cells.frame_samples(self.rate)) // self.hop + 1)
        cues = [c for c in sheet.cues if c.channel == joins[0][0] and c.kind not in MUTE]
        cues = [c for c in cues if holds(lost_s, c, sheet.sample_rate)]
        self.parts = list(self._parts(_stretches(cues, sheet.sample_rate)))
        # Chirps go through one frequency after the other, at levels of their own: music and noise tell the response.
        telling = [c for c in cues if c.kind in {"music", "noise"}]
        self.telling = list(self._parts(_stretches(telling, sheet.sample_rate))) or self.parts
        # Without music and noise the response would be that of the chirps themselves.
        self.markers = chirps.placed((c for c in cues if telling and c.kind.startswith("marker")), sheet.sample_rate)

    def trajectories(self) -> list[Timebase]:
        """One for each channel."""
        time = (np.arange(self.count) * self.hop + (cells.frame_samples(self.rate) - 1) / 2.0) / self.rate
        if not self.parts:
            return [self.known for _ in self.wet.channels]
        responses = self._responses()
        said = np.zeros((len(responses), 3, self.count))

        def work(raw: _Raw) -> tuple[_Part, np.ndarray]:
            heard = self._heard(raw)
            return heard.part, np.stack(
                [self._said(heard, wet, H) for wet, (H, _) in zip(heard.wet, responses, strict=True)]
            )

        for part, told in pipelined(self.parts, self._read, work):
            said[:, :, part.first : part.stop] += told
        input_time = self.known.input_time(time)
        known_delay, known_sd = time - input_time, self.known.sd(input_time)
        trajectories = []
        for to, (step, information, centre), (H, tau) in zip(self.wet.channels, said, responses, strict=True):
            variance = cells.readings(cells.Frames(time, step, information, centre))
            variance[known_sd * centre >= CERTAIN_CYCLES] = np.inf
            self._add_markers(to, H, time, step, variance)
            if not np.isfinite(variance).any():
                trajectories.append(self.known)
                continue
            mean, sd = joined(step, variance, self.hop / self.rate, _fitted(step, variance, self.hop / self.rate))
            spread = np.sqrt(sd**2 + known_sd**2 + LEAST_SD_S**2)
            trajectories.append(Timebase.over_output(time, known_delay + mean + tau, spread))
        return trajectories

    def _parts(self, stretches_s: Sequence[tuple[float, float]]) -> Iterator[_Part]:
        """Stretches of the stimulus as parts of the recording."""
        for start_s, stop_s in stretches_s:
            begins, ends = (float(self.known.output_time(t)) for t in (start_s, stop_s))
            begins, ends = max(0.0, begins), min(ends, self.wet.samples / self.rate)
            if ends - begins < LEAST_STRETCH_S:
                continue
            first, stop = (int(t * self.rate / self.hop) for t in (begins, ends))
            edges = np.linspace(first, min(stop, self.count), 1 + int(np.ceil((ends - begins) / PART_S))).astype(int)
            yield from (_Part(int(a), int(b), begins, ends) for a, b in pairwise(edges) if b > a)

    def _read(self, part: _Part) -> _Raw:
        """A part as recorded, with as much on either side as its filters need."""
        beside = cells.around_frames(self.rate) * self.hop + frame_size(self.rate) // 2
        first, stop = part.first * self.hop - beside, part.stop * self.hop + cells.frame_samples(self.rate) + beside
        low, high = (int(t * self.rate) for t in self.known.input_time(np.array([first, stop]) / self.rate))
        low, high = low - BESIDE_SAMPLES, high + BESIDE_SAMPLES
        return _Raw(part, first, stop, low, high, self.dry.raw(low, high), self.wet.raw(first, stop))

    def _heard(self, raw: _Raw) -> _Heard:
        """A part at the working rate, on one clock, closed softly where its programme begins and ends."""
        part, first = raw.part, raw.first
        (dry,) = self.dry.reduced(raw.sent, raw.high - raw.low)
        warped = interpolate_fast(dry, on_samples(self.known.input_time, first, raw.stop, self.rate) * self.rate - raw.low)
        time = np.arange(first, raw.stop) / self.rate
        inside = np.clip(np.minimum(time - part.begins_s, part.ends_s - time) / (0.5 * RESPONSE_S), 0.0, 1.0)
        gate = (0.5 - 0.5 * np.cos(np.pi * inside)).astype(np.float32)
        return _Heard(part, first, warped * gate, [wet * gate for wet in self.wet.reduced(raw.returned, raw.stop - first)])

    def _add_markers(self, to: int, H: np.ndarray, time_s: np.ndarray, step_s: np.ndarray, variance: np.ndarray) -> None:
        """Where no frame says anything, as where a marker begins, take what the phase of its chirps says."""
        for chirp in self.markers:
            found = chirp.readings(self.returned, to, self.known, (np.fft.rfftfreq(2 * (H.size - 1), 1.0 / self.rate), H))
            inside = (time_s >= found.time_s[0]) & (time_s <= found.time_s[-1]) & ~np.isfinite(variance)
            said = found.delay_s - (found.time_s - self.known.input_time(found.time_s))
            step_s[inside] = np.interp(time_s[inside], found.time_s, said)
            variance[inside] = 1.0 / np.maximum(np.interp(time_s[inside], found.time_s, 1.0 / found.variance), 1e-30)

    def _responses(self) -> list[tuple[np.ndarray, float]]:
        """Response of every channel, its delay against the known trajectory left in it, and that delay."""
        seconds = sum(p.stop - p.first for p in self.telling) * self.hop / self.rate
        step = max(1, round(seconds / RESPONSE_MOST_S))
        pieces = list(pipelined(self.telling[step // 2 :: step] or self.telling[:1], self._read, self._heard))
        return [self._response([(p.warped, p.wet[i]) for p in pieces]) for i in range(len(self.wet.channels))]

    def _response(self, pieces: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, float]:
        seconds = [wet.size for _, wet in pieces]
        power = np.average([mean_power(wet, self.rate) for _, wet in pieces], axis=0, weights=seconds)
        spectra = Spectra(self.rate, power)
        for warped, wet in pieces:
            spectra.add(warped, wet)
        frequency = spectra.frequency_hz
        tau = 0.0
        for _ in range(2):
            H, coherence = spectra.response(tau)
            tau += linear_phase_delay(H, coherence, frequency)
        H, _ = spectra.response(tau)
        return H * np.exp(-2j * np.pi * frequency * tau), tau

    def _said(self, heard: _Heard, wet: np.ndarray, H: np.ndarray) -> np.ndarray:
        """Step, information and centre frequency of every frame of a part; nothing where the gate is not open."""
        start = heard.part.first * self.hop - cells.around_frames(self.rate) * self.hop - heard.first
        frames = cells.newton_step(filtered(heard.warped, H)[start:-start], wet[start:-start], self.rate, FINE_BAND_HZ)
        kept = slice(cells.around_frames(self.rate), cells.around_frames(self.rate) + heard.part.stop - heard.part.first)
        said = np.stack((frames.step_s, frames.information, frames.centre_hz))[:, kept]
        time = (heard.part.first + np.arange(said.shape[1])) * self.hop / self.rate + frames.time_s[0]
        opened = np.minimum(time - heard.part.begins_s, heard.part.ends_s - time) >= 0.5 * RESPONSE_S
        return np.where(opened, said, 0.0)


def _fitted(step_s: np.ndarray, variance: np.ndarray, hop_s: float) -> Prior:
    """The prior of the skew that the readings of a channel fit best; of a long take its most telling minutes say it."""
    span = round(FITTED_S / hop_s)
    told = np.isfinite(variance)
    first = span * int(np.argmax([told[i : i + span].sum() for i in range(0, told.size, span)]))
    part = slice(first, first + span)
    if told[part].sum() < FITTED_LEAST:
        return SKEW
    # The floor stands for what readings of one take have in common: the phase of a response that moves with level.
    doubt = variance[part] + LEAST_SD_S**2
    tried = [replace(SKEW, flutter_s=s, flutter_hz=f) for s in SKEW_S for f in SKEW_HZ]
    return max(tried, key=lambda prior: log_likelihood(step_s[part], doubt, hop_s, prior))


def _stretches(cues: Sequence[Cue], sample_rate: int) -> list[tuple[float, float]]:
    """Times in s from which to which segments follow each other closely."""
    merged: list[list[float]] = []
    for start, stop in sorted((c.start_samples / sample_rate, c.stop_samples / sample_rate) for c in cues):
        if merged and start - merged[-1][1] < JOINED_S:
            merged[-1][1] = max(merged[-1][1], stop)
        else:
            merged.append([start, stop])
    return [(start, stop) for start, stop in merged]
