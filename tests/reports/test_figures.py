"""What is drawn: the data on the axes, before and after it becomes SVG."""

from xml.etree import ElementTree

import matplotlib
import numpy as np
from matplotlib.collections import PolyCollection

from reports.figures import (
    Mark,
    Trace,
    against_level,
    distortion,
    flutter_spectrum,
    harmonic_responses,
    over_time,
    response,
    spectrum,
)
from reports.style import svg, thin, thin_band

F = np.geomspace(20, 20_000, 200)


def lines(axes) -> dict:
    return {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}


def test_response_holds_every_level_of_every_track_and_the_guides():
    levels = {label: -i * np.log10(F / 1000) for i, label in enumerate(("−20 dB", "0 dB"))}
    panels = {name: [Trace(label, F, y, y - 0.1, y + 0.1) for label, y in levels.items()] for name in ("Track 1", "Track 2")}
    figure = response(panels, "dB")
    assert [axes.get_title("left") for axes in figure.axes] == ["Track 1", "Track 2"]
    for axes in figure.axes:
        for label, y in levels.items():
            np.testing.assert_array_equal(lines(axes)[label].get_ydata(), y)
        assert {line.get_ydata()[0] for line in axes.get_lines() if "guide" in (line.get_gid() or "")} == {-3.0, 3.0}
        assert sum(isinstance(drawn, PolyCollection) for drawn in axes.collections) == 2  # the bands
        assert axes.get_xlim() == (20, 20_000)
        assert set(np.diff(axes.get_yticks())) == {5.0}


def test_svg_is_well_formed_repeatable_and_says_its_labels():
    def drawn() -> bytes:
        return svg(response({"Track <1> & $2$": [Trace("a", F, 0 * F), Trace("b", F, 1 + 0 * F)]}, "level"))

    assert drawn() == drawn()
    text = " ".join(ElementTree.fromstring(drawn()).itertext())
    for words in ("Track <1> & $2$", "Frequency (Hz)", "10k", "sent at a", "level"):
        assert words in text


def test_the_settings_of_others_are_left_alone():
    before = dict(matplotlib.rcParams)
    svg(spectrum([Trace("", F, -90 + 0 * F)], "dB"))
    assert dict(matplotlib.rcParams) == before


def test_distortion_shows_total_harmonics_and_the_3_percent_line():
    x = np.array([-10.0, 0.0, 6.0])
    traces = [Trace("THD", x, np.array([0.2, 1.0, 4.0])), Trace("H3", x, np.array([0.1, 0.9, 3.9]))]
    (axes,) = distortion({"": traces}, "level").axes
    np.testing.assert_array_equal(lines(axes)["H3"].get_ydata(), [0.1, 0.9, 3.9])
    assert any(np.all(np.asarray(line.get_ydata()) == 3.0) for line in axes.get_lines())
    assert axes.get_yscale() == "log"


def test_narrow_panels_share_the_label_of_their_levels():
    traces = [Trace("", np.array([-20.0, 0.0]), np.array([0.0, -1.0]))]
    for count, shared in ((3, False), (6, True)):
        figure = against_level({f"{i} kHz": traces for i in range(count)}, "Level sent", "Gain")
        assert {axes.get_xlabel() for axes in figure.axes} == ({""} if shared else {"Level sent"})
        assert (figure.get_supxlabel() == "Level sent") is shared


def test_flutter_lines_are_numbered_at_their_frequency():
    f = np.geomspace(0.1, 300, 500)
    (axes,) = flutter_spectrum([Trace("", f, 0.01 + 0 * f)], [Mark("1", 13.8), Mark("2", 14.0)]).axes
    placed = {text.get_text(): text.xy[0] for text in axes.texts}
    assert placed["1"] == 13.8
    assert placed["2"] == 14.0


def test_flutter_lines_outlast_the_thinning_and_gaps_do_not_show():
    f = np.arange(1, 30_000) / 100.0
    y = np.where(np.arange(f.size) % 2, 0.0, 1e-3)
    y[1379] = 0.05
    (axes,) = flutter_spectrum([Trace("", f, y)]).axes
    drawn = axes.get_lines()[0].get_ydata()
    assert drawn.max() == 0.05
    assert (drawn[-100:] >= 1e-3).all()


def test_harmonics_of_a_sweep_stand_in_a_panel_per_track():
    panels = {f"Track {i}": [Trace("H2", F, -60 - i + 0 * F), Trace("H3", F, -40 + 0 * F)] for i in (1, 2, 3)}
    figure = harmonic_responses(panels, "dB")
    assert [lines(axes)["H2"].get_ydata()[0] for axes in figure.axes[:3]] == [-61, -62, -63]
    assert not figure.axes[3].get_visible()
    assert svg(figure)


def test_a_spectrum_of_zeros_can_be_drawn():
    f = np.geomspace(0.1, 300, 50)
    assert svg(flutter_spectrum([Trace("", f, 0 * f)]))


def test_curves_of_several_sessions_share_the_axes():
    panels = {"Track 1": [Trace("deck A", F, 0 * F), Trace("deck B", F[::2], 1 + 0 * F[::2])]}
    (axes,) = response(panels, "dB", legend_title="").axes
    assert list(lines(axes)) == ["deck A", "deck B"]
    assert [t.get_text() for t in axes.figure.legends[0].get_texts()] == ["deck A", "deck B"]


def test_long_trajectories_are_thinned_and_keep_their_peaks():
    t = np.arange(300_000) / 500.0
    y = np.sin(t)
    y[123_456], y[222_222] = 9.0, -7.0
    (axes,) = over_time({"": [Trace("", t, y)]}, "%", 60.0).axes
    drawn = axes.get_lines()[0]
    assert len(drawn.get_xdata()) <= 1800
    at = dict(zip(drawn.get_xdata(), drawn.get_ydata(), strict=True))
    assert at[t[123_456]] == 9.0
    assert at[t[222_222]] == -7.0


def test_what_is_not_known_is_not_drawn():
    t = np.arange(300_000) / 500.0
    y = np.where((t > 100.0) & (t < 200.0), np.nan, np.sin(t))
    (axes,) = over_time({"": [Trace("", t, y)]}, "%", 60.0).axes
    x, drawn = (np.asarray(v) for v in axes.get_lines()[0].get_data())
    inside = (x > 100.0) & (x < 200.0)
    assert np.isnan(drawn[inside]).all()
    assert inside.any()
    assert np.isfinite(drawn[(x < 99.0) | (x > 201.0)]).all()
    assert np.nanmax(drawn) > 0.999


def test_thinning_keeps_short_curves_and_order():
    x, y = thin(F, F, 150)
    np.testing.assert_array_equal(x, F)
    long = np.geomspace(1, 1000, 5000)
    x, y = thin(long, np.cos(long), 100, logarithmic=True)
    assert np.all(np.diff(x) > 0)
    np.testing.assert_array_equal(y, np.cos(x))
    x, low, high = thin_band(long, np.cos(long) - 1, np.cos(long) + 1, 100, logarithmic=True)
    assert low.min() == (np.cos(long) - 1).min()
    assert high.max() == (np.cos(long) + 1).max()
