"""Noise of a given spectrum, at any stretch of time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Protocol, Self

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d
from scipy.signal import welch

Key = tuple[int, ...]
"""What is drawn follows from these numbers."""
TAPS = BLOCK = 16384
LEAST_BLOCK = 4096
KEPT = 16
"""Blocks in memory: two for each of four tracks, and as many again."""
EVENED, SMOOTHED = 512, 5
"""Length of the frames that tell the colour of a source, and bins that are averaged."""
FIRST = 1 << 20
"""Number of the block that begins at sample 0; there may be some before it."""


class Source(Protocol):
    """A white signal of variance 1, or nearly so, a function of key and place.

    Attributes
    ----------
    every : int
        Of so many samples one is not 0; the spectrum repeats.
    colour : ndarray, shape (bins,)
        Its power re that of a white signal, in equal steps from 0 to half the rate of those samples.
    """

    every: int
    colour: np.ndarray

    def read(self, start: int, stop: int, key: Key) -> np.ndarray:
        """Samples `start` to `stop`, shape ``(stop - start,)``."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name; none where nothing was learnt."""


class White:
    """Gaussian noise."""

    every = 1
    colour = np.ones(2)

    def read(self, start: int, stop: int, key: Key) -> np.ndarray:
        """Samples `start` to `stop`, shape ``(stop - start,)``."""
        blocks = range(start // BLOCK, (stop - 1) // BLOCK + 1)
        whole = np.concatenate([_white(key, block) for block in blocks])
        return whole[start - blocks.start * BLOCK : stop - blocks.start * BLOCK]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """No parameters."""
        return {}


WHITE = White()


@dataclass(frozen=True)
class Shaped:
    """A white signal through a filter.

    Attributes
    ----------
    shape : ndarray, shape (taps,)
        Filter, symmetric about its middle, that gives a white signal of variance 1 the wanted spectrum and level.
    source : Source
        Of the white signal; Gaussian noise by default.
    """

    shape: np.ndarray
    source: Source = field(default=WHITE, compare=False)

    @classmethod
    def of_density(cls, density: np.ndarray, sample_rate: int, source: Source = WHITE) -> Self:
        """Noise of a one-sided power density, shape (bins,), from 0 to half the sample rate."""
        bins = TAPS // 2 + 1
        density = np.interp(np.linspace(0.0, 1.0, bins), np.linspace(0.0, 1.0, density.size), density)
        # A white signal of variance 1 has the one-sided density 2 / sample_rate.
        return cls(_of_power(density * sample_rate / 2.0), source)

    @cached_property
    def variance(self) -> float:
        """Of the noise."""
        return float(irfft(self.power(self.shape.size), self.shape.size)[0])

    def power(self, size: int) -> np.ndarray:
        """Power response to a white signal, as if this source were one, shape (size / 2 + 1,), from 0 to half the sample rate."""
        response = np.abs(rfft(self.shape, size)) ** 2
        return response * colour_at(self.source, np.arange(response.size) / size)

    def less(self, other: "Shaped") -> "Shaped":
        """The same with the power of another noise taken off, as far as it reaches."""
        size = self.shape.size
        wanted = np.maximum(self.power(size) - other.power(size), 0.0)
        return Shaped(_of_power(wanted / colour_at(self.source, np.arange(wanted.size) / size)), self.source)

    def read(self, start: int, stop: int, key: Key) -> np.ndarray:
        """Samples `start` to `stop`, shape ``(stop - start,)``."""
        blocks = range(start // self._size, (stop - 1) // self._size + 1)
        whole = np.concatenate([self._block(key, block) for block in blocks] or [np.zeros(0)])
        return whole[start - blocks.start * self._size : stop - blocks.start * self._size]

    @cached_property
    def _size(self) -> int:
        return max(LEAST_BLOCK, self.shape.size)

    @cached_property
    def _block(self) -> Callable[[Key, int], np.ndarray]:
        """Blocks of a fixed grid, so that small stretches cost no more than long ones."""
        taps = self.shape.size
        size = next_fast_len(self._size + taps - 1, real=True)
        filtered = rfft(self.shape, size)

        @lru_cache(maxsize=KEPT)
        def block(key: Key, number: int) -> np.ndarray:
            start = number * self._size
            white = self.source.read(start - taps + 1, start + self._size, key)
            return irfft(rfft(white, size) * filtered, size)[taps - 1 : taps - 1 + self._size]

        return block


def source_of(arrays: Mapping[str, np.ndarray]) -> Source:
    """Inverse of :meth:`Source.to_arrays`."""
    if not arrays:
        return WHITE
    from modeling.generators.diffusion import Diffusion

    return Diffusion.from_arrays(arrays)


def under(arrays: Mapping[str, np.ndarray], group: str) -> dict[str, np.ndarray]:
    """Arrays of a group, by their names in it."""
    return {name[len(group) + 1 :]: array for name, array in arrays.items() if name.startswith(group + ".")}


def flattened(signal: np.ndarray, density: np.ndarray, sample_rate: float, every: int = 1) -> np.ndarray:
    """The white signal of variance 1 that a filter makes into this one, shape ``(samples // every,)``.

    Parameters
    ----------
    density : ndarray, shape (bins,)
        One-sided power density of the signal, from 0 to half the sample rate; where it is 0, nothing is left.
    every : int
        Only the lowest part of the band is kept, at a rate so many times lower.
    """
    values = rfft(signal)
    power = np.interp(np.linspace(0.0, 1.0, values.size), np.linspace(0.0, 1.0, density.size), density) * sample_rate / 2.0
    flat = np.where(power > 0.0, values / np.sqrt(np.maximum(power, 1e-300)), 0.0)
    samples = signal.size // every
    return irfft(flat[: samples // 2 + 1], samples) / np.sqrt(every)


def evened(density: np.ndarray, source: Source) -> np.ndarray:
    """The density that a filter has to have so that a source that is not quite white gives this one, shape (bins,).

    Parameters
    ----------
    density : ndarray, shape (bins,)
        From 0 to half the sample rate.
    """
    return density / colour_at(source, np.linspace(0.0, 0.5, density.size))


def colour_at(source: Source, frequency: np.ndarray) -> np.ndarray:
    """Colour of a source at frequencies, parts of the sample rate."""
    place = source.every * frequency
    return np.interp(np.abs(place - np.round(place)), np.linspace(0.0, 0.5, source.colour.size), source.colour)


def colour_of(white: np.ndarray) -> np.ndarray:
    """Power of a signal re that of a white one of variance 1, from 0 to half its rate."""
    return uniform_filter1d(welch(white, nperseg=EVENED)[1] / 2.0, SMOOTHED, mode="nearest")


@lru_cache(maxsize=KEPT)
def _white(key: Key, block: int) -> np.ndarray:
    """One block of white noise, the same whenever it is asked for."""
    return np.random.default_rng([*key, FIRST + block]).standard_normal(BLOCK)


def _of_power(power: np.ndarray) -> np.ndarray:
    """Filter of a power response, shape (TAPS / 2 + 1,)."""
    return np.roll(irfft(np.sqrt(power)), TAPS // 2) * _taper(TAPS)


def _taper(taps: int) -> np.ndarray:
    """1 in the middle half, falling to 0 at both ends."""
    edge = np.hanning(taps // 2)
    return np.concatenate([edge[: taps // 4], np.ones(taps - 2 * (taps // 4)), edge[-(taps // 4) :]])
