"""What a page of the report consists of: lead sentence, figures, tables, what is missing, how it was measured."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from reports.numbers import MINUS, Number, bare, in_words, number, unit_scale
from reports.readings import LEAST, TOGETHER, PooledCurve, Reading, Setup, distinct
from reports.wording import capital, condition_text, describe, describe_all, listing, plain, quantity_name, sentence
from sessions.results import Condition, Conditions

Cell = Number | str | None
OWN_TAPE = (
    "A tape recorded and played on one deck hides absolute speed error and head azimuth: both passes share them, and they"
    " cancel. Only a test tape recorded elsewhere shows them."
)
OWN_HEAD = (
    "On a tape recorded and played with one head the delay between its tracks shows the scatter of the gaps, the electronics"
    " and the skew of the tape; the azimuth of the head cancels."
)
DOUBT = "± is the 95\u202f% uncertainty of one reading, or half the spread where that is larger"
_PAIR = {"from", "to"}
LIMIT = r"below (-?[0-9]+(?:\.[0-9]+)?)"
_LIMIT = re.compile(rf"{LIMIT}(?= dB)")
_TONE_IN_NAME = ("mol_315", "sol_10k")


@dataclass(frozen=True)
class Table:
    """A table; columns named in `numeric` hold numbers aligned at the decimal point. None is a figure that was not had.

    One that is `long` is set small and may run over several pages.
    """

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numeric: frozenset[int] = frozenset()
    long: bool = False


@dataclass(frozen=True)
class Plot:
    """A figure under the name that its file gets, with its caption."""

    name: str
    figure: Figure
    caption: str


@dataclass(frozen=True)
class Page:
    """One subject at one set-up of the deck."""

    title: str
    lead: str
    conditions: str
    blocks: Sequence[Plot | Table | Sequence[Table]]
    missing: Sequence[tuple[str, str]] = ()
    methods: Sequence[tuple[str, str]] = ()
    remark: str = ""
    missing_head: str = "Not measured"


def by_track(readings: Sequence[Reading], caption: str) -> Table | None:
    """Make one row per quantity and condition, one column per track, and the largest spread over passes at the end."""
    rows: dict[tuple[str, str, str], list[Reading]] = {}
    for reading in readings:
        label = quantity_name(reading.quantity)
        tone = ("frequency_hz",) if reading.quantity in _TONE_IN_NAME else ()
        detail = describe(reading.conditions, ("track", "pass", "speed_cm_s", "dbx", *tone))
        rows.setdefault((label, detail, reading.unit), []).append(reading)
    if not any(reading.values for reading in readings):
        return None
    tracks: list[Condition | None] = distinct(readings, "track") or [None]
    spreads = any(reading.spread for reading in readings)
    body = []
    for (label, detail, unit), group in rows.items():
        found = {reading.conditions.get("track"): reading for reading in group if reading.values}
        if not found:
            continue
        factor, shown_unit = unit_scale(unit, [reading.mean for reading in found.values()])
        cells: list[Cell] = [f"{label}, {detail}" if detail else label, "" if unit == "1" else shown_unit]
        if None in found and tracks != [None]:  # of no track in particular: stands in the first column
            found.setdefault(tracks[0], found[None])
        cells += [cell(found.get(track), factor) for track in tracks]
        if spreads:
            cells.append(spread_cell(found.values(), factor))
        body.append(cells)
    heads = ["", ""] + [column_head(track) for track in tracks] + ["Spread"] * spreads
    return Table(caption, heads, body, frozenset(range(2, len(heads))))


def cell(reading: Reading | None, factor: float = 1.0) -> Cell:
    """Mean and doubt of a reading as a table cell."""
    if reading is None or not reading.values:
        return None
    if reading.unit == "1" and reading.uncertainty is None and reading.mean.is_integer():  # a sign or a count
        return bare(reading.mean, 10.0)
    doubt = None if reading.doubt is None else reading.doubt * factor
    return number(reading.mean * factor, doubt, LEAST.get(reading.quantity))


def spread_cell(readings: Iterable[Reading], factor: float = 1.0) -> Cell:
    """Largest difference between readings, to the decimals of the mean."""
    widths = [(r.spread[1] - r.spread[0], r.doubt) for r in readings if r.spread]
    if not widths:
        return ""
    width, doubt = max(widths, key=lambda w: w[0])
    return bare(width * factor, factor * (doubt or width / 10.0 or 1.0))


def column_head(track: Condition | None) -> str:
    """Head of a track's column."""
    return "Value" if track is None else capital(condition_text("track", track))


