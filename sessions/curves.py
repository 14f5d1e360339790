"""Curves as CSV files for spreadsheets and other programs: units in the header, conditions in the file name."""

import re
from collections.abc import Sequence

from sessions.results import Curve

LONGEST_NAME = 160


def csv_text(curve: Curve) -> str:
    """One curve as CSV: ``name (unit)`` in the header, then a line per point; the uncertainty has the unit of y."""
    columns = [(f"{curve.x.name} ({curve.x.unit})", curve.x.values), (f"{curve.y.name} ({curve.y.unit})", curve.y.values)]
    if curve.uncertainty is not None:
        columns.append((f"uncertainty ({curve.y.unit})", curve.uncertainty))
    lines = [",".join(f'"{title}"' if "," in title else title for title, _ in columns)]
    lines += [",".join(f"{value:.12g}" for value in point) for point in zip(*(values for _, values in columns), strict=True)]
    return "\n".join(lines) + "\n"


def file_names(curves: Sequence[Curve], suffix: str = ".csv") -> list[str]:
    """A file name for each curve, made of quantity and conditions, each name used once."""
    names: list[str] = []
    taken: set[str] = set()
    for curve in curves:
        conditions = ",".join(f"{key}={value}" for key, value in curve.conditions.items())
        stem = re.sub(r"[^A-Za-z0-9.+=,_-]", "_", f"{curve.quantity}.{conditions}".rstrip("."))[:LONGEST_NAME]
        name, copy = stem, 1
        while name.lower() in taken:
            copy += 1
            name = f"{stem}-{copy}"
        taken.add(name.lower())
        names.append(name + suffix)
    return names
