"""Every figure and curve as measured beside its truth, joined by quantity, unit and conditions."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from scipy.interpolate import PchipInterpolator

from sessions.results import Condition, Conditions, Curve, Measurements, Result

NEAR: Mapping[str, tuple[str, float]] = {"flutter_line": ("frequency_hz", 0.02)}
"""Quantities found at a place that is itself measured: the condition that names it, and how far it may be off, relative."""

SMOOTH_CONSTANT = {"delay_trajectory"}
"""Curves whose constant is a figure of its own (`latency`): they are compared less the weighted mean of their error."""

LEAST_FOR_CUBIC = 4

Fate = Literal["invalid", "missing", "unfounded"]
"""What became of a figure without its partner: said to be out of reach, not there at all, or given where there can be none."""


@dataclass(frozen=True)
class Unmet:
    """A figure or curve of which only one side is valid; `true` is its true value where it is a figure that has one."""

    quantity: str
    fate: Fate
    true: float | None
    unit: str = ""
    conditions: Conditions = field(default_factory=dict)


@dataclass(frozen=True)
class Pair:
    """A figure or curve as measured, and its truth.

    Attributes
    ----------
    x : ndarray, shape (points,)
        Where on a curve; of a figure, NaN.
    true, found : ndarray, shape (points,)
    uncertainty : ndarray, shape (points,)
        95 %, NaN where none is stated.
    """

    quantity: str
    unit: str
    conditions: Conditions
    x: np.ndarray
    true: np.ndarray
    found: np.ndarray
    uncertainty: np.ndarray

    @property
    def is_curve(self) -> bool:
        """Whether it is a curve."""
        return bool(np.isfinite(self.x).any())


@dataclass(frozen=True)
class Joined:
    """What a deck's measurement and truth make together.

    Attributes
    ----------
    pairs : tuple of Pair
    unmet : tuple of Unmet
        What could not be compared.
    untold : frozenset of str
        Quantities that were measured and of which the truth says nothing.
    """

    pairs: tuple[Pair, ...]
    unmet: tuple[Unmet, ...]
    untold: frozenset[str]


def join(measured: Measurements, true: Measurements) -> Joined:
    """Join what was measured with the truth."""
    pairs: list[Pair] = []
    unmet: list[Unmet] = []
    found = defaultdict(list)
    for result in measured.results:
        found[_key(result.quantity, result.unit, result.conditions)].append(result)
    for told in true.results:
        partners = found.get(_key(told.quantity, told.unit, told.conditions)) or _nearest(told, measured)
        if not partners and told.valid:
            unmet.append(Unmet(told.quantity, "missing", told.value, told.unit, told.conditions))
        for partner in partners:
            if told.value is not None and partner.value is not None:
                pairs.append(_figure(told, partner))
            elif told.valid != partner.valid:
                unmet.append(
                    Unmet(told.quantity, "invalid" if told.valid else "unfounded", told.value, told.unit, told.conditions)
                )
    curves = defaultdict(list)
    for curve in measured.curves:
        curves[_curve_key(curve)].append(curve)
    for line in true.curves:
        matching = [pair for pair in (_curve(line, other) for other in curves.get(_curve_key(line), [])) if pair.x.size]
        pairs += matching
        if not matching:
            unmet.append(Unmet(line.quantity, "missing", None))
    known = {r.quantity for r in true.results} | {c.quantity for c in true.curves}
    all_found = {r.quantity for r in measured.results} | {c.quantity for c in measured.curves}
    return Joined(tuple(pairs), tuple(unmet), frozenset(all_found - known))


def _plain(value: Condition) -> Hashable:
    """Numbers as numbers, to nine figures: 315 is 315.0."""
    return value if isinstance(value, str) else float(f"{float(value):.9g}")


def _conditions(conditions: Conditions) -> Hashable:
    return frozenset((name, _plain(value)) for name, value in conditions.items())


def _key(quantity: str, unit: str, conditions: Conditions) -> Hashable:
    return quantity, unit, _conditions(conditions)


def _curve_key(curve: Curve) -> Hashable:
    return curve.quantity, curve.x.unit, curve.y.unit, _conditions(curve.conditions)


def _nearest(told: Result, measured: Measurements) -> list[Result]:
    """The figure nearest to where the truth has it, where the place is a matter of measurement."""
    if told.quantity not in NEAR:
        return []
    name, reach = NEAR[told.quantity]
    place = float(told.conditions.get(name, np.nan))

    def rest(conditions: Conditions) -> Hashable:
        return _conditions({key: value for key, value in conditions.items() if key != name})

    alike = [
        r
        for r in measured.results
        if r.quantity == told.quantity and name in r.conditions and rest(r.conditions) == rest(told.conditions)
    ]
    close = [r for r in alike if abs(float(r.conditions[name]) - place) <= reach * place]
    return sorted(close, key=lambda r: abs(float(r.conditions[name]) - place))[:1]


def _figure(told: Result, partner: Result) -> Pair:
    uncertainty = np.nan if partner.uncertainty is None else partner.uncertainty
    numbers = (np.array([v], dtype=float) for v in (np.nan, told.value, partner.value, uncertainty))
    return Pair(told.quantity, told.unit, told.conditions, *numbers)


def _curve(told: Curve, measured: Curve) -> Pair:
    """Points of a curve as measured beside the true curve, a cubic between its points; over log frequency where x is a frequency.

    What is measured is never interpolated: the chance in it would be less than is stated.
    """
    x, over = told.x.array, measured.x.array
    logarithmic = told.x.unit == "Hz" and x.size > 0 and over.size > 0 and min(x.min(), over.min()) > 0.0
    true_at, found_at = (np.log(axis) if logarithmic else axis for axis in (x, over))
    kept = _compared(true_at, found_at)
    between = np.interp if x.size < LEAST_FOR_CUBIC else _cubic
    true, found = between(found_at[kept], true_at, told.y.array), measured.y.array[kept]
    doubt = np.full(kept.size, np.nan)
    if measured.uncertainty is not None:
        doubt = np.asarray(measured.uncertainty, dtype=float)[kept]
    if told.quantity in SMOOTH_CONSTANT and kept.size:
        # What is hardly known says little of the constant: readings weigh as they are sure.
        sure = doubt**-2.0 if np.all(doubt > 0.0) else np.ones(kept.size)
        found = found - np.average(found - true, weights=sure)
    return Pair(told.quantity, told.y.unit, told.conditions, over[kept], true, found, doubt)


def _cubic(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """As :func:`numpy.interp`, by monotone cubics."""
    return np.asarray(PchipInterpolator(x, y)(at))


def _compared(true_at: np.ndarray, found_at: np.ndarray) -> np.ndarray:
    """Which points of what was measured are compared: those within the truth, no more of them than the truth has."""
    if true_at.size < 1 or found_at.size < 2:
        return np.zeros(0, dtype=int)
    slack = 1e-9 * np.ptp(found_at)
    inside = np.flatnonzero((found_at >= true_at.min() - slack) & (found_at <= true_at.max() + slack))
    own = true_at[(true_at >= found_at.min() - slack) & (true_at <= found_at.max() + slack)]
    if inside.size <= own.size:
        return inside
    right = np.clip(np.searchsorted(found_at[inside], own), 1, inside.size - 1)
    left = own - found_at[inside[right - 1]] < found_at[inside[right]] - own
    return inside[np.unique(right - left)]
