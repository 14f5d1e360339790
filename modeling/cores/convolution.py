"""Filters over a signal that arrives in blocks: short ones directly, long ones by uniformly partitioned overlap-save.

A long filter is cut into parts of PART samples. The spectrum of every stretch of the past is kept, and each meets the part of the
filter that reaches back to it. So a short block costs two short transforms, whatever the length of the filter; a long block goes
through long transforms, which cost less a sample.

References
----------
F. Wefers, "Partitioned convolution algorithms for real-time auralization" (2015), ch. 5.
"""

from itertools import pairwise

import numba
import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from modeling.cores.short_fft import backward, forward, turns

PART = 256
LONG = 8 * PART
"""Blocks from here on are long."""
AT_ONCE = 8
"""Taps of a short filter that go into a sum together."""


class Convolution:
    """Sum of signals, each through its filter, after endless silence.

    Parameters
    ----------
    filters : ndarray, shape (signals, taps)
    """

    def __init__(self, filters: np.ndarray) -> None:
        signals, taps = filters.shape
        parts = max(2, -(-taps // PART))
        self._filters = filters
        padded = np.zeros((signals, parts, PART))
        padded.reshape(signals, -1)[:, :taps] = filters
        self._parts = _spectra(padded)
        self._frames = np.zeros((signals, parts, PART))
        """Whole stretches of the past, in turn."""
        self._line = np.zeros((signals, parts, 2, PART + 1))
        """Of each of them the spectrum, with the one before it."""
        self._newest = 0
        self._frame = np.zeros((signals, PART))
        """The stretch that fills."""
        self._filled = 0
        self._tail = np.zeros((2, PART + 1))
        """What the past answers in it."""
        self._turns, self._work = turns(2 * PART), np.zeros((5, 2 * PART))

    def push(self, x: np.ndarray) -> np.ndarray:
        """The next samples, shape ``(signals, n)`` to ``(n,)``."""
        n = x.shape[1]
        if n <= PART - self._filled:
            return self._within_frame(x)
        if n >= LONG:
            return self._long(x)
        edges = [0, *range(PART - self._filled, n, PART), n]
        return np.concatenate([self._within_frame(x[:, a:b]) for a, b in pairwise(edges)])

    def _within_frame(self, x: np.ndarray) -> np.ndarray:
        """A block that ends with the frame or before."""
        out = np.empty(x.shape[1])
        _answer(
            x, self._filled, self._newest, self._frame, self._frames, self._line, self._parts, self._tail,
            self._turns, self._work, out,
        )  # fmt: skip
        self._filled += x.shape[1]
        if self._filled == PART:
            self._begin_frame()
        return out

    def _begin_frame(self) -> None:
        """Once the newest stretch and its spectrum are in their places."""
        self._newest = (self._newest + 1) % self._line.shape[1]
        self._frame[:] = 0.0
        self._filled = 0
        _sum_up(self._line, self._parts, self._newest, self._tail)

    def _long(self, x: np.ndarray) -> np.ndarray:
        """A block of many frames; the next frame begins behind it."""
        taps, n = self._filters.shape[1], x.shape[1]
        past = np.roll(self._frames, -1 - self._newest, axis=1).reshape(self._frames.shape[0], -1)
        before = np.concatenate([past, self._frame[:, : self._filled]], axis=1)
        seen = np.concatenate([before[:, before.shape[1] - taps + 1 :], x], axis=1)
        size = next_fast_len(min(max(8 * taps, 4096), seen.shape[1]), real=True)
        step = size - taps + 1
        spectra = rfft(self._filters, size)
        out = np.empty(n)
        for start in range(0, n, step):
            stop = min(start + step, n)
            block = rfft(seen[:, start : stop + taps - 1], size)
            out[start:stop] = irfft((block * spectra).sum(axis=0), size)[taps - 1 : taps - 1 + stop - start]
        self._frames = np.concatenate([before, x], axis=1)[:, -past.shape[1] :].reshape(self._frames.shape).copy()
        self._line[:, 1:] = _spectra(np.concatenate([self._frames[:, :-1], self._frames[:, 1:]], axis=2))
        self._newest = self._line.shape[1] - 2
        self._begin_frame()
        return out


def _spectra(stretches: np.ndarray) -> np.ndarray:
    """Spectra of 2 * PART samples, or of PART with as many zeros behind; shape ``(..., 2, PART + 1)``, real and imaginary part."""
    spectra = rfft(stretches, 2 * PART)
    return np.stack([spectra.real, spectra.imag], axis=-2)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _answer(
    x: np.ndarray,
    filled: int,
    newest: int,
    frame: np.ndarray,
    frames: np.ndarray,
    line: np.ndarray,
    parts: np.ndarray,
    tail: np.ndarray,
    turn: np.ndarray,
    work: np.ndarray,
    out: np.ndarray,
) -> None:
    """Put a block into the stretch that fills, and that into its place in the past when it is full; give what the block brings."""
    place = (newest + 1) % line.shape[1]
    two, total = work[4], tail.copy()
    # Copied one by one: a slice that is assigned takes a second and more to compile.
    for signal in range(x.shape[0]):
        for i in range(x.shape[1]):
            frame[signal, filled + i] = x[signal, i]
        if filled + x.shape[1] == PART:
            for i in range(PART):
                frames[signal, place, i] = frame[signal, i]  # in place of the oldest, which is not needed any more
        for i in range(PART):
            two[i] = frames[signal, newest, i]
            two[PART + i] = frame[signal, i]
        forward(two, turn, work[:4], line[signal, place])
        _add_product(line[signal, place], parts[signal, 0], total)
    backward(total, turn, work[:4], two)
    for i in range(out.size):
        out[i] = two[PART + filled + i]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _sum_up(line: np.ndarray, parts: np.ndarray, newest: int, out: np.ndarray) -> None:
    """Sum of the spectra of the past, each times the part of the filter behind the first that reaches back to it."""
    out[:] = 0.0
    count = line.shape[1]
    for signal in range(line.shape[0]):
        for part in range(1, count):
            _add_product(line[signal, (newest + 1 - part) % count], parts[signal, part], out)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _add_product(one: np.ndarray, other: np.ndarray, out: np.ndarray) -> None:
    for k in range(out.shape[1]):
        out[0, k] += one[0, k] * other[0, k] - one[1, k] * other[1, k]
        out[1, k] += one[0, k] * other[1, k] + one[1, k] * other[0, k]


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
def add_filtered(u: np.ndarray, taps: np.ndarray, out: np.ndarray) -> None:
    """Add ``sum_k taps[k] u[i + k]`` to each sample i of `out`; the number of taps is a multiple of AT_ONCE."""
    for k in range(0, taps.size, AT_ONCE):
        a, b, c, d = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        e, f, g, h = taps[k + 4], taps[k + 5], taps[k + 6], taps[k + 7]
        v = u[k:]
        for i in range(out.size):
            one = a * v[i] + b * v[i + 1] + c * v[i + 2] + d * v[i + 3]
            out[i] += one + (e * v[i + 4] + f * v[i + 5] + g * v[i + 6] + h * v[i + 7])
