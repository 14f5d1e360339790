"""The look of every figure: colours, type, axes, and the way to SVG bytes.

Matplotlib is used through its objects inside a settings context of our own; pyplot and its global state are never touched.
"""

import io
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, ScalarFormatter
from matplotlib.transforms import Transform

P = ParamSpec("P")
R = TypeVar("R")

TEXT_WIDTH_MM = 174.0
INK, GREY, HAIR = "#1b1b1f", "#6a6a72", "#d9d9de"
# After Okabe and Ito, without their yellow: told apart with any colour vision, and by the dashes without colour.
CATEGORICAL = ("#0072b2", "#d55e00", "#009e73", "#aa4499", "#56b4e9", "#6a6a72")
DASHES = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)), (0, (3, 1.2)), (0, (8, 2)))
_LAYOUT_FONT = "STIXGeneral"  # comes with matplotlib; close in width to the typeface of the report, which draws the text
_DRAWN_FONTS = "'Libertinus Serif', 'STIXGeneral', 'STIX Two Text', serif"
_SETTINGS: Any = {
    "font.family": _LAYOUT_FONT,
    "font.size": 9.0,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.6,
    "axes.labelsize": 9.0,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": HAIR,
    "grid.linewidth": 0.5,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 0.0,
    "ytick.minor.size": 0.0,
    "lines.linewidth": 1.2,
    "lines.solid_joinstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "legend.handlelength": 2.2,
    "legend.columnspacing": 1.4,
    "figure.constrained_layout.use": True,
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.02,
    "path.simplify": True,
    "svg.fonttype": "none",
    "svg.hashsalt": "tape",
}


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """Run a drawing function inside the settings of the report."""

    @wraps(draw)
    def inside(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context(_SETTINGS):
            return draw(*args, **kwargs)

    return inside


def new_figure(height_mm: float, width_mm: float = TEXT_WIDTH_MM) -> Figure:
    """Make an empty figure of the given printed size."""
    return Figure(figsize=(width_mm / 25.4, height_mm / 25.4))


@styled
def svg(figure: Figure) -> bytes:
    """Render a figure as SVG, the same bytes each time; text stays text."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # measured only; another font draws it
        canvas: Any = FigureCanvasSVG(figure)  # its methods have no type hints
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": "tape"})
    return buffer.getvalue().replace(f"'{_LAYOUT_FONT}'".encode(), _DRAWN_FONTS.encode())


def sequence_colours(count: int) -> list[tuple[float, ...]]:
    """Colours of an ordered series, quiet to loud: viridis from its darkest without the yellow end."""
    positions = np.linspace(0.05, 0.82, count) if count > 1 else np.array([0.35])
    return [tuple(colour) for colour in matplotlib.colormaps["viridis"](positions)]


def frequency_axis(axes: Axes, low: float = 20.0, high: float = 20_000.0, label: bool = True) -> None:
    """Logarithmic frequency axis with the numbers that people read: 20, 50, 100, ... 20k."""
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = [t for d in decades for t in (d, 2 * d, 5 * d) if low * 0.999 <= t <= high * 1.001]
    lines = [m * d for d in decades for m in (3, 4, 6, 7, 8, 9) if low <= m * d <= high]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda f, _: f"{f / 1000:g}k" if f >= 1000 else f"{f:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    _between(axes, lines, axes.get_xaxis_transform(), upright=True)
    if label:
        axes.set_xlabel("Frequency (Hz)")


def decade_axis(axes: Axes, low: float, high: float) -> None:
    """Logarithmic ordinate with plain decimal numbers, a grid line at 2 and 5 of each decade."""
    axes.set_yscale("log")
    axes.set_ylim(low, high)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    axes.yaxis.set_major_locator(FixedLocator([d for d in decades if low * 0.999 <= d <= high * 1.001]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:.10f}".rstrip("0").rstrip(".")))
    axes.yaxis.set_minor_locator(NullLocator())
    lines = [m * d for d in decades for m in (2, 5) if low <= m * d <= high]
    _between(axes, lines, axes.get_yaxis_transform(), upright=False)


def _between(axes: Axes, places: Sequence[float], transform: Transform, upright: bool) -> None:
    """Thin lines of the grid between those that bear numbers: one object for all, where ticks take most of the time of a figure."""
    ends = [[(place, 0.0), (place, 1.0)] if upright else [(0.0, place), (1.0, place)] for place in places]
    axes.add_collection(LineCollection(ends, colors=HAIR, linewidths=0.25, zorder=0.5, transform=transform), autolim=False)


def signed_axis(axes: Axes, axis: str = "y") -> None:
    """Use true minus signs, the same decimals at every tick, and no offset."""
    (axes.yaxis if axis == "y" else axes.xaxis).set_major_formatter(ScalarFormatter(useOffset=False))


def legend(figure: Figure, lead: str = "") -> None:
    """Put one legend for all axes above the figure at its right, out of the way of the curves.

    Labels that occur on several axes stand once. A single label says nothing that the caption does not, and gets none.
    """
    handles: dict[str, Artist] = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    if len(handles) > 1 or (lead and handles):
        labels = [f"{lead} {label}".strip() if i == 0 else label for i, label in enumerate(handles)]
        # Beside the title of the uppermost of stacked axes there is room; elsewhere a row of its own is made.
        beside_title = figure.axes[0].get_title("left") and figure.axes[0].get_position().width > 0.6
        where: Any = "upper right" if beside_title else "outside upper right"
        figure.legend(handles.values(), labels, loc=where, ncols=min(8, len(labels)), borderaxespad=0.0, borderpad=0.1)


def thin(x: np.ndarray, y: np.ndarray, points: int, logarithmic: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Keep what a plot can show: the lowest and the highest point of each of `points` equal steps along the axis.

    Peaks and dips survive, unlike in a decimated or smoothed curve, and so do gaps (NaN). `x` must rise.
    """
    if len(x) <= 2 * points:
        return x, y
    starts = _steps(x, points, logarithmic)
    keep: list[int] = []
    for first, last in zip(starts, [*starts[1:], len(x)], strict=True):
        part = y[first:last]
        gap = np.isnan(part)
        chosen = {int(np.argmax(gap))} if gap.any() else set()
        if not gap.all():
            chosen |= {int(np.nanargmin(part)), int(np.nanargmax(part))}
        keep += [first + i for i in sorted(chosen)]
    return x[keep], y[keep]


def thin_band(
    x: np.ndarray, low: np.ndarray, high: np.ndarray, points: int, logarithmic: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Thin a band likewise: the lowest of its lower and the highest of its upper limit in each step."""
    if len(x) <= 2 * points:
        return x, low, high
    starts = _steps(x, points, logarithmic)
    return x[starts], np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)


def crests(x: np.ndarray, y: np.ndarray, points: int) -> tuple[np.ndarray, np.ndarray]:
    """The highest point of each of `points` equal steps along a logarithmic axis: what of a line spectrum can be seen."""
    if len(x) <= points:
        return x, y
    starts = _steps(x, points, True)
    return x[starts], np.maximum.reduceat(y, starts)


def rounded_limits(values: Sequence[np.ndarray], step: float, low: float, high: float) -> tuple[float, float]:
    """Axis limits on multiples of `step` that hold the values, no further out than `low` and `high`."""
    finite = np.concatenate([v[np.isfinite(v)] for v in values]) if values else np.zeros(1)
    if finite.size == 0:
        finite = np.zeros(1)
    bottom = max(low, step * np.floor(finite.min() / step))
    top = min(high, step * np.ceil(finite.max() / step))
    return (float(bottom), float(top)) if top > bottom else (float(top - step), float(top))


def _steps(x: np.ndarray, points: int, logarithmic: bool) -> np.ndarray:
    """First index of each of `points` equal steps along the axis."""
    scale = np.log(np.maximum(x, 1e-12)) if logarithmic else x
    step = np.clip(((scale - scale[0]) / (scale[-1] - scale[0]) * points).astype(int), 0, points - 1)
    return np.flatnonzero(np.r_[True, np.diff(step) > 0])
