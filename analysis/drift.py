"""Drift: the slope of the speed over equal parts of a stretch, times its length."""

import numpy as np

PARTS = 6
NORMAL_95 = 1.96


def edges(start_s: float, stop_s: float) -> np.ndarray:
    """Where the parts begin and end, shape (PARTS + 1,)."""
    return np.linspace(start_s, stop_s, PARTS + 1)


def percent(speed: np.ndarray, edges_s: np.ndarray, sd_s: np.ndarray | float) -> tuple[float, float]:
    """Drift in percent, and its 95 % uncertainty.

    Parameters
    ----------
    speed : ndarray, shape (PARTS,)
        Mean speed of each part.
    edges_s : ndarray, shape (PARTS + 1,)
        As :func:`edges` gives them.
    sd_s : ndarray, shape (PARTS + 1,), or float
        Standard deviation of the delay at each of them.
    """
    middle = np.arange(PARTS) - 0.5 * (PARTS - 1)
    weight = PARTS * middle / (middle @ middle)
    # A part ends where the next begins: what an edge is late makes the one slower and the other faster.
    by_edge = (np.append(weight, 0.0) - np.append(0.0, weight)) / (edges_s[1] - edges_s[0])
    return 100.0 * float(speed @ weight), 100.0 * NORMAL_95 * float(np.linalg.norm(by_edge * sd_s))
