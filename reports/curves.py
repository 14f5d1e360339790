"""Curves as CSV: one row per point, full precision, units in the header, and file names that tell what is inside."""

import csv
import hashlib
import io
import re

from reports.wording import ORDER
from sessions.results import Condition, Curve

_LONGEST_NAME = 120


def curve_csv(curve: Curve) -> str:
    """Write a curve as CSV text.

    The columns are x, y and, where it is known, the 95 % uncertainty of y; every number reads back as the same float.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    header = [f"{curve.x.name} ({curve.x.unit})", f"{curve.y.name} ({curve.y.unit})"]
    columns = [curve.x.values, curve.y.values]
    if curve.uncertainty is not None:
        header.append(f"uncertainty ({curve.y.unit})")
        columns.append(curve.uncertainty)
    writer.writerow(header)
    writer.writerows([repr(value) for value in row] for row in zip(*columns, strict=True))
    return buffer.getvalue()


def csv_name(curve: Curve) -> str:
    """File name of a curve, made of its quantity and conditions.

    It holds nothing but lower-case letters, digits, ``.``, ``_``, ``+`` and ``-``, so it is safe on every file system. Where
    something had to be replaced or cut for that, a digest of the original keeps names of different curves different.
    """
    known = [key for key in ORDER if key in curve.conditions]
    keys = known + sorted(set(curve.conditions) - set(known))
    original = "_".join([curve.quantity, *(_condition(key, curve.conditions[key]) for key in keys)])
    name = re.sub(r"[^a-z0-9._+-]+", "-", original.lower())
    if name != original or len(name) > _LONGEST_NAME:
        digest = hashlib.sha256(
            repr((curve.quantity, sorted(curve.conditions.items()))).encode("utf-8", "replace")
        ).hexdigest()
        name = f"{name[:_LONGEST_NAME]}-{digest[:8]}"
    return f"{name}.csv"


def _condition(key: str, value: Condition) -> str:
    match key, value:
        case "level_db", int() | float():
            return f"{value:+g}db"
        case "frequency_hz", int() | float():
            return f"{value:g}hz"
        case "speed_cm_s", int() | float():
            return f"{value:g}cm_s"
        case _, int() | float():
            return f"{key}{value:g}"
    return f"{key}-{value}"
