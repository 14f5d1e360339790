"""The figures of a report: traces in, matplotlib figures out.

A figure knows nothing of sessions: it draws labelled traces, so curves of one session or of several can share its axes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator

from reports.style import (
    CATEGORICAL,
    DASHES,
    GREY,
    INK,
    crests,
    decade_axis,
    frequency_axis,
    legend,
    new_figure,
    rounded_limits,
    sequence_colours,
    signed_axis,
    styled,
    thin,
    thin_band,
)

_POINTS = 900  # steps across a page-wide plot: about five to the millimetre
_LOWEST_DB = -30.0
_CRESTS = 250
_LOWEST_FLUTTER = 1e-6


@dataclass(frozen=True)
class Trace:
    """One labelled line, with limits where they are known."""

    label: str
    x: np.ndarray
    y: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @classmethod
    def of(cls, label: str, x: Sequence[float], y: Sequence[float]) -> "Trace":
        """Make a trace from single points."""
        return cls(label, np.asarray(x, dtype=float), np.asarray(y, dtype=float))


@dataclass(frozen=True)
class Mark:
    """A numbered or named place on the horizontal axis, with the name of what it is where that is known."""

    label: str
    place: float
    name: str = ""


@styled
def over_time(panels: Mapping[str, Sequence[Trace]], label: str, height_mm: float) -> Figure:
    """Quantities over time, one panel above the other with common axes; peaks survive the thinning."""
    figure = new_figure(height_mm)
    stack = figure.subplots(len(panels), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for i, (axes, (title, traces)) in enumerate(zip(stack, panels.items(), strict=True)):
        for j, trace in enumerate(traces):
            x, y = thin(trace.x, trace.y, _POINTS)
            # Below each other panels differ in colour; what stands in each of them looks alike.
            colour = INK if j and len(panels) > 1 else CATEGORICAL[(i + j) % 6]
            axes.plot(x, y, color=colour, linewidth=0.7, label=trace.label)
        axes.axhline(0.0, color=GREY, linewidth=0.5)
        axes.set_title(title)
        axes.margins(x=0.005)
        signed_axis(axes)
    if len(panels) == 1:
        legend(figure)
    figure.supylabel(label, fontsize=9.0)
    stack[-1].set_xlabel("Time from the start of the stimulus (s)")
    signed_axis(stack[-1], "x")
    return figure


@styled
def flutter_spectrum(traces: Sequence[Trace], marks: Sequence[Mark] = (), height_mm: float = 92.0) -> Figure:
    """Deviation against flutter frequency, both axes logarithmic; lines carry the number of their table row."""
    figure = new_figure(height_mm)
    axes = figure.subplots()
    frequency_axis(axes, 0.1, 300.0, label=False)
    axes.set_xlabel("Flutter frequency (Hz)")
    axes.set_ylabel("Deviation (%)")
    traces = [_crests(t) for t in traces]
    shown = [t.y[(t.x >= 0.1) & (t.x <= 300.0)] for t in traces]
    top = max((float(y.max()) for y in shown if y.size), default=0.0) or 0.1
    bottom = max(min((float(np.quantile(y, 0.02)) for y in shown if y.size), default=0.0), top / 1000.0)
    bottom = 10.0 ** np.floor(np.log10(bottom))
    decade_axis(axes, bottom, top * _room_for_names(marks, top / bottom, height_mm))
    for i, trace in enumerate(traces):
        _line(axes, trace, CATEGORICAL[i % 6], "-", logarithmic=True, width=0.9)
    axes.axvline(6.0, color=GREY, linewidth=0.6, linestyle=(0, (2, 2)))
    for where, word, side in ((5.7, "wow", "right"), (6.3, "flutter", "left")):
        axes.annotate(
            word, (where, 0.015), xycoords=("data", "axes fraction"), ha=side, color=GREY, fontsize=8.5, style="italic"
        )
    if traces:
        _number_lines(axes, traces, marks)
    legend(figure)
    return figure


@styled
def response(
    panels: Mapping[str, Sequence[Trace]], label: str, height_mm: float | None = None, legend_title: str = "sent at"
) -> Figure:
    """Levels over 20 Hz to 20 kHz, 5 dB per division, with guide lines at ±3 dB; one panel a track, levels overlaid."""
    wide = len(panels) <= 2
    rows = len(panels) if wide else (len(panels) + 1) // 2
    figure = new_figure(height_mm or {1: 100.0, 2: 152.0}.get(len(panels), 76.0 * rows))
    grid = figure.subplots(rows, 1 if wide else 2, sharex=True, sharey=True, squeeze=False).ravel()
    audible = [t.y[(t.x >= 20.0) & (t.x <= 20_000.0)] for traces in panels.values() for t in traces]
    bottom, top = rounded_limits(audible, 5.0, _LOWEST_DB, 20.0)
    for axes, (title, traces) in zip(grid, panels.items(), strict=False):
        _response_axes(axes, bottom, max(top, 5.0))
        axes.set_title(title)
        for trace, colour in zip(traces, sequence_colours(len(traces)), strict=True):
            _line(axes, trace, colour, "-", logarithmic=True)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    if not wide and len(panels) % 2:  # the panel above an empty place has to show its own numbers
        grid[len(panels) - 2].tick_params(labelbottom=True)
    for axes in grid[: len(panels)][-(1 if wide else 2) :]:
        axes.set_xlabel("Frequency (Hz)")
    figure.supylabel(label, fontsize=9.0)
    legend(figure, lead=legend_title)
    return figure


@styled
def response_thumbnail(traces: Sequence[Trace], label: str, width_mm: float = 84.0, height_mm: float = 52.0) -> Figure:
    """Draw the tracks' responses small, for the first page."""
    figure = new_figure(height_mm, width_mm)
    axes = figure.subplots()
    bottom, _ = rounded_limits([t.y[(t.x >= 30.0) & (t.x <= 16_000.0)] for t in traces], 5.0, -20.0, 10.0)
    _response_axes(axes, min(bottom, -10.0), 5.0)
    axes.xaxis.set_major_locator(FixedLocator([20, 100, 1000, 10_000]))
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel(label)
    for i, trace in enumerate(traces):
        _line(axes, trace, CATEGORICAL[i % 6], DASHES[i % 6], logarithmic=True, band=False)
    legend(figure)
    return figure


