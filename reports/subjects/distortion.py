"""Distortion: total and harmonics against level, compression, and the figures at the reference level."""

from collections.abc import Mapping, Sequence

import numpy as np

from reports.figures import Mark, Trace, against_level, distortion
from reports.limits import interface_remark
from reports.numbers import bare, in_words
from reports.pages import (
    Cell,
    Page,
    Plot,
    Table,
    by_track,
    column_head,
    conditions_line,
    curve_label,
    methods,
    missing,
    over_tracks,
    passes_phrase,
)
from reports.readings import PooledCurve, Reading, Setup, distinct
from reports.wording import capital, condition_text, plain_number
from sessions.results import Condition

HARMONICS: Mapping[str, str] = {"harmonic_2": "H2", "harmonic_3": "H3", "harmonic_4": "H4", "harmonic_5": "H5"}
LADDER = ("thd", "thd_n", *HARMONICS)
SINGLE = ("mol_315", "sol_10k")
CURVES = ("thd_vs_level", "compression")
QUANTITIES = (*LADDER, *SINGLE, *CURVES)
REFERENCE_HZ = 315.0
LIMIT_PERCENT = 3.0
_HEADS: Mapping[str, str] = {"thd": "THD", "thd_n": "THD+N", **HARMONICS}


def page(setup: Setup) -> Page | None:
    """Total and harmonics against level with the 3 % line, compression, and a ladder table per track."""
    ladder, single = setup.readings(*LADDER), setup.readings(*SINGLE)
    totals, compressions = setup.curves("thd_vs_level"), setup.curves("compression")
    if not setup.items(QUANTITIES):
        return None
    tone = ladder_frequency(ladder)
    own = [r for r in ladder if r.conditions.get("frequency_hz") in (tone, None)]
    blocks: list[Plot | Table | Sequence[Table]] = []
    panels = _panels(own, totals, tone)
    level_label = "Level sent (dB re reference)"
    if panels:
        at = f" at {condition_text('frequency_hz', tone)}" if tone is not None else ""
        caption = (
            f"Total harmonic distortion and harmonics{at} against level; the third harmonic meets the broken line at the maximum"
            " output level (MOL)."
        )
        blocks.append(Plot("distortion", distortion(panels, level_label, _limits(panels, single)), caption))
    if compressions:
        caption = "Compression: output over input, relative to the lowest level. Zero is a straight transfer."
        blocks.append(Plot("compression", against_level(_gains(compressions), level_label, "Gain (dB)"), caption))
    tables = _ladders(own)
    blocks += [tables] if tables else []
    table = by_track(single, passes_phrase(single))
    blocks += [table] if table else []
    others = [r for r in ladder if r not in own and r.conditions.get("level_db") == reference_level(ladder)]
    table = by_track(others, "Other frequencies; their other levels are in measurements.json. " + passes_phrase(others))
    blocks += [table] if table else []
    return Page(
        title="Distortion",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing([*ladder, *single]),
        methods=methods(setup, QUANTITIES),
        remark=interface_remark(ladder),
    )


def ladder_frequency(readings: Sequence[Reading]) -> float | None:
    """Frequency of the level ladder: the one nearest to 315 Hz."""
    known = [float(f) for f in distinct(readings, "frequency_hz") if not isinstance(f, str) and f > 0]
    return min(known, key=lambda f: abs(np.log(f / REFERENCE_HZ))) if known else None


def reference_level(readings: Sequence[Reading]) -> Condition | None:
    """The level nearest to 0 dB, or None where none is known."""
    known = [level for level in distinct([r for r in readings if r.values], "level_db") if not isinstance(level, str)]
    return min(known, key=abs) if known else None


def lead(setup: Setup) -> str:
    """Distortion at the reference level and where it reaches 3 %, in a sentence."""
    found = setup.readings("thd")
    tone = ladder_frequency(found)
    at_tone = [r for r in found if r.conditions.get("frequency_hz") == tone]
    level = reference_level(at_tone)
    text = over_tracks([r for r in at_tone if r.conditions.get("level_db") == level])
    if text:
        where = [condition_text("frequency_hz", tone)] if tone is not None else []
        where += [f"at {condition_text('level_db', level)}"] if level is not None else []
        text = f"THD {text}" + (f" with {' '.join(where)}" if where else "")
    limit = over_tracks(setup.readings("mol_315"))
    if limit:
        text += f"{'; ' if text else ''}3\u202f% is reached at {limit}"
    return capital(text) + "." if text else ""


def _panels(readings: Sequence[Reading], totals: Sequence[PooledCurve], tone: float | None) -> dict[str, list[Trace]]:
    """Per track the total, then the harmonics, all in percent."""
    panels: dict[str, list[Trace]] = {}
    tracks: list[Condition | None] = distinct([*readings, *totals], "track") or [None]
    for track in tracks:
        curve = next(
            (c for c in totals if c.conditions.get("track") == track and c.conditions.get("frequency_hz", tone) == tone),
            None,
        )
        measured = _against_level(readings, "thd", "THD", track)
        total = Trace("THD", curve.x, curve.y, curve.low, curve.high) if curve else measured
        harmonics = [_against_level(readings, quantity, name, track) for quantity, name in HARMONICS.items()]
        traces = [trace for trace in (total, *harmonics) if trace is not None]
        if total is not None and len(total.x) > 1:
            panels[column_head(track) if track is not None and len(tracks) > 1 else ""] = traces
    return panels


