import numpy as np
import pytest

from reports.readings import by_setup, pool, pool_curves
from sessions.results import Axis, Curve, Measurements, Result


def result(value, number, uncertainty=None, **conditions):
    conditions = {"pass": number, **conditions}
    if value is None:
        return Result.invalid("thd", "%", conditions, "m", "tone clipped; lower the level")
    return Result(quantity="thd", value=value, unit="%", uncertainty=uncertainty, conditions=conditions, method="m")


def curve(number, x, y, uncertainty=None):
    return Curve(
        quantity="frequency_response", conditions={"pass": number, "track": 1}, method="m", uncertainty=uncertainty,
        x=Axis.of("f", "Hz", x), y=Axis.of("m", "dB", y),
    )  # fmt: skip


def test_passes_are_pooled_with_mean_spread_and_the_uncertainty_of_one():
    (reading,) = pool([result(1.0, 1, 0.3, track=1), result(2.0, 2, 0.4, track=1), result(None, 3, track=1)])
    assert reading.mean == 1.5
    assert reading.spread == (1.0, 2.0)
    assert reading.uncertainty == pytest.approx(np.sqrt((0.09 + 0.16) / 2))
    assert reading.doubt == 0.5  # half the spread is more
    assert reading.conditions == {"track": 1}
    assert reading.notes == (({"pass": 3, "track": 1}, "tone clipped; lower the level"),)


def test_tracks_are_kept_apart_unless_asked():
    results = [result(1.0, 1, track=1), result(2.0, 1, track=2)]
    assert len(pool(results)) == 2
    assert len(pool(results, over=("pass", "track"))) == 1


def test_curves_are_averaged_over_the_range_they_share():
    (pooled,) = pool_curves([curve(1, [1, 2, 3, 4], [0, 0, 0, 0]), curve(2, [2, 4], [2, 4])])
    np.testing.assert_array_equal(pooled.x, [2, 3, 4])
    np.testing.assert_allclose(pooled.y, [1, 1.5, 2])
    np.testing.assert_allclose(pooled.low, [0, 0, 0])
    np.testing.assert_allclose(pooled.high, [2, 3, 4])
    assert pooled.passes == 2


def test_a_single_curve_has_its_uncertainty_as_band_or_none():
    (with_band,) = pool_curves([curve(1, [1, 2], [5, 6], [0.5, 0.25])])
    np.testing.assert_allclose(with_band.low, [4.5, 5.75])
    (without,) = pool_curves([curve(1, [1, 2], [5, 6])])
    assert without.low is None


def test_speeds_and_dbx_positions_are_taken_apart():
    results = [
        result(1.0, 1, speed_cm_s=4.8, dbx="off"),
        result(1.0, 1, speed_cm_s=9.5, dbx="on"),
        result(1.0, 1, speed_cm_s=9.5, dbx="off"),
        result(1.0, 1, speed_cm_s=9.5, dbx="off"),
        result(7.0, 1),
    ]
    setups = by_setup(Measurements(session="s", tool_version="1", created="", results=results, curves=[]))
    assert [s.label for s in setups] == ["9.5\u202fcm/s, dbx off", "9.5\u202fcm/s, dbx on", "4.8\u202fcm/s, dbx off"]
    assert sum(len(s.measurements.results) for s in setups) == 5
    assert 7.0 in [r.value for r in setups[0].measurements.results]  # without a speed: counted to the usual one


def test_positions_of_the_dbx_switch_stand_in_order_and_in_words():
    results = [result(1.0, 1, dbx=dbx) for dbx in ("decode", "encode", "on", "off")]
    setups = by_setup(Measurements(session="s", tool_version="1", created="", results=results, curves=[]))
    assert [s.label for s in setups] == ["dbx off", "dbx on", "dbx only while recording", "dbx only while playing"]
    assert [s.slug for s in setups] == ["dbx_off", "dbx_on", "dbx_encode", "dbx_decode"]


def test_electronics_stand_beside_the_tape_of_their_set_up():
    results = [result(1.0, 1, dbx="off"), result(2.0, 1, dbx="on"), result(3.0, 1, dbx="off", path="electronics")]
    off, on = by_setup(Measurements(session="s", tool_version="1", created="", results=results, curves=[]))
    assert [r.value for r in off.measurements.results] == [1.0]
    assert [r.value for r in off.electronics.measurements.results] == [3.0]
    assert on.electronics is None


def test_a_figure_of_all_passes_together_stands_for_the_single_ones():
    together = result(1.4, 1, 0.1, track=1, passes=3).model_copy(update={"conditions": {"track": 1, "passes": 3}})
    (reading,) = pool([result(1.0, 1, 0.3, track=1), result(2.0, 2, 0.4, track=1), together])
    assert (reading.mean, reading.doubt, reading.passes) == (1.4, 0.1, 3)
    assert reading.spread == (1.0, 2.0)
    assert reading.conditions == {"track": 1}


def test_phases_that_began_a_turn_apart_are_averaged_on_one():
    def phase(number, shift):
        return Curve(
            quantity="phase_response", conditions={"pass": number}, method="m", x=Axis.of("f", "Hz", [100, 1000, 10_000]),
            y=Axis.of("phase", "deg", [90 + shift, 10 + shift, -80 + shift]),
        )  # fmt: skip

    (pooled,) = pool_curves([phase(1, 1.0), phase(2, -361.0)])
    np.testing.assert_allclose(pooled.y, [90, 10, -80])
