"""Several play passes of one recording: what they tell together.

Levels of noise and responses are averaged as powers, flutter as RMS, all else as it is. Two things make a mean uncertain: that of
each pass, of which nothing cancels, since the hiss that disturbs all of them lies in the same tape; and how the passes differ,
where they differ by more than that. Of a few passes the spread is itself uncertain, so Student's t stands for it. Of two
it would be 12.7 and say nothing: their mean is that of these two, and its uncertainty reaches both.

Wow and flutter of recording and playing add with a phase that changes from pass to pass: the reading lies anywhere between zero and
twice that of one pass. The RMS over passes divided by the root of two is what one pass alone has, if the two do not correlate.

References
----------
ISO/IEC Guide 98-3 (GUM), 4.2 and G.3 (t-factors); AES6-2008 (several readings).
"""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.stats import chi2, t

from sessions.results import Axis, Condition, Curve, Measurements, Result

One = TypeVar("One", Result, Curve)
SINGLE = "single pass"
FLUTTER = (
    "wow_flutter_weighted_2sigma",
    "wow_flutter_weighted_rms",
    "wow_flutter_unweighted_rms",
    "wow_rms",
    "flutter_rms",
)
AS_POWER = ("noise_a", "noise_itu468", "noise_ccir_rms", "modulation_noise", "hum", "crosstalk", "erasure")
AS_INVERSE_POWER = ("snr_a",)
OF_EACH_PASS = ("latency", "interface_latency", "polarity", "flutter_line")
"""Figures that say nothing together: the tape starts when it starts, and lines drift."""

SURE = 0.95
ONE_LINE = 1.0 / np.sqrt(2.0)
"""Relative standard deviation of the power of a pass when all flutter is one line, 2 a^2 (1 + cos phase): there is no worse."""

LEAST_SHARE = 0.1
LOCAL_POINTS = 17
INDEPENDENT = 2.0  # of so many points of a response: what parts two passes may be wide


def combined(results: Sequence[Result], curves: Sequence[Curve]) -> tuple[list[Result], list[Curve]]:
    """Figures and curves of all passes together.

    Each stands under the conditions of the passes with ``passes``, their number, instead of ``pass``; a single-pass estimate has
    ``of`` as well. Nothing comes of figures that only one pass has.

    Parameters
    ----------
    results, curves
        Of every pass; what carries no ``pass`` is passed over.
    """
    told: list[Result] = []
    for same in _alike(results):
        valid = [r for r in same if r.valid and r.value is not None]
        if len(valid) < 2 or valid[0].quantity in OF_EACH_PASS:
            continue
        told += _figures(valid)
    return told, [_response(alike) for alike in _alike(curves) if alike[0].quantity == "frequency_response"]


def with_combined(measurements: Measurements) -> Measurements:
    """Add what several passes tell together to what each tells."""
    results, curves = combined(measurements.results, measurements.curves)
    return measurements.model_copy(
        update={"results": [*measurements.results, *results], "curves": [*measurements.curves, *curves]}
    )


def _alike(found: Sequence[One]) -> list[list[One]]:
    """What differs in its pass alone, once a pass."""
    groups: dict[tuple[str, tuple[tuple[str, Condition], ...]], dict[Condition, list[One]]] = {}
    for one in found:
        if "pass" in one.conditions:
            rest = tuple(sorted((k, v) for k, v in one.conditions.items() if k != "pass"))
            groups.setdefault((one.quantity, rest), {}).setdefault(one.conditions["pass"], []).append(one)
    once = [group for group in groups.values() if all(len(same) == 1 for same in group.values())]
    return [[same[0] for same in group.values()] for group in once if len(group) > 1]