def _limits(panels: Mapping[str, Sequence[Trace]], readings: Sequence[Reading]) -> dict[str, Mark]:
    """Where on the axis of level the third harmonic reaches 3 %, and the output there, by panel."""
    marks = {}
    reached = [r for r in readings if r.quantity == "mol_315" and r.values]
    for title, traces in panels.items():
        third = next((t for t in traces if t.label == "H3"), None)
        reading = next((r for r in reached if not title or _title(r) == title), None)
        sent_db = None if third is None else _crossing(third, LIMIT_PERCENT)
        if sent_db is not None and reading is not None:
            marks[title] = Mark(f"MOL {in_words(reading.mean, 'dB', reading.doubt)}", sent_db)
    return marks


def _title(reading: Reading) -> str:
    return column_head(reading.conditions["track"]) if "track" in reading.conditions else ""


def _crossing(trace: Trace, height: float) -> float | None:
    """Where a rising trace first passes a height, on a logarithmic ordinate."""
    above = np.flatnonzero((trace.y[1:] >= height) & (trace.y[:-1] < height))
    if not above.size:
        return None
    i = int(above[0])
    low, high = np.log(trace.y[i : i + 2])
    return float(trace.x[i] + (trace.x[i + 1] - trace.x[i]) * (np.log(height) - low) / (high - low))


def _against_level(readings: Sequence[Reading], quantity: str, name: str, track: Condition | None) -> Trace | None:
    points = sorted(
        (float(r.conditions["level_db"]), _percent(r))
        for r in readings
        if r.quantity == quantity and r.values and r.conditions.get("track") == track and _has_level(r)
    )
    return Trace(name, *np.array(points).T) if points else None


def _has_level(reading: Reading) -> bool:
    return isinstance(reading.conditions.get("level_db"), int | float)


def _percent(reading: Reading) -> float:
    return 100.0 * 10.0 ** (reading.mean / 20.0) if reading.unit == "dB" else reading.mean


def _gains(curves: Sequence[PooledCurve]) -> dict[str, list[Trace]]:
    """A panel per frequency, lowest first, with a trace per track."""
    panels: dict[str, list[Trace]] = {}
    for tone in distinct(curves, "frequency_hz") or [None]:
        own = [c for c in curves if c.conditions.get("frequency_hz") == tone]
        title = condition_text("frequency_hz", tone) if tone is not None else ""
        panels[title] = [_gain(c, curve_label(c, own)) for c in own]
    return panels


def _gain(curve: PooledCurve, label: str) -> Trace:
    """Output less input, relative to the lowest level."""
    shift = curve.x + (curve.y[0] - curve.x[0])
    low, high = (None if v is None else v - shift for v in (curve.low, curve.high))
    return Trace(label, curve.x, curve.y - shift, low, high)


def _ladders(readings: Sequence[Reading]) -> list[Table]:
    """One table per track: a row per level, the total in percent and the harmonics in dB."""
    tables = []
    tracks: list[Condition | None] = distinct(readings, "track") or [None]
    for track in tracks:
        rows: list[list[Cell]] = []
        mine = [r for r in readings if r.conditions.get("track") == track]
        present = [q for q in LADDER if any(r.quantity == q and r.values for r in mine)]
        for level in distinct(mine, "level_db"):
            found = {r.quantity: r for r in mine if r.conditions.get("level_db") == level}
            if any(r.values for r in found.values()):
                shown = plain_number(level) if not isinstance(level, str) else level
                rows.append([shown, *(_plain(found.get(quantity)) for quantity in present)])
        if rows:
            units = {r.quantity: r.unit for r in mine}
            heads = ["dB", *(f"{_HEADS[q]} ({units[q]})" for q in present)]
            name = "" if track is None else column_head(track) + "."
            caption = f"{name}{_uncertainties(mine)}".strip() or "Harmonics re the fundamental"
            tables.append(Table(caption, heads, rows, frozenset(range(1, len(heads)))))
    return tables


def _plain(reading: Reading | None) -> Cell:
    return bare(reading.mean, reading.doubt) if reading is not None and reading.values else None


def _uncertainties(readings: Sequence[Reading]) -> str:
    """The largest relative uncertainty of the total, and the largest of the harmonics: there is no room for each."""
    stated = [r for r in readings if r.values and r.uncertainty]
    total = [100.0 * r.uncertainty / r.mean for r in stated if r.quantity == "thd" and r.uncertainty and r.mean > 0]
    harmonic = [r.uncertainty for r in stated if r.unit == "dB" and r.uncertainty]
    parts = [f"THD ±{max(total):.2g}\u202f% of it"] if total else []
    parts += [f"harmonics ±{max(harmonic):.2g}\u202fdB"] if harmonic else []
    return f" Uncertain by up to: {', '.join(parts)}." if parts else ""
