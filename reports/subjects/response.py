"""Frequency response: every level of every track, relative to 1 kHz, with limits and ripple."""

from collections.abc import Sequence

import numpy as np

from reports.figures import Trace, response, response_thumbnail
from reports.numbers import bare, in_words
from reports.pages import (
    Cell,
    Page,
    Plot,
    Table,
    cell,
    column_head,
    conditions_line,
    curve_label,
    methods,
    missing,
    passes_phrase,
)
from reports.readings import PooledCurve, Reading, Setup, distinct, number_or
from reports.subjects import phase
from reports.wording import capital, condition_text, describe, listing, plain_number, sentence
from sessions.results import Condition

RESULTS = ("bandwidth_low", "bandwidth_high", "response_ripple")
CURVES = ("frequency_response",)
QUANTITIES = (*RESULTS, *CURVES, *phase.QUANTITIES, "polarity")
SMALL_SIGNAL_DB = -20.0  # the classic level of a cassette deck's response: low enough to stay out of treble saturation
_REFERENCE_HZ = 1000.0
_HEIGHT_MM = {1: 84.0, 2: 120.0}  # where phase and delay stand below


def page(setup: Setup) -> Page | None:
    """Levels overlaid per track, and a table of absolute level, limits and ripple."""
    curves = setup.curves("frequency_response")
    readings = setup.readings(*RESULTS)
    if not (curves or readings):
        return None
    blocks: list[Plot | Table] = []
    relative = all(level_at_1khz(curve) is not None for curve in curves)
    of_phase = phase.blocks(setup, SMALL_SIGNAL_DB)
    if curves:
        panels: dict[str, list[Trace]] = {}
        tracks = distinct(curves, "track") or [None]
        for track in tracks:
            own = sorted((c for c in curves if c.conditions.get("track") == track), key=_level)
            name = "" if track is None or len(tracks) == 1 else column_head(track)
            panels[name] = [_trace(c, _level_label(c, own), relative) for c in own]
        label = "Response re 1 kHz (dB)" if relative else "Response (dB)"
        caption = (
            "Returned over sent, relative to 1\u202fkHz; the table gives the absolute level there."
            if relative
            else "Returned over sent, absolute: the material does not reach 1\u202fkHz."
        ) + _band_caption(curves)
        height = _HEIGHT_MM.get(len(panels), 62.0 * ((len(panels) + 1) // 2)) if of_phase else None
        blocks.append(Plot("frequency_response", response(panels, label, height), caption))
    table = _table(curves, readings)
    if table:
        blocks.append(table)
    blocks += of_phase
    left_out = [("Phase and group delay", sentence(phase.NOT_MEASURED))] if curves and not of_phase else []
    return Page(
        title="Frequency response",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=[*missing([*readings, *setup.readings("polarity")]), *left_out],
        methods=methods(setup, QUANTITIES),
    )


def thumbnail(setup: Setup) -> Plot | None:
    """One small response per track, at the level nearest to −20 dB."""
    curves = setup.curves("frequency_response")
    chosen = [
        min((c for c in curves if c.conditions.get("track") == track), key=lambda c: abs(_level(c) - SMALL_SIGNAL_DB))
        for track in distinct(curves, "track") or [None]
        if any(c.conditions.get("track") == track for c in curves)
    ]
    if not chosen:
        return None
    relative = all(level_at_1khz(c) is not None for c in chosen)
    traces = [_trace(c, curve_label(c, chosen, ("level_db",)), relative) for c in chosen]
    levels = listing(
        dict.fromkeys(condition_text("level_db", c.conditions["level_db"]) for c in chosen if "level_db" in c.conditions)
    )
    caption = "Frequency response" + (f" at {levels}" if levels else "") + "; broken lines at ±3\u202fdB."
    return Plot("frequency_response_small", response_thumbnail(traces, "dB re 1 kHz" if relative else "dB"), caption)


def lead(setup: Setup) -> str:
    """The limits of each track at the small-signal level, in a sentence."""
    same = [r for r in at_level(setup.readings("bandwidth_low", "bandwidth_high")) if r.values]  # both limits of one level
    lows = {r.conditions.get("track"): r for r in same if r.quantity == "bandwidth_low"}
    highs = {r.conditions.get("track"): r for r in same if r.quantity == "bandwidth_high"}
    found = [*lows.values(), *highs.values()]
    tracks = list(dict.fromkeys([*lows, *highs]))
    if not found:
        return _polarity(setup)
    if len(tracks) < 3:
        reach = [(f"track {t} " if t is not None else "") + _reach([lows.get(t)], [highs.get(t)]) for t in tracks]
        text = listing(reach)
    else:
        text = "every track " + _reach(list(lows.values()), list(highs.values()))
    level = next((r.conditions["level_db"] for r in found if "level_db" in r.conditions), None)
    at = f", sent at {condition_text('level_db', level)}" if level is not None else ""
    return f"{capital(text)} within −3\u202fdB{at}. {_polarity(setup)}".strip()


def _reach(lows: Sequence[Reading | None], highs: Sequence[Reading | None]) -> str:
    """The band that all the given limits leave."""
    low = max((r for r in lows if r is not None), key=lambda r: r.mean, default=None)
    high = min((r for r in highs if r is not None), key=lambda r: r.mean, default=None)
    ends = [f"{word} {in_words(r.mean, r.unit, r.doubt)}" for word, r in (("from", low), ("to", high)) if r is not None]
    return "reaches " + " ".join(ends)


def _polarity(setup: Setup) -> str:
    found = [r for r in setup.readings("polarity") if r.values]
    inverted = {str(r.conditions.get("track", "")) for r in found if r.mean < 0}
    if not inverted:
        return "Polarity is kept." if found else ""
    return f"Polarity is inverted{' on track ' + listing(sorted(inverted)) if all(inverted) else ''}."


def at_level(readings: Sequence[Reading], wanted_db: float = SMALL_SIGNAL_DB) -> list[Reading]:
    """Those of the readings that were made at the level nearest to the one wanted; valid ones are preferred."""
    pool = [r for r in readings if r.values] or list(readings)
    levels = [v for v in distinct(pool, "level_db") if not isinstance(v, str)]
    if not levels:
        return list(readings)
    nearest = min(levels, key=lambda v: abs(v - wanted_db))
    return [r for r in readings if r.conditions.get("level_db") == nearest]


def level_at_1khz(curve: PooledCurve) -> float | None:
    """Level of a response at 1 kHz in dB, None where the curve does not reach it."""
    if len(curve.x) < 2 or not curve.x[0] <= _REFERENCE_HZ <= curve.x[-1]:
        return None
    return float(np.interp(np.log(_REFERENCE_HZ), np.log(np.maximum(curve.x, 1e-3)), curve.y))


def _trace(curve: PooledCurve, label: str, relative: bool) -> Trace:
    shift = (level_at_1khz(curve) or 0.0) if relative else 0.0
    low, high = (None if v is None else v - shift for v in (curve.low, curve.high))
    return Trace(label, curve.x, curve.y - shift, low, high)


def _table(curves: Sequence[PooledCurve], readings: Sequence[Reading]) -> Table | None:
    items: list[PooledCurve | Reading] = [*curves, *readings]
    keys = {(i.conditions.get("track"), i.conditions.get("level_db")) for i in items}
    rows: list[list[Cell]] = []
    for track, level in sorted(keys, key=lambda k: (str(k[0]), number_or(k[1], 99.0))):
        absolute = [level_at_1khz(c) for c in curves if _at(c, track, level)]
        known = [v for v in absolute if v is not None]
        figures: list[Cell] = [bare(known[0], 0.05) if known else None]
        for quantity in RESULTS:
            found = [r for r in readings if r.quantity == quantity and _at(r, track, level)]
            factor = 1e-3 if quantity == "bandwidth_high" else 1.0
            figures.append(cell(found[0], factor) if found else None)
        if any(figure is not None for figure in figures):
            rows.append(["" if track is None else str(track), "" if level is None else _text(level), *figures])
    heads = ["Track", "Sent at (dB)", "1\u202fkHz (dB)", "−3\u202fdB from (Hz)", "to (kHz)", "Ripple (dB)"]
    phrase = passes_phrase(readings).split("; spread")[0]
    return (
        Table(
            f"Level at 1\u202fkHz as recorded, limits re 1\u202fkHz, ripple. {phrase}", heads, rows, frozenset({2, 3, 4, 5})
        )
        if rows
        else None
    )


def _at(item: PooledCurve | Reading, track: Condition | None, level: Condition | None) -> bool:
    return item.conditions.get("track") == track and item.conditions.get("level_db") == level


def _level(curve: PooledCurve) -> float:
    return number_or(curve.conditions.get("level_db"), SMALL_SIGNAL_DB)


def _level_label(curve: PooledCurve, others: Sequence[PooledCurve]) -> str:
    rest = curve_label(curve, others, ("level_db", "track"))
    level = curve.conditions.get("level_db")
    return ", ".join(filter(None, [condition_text("level_db", level) if level is not None else "", rest])) or describe(
        curve.conditions
    )


def _band_caption(curves: Sequence[PooledCurve]) -> str:
    most = max(c.passes for c in curves)
    if most > 1:
        return f" Mean of {most} passes; the bands hold their spread and the 95\u202f% uncertainty."
    return " The bands are the 95\u202f% uncertainty." if any(c.low is not None for c in curves) else ""


def _text(value: Condition) -> str:
    return value if isinstance(value, str) else plain_number(value)
