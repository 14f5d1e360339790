"""How networks with a state learn: a window is cut into stretches that run side by side, each after a warm-up of its own.

A state carried from window to window would be the same one, since what such a network remembers has faded far below its error
when the warm-up ends (docs/methods-models.md has the figures); it would bind the order of the windows, and it would leave out the
gradient of all that the look-ahead of h joins across a cut.
"""

from collections.abc import Callable

import torch

WARM_UP = 1024
"""Samples from silence on, through which no gradient goes."""
STRETCH = 1024


def in_stretches(x: torch.Tensor, run: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    """Shape ``(batch, WARM_UP + n)`` to ``(batch, n)``, by what takes lanes of WARM_UP + STRETCH samples to lanes of STRETCH."""
    batch, n = x.shape[0], x.shape[1] - WARM_UP
    padded = torch.nn.functional.pad(x, (0, -n % STRETCH))
    lanes = padded.unfold(1, WARM_UP + STRETCH, STRETCH).reshape(-1, WARM_UP + STRETCH)
    return run(lanes).reshape(batch, -1)[:, :n]
