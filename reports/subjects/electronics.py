"""The electronics alone, as heard while the tape was recorded, beside the tape: what the mixer does, and what the tape does."""

from collections.abc import Mapping, Sequence

from reports.figures import Trace, response
from reports.numbers import bare, in_words, unit_scale
from reports.pages import Cell, Page, Plot, Table, cell, column_head, conditions_line, methods
from reports.readings import PooledCurve, Reading, Setup, distinct
from reports.subjects import distortion
from reports.subjects.response import SMALL_SIGNAL_DB, level_at_1khz
from reports.wording import capital, condition_text, describe, quantity_name, sentence
from sessions.results import Condition

QUANTITIES = ("latency", "interface_latency", "polarity", "response_ripple", "thd", "thd_n", "noise_a", "frequency_response")
_ROWS = ("thd", "thd_n", "noise_a", "noise_ccir_rms", "response_ripple")
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
        blocks.append(Plot("electronics_response", response(panels, "Response re 1 kHz (dB)", legend_title=""), caption))
    table = _table(setup, alone)
    if table:
        blocks.append(table)
    silent = [r for r in alone.readings("latency") if not r.values]
    return Page(
        title="Electronics alone",
        lead=lead(alone),
        conditions=conditions_line(alone, QUANTITIES),
        blocks=blocks,
        missing=[(capital(describe(where)), sentence(why)) for r in silent for where, why in r.notes],
        methods=methods(alone, QUANTITIES),
        remark=_REMARK,
    )


def lead(alone: Setup) -> str:
    """Latency, distortion and noise of the first track, in a sentence."""
    found = {q: _at_reference(alone, q) for q in ("latency", "thd", "noise_a")}
    words = {q: in_words(*_scaled(rs[0])) for q, rs in found.items() if rs}
    parts = [f"{words['latency']} late"] if "latency" in words else []
    parts += [f"with {words['thd']} THD at the reference level"] if "thd" in words else []
    parts += [f"with A-weighted noise of {words['noise_a']}"] if "noise_a" in words else []
    if not parts:
        return ""
    return (
        "Without the tape the signal returns "
        + " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
        + "."
    )


def _scaled(reading: Reading) -> tuple[float, str, float | None]:
    factor, unit = unit_scale(reading.unit, [reading.mean])
    return reading.mean * factor, unit, None if reading.doubt is None else reading.doubt * factor


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
                own, key=lambda c: abs(float(c.conditions.get("level_db", SMALL_SIGNAL_DB)) - SMALL_SIGNAL_DB)
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
    taken_off = any(r.values for r in alone.readings("interface_latency"))
    for reading in alone.readings("latency"):
        if reading.values:
            factor, unit = unit_scale(reading.unit, [reading.mean])
            name = f"Latency, interface {'taken off' if taken_off else 'included'}"
            rows.append([name, unit, _track(reading), cell(reading, factor), ""])
    for track, curve in own.items():
        other = level_at_1khz(tape[track]) if track in tape else None
        levels = [None if level is None else bare(level, 0.05) for level in (level_at_1khz(curve), other)]
        rows.append(["Level at 1\u202fkHz", "dB", "" if track is None else str(track), *levels])
    for quantity in _ROWS:
        of_tape = {r.conditions.get("track"): r for r in _at_reference(setup, quantity)}
        for reading in _at_reference(alone, quantity):
            beside = of_tape.get(reading.conditions.get("track"))
            same = beside is not None and _tone(beside) == _tone(reading)
            unit = unit_scale(reading.unit, [reading.mean])[1]
            rows.append([_name(quantity, reading), unit, _track(reading), cell(reading), cell(beside) if same else ""])
    heads = ["", "", "Track", "Electronics alone", "Tape and electronics"]
    caption = "± is the 95\u202f% uncertainty of one reading, or half the spread over the passes where that is larger"
    return Table(caption, heads, rows, frozenset({3, 4})) if rows else None


def _at_reference(setup: Setup, quantity: str) -> list[Reading]:
    """Valid readings of a quantity, one a track: the one nearest to the reference level and to 315 Hz."""
    found = [r for r in setup.readings(quantity) if r.values]
    tone = distortion.ladder_frequency(found)
    found = [r for r in found if r.conditions.get("frequency_hz", tone) == tone]
    wanted_db = SMALL_SIGNAL_DB if quantity == "response_ripple" else 0.0
    best: dict[Condition | None, Reading] = {}
    for reading in sorted(found, key=lambda r: abs(float(r.conditions.get("level_db", wanted_db)) - wanted_db)):
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
