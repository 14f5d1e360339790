"""Panels that share their axes and the look of their lines: what is labelled alike looks alike in every panel.

Lines bear their names at their right ends, so that no key has to be looked up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures import Trace
from reports.style import (
    CATEGORICAL,
    DASHES,
    GREY,
    INK,
    crests,
    decade_axis,
    frequency_axis,
    new_figure,
    rounded_limits,
    signed_axis,
    styled,
    thin,
    thin_band,
)

_POINTS = 600
_CRESTS = 200
_LABEL_MM = 3.7  # what a label needs to stand apart from the next
_MARGIN_MM = 9.0  # of a panel's height, for what stands above and below its axes
_LOG_FLOOR = 1e-9
_CLEAR = 0.04  # of a step of the grid
_AXES_ROW_MM = 60.0

Over = Literal["frequency", "flutter", "level", "time"]
_REACH: Mapping[Over, tuple[float, float]] = {"frequency": (20.0, 20_000.0), "flutter": (0.1, 300.0)}
_X_LABELS: Mapping[Over, str] = {
    "frequency": "Frequency (Hz)",
    "flutter": "Flutter frequency (Hz)",
    "level": "Level sent (dB re reference)",
    "time": "Time from the start of the stimulus (s)",
}


@dataclass(frozen=True)
class Ordinate:
    """How the vertical axis is drawn.

    Attributes
    ----------
    label : str
        Quantity and unit.
    step : float
        Distance of the grid lines; None: as fits.
    reach : tuple of float
        The axis goes no further than this, whatever the values.
    logarithmic : bool
        Decades, for quantities in percent.
    guides : tuple of float
        Values at which a broken line stands.
    """

    label: str
    step: float | None = None
    reach: tuple[float, float] = (-np.inf, np.inf)
    logarithmic: bool = False
    guides: tuple[float, ...] = ()


@styled
def overlay(
    panels: Mapping[str, Sequence[Trace]],
    over: Over,
    ordinate: Ordinate,
    height_mm: float | None = None,
    columns: int | None = None,
    looks: Sequence[str] | None = None,
) -> Figure:
    """Draw labelled lines in panels.

    Parameters
    ----------
    panels : mapping of str to sequence of Trace
        Title of each panel and its lines.
    over : str
        What runs along the horizontal axis.
    columns : int, optional
        Panels side by side; by default one while there are two panels or fewer, else two.
    looks : sequence of str, optional
        Labels in the order in which they get colour and dashes; by default that of their first appearance.
    """
    columns = columns or (1 if len(panels) <= 2 else 2)
    rows = -(-len(panels) // columns)
    height_mm = height_mm or (84.0 if len(panels) == 1 else _AXES_ROW_MM * rows + 6.0)
    gap = _LABEL_MM / (height_mm / rows - _MARGIN_MM)
    figure = new_figure(height_mm)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    names = list(looks or dict.fromkeys(t.label for traces in panels.values() for t in traces))
    reach = _REACH.get(over)
    limits = _limits([t for traces in panels.values() for t in traces], ordinate, reach)
    for axes, (title, traces) in zip(grid, panels.items(), strict=False):
        _ordinate(axes, ordinate, limits)
        if reach:
            frequency_axis(axes, *reach, label=False)
        axes.set_title(title)
        for trace in traces:
            look = names.index(trace.label)
            _line(axes, trace, CATEGORICAL[look % 6], DASHES[look % 6], over)
        if not reach:
            axes.margins(x=0.01)
            signed_axis(axes, "x")
    for axes, traces in zip(grid, panels.values(), strict=False):  # now that the common axes know their limits
        _name_lines(axes, traces, names, ordinate.logarithmic, gap)
    _trim(grid, len(panels), columns, _X_LABELS[over])
    figure.supylabel(ordinate.label, fontsize=9.0)
    return figure


@styled
def side_by_side(panels: Mapping[str, tuple[Ordinate, Sequence[Trace]]], height_mm: float) -> Figure:
    """Draw quantities of different kinds over frequency beside each other, each with an ordinate of its own."""
    figure = new_figure(height_mm)
    grid = figure.subplots(1, len(panels), squeeze=False).ravel()
    names = list(dict.fromkeys(t.label for _, traces in panels.values() for t in traces))
    for axes, (title, (ordinate, traces)) in zip(grid, panels.items(), strict=True):
        _ordinate(axes, ordinate, _limits(traces, ordinate, _REACH["frequency"]))
        frequency_axis(axes, *_REACH["frequency"])
        axes.set_title(title)
        axes.set_ylabel(ordinate.label)
        for trace in traces:
            look = names.index(trace.label)
            _line(axes, trace, CATEGORICAL[look % 6], DASHES[look % 6], "frequency")
        _name_lines(axes, traces, names, ordinate.logarithmic, _LABEL_MM / (height_mm - _MARGIN_MM))
    return figure


def _line(axes: Axes, trace: Trace, colour: str, dashes: object, over: Over) -> None:
    logarithmic = over in _REACH
    x, y = trace.x, trace.y
    if over == "flutter":
        x, y = crests(x, x, _CRESTS)[1], crests(x, y, _CRESTS)[1]
    if trace.low is not None and trace.high is not None and over != "flutter":
        limits = thin_band(trace.x, trace.low, trace.high, _POINTS, logarithmic)
        axes.fill_between(*limits, color=colour, alpha=0.16, linewidth=0)
    x, y = thin(x, y, _POINTS, logarithmic)
    marker = "o" if len(x) < 16 else None
    axes.plot(x, y, color=colour, linestyle=dashes, linewidth=1.1, marker=marker, markersize=2.6, label=trace.label)


def _limits(traces: Sequence[Trace], ordinate: Ordinate, reach: tuple[float, float] | None) -> tuple[float, float] | None:
    low, high = reach or (-np.inf, np.inf)
    shown = [t.y[(t.x >= low) & (t.x <= high)] for t in traces]
    if ordinate.logarithmic:
        positive = [y[y > _LOG_FLOOR] for y in shown]
        top = max((float(y.max()) for y in positive if y.size), default=1.0)
        bottom = max(min((float(np.quantile(y, 0.02)) for y in positive if y.size), default=0.1), top / 3000.0)
        bottom, top = min([bottom, *ordinate.guides]), max([top, *ordinate.guides])
        return max(10.0 ** np.floor(np.log10(bottom)), ordinate.reach[0]), 10.0 ** np.ceil(np.log10(top))
    if ordinate.step is None:
        return None
    bottom, top = rounded_limits(shown, ordinate.step, *ordinate.reach)
    highest = max((float(y.max()) for y in shown if y.size), default=top)
    top += ordinate.step if top - highest < _CLEAR * ordinate.step else 0.0  # no line along the edge
    return min([bottom, *ordinate.guides]), max([top, *ordinate.guides])


def _ordinate(axes: Axes, ordinate: Ordinate, limits: tuple[float, float] | None) -> None:
    if ordinate.logarithmic and limits:
        decade_axis(axes, *limits)
    else:
        if limits and ordinate.step:
            axes.set_ylim(*limits)
            many = int((limits[1] - limits[0]) / ordinate.step) + 1
            axes.set_yticks(np.arange(limits[0], limits[1] + 1e-9, ordinate.step * (1 + many // 12)))
        signed_axis(axes)
        axes.axhline(0.0, color=GREY, linewidth=0.6)
    for guide in ordinate.guides:
        axes.axhline(guide, color=INK, linewidth=0.7, linestyle=(0, (4, 2)))


def _name_lines(axes: Axes, traces: Sequence[Trace], names: Sequence[str], logarithmic: bool, gap: float) -> None:
    """Put the name of each line at its right end, apart from the others; none where there is but one name in the figure."""
    if len(names) < 2:
        return
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()

    def height(value: float) -> float:
        if logarithmic:
            value, low, high = (float(np.log10(max(v, _LOG_FLOOR))) for v in (value, bottom, top))
        else:
            low, high = bottom, top
        return min(max((value - low) / (high - low), 0.02), 0.98)

    ends = []
    for trace in traces:
        inside = (trace.x >= left) & (trace.x <= right) & np.isfinite(trace.y)
        if trace.label and inside.any():
            ends.append((height(float(trace.y[inside][-1])), trace.label))
    ends.sort()
    for (_, label), place in zip(ends, spread_apart([h for h, _ in ends], gap), strict=True):
        colour = CATEGORICAL[names.index(label) % 6]
        axes.annotate(
            label, (1.0, place), xycoords="axes fraction", xytext=(4, 0), textcoords="offset points",
            color=colour, fontsize=8.5, va="center", ha="left", annotation_clip=False,
        )  # fmt: skip


def spread_apart(places: Sequence[float], gap: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Move rising places so that neighbours stand `gap` apart, each group about its own mean, all between `low` and `high`."""
    groups = [[place] for place in places]
    centres = list(places)
    merged = True
    while merged:
        merged = False
        for i in range(len(groups) - 1):
            reach = gap * (len(groups[i]) + len(groups[i + 1])) / 2.0
            if centres[i + 1] - centres[i] < reach - 1e-12:
                groups[i : i + 2] = [groups[i] + groups[i + 1]]
                centres[i : i + 2] = [float(np.mean(groups[i]))]
                merged = True
                break
        centres = [
            min(max(c, low + gap * (len(g) - 1) / 2.0), high - gap * (len(g) - 1) / 2.0)
            for c, g in zip(centres, groups, strict=True)
        ]
    return [c + gap * (i - (len(g) - 1) / 2.0) for c, g in zip(centres, groups, strict=True) for i in range(len(g))]


def _trim(grid: np.ndarray, count: int, columns: int, x_label: str) -> None:
    """Label the lowest panels and hide the places that stay empty."""
    for axes in grid[count:]:
        axes.set_visible(False)
    for i in range(max(count - columns, 0), count):
        grid[i].set_xlabel(x_label)
        grid[i].tick_params(labelbottom=True)
