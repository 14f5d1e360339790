"""Where a peak lies between the points at which it was read: the vertex of the parabola through the highest and its neighbours."""

import numpy as np


def vertex(left: float, middle: float, right: float) -> float:
    """Place of the vertex in steps from the middle one of three values; 0 where they do not bend down."""
    bend = left - 2.0 * middle + right
    return float(0.5 * (left - right) / bend) if bend < 0.0 else 0.0


def of_line(spectrum: np.ndarray, bin_: int) -> float:
    """Place of a line in bins, from the logarithms about its highest bin: behind a window they are nearly a parabola.

    Parameters
    ----------
    spectrum : ndarray, shape (bins,)
        Magnitudes or powers.
    bin_ : int
        Highest bin of the line; at either end of the spectrum it is taken as it is.
    """
    if not 0 < bin_ < spectrum.size - 1:
        return float(bin_)
    return bin_ + vertex(*np.log(spectrum[bin_ - 1 : bin_ + 2] + 1e-30))
