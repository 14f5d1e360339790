"""Batches of a gradient descent: drawn from the seed and the number of a step, so that a step is the same whenever it is taken."""

from collections.abc import Sequence

import numpy as np
import torch

from modeling.pairs import Pair, fingerprint
from signals.errors import ModelError

BATCH = 1
"""Windows in a step. In minutes on one core, many steps teach more than smooth ones."""
WINDOW_S = 0.5


class Batches:
    """Random windows of the training pairs, the more likely the more power they hold.

    Parameters
    ----------
    pairs : sequence of Pair
    before, after : int
        How much input a network needs around the samples it answers.

    Attributes
    ----------
    fingerprint : list
        What tells this material, and this way of cutting it, from another.
    """

    def __init__(self, pairs: Sequence[Pair], before: int, after: int, sample_rate: int, seed: int) -> None:
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
        """Inputs ``(batch, before + n + after)`` and targets ``(batch, n)`` of a step."""
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.choice(len(self._starts), BATCH, p=self._weight)
        offsets = rng.integers(-self._window // 4, self._window // 4, BATCH)
        x, y = [], []
        for index, offset in zip(chosen, offsets, strict=True):
            number, start = self._starts[index]
            start = int(np.clip(start + offset, 0, self._y[number].size - self._window))
            x.append(self._x[number][start : start + self._before + self._window + self._after])
            y.append(self._y[number][start : start + self._window])
        return torch.from_numpy(np.stack(x)), torch.from_numpy(np.stack(y))