def missing(readings: Iterable[Reading]) -> list[tuple[str, str]]:
    """What was not measured, and why: figures with the same reason share an entry, crosstalk with the same but for its limit."""
    reasons: dict[tuple[str, str], dict[str, list[Conditions]]] = {}
    limits: dict[tuple[str, str], list[str]] = {}
    for reading in readings:
        pair = f"{reading.conditions['from']} {reading.conditions['to']}" if set(reading.conditions) >= _PAIR else ""
        for where, why in reading.notes:
            key = (_LIMIT.sub("below #", why) if pair else why, pair)
            limits.setdefault(key, []).extend(_LIMIT.findall(why) if pair else [])
            reasons.setdefault(key, {}).setdefault(quantity_name(reading.quantity), []).append(where)
    entries = []
    for key, names in reasons.items():
        ends = sorted(dict.fromkeys(limits[key]), key=float)
        why = key[0].replace("#", " to ".join([*ends[:1], *ends[1:][-1:]]).replace("-", MINUS)) if ends else key[0]
        places = describe_all([place for of_one in names.values() for place in of_one])
        entries.append((_names(names) + (f" ({places})" if places else ""), sentence(why)))
    return entries


def methods(setup: Setup, quantities: Iterable[str]) -> list[tuple[str, str]]:
    """Each method once, with the quantities that were measured by it; the only one without them."""
    uses: dict[str, dict[str, None]] = {}
    for item in setup.items(quantities):
        method = item.method
        if TOGETHER in item.conditions and "of" not in item.conditions:  # that it is a mean stands at the figures
            method = method.partition(" passes; ")[2] or method
        uses.setdefault(method, {})[quantity_name(item.quantity)] = None
    if len(uses) == 1:
        return [("", sentence(capital(method))) for method in uses if method]
    return [(_names(names), sentence(method)) for method, names in uses.items()]


def conditions_line(setup: Setup, quantities: Iterable[str]) -> str:
    """Which tracks, levels, speed, dbx position and passes the figures of a page cover."""
    items = setup.items(quantities)
    parts = []
    tracks, passes, levels = distinct(items, "track"), distinct(items, "pass"), distinct(items, "level_db")
    if tracks:
        parts.append(f"track{'s' * (len(tracks) > 1)} {listing(_words(tracks))}")
    if levels:
        ends = _words(levels) if len(levels) < 3 else [f"{plain(levels[0])} to {plain(levels[-1])}"]
        parts.append(f"sent at {listing(ends)}\u202fdB")
    parts += [condition_text(key, value) for key, value in setup.conditions.items()]
    if passes:
        parts.append(f"pass{'es' * (len(passes) > 1)} {listing(_words(passes))}")
    return capital(" · ".join(parts))


def over_tracks(readings: Sequence[Reading]) -> str:
    """Valid readings of several tracks in words: each of two, the range of more."""
    found = [r for r in readings if r.values]
    if not found:
        return ""
    tracks = [r.conditions.get("track") for r in found]
    if len(found) < 3 or None in tracks:
        words = [in_words(r.mean, r.unit, r.doubt) for r in found]
        return listing([w if t is None else f"{w} on track {t}" for w, t in zip(words, tracks, strict=True)])
    ends = (min(found, key=lambda r: r.mean), max(found, key=lambda r: r.mean))
    low, high = (in_words(r.mean, r.unit, r.doubt) for r in ends)
    if low == high:
        return f"{low} on every track"
    return f"{low} (track {ends[0].conditions['track']}) to {high} (track {ends[1].conditions['track']})"


def curve_label(curve: PooledCurve, curves: Sequence[PooledCurve], leave_out: Iterable[str] = ()) -> str:
    """The conditions in which this curve differs from the others beside it."""
    keys = {key for other in curves for key in other.conditions}
    same = {key for key in keys if len({str(other.conditions.get(key)) for other in curves}) == 1}
    return describe(curve.conditions, {*same, *leave_out})


def passes_phrase(readings: Iterable[Reading]) -> str:
    """How many passes the figures are the mean of."""
    most = max((reading.passes for reading in readings if reading.values), default=0)
    if most < 2:
        return DOUBT.partition(",")[0]
    return f"Mean of {most} passes; {DOUBT}; spread is the largest difference between readings"


def _names(names: Iterable[str]) -> str:
    """Names in a row, only the first with its capital, unless it is an abbreviation's."""
    first, *rest = names
    return "; ".join([first, *(n if n[1:2].isupper() else n[0].lower() + n[1:] for n in rest)])


def _words(values: Iterable[Condition]) -> list[str]:
    return [plain(value) for value in values]
