"""Distortion over frequency: total, harmonics of the sweep, and intermodulation of two tones."""

from collections.abc import Sequence

from reports.figures import Trace, harmonic_responses
from reports.overlays import Ordinate, overlay
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
from reports.readings import PooledCurve, Reading, Setup, distinct, number_or
from reports.subjects.distortion import reference_level
from reports.wording import capital, condition_text, quantity_name
from sessions.results import Condition

TWO_TONES = ("imd_smpte", "imd_difference")
SWEPT = tuple(f"harmonic_response_{n}" for n in range(2, 6))
QUANTITIES = ("thd_vs_frequency", *SWEPT, *TWO_TONES)


def page(setup: Setup) -> Page | None:
    """Total over frequency at every level, harmonics of the loudest sweep, and intermodulation."""
    if not setup.items(QUANTITIES):
        return None
    blocks: list[Plot | Table] = []
    totals = setup.curves("thd_vs_frequency")
    if totals:
        ordinate = Ordinate("Total harmonic distortion (%)", logarithmic=True, reach=(1e-3, 100.0), guides=(3.0,))
        caption = "Total harmonic distortion against the frequency of the tone; the broken line stands at 3\u202f%."
        panels = _by_level(totals)
        rows = (len(panels) + 1) // 2
        figure = overlay(panels, "frequency", ordinate, 48.0 * rows + 12.0 / rows, min(len(panels), 2))
        blocks.append(Plot("thd_vs_frequency", figure, caption))
    swept = _swept(setup)
    if swept:
        caption, panels = swept
        figure = harmonic_responses(panels, "Harmonic re fundamental (dB)", 54.0 if len(panels) > 2 else 58.0)
        blocks.append(Plot("harmonic_response", figure, caption))
    two = setup.readings(*TWO_TONES)
    against = _against_level(two)
    if against:
        ordinate = Ordinate("Intermodulation (%)", logarithmic=True, reach=(1e-3, 100.0))
        figure = overlay(against, "level", ordinate, 58.0, len(against))
        blocks.append(Plot("intermodulation", figure, "Intermodulation of two tones against their level."))
    shown = [r for r in two if r.conditions.get("level_db") == reference_level(two)] if against else two
    table = by_track(shown, passes_phrase(shown))
    blocks += [table] if table else []
    return Page(
        title="Distortion over frequency",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing(two),
        methods=methods(setup, QUANTITIES),
    )


def lead(setup: Setup) -> str:
    """Intermodulation at the level nearest to 0 dB, in a sentence."""
    parts = []
    for quantity in TWO_TONES:
        found = [r for r in setup.readings(quantity) if r.values]
        nearest = reference_level(found)
        text = over_tracks([r for r in found if r.conditions.get("level_db") == nearest])
        if text:
            at = f" at {condition_text('level_db', nearest)}" if nearest is not None else ""
            parts.append(f"{quantity_name(quantity)[0].lower()}{quantity_name(quantity)[1:]}, is {text}{at}")
    return capital("; ".join(parts)) + "." if parts else ""


def _by_level(curves: Sequence[PooledCurve]) -> dict[str, list[Trace]]:
    """A panel per track, a line per level."""
    panels: dict[str, list[Trace]] = {}
    tracks: list[Condition | None] = distinct(curves, "track") or [None]
    for track in tracks:
        own = [c for c in curves if c.conditions.get("track") == track]
        own.sort(key=lambda c: number_or(c.conditions.get("level_db"), 0.0))
        panels[_title(track, tracks)] = [
            Trace(condition_text("level_db", c.conditions["level_db"]) if "level_db" in c.conditions else "", c.x, c.y)
            for c in own
        ]
    return panels


def _swept(setup: Setup) -> tuple[str, dict[str, list[Trace]]] | None:
    """Harmonics of the loudest sweep, a panel per track, and what the figure shows."""
    found = {f"H{quantity[-1]}": setup.curves(quantity) for quantity in SWEPT}
    curves = [c for of_one in found.values() for c in of_one]
    if not curves:
        return None
    levels = [level for level in distinct(curves, "level_db") if not isinstance(level, str)]
    loudest = max(levels, default=None)
    tracks: list[Condition | None] = distinct(curves, "track") or [None]
    panels: dict[str, list[Trace]] = {}
    for track in tracks:
        panels[_title(track, tracks)] = [
            Trace(name, c.x, c.y)
            for name, of_one in found.items()
            for c in of_one
            if c.conditions.get("track") == track and c.conditions.get("level_db") == loudest
        ]
    at = f", sent at {condition_text('level_db', loudest)}" if loudest is not None else ""
    return f"Harmonics against the frequency of the fundamental, from the sweep{at}.", panels


def _against_level(readings: Sequence[Reading]) -> dict[str, list[Trace]]:
    """A panel per kind of intermodulation with a line per track, where there are three levels or more."""
    panels: dict[str, list[Trace]] = {}
    for quantity in TWO_TONES:
        own = [r for r in readings if r.quantity == quantity and r.values and r.unit == "%"]
        for track in distinct(own, "track") or [None]:
            points = sorted(
                (float(r.conditions["level_db"]), r.mean)
                for r in own
                if r.conditions.get("track") == track and isinstance(r.conditions.get("level_db"), int | float)
            )
            if len(points) > 2:
                x, y = zip(*points, strict=True)
                name = "" if track is None else column_head(track)
                panels.setdefault(quantity_name(quantity), []).append(Trace.of(name, x, y))
    return panels


def _title(track: Condition | None, tracks: Sequence[Condition | None]) -> str:
    return column_head(track) if track is not None and len(tracks) > 1 else ""
