"""A fluctuation carried on beyond its ends, so that a filter finds neither step nor bend there.

The slow part, wow, is a few lines: an autoregression fitted to it goes on with them. The rest is reflected. Reflection alone
would leave an offset or a bend in a wow whose period is not short against the recording, and narrow band edges carry either far
inside.

References
----------
J. P. Burg, "Maximum entropy spectral analysis", 37th meeting of the Society of Exploration Geophysicists, 1967: the recursion,
whose autoregression is always stable.
"""

import numpy as np
from scipy.interpolate import CubicSpline

SLOW_RATE_HZ = 25.0  # rate at which the slow part is described
ORDER = 60


def extended(x: np.ndarray, rate_hz: float, seconds: float) -> tuple[np.ndarray, int]:
    """Fluctuation with something likely before and after it.

    Parameters
    ----------
    x : ndarray, shape (points,)
        Fluctuation about zero.
    seconds : float
        Length to add at each end, cut to that of `x`.

    Returns
    -------
    whole : ndarray, shape (points + 2 added,)
    added : int
        Points added at each end.
    """
    added = min(x.size - 1, round(seconds * rate_hz))
    slow = _slow_part(x, rate_hz, added)
    rest = x - slow[added : added + x.size]
    return slow + _mirrored(rest, added), added


def _slow_part(x: np.ndarray, rate_hz: float, added: int) -> np.ndarray:
    """What of `x` a quarter of SLOW_RATE_HZ holds, carried on by autoregression."""
    stride = max(1, int(rate_hz // SLOW_RATE_HZ))
    kernel = np.hanning(4 * stride + 1)
    if x.size < kernel.size + 12 * stride:
        return np.zeros(x.size + 2 * added)
    # Only what the kernel covers is known; its half length at either end is carried on too.
    smooth = np.convolve(x, kernel / kernel.sum(), mode="valid")[::stride]
    coefficients = burg(smooth, min(ORDER, smooth.size // 3))
    steps = added // stride + 6
    before = _continued(smooth[::-1], coefficients, steps)[::-1]
    after = _continued(smooth, coefficients, steps)
    place = kernel.size // 2 + stride * np.arange(-steps, smooth.size + steps)
    return CubicSpline(place, np.concatenate((before, smooth, after)))(np.arange(-added, x.size + added))


def burg(x: np.ndarray, order: int) -> np.ndarray:
    """Coefficients a of the autoregression x[n] = a[0] x[n-1] + a[1] x[n-2] + ..., shape (order,)."""
    polynomial = np.ones(1)
    forward, backward = x[1:].copy(), x[:-1].copy()
    for _ in range(order):
        energy = forward @ forward + backward @ backward
        reflection = -2.0 * (forward @ backward) / energy if energy > 0.0 else 0.0
        padded = np.append(polynomial, 0.0)
        polynomial = padded + reflection * padded[::-1]
        forward, backward = forward[1:] + reflection * backward[1:], backward[:-1] + reflection * forward[:-1]
    return -polynomial[1:]


def _continued(x: np.ndarray, coefficients: np.ndarray, steps: int) -> np.ndarray:
    values = np.concatenate((x[-coefficients.size :], np.zeros(steps)))
    for n in range(coefficients.size, values.size):
        values[n] = coefficients @ values[n - coefficients.size : n][::-1]
    return values[coefficients.size :]


def _mirrored(x: np.ndarray, added: int) -> np.ndarray:
    return np.concatenate((x[added:0:-1], x, x[-2 : -added - 2 : -1]))
