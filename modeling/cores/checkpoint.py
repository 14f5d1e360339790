"""The file from which a gradient descent goes on: tensors and JSON, nothing that could be executed."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sessions.disk import write_together
from signals.errors import ModelError

Tensors = dict[str, torch.Tensor]


def write(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> None:
    """Write a checkpoint, whole or not at all.

    Raises
    ------
    SessionError
        It cannot be written, or the disk is full.
    """
    contents = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    write_together({path: save(contents, {"facts": json.dumps(facts)})})


def read(path: Path) -> tuple[Tensors, dict[str, Any]]:
    """Tensors and facts of a checkpoint.

    Raises
    ------
    ModelError
        It is none.
    """
    try:
        with safe_open(path, "pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["facts"])  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise foreign(path, error) from error


def foreign(path: Path, error: Exception) -> ModelError:
    """What to say of a checkpoint that cannot be gone on from."""
    return ModelError(f"{path} is no checkpoint of this core: {str(error).splitlines()[0]}; train without --resume")


def put_under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Tensors with their names put under a prefix."""
    return {f"{prefix}.{name}": tensor for name, tensor in tensors.items()}


def under(prefix: str, tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Tensors whose names lie under a prefix, without it."""
    return {name.removeprefix(f"{prefix}."): tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}


def moments_of(optimiser: torch.optim.Optimizer) -> Tensors:
    """What an optimiser remembers."""
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, state in optimiser.state_dict()["state"].items()
        for name, value in state.items()
    }


def set_moments(optimiser: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Inverse of :func:`moments_of`."""
    moments: dict[int, Tensors] = {}
    for name, tensor in tensors.items():
        index, moment = name.split(".")
        moments.setdefault(int(index), {})[moment] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
