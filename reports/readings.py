"""Several passes of one measurement made one reading, and sessions with several speeds or dbx positions taken apart."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from reports.wording import condition_text
from sessions.results import ELECTRONICS, Axis, Condition, Conditions, Curve, Measurements, Result

SETUP_KEYS = ("speed_cm_s", "dbx")
DBX_ORDER = ("off", "on", "encode", "decode")
TOGETHER = "passes"
"""Condition of a figure found from several passes together: how many. It carries no ``pass``."""
OVER_PASSES = ("pass", TOGETHER)
LEAST: Mapping[str, float] = dict.fromkeys(
    (
        "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms", "wow_flutter_unweighted_rms", "wow_rms", "flutter_rms",
        "flutter_line", "thd", "thd_n", "imd_smpte", "imd_difference", "dropouts_per_minute", "level_stability",
    ),
    0.0,
)  # fmt: skip
"""What a quantity cannot be less than, where there is such a value."""
T = TypeVar("T")


@dataclass(frozen=True)
class Reading:
    """One quantity under one set of conditions, over all passes.

    Attributes
    ----------
    conditions : mapping
        What all pooled results share.
    values : tuple of float
        The valid values; empty when none is. Where a figure was found from all passes together, that one alone.
    uncertainty : float or None
        95 % uncertainty of one value: root mean square of those stated.
    notes : tuple of (mapping, str)
        Under which conditions nothing was measured, and why.
    remarks : tuple of str
        Notes of valid results.
    passes : int
        Number of passes behind the values.
    singles : tuple of float
        The values of single passes.
    """

    quantity: str
    unit: str
    conditions: Conditions
    values: tuple[float, ...]
    uncertainty: float | None
    notes: tuple[tuple[Conditions, str], ...]
    remarks: tuple[str, ...]
    passes: int = 1
    singles: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        """Mean over the passes."""
        return float(np.mean(self.values))

    @property
    def spread(self) -> tuple[float, float] | None:
        """Lowest and highest value of one pass, or None for a single one."""
        return (min(self.singles), max(self.singles)) if len(self.singles) > 1 else None

    @property
    def doubt(self) -> float | None:
        """What is printed after ±: the uncertainty of one value, or half the spread where that is larger.

        A figure that was found from all passes together states its own.
        """
        if self.uncertainty is None or self.spread is None or len(self.values) == 1:
            return self.uncertainty
        return max(self.uncertainty, (self.spread[1] - self.spread[0]) / 2.0)


@dataclass(frozen=True)
class PooledCurve:
    """A curve's mean over all passes, with its limits.

    Attributes
    ----------
    x, y : ndarray, shape (points,)
        Abscissa and mean.
    low, high : ndarray, shape (points,), or None
        The wider of the spread over the passes and the 95 % uncertainty; None where neither is known.
    passes : int
        Number of curves pooled.
    """

    quantity: str
    conditions: Conditions
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None
    passes: int


@dataclass(frozen=True)
class Setup:
    """The part of a session's measurements made at one speed and one dbx position.

    Attributes
    ----------
    label, slug : str
        What sets it apart, in words and as part of a file name; empty for the only set-up.
    conditions : mapping
        Speed and dbx position, as far as they are known.
    measurements : Measurements
        Those of the tape.
    alone : Measurements or None
        Those of the electronics alone.
    """

    label: str
    slug: str
    conditions: Conditions
    measurements: Measurements
    alone: Measurements | None = None

    @property
    def electronics(self) -> "Setup | None":
        """The electronics alone as a set-up of their own, where they were measured."""
        return None if self.alone is None else Setup(self.label, self.slug, self.conditions, self.alone)

    def readings(self, *quantities: str, over: Iterable[str] = OVER_PASSES) -> list[Reading]:
        """Pooled results of the given quantities, in the order given; the set-up's own conditions count as theirs."""
        found = [r for quantity in quantities for r in self.measurements.find(quantity)]
        complete = [r.model_copy(update={"conditions": {**self.conditions, **r.conditions}}) for r in found]
        return pool(complete, over)

    def curves(self, quantity: str) -> list[PooledCurve]:
        """Pooled curves of a quantity."""
        return pool_curves(self.measurements.find_curves(quantity))

    def items(self, quantities: Iterable[str]) -> list[Result | Curve]:
        """Results and curves of the given quantities, one quantity after the other."""
        found: list[Result | Curve] = []
        for quantity in quantities:
            found += self.measurements.find(quantity)
            found += self.measurements.find_curves(quantity)
        return found

    @property
    def quantities(self) -> list[str]:
        """Every quantity measured, once, results before curves."""
        found = [r.quantity for r in self.measurements.results] + [c.quantity for c in self.measurements.curves]
        return list(dict.fromkeys(found))


def pool(results: Iterable[Result], over: Iterable[str] = OVER_PASSES) -> list[Reading]:
    """Group results that differ only in the conditions `over`, in order of first appearance."""
    pooled = {*over, TOGETHER}
    readings = []
    for group in _grouped(results, lambda r: (r.quantity, r.unit, _key(r.conditions, pooled))):
        valid = [r for r in group if r.value is not None]
        singles = tuple(r.value for r in valid if r.value is not None and TOGETHER not in r.conditions)
        together = [r for r in valid if TOGETHER in r.conditions]
        counted = together[:1] or valid
        stated = [r.uncertainty for r in counted if r.uncertainty is not None]
        readings.append(
            Reading(
                quantity=group[0].quantity,
                unit=group[0].unit,
                conditions=_without(_shared(r.conditions for r in group), (TOGETHER,)),
                values=tuple(r.value for r in counted if r.value is not None),
                uncertainty=float(np.sqrt(np.mean(np.square(stated)))) if stated else None,
                notes=tuple((_without(r.conditions, (*SETUP_KEYS, TOGETHER)), r.note or "") for r in group if not r.valid),
                remarks=tuple(dict.fromkeys(r.note for r in group if r.valid and r.note)),
                passes=max([len(singles), *(int(r.conditions[TOGETHER]) for r in together)]),
                singles=singles,
            )
        )
    return readings


