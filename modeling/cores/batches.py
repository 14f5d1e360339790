"""Batches of a gradient descent: drawn from the seed and the number of a step, so that a step is the same whenever it is taken."""

from collections.abc import Sequence

import numpy as np
import torch

from modeling.pairs import Pair, fingerprint
from signals.errors import ModelError

WINDOW_S = 0.5


class Batches:
    """Random windows of the training pairs, the more likely the more power they hold.

    Parameters
    ----------
    pairs : sequence of Pair
    before, after : int
        How much input a network needs around the samples it answers.
    windows : int
        In a batch. In minutes on one core, many steps teach more than smooth ones.
    share : tuple of int
        Of how many processes this is which one: it gets the inputs of its share of every batch.

    Attributes
    ----------
    windows : int
    fingerprint : list
        What tells this material, and this way of cutting it, from another.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        before: int,
        after: int,
        sample_rate: int,
        seed: int,
        *,
        windows: int = 1,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        rank, size = share
        if windows % size:
            raise ModelError(f"a batch of {windows} windows cannot be shared by {size} processes; give a multiple of {size}")
        self.windows = windows
        self._own = range(rank * windows // size, (rank + 1) * windows // size)
        self._seed = seed
        self._window = round(WINDOW_S * sample_rate)
        self._before, self._after = before, after
        self._x: list[np.ndarray] = []
        self._y: list[np.ndarray] = []
        starts, power = [], []
        for number, pair in enumerate(pairs):
            self._x.append(np.pad(pair.dry, (self._before, self._after + self._window)))
            self._y.append(np.pad(pair.wet * pair.mask, (0, self._window)))
            for start in range(0, pair.samples, self._window):
                counted = float(np.mean(self._y[-1][start : start + self._window] ** 2, dtype=np.float64))
                if counted > 0.0 and pair.mask[start : start + self._window].all():
                    starts.append((number, start))
                    power.append(counted)
        if not starts:
            raise ModelError(f"no stretch of {WINDOW_S:g} s is free of gaps; give longer material")
        self._starts = starts
        # Between all alike and by power: loud passages bend most, soft ones are most of the time.
        weight = np.sqrt(power)
        self._weight = weight / weight.sum()
        self.fingerprint = [len(starts), self._before, self._after, *fingerprint(pairs)]

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs ``(own share of the batch, before + n + after)`` and all targets ``(batch, n)`` of a step."""
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.choice(len(self._starts), self.windows, p=self._weight)
        offsets = rng.integers(-self._window // 4, self._window // 4, self.windows)
        x, y = [], []
        for place, (index, offset) in enumerate(zip(chosen, offsets, strict=True)):
            number, start = self._starts[index]
            start = int(np.clip(start + offset, 0, self._y[number].size - self._window))
            y.append(self._y[number][start : start + self._window])
            if place in self._own:
                x.append(self._x[number][start : start + self._before + self._window + self._after])
        return torch.from_numpy(np.stack(x)), torch.from_numpy(np.stack(y))
