"""Phase and group delay of the response: a figure for the page of the response."""

from collections.abc import Sequence

import numpy as np

from reports.figures import Trace
from reports.overlays import Ordinate, side_by_side
from reports.pages import Plot, column_head
from reports.readings import PooledCurve, Setup, distinct, number_or
from reports.wording import condition_text, listing

QUANTITIES = ("phase_response", "group_delay")
NOT_MEASURED = (
    "without a pilot the sweep itself tells how the tape ran, and its phase is spent on that; give a track to the pilot"
)
_HEIGHT_MM = 56.0
_SMOOTHED_OCTAVES = 1.0 / 6.0
_DELAY_FROM_HZ = 60.0  # below, the delay of the coupling capacitors hides that of everything else


def blocks(setup: Setup, wanted_db: float) -> list[Plot]:
    """Phase and group delay of every track at the level nearest to the one wanted; nothing where there was no pilot."""
    phases = _at_level(setup.curves("phase_response"), wanted_db)
    delays = _at_level(setup.curves("group_delay"), wanted_db)
    panels: dict[str, tuple[Ordinate, Sequence[Trace]]] = {}
    said = []
    if phases:
        traces = [Trace(_name(c), c.x, c.y, c.low, c.high) for c in phases]
        panels["Phase"] = Ordinate("Phase (°)", 90.0, (-720.0, 720.0)), traces
        said.append("the delay of the time base is taken off")
    if delays:
        panels["Group delay"] = Ordinate("Group delay (ms)"), [_delay(c) for c in delays]
        said.append("the group delay is drawn from 60\u202fHz and smoothed over a sixth of an octave for the eye")
    if not panels:
        return []
    either = [*phases, *delays]
    said += ["bands hold passes and uncertainty"] if any(c.low is not None for c in either) else []
    caption = f"{listing(panels).capitalize()}{_at(either)}; {'; '.join(said)}."
    return [Plot("phase_and_delay", side_by_side(panels, _HEIGHT_MM), caption)]


def smoothed(x: np.ndarray, y: np.ndarray, octaves: float) -> np.ndarray:
    """Mean of y over a stretch of so many octaves about each x; at the ends over what there is of it."""
    if len(x) < 3:
        return y
    place = np.log2(x)
    total = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(place))])
    low = np.maximum(place - octaves / 2.0, place[0])
    high = np.minimum(place + octaves / 2.0, place[-1])
    return (np.interp(high, place, total) - np.interp(low, place, total)) / (high - low)


def _delay(curve: PooledCurve) -> Trace:
    x = curve.x[curve.x >= _DELAY_FROM_HZ]

    def shown(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else 1e3 * smoothed(x, values[curve.x >= _DELAY_FROM_HZ], _SMOOTHED_OCTAVES)

    y = shown(curve.y)
    return Trace(_name(curve), x, x if y is None else y, shown(curve.low), shown(curve.high))


def _at_level(curves: Sequence[PooledCurve], wanted_db: float) -> list[PooledCurve]:
    """One curve a track."""
    chosen = []
    for track in distinct(curves, "track") or [None]:
        own = [c for c in curves if c.conditions.get("track") == track]
        if own:
            chosen.append(min(own, key=lambda c: abs(number_or(c.conditions.get("level_db"), wanted_db) - wanted_db)))
    return chosen


def _name(curve: PooledCurve) -> str:
    return column_head(curve.conditions["track"]) if "track" in curve.conditions else ""


def _at(curves: Sequence[PooledCurve]) -> str:
    levels = distinct(curves, "level_db")
    return f" at {condition_text('level_db', levels[0])}" if len(levels) == 1 else ""
