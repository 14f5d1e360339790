"""One value beside another: how a published value is drawn as a point and printed as a row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.style import CATEGORICAL, INK

BLUE, RED, GREEN, PURPLE, *_ = CATEGORICAL


@dataclass(frozen=True)
class Row:
    """One value of the deck beside a published one."""

    what: str
    published: float | None
    model: float
    decimals: int
    source: str

    def __str__(self) -> str:
        digits = self.decimals
        deck = f"{self.model:.{digits}f}"
        if self.published is None:
            return f"| {self.what} | | | {deck} | {self.source} |"
        off = f"{self.model - self.published:+.{digits}f}"
        values = f"{self.published:.{digits}f} | {deck} | {off if float(off) else off[1:]}".replace("-", "−")
        return f"| {self.what} | {values} | {self.source} |"


Points = np.ndarray | Sequence[float]
Drawn = tuple[Figure, list[Row]]


def decibels(ratio: np.ndarray | complex) -> np.ndarray:
    """Level of an amplitude."""
    return np.asarray(20.0 * np.log10(np.abs(ratio)))


def dots(axes: Axes, x: Points, y: Points, label: str, colour: str = INK, mark: str = "o") -> None:
    """What is published: hollow points."""
    axes.plot(x, y, mark, color=colour, markerfacecolor="white", markersize=4.2, markeredgewidth=1.0, label=label)


def names(figure: Figure, columns: int) -> None:
    """One legend for all axes above them, each name once."""
    handles = {
        label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside upper left", ncols=columns, borderaxespad=0.0, borderpad=0.1
    )
