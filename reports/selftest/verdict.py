"""The truth table of a run, and one line for everything in it that is not as it should be."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from reports.selftest.cases import MEANING, Case
from reports.selftest.goals import COVERAGE, Goal, goal_of
from reports.selftest.joining import Fate, Unmet
from reports.selftest.running import Outcome
from reports.selftest.statistics import Reading, Row, row
from reports.wording import describe


@dataclass(frozen=True)
class Line:
    """A row of the table, with the figures that could not be compared.

    Attributes
    ----------
    outside : bool
        Whether it holds what is outside the range of the goal.
    row : Row or None
        None where not one figure could be compared.
    unmet : mapping
        How many figures were ``invalid`` or ``missing`` though there is a truth, or ``unfounded``: valid though there is none.
    """

    case: str
    quantity: str
    outside: bool
    row: Row | None
    unmet: Mapping[Fate, int]


@dataclass(frozen=True)
class Verdict:
    """What a run found.

    Attributes
    ----------
    lines : sequence of Line
        The table.
    failures : sequence of str
        What is not as it should be; empty when all is well.
    untold : sequence of str
        Quantities measured of which the virtual deck knows no truth.
    """

    lines: Sequence[Line]
    failures: Sequence[str]
    untold: Sequence[str]


def judge(outcomes: Sequence[Outcome], failed: Sequence[tuple[Case, str]] = (), only: str | None = None) -> Verdict:
    """Work out the table of everything that was measured, or of one quantity `only`."""
    lines = [line for kind in MEANING for line in _lines(kind, [o for o in outcomes if o.case.kind == kind], only)]
    failures = [f"{case.name} could not be measured: {why}" for case, why in failed]
    failures += [text for line in lines for text in _failures(line)]
    told = {pair.quantity for o in outcomes for pair in o.joined.pairs}
    told |= {lost.quantity for o in outcomes for lost in o.joined.unmet}
    untold = {quantity for o in outcomes for quantity in o.joined.untold} - told
    return Verdict(lines, failures, sorted(untold) if only is None else [])


def _lines(kind: str, outcomes: Sequence[Outcome], only: str | None) -> Iterable[Line]:
    readings: dict[str, list[Reading]] = defaultdict(list)
    unmet: dict[str, list[Unmet]] = defaultdict(list)
    for outcome in outcomes:
        for pair in outcome.joined.pairs:
            readings[pair.quantity].append((outcome.case.seed, pair))
        for lost in outcome.joined.unmet:
            unmet[lost.quantity].append(lost)
    for quantity in sorted({*readings, *unmet}):
        if only in (None, quantity):
            goal = goal_of(quantity, kind)
            for outside in (False,) if goal is None else (False, True):
                found = row(kind, quantity, goal, readings[quantity], outside=outside)
                counted = Counter(lost.fate for lost in unmet[quantity] if goal is None or goal.wants(lost) != outside)
                if found is not None or counted:
                    yield Line(kind, quantity, outside, found, counted)


def _failures(line: Line) -> Iterable[str]:
    name = f"{line.quantity} ({line.case})"
    found = line.row
    if found is None:
        lost = line.unmet.get("invalid", 0) + line.unmet.get("missing", 0)
        if lost and not line.outside and goal_of(line.quantity, line.case) is not None:
            yield f"{name}: none of {lost} figures that have a truth was had"
        return
    if found.reached is False and found.goal is not None:
        below, worst = (quantity_in_words(v, found.unit) for v in (found.percentile, found.worst))
        yield (
            f"{name}: 95 % of the errors stay below {below}, the goal is {goal_in_words(found.goal, found.unit)};"
            f" the worst, {worst}, on deck {found.where.deck}{_at(found)}"
        )
    if found.honesty not in (None, "honest") and found.coverage is not None:
        where = " outside the range of the goal" if found.outside else ""
        inside, low, high = (f"{100.0 * part:.0f}" for part in (found.coverage, *COVERAGE))
        yield (
            f"{name}{where}: the stated uncertainty is {found.honesty}, the truth lies within it in {inside} % of"
            f" {found.readings} readings ({found.independent} independent); {low} to {high} % is right"
        )


def _at(found: Row) -> str:
    place = describe(found.where.conditions, leave_out=("speed_cm_s", "dbx"))
    x = "" if found.where.x is None else f", at {found.where.x:.6g}"
    return f" ({place}{x})"


def quantity_in_words(value: float, unit: str) -> str:
    """A value with its unit, three figures; times in microseconds."""
    return f"{figure(value, unit)} {shown_unit(unit)}".rstrip()


def figure(value: float, unit: str) -> str:
    """A value without its unit, three figures; times in microseconds."""
    return f"{value * (1e6 if unit == 's' else 1.0):.3g}"


def shown_unit(unit: str) -> str:
    """The unit that errors are printed in."""
    return {"s": "us", "1": ""}.get(unit, unit)


def goal_in_words(goal: Goal, unit: str) -> str:
    """A goal, such as ``2 % of value or 0.0005 %``."""
    parts = [] if goal.percent is None else [f"{goal.percent:g} % of value"]
    if goal.limit is not None:
        parts.append(quantity_in_words(goal.limit, unit))
    return " or ".join(parts)


def range_in_words(goal: Goal | None, outside: bool) -> str:
    """Where a goal holds, or the rest."""
    if goal is None or (goal.least is None and goal.x is None):
        return ""
    text = (
        f"from {goal.least:g}{' of 0 dB' if goal.of_reference else ''}"
        if goal.x is None
        else f"{goal.x[0]:g} to {goal.x[1]:g} Hz"
    )
    return f"not {text}" if outside else text
