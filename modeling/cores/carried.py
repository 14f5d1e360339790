"""How every core runs: a state that goes from sample to sample, and long filters behind it."""

from abc import abstractmethod
from collections.abc import Callable

import numpy as np

from modeling.cores.convolution import Convolution
from modeling.cores.core import Stream

BLOCK_SAMPLES = 1 << 17


class Carried:
    """A core that carries all it remembers from block to block, so that a block costs what its samples cost.

    A subclass gives :meth:`begin` and `filters`; running whole signals and blocks follows from it, and both are equal by
    construction.

    Attributes
    ----------
    filters : ndarray, shape (signals, taps)
        One for each of the signals; what they give is added up.
    """

    filters: np.ndarray

    @property
    @abstractmethod
    def look_ahead_samples(self) -> int:
        """How late signals and filters together are."""

    @abstractmethod
    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start after endless silence: gives a function from the next samples of input ``(n,)`` to signals ``(signals, n)``."""

    def process(self, x: np.ndarray) -> np.ndarray:
        """Response to a whole signal, shape ``(n,)`` to ``(n,)``, time-aligned; see :meth:`Core.process`."""
        stream = self.stream()
        parts = [stream.push(x[start : start + BLOCK_SAMPLES]) for start in range(0, x.size, BLOCK_SAMPLES)]
        return np.concatenate([*parts, stream.flush()])

    def stream(self) -> Stream:
        """Start on a signal that arrives in blocks; see :meth:`Core.stream`."""
        return CarriedStream(self)


class CarriedStream:
    """Moves the state on, puts its signals through the filters, and leaves out the look-ahead."""

    def __init__(self, core: Carried) -> None:
        self._core = core
        self._advance = core.begin()
        self._convolution = Convolution(core.filters)
        self._early = core.look_ahead_samples

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take input, give the output settled by it; see :meth:`Stream.push`."""
        out = self._convolution.push(self._advance(block))
        first = min(self._early, block.size)
        self._early -= first
        return out[first:]

    def flush(self) -> np.ndarray:
        """Give the rest; see :meth:`Stream.flush`."""
        return self.push(np.zeros(self._core.look_ahead_samples))


def late(advance: Callable[[np.ndarray], np.ndarray], samples: int) -> Callable[[np.ndarray], np.ndarray]:
    """The same function of the next samples ``(n,)``; what it gives comes so many samples later."""
    held = np.zeros(samples)

    def later(x: np.ndarray) -> np.ndarray:
        nonlocal held
        given = np.concatenate([held, advance(x)])
        held = given[x.size :]
        return given[: x.size]

    return later
