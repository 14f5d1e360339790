import csv
import io
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reports.curves import csv_name, curve_csv
from sessions.results import Axis, Curve

FLOATS = st.floats(allow_nan=False, allow_infinity=False)


def curve(conditions=None, x=(1.0, 2.0), y=(3.0, 4.0), uncertainty=None, quantity="frequency_response") -> Curve:
    return Curve(
        quantity=quantity, conditions=conditions or {}, method="m", uncertainty=uncertainty,
        x=Axis.of("frequency", "Hz", x), y=Axis.of("magnitude, re sent", "dB", y),
    )  # fmt: skip


@given(st.lists(st.tuples(FLOATS, FLOATS, FLOATS), max_size=20))
def test_csv_reads_back_exactly(points):
    x, y, u = (list(column) for column in zip(*points, strict=True)) if points else ([], [], [])
    rows = list(csv.reader(io.StringIO(curve_csv(curve(x=x, y=y, uncertainty=u)))))
    assert rows[0] == ["frequency (Hz)", "magnitude, re sent (dB)", "uncertainty (dB)"]
    assert [tuple(map(float, row)) for row in rows[1:]] == points


def test_csv_loads_with_numpy():
    table = np.loadtxt(io.StringIO(curve_csv(curve())), delimiter=",", skiprows=1)
    np.testing.assert_array_equal(table, [[1, 3], [2, 4]])


def test_name_tells_quantity_and_conditions_in_a_fixed_order():
    conditions = {"pass": 2, "level_db": -20.0, "track": 1, "dbx": "off", "speed_cm_s": 9.5}
    expected = "frequency_response_track1_-20db_9.5cm_s_dbx-off_pass2.csv"
    assert csv_name(curve(conditions)) == expected
    assert csv_name(curve(dict(reversed(conditions.items())))) == expected
    assert csv_name(curve()) == "frequency_response.csv"


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=200) | st.integers() | FLOATS, max_size=4))
def test_names_are_safe_on_every_file_system(conditions):
    name = csv_name(curve(conditions))
    assert re.fullmatch(r"[a-z0-9._+-]+\.csv", name)
    assert len(name) < 140


def test_names_of_different_curves_differ():
    tricky = [
        {"note": "a b"},
        {"note": "a/b"},
        {"note": "A b"},
        {"note": "x" * 300},
        {"note": "x" * 301},
        {"level_db": 3},
        {"level_db": -3},
    ]
    assert len({csv_name(curve(c)).lower() for c in tricky}) == len(tricky)
