"""Drift: the slope of a straight line through the speeds of the parts, and how far edges that are read wrongly move it."""

import numpy as np
import pytest

from analysis import drift


def test_drift_is_the_slope_by_least_squares_times_the_length() -> None:
    edges_s = drift.edges(10.0, 130.0)
    speed = 1.0 + 1e-3 * np.random.default_rng(1).standard_normal(drift.PARTS)
    slope = np.polyfit(0.5 * (edges_s[:-1] + edges_s[1:]), speed, 1)[0]
    assert drift.percent(speed, edges_s, 1e-6)[0] == pytest.approx(100.0 * slope * 120.0)


def test_its_uncertainty_is_two_deviations_of_what_edges_read_wrongly_make() -> None:
    edges_s, sd_s = drift.edges(0.0, 60.0), np.linspace(1e-5, 3e-5, drift.PARTS + 1)
    late_s = sd_s * np.random.default_rng(2).standard_normal((4000, sd_s.size))
    told = [drift.percent(np.diff(edges_s) / np.diff(edges_s + late), edges_s, sd_s) for late in late_s]
    assert told[0][1] == pytest.approx(1.96 * np.std([value for value, _ in told]), rel=0.05)
