"""Positions of the dbx switch beside each other: what differs between them, on few pages.

The report describes the deck with dbx off; of the other positions it shows what they change.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from matplotlib.figure import Figure

from reports.figures import Trace
from reports.numbers import in_words
from reports.overlays import Ordinate, Over, overlay
from reports.pages import Cell, Page, Plot, Table, cell, column_head, conditions_line, methods, missing
from reports.readings import PooledCurve, Reading, Setup, distinct
from reports.wording import capital, condition_text, listing, quantity_name
from sessions.results import Condition

BAND = "bandwidth"
TONE_HZ = 1000.0
FIGURES = (
    "noise_a", "noise_itu468", "noise_ccir_rms", "snr_a", "modulation_noise", "thd", "thd_n", "harmonic_2", "harmonic_3",
    "imd_smpte", "imd_difference", "level_stability", "dropouts_per_minute", "polarity",
    "speed_error", "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms",
)  # fmt: skip
DECK_WIDE = ("speed_error", "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms")
CURVES = ("compression", "noise_spectrum", "thd_vs_level")
QUANTITIES = (*FIGURES, *CURVES)


def by_speed(setups: Sequence[Setup]) -> list[list[Setup]]:
    """The set-ups of each speed together, in order; the first of each is the one that the report describes in full."""
    groups: dict[Condition | None, list[Setup]] = {}
    for setup in setups:
        groups.setdefault(setup.conditions.get("speed_cm_s"), []).append(setup)
    return list(groups.values())


def page(setups: Sequence[Setup]) -> Page | None:
    """Level, noise and distortion in every position overlaid, and their figures side by side."""
    if len(setups) < 2:
        return None
    blocks: list[Plot | Table] = []
    looks = [short(s) for s in setups]
    law = _panels(setups, "compression", TONE_HZ)
    if law:
        ordinate = Ordinate("Output (dB re reference)", 10.0, (-90.0, 30.0))
        caption = "Returned against sent at 1\u202fkHz: slope 1/2 is what encodes, slope 2 what decodes."
        blocks.append(Plot("dbx_levels", _drawn(law, "level", ordinate, looks), caption))
    noise = _panels(setups, "noise_spectrum", None)
    if noise:
        ordinate = Ordinate("Noise per third octave (dB)", 10.0, (-180.0, 20.0))
        caption = "Noise of silent tape in third octaves, re the reference tone as returned in that position."
        blocks.append(Plot("dbx_noise", _drawn(noise, "frequency", ordinate, looks), caption))
    totals = _panels(setups, "thd_vs_level", TONE_HZ)
    if totals:
        ordinate = Ordinate("Total harmonic distortion (%)", logarithmic=True, reach=(1e-3, 100.0), guides=(3.0,))
        caption = "Total harmonic distortion at 1\u202fkHz against the level sent; the broken line stands at 3\u202f%."
        blocks.append(Plot("dbx_distortion", _drawn(totals, "level", ordinate, looks), caption))
    table = _table(setups)
    blocks += [table] if table else []
    return Page(
        title="Positions of the dbx switch",
        lead=lead(setups),
        conditions=_conditions(setups),
        blocks=blocks,
        missing=_missing(setups[1:]),
        methods=_other_methods(setups),
        remark=_kept(setups[1:]),
    )


def lead(setups: Sequence[Setup]) -> str:
    """A-weighted noise of the first track in every position, in a sentence."""
    parts = []
    for setup in setups:
        found = next((r for r in setup.readings("noise_a") if r.values), None)
        if found is not None:
            parts.append(f"{in_words(found.mean, found.unit, found.doubt)} with {name(setup)}")
    return f"A-weighted noise is {listing(parts)}." if len(parts) > 1 else ""


def name(setup: Setup) -> str:
    """The position in words."""
    return condition_text("dbx", setup.conditions.get("dbx", "off"))


def short(setup: Setup) -> str:
    """The position in a word or two, as it stands beside a line."""
    position = str(setup.conditions.get("dbx", "off"))
    return {"encode": "recording only", "decode": "playing only"}.get(position, position)


def _panels(setups: Sequence[Setup], quantity: str, tone_hz: float | None) -> Mapping[str, Sequence[Trace]]:
    """A panel per track with a line per position; curves of several tones at the one wanted, spectra in third octaves."""
    found = [(short(s), c) for s in setups for c in s.curves(quantity) if _wanted(c, tone_hz)]
    if len({position for position, _ in found}) < 2:
        return {}
    tracks: list[Condition | None] = distinct([c for _, c in found], "track") or [None]
    return {
        "" if track is None or len(tracks) == 1 else column_head(track): [
            Trace(position, c.x, c.y) for position, c in found if c.conditions.get("track") == track
        ]
        for track in tracks
    }


def _wanted(curve: PooledCurve, tone_hz: float | None) -> bool:
    if curve.quantity == "noise_spectrum":
        return BAND in curve.conditions
    return tone_hz is None or curve.conditions.get("frequency_hz", tone_hz) == tone_hz


def _drawn(panels: Mapping[str, Sequence[Trace]], over: Over, ordinate: Ordinate, looks: Sequence[str]) -> Figure:
    """Two tracks side by side."""
    return overlay(panels, over, ordinate, 60.0 * ((len(panels) + 1) // 2), min(len(panels), 2), looks)


def _table(setups: Sequence[Setup]) -> Table | None:
    """A row per figure and track, a column per position; tones at 1 kHz and the level nearest to 0 dB."""
    rows: list[list[Cell]] = []
    for quantity in FIGURES:
        over = ("pass", "track") if quantity in DECK_WIDE else ("pass",)
        columns = [{r.conditions.get("track"): r for r in _near(s.readings(quantity, over=over))} for s in setups]
        if sum(bool(column) for column in columns) < 2:
            continue
        tracks = sorted({track for column in columns for track in column}, key=str)
        for i, track in enumerate(tracks):
            cells = [column.get(track) for column in columns]
            shown = next(r for r in cells if r is not None)
            label = _label(shown) if i == 0 else ""
            unit = "" if shown.unit == "1" else shown.unit
            rows.append([label, unit if i == 0 else "", "" if track is None else str(track), *map(cell, cells)])
    heads = ["", "", "Track", *(capital(short(s)) for s in setups)]
    caption = "± is the 95\u202f% uncertainty of one reading, or half the spread over the passes where that is larger"
    return Table(caption, heads, rows, frozenset(range(3, len(heads)))) if rows else None


def _near(readings: Iterable[Reading]) -> list[Reading]:
    """Valid readings, one a track: nearest to 1 kHz and to the reference level."""
    best: dict[Condition | None, Reading] = {}
    valid = [r for r in readings if r.values and "re" not in r.conditions]
    for reading in sorted(valid, key=_distance):
        best.setdefault(reading.conditions.get("track"), reading)
    return list(best.values())


def _distance(reading: Reading) -> tuple[float, float]:
    tone, level = reading.conditions.get("frequency_hz", TONE_HZ), reading.conditions.get("level_db", 0.0)
    return (
        0.0 if isinstance(tone, str) else abs(float(tone) - TONE_HZ),
        0.0 if isinstance(level, str) else abs(float(level)),
    )


def _label(reading: Reading) -> str:
    parts = [condition_text(k, reading.conditions[k]) for k in ("frequency_hz", "level_db") if k in reading.conditions]
    if reading.quantity in (*DECK_WIDE, "level_stability", "dropouts_per_minute"):
        parts = []  # all such tones tell the same
    return ", ".join([quantity_name(reading.quantity), *parts])


def _conditions(setups: Sequence[Setup]) -> str:
    """Conditions of all positions together."""
    whole = setups[0].measurements.model_copy(
        update={
            "results": [r for s in setups for r in s.measurements.results],
            "curves": [c for s in setups for c in s.measurements.curves],
        }
    )
    shared = {k: v for k, v in setups[0].conditions.items() if k != "dbx"}
    return conditions_line(Setup("", "", shared, whole), QUANTITIES)


def _missing(setups: Sequence[Setup]) -> list[tuple[str, str]]:
    """What was not had in these positions; the same reason in several is told once."""
    return missing(
        replace(r, notes=tuple(({**where, "dbx": str(s.conditions.get("dbx", "off"))}, why) for where, why in r.notes))
        for s in setups
        for r in s.readings(*FIGURES)
    )


def _other_methods(setups: Sequence[Setup]) -> list[tuple[str, str]]:
    """Methods that were not used in the first position; those that were stand on the pages before."""
    known = {item.method for item in setups[0].items(QUANTITIES)}
    every = dict.fromkeys(m for s in setups[1:] for m in methods(_without(s, known), QUANTITIES))
    return [*every]


def _without(setup: Setup, known: set[str]) -> Setup:
    whole = setup.measurements
    results = [r for r in whole.results if r.method not in known]
    curves = [c for c in whole.curves if c.method not in known]
    return replace(setup, measurements=whole.model_copy(update={"results": results, "curves": curves}))


def _kept(setups: Sequence[Setup]) -> str:
    """What else was measured in these positions, and where it stands."""
    others = dict.fromkeys(q for s in setups for q in s.quantities if q not in QUANTITIES and not q.startswith("dbx_"))
    if not others:
        return ""
    names = [quantity_name(q) for q in others]
    words = [names[0], *(n[:1].lower() + n[1:] for n in names[1:])]
    return f"Measured in these positions too, and kept with all levels in measurements.json: {listing(words)}."
