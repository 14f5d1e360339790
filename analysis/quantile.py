"""Quantiles for compiled loops.

Those of the library take several seconds to compile, for all the cases they are made for.

References
----------
C. A. R. Hoare, "Algorithm 65: Find", Communications of the ACM 4 (1961), 321-322.
"""

import numba
import numpy as np


@numba.njit(cache=True, nogil=True)
def quantile(values: np.ndarray, share: float) -> float:
    """Quantile of some values, linear between neighbours as that of ``numpy.quantile``; NaN of none.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite; left as they are.
    share : float
        From 0 to 1.
    """
    count = values.size
    if count == 0:
        return np.nan
    ordered = np.empty(count)
    for i in range(count):
        ordered[i] = values[i]
    place = share * (count - 1)
    k = int(place)
    low, high = 0, count - 1
    while low < high:  # until all before k are at most, and all behind it at least, what stands there
        pivot = ordered[k]
        i, j = low, high
        while i <= j:
            while ordered[i] < pivot:
                i += 1
            while pivot < ordered[j]:
                j -= 1
            if i <= j:
                ordered[i], ordered[j] = ordered[j], ordered[i]
                i += 1
                j -= 1
        if j < k:
            low = i
        if k < i:
            high = j
    if k + 1 == count:
        return ordered[k]
    above = ordered[k + 1]
    for i in range(k + 2, count):
        above = min(above, ordered[i])
    return ordered[k] + (place - k) * (above - ordered[k])
