"""Gaussian noise of a given spectrum, at any stretch of time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Self

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

TAPS = BLOCK = 16384
KEPT = 16
"""Blocks in memory: two for each of four tracks, and as many again."""
FIRST = 1 << 20
"""Number of the block that begins at sample 0; there may be some before it."""


@dataclass(frozen=True)
class Shaped:
    """White noise through a filter.

    Attributes
    ----------
    shape : ndarray, shape (taps,)
        Filter, symmetric about its middle, that gives white noise of variance 1 the wanted spectrum and level.
    """

    shape: np.ndarray

    @classmethod
    def of_density(cls, density: np.ndarray, sample_rate: int) -> Self:
        """Noise of a one-sided power density, shape (bins,), from 0 to half the sample rate."""
        bins = TAPS // 2 + 1
        density = np.interp(np.linspace(0.0, 1.0, bins), np.linspace(0.0, 1.0, density.size), density)
        # White noise of variance 1 has the one-sided density 2 / sample_rate.
        return cls._of_power(density * sample_rate / 2.0)

    @classmethod
    def _of_power(cls, power: np.ndarray) -> Self:
        return cls(np.roll(irfft(np.sqrt(power)), TAPS // 2) * _taper(TAPS))

    @property
    def variance(self) -> float:
        """Of the noise."""
        return float(np.sum(self.shape**2))

    def less(self, other: "Shaped") -> Self:
        """The same with the power of another noise taken off, as far as it reaches."""
        own, others = (np.abs(rfft(noise.shape)) ** 2 for noise in (self, other))
        return self._of_power(np.maximum(own - others, 0.0))

    def read(self, start: int, stop: int, key: tuple[int, ...]) -> np.ndarray:
        """Samples `start` to `stop`, shape ``(stop - start,)``; what is drawn follows from the numbers of a key."""
        blocks = range(start // BLOCK, (stop - 1) // BLOCK + 1)
        whole = np.concatenate([self._block(key, block) for block in blocks] or [np.zeros(0)])
        return whole[start - blocks.start * BLOCK : stop - blocks.start * BLOCK]

    @cached_property
    def _block(self) -> Callable[[tuple[int, ...], int], np.ndarray]:
        """Blocks of a fixed grid, so that small stretches cost no more than long ones."""
        taps = self.shape.size
        size = next_fast_len(BLOCK + taps - 1, real=True)
        filtered = rfft(self.shape, size)

        @lru_cache(maxsize=KEPT)
        def block(key: tuple[int, ...], number: int) -> np.ndarray:
            white = np.concatenate([_white(key, number - 1)[BLOCK - taps + 1 :], _white(key, number)])
            return irfft(rfft(white, size) * filtered, size)[taps - 1 : taps - 1 + BLOCK]

        return block


def _white(key: tuple[int, ...], block: int) -> np.ndarray:
    """One block of white noise, the same whenever it is asked for."""
    return np.random.default_rng([*key, FIRST + block]).standard_normal(BLOCK)


def _taper(taps: int) -> np.ndarray:
    """1 in the middle half, falling to 0 at both ends."""
    edge = np.hanning(taps // 2)
    return np.concatenate([edge[: taps // 4], np.ones(taps - 2 * (taps // 4)), edge[-(taps // 4) :]])
