"""The electronics alone, as heard while the tape was recorded, beside the tape: what the mixer does, and what the tape does."""

from collections.abc import Mapping, Sequence

from reports.figures import Trace, response
from reports.limits import interface_remark
from reports.numbers import bare, in_words, unit_scale
from reports.pages import Cell, Page, Plot, Table, cell, column_head, conditions_line, methods
from reports.readings import PooledCurve, Reading, Setup, distinct, number_or
from reports.subjects import distortion
from reports.subjects.response import SMALL_SIGNAL_DB, level_at_1khz
from reports.wording import capital, condition_text, describe, listing, quantity_name, sentence
from sessions.results import Condition

_ROWS = ("response_ripple", "thd", "thd_n", "noise_a", "noise_ccir_rms", "polarity")
QUANTITIES = ("latency", "interface_latency", "frequency_response", *_ROWS)
_HEIGHT_MM = {1: 84.0, 2: 112.0}  # so that the table stands on the same page
_REMARK = (
    "While a deck with one head records, the output of an armed track carries its input: that return has been through mixer and"
    " interface, but not through the tape. What differs between the columns is what the tape adds."
)


def page(setup: Setup) -> Page | None:
    """Response of both overlaid per track, and the same figures of both side by side; None without such a return."""
    alone = setup.electronics
    if alone is None:
        return None
    blocks: list[Plot | Table] = []
    panels = _panels(setup, alone)
    if panels:
        caption = (
            "Returned over sent, relative to 1\u202fkHz, at the level nearest to −20\u202fdB: the electronics alone, and tape and "
            "electronics together."
        )
        figure = response(panels, "Response re 1 kHz (dB)", _HEIGHT_MM.get(len(panels)), legend_title="")
        blocks.append(Plot("electronics_response", figure, caption))
    table = _table(setup, alone)
    if table:
        blocks.append(table)
    lost = [r for r in alone.readings("latency") if not r.values]
    limited = interface_remark(r for quantity in _ROWS for r in _at_reference(alone, quantity))
    return Page(
        title="Electronics alone",
        lead=lead(alone),
        conditions=conditions_line(alone, QUANTITIES),
        blocks=blocks,
        missing=[(capital(describe(where, ("path",))), sentence(why)) for r in lost for where, why in r.notes],
        methods=methods(alone, QUANTITIES),
        remark=" ".join(filter(None, [_REMARK if blocks else "", limited])),
    )


def lead(alone: Setup) -> str:
    """Latency, distortion and noise of the first track, in a sentence."""
    parts = []
    for latency in _at_reference(alone, "latency")[:1]:
        doubt = latency.doubt or 0.0
        late = in_words(latency.mean, latency.unit, doubt)
        late = late if abs(latency.mean) > doubt else f"less than {in_words(doubt, latency.unit)}"
        parts.append(f"{late} late (interface {_interface(alone)})")
    for quantity, words in (("thd", "with {} THD at the reference level"), ("noise_a", "with A-weighted noise of {}")):
        parts += [words.format(in_words(r.mean, r.unit, r.doubt)) for r in _at_reference(alone, quantity)[:1]]
    return f"Without the tape the signal returns {listing(parts)}." if parts else ""


def _interface(alone: Setup) -> str:
    """Whether the interface's own latency is still in the latency."""
    return "taken off" if any(r.values for r in alone.readings("interface_latency")) else "included"


def _panels(setup: Setup, alone: Setup) -> Mapping[str, Sequence[Trace]]:
    """A panel per track: the electronics, then the tape."""
    own, tape = _small_signal(alone), _small_signal(setup)
    names = {track: "" if track is None or len(own) == 1 else column_head(track) for track in own}
    both = (("electronics alone", own), ("tape and electronics", tape))
    return {names[track]: [_trace(curves[track], label) for label, curves in both if track in curves] for track in own}


