"""Results and curves in the making: what all subjects of the bench share."""

from collections.abc import Iterable

import numpy as np

from analysis import wow_flutter
from analysis.timebase import Timebase
from sessions.results import Axis, Conditions, Curve, Result, finite_points

Measured = tuple[list[Result], list[Curve]]
CURVE_POINTS = 60_000
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


def flutter_results(deviation: wow_flutter.Deviation, conditions: dict[str, str | int | float], method: str) -> list[Result]:
    """Wow and flutter by every convention, and the strongest lines of its spectrum."""
    results = [
        result(name, figure.value, "%", figure.uncertainty, conditions, method)
        for name, figure in wow_flutter.figures(deviation).items()
    ]
    for frequency, percent in wow_flutter.lines(deviation):
        line = {**conditions, "frequency_hz": round(frequency, 3)}
        results.append(result("flutter_line", percent, "%", None, line, "line of the flutter spectrum, RMS"))
    return results


def flutter_curve(deviation: wow_flutter.Deviation, conditions: Conditions, method: str) -> Curve:
    """Flutter spectrum as a curve."""
    frequency, percent = wow_flutter.spectrum(deviation)
    return curve("flutter_spectrum", conditions, f"{method}; RMS of each line", frequency, percent, "speed deviation", "%")