def _figures(passes: list[Result]) -> list[Result]:
    """The combined figure, and of flutter that of a single pass."""
    first, count = passes[0], len(passes)
    values = np.array([r.value for r in passes], dtype=float)
    known = [r.uncertainty for r in passes if r.uncertainty is not None]
    each = np.array(known) if len(known) == count else None
    flutter = first.quantity in FLUTTER
    if flutter:
        mean, how = float(np.sqrt(np.mean(values**2))), "RMS"
    elif first.quantity in AS_POWER:
        mean, how = _power_mean(values), "power mean"
    elif first.quantity in AS_INVERSE_POWER:
        mean, how = -_power_mean(-values), "power mean of the noise"
    else:
        mean, how = float(np.mean(values)), "mean"
    wide = _doubt(values, each, float(t.ppf(0.5 + 0.5 * SURE, count - 1)))
    doubt = _doubt(values, each, 1.0) if count == 2 else wide  # the spread over the root of two is half their difference
    if flutter and doubt is not None and wide is not None and each is not None:
        # The power of all passes may have come out low by as much; what it then stands for is so much higher.
        share = max(1.0 - 1.96 * ONE_LINE / np.sqrt(count), LEAST_SHARE)
        most = float(np.hypot(np.mean(each), mean * (1.0 / np.sqrt(share) - 1.0)))
        doubt, wide = min(doubt, most), min(wide, most)
    conditions = {**{k: v for k, v in first.conditions.items() if k != "pass"}, "passes": count}
    method = f"{how} of {count} passes; {first.method}"
    told = [_result(first, mean, doubt, conditions, method)]
    if flutter:
        half = 1.0 / np.sqrt(2.0)
        of_one = f"RMS of {count} passes over the root of two, if recording and playing do not correlate; {first.method}"
        single = None if wide is None else half * wide
        told.append(_result(first, half * mean, single, {**conditions, "of": SINGLE}, of_one))
    return told


def _result(of: Result, value: float, doubt: float | None, conditions: dict[str, Condition], method: str) -> Result:
    return Result(quantity=of.quantity, value=value, unit=of.unit, uncertainty=doubt, conditions=conditions, method=method)


def _power_mean(level_db: np.ndarray) -> float:
    return float(10.0 * np.log10(np.mean(10.0 ** (level_db / 10.0))))


def _doubt(values: np.ndarray, each: np.ndarray | None, factor: float) -> float | None:
    """95 % uncertainty of a mean, its spread taken `factor` times; None where a single pass tells none."""
    if each is None:
        return None
    beyond = _beyond(float(np.var(values, ddof=1)), float(np.mean(each**2)) / 1.96**2, float(values.size - 1))
    return float(np.hypot(np.mean(each), factor * np.sqrt(beyond / values.size)))


def _beyond(spread: float, expected: float, free: float) -> float:
    """Variance between passes beyond what each pass has by itself, where it is significant."""
    return max(0.0, spread - expected) if spread * free > chi2.ppf(SURE, free) * expected else 0.0


def _response(passes: list[Curve]) -> Curve:
    """Power mean of the responses where all have points, its band from the single bands and the spread about each frequency."""
    first, count = passes[0], len(passes)
    grid = first.x.array
    lowest, highest = max(c.x.array[0] for c in passes), min(c.x.array[-1] for c in passes)
    grid = grid[(grid >= lowest) & (grid <= highest)]
    at = [(np.log(grid), np.log(c.x.array)) for c in passes]
    level = np.array([np.interp(*x, c.y.array) for x, c in zip(at, passes, strict=True)])
    power = 10.0 * np.log10(np.mean(10.0 ** (level / 10.0), axis=0))
    doubt = None
    if all(c.uncertainty is not None for c in passes):
        single = np.array([np.interp(*x, np.array(c.uncertainty)) for x, c in zip(at, passes, strict=True)])
        spread = uniform_filter1d(np.var(level, axis=0, ddof=1), LOCAL_POINTS, mode="nearest")
        free = (count - 1) * INDEPENDENT
        expected = np.mean(single**2, axis=0) / 1.96**2
        beyond = np.array([_beyond(float(s), float(e), free) for s, e in zip(spread, expected, strict=True)])
        doubt = np.hypot(np.mean(single, axis=0), t.ppf(0.5 + 0.5 * SURE, free) * np.sqrt(beyond / count)).tolist()
    return Curve(
        quantity=first.quantity,
        conditions={**{k: v for k, v in first.conditions.items() if k != "pass"}, "passes": count},
        method=f"power mean of {count} passes; {first.method}",
        x=Axis.of(first.x.name, first.x.unit, grid),
        y=Axis.of(first.y.name, first.y.unit, power),
        uncertainty=doubt,
    )
