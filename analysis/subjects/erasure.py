"""Erasure figures: what a recording left of the one before it, where the tape of a session was recorded twice."""

from collections.abc import Sequence

from analysis.dewarp import dewarp
from analysis.erasure import BAND_HZ, residue
from analysis.findings import result
from analysis.take import EDGE_S, Take
from sessions.results import Conditions, Result

REACH_S = 12.0
ERASURE = (
    "level left of an earlier recording in a silent stretch of a later one, re its level before, "
    f"by correlation from {BAND_HZ[0]:g} to {BAND_HZ[1]:g} Hz"
)
REMEDY = (
    "no tape was recorded over with another stimulus: capture the session with --dbx off,encode --record-over, so that the second "
    "recording covers the first"
)


def measure(earlier: Sequence[Take], later: Sequence[Take]) -> list[Result]:
    """What is left of an earlier recording, track by track.

    Parameters
    ----------
    earlier, later : sequence of Take
        Programme channels of a play pass of each recording; the later was made over the earlier, with another stimulus.
    """
    results = []
    for take in later:
        before = next((t for t in earlier if t.conditions.get("track") == take.conditions.get("track")), None)
        rests = take.cues("silence")
        if before is None:
            continue
        if rests:
            results.append(_figure(before, take))
        elif take.lost():
            conditions = {k: v for k, v in take.under().items() if k != "dbx"}
            note = "no silent stretch is whole on the later recording; play it again from start to end"
            results.append(Result.invalid("erasure", "dB", conditions, ERASURE, note))
    return results


def missing(conditions: Conditions) -> Result:
    """The figure of a track whose tape was not recorded over."""
    return Result.invalid("erasure", "dB", conditions, ERASURE, REMEDY)


def _figure(earlier: Take, later: Take) -> Result:
    rate = later.sheet.sample_rate
    cue = later.cues("silence")[0]
    edge, reach = round(EDGE_S * rate), round(REACH_S * rate)
    start, stop = cue.start_samples + edge, cue.stop_samples - edge
    silence = dewarp(later.returned, later.alignment.returned, later.alignment.base, start, stop)
    before = dewarp(earlier.returned, earlier.alignment.returned, earlier.alignment.base, start - reach, stop + reach)
    pilots = [c.number("frequency_hz") for c in later.sheet.of_kind("pilot")]
    found = residue(silence, before, REACH_S, rate, pilots)
    conditions = {k: v for k, v in later.under().items() if k != "dbx"}
    if found.heard:
        return result("erasure", found.level_db, "dB", found.uncertainty_db, conditions, ERASURE)
    note = (
        f"nothing of the earlier recording stands above the noise: below {found.limit_db:.0f} dB if this one was made over it, at "
        "a speed within 0.8 % of it; a tape with less noise would show less"
    )
    return Result.invalid("erasure", "dB", conditions, ERASURE, note)
