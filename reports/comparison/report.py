"""The comparison as PDF and as data, from results alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reports.comparison.differences import compare
from reports.comparison.figures import Member, beside, pages
from reports.comparison.tables import as_json, differences_page, not_compared_page
from reports.comparison.words import Told, tell
from reports.numbers import NARROW_SPACE
from reports.pages import OWN_TAPE
from reports.readings import DBX_ORDER
from reports.report import printed_page
from reports.typesetting import COMPARISON, typeset
from reports.wording import condition_text, listing, long_date, plain, plain_number, shortened
from sessions.results import Curve, Result

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_SESSIONS = 6  # as many as there are colours
_MOST_LOST = 6


@dataclass(frozen=True)
class ComparisonReport:
    """A comparison as bytes and as data; the caller writes it.

    Attributes
    ----------
    pdf : bytes
        The report.
    data : mapping
        Sessions, their conditions, and all differences.
    """

    pdf: bytes
    data: Mapping[str, Any]


def build_comparison(members: Sequence[Member]) -> ComparisonReport:
    """Compare every session with the first.

    Parameters
    ----------
    members : sequence of Member
        Two to six sessions.

    Returns
    -------
    ComparisonReport
        The same for the same input.

    Raises
    ------
    TapeError
        The compiler refuses the document.
    """
    first, *others = members
    own_tape = any(m.header.own_tape for m in members)
    compared = [
        (other, compare(first.measurements, other.measurements, (first.letter, other.letter), own_tape)) for other in others
    ]
    conditions = _conditions(members)
    figures: dict[str, bytes] = {}
    printed = []
    key = " · ".join(f"{m.letter}: {shortened(m.name, 40)}" for m in members)
    for group in beside(members):
        for page in pages(group, key):
            titled = replace(page, title=page.title + (f", {group.label}" if group.label else ""))
            printed.append(printed_page(titled, group.slug, figures))
    for other, comparison in compared:
        names = (first.letter, other.letter)
        printed.append(printed_page(differences_page(comparison, names, key), "", figures))
        lost = not_compared_page(comparison, names)
        printed += [printed_page(lost, "", figures)] if lost else []
    program = f"tape {first.header.tool_version}".strip()
    told = [_told(other, tell(comparison, (first.letter, other.letter))) for other, comparison in compared]
    document = {
        "title": f"Comparison of {len(members)} sessions",
        "members": [{"letter": m.letter, "name": m.name} for m in members],
        "deck": key,
        "program": program,
        "date": "",
        "running": [shortened(key, 90), "Comparison"],
        "letters": [m.letter for m in members],
        "conditions": conditions,
        "told": told,
        "hidden": OWN_TAPE if own_tape else "",
        "pages": printed,
    }
    data = {
        "sessions": [{"letter": m.letter, "name": m.name, "session": m.measurements.session} for m in members],
        "headlines": [of_one["headline"] for of_one in told],
        "conditions": [{k: row[k] for k in ("what", "values", "differs")} for row in conditions],
        "comparisons": [{"of": o.letter, "against": first.letter, **as_json(c)} for o, c in compared],
    }
    return ComparisonReport(typeset(document, figures, COMPARISON), data)


def _told(other: Member, told: Told) -> Mapping[str, Any]:
    more = len(told.lost) - _MOST_LOST
    return {
        "letter": other.letter,
        "headline": told.headline,
        "changes": told.changes,
        "same": told.same,
        "open": told.open,
        "count": told.count,
        "lost": told.lost[:_MOST_LOST],
        "more": f"{more} more entries stand on the last page." if more > 0 else "",
    }


def _conditions(members: Sequence[Member]) -> list[Mapping[str, Any]]:
    """What the sessions were made with and how, a row each; whether it differs."""
    rows: list[Mapping[str, Any]] = []
    for what, values in (
        ("Deck", [m.header.deck for m in members]),
        ("Tape", [m.header.tape or "not named" for m in members]),
        ("Speed", [_seen(m, "speed_cm_s") or _speed(m) for m in members]),
        ("dbx", [_seen(m, "dbx") or "not stated" for m in members]),
        ("Tracks", [_seen(m, "track") for m in members]),
        ("Play passes", [_seen(m, "pass") or "–" for m in members]),
        ("Reference level", [_reference(m) for m in members]),
        ("Interface", [m.header.interface for m in members]),
        ("Recorded", [long_date(m.header.created) for m in members]),
        ("Measured by", [f"tape {m.measurements.tool_version}".strip() for m in members]),
    ):
        rows.append({"what": what, "values": values, "differs": len(set(values)) > 1})
    return rows


def _seen(member: Member, key: str) -> str:
    """The values that a condition takes in a session, in words."""
    items: list[Result | Curve] = [*member.measurements.results, *member.measurements.curves]
    found = {i.conditions[key] for i in items if key in i.conditions and "path" not in i.conditions}
    order = sorted(found, key=lambda v: (isinstance(v, str), DBX_ORDER.index(str(v)) if v in DBX_ORDER else 0.0, str(v)))
    order = sorted(order, key=lambda v: v) if all(isinstance(v, int | float) for v in order) else order
    if key == "dbx":
        return listing(condition_text(key, v).removeprefix("dbx ") for v in order)
    unit = f"{NARROW_SPACE}cm/s" if key == "speed_cm_s" and order else ""
    return listing(plain(v) for v in order) + unit


def _speed(member: Member) -> str:
    return "" if member.header.speed_cm_s is None else f"{plain_number(member.header.speed_cm_s)}{NARROW_SPACE}cm/s"


def _reference(member: Member) -> str:
    level = member.header.reference_dbfs
    return "" if level is None else f"0{NARROW_SPACE}dB is {plain_number(level)}{NARROW_SPACE}dBFS"