@styled
def distortion(
    panels: Mapping[str, Sequence[Trace]],
    x_label: str,
    limits: Mapping[str, Mark] | None = None,
    height_mm: float | None = None,
) -> Figure:
    """Distortion and harmonics in percent against level, with the 3 % line; the first trace of a panel is the total.

    `limits` marks, by panel, the level at which the line is reached.
    """
    rows = (len(panels) + 1) // 2
    figure = new_figure(height_mm or (74.0 if rows == 1 else 68.0 * rows))
    grid = figure.subplots(rows, min(len(panels), 2), sharex=True, sharey=True, squeeze=False).ravel()
    shown = [t.y[t.y > 0] for traces in panels.values() for t in traces]
    top = max((float(y.max()) for y in shown if y.size), default=10.0)
    bottom = min((float(y.min()) for y in shown if y.size), default=0.01)
    for axes, (title, traces) in zip(grid, panels.items(), strict=False):
        axes.set_title(title)
        decade_axis(axes, max(1e-3, 10.0 ** np.floor(np.log10(bottom))), max(10.0, 10.0 ** np.ceil(np.log10(top))))
        axes.axhline(3.0, color=INK, linewidth=0.7, linestyle=(0, (4, 2)))
        axes.annotate(
            "3 %", (0.0, 3.0), xycoords=("axes fraction", "data"), xytext=(3, 2), textcoords="offset points", fontsize=8.5
        )
        for i, trace in enumerate(traces):
            total = i == 0
            _line(
                axes,
                trace,
                INK if total else CATEGORICAL[(i - 1) % 6],
                "-" if total else DASHES[i % 6],
                width=1.6 if total else 1.1,
                marker="o" if total else None,
            )
        limit = (limits or {}).get(title)
        if limit is not None:
            axes.plot([limit.place], [3.0], "D", color=INK, markersize=4.5, markerfacecolor="white", markeredgewidth=1.0)
            axes.annotate(
                limit.label, (limit.place, 3.0), xytext=(-6, 6), textcoords="offset points", ha="right", fontsize=8.5
            )
        signed_axis(axes, "x")
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[: len(panels)][-2:]:
        axes.set_xlabel(x_label)
    figure.supylabel("Distortion (%)", fontsize=9.0)
    legend(figure)
    return figure