def _small_signal(setup: Setup) -> dict[Condition | None, PooledCurve]:
    """Response of each track at the level nearest to −20 dB, where it reaches 1 kHz."""
    curves = [c for c in setup.curves("frequency_response") if level_at_1khz(c) is not None]
    found = {}
    for track in distinct(curves, "track") or [None]:
        own = [c for c in curves if c.conditions.get("track") == track]
        if own:
            found[track] = min(
                own, key=lambda c: abs(number_or(c.conditions.get("level_db"), SMALL_SIGNAL_DB) - SMALL_SIGNAL_DB)
            )
    return found


def _trace(curve: PooledCurve, label: str) -> Trace:
    shift = level_at_1khz(curve) or 0.0
    low, high = (None if v is None else v - shift for v in (curve.low, curve.high))
    return Trace(label, curve.x, curve.y - shift, low, high)


def _table(setup: Setup, alone: Setup) -> Table | None:
    """A row per figure and track: the electronics, and tape and electronics together."""
    own, tape = _small_signal(alone), _small_signal(setup)
    rows: list[list[Cell]] = []
    for reading in alone.readings("latency"):
        if reading.values:
            factor, unit = unit_scale(reading.unit, [reading.mean])
            rows.append([f"Latency, interface {_interface(alone)}", unit, _track(reading), cell(reading, factor), ""])
    for track, curve in own.items():
        other = level_at_1khz(tape[track]) if track in tape else None
        levels = [None if level is None else bare(level, 0.05) for level in (level_at_1khz(curve), other)]
        rows.append(["Level at 1\u202fkHz", "dB", "" if track is None else str(track), *levels])
    for quantity in _ROWS:
        of_tape = {r.conditions.get("track"): r for r in _at_reference(setup, quantity)}
        for reading in _at_reference(alone, quantity):
            beside = of_tape.get(reading.conditions.get("track"))
            same = beside is not None and _tone(beside) == _tone(reading)
            unit = "" if reading.unit == "1" else reading.unit
            rows.append([_name(quantity, reading), unit, _track(reading), cell(reading), cell(beside) if same else ""])
    heads = ["", "", "Track", "Electronics alone", "Tape and electronics"]
    caption = "± is the 95\u202f% uncertainty of one reading, or half the spread over the passes where that is larger"
    return Table(caption, heads, _named_once(rows), frozenset({3, 4})) if rows else None


def _named_once(rows: Sequence[list[Cell]]) -> list[list[Cell]]:
    """Rows of one figure for several tracks, with its name on the first only."""
    again = [i > 0 and row[:2] == rows[i - 1][:2] for i, row in enumerate(rows)]
    return [["", "", *row[2:]] if repeated else row for repeated, row in zip(again, rows, strict=True)]


def _at_reference(setup: Setup, quantity: str) -> list[Reading]:
    """Valid readings of a quantity, one a track: the one nearest to the reference level and to 315 Hz."""
    found = [r for r in setup.readings(quantity) if r.values]
    tone = distortion.ladder_frequency(found)
    found = [r for r in found if r.conditions.get("frequency_hz", tone) == tone]
    wanted_db = SMALL_SIGNAL_DB if quantity == "response_ripple" else 0.0
    best: dict[Condition | None, Reading] = {}
    for reading in sorted(found, key=lambda r: abs(number_or(r.conditions.get("level_db"), wanted_db) - wanted_db)):
        best.setdefault(reading.conditions.get("track"), reading)
    return [best[track] for track in distinct(best.values(), "track") or best]


def _tone(reading: Reading) -> tuple[Condition | None, Condition | None]:
    return reading.conditions.get("frequency_hz"), reading.conditions.get("level_db")


def _name(quantity: str, reading: Reading) -> str:
    parts = [
        condition_text(key, reading.conditions[key]) for key in ("frequency_hz", "level_db") if key in reading.conditions
    ]
    return ", ".join([quantity_name(quantity), *parts])


def _track(reading: Reading) -> str:
    track = reading.conditions.get("track")
    return "" if track is None else str(track)
