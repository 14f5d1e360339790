"""Noise that lies at places of the tape: every play pass reads the same, from wherever it begins and in blocks of any size."""

from abc import ABC, abstractmethod

import numpy as np

from modeling.deck.convolution import BlockPlan

_FIRST_BLOCK = 1 << 20


class PlacedNoise(ABC):
    """Coloured noise over tape position, made from white noise of its own for every block of the plan.

    Parameters
    ----------
    plan : BlockPlan
    identity : tuple of int
        What the noise follows from, beside the place.
    """

    def __init__(self, plan: BlockPlan, identity: tuple[int, ...]) -> None:
        self._plan = plan
        self._identity = identity
        self._white: dict[int, np.ndarray] = {}
        self._coloured: dict[int, np.ndarray] = {}

    @abstractmethod
    def colour(self, white: np.ndarray) -> np.ndarray:
        """The last block of noise, from white noise of a variance of 1 for that block and the plan's taps before it."""

    def read(self, start: int, stop: int) -> np.ndarray:
        """Noise at tape positions `start` to `stop`, in samples; may be negative."""
        size = self._plan.block
        blocks = range(start // size, (stop - 1) // size + 1)
        self._white = {b: self._drawn(b) for b in range(blocks.start - 1, blocks.stop)}
        self._coloured = {b: self._block(b) for b in blocks}
        whole = np.concatenate([self._coloured[b] for b in blocks])
        return whole[start - blocks.start * size : stop - blocks.start * size]

    def _block(self, number: int) -> np.ndarray:
        if number in self._coloured:
            return self._coloured[number]
        return self.colour(np.concatenate([self._white[number - 1][-self._plan.taps :], self._white[number]]))

    def _drawn(self, number: int) -> np.ndarray:
        if number in self._white:
            return self._white[number]
        return np.random.default_rng((*self._identity, _FIRST_BLOCK + number)).standard_normal(self._plan.block)
