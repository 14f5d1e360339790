"""Print the response of a session as a table, or plot it: what a script of your own can do with measurements.json.

    python examples/response.py my-deck/measurements.json
    python examples/response.py my-deck/measurements.json response.png

It needs nothing of tape, and matplotlib only for the plot.
"""

# ruff: noqa: T201
import json
import sys
from bisect import bisect_left
from pathlib import Path
from typing import Any

TABLE_HZ = (40, 63, 100, 200, 315, 1000, 3150, 6300, 10_000, 12_500, 14_000, 16_000)


def responses(measurements: dict[str, Any]) -> list[dict[str, Any]]:
    """The curves of the frequency response, one for every track, pass and level."""
    return [curve for curve in measurements["curves"] if curve["quantity"] == "frequency_response"]


def title(curve: dict[str, Any]) -> str:
    """Conditions of a curve in short."""
    conditions = curve["conditions"]
    parts = [f"track {conditions['track']}"]
    parts += [conditions["path"]] if "path" in conditions else []  # the electronics alone, without the tape
    parts += [f"pass {conditions['pass']}"] if "pass" in conditions else []
    parts += [f"{conditions['level_db']:+g} dB"] if "level_db" in conditions else []
    return ", ".join(parts)


def level_at(curve: dict[str, Any], frequency_hz: float) -> float | None:
    """Level in dB at the point of the curve nearest above a frequency, or None outside the curve."""
    x, y = curve["x"]["values"], curve["y"]["values"]
    if not x or not x[0] <= frequency_hz <= x[-1]:
        return None
    return float(y[bisect_left(x, frequency_hz)])


def print_table(curves: list[dict[str, Any]]) -> None:
    """A line per frequency, a column per curve; dB re 1 kHz."""
    print(f"{'Hz':>7}  " + "  ".join(f"{title(curve):>24}" for curve in curves))
    for frequency_hz in TABLE_HZ:
        cells = []
        for curve in curves:
            level, zero = level_at(curve, frequency_hz), level_at(curve, 1000.0)
            cells.append("-" if level is None or zero is None else f"{level - zero:+.2f}")
        print(f"{frequency_hz:>7}  " + "  ".join(f"{cell:>24}" for cell in cells))


def plot(curves: list[dict[str, Any]], picture: Path) -> None:
    """All curves in one picture, as recorded (returned over sent)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 4))
    for curve in curves:
        axes.semilogx(curve["x"]["values"], curve["y"]["values"], label=title(curve))
    axes.set(xlabel="Hz", ylabel="dB", xlim=(20, 20_000))
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(picture, dpi=120)


def main() -> None:
    """Read the file named first; plot into the file named second, if there is one."""
    if len(sys.argv) not in {2, 3}:
        sys.exit("usage: python examples/response.py SESSION/measurements.json [PICTURE.png]")
    curves = responses(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    if not curves:
        sys.exit(f"{sys.argv[1]} holds no frequency response; run 'tape measure' on a session with a sweep or a pair")
    print_table(curves)
    if len(sys.argv) == 3:
        plot(curves, Path(sys.argv[2]))


if __name__ == "__main__":
    main()
