"""Dilated convolutions at work on a signal that arrives in blocks: each keeps as much of the past as its taps reach back."""

from collections.abc import Callable

import numba
import numpy as np
from torch import nn

PART = 512
"""Samples that go through all layers before the next ones do, so that what lies between them stays in the cache."""


class Dilated:
    """A convolution after endless silence; what it gives is in time with the newest sample it has seen.

    Parameters
    ----------
    layer : Conv1d
        Without bias.
    """

    def __init__(self, layer: nn.Conv1d) -> None:
        self._taps = np.ascontiguousarray(layer.weight.detach().numpy().transpose(2, 0, 1))
        self._dilation = layer.dilation[0]
        self._past = np.zeros((layer.in_channels, (self._taps.shape[0] - 1) * self._dilation), dtype=np.float32)

    def __call__(self, z: np.ndarray) -> np.ndarray:
        """Shape ``(inputs, n)`` to ``(outputs, n)``, float32."""
        seen = np.concatenate([self._past, z], axis=1)
        self._past = seen[:, z.shape[1] :]
        return _convolved(seen, self._taps, self._dilation)


def matrix(layer: nn.Conv1d) -> np.ndarray:
    """A convolution of one tap and without bias, as what its input is to be multiplied by."""
    return np.ascontiguousarray(layer.weight.detach().numpy()[..., 0])


def in_parts(advance: Callable[[np.ndarray], np.ndarray]) -> Callable[[np.ndarray], np.ndarray]:
    """The same function of the next samples ``(n,)``, called with few at a time."""
    return lambda x: np.concatenate([advance(x[start : start + PART]) for start in range(0, max(1, x.size), PART)])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _convolved(seen: np.ndarray, taps: np.ndarray, dilation: int) -> np.ndarray:
    """Shapes ``(inputs, reach + n)`` and ``(taps, outputs, inputs)`` to ``(outputs, n)``; four inputs to a run over the output."""
    count, outputs, inputs = taps.shape
    n = seen.shape[1] - (count - 1) * dilation
    out = np.zeros((outputs, n), dtype=np.float32)
    whole = inputs - inputs % 4
    for k in range(count):
        at = slice(k * dilation, k * dilation + n)
        for i in range(0, whole, 4):
            a, b, c, d = seen[i, at], seen[i + 1, at], seen[i + 2, at], seen[i + 3, at]
            for o in range(outputs):
                y, w = out[o], taps[k, o, i : i + 4]
                for t in range(n):
                    y[t] += w[0] * a[t] + w[1] * b[t] + w[2] * c[t] + w[3] * d[t]
        for i in range(whole, inputs):
            a = seen[i, at]
            for o in range(outputs):
                y = out[o]
                for t in range(n):
                    y[t] += taps[k, o, i] * a[t]
    return out
