"""Lines that share axes: each where it belongs, with one look everywhere, and its name beside its end."""

import numpy as np
import pytest

from reports.figures import Trace
from reports.overlays import Ordinate, overlay, side_by_side, spread_apart
from reports.scatter import dropouts
from reports.style import svg
from reports.subjects.phase import smoothed
from reports.subjects.timebase import running_mean

F = np.geomspace(20, 20_000, 200)


def names(axes) -> dict[str, tuple[float, str]]:
    return {t.get_text(): (t.xy[1], t.get_color()) for t in axes.texts}


def test_a_label_has_one_look_in_every_panel_and_stands_at_the_end_of_its_line():
    panels = {
        "one": [Trace("A", F, 0 * F), Trace("B", F, -10 + 0 * F)],
        "two": [Trace("B", F, 5 + 0 * F)],
    }
    figure = overlay(panels, "frequency", Ordinate("dB", 5.0), looks=["A", "B"])
    first, second = figure.axes
    looks = {line.get_label(): (line.get_color(), line.get_linestyle()) for line in first.get_lines()}
    assert looks["A"] != looks["B"]
    (line,) = [line for line in second.get_lines() if line.get_label() == "B"]
    assert (line.get_color(), line.get_linestyle()) == looks["B"]
    bottom, top = first.get_ylim()
    assert names(first)["A"][0] == pytest.approx((0 - bottom) / (top - bottom), abs=0.03)
    assert names(first)["A"][1] == looks["A"][0]
    assert set(names(second)) == {"B"}
    assert svg(figure)


def test_a_single_name_is_not_written():
    (axes,) = overlay({"": [Trace("Track 1", F, 0 * F)]}, "frequency", Ordinate("dB", 5.0)).axes
    assert names(axes) == {}


@pytest.mark.parametrize(
    "places", [[0.5, 0.5, 0.5], [0.0, 0.01, 0.9], [0.97, 0.98, 0.99], [0.1, 0.5, 0.9], [0.2, 0.24, 0.28]]
)
def test_names_stand_apart_and_inside(places):
    found = spread_apart(places, 0.1)
    assert np.all(np.diff(found) >= 0.1 - 1e-9)
    assert min(found) >= -1e-9
    assert max(found) <= 1.0 + 1e-9
    if np.all(np.diff(places) >= 0.1):
        assert found == pytest.approx(places)  # what stands apart already stays
    assert abs(np.mean(found) - np.mean(places)) < 0.12


def test_percent_stands_on_decades_and_a_flutter_line_outlasts_the_thinning():
    f = np.arange(1, 30_000) / 100.0
    y = np.full(f.size, 1e-3)
    y[1379] = 0.05
    (axes,) = overlay({"": [Trace("A", f, y), Trace("B", f, 2 * y)]}, "flutter", Ordinate("%", logarithmic=True)).axes
    assert axes.get_yscale() == "log"
    assert axes.get_lines()[0].get_ydata().max() == 0.05


def test_quantities_of_different_kinds_have_ordinates_of_their_own():
    figure = side_by_side({"Phase": (Ordinate("deg", 90.0), [Trace("a", F, F / 100)]), "Delay": (Ordinate("ms"), [])}, 56.0)
    assert [axes.get_ylabel() for axes in figure.axes] == ["deg", "ms"]
    assert svg(figure)


def test_smoothing_over_octaves_is_the_mean_in_log_frequency():
    f = np.geomspace(20.0, 20_000.0, 481)
    np.testing.assert_allclose(smoothed(f, np.full(f.size, 3.0), 1 / 6), 3.0)
    slope = smoothed(f, np.log2(f), 0.5)  # the mean of a straight line over a stretch about a point is its value there
    inside = (f > 40.0) & (f < 10_000.0)
    np.testing.assert_allclose(slope[inside], np.log2(f[inside]), atol=1e-3)


def test_running_mean_takes_out_a_whole_period():
    t = np.arange(0.0, 30.0, 0.01)
    y = 0.2 + 0.01 * t + np.sin(2 * np.pi * t)
    inside = (t > 1.0) & (t < 29.0)
    np.testing.assert_allclose(running_mean(t, y, 1.0)[inside], (0.2 + 0.01 * t)[inside], atol=0.011)


def test_every_dropout_is_a_point():
    figure = dropouts({"Track 1": (np.array([0.002, 0.05]), np.array([6.0, 20.0])), "Track 2": (np.array([]), np.array([]))})
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.get_lines()[0].get_xdata(), [2.0, 50.0])
    assert axes.get_ylim()[0] > 20.0 > axes.get_ylim()[1]  # deepest lowest
    assert svg(figure)
