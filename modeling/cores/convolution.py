"""Long filters over one block after the other."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

MOST_SIZES = 8
"""Block sizes whose spectra are kept."""


class Convolution:
    """Sum of signals, each through its filter, where the filters overlap them in full; by FFT, the filters' spectra kept.

    Parameters
    ----------
    filters : ndarray, shape (signals, taps)
    """

    def __init__(self, filters: np.ndarray) -> None:
        self._filters = filters
        self._spectra: dict[int, np.ndarray] = {}

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Shape ``(signals, n + taps - 1)`` to ``(n,)``."""
        taps = self._filters.shape[1]
        wanted = x.shape[1] - taps + 1
        if wanted == 0:
            return np.zeros(0)
        size = next_fast_len(min(max(8 * taps, 4096), x.shape[1]), real=True)
        if size not in self._spectra:
            if len(self._spectra) == MOST_SIZES:
                self._spectra.clear()
            self._spectra[size] = rfft(self._filters, size)
        spectra = self._spectra[size]
        step = size - taps + 1
        out = np.empty(wanted)
        for start in range(0, wanted, step):
            stop = min(start + step, wanted)
            block = rfft(x[:, start : stop + taps - 1], size)
            out[start:stop] = irfft((block * spectra).sum(axis=0), size)[taps - 1 : taps - 1 + stop - start]
        return out
