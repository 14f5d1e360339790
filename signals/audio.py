"""What every stage means by audio: samples that can be read by range.

A sound file, an array in memory and a stimulus that is synthesised as it is read all look alike, so that nothing in the
program needs a whole recording in memory.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class AudioReader(Protocol):
    """Samples by range.

    `read` returns float64 of shape ``(stop - start, channels)``; ranges that reach outside the audio are filled with zeros,
    so that a reader of aligned segments needs no special case at either end.
    """

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        ...

    @property
    def channels(self) -> int:
        """Number of channels."""
        ...

    @property
    def samples(self) -> int:
        """Length in samples."""
        ...

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``, float64."""
        ...


@dataclass(frozen=True)
class ArrayAudio:
    """An array of shape ``(samples, channels)`` as :class:`AudioReader`."""

    array: np.ndarray
    sample_rate: int

    @property
    def channels(self) -> int:
        """Number of channels."""
        return int(self.array.shape[1])

    @property
    def samples(self) -> int:
        """Length in samples."""
        return int(self.array.shape[0])

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, zeros outside the array."""
        out = np.zeros((stop - start, self.channels))
        low, high = max(start, 0), min(stop, self.samples)
        if low < high:
            out[low - start : high - start] = self.array[low:high]
        return out
