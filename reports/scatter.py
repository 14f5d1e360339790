"""Single events as points on logarithmic axes."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullFormatter

from reports.style import CATEGORICAL, legend, new_figure, styled

_MARKERS = "osD^vP"
_LONGEST_MS, _SHORTEST_MS = 1000.0, 0.5


@styled
def dropouts(events: Mapping[str, tuple[np.ndarray, np.ndarray]], height_mm: float = 58.0) -> Figure:
    """Depth in dB against length in ms, deepest lowest, with the limits from which a dropout is counted.

    Parameters
    ----------
    events : mapping of str to (ndarray, ndarray)
        Length in s and depth in dB of every event, by track.
    """
    figure = new_figure(height_mm)
    axes = figure.subplots()
    for i, (label, (length_s, depth_db)) in enumerate(events.items()):
        axes.plot(
            1e3 * length_s, depth_db, _MARKERS[i % 6], color=CATEGORICAL[i % 6], markersize=3.4, markeredgewidth=0.6,
            markerfacecolor="none", label=label,
        )  # fmt: skip
    axes.set_xscale("log")
    longest = max((1e3 * float(x.max()) for x, _ in events.values() if x.size), default=10.0)
    axes.set_xlim(_SHORTEST_MS, min(max(20.0, 2.0 * longest), _LONGEST_MS))
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if t <= axes.get_xlim()[1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    deepest = max((float(y.max()) for _, y in events.values() if y.size), default=6.0)
    axes.set_ylim(max(12.0, 1.15 * deepest), 0.0)
    axes.set_xlabel("Length (ms)")
    axes.set_ylabel("Depth (dB)")
    legend(figure)
    return figure
