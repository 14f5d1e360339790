"""Real Fourier transforms of a few hundred samples, for compiled loops.

In a block of 256 samples the call of a library from Python costs more than the transform does. Real and imaginary parts are arrays
of their own, so that the loops over them run on whole vectors.

References
----------
P. N. Swarztrauber, "FFT algorithms for vector computers", Parallel Computing 1 (1984), 45-63 (Stockham's self-sorting form).
"""

import numba
import numpy as np


def turns(size: int) -> np.ndarray:
    """Cosine and sine of ``2 pi k / size`` for k up to size / 2, which the transforms of that size take; shape ``(2, size/2 + 1)``.

    Parameters
    ----------
    size : int
        An odd power of two.
    """
    angle = 2.0 * np.pi * np.arange(size // 2 + 1) / size
    return np.stack([np.cos(angle), np.sin(angle)])


@numba.njit(cache=True, nogil=True, fastmath=True)
def forward(x: np.ndarray, turn: np.ndarray, work: np.ndarray, out: np.ndarray) -> None:
    """Spectrum of a real signal, shape ``(size,)`` to ``(2, size/2 + 1)``; `work` is of shape ``(4, size/2 or more)``."""
    half = x.size // 2
    re, im, re_2, im_2 = work[0, :half], work[1, :half], work[2, :half], work[3, :half]
    for k in range(half):
        re[k] = x[2 * k]
        im[k] = x[2 * k + 1]
    _complex(re, im, re_2, im_2, turn)
    # Even and odd samples are the real and imaginary signal of one complex transform; their spectra are told apart by symmetry.
    for k in range(half + 1):
        i, j = k % half, (half - k) % half
        even_re, even_im = 0.5 * (re[i] + re[j]), 0.5 * (im[i] - im[j])
        odd_re, odd_im = 0.5 * (im[i] + im[j]), 0.5 * (re[j] - re[i])
        c, s = turn[0, k], turn[1, k]
        out[0, k] = even_re + c * odd_re + s * odd_im
        out[1, k] = even_im + c * odd_im - s * odd_re


@numba.njit(cache=True, nogil=True, fastmath=True)
def backward(spectrum: np.ndarray, turn: np.ndarray, work: np.ndarray, out: np.ndarray) -> None:
    """Inverse of :func:`forward`."""
    half = out.size // 2
    re, im, re_2, im_2 = work[0, :half], work[1, :half], work[2, :half], work[3, :half]
    scale = 0.5 / half
    for k in range(half):
        j = half - k
        even_re, even_im = spectrum[0, k] + spectrum[0, j], spectrum[1, k] - spectrum[1, j]
        off_re, off_im = spectrum[0, k] - spectrum[0, j], spectrum[1, k] + spectrum[1, j]
        c, s = turn[0, k], turn[1, k]
        odd_re, odd_im = c * off_re - s * off_im, c * off_im + s * off_re
        re[k] = scale * (even_re - odd_im)
        im[k] = scale * (even_im + odd_re)
    _complex(im, re, im_2, re_2, turn)  # with both parts exchanged it is the inverse
    for k in range(half):
        out[2 * k] = re[k]
        out[2 * k + 1] = im[k]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _complex(re: np.ndarray, im: np.ndarray, other_re: np.ndarray, other_im: np.ndarray, turn: np.ndarray) -> None:
    """Forward transform in place, of an even power of two."""
    half, side = re.size // 2, 1
    a_re, a_im, b_re, b_im = re, im, other_re, other_im
    while side < re.size:
        step = half // side
        for p in range(step):
            c, s = turn[0, 2 * p * side], turn[1, 2 * p * side]
            x, u = side * p, 2 * side * p
            _butterflies(a_re[x:], a_im[x:], b_re[u:], b_im[u:], half, side, c, s)
        a_re, a_im, b_re, b_im = b_re, b_im, a_re, a_im
        side *= 2


@numba.njit(cache=True, nogil=True, fastmath=True, inline="always")
def _butterflies(
    a_re: np.ndarray, a_im: np.ndarray, b_re: np.ndarray, b_im: np.ndarray, half: int, side: int, c: float, s: float
) -> None:
    for q in range(side):
        d_re, d_im = a_re[q] - a_re[q + half], a_im[q] - a_im[q + half]
        b_re[q] = a_re[q] + a_re[q + half]
        b_im[q] = a_im[q] + a_im[q + half]
        b_re[q + side] = c * d_re + s * d_im
        b_im[q + side] = c * d_im - s * d_re
