"""How steadily the tape returns a level: dropouts and level stability."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from reports.numbers import in_words
from reports.pages import (
    Page,
    Plot,
    Table,
    by_track,
    column_head,
    conditions_line,
    methods,
    missing,
    over_tracks,
    passes_phrase,
)
from reports.readings import Reading, Setup
from reports.scatter import dropouts
from reports.wording import capital
from sessions.results import Conditions, Curve

RESULTS = ("level_stability", "dropouts_per_minute")
CURVES = ("dropouts", "dropout_lengths")
QUANTITIES = RESULTS + CURVES
COUNTED_DB = 6.0
_TONE = ("frequency_hz", "level_db")  # of the tone that was looked at, which is another on the pilot's track


def page(setup: Setup) -> Page | None:
    """Both figures by track, and every dropout by depth and length."""
    readings = _whatever_the_tone(setup.readings(*RESULTS))
    if not readings:
        return None
    blocks: list[Plot | Table] = []
    events = _events(setup)
    if events:
        caption = "Every fall of the level by 3\u202fdB or more, of all passes: how deep, and how long below 3\u202fdB."
        blocks.append(Plot("dropouts", dropouts(events), caption))
    table = by_track(readings, passes_phrase(readings))
    blocks += [table] if table else []
    return Page(
        title="Level and dropouts",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing(readings),
        methods=methods(setup, QUANTITIES),
    )


def lead(setup: Setup) -> str:
    """Level stability and rate of dropouts, in a sentence."""
    parts = []
    found = [r for r in setup.readings("level_stability") if r.values]
    if found:
        bound = max(r.mean + (r.doubt or 0.0) for r in found)
        unsure = all(r.mean <= (r.doubt or 0.0) for r in found)
        held = f"less than {in_words(bound, 'dB', bound / 5.0)}" if unsure else over_tracks(found)
        parts.append(f"the level of a steady tone holds to {held}")
    found = [r for r in setup.readings("dropouts_per_minute") if r.values]
    found = [r for r in found if r.conditions.get("depth_db", COUNTED_DB) == COUNTED_DB] or found
    if found:
        most = max(r.mean for r in found)
        fewest = max(r.doubt or 0.0 for r in found)
        none = "no dropouts were met" + (f", so there are less than {fewest:.2g} a minute" if fewest else "")
        parts.append(none if most == 0.0 else f"up to {most:.2g} dropouts a minute")
    return capital("; ".join(parts)) + "." if parts else ""


def _whatever_the_tone(readings: Sequence[Reading]) -> list[Reading]:
    return [replace(r, conditions={k: v for k, v in r.conditions.items() if k not in _TONE}) for r in readings]


def _events(setup: Setup) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Length and depth of every dropout, by track; passes together."""
    lengths = {_key(c.conditions): c for c in setup.measurements.find_curves("dropout_lengths")}
    found: dict[str, list[tuple[Curve, Curve]]] = {}
    for depth in setup.measurements.find_curves("dropouts"):
        length = lengths.get(_key(depth.conditions))
        if length is not None and len(length.y.values) == len(depth.y.values):
            name = column_head(depth.conditions["track"]) if "track" in depth.conditions else ""
            found.setdefault(name, []).append((length, depth))
    return {
        name: (np.concatenate([x.y.array for x, _ in pairs]), np.concatenate([y.y.array for _, y in pairs]))
        for name, pairs in sorted(found.items())
    }


def _key(conditions: Conditions) -> tuple[tuple[str, object], ...]:
    return tuple(sorted(conditions.items()))
