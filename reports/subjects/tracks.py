"""Tracks: what one says in another, how far they lie apart in time and level, their polarity, and what erasing leaves."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from reports.figures import Trace
from reports.numbers import bare, in_words, unit_scale
from reports.overlays import Ordinate, overlay
from reports.pages import (
    OWN_HEAD,
    Cell,
    Page,
    Plot,
    Table,
    by_track,
    cell,
    conditions_line,
    methods,
    missing,
    over_tracks,
    passes_phrase,
)
from reports.readings import PooledCurve, Reading, Setup, distinct
from reports.wording import capital, condition_text, describe, listing, plain
from sessions.results import Condition

PAIRS = ("azimuth_delay", "channel_balance")
SINGLE = ("polarity", "erasure")
QUANTITIES = ("crosstalk", *PAIRS, *SINGLE)
REFERENCE_HZ = 1000.0
_PHASE_HZ = 10_000.0
_MOST_COLUMNS = 8
_MOST_UNSURE = 10.0  # times the median uncertainty of a course
_Pair = tuple[Condition, Condition]


def page(setup: Setup) -> Page | None:
    """Crosstalk as matrix and against frequency, delay and balance of every pair, polarity and erasure."""
    crosstalk, pairs, single = setup.readings("crosstalk"), setup.readings(*PAIRS), setup.readings(*SINGLE)
    curves = setup.curves("crosstalk")
    if not (crosstalk or pairs or curves or any(r.quantity != "polarity" for r in single)):
        return None  # polarity by itself is said with the response
    blocks: list[Plot | Table | Sequence[Table]] = []
    tables = [*_matrix(crosstalk), *_pairs(pairs)]
    if tables:
        blocks.append(tables if len(tables) > 1 else tables[0])
    panels = _panels(curves, crosstalk)
    if panels:
        looks = [_into(to) for to in distinct([*curves, *crosstalk], "to")]
        ordinate = Ordinate("Crosstalk (dB)", 10.0, (-120.0, 0.0))
        rows = (len(panels) + 1) // 2
        figure = overlay(panels, "frequency", ordinate, 48.0 * rows + 14.0 / rows, min(len(panels), 2), looks)
        caption = "What returns on a track of what was sent to another, re what returns on the track it was sent to."
        blocks.append(Plot("crosstalk", figure, caption))
    course = _course(setup)
    blocks += [course] if course else []
    erased = any(r.quantity != "polarity" and r.values for r in single)
    blocks += [t for t in (_spots(crosstalk), by_track(single, _doubt(single)) if erased else None) if t is not None]
    return Page(
        title="Tracks",
        lead=lead(setup),
        conditions=conditions_line(setup, QUANTITIES),
        blocks=blocks,
        missing=missing([*crosstalk, *pairs, *setup.readings("erasure")]),
        methods=methods(setup, QUANTITIES),
        remark=OWN_HEAD if any(r.quantity == "azimuth_delay" and r.values for r in pairs) else "",
    )


def lead(setup: Setup) -> str:
    """The strongest crosstalk near 1 kHz, and how far the tracks lie apart, in a sentence."""
    parts = []
    worst = max((r for r in at_reference(setup.readings("crosstalk")) if r.values), key=lambda r: r.mean, default=None)
    if worst is not None:
        tone = worst.conditions.get("frequency_hz")
        at = f" at {condition_text('frequency_hz', tone)}" if tone is not None else ""
        parts.append(f"crosstalk{at} is at most {in_words(worst.mean, 'dB', worst.doubt)} ({_which(worst)})")
    apart = []
    for quantity in PAIRS:
        found = [r for r in setup.readings(quantity) if r.values]
        if found:
            most = max(found, key=lambda r: abs(r.mean))
            apart.append(in_words(abs(most.mean), most.unit, most.doubt))
    if apart:
        parts.append(f"the tracks lie within {listing(apart)} of each other")
    erased = over_tracks(setup.readings("erasure"))
    parts += [f"erasing leaves {erased}"] if erased else []
    return capital("; ".join(parts)) + "." if parts else ""


def at_reference(readings: Sequence[Reading]) -> list[Reading]:
    """Those at the frequency nearest to 1 kHz."""
    tones = [f for f in distinct(readings, "frequency_hz") if not isinstance(f, str)]
    nearest = min(tones, key=lambda f: abs(f - REFERENCE_HZ), default=None)
    return [r for r in readings if r.conditions.get("frequency_hz") == nearest]


def _matrix(readings: Sequence[Reading]) -> list[Table]:
    """From track in rows, into track in columns, at the frequency nearest to 1 kHz."""
    near = at_reference(readings)
    found = {_pair(r): r for r in near if r.values and {"from", "to"} <= set(r.conditions)}
    if not found:
        return []
    sources, targets = _sorted(a for a, _ in found), _sorted(b for _, b in found)
    rows: list[list[Cell]] = [
        [f"From {plain(a)}", *("·" if a == b else cell(found.get((a, b))) for b in targets)] for a in sources
    ]
    tone = near[0].conditions.get("frequency_hz")
    at = f" at {condition_text('frequency_hz', tone)}" if tone is not None else ""
    caption = f"Crosstalk{at}, dB. {_doubt(list(found.values()))}"
    heads = ["Track", *(f"into {plain(b)}" for b in targets)]
    return [Table(caption, heads, rows, frozenset(range(1, len(heads))))]


def _pairs(readings: Sequence[Reading]) -> list[Table]:
    """Delay, the phase it makes at 10 kHz, and balance of every pair of tracks."""
    found: dict[_Pair, dict[str, Reading]] = {}
    for reading in readings:
        if reading.values and {"track", "track_to"} <= set(reading.conditions):
            pair = (reading.conditions["track"], reading.conditions["track_to"])
            found.setdefault(pair, {})[reading.quantity] = reading
    if not found:
        return []
    delays = [r["azimuth_delay"] for r in found.values() if "azimuth_delay" in r]
    factor, unit = unit_scale("s", [r.mean for r in delays])
    heads = ["Tracks"]
    heads += [f"Delay ({unit})", "Phase at 10\u202fkHz (°)"] if delays else []
    balanced = any("channel_balance" in r for r in found.values())
    heads += ["Balance (dB)"] if balanced else []
    rows: list[list[Cell]] = []
    for (low, high), of_pair in sorted(found.items(), key=lambda item: str(item[0])):
        row: list[Cell] = [f"{plain(low)} and {plain(high)}"]
        if delays:
            delay = of_pair.get("azimuth_delay")
            row += [cell(delay, factor), _phase(delay)]
        row += [cell(of_pair.get("channel_balance"))] if balanced else []
        rows.append(row)
    caption = "The higher track against the lower: late, and loud, where positive"
    return [Table(caption, heads, rows, frozenset(range(1, len(heads))))]


def _course(setup: Setup) -> Plot | None:
    """How the delay of every pair runs over the take, less its mean: what a slack guide or a stretched tape does."""
    curves = setup.measurements.find_curves("azimuth_delay")
    first: dict[str, Trace] = {}
    for curve in curves:
        name = describe({k: v for k, v in curve.conditions.items() if k in ("track", "track_to")}).removeprefix("tracks ")
        x, y = curve.x.array, 1e6 * curve.y.array
        if curve.uncertainty is not None and y.size:  # what is nearly silent says nothing
            known = np.array(curve.uncertainty) <= _MOST_UNSURE * float(np.median(curve.uncertainty))
            x, y = x[known], y[known]
        first.setdefault(name, Trace(name, x, y - float(np.mean(y)) if y.size else y))
    if not first:
        return None
    caption = "Delay between tracks over the first pass, less its mean; where little was played it is left out."
    return Plot("azimuth_course", overlay({"": list(first.values())}, "time", Ordinate("Delay (µs)"), 52.0), caption)


def _phase(delay: Reading | None) -> Cell:
    turn = 360.0 * _PHASE_HZ
    return None if delay is None else bare(turn * delay.mean, None if delay.doubt is None else turn * delay.doubt)


def _spots(readings: Sequence[Reading]) -> Table | None:
    """Crosstalk of every pair at every frequency, where there are several."""
    valid = [r for r in readings if r.values and {"from", "to"} <= set(r.conditions)]
    tones = distinct(valid, "frequency_hz")
    if len(tones) < 2:
        return None
    tones = tones[:: -(-len(tones) // _MOST_COLUMNS)]
    rows: list[list[Cell]] = []
    for low, high in sorted({_pair(r) for r in valid}, key=str):
        at = {r.conditions.get("frequency_hz"): r for r in valid if _pair(r) == (low, high)}
        rows.append([f"{plain(low)} into {plain(high)}", *(_bare(at.get(tone)) for tone in tones)])
    doubts = [r.doubt for r in valid if r.doubt]
    caption = "Crosstalk in dB" + (f"; uncertain by up to {max(doubts):.2g}\u202fdB (95\u202f%)" if doubts else "")
    heads = ["Tracks", *(condition_text("frequency_hz", tone) for tone in tones)]
    return Table(caption, heads, rows, frozenset(range(1, len(heads))))


def _doubt(readings: Sequence[Reading]) -> str:
    return passes_phrase(readings).split("; spread")[0]


def _bare(reading: Reading | None) -> Cell:
    return None if reading is None else bare(reading.mean, max(reading.doubt or 0.1, 0.1))


def _panels(curves: Sequence[PooledCurve], readings: Sequence[Reading]) -> Mapping[str, Sequence[Trace]]:
    """A panel for every track that was sent to, with a line for every track that it was heard on."""
    traces: dict[_Pair, Trace] = {}
    for pair in {_pair(r) for r in readings if r.values and "from" in r.conditions}:
        points = sorted(
            (float(r.conditions["frequency_hz"]), r.mean)
            for r in readings
            if r.values and _pair(r) == pair and isinstance(r.conditions.get("frequency_hz"), int | float)
        )
        if len(points) > 2:
            x, y = zip(*points, strict=True)
            traces[pair] = Trace.of(_into(pair[1]), x, y)
    for curve in curves:
        traces[_pair(curve)] = Trace(_into(curve.conditions.get("to", "")), curve.x, curve.y, curve.low, curve.high)
    sources = _sorted(a for a, _ in traces)
    return {f"From track {plain(a)}": [traces[pair] for pair in sorted(traces, key=str) if pair[0] == a] for a in sources}


def _pair(item: Reading | PooledCurve) -> _Pair:
    return item.conditions.get("from", ""), item.conditions.get("to", "")


def _which(reading: Reading) -> str:
    return f"from track {plain(reading.conditions.get('from', '?'))} into track {plain(reading.conditions.get('to', '?'))}"


def _into(track: Condition) -> str:
    return f"into {plain(track)}"


def _sorted(tracks: Iterable[Condition]) -> list[Condition]:
    return sorted(set(tracks), key=lambda t: (isinstance(t, str), t))
