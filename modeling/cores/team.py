"""Processes that train one network together, each on its share of every batch (:mod:`modeling.processes`).

What the network answers is gathered from all of them before the loss is taken, so that the loss is that of the whole batch,
whatever errors it is made of; each follows its own share of it backwards, and the gradients are added up. So all take the step
that one process would take, within rounding. What depends on the clock or on the user is agreed on.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import distributed, nn

from modeling.processes import rank, size
from signals.errors import ModelError


@contextmanager
def _told() -> Iterator[None]:
    """Tell in one line that a process is gone, which libraries tell in as many ways as they have."""
    try:
        yield
    except (RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise ModelError(f"the processes of this training lost each other: {reason}; go on with --resume") from error


class Team:
    """The processes, or this one alone; they are joined while it is entered.

    Parameters
    ----------
    device : torch.device
        Where each of them trains.

    Raises
    ------
    ModelError
        By all that is done together: one of the processes is gone.
    """

    def __init__(self, device: torch.device) -> None:
        self.size = size()
        self.rank = rank()
        self._device = device

    def __enter__(self) -> Self:
        if self.size > 1:
            with _told():
                distributed.init_process_group("nccl" if self._device.type == "cuda" else "gloo")
        return self

    def __exit__(self, *_: object) -> None:
        if distributed.is_initialized():
            distributed.destroy_process_group()

    def gathered(self, own: torch.Tensor) -> torch.Tensor:
        """Answers of all to a batch, shape ``(batch / size, n)`` to ``(batch, n)``; the gradient goes into the own ones."""
        if self.size == 1:
            return own
        parts = [torch.empty_like(own) for _ in range(self.size)]
        with _told():
            distributed.all_gather(parts, own.detach().contiguous())
        parts[self.rank] = own
        return torch.cat(parts)

    def add_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by the sum over all processes."""
        if self.size == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with _told():
            distributed.all_reduce(flat)
        for gradient, part in zip(gradients, torch.split(flat, [gradient.numel() for gradient in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def agreed(self, *numbers: float) -> tuple[float, ...]:
        """Numbers as the first process has them."""
        if self.size == 1:
            return numbers
        told = torch.tensor(numbers, dtype=torch.float64, device=self._device)
        with _told():
            distributed.broadcast(told, 0)
        return tuple(told.tolist())

    def any(self, *wishes: bool) -> tuple[bool, ...]:
        """Each wish, if one of the processes has it."""
        if self.size == 1:
            return wishes
        told = torch.tensor([float(wish) for wish in wishes], device=self._device)
        with _told():
            distributed.all_reduce(told)
        return tuple(bool(number) for number in told.tolist())
