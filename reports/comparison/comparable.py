"""Figures of two sessions brought to the same terms, so that like stands beside like."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TypeGuard

import numpy as np

from reports.readings import TOGETHER
from sessions.results import Condition, Conditions, Curve, Measurements, Result

RESPONSE, LEVEL = "response", "level_1k"
"""Quantities read off a response: its level re that at 1 kHz, and its level at 1 kHz."""
POINTS_HZ = (40.0, 63.0, 100.0, 250.0, 500.0, 2000.0, 4000.0, 6300.0, 8000.0, 10_000.0, 12_500.0, 16_000.0)
REFERENCE_HZ = 1000.0
DECK_WIDE = (
    "speed_error", "speed_drift", "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms", "wow_flutter_unweighted_rms",
    "wow_rms", "flutter_rms", "flutter_line",
)  # fmt: skip
WEAKEST_LINE = 0.2  # of the strongest; weaker lines come and go with the pass
_SAME_SPEED, _SAME_TONE, _SAME_LINE = 1.02, 1.005, 1.03


def comparable(first: Measurements, second: Measurements) -> tuple[list[Result], list[Result]]:
    """Results of both sessions, with readings of the responses added, under conditions that can be compared.

    Figures of the transport are one a pass, whatever tracks it was read on. Speeds within 2 %, tones within 0.5 % and flutter
    lines within 3 % of each other are taken for the same and bear the same number.
    """
    both = [[*_of_transport(m.results), *_readings_of_responses(m.curves)] for m in (first, second)]
    both = _joined(both, "speed_cm_s", _SAME_SPEED, lambda r: True)
    both = _joined(both, "frequency_hz", _SAME_LINE, lambda r: r.quantity == "flutter_line")
    both = _joined(both, "frequency_hz", _SAME_TONE, lambda r: r.quantity != "flutter_line")
    return both[0], both[1]


def _of_transport(results: Sequence[Result]) -> list[Result]:
    """Figures of the transport averaged over the tracks of each pass, and only the lines that count; the rest as it is."""
    strongest = max((r.value for r in results if r.quantity == "flutter_line" and r.value is not None), default=0.0)
    groups: dict[tuple[object, ...], list[Result]] = {}
    kept = []
    for result in results:
        if result.quantity not in DECK_WIDE or result.conditions.get("path"):
            kept.append(result)
            continue
        if result.quantity == "flutter_line" and (result.value or 0.0) < WEAKEST_LINE * strongest:
            continue
        conditions = {k: v for k, v in result.conditions.items() if k not in ("track", "level_db")}
        if result.quantity != "flutter_line":
            conditions.pop("frequency_hz", None)  # the tone is the carrier, no condition of the transport
        key = (result.quantity, result.unit, result.valid, tuple(sorted(conditions.items())))
        groups.setdefault(key, []).append(result.model_copy(update={"conditions": conditions}))
    return kept + [_mean(group) for group in groups.values()]


def _mean(group: Sequence[Result]) -> Result:
    values = [r.value for r in group if r.value is not None]
    stated = [r.uncertainty for r in group if r.uncertainty is not None]
    doubt = float(np.sqrt(np.mean(np.square(stated)))) if stated else None
    return group[0].model_copy(update={"value": float(np.mean(values)) if values else None, "uncertainty": doubt})


def _readings_of_responses(curves: Iterable[Curve]) -> list[Result]:
    """Each response read at a few frequencies."""
    results = []
    for curve in curves:
        if curve.quantity != "frequency_response" or len(curve.x.values) < 2:
            continue
        x, y = curve.x.array, curve.y.array
        doubt = None if curve.uncertainty is None else np.asarray(curve.uncertainty)
        if not x[0] <= REFERENCE_HZ <= x[-1]:
            continue
        level, level_doubt = _at(REFERENCE_HZ, x, y), None if doubt is None else _at(REFERENCE_HZ, x, doubt)
        results.append(_reading(LEVEL, level, level_doubt, curve, {}))
        for f in POINTS_HZ:
            if x[0] <= f <= x[-1]:
                own = None if doubt is None or level_doubt is None else math.hypot(_at(f, x, doubt), level_doubt)
                results.append(_reading(RESPONSE, _at(f, x, y) - level, own, curve, {"frequency_hz": f}))
    return results


def _reading(quantity: str, value: float, doubt: float | None, curve: Curve, more: Conditions) -> Result:
    return Result(
        quantity=quantity, value=value, unit="dB", uncertainty=doubt, conditions={**curve.conditions, **more},
        method=curve.method,
    )  # fmt: skip


def _at(frequency_hz: float, x: np.ndarray, y: np.ndarray) -> float:
    return float(np.interp(np.log(frequency_hz), np.log(np.maximum(x, 1e-3)), y))


def _joined(
    both: Sequence[Sequence[Result]], key: str, ratio: float, chosen: Callable[[Result], bool]
) -> list[list[Result]]:
    """Give values of a condition that are the same within a ratio the same number: that of the first session, if it has one."""
    found = {float(v) for own in both for r in own if chosen(r) and _is_number(v := r.conditions.get(key))}
    preferred = {float(v) for r in both[0] if chosen(r) and _is_number(v := r.conditions.get(key))}
    names: dict[float, float] = {}
    cluster: list[float] = []
    for value in [*sorted(found), math.inf]:
        if cluster and value > ratio * cluster[-1]:
            name = next((v for v in cluster if v in preferred), cluster[0])
            names.update(dict.fromkeys(cluster, name))
            cluster = []
        cluster.append(value)

    def renamed(result: Result) -> Result:
        value = result.conditions.get(key)
        if not chosen(result) or not _is_number(value) or names[float(value)] == value:
            return result
        return result.model_copy(update={"conditions": {**result.conditions, key: names[float(value)]}})

    return [[renamed(r) for r in own] for own in both]


def _is_number(value: Condition | None) -> TypeGuard[int | float]:
    return isinstance(value, int | float)


def plain_key(conditions: Conditions) -> tuple[tuple[str, Condition], ...]:
    """Conditions but the pass, as a key."""
    return tuple(sorted((k, v) for k, v in conditions.items() if k not in ("pass", TOGETHER)))
