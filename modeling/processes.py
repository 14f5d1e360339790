"""Processes that train one model together, as ``torchrun`` starts them and tells them who they are."""

import os

from signals.errors import ModelError

RANK, SIZE, PLACE = "RANK", "WORLD_SIZE", "LOCAL_RANK"


def rank() -> int:
    """Number of this process; the first one, 0, writes and speaks for all.

    Raises
    ------
    ModelError
        What the environment says cannot be.
    """
    return _number(RANK, size()) if SIZE in os.environ else 0  # other programs than torchrun count their processes, too


def size() -> int:
    """How many there are; errors as of :func:`rank`."""
    told = os.environ.get(SIZE, "1")
    if not told.isdecimal() or int(told) < 1:
        raise _wrong(SIZE, told, "a number from 1")
    return int(told)


def place() -> int:
    """Number of this process among those of its machine; errors as of :func:`rank`."""
    return _number(PLACE, size()) if SIZE in os.environ else 0


def _number(name: str, count: int) -> int:
    told = os.environ.get(name, "0")
    if not told.isdecimal() or int(told) >= count:
        raise _wrong(name, told, f"a number from 0 to {count - 1}, of {SIZE}={count} processes")
    return int(told)


def _wrong(name: str, told: str, wanted: str) -> ModelError:
    return ModelError(
        f"the environment has {name}={told}, which is to be {wanted}; start several processes by torchrun, or unset it"
    )
