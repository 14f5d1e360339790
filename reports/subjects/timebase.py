"""Time base and speed: how the delay of the deck runs, and what that says of its speed."""

from collections.abc import Mapping, Sequence

import numpy as np

from reports.figures import Trace, over_time
from reports.numbers import in_words, unit_scale
from reports.pages import OWN_TAPE, Cell, Page, Plot, Table, cell, conditions_line, methods, missing
from reports.readings import SETUP_KEYS, TOGETHER, Reading, Setup, distinct
from reports.wording import capital, describe, quantity_name
from sessions.results import Curve

RESULTS = ("speed_error", "speed_drift", "latency", "interface_latency")
CURVES = ("delay_trajectory", "speed_deviation")
QUANTITIES = RESULTS + CURVES
_MOST_PANELS = 6
_SLOW_S = 1.0
_UNUSUAL = 3.0  # times the usual uncertainty: no gap yet
_NO_DRIFT = 0.001  # percent over a take; nobody hears it and no pitch control sets it


def page(setup: Setup) -> Page | None:
    """Delay trajectory and speed deviation against time, speed error, drift and latency."""
    readings = setup.readings(*RESULTS)
    trajectories = setup.measurements.find_curves("delay_trajectory")
    deviations = setup.measurements.find_curves("speed_deviation")
    if not (readings or trajectories or deviations):
        return None
    blocks: list[Plot | Table] = []
    if trajectories:
        shown = _one_per_pass(trajectories)
        panels = {"": [_wander(curve, _label(curve, shown)) for curve in shown]}
        caption = "Delay of the tape path less its start and its mean slope, so that the wander shows" + _broken(panels)
        blocks.append(
            Plot("delay_trajectory", over_time(panels, "Delay (ms)", 66.0), caption + _left_out(trajectories, shown))
        )
    if deviations:
        shown = _one_per_pass(deviations)
        single = len(shown) == 1
        panels = {
            ("" if single else capital(_label(c, shown))): [
                Trace("momentary", c.x.array, np.where(known, c.y.array, np.nan)),
                Trace("mean over a second", c.x.array, np.where(known, running_mean(c.x.array, c.y.array, _SLOW_S), np.nan)),
            ]
            for c in shown
            for known in [where_known(c, trajectories)]
        }
        figure = over_time(panels, "Speed deviation (%)", 70.0 if single else min(34.0 * len(shown) + 12.0, 120.0))
        caption = (
            f"Momentary speed against its mean, and {'' if single else 'in black '}the mean over a second: drift and slow wow;"
            " each point shown is the lowest or highest of its interval" + _broken(panels)
        )
        blocks.append(Plot("speed_deviation", figure, caption + _left_out(deviations, shown)))
    table = _table(setup)
    if table:
        blocks.append(table)
    return Page(
        title="Time base and speed",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing(readings),
        methods=methods(setup, QUANTITIES),
        remark=OWN_TAPE,
    )


def lead(setup: Setup) -> str:
    """What the speed figures say, in a sentence."""
    everywhere = ("track", "pass")
    error = next((r for r in setup.readings("speed_error", over=everywhere) if r.values), None)
    drift = next((r for r in setup.readings("speed_drift", over=everywhere) if r.values), None)
    if error is None:
        return ""
    unsure = error.doubt or 0.0
    if abs(error.mean) <= unsure:
        text = f"the tape plays at the speed it was recorded at, to {in_words(unsure, '%')}"
    else:
        way = "fast" if error.mean > 0 else "slow"
        text = f"the tape plays {in_words(abs(error.mean), '%', error.doubt)} {way} against its own recording"
    if drift is not None:
        most, doubt = max(abs(value) for value in drift.values), drift.uncertainty or 0.0
        if most >= max(_NO_DRIFT, doubt):
            text += f" and drifts by {in_words(most, '%', doubt)}"
        else:
            bound = max(_NO_DRIFT, most + doubt)
            text += f" and drifts by less than {in_words(bound, '%', 0.1 * bound if bound > _NO_DRIFT else bound)}"
    return capital(text) + "."


