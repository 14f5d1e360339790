"""Joining and statistics, on figures made by hand."""

import numpy as np
import pytest

from reports.selftest.goals import GOALS, Goal, goal_of
from reports.selftest.joining import Pair, join
from reports.selftest.statistics import honesty, row
from sessions.results import Axis, Curve, Measurements, Result


def document(results=(), curves=()):
    return Measurements(session="s", tool_version="0", created="now", results=list(results), curves=list(curves))


def figure(value, quantity="thd", unit="%", uncertainty=None, **conditions):
    if value is None:
        return Result.invalid(quantity, unit, conditions, "by hand", "no")
    return Result(
        quantity=quantity, value=value, unit=unit, uncertainty=uncertainty, conditions=conditions, method="by hand"
    )


def line(x, y, doubt=None, quantity="frequency_response", x_name="frequency", **conditions):
    return Curve(
        quantity=quantity,
        conditions=conditions,
        method="by hand",
        x=Axis.of(x_name, "Hz", x),
        y=Axis.of("magnitude", "dB", y),
        uncertainty=doubt,
    )


def test_figures_join_by_quantity_unit_and_conditions_with_numbers_as_numbers():
    measured = document(
        [
            figure(1.1, track=1, frequency_hz=315, level_db=0.0),
            figure(9.0, track=1, frequency_hz=315, level_db=0, path="electronics"),
            figure(8.0, track=2, frequency_hz=315, level_db=0),
            figure(3.0, quantity="hum", unit="dB"),
        ]
    )
    true = document([figure(1.0, track=1.0, frequency_hz=315.0, level_db=0), figure(1.0, unit="dB", track=2)])
    joined = join(measured, true)
    (pair,) = joined.pairs
    assert (pair.true[0], pair.found[0]) == (1.0, 1.1)
    assert np.isnan(pair.uncertainty[0])
    assert [(lost.quantity, lost.fate) for lost in joined.unmet] == [("thd", "missing")]
    assert joined.untold == {"hum"}


def test_a_figure_without_its_partner_is_counted_by_its_fate():
    measured = document([figure(None, track=1), figure(2.0, track=2), figure(None, track=3)])
    true = document([figure(1.0, track=1), figure(None, track=2), figure(None, track=3), figure(5.0, track=4)])
    joined = join(measured, true)
    assert joined.pairs == ()
    assert [(lost.fate, lost.true) for lost in joined.unmet] == [("invalid", 1.0), ("unfounded", None), ("missing", 5.0)]


def test_a_line_is_found_where_it_was_measured_to_be():
    def at(hz, value):
        return figure(value, "flutter_line", track=1, frequency_hz=hz)

    joined = join(document([at(12.9, 0.1), at(13.1, 0.02), at(3.0, 0.5)]), document([at(13.0, 0.11), at(7.0, 0.1)]))
    (pair,) = joined.pairs
    assert pair.found[0] in (0.1, 0.02)
    assert [lost.fate for lost in joined.unmet] == ["missing"]


def test_the_truth_of_a_curve_is_read_where_it_was_measured_over_log_frequency():
    """dB over log f is a straight line here: 6 dB an octave, so linear interpolation in f would be off."""
    octaves = np.array([-3.0, -1.4, 0.3, 1.5, 3.0])
    doubt = 0.4 + 0.1 * octaves
    measured = document(curves=[line(1000.0 * 2.0**octaves, 6.0 * octaves + 0.1, doubt, track=1)])
    at = np.arange(-2.0, 3.0)
    true = document(curves=[line(1000.0 * 2.0**at, 6.0 * at, track=1.0, x_name="input frequency")])
    (pair,) = join(measured, true).pairs
    assert pair.x == pytest.approx(1000.0 * 2.0 ** octaves[1:4])
    assert pair.found - pair.true == pytest.approx([0.1] * 3)
    assert pair.uncertainty == pytest.approx(doubt[1:4])


def test_no_chance_is_averaged_out_of_a_fine_curve():
    """Readings of white noise halfway between points of the truth: their mean would scatter by 0.7 of what is stated."""
    x = np.arange(0.0, 1000.0)
    noise = np.random.default_rng(1).standard_normal(4 * x.size)
    fine = line(np.arange(noise.size) / 4.0 + 0.125, noise, np.full(noise.size, 1.96), x_name="level")
    (pair,) = join(document(curves=[fine]), document(curves=[line(x, 0.0 * x, x_name="level")])).pairs
    assert pair.x.size <= x.size
    assert set(pair.found) <= set(noise)
    assert np.std(pair.found - pair.true) == pytest.approx(1.0, abs=0.1)


def test_between_the_steps_of_a_coarse_curve_nothing_is_compared():
    """The measured curve has the parabola x^2 at x = 0 and 4 alone, where the straight line between them would be off."""
    x = np.linspace(0.0, 6.0, 7)
    true = line(x, x**2, x_name="level")
    coarse = line([0.0, 4.0], [0.0, 16.0], [0.1, 0.1], x_name="level")
    (pair,) = join(document(curves=[coarse]), document(curves=[true])).pairs
    assert pair.x.tolist() == [0.0, 4.0]
    assert pair.true.tolist() == pair.found.tolist() == [0.0, 16.0]


def test_the_trajectory_is_compared_less_its_constant():
    time = np.linspace(0.0, 1.0, 11)
    ends = [
        Curve(
            quantity="delay_trajectory",
            method="by hand",
            x=Axis.of("time", "s", time),
            y=Axis.of("delay", "s", constant + 1e-3 * time),
        )
        for constant in (0.0, 0.5)
    ]
    (pair,) = join(document(curves=ends[:1]), document(curves=ends[1:])).pairs
    assert pair.found == pytest.approx(pair.true)


