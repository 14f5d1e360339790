"""The differences as a table on paper, and in full for programs."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from reports.comparison.comparable import LEVEL, RESPONSE
from reports.comparison.differences import VERDICTS, Comparison, Difference
from reports.comparison.words import OF_THE_TONE, not_compared
from reports.numbers import bare, number, unit_scale
from reports.pages import Cell, Page, Table
from reports.readings import Reading
from reports.subjects.over_frequency import TWO_TONES
from reports.subjects.response import SMALL_SIGNAL_DB
from reports.subjects.steadiness import COUNTED_DB
from reports.wording import NAMES, ORDER, describe, plain_number, quantity_name

LADDERS: Mapping[str, float] = {
    **dict.fromkeys(("thd", "thd_n", *(f"harmonic_{n}" for n in range(2, 6)), "modulation_noise", *TWO_TONES), 0.0),
    **dict.fromkeys((RESPONSE, LEVEL, "bandwidth_low", "bandwidth_high", "response_ripple"), SMALL_SIGNAL_DB),
}
MARKS = {"changed": "● changed", "same": "same", "open": "doubt not known"}
TITLE = "Differences"
NOT_TITLE = "Not compared"


def differences_page(comparison: Comparison, names: tuple[str, str], key: str) -> Page:
    """The differences in the order of the report; of ladders only the rung that is asked for first, of the others the number."""
    shown = [d for d in comparison.differences if _on_paper(d, comparison.differences)]
    left = [d for d in comparison.differences if d not in shown]
    shown.sort(key=_rank)
    setup = _shared(comparison.differences)
    caption = (
        f"{names[1]} less {names[0]}; same: within doubt; ± is the 95\u202f% uncertainty of the difference: the larger of that"
        " stated with the figures and of that from the spread over the passes (Student's t); of wow and flutter of a single pass"
        " with how far many passes may lie from one"
    )
    if left:
        changed = sum(d.verdict == "changed" for d in left)
        caption += (
            ". Distortion is printed at the level nearest to 0\u202fdB, the response at the one nearest to −20\u202fdB; of the"
            f" other {len(left)} figures {changed} have changed, and --json gives them all"
        )
    heads = ["", "", "", names[0], names[1], "Difference", "Verdict"]
    rows = [_row(d, setup) for d in shown]
    table = Table(caption, heads, _named_once(rows), frozenset({3, 4, 5}))
    return Page(f"{TITLE}, {names[1]} against {names[0]}", "", key, [table] if rows else [])


def not_compared_page(comparison: Comparison, names: tuple[str, str]) -> Page | None:
    """Everything that has no partner, and why."""
    entries = not_compared(comparison)
    if not entries:
        return None
    title = f"{NOT_TITLE}, {names[1]} against {names[0]}"
    return Page(title, "", "", [], missing=[(what, f"{why}.") for what, why in entries], missing_head="What and why")


def as_json(comparison: Comparison) -> Mapping[str, Any]:
    """Every difference, and what could not be compared."""
    return {
        "differences": [
            {
                "quantity": d.quantity,
                "unit": d.unit,
                "conditions": dict(d.conditions),
                "first": _of_session(d.first),
                "second": _of_session(d.second),
                "difference": d.difference,
                "uncertainty": d.doubt,
                "verdict": VERDICTS[d.verdict],
            }
            for d in comparison.differences
        ],
        "not_compared": [
            {"quantity": n.quantity, "conditions": [dict(c) for c in n.conditions], "reason": n.reason}
            for n in comparison.not_compared
        ],
    }


def _of_session(reading: Reading) -> Mapping[str, Any]:
    return {"value": reading.mean, "passes": reading.passes, "uncertainty": reading.uncertainty}


def _on_paper(difference: Difference, others: Sequence[Difference]) -> bool:
    """Whether no rung of its ladder is nearer to the level that is asked for first, nor a shallower dropout the same."""
    if difference.quantity == "dropouts_per_minute" and difference.verdict == "same":
        return difference.conditions.get("depth_db", COUNTED_DB) == COUNTED_DB
    level = difference.conditions.get("level_db")
    if difference.quantity not in LADDERS or not isinstance(level, int | float):
        return True
    if difference.quantity in (RESPONSE, LEVEL) and "path" in difference.conditions:
        return False
    wanted = LADDERS[difference.quantity]
    rest = {k: v for k, v in difference.conditions.items() if k != "level_db"}
    rungs = [
        abs(float(v) - wanted)
        for d in others
        if d.quantity == difference.quantity
        and isinstance(v := d.conditions.get("level_db"), int | float)
        and {k: w for k, w in d.conditions.items() if k != "level_db"} == rest
    ]
    return abs(level - wanted) <= min(rungs)


def _rank(difference: Difference) -> tuple[object, ...]:
    """The tape before the electronics, quantities in the order of their names, then by condition."""
    where = difference.conditions
    order = list(NAMES)
    place = order.index(difference.quantity) if difference.quantity in order else len(order)
    numbers = [float(v) if isinstance(v := where.get(k), int | float) else math.inf for k in ORDER]
    return ("path" in where, place, difference.quantity, str(where.get("dbx", "")), numbers)


def _shared(differences: Sequence[Difference]) -> set[str]:
    """Conditions of the set-up that are the same everywhere and need no words."""
    return {k for k in ("speed_cm_s", "dbx") if len({d.conditions.get(k) for d in differences}) == 1}


def _row(difference: Difference, leave_out: set[str]) -> list[Cell]:
    factor, unit = unit_scale(difference.unit, [difference.first.mean, difference.second.mean])
    doubt = difference.doubt
    cells: list[Cell] = []
    for reading in (difference.first, difference.second):
        own = reading.doubt or min(doubt or math.inf, abs(reading.mean) / 20.0) or doubt
        cells.append(bare(factor * reading.mean, factor * own if own else None))
    if difference.unit == "1" and not doubt:
        cells = [plain_number(r.mean) for r in (difference.first, difference.second)]
        cells.append(plain_number(difference.difference))
    else:
        cells.append(number(factor * difference.difference, factor * doubt if doubt else None))
    tone = OF_THE_TONE.get(difference.quantity, ())
    where = describe(difference.conditions, {*leave_out, *tone}).replace("electronics alone", "electronics")
    shown_unit = "" if unit == "1" else unit
    return [quantity_name(difference.quantity), where, shown_unit, *cells, MARKS[difference.verdict]]


def _named_once(rows: Sequence[list[Cell]]) -> list[list[Cell]]:
    """Rows of one quantity, with its name on the first only."""
    again = [i > 0 and row[0] == rows[i - 1][0] for i, row in enumerate(rows)]
    return [["", *row[1:]] if repeated else row for repeated, row in zip(again, rows, strict=True)]