def pool_curves(curves: Iterable[Curve]) -> list[PooledCurve]:
    """Average curves that differ only in the pass, on the grid of the first and over the range that all share."""
    pooled = []
    for group in _grouped(curves, lambda c: (c.quantity, c.x.unit, c.y.unit, _key(c.conditions, {*OVER_PASSES}))):
        filled = [c for c in group if c.x.values]
        if not filled:
            continue
        together = [c for c in filled if TOGETHER in c.conditions]
        passes = max([len(filled) - len(together), *(int(c.conditions[TOGETHER]) for c in together)])
        filled = together[:1] or filled
        x = np.unique(filled[0].x.array)
        inside = (x >= max(c.x.array.min() for c in filled)) & (x <= min(c.x.array.max() for c in filled))
        x = x[inside]
        stack = np.array([_on_grid(x, c.x, c.y.array) for c in filled])
        if filled[0].y.unit == "deg" and x.size:
            # The passes may have begun to unwrap a turn apart; where the band is sure of itself they agree.
            centre = stack[:, int(np.argmin(np.abs(x - 1000.0)))]
            stack -= 360.0 * np.round((centre - centre[0]) / 360.0)[:, np.newaxis]
        stated = [_on_grid(x, c.x, np.asarray(c.uncertainty)) for c in filled if c.uncertainty is not None]
        mean = stack.mean(axis=0)
        half = np.sqrt(np.mean(np.square(stated), axis=0)) if stated else np.zeros_like(mean)
        known = bool(stated) or len(filled) > 1
        pooled.append(
            PooledCurve(
                quantity=group[0].quantity,
                conditions=_without(_shared(c.conditions for c in group), (TOGETHER,)),
                x=x,
                y=mean,
                low=np.minimum(stack.min(axis=0), mean - half) if known else None,
                high=np.maximum(stack.max(axis=0), mean + half) if known else None,
                passes=passes,
            )
        )
    return pooled


def by_setup(measurements: Measurements) -> list[Setup]:
    """Take measurements apart by speed and dbx position.

    A figure that does not name one of them belongs to the most frequent value, so that a quantity of the whole session
    stands in one place only.
    """
    everything: list[Result | Curve] = [*measurements.results, *measurements.curves]
    usual: dict[str, Condition] = {}
    for key in SETUP_KEYS:
        counts = Counter(item.conditions[key] for item in everything if key in item.conditions)
        if counts:
            usual[key] = counts.most_common(1)[0][0]

    def setup_of(item: Result | Curve) -> tuple[tuple[str, Condition], ...]:
        return tuple((key, item.conditions.get(key, value)) for key, value in usual.items())

    keys = sorted({setup_of(item) for item in everything}, key=_setup_rank)
    varying = [key for i, key in enumerate(usual) if len({k[i][1] for k in keys}) > 1]
    setups = []
    for values in keys:
        own = dict(values)
        whole = measurements.model_copy(
            update={
                "results": [r for r in measurements.results if setup_of(r) == values],
                "curves": [c for c in measurements.curves if setup_of(c) == values],
            }
        )
        part, alone = whole.of_path(None), whole.of_path(ELECTRONICS)
        label = ", ".join(condition_text(k, own[k]) for k in varying)
        slug = re.sub(r"[^a-z0-9.]+", "_", " ".join(f"{k} {own[k]}" for k in varying).lower())
        setups.append(Setup(label, slug, own, part, alone if alone.results else None))
    return setups or [Setup("", "", {}, measurements)]


def number_or(value: Condition | None, other: float) -> float:
    """A condition that is a number; else `other`."""
    return other if value is None or isinstance(value, str) else float(value)


def distinct(items: Iterable[Reading | PooledCurve | Result | Curve], key: str) -> list[Any]:
    """The values that a condition takes, sorted: numbers first."""
    found = {item.conditions[key] for item in items if key in item.conditions}
    return sorted(found, key=lambda v: (isinstance(v, str), v))


def _without(conditions: Conditions, keys: Iterable[str]) -> Conditions:
    return {k: v for k, v in conditions.items() if k not in set(keys)}


def _on_grid(x: np.ndarray, axis: Axis, values: np.ndarray) -> np.ndarray:
    order = np.argsort(axis.array, kind="stable")
    return np.interp(x, axis.array[order], values[order])


def _setup_rank(key: Sequence[tuple[str, Condition]]) -> list[tuple[bool, float, str]]:
    """Faster speed first, dbx off before on, then its two halves."""
    rank = []
    for _, value in key:
        if isinstance(value, str):
            known = DBX_ORDER.index(value) if value in DBX_ORDER else len(DBX_ORDER)
            rank.append((True, float(known), value))
        else:
            rank.append((False, -float(value), ""))
    return rank


def _key(conditions: Conditions, leave_out: set[str]) -> tuple[tuple[str, Condition], ...]:
    return tuple(sorted((k, v) for k, v in conditions.items() if k not in leave_out))


def _shared(conditions: Iterable[Conditions]) -> Conditions:
    first, *rest = conditions
    return {k: v for k, v in first.items() if all(k in other and other[k] == v for other in rest)}


def _grouped(items: Iterable[T], key: Callable[[T], Any]) -> list[list[T]]:
    groups: dict[Any, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
