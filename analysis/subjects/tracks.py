"""What the tracks of a take tell beside one another: crosstalk, azimuth, balance, and whether their cables are exchanged."""

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from analysis.findings import Measured, result
from analysis.subjects import azimuth, crosstalk
from analysis.take import Take
from analysis.tracks import Tracks, noted, stray_notes, strayed
from sessions.results import Result
from signals.timeline import REFERENCE_HZ

FLOOR_DB = 0.001  # of the ratio: what speed does to the reference tone it does to that of both tracks
BALANCE = "returned 1 kHz reference tone of the higher track over that of the lower"


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
    with_tone = {tracks.track(t.alignment.channel): t for t in tracks.takes if t.reference.planned}
    unsound = {number: take.reference.reason for number, take in with_tone.items()}
    for low, high in combinations(sorted(with_tone), 2):
        conditions = tracks.under(track=low, track_to=high, frequency_hz=REFERENCE_HZ)
        note = notes.get(low) or notes.get(high) or unsound[low] or unsound[high]
        if note:
            results.append(Result.invalid("channel_balance", "dB", conditions, BALANCE, note))
            continue
        lower, higher = with_tone[low].reference.blocks, with_tone[high].reference.blocks
        apart = 20.0 * np.log10(higher / lower)
        doubt = float(np.hypot(1.96 * np.std(apart, ddof=1) / np.sqrt(apart.size), FLOOR_DB))
        results.append(result("channel_balance", float(np.mean(apart)), "dB", doubt, conditions, BALANCE))
    return results
