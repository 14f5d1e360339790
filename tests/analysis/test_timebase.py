"""The time base as a pair of inverse functions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.timebase import Timebase

GRID_S = np.arange(0.0, 20.0, 2e-3)


def fluttering(head_s: float, slope: float, wow_percent: float, wow_hz: float) -> Timebase:
    wow = wow_percent / 100.0 / (2 * np.pi * wow_hz) * np.sin(2 * np.pi * wow_hz * GRID_S)
    return Timebase(0.0, 2e-3, head_s + slope * GRID_S + wow, np.zeros(GRID_S.size))


@settings(max_examples=30, deadline=None)
@given(
    head_s=st.floats(-3.0, 30.0),
    slope=st.floats(-0.12, 0.12),
    wow_percent=st.floats(0.0, 0.5),
    wow_hz=st.floats(0.3, 20.0),
)
def test_output_and_input_time_are_inverse(head_s, slope, wow_percent, wow_hz):
    timebase = fluttering(head_s, slope, wow_percent, wow_hz)
    time = np.linspace(-2.0, 22.0, 997)
    assert np.max(np.abs(timebase.input_time(timebase.output_time(time)) - time)) < 1e-9


def test_the_spline_follows_the_trajectory_between_its_points():
    timebase = fluttering(0.2, 0.001, 0.2, 6.0)
    time = np.linspace(1.0, 19.0, 5003)
    exact = 0.2 + 0.001 * time + 0.002 / (2 * np.pi * 6.0) * np.sin(2 * np.pi * 6.0 * time)
    assert np.max(np.abs(timebase.delay(time) - exact)) < 1e-10
    speed = 0.001 + 0.002 * np.cos(2 * np.pi * 6.0 * time)
    assert np.max(np.abs(timebase.slope(time) - speed)) < 1e-6


def test_beyond_its_ends_it_goes_on_straight():
    line = Timebase.line(1.0, 3.0, 0.5, 0.7)
    assert line.delay([0.0, 2.0, 5.0]) == pytest.approx([0.4, 0.6, 0.9])
    assert line.output_time(5.0) == pytest.approx(5.9)
    assert line.input_time(5.9) == pytest.approx(5.0)


def test_a_trajectory_over_output_time_is_the_same_over_input_time():
    """y(t) = x(t - w(t)): at input time t - w(t) the delay is w(t)."""
    out = np.arange(0.3, 12.0, 2e-3)
    delay = 0.25 + 0.01 * out + 3e-4 * np.sin(2 * np.pi * 0.7 * out)
    timebase = Timebase.over_output(out, delay, np.full(out.size, 1e-6))
    inner = slice(50, -50)
    assert np.max(np.abs(timebase.delay(out - delay) - delay)[inner]) < 1e-11
    assert timebase.sd(5.0) == pytest.approx(1e-6)


def test_shifting_adds_to_the_delay_alone():
    timebase = fluttering(0.2, 0.001, 0.2, 6.0)
    assert timebase.shifted(0.1).delay(7.0) == pytest.approx(float(timebase.delay(7.0)) + 0.1, abs=1e-15)


def test_the_speed_between_two_times_is_what_passed_in_over_what_passed_out():
    fast = Timebase.line(0.0, 100.0, 5.0, 4.0)  # 100 s take 99 s to return
    assert fast.speed(10.0, 60.0) == pytest.approx(100.0 / 99.0)
    assert fast.speed(np.array([0.0, 50.0]), np.array([50.0, 100.0])) == pytest.approx([100.0 / 99.0] * 2)
