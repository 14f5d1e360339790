"""From pairs to the row of a table: bias, RMS, worst and 95th percentile of the error, and how honest the uncertainties are.

Points of a curve are not independent of each other, nor are the readings of one deck. How many independent ones they are worth
follows from the errors themselves: with z the error over its uncertainty, sums of z over groups have the variance of so many.

References
----------
J. N. K. Rao, A. J. Scott, JASA 76, 1981: tests on proportions from clustered readings, by their effective number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import binom

from reports.selftest.goals import COVERAGE, Goal
from reports.selftest.joining import Pair

CHANCE = 0.01
"""A coverage is out of range when chance would bring it about less often than this."""

PERCENTILE = 95.0
ROUNDING = 1e-12  # an error below is none: what a curve is stated against has an uncertainty of 0
FARTHEST = 1e3  # times its uncertainty is an error taken to be, at most: one of 0 may be stated

Honesty = Literal["honest", "too small", "too large"]
Reading = tuple[int, Pair]
"""A pair and the seed of its deck."""


@dataclass(frozen=True)
class Worst:
    """Where the largest error was met; `x` is the place on a curve."""

    deck: int
    conditions: dict[str, str | int | float]
    x: float | None


@dataclass(frozen=True)
class Row:
    """What became of one quantity in one case and range.

    Attributes
    ----------
    case, quantity : str
    outside : bool
        Whether these are the readings outside the range of the goal.
    unit : str
        Of the errors; ``%`` of the value where the goal is relative.
    readings : int
        Figures, or points of curves.
    bias, rms, worst, percentile : float
        Of the error, signed for the first; the last is the 95th percentile of its magnitude.
    goal : Goal or None
    over_goal : float or None
        95th percentile of the error over what the goal allows: 1 or less is good.
    coverage : float or None
        Part of the readings with an uncertainty in which the truth lies within it.
    independent : int
        How many independent readings that part is worth.
    honesty : str or None
        Whether the coverage is in range, as far as chance allows.
    """

    case: str
    quantity: str
    outside: bool
    unit: str
    readings: int
    bias: float
    rms: float
    worst: float
    percentile: float
    goal: Goal | None
    over_goal: float | None
    coverage: float | None
    independent: int
    honesty: Honesty | None
    where: Worst

    @property
    def reached(self) -> bool | None:
        """Whether the goal was reached; None without one."""
        return None if self.over_goal is None else self.over_goal <= 1.0


def row(case: str, quantity: str, goal: Goal | None, readings: Sequence[Reading], *, outside: bool = False) -> Row | None:
    """Statistics of a quantity, over all points at which the goal holds, or (`outside`) does not; None where there are none."""
    inside = [
        np.ones(p.true.size, dtype=bool) if goal is None else (goal.holds(p) != outside) & goal.counts(p)
        for _, p in readings
    ]
    kept = [(deck, pair, use) for (deck, pair), use in zip(readings, inside, strict=True) if use.any()]
    if not kept:
        return None
    relative = goal is not None and goal.relative and not outside
    plain = [(pair.found - pair.true)[use] for _, pair, use in kept]
    errors = [100.0 * e / np.abs(pair.true[use]) if relative else e for e, (_, pair, use) in zip(plain, kept, strict=True)]
    error = np.concatenate(errors)
    over_goal = None
    if goal is not None and not outside:
        shares = [np.abs(e) / goal.allowed(pair.true[use]) for e, (_, pair, use) in zip(plain, kept, strict=True)]
        over_goal = float(np.percentile(np.concatenate(shares), PERCENTILE))
    coverage, independent = _coverage(plain, kept)
    first = kept[0][1]
    return Row(
        case=case,
        quantity=quantity,
        outside=outside,
        unit="%" if relative else first.unit,
        readings=error.size,
        bias=float(np.mean(error)),
        rms=float(np.sqrt(np.mean(error**2))),
        worst=float(np.max(np.abs(error))),
        percentile=float(np.percentile(np.abs(error), PERCENTILE)),
        goal=None if outside else goal,
        over_goal=over_goal,
        coverage=coverage,
        independent=independent,
        honesty=None if coverage is None else honesty(coverage, independent),
        where=_worst(errors, kept),
    )


def honesty(coverage: float, independent: int) -> Honesty:
    """Whether a coverage is in range, or out of it by more than chance allows (binomial, one-sided)."""
    hits = round(coverage * independent)
    if coverage < COVERAGE[0] and binom.cdf(hits, independent, COVERAGE[0]) < CHANCE:
        return "too small"
    if coverage > COVERAGE[1] and binom.sf(hits - 1, independent, COVERAGE[1]) < CHANCE:
        return "too large"
    return "honest"


def _coverage(plain: list[np.ndarray], kept: list[tuple[int, Pair, np.ndarray]]) -> tuple[float | None, int]:
    """Part of the readings with the truth within the uncertainty, and how many independent readings it is worth."""
    groups: dict[object, list[np.ndarray]] = {}
    hits = count = 0
    for number, (off, (deck, pair, use)) in enumerate(zip(plain, kept, strict=True)):
        doubt = pair.uncertainty[use]
        stated = np.isfinite(doubt)
        error = np.where(np.abs(off) <= ROUNDING, 0.0, off)
        hits += int(np.sum(np.abs(error[stated]) <= doubt[stated]))
        count += int(stated.sum())
        scaled = np.clip(error[stated] / np.maximum(doubt[stated], np.finfo(float).tiny), -FARTHEST, FARTHEST)
        groups.setdefault(("curve", number) if pair.is_curve else deck, []).append(scaled)
    if not count:
        return None, 0
    z = [np.concatenate(group) for group in groups.values()]
    total = sum(float(np.sum(part**2)) for part in z)
    design = sum(float(np.sum(part)) ** 2 for part in z) / total if total > 0.0 else 1.0
    return hits / count, max(1, int(count / max(1.0, design)))


def _worst(errors: list[np.ndarray], kept: list[tuple[int, Pair, np.ndarray]]) -> Worst:
    i = max(range(len(errors)), key=lambda k: float(np.max(np.abs(errors[k]))))
    deck, pair, use = kept[i]
    x = float(pair.x[use][int(np.argmax(np.abs(errors[i])))])
    return Worst(deck, dict(pair.conditions), x if pair.is_curve else None)
