"""Azimuth: the delay of every programme track behind those with lower numbers."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from analysis import azimuth
from analysis.findings import Measured, curve, result
from analysis.subjects.crosstalk import Given
from analysis.tracks import Tracks
from sessions.results import Curve, Result

AZIMUTH = (
    "cross-spectra of the tracks in third octaves from 400 Hz to 8 kHz, the phases of their responses and crosstalk taken out; "
    "mean over the take"
)
OWN_TAPE = "on a tape recorded and played with one head this is gap scatter and skew of the tape: the head's azimuth cancels"
FLOOR_S = 2e-8
SEARCH_EVERY = 8
REST_EDGE_S = 0.1
QUIET = 0.05  # share of all frames that is taken for noise where the stimulus has no silence
CURVE_STEP_S = 0.25


def measure(tracks: Tracks, given: Given, notes: Mapping[int, str]) -> Measured:
    """Delay of each pair of programme tracks: mean over the take, and its course.

    Parameters
    ----------
    given : mapping
        Crosstalk as complex ratios.
    notes : mapping of int to str
        By track, why its figures cannot be had.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    takes = tracks.takes
    if len(takes) < 2:
        return results, curves
    channels = [t.alignment.returned for t in takes]
    late_s = _late(tracks, channels)
    found = azimuth.frames(takes[0].returned, channels, _span(tracks), late_s)
    played = _played(tracks, found)
    sounding = played.copy()
    for cue in tracks.solos():
        sounding &= ~_within(found.time_s, *tracks.span_s(cue, -REST_EDGE_S))
    noise = _noise(tracks, found, played)
    excess = _excess(tracks, given, found, sounding, late_s)
    numbers = [tracks.track(t.alignment.channel) for t in takes]
    for low, high in combinations(np.argsort(numbers).tolist(), 2):
        pair = {"track": numbers[low], "track_to": numbers[high]}
        conditions = tracks.under(**pair)
        note = notes.get(pair["track"]) or notes.get(pair["track_to"])
        told = None
        if not note:
            told = azimuth.delay(found, low, high, noise, sounding, excess[high] - excess[low])
            note = (
                "less than 2 s of wide spectrum stand 15 dB above the noise on both tracks; raise the level, or play music"
            )
        if told is None:
            results.append(Result.invalid("azimuth_delay", "s", conditions, AZIMUTH, note))
            continue
        told = azimuth.shifted(told, late_s[high] - late_s[low])
        doubt = told.uncertainty_s + FLOOR_S
        said = OWN_TAPE
        if told.inverted:
            said = f"track {pair['track_to']} is inverted against track {pair['track']}; turn the poles of one cable; {said}"
        figure = result("azimuth_delay", told.mean_s, "s", doubt, conditions, AZIMUTH)
        results.append(figure.model_copy(update={"note": said}))
        curves.append(_course(tracks, told, conditions))
    return results, curves


def _span(tracks: Tracks) -> tuple[float, float]:
    take = tracks.takes[0]
    rate = take.sheet.sample_rate
    start = take.sheet.of_kind("marker_start")[0].start_samples / rate
    end = take.sheet.of_kind("marker_end")[0].start_samples / rate
    first, last = take.alignment.base.output_time(np.array([start, end]))
    return float(first), float(last)


def _late(tracks: Tracks, channels: list[int]) -> list[float]:
    """Delay of every channel behind the first, in whole samples."""
    take = tracks.takes[0]
    found = azimuth.frames(take.returned, channels, _span(tracks), [0.0] * len(channels), SEARCH_EVERY)
    rate = take.sheet.sample_rate
    return [0.0, *(round(azimuth.coarse(found, c) * rate) / rate for c in range(1, len(channels)))]


def _within(time_s: np.ndarray, start_s: float, stop_s: float) -> np.ndarray:
    return (time_s >= start_s) & (time_s <= stop_s)


def _played(tracks: Tracks, found: azimuth.Frames) -> np.ndarray:
    """Frames in which no tape was lost and something was recorded, shape (frames,)."""
    played = np.all(np.any(found.power > 0.0, axis=2), axis=0)
    for take in tracks.takes:
        for span in take.alignment.lost_s:
            played &= ~_within(found.time_s, *take.alignment.base.output_time(np.array(span)))
    return np.asarray(played)


def _noise(tracks: Tracks, found: azimuth.Frames, played: np.ndarray) -> np.ndarray:
    """Power of the bands while nothing is played, shape (channels, bands)."""
    rests = tracks.rests()
    silent = np.zeros(found.time_s.size, dtype=bool)
    for cue in rests:
        silent |= _within(found.time_s, *tracks.span_s(cue, REST_EDGE_S))
    if not silent.any():
        heard = found.power[:, played] if played.any() else found.power
        return np.quantile(heard, QUIET, axis=1) + 1e-30
    return np.asarray(np.mean(found.power[:, silent], axis=1)) + 1e-30


def _excess(
    tracks: Tracks, given: Given, found: azimuth.Frames, sounding: np.ndarray, late_s: list[float]
) -> list[np.ndarray]:
    """Phase by which what a track hears of its neighbours turns it, channel by channel, shape (bands,) each."""
    cross, power = found.cross[:, sounding], found.power[:, sounding]
    excess = []
    for i, take in enumerate(tracks.takes):
        leaked = np.zeros(azimuth.BANDS_HZ.size, dtype=complex)
        for j, other in enumerate(tracks.takes):
            pair = (other.alignment.channel, take.alignment.channel)
            if i == j or pair not in given:
                continue
            hz, ratio = given[pair]
            # Coupling that rises with frequency is smoothest over frequency.
            slope = ratio / hz
            at = np.interp(np.log(azimuth.BANDS_HZ), np.log(hz), slope.real) + 1j * np.interp(
                np.log(azimuth.BANDS_HZ), np.log(hz), slope.imag
            )
            late = np.exp(-2j * np.pi * azimuth.BANDS_HZ * (late_s[j] - late_s[i]))
            beside = np.sum(cross[j] * np.conj(cross[i]) / np.maximum(power[0], 1e-300), axis=0)
            leaked += at * azimuth.BANDS_HZ * late * beside / np.maximum(np.sum(power[i], axis=0), 1e-300)
        excess.append(-np.angle(1.0 - leaked))
    return excess


def _course(tracks: Tracks, told: azimuth.Delay, conditions: dict[str, str | int | float]) -> Curve:
    """Delay over input time, in steps of a quarter of a second."""
    take = tracks.takes[0]
    time_s = take.alignment.base.input_time(told.time_s)
    number = (time_s / CURVE_STEP_S).astype(int)
    number -= number[0]
    weight = told.sd_s**-2.0
    sums = np.bincount(number, weight)
    told_of = sums > 0.0
    total = sums[told_of]
    middle = np.bincount(number, weight * time_s)[told_of] / total
    delay = np.bincount(number, weight * told.delay_s)[told_of] / total
    doubt = 1.96 / np.sqrt(total)
    return curve("azimuth_delay", conditions, AZIMUTH, middle, delay, "delay", "s", doubt, x=("time", "s"))
