"""What an evaluation found, as ``evaluation.json`` in the model's folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from modeling.held_out import HeldOut
from reports.evaluation.goals import Goal
from sessions.manifest import load
from sessions.results import Condition

FILE = "evaluation.json"
SCHEMA_VERSION = 1


class ModelEvaluation(BaseModel):
    """The contents of ``evaluation.json``.

    Attributes
    ----------
    model, weights_sha256 : str
        Which state of which model.
    session, take, track : str, str, int
        What it was held against: the take that held-out material was cut from, and its track.
    setting : mapping
        Of a model of several settings, the one that stood for the deck.
    passes : int
        Play passes of the model on the bench; 0 where it was not put there, and `no_bench` says why.
    seed : int or None
        Motion and hiss of those passes follow from it.
    goals : tuple of Goal
        Goals and what is told beside them.
    held_out : HeldOut
        Errors and likeness on held-out material.
    differences : mapping
        Every figure of the bench, deck beside model, as ``tape report`` compares two sessions.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    model: str
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    session: str
    take: str
    track: int | None
    created: str
    tool_version: str
    passes: int
    seed: int | None
    no_bench: str = ""
    setting: Mapping[str, Condition] = {}
    goals: tuple[Goal, ...]
    held_out: HeldOut
    differences: Mapping[str, Any]


def read_evaluation(folder: Path) -> ModelEvaluation | None:
    """What the last evaluation of a model found; None where there was none.

    Raises
    ------
    SessionError
        The file is damaged, or of a newer schema.
    """
    path = folder / FILE
    return load(ModelEvaluation, path, SCHEMA_VERSION) if path.exists() else None
