"""Results and curves in the making: what all subjects of the bench share."""

from collections.abc import Iterable

import numpy as np

from analysis import flutter_lines, rotating_parts, wow_flutter
from analysis.timebase import Timebase
from sessions.results import Axis, Conditions, Curve, Result, finite_points

Measured = tuple[list[Result], list[Curve]]
CURVE_POINTS = 60_000
LINE = "RMS in a narrow band around a peak of the flutter spectrum, less the random flutter beside it"
SOURCE = {"wow_flutter_weighted_2sigma": " by AES6-2008"}
DEVIATION = "derivative of the delay trajectory, re its mean"


def result(quantity: str, value: float, unit: str, uncertainty: float | None, conditions: Conditions, method: str) -> Result:
    """Make a valid figure; `uncertainty` is 95 %, in the unit of the value."""
    return Result(
        quantity=quantity,
        value=float(value),
        unit=unit,
        uncertainty=None if uncertainty is None else float(uncertainty),
        conditions=dict(conditions),
        method=method,
    )


def curve(
    quantity: str,
    conditions: Conditions,
    method: str,
    x_values: np.ndarray,
    y_values: np.ndarray,
    y_name: str,
    y_unit: str,
    uncertainty: Iterable[float] | None = None,
    x: tuple[str, str] = ("frequency", "Hz"),
) -> Curve:
    """Make a curve over `x` (name, unit); points that are not finite are left out."""
    doubt = np.zeros(np.size(x_values)) if uncertainty is None else np.asarray(uncertainty, dtype=float)
    kept_x, kept_y, kept_doubt = finite_points(x_values, y_values, doubt)
    return Curve(
        quantity=quantity,
        conditions=dict(conditions),
        method=method,
        x=Axis.of(x[0], x[1], kept_x),
        y=Axis.of(y_name, y_unit, kept_y),
        uncertainty=None if uncertainty is None else kept_doubt.tolist(),
    )


def trajectory_curves(timebase: Timebase, start_s: float, end_s: float, conditions: Conditions, method: str) -> list[Curve]:
    """Delay and speed deviation over input time, thinned to what a file should hold."""
    step = max(timebase.step_s, (end_s - start_s) / CURVE_POINTS)
    time = np.arange(start_s, end_s, step)
    delay, sd = timebase.delay(time), timebase.sd(time)
    ratio = 1.0 / (1.0 + timebase.slope(time))
    speed = 100.0 * (ratio / np.mean(ratio) - 1.0)
    axis = ("time", "s")
    return [
        curve("delay_trajectory", conditions, method, time, delay, "delay", "s", 1.96 * sd, x=axis),
        curve("speed_deviation", conditions, f"{DEVIATION}; {method}", time, speed, "deviation", "%", x=axis),
    ]


def flutter_results(deviation: wow_flutter.Deviation, conditions: Conditions, method: str) -> list[Result]:
    """Wow and flutter by every convention, and the strongest lines of its spectrum with their likely parts."""
    length_s = deviation.percent.size / deviation.rate_hz
    results = []
    for name, figure in wow_flutter.figures(deviation).items():
        least_s = wow_flutter.SHORTEST_S[name]
        if length_s < least_s:
            needed = f"{least_s:.0f} s are needed{SOURCE.get(name, '')}" if least_s >= 1.0 else f"{least_s:g} s are needed"
            note = f"the tone lasts {length_s:.1f} s, {needed}; record a longer one"
            results.append(Result.invalid(name, "%", conditions, method, note))
        else:
            results.append(result(name, figure.value, "%", figure.uncertainty, conditions, method))
    found = flutter_lines.lines(deviation)
    speed = conditions.get("speed_cm_s")
    speed_cm_s = float(speed) if isinstance(speed, int | float) else None
    parts = rotating_parts.names([(line.frequency_hz, line.rms) for line in found], speed_cm_s, 1.0 / length_s)
    for line, part in zip(found, parts, strict=True):
        here = {**conditions, "frequency_hz": round(line.frequency_hz, 3)}
        one = result("flutter_line", line.rms, "%", line.uncertainty, here, LINE)
        results.append(one.model_copy(update={"note": part}))
    return results


def flutter_curve(deviation: wow_flutter.Deviation, conditions: Conditions, method: str) -> Curve:
    """Flutter spectrum as a curve."""
    frequency, percent = wow_flutter.spectrum(deviation)
    return curve("flutter_spectrum", conditions, f"{method}; RMS of each line", frequency, percent, "speed deviation", "%")
