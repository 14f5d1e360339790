"""What the tracks of a take tell beside one another: crosstalk, azimuth, balance, and whether their cables are exchanged."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from analysis.findings import Measured, result
from analysis.subjects import azimuth, crosstalk
from analysis.take import CLIPPED, Take
from analysis.tracks import Tracks, noted, stray_notes, strayed
from sessions.results import Result

BALANCE = "returned 1 kHz reference tone of the higher track over that of the lower"
BLOCK_S = 0.1
FLOOR_DB = 0.01


def measure(takes: Sequence[Take], inputs: Mapping[int, int], alone: Measured) -> Measured:
    """Add what the tracks tell together to what was measured of each alone.

    Parameters
    ----------
    takes : sequence of Take
        The programme channels of one take, in order.
    inputs : mapping of int to int
        Channel of the recording of every channel of the stimulus that came back, the pilot's too.
    alone : Measured
        Figures of the single tracks; those whose cables are exchanged get a note.
    """
    if len(inputs) < 2 or not takes:
        return alone
    tracks = Tracks(tuple(takes), inputs)
    notes = stray_notes(strayed(tracks))
    given_away, ratios = crosstalk.measure(tracks, notes)
    delays = azimuth.measure(tracks, ratios, notes)
    results = [*noted(alone[0], notes), *given_away[0], *delays[0], *_balance(tracks, notes)]
    return results, [*alone[1], *given_away[1], *delays[1]]


def _balance(tracks: Tracks, notes: Mapping[int, str]) -> list[Result]:
    """Level of the reference tone of each pair of programme tracks."""
    results = []
    levels = {}
    for take in tracks.takes:
        cues = take.cues("tone", purpose="reference")
        if not cues:
            return []
        tone, cue = take.steady(cues[0])
        levels[tracks.track(take.alignment.channel)] = (
            _blocks(tone, cue.number("frequency_hz"), take.sheet.sample_rate),
            float(np.max(np.abs(tone))),
        )
    for low, high in combinations(sorted(levels), 2):
        conditions = tracks.under(track=low, track_to=high, frequency_hz=cue.number("frequency_hz"))
        peak = max(levels[low][1], levels[high][1])
        note = notes.get(low) or notes.get(high)
        if not note and peak >= CLIPPED:
            note = f"the reference tone reaches {peak:.3f} of full scale and is clipped; lower the input gain"
        if note:
            results.append(Result.invalid("channel_balance", "dB", conditions, BALANCE, note))
            continue
        apart = 20.0 * np.log10(levels[high][0] / levels[low][0])
        doubt = 1.96 * float(np.std(apart, ddof=1)) / np.sqrt(apart.size) + FLOOR_DB
        results.append(result("channel_balance", float(np.mean(apart)), "dB", doubt, conditions, BALANCE))
    return results


def _blocks(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """Amplitude of a steady tone, block by block."""
    length = round(round(BLOCK_S * frequency_hz) / frequency_hz * sample_rate)
    count = tone.size // length
    phasor = np.exp(-2j * np.pi * frequency_hz / sample_rate * np.arange(count * length))
    return np.maximum(np.abs(np.mean((tone[: count * length] * phasor).reshape(count, length), axis=1)), 1e-12) * 2.0