@styled
def harmonic_responses(panels: Mapping[str, Sequence[Trace]], label: str, height_mm: float = 66.0) -> Figure:
    """Harmonics against the frequency of their fundamental, panels side by side."""
    figure = new_figure(height_mm * ((len(panels) + 1) // 2))
    grid = figure.subplots((len(panels) + 1) // 2, min(len(panels), 2), sharex=True, sharey=True, squeeze=False).ravel()
    shown = [t.y[(t.x >= 20.0) & (t.x <= 20_000.0)] for traces in panels.values() for t in traces]
    bottom, top = rounded_limits(shown, 10.0, -100.0, 20.0)
    for axes, (title, traces) in zip(grid, panels.items(), strict=False):
        frequency_axis(axes, label=False)
        axes.set_ylim(bottom, top)
        axes.set_title(title)
        signed_axis(axes)
        for i, trace in enumerate(traces):
            _line(axes, trace, CATEGORICAL[i % 6], DASHES[(i + 1) % 6], logarithmic=True, width=1.1)
    for axes in grid[len(panels) :]:
        axes.set_visible(False)
    for axes in grid[: len(panels)][-2:]:
        axes.set_xlabel("Frequency (Hz)")
    figure.supylabel(label, fontsize=9.0)
    legend(figure)
    return figure


@styled
def against_level(panels: Mapping[str, Sequence[Trace]], x_label: str, y_label: str, height_mm: float = 46.0) -> Figure:
    """Quantities in dB against the level sent, panels side by side, with a line at zero."""
    figure = new_figure(height_mm)
    row = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, (title, traces) in zip(row, panels.items(), strict=True):
        axes.axhline(0.0, color=GREY, linewidth=0.7)
        axes.set_title(title)
        for i, trace in enumerate(traces):
            _line(axes, trace, CATEGORICAL[i % 6], DASHES[i % 6], marker="o")
        signed_axis(axes)
        signed_axis(axes, "x")
        if len(panels) <= 3:
            axes.set_xlabel(x_label)
    if len(panels) > 3:  # too narrow for a label each
        figure.supxlabel(x_label, fontsize=9.0)
    row[0].set_ylabel(y_label)
    legend(figure)
    return figure


@styled
def spectrum(
    traces: Sequence[Trace], y_label: str, marks: Sequence[Mark] = (), height_mm: float = 80.0, steps: bool = False
) -> Figure:
    """Noise over 20 Hz to 20 kHz, with named lines; `steps` draws third octaves as the bands they are."""
    figure = new_figure(height_mm)
    axes = figure.subplots()
    frequency_axis(axes)
    axes.set_ylabel(y_label)
    audible = [t.y[(t.x >= 20.0) & (t.x <= 20_000.0)] for t in traces]
    bottom, top = rounded_limits(audible, 10.0, -180.0, 20.0)
    axes.set_ylim(bottom, top + 5.0)
    axes.set_yticks(np.arange(bottom, top + 5.1, 10.0))
    signed_axis(axes)
    for i, trace in enumerate(traces):
        if steps:
            axes.step(trace.x, trace.y, where="mid", color=CATEGORICAL[i % 6], linestyle=DASHES[i % 6], label=trace.label)
        else:
            _line(axes, trace, CATEGORICAL[i % 6], DASHES[i % 6] if i else "-", logarithmic=True, width=0.9)
    for mark in marks:
        height = max((float(np.interp(mark.place, t.x, t.y)) for t in traces), default=bottom)
        axes.annotate(
            mark.label, (mark.place, height), xytext=(0, 7), textcoords="offset points", ha="center", fontsize=8.0,
            arrowprops={"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 1},
        )  # fmt: skip
    legend(figure)
    return figure


@styled
def errors(rows: Sequence[tuple[str, Sequence[float | None]]]) -> Figure:
    """Per row the error in dB of plain filter, model and floor, as marks on one scale."""
    figure = new_figure(22.0 + 9.0 * len(rows))
    axes = figure.subplots()
    looks = (("plain filter", "D", GREY), ("model", "o", CATEGORICAL[0]), ("floor", "|", INK))
    for i, (name, look, colour) in enumerate(looks):
        x = np.array([values[i] for _, values in rows], dtype=float)  # None becomes NaN, which is not drawn
        size = 11 if look == "|" else 6
        axes.plot(x, range(len(rows)), look, color=colour, markersize=size, markeredgewidth=1.6, label=name)
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.grid(False, axis="x")
    axes.set_xlabel("Error-to-signal ratio (dB)")
    axes.margins(x=0.1)
    signed_axis(axes, "x")
    legend(figure)
    return figure


def _response_axes(axes: Axes, bottom: float, top: float) -> None:
    frequency_axis(axes, label=False)
    axes.set_ylim(bottom, top)
    axes.set_yticks(np.arange(bottom, top + 0.1, 5.0))
    signed_axis(axes)
    axes.axhline(0.0, color=GREY, linewidth=0.7)
    for guide in (-3.0, 3.0):
        axes.axhline(guide, color=GREY, linewidth=0.8, linestyle=(0, (4, 2)), gid=f"guide{guide:+g}dB")


def _line(
    axes: Axes,
    trace: Trace,
    colour: object,
    dashes: object,
    *,
    logarithmic: bool = False,
    width: float = 1.2,
    marker: str | None = None,
    band: bool = True,
) -> None:
    """One trace and, behind it, the band between its limits."""
    if band and trace.low is not None and trace.high is not None:
        limits = thin_band(trace.x, trace.low, trace.high, _POINTS, logarithmic)
        axes.fill_between(*limits, color=colour, alpha=0.2, linewidth=0)
    x, y = thin(trace.x, trace.y, _POINTS, logarithmic)
    axes.plot(x, y, color=colour, linestyle=dashes, linewidth=width, marker=marker, markersize=3.2, label=trace.label)


def _crests(trace: Trace) -> Trace:
    """A line spectrum as its highest points, and no lower than a logarithmic axis can show."""
    low, y, high = (
        None if v is None else np.maximum(crests(trace.x, v, _CRESTS)[1], _LOWEST_FLUTTER)
        for v in (trace.low, trace.y, trace.high)
    )
    return Trace(trace.label, crests(trace.x, trace.x, _CRESTS)[1], trace.y if y is None else y, low, high)


def _room_for_names(marks: Sequence[Mark], ratio: float, height_mm: float) -> float:
    """Factor by which the axis goes beyond the highest line, so that the longest name stands inside."""
    longest = max((len(mark.name) for mark in marks), default=0)
    if not longest:
        return 2.0
    axes_mm = height_mm - 16.0
    wanted_mm = min(9.0 + 1.3 * longest, 0.5 * axes_mm)
    return float(10.0 ** (np.log10(ratio) * wanted_mm / (axes_mm - wanted_mm)))


def _number_lines(axes: Axes, traces: Sequence[Trace], marks: Sequence[Mark]) -> None:
    """Put each mark's number above the highest trace there; those that would touch go higher step by step.

    Above the number stands the name, upright, where the next line leaves room for it.
    """
    above = 0
    before_hz, height = 0.0, 0.0
    ordered = sorted(marks, key=lambda m: m.place)
    for i, mark in enumerate(ordered):
        above = above + 1 if mark.place < 1.09 * before_hz else 0
        before_hz = mark.place
        own = max(float(np.max(t.y[_around(t.x, mark.place)], initial=_LOWEST_FLUTTER)) for t in traces)
        height = max(own, height) if above else own
        axes.annotate(
            mark.label, (mark.place, height), xytext=(0, 6 + 13 * above), textcoords="offset points",
            ha="center", fontsize=8.5,
            bbox={"boxstyle": "circle,pad=0.18", "facecolor": "white", "edgecolor": GREY, "linewidth": 0.6},
        )  # fmt: skip
        crowded = i + 1 < len(ordered) and ordered[i + 1].place < 1.09 * mark.place
        if mark.name and not crowded:
            axes.annotate(
                mark.name, (mark.place, height), xytext=(0, 18 + 13 * above), textcoords="offset points",
                ha="center", va="bottom", rotation=90, fontsize=8.0, color=GREY,
            )  # fmt: skip


def _around(x: np.ndarray, frequency_hz: float) -> np.ndarray:
    return np.abs(np.log10(np.maximum(x, 1e-9) / frequency_hz)) < 0.02
