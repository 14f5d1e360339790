"""The truth table in print: its cells, and all of it for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from reports.selftest.cases import Case
from reports.selftest.goals import goal_of
from reports.selftest.running import Outcome
from reports.selftest.statistics import Row
from reports.selftest.verdict import Line, Verdict, figure, goal_in_words, range_in_words, shown_unit
from sessions.manifest import now, tool_version

HEADINGS = (
    "case", "quantity", "range", "unit", "n", "bias", "RMS", "worst", "95 % below", "goal", "coverage",
    "invalid", "missing", "unfounded",
)  # fmt: skip


def cells(line: Line) -> list[str]:
    """A row of the table."""
    found, goal = line.row, goal_of(line.quantity, line.case)
    where = range_in_words(goal, line.outside)
    counts = [str(line.unmet.get(what, 0) or "") for what in ("invalid", "missing", "unfounded")]
    if found is None:
        return [line.case, line.quantity, where, "", "0", *[""] * 6, *counts]
    numbers = [figure(v, found.unit) for v in (found.bias, found.rms, found.worst, found.percentile)]
    held = "" if found.goal is None else goal_in_words(found.goal, found.unit)
    if found.reached is False:
        held += " MISSED"
    head = [line.case, line.quantity, where, shown_unit(found.unit), str(found.readings)]
    return [*head, *numbers, held, _coverage(found), *counts]


def _coverage(found: Row) -> str:
    if found.coverage is None:
        return ""
    mark = "" if found.honesty == "honest" else f" {str(found.honesty).upper()}"
    return f"{100.0 * found.coverage:.0f} % of {found.independent}{mark}"


def as_json(
    verdict: Verdict, outcomes: Sequence[Outcome], failed: Sequence[tuple[Case, str]], planned: int
) -> dict[str, Any]:
    """The table for programs, with every single figure and the summary of every curve."""
    return {
        "schema_version": 1,
        "tool_version": tool_version(),
        "created": now(),
        "complete": len(outcomes) + len(failed) == planned,
        "cases": [
            *({**asdict(o.case), "seconds": round(o.seconds, 1), "error": None} for o in outcomes),
            *({**asdict(case), "seconds": None, "error": why} for case, why in failed),
        ],
        "rows": [_row(line) for line in verdict.lines],
        "failures": list(verdict.failures),
        "without_truth": list(verdict.untold),
        "readings": [reading for outcome in outcomes for reading in _readings(outcome)],
    }


def _row(line: Line) -> dict[str, Any]:
    stated = {} if line.row is None else {**asdict(line.row), "reached": line.row.reached}
    return {"case": line.case, "quantity": line.quantity, "outside": line.outside, **stated, "unmet": dict(line.unmet)}


def _readings(outcome: Outcome) -> Iterator[dict[str, Any]]:
    for pair in outcome.joined.pairs:
        error = pair.found - pair.true
        head = {"case": outcome.case.kind, "deck": outcome.case.seed, "quantity": pair.quantity, "unit": pair.unit}
        if not pair.is_curve:
            doubt = float(pair.uncertainty[0])
            yield {
                **head,
                "conditions": dict(pair.conditions),
                "true": float(pair.true[0]),
                "found": float(pair.found[0]),
                "uncertainty": doubt if np.isfinite(doubt) else None,
            }
            continue
        worst = int(np.argmax(np.abs(error)))
        yield {
            **head,
            "conditions": dict(pair.conditions),
            "points": error.size,
            "bias": float(np.mean(error)),
            "rms": float(np.sqrt(np.mean(error**2))),
            "worst": float(error[worst]),
            "worst_at": float(pair.x[worst]),
        }


def command_of(seed: int, decks: int, *, quick: bool, passes: int, dbx: bool) -> str:
    """The command that makes a run again."""
    more = ("" if quick else " --full") + ("" if passes == 1 else f" --passes {passes}") + ("" if dbx else " --no-dbx")
    return f"tape selftest --decks {decks} --seed {seed}{more}"