def test_what_is_hardly_known_of_the_trajectory_says_little_of_its_constant():
    """Ten readings sure to 1 us and ten to 1 ms, off by 0.2 ms: their plain mean would move all by 0.1 ms."""
    time = np.linspace(0.0, 1.0, 20)
    bridged = time > 0.5

    def trajectory(delay, doubt=None):
        axes = {"x": Axis.of("time", "s", time), "y": Axis.of("delay", "s", delay)}
        return document(curves=[Curve(quantity="delay_trajectory", method="by hand", uncertainty=doubt, **axes)])

    found = trajectory(0.3 + 2e-4 * bridged, np.where(bridged, 1e-3, 1e-6))
    (pair,) = join(found, trajectory(np.zeros(20))).pairs
    assert np.max(np.abs(pair.found[~bridged])) < 1e-6
    assert pair.found[bridged] == pytest.approx(2e-4, abs=1e-6)


def pairs(errors, doubt, true=1.0):
    """One figure a deck."""
    made = []
    for seed, error in enumerate(errors):
        joined = join(document([figure(true + error, uncertainty=doubt)]), document([figure(true)]))
        made.append((seed, joined.pairs[0]))
    return made


def test_statistics_by_hand():
    found = row("pilot", "thd", Goal("thd", percent=3.0, least=0.1), pairs([0.02, -0.01, 0.04, -0.03], 0.035, 2.0))
    assert found is not None
    assert (found.readings, found.unit) == (4, "%")
    assert found.bias == pytest.approx(0.25)  # % of 2.0
    assert found.rms == pytest.approx(np.sqrt((1.0 + 0.25 + 4.0 + 2.25) / 4.0))
    assert found.worst == pytest.approx(2.0)
    assert found.percentile == pytest.approx(1.5 + 0.85 * 0.5)
    assert found.over_goal == pytest.approx((1.5 + 0.85 * 0.5) / 3.0)
    assert found.coverage == 0.75
    assert found.where.deck == 2
    assert row("pilot", "thd", Goal("thd", percent=3.0, least=3.0), pairs([0.02], 0.1, 2.0)) is None


def test_the_point_that_a_curve_is_stated_against_is_covered():
    """Zero by definition with an uncertainty of 0; arithmetic leaves 1e-15 of it."""
    found = row("dbx", "dbx_emphasis", None, pairs([1e-15, 0.5], 0.0, 0.0))
    assert found is not None
    assert found.coverage == 0.5


def test_of_two_limits_the_larger_one_counts():
    goal = Goal("w", 0.0005, 2.0)
    assert goal.allowed(np.array([0.0, 0.01, 0.1])) == pytest.approx([0.0005, 0.0005, 0.002])


def test_honest_errors_pass_and_shrunk_or_swollen_uncertainties_do_not():
    error = np.random.default_rng(1).standard_normal(2000)
    assert row("pilot", "thd", None, pairs(error, 1.96)).honesty == "honest"
    assert row("pilot", "thd", None, pairs(error, 1.2)).honesty == "too small"
    assert row("pilot", "thd", None, pairs(error, 6.0)).honesty == "too large"


def test_an_uncertainty_of_nothing_is_too_small():
    found = row("pilot", "thd", None, pairs([0.1, -0.1, 0.2, -0.3, 0.1], 0.0))
    assert (found.coverage, found.honesty) == (0.0, "too small")
    assert row("pilot", "thd", None, pairs([0.0] * 5, 0.0)).coverage == 1.0


def test_few_readings_accuse_nobody_unjustly():
    assert honesty(0.5, 2) == "honest"  # at most one of two by 0.9: 0.19
    assert honesty(1.0, 50) == "honest"  # 0.99^50 = 0.6
    assert honesty(0.2, 5) == "too small"  # at most one of five by 0.9: 0.0005
    assert honesty(1.0, 500) == "too large"  # 0.99^500 = 0.007


def test_points_of_a_curve_that_err_alike_are_one_reading():
    """One offset a curve, 100 points each: 20 curves are 20 readings, not 2000."""
    x = np.geomspace(100.0, 1000.0, 100)
    made = []
    for seed, offset in enumerate(np.random.default_rng(2).standard_normal(20)):
        joined = join(document(curves=[line(x, np.full(100, offset), [1.0] * 100)]), document(curves=[line(x, 0.0 * x)]))
        made.append((seed, joined.pairs[0]))
    found = row("pilot", "frequency_response", None, made)
    assert (found.readings, found.independent) == (2000, 20)


def test_a_case_has_its_own_goal_where_it_is_named():
    assert goal_of("frequency_response", "pilot").limit == 0.2
    assert goal_of("frequency_response", "quiet").limit == 0.05
    assert goal_of("polarity", "pilot") is None
    assert len({(goal.quantity, goal.case) for goal in GOALS}) == len(GOALS)


def test_a_least_value_of_the_reference_rises_as_the_tone_falls():
    percent = Goal("thd", percent=3.0, least=0.1, of_reference=True)
    level = Goal("harmonic_3", 0.25, least=-60.0, of_reference=True)

    def pair(unit, true, level_db):
        ones = np.ones(1)
        return Pair("q", unit, {"level_db": level_db}, np.nan * ones, true * ones, ones, ones)

    # At -20 dB ten times as much must be there; louder tones are not let off.
    assert [percent.holds(pair("%", v, -20.0))[0] for v in (0.9, 1.1)] == [False, True]
    assert [percent.holds(pair("%", v, 10.0))[0] for v in (0.09, 0.11)] == [False, True]
    assert [level.holds(pair("dB", v, -10.0))[0] for v in (-51.0, -49.0)] == [False, True]
