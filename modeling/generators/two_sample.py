"""Whether what a generator draws and what was measured follow one law.

Both are cut into windows, and of every window the level in octave bands is told, with its crest, its kurtosis and how much its
power changes. Two sets of windows are as far apart as the energy distance of these figures. Windows of one recording are not
independent: lines go through all of them, and wow is slow. So recordings are exchanged and not windows: the generator draws many
recordings as long as the measured one, and p is the share among all, the measured one included, that lie as far from the rest as it
does or further. If the generator is right, the measured one is one of them, and p <= 0.05 comes in 5 of 100 cases, whatever depends
on what.

References
----------
G. J. Szekely, M. L. Rizzo, "Energy statistics", J. Stat. Plan. Inference 143 (2013) 1249.
A. C. A. Hope, "A simplified Monte Carlo significance test procedure", J. R. Stat. Soc. B 30 (1968) 582.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy.spatial.distance import cdist
from scipy.stats import kurtosis

DRAWINGS = 39
LEVEL = 0.05
LEAST_WINDOWS = 5
PARTS = 8
"""Of a window, whose powers are compared."""


@dataclass(frozen=True)
class View:
    """How a signal is looked at: length of a window, and band between which octaves are told."""

    window_s: float
    low_hz: float
    high_hz: float


MOTION = View(4.0, 0.5, 90.0)
NOISE = View(0.1, 40.0, 20000.0)


class TwoSample(BaseModel):
    """What a test says.

    Attributes
    ----------
    statistic : float
        Energy distance between the measured windows and those drawn; 0 if their laws agree and both are many.
    p_value : float
        How often a drawing is as far from all others.
    windows : int
        Measured windows.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    statistic: float
    p_value: float
    windows: int

    @property
    def rejects(self) -> bool:
        """Whether the generator is told from what was measured."""
        return self.p_value <= LEVEL


def two_sample(
    measured: Sequence[np.ndarray], draw: Callable[[int], Sequence[np.ndarray]], sample_rate: float, view: View
) -> TwoSample | None:
    """Hold a generator against measured signals that it was not fitted to; None where they are too short.

    Parameters
    ----------
    measured : sequence of ndarray, shape (samples,)
    draw : callable
        Signals as many and as long as the measured ones, for a seed.
    sample_rate : float
        In Hz.
    """
    samples = [_figures(measured, sample_rate, view)]
    if len(samples[0]) < LEAST_WINDOWS:
        return None
    samples += [_figures(draw(seed), sample_rate, view) for seed in range(1, DRAWINGS + 1)]
    far = _from_the_rest(np.stack(samples))
    return TwoSample(statistic=float(far[0]), p_value=float(np.mean(far >= far[0])), windows=len(samples[0]))


def _from_the_rest(samples: np.ndarray) -> np.ndarray:
    """Energy distance of every sample from all others together; `samples` has shape (samples, windows, figures)."""
    count, windows, figures = samples.shape
    flat = samples.reshape(-1, figures)
    flat = (flat - flat.mean(axis=0)) / np.maximum(flat.std(axis=0), 1e-12)
    apart = cdist(flat, flat).reshape(count, windows, count, windows).mean(axis=(1, 3))
    own = np.diag(apart)
    beside = (apart.sum(axis=1) - own) / (count - 1)
    among = (apart.sum() - 2.0 * apart.sum(axis=1) + own) / (count - 1) ** 2
    return 2.0 * beside - own - among


def _figures(signals: Sequence[np.ndarray], sample_rate: float, view: View) -> np.ndarray:
    """Figures of every window, shape (windows, figures)."""
    size = round(view.window_s * sample_rate)
    size -= size % PARTS
    windows = np.concatenate([signal[: signal.size // size * size].reshape(-1, size) for signal in signals])
    windows = windows - windows.mean(axis=1, keepdims=True)
    power = np.abs(np.fft.rfft(windows * np.hanning(size))) ** 2
    frequency = np.fft.rfftfreq(size, 1.0 / sample_rate)
    edges = [*(view.low_hz * 2.0 ** np.arange(int(np.log2(view.high_hz / view.low_hz)) + 1)), view.high_hz]
    bands = [(frequency >= low) & (frequency < high) for low, high in pairwise(edges)]
    levels = [np.log(power[:, band].sum(axis=1) + 1e-30) for band in bands if band.any()]
    rms = np.sqrt(np.mean(windows**2, axis=1)) + 1e-15
    crest = np.log(np.abs(windows).max(axis=1) / rms + 1e-15)
    parts = np.mean(windows.reshape(-1, PARTS, size // PARTS) ** 2, axis=2)
    changes = np.log(parts.std(axis=1) / rms**2 + 1e-15)
    return np.stack([*levels, crest, kurtosis(windows, axis=1), changes], axis=1)
