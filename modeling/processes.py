"""Processes that train one model together, as ``torchrun`` starts them and tells them who they are."""

import os


def rank() -> int:
    """Number of this process; the first one, 0, writes and speaks for all."""
    return int(os.environ.get("RANK", "0"))


def size() -> int:
    """How many there are."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def place() -> int:
    """Number of this process among those of its machine."""
    return int(os.environ.get("LOCAL_RANK", "0"))
