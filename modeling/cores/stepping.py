"""What networks need that are run sample by sample: sigmoids of a few dozen numbers at once, and states that fall asleep."""

from math import factorial

import numba
import numpy as np

_TINY = np.float32(1e-20)
_HALF, _ONE = np.float32(0.5), np.float32(1.0)
_LEAST, _MOST, _MINUS_LOG2_E = np.float32(-126.0), np.float32(126.0), np.float32(-1.0 / np.log(2.0))
_C1, _C2, _C3, _C4, _C5, _C6, _C7 = (np.float32(np.log(2.0) ** k / factorial(k)) for k in range(1, 8))

DIVIDING = {"reassoc", "contract", "nnan", "ninf", "nsz"}
"""Liberties of the compiler where sigmoids are made: all but reciprocals by estimate, for the sigmoid of nothing is one half to the
last bit, or silence would not stay silent."""


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, inline="always", error_model="numpy")
def sigmoids(z: np.ndarray, count: int, bits: np.ndarray) -> None:
    """``1 / (1 + exp(-z))`` of the first numbers, in place; tanh(z) is twice that of 2 z, less 1.

    exp is made of the series of 2^f for |f| <= 1/2, good to 1e-8, and of the exponent's own bits, so that the loops run on
    vectors. Beyond +-87 the exponent ends, and the sigmoid is 0 or 1. It becomes part of what calls it, which is to be compiled
    with DIVIDING and NumPy's error model: a division that may raise an error is a branch, and would keep the loop from vectors.

    Parameters
    ----------
    z : ndarray of float32
    count : int
    bits : ndarray of int32, as long as `z`
        Room to work in.
    """
    powers = bits.view(np.float32)
    for i in range(count):
        y = min(max(z[i] * _MINUS_LOG2_E, _LEAST), _MOST)
        whole = np.floor(y + _HALF)
        f = y - whole
        series = _C7
        for c in (_C6, _C5, _C4, _C3, _C2, _C1, _ONE):
            series = series * f + c
        bits[i] = (np.int32(whole) + np.int32(127)) << np.int32(23)
        z[i] = _ONE / (_ONE + series * powers[i])


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def awake(z: np.float32) -> np.float32:
    """A state that has faded to nothing is nothing: denormal numbers would slow silence down a hundredfold."""
    return z if abs(z) > _TINY else np.float32(0.0)


@numba.njit(cache=True, fastmath=True, nogil=True, inline="always")
def gather(h: np.ndarray, across: np.ndarray, bias: np.ndarray, sums: np.ndarray) -> None:
    """``sums = bias + h @ across``, along the rows, four at a time."""
    for k in range(sums.size):
        sums[k] = bias[k]
    whole = h.size - h.size % 4
    for j in range(0, whole, 4):
        for k in range(sums.size):
            sums[k] += (
                h[j] * across[j, k] + h[j + 1] * across[j + 1, k] + h[j + 2] * across[j + 2, k] + h[j + 3] * across[j + 3, k]
            )
    for j in range(whole, h.size):
        for k in range(sums.size):
            sums[k] += h[j] * across[j, k]
