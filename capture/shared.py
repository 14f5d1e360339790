"""The memory that the recorder and its stream share: what is to be played, what came back, and where each of them stands.

Each value has one writer and is one aligned 64-bit word, so no lock is needed and the audio callback never waits for the parent.
The memory has no name in the file system: it is gone when the last process that maps it is gone, and no sooner. What has come
back is therefore still there when the stream's process is killed.
"""

import ctypes
from collections.abc import Iterator
from multiprocessing.sharedctypes import RawArray
from typing import Any

import numpy as np
from numpy.ctypeslib import as_array

RING_S = 8.0
"""The disk may stand still for so long, and the parent may be as late with what is to be played."""

MOST_GAPS = 1024

(FED, PASSED, READ, GAPS) = range(4)
"""Places of the counters: samples to be played that are in place, samples that the stream has passed, samples that the parent has
taken, and gaps. All count from the start of the stream."""


class Shared:
    """The shared memory, seen as arrays by both processes.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    outputs, inputs : int
        Number of channels played and recorded.
    ring_s : float
        Length of both rings.
    """

    def __init__(self, sample_rate: int, outputs: int, inputs: int, ring_s: float) -> None:
        self.sample_rate = sample_rate
        self.outputs, self.inputs = outputs, inputs
        self.length = round(ring_s * sample_rate)
        self._memory = (
            RawArray(ctypes.c_float, self.length * outputs),
            RawArray(ctypes.c_float, self.length * inputs),
            RawArray(ctypes.c_longlong, 4),
            RawArray(ctypes.c_longlong, 2 * MOST_GAPS),
        )
        self._view()

    def _view(self) -> None:
        output, returned, counts, gaps = self._memory
        self.output = as_array(output).reshape(self.length, self.outputs)
        self.input = as_array(returned).reshape(self.length, self.inputs)
        self.counts = as_array(counts)
        self.gaps = as_array(gaps).reshape(MOST_GAPS, 2)
        """First sample of each gap and the first after it."""

    def __getstate__(self) -> dict[str, Any]:
        """The memory itself goes to the child, views do not."""
        return {name: self.__dict__[name] for name in ("sample_rate", "outputs", "inputs", "length", "_memory")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._view()

    def count(self, which: int) -> int:
        """One of the counters."""
        return int(self.counts[which])

    def lost(self) -> list[tuple[int, int]]:
        """First sample of each gap and the first after it."""
        return [(int(start), int(stop)) for start, stop in self.gaps[: self.count(GAPS)]]

    def returned(self, start: int, stop: int) -> Iterator[np.ndarray]:
        """What came back from `start` to `stop`, in blocks of at most a second; zeros where it was lost."""
        while start < stop:
            until, there = min(stop, start + self.sample_rate), True
            for first, after in self.lost():
                if first <= start < after:
                    until, there = min(until, after), False
                elif start < first:
                    until = min(until, first)
            yield take(self.input, start, until) if there else np.zeros((until - start, self.inputs), dtype=np.float32)
            start = until


def put(ring: np.ndarray, position: int, block: np.ndarray) -> None:
    """Copy a block of shape ``(samples, channels)`` into a ring, where `position` counts from the start of the stream."""
    at = position % len(ring)
    first = min(len(block), len(ring) - at)
    ring[at : at + first] = block[:first]
    ring[: len(block) - first] = block[first:]


def take(ring: np.ndarray, start: int, stop: int) -> np.ndarray:
    """A copy of what stands in a ring from `start` to `stop`."""
    at = start % len(ring)
    first = min(stop - start, len(ring) - at)
    return np.concatenate([ring[at : at + first], ring[: stop - start - first]])
