"""What single pages of the report leave out, since nothing is known of it."""

import numpy as np

from reports import summary
from reports.readings import by_setup
from reports.subjects import steadiness, timebase, wow_flutter
from sessions.results import Axis, Curve, Measurements, Result

T = np.arange(0.0, 60.0, 0.01)
SILENT = (T > 20.0) & (T < 30.0)


def result(quantity, value, unit, doubt, **conditions):
    return Result(quantity=quantity, value=value, unit=unit, uncertainty=doubt, conditions=conditions, method="m")


def setup(*results, curves=()):
    (found,) = by_setup(
        Measurements(
            session="s", tool_version="0", created="2026-01-01T00:00:00Z", results=list(results), curves=list(curves)
        )
    )
    return found


def trajectory(doubt_s):
    """Delay that wanders by 0.1 ms at 1 Hz, and how well it is known."""
    delay = 1.0 + 1e-4 * np.sin(2.0 * np.pi * T)
    return Curve(
        quantity="delay_trajectory", conditions={"track": 1, "pass": 1}, method="m", x=Axis.of("time", "s", T),
        y=Axis.of("delay", "s", delay), uncertainty=doubt_s.tolist(),
    )  # fmt: skip


def test_a_silence_without_a_pilot_is_a_gap():
    curve = trajectory(np.where(SILENT, 2e-3, 5e-6))
    np.testing.assert_array_equal(timebase.where_known(curve, [curve]), ~SILENT)
    page = timebase.page(setup(curves=[curve]))
    assert "broken where nothing was heard" in page.blocks[0].caption


def test_a_trajectory_known_throughout_is_whole():
    for doubt_s in (np.full(T.size, 2e-8), np.full(T.size, 2e-4)):
        curve = trajectory(doubt_s)
        assert timebase.where_known(curve, [curve]).all()


def test_drift_within_its_uncertainty_is_told_as_a_bound():
    said = timebase.lead(setup(result("speed_error", 0.5, "%", 0.001), result("speed_drift", -0.0002, "%", 0.0022)))
    assert said.replace("\u202f", " ").endswith("drifts by less than 0.0024 %.")


def test_a_line_that_its_uncertainty_swallows_is_not_shown():
    lines = [("flutter_line", 0.02, "%", 0.002), ("flutter_line", 0.004, "%", 0.005)]
    page = wow_flutter.page(setup(*(result(*line, frequency_hz=hz) for line, hz in zip(lines, (13.8, 18.6), strict=True))))
    (table,) = page.blocks
    assert [row[0] for row in table.rows] == ["1"]
    assert str(table.rows[0][1]) == "13.8"


def test_a_pilot_makes_no_column_of_key_figures():
    told = [result("noise_a", -50.0, "dB", 0.1, track=1)]
    told += [result("dropouts_per_minute", 0.0, "1/min", 15.0, track=track, depth_db=6.0) for track in (1, 4)]
    assert summary.tracks([setup(*told)]) == [1]


def test_no_dropouts_say_how_few():
    told = [result("dropouts_per_minute", 0.0, "1/min", 15.0, depth_db=6.0), result("level_stability", 0.001, "dB", 0.02)]
    assert steadiness.lead(setup(*told)).replace("\u202f", " ") == (
        "The level of a steady tone holds to less than 0.021 dB; no dropouts were met, so there are less than 15 a minute."
    )
