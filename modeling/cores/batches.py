"""Batches of a gradient descent: drawn from the seed and the number of a step, so that a step is the same whenever it is taken."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from modeling.cores.augmentation import Augmentation
from modeling.cores.delay_line import MARGIN, read_at
from modeling.pairs import Pair, Unwarped, fingerprint
from signals.errors import ModelError

WINDOW_S = 0.5


class Batch(NamedTuple):
    """What a network hears, and what it should answer.

    Attributes
    ----------
    x : Tensor, shape (own share of the batch, before + answered + after)
        Input.
    y : Tensor, shape (batch, n)
        Targets, of the whole batch.
    positions : Tensor, shape (own share of the batch, n), or None
        Where in its answer each sample of the target lies; None where they go side by side.
    settings : Tensor, shape (own share of the batch,), or None
        Numbers of the settings that the windows were made at; None where there is one alone.
    """

    x: torch.Tensor
    y: torch.Tensor
    positions: torch.Tensor | None
    settings: torch.Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(None if part is None else part.to(device) for part in self))  # type: ignore[arg-type]

    def warped(self, answer: torch.Tensor) -> torch.Tensor:
        """Answer of a network on the time of the targets, shape ``(own share of the batch, n)``."""
        return answer if self.positions is None else read_at(answer, self.positions)


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
    unwarped : bool
        Whether the input is what was sent, on its own time.
    augmentation : Augmentation, optional
        How windows are varied.

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
        unwarped: bool = False,
        augmentation: Augmentation | None = None,
    ) -> None:
        rank, size = share
        if windows % size:
            raise ModelError(f"a batch of {windows} windows cannot be shared by {size} processes; give a multiple of {size}")
        self.windows = windows
        self._own = slice(rank * windows // size, (rank + 1) * windows // size)
        self._seed = seed
        self._window = round(WINDOW_S * sample_rate)
        self._before, self._after = before, after
        self._pairs = pairs
        self._x = [np.pad(pair.dry, (before, after)) for pair in pairs]
        self._starts: list[tuple[int, int]] = []
        power = []
        for number, pair in enumerate(pairs):
            for start in range(0, pair.samples, self._window):
                counted = float(np.mean(pair.wet[start : start + self._window] ** 2, dtype=np.float64))
                if counted > 0.0 and self._whole(number, start):
                    self._starts.append((number, start))
                    power.append(counted)
        if not self._starts:
            raise ModelError(f"no stretch of {WINDOW_S:g} s is free of gaps; give longer material")
        # Between all alike and by power: loud passages bend most, soft ones are most of the time.
        weight = np.sqrt(power)
        self._weight = weight / weight.sum()
        self._augmentation = augmentation
        self._lines = _delay_lines(pairs, self._window, before, after) if unwarped else None
        self.fingerprint = [len(self._starts), before, after, *fingerprint(pairs)]

    def batch(self, step: int) -> Batch:
        """The batch of a step."""
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.choice(len(self._starts), self.windows, p=self._weight)
        offsets = rng.integers(-self._window // 4, self._window // 4, self.windows)
        places = [self._moved(self._starts[index], int(offset)) for index, offset in zip(chosen, offsets, strict=True)]
        if self._lines is not None:
            cuts = [self._lines[number].cut(start, self._window) for number, start in places[self._own]]
            y = [self._pairs[number].wet[start : start + self._window] for number, start in places]
            positions = _stacked([positions for _, positions in cuts])
            return Batch(_stacked([x for x, _ in cuts]), _stacked(y), positions, self._settings(places[self._own]))
        pairs = [self._side_by_side(number, start, step) for number, start in places]
        x = _stacked([x for x, _ in pairs[self._own]])
        return Batch(x, _stacked([y for _, y in pairs]), None, self._settings(places[self._own]))

    def _settings(self, places: Sequence[tuple[int, int]]) -> torch.Tensor | None:
        numbers = [self._pairs[number].conditions.get("setting") for number, _ in places]
        return None if None in numbers else torch.tensor([int(number) for number in numbers if number is not None])

    def _side_by_side(self, number: int, start: int, step: int) -> tuple[np.ndarray, np.ndarray]:
        x, y = self._x[number], self._pairs[number].wet
        if self._augmentation is not None:
            return self._augmentation(x, y, start, (self._before, self._window, self._after), step)
        return x[start : start + self._before + self._window + self._after], y[start : start + self._window]

    def _moved(self, place: tuple[int, int], offset: int) -> tuple[int, int]:
        """A window, moved where all of it still counts as target."""
        number, start = place
        return (number, start + offset) if self._whole(number, start + offset) else (number, start)

    def _whole(self, number: int, start: int) -> bool:
        mask = self._pairs[number].mask[max(0, start) : max(0, start) + self._window]
        return start >= 0 and mask.size == self._window and bool(mask.all())


class _DelayLine:
    """What was sent, of which a stretch is heard and read at the places that belong to a window of the recording.

    Parameters
    ----------
    span : int
        Samples of it that the longest of all windows reaches over.
    """

    def __init__(self, unwarped: Unwarped, span: int, before: int, after: int) -> None:
        self._answered = span + 2 * MARGIN
        self._reach = before + self._answered + after
        low, high = int(np.floor(unwarped.positions.min())), int(np.ceil(unwarped.positions.max()))
        lead = max(0, before + MARGIN - low)
        self._sound = np.pad(unwarped.sound, (lead, max(0, high + self._reach - unwarped.sound.size)))
        self._positions = unwarped.positions
        self._shift = lead - before

    def cut(self, start: int, window: int) -> tuple[np.ndarray, np.ndarray]:
        """Input for a network, and where in its answer each sample of a window lies."""
        positions = self._positions[start : start + window]
        first = int(np.floor(positions[0])) + 1 - MARGIN
        return self._sound[first + self._shift : first + self._shift + self._reach], positions - first


def _delay_lines(pairs: Sequence[Pair], window: int, before: int, after: int) -> list[_DelayLine]:
    lines = [pair.unwarped for pair in pairs]
    known = [line for line in lines if line is not None]
    if len(known) < len(lines):
        raise ModelError("scheme II needs what was sent as it was, and this material holds it warped; train with --scheme I")
    rises = [np.max(line.positions[window - 1 :] - line.positions[: 1 - window]) for line in known]
    span = int(np.ceil(max(rises))) + 2
    return [_DelayLine(line, span, before, after) for line in known]


def _stacked(parts: Sequence[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(parts))