def _table(setup: Setup) -> Table | None:
    """One row per pass: each has its own start and speed, so a mean of delays says nothing."""
    found = [r for r in setup.readings(*RESULTS, over=()) if r.values]
    found.sort(key=lambda r: (str(r.conditions.get("pass", "")), str(r.conditions.get("track", ""))))
    present = [q for q in RESULTS if any(r.quantity == q for r in found)]
    rows: dict[str, dict[str, Reading]] = {}
    for reading in found:
        together = {TOGETHER: reading.passes} if "pass" not in reading.conditions and reading.passes > 1 else {}
        name = capital(describe({**reading.conditions, **together}, SETUP_KEYS))
        rows.setdefault(name, {}).setdefault(reading.quantity, reading)
    scales = {
        q: unit_scale(next(r.unit for r in found if r.quantity == q), [r.mean for r in found if r.quantity == q])
        for q in present
    }
    heads = ["", *(f"{quantity_name(q)} ({scales[q][1]})" for q in present)]
    body: list[list[Cell]] = [[name, *(cell(row.get(q), scales[q][0]) for q in present)] for name, row in rows.items()]
    caption = "Positive speed: the tape plays faster than it was recorded; ± is the 95\u202f% uncertainty"
    return Table(caption, heads, body, frozenset(range(1, len(heads)))) if body else None


def running_mean(x: np.ndarray, y: np.ndarray, span: float) -> np.ndarray:
    """Mean of evenly sampled y over `span` about each x; at the ends over what there is of it."""
    if len(x) < 3:
        return y
    reach = max(1, round(span / (2.0 * float(np.median(np.diff(x))))))
    total = np.concatenate([[0.0], np.cumsum(y)])
    place = np.arange(len(y))
    low, high = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(y))
    return (total[high] - total[low]) / (high - low)


def _wander(curve: Curve, label: str) -> Trace:
    """Remove the straight line from a delay trajectory; what is left, in ms, is what speed variations did."""
    x, y = curve.x.array, curve.y.array
    if len(x) < 2:
        return Trace(label, x, np.zeros_like(y))
    known = where_known(curve, [curve])
    slope, offset = np.polyfit(x[known] - x.mean(), y[known], 1)
    return Trace(label, x, np.where(known, 1e3 * (y - offset - slope * (x - x.mean())), np.nan))


def where_known(curve: Curve, trajectories: Sequence[Curve]) -> np.ndarray:
    """At which points of a curve over time its delay trajectory is known better than it wanders.

    Without a pilot nothing tells the delay in a silence: there the trajectory is a guess, and says so by its uncertainty.
    """
    own = next((t for t in trajectories if t.conditions == curve.conditions and t.uncertainty is not None), None)
    if own is None or len(own.x.values) < 3:
        return np.ones(len(curve.x.values), dtype=bool)
    x, y, doubt = own.x.array, own.y.array, np.asarray(own.uncertainty)
    usual = float(np.median(doubt))
    sure = doubt <= usual
    wander = float(np.std(y[sure] - np.polyval(np.polyfit(x[sure] - x[0], y[sure], 1), x[sure] - x[0])))
    return np.asarray(np.interp(curve.x.array, x, doubt) <= max(wander, _UNUSUAL * usual))


def _broken(panels: Mapping[str, Sequence[Trace]]) -> str:
    gaps = any(bool(np.isnan(trace.y).any()) for traces in panels.values() for trace in traces)
    return "; broken where nothing was heard that tells it" if gaps else ""


def _label(curve: Curve, others: list[Curve]) -> str:
    keys = {key for other in others for key in other.conditions}
    same = [key for key in keys if len({str(other.conditions.get(key)) for other in others}) == 1]
    return describe(curve.conditions, same)


def _one_per_pass(curves: Sequence[Curve]) -> list[Curve]:
    """The first curve of each pass: the tracks of one pass share its transport."""
    first: dict[object, Curve] = {}
    for curve in curves:
        first.setdefault(curve.conditions.get("pass"), curve)
    return list(first.values())[:_MOST_PANELS]


def _left_out(curves: Sequence[Curve], shown: Sequence[Curve]) -> str:
    """Which curves are drawn, where not all are."""
    tracks, passes = distinct(curves, "track"), distinct(curves, "pass")
    text = f"; of track {shown[0].conditions['track']}, the others share the transport" if len(tracks) > 1 else ""
    return text + (f"; of the first {len(shown)} of {len(passes)} passes" if len(passes) > len(shown) else "") + "."
