"""All that is chosen of a training, resolved, as ``config.json`` beside the model: with it the training can be run again.

What the clock decided in the first run, the number of steps and how often a network is judged, is written down as well, so that
on the same machine the same model comes of it.
"""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from modeling.compander_start import HALVES
from modeling.cores import DEFAULT
from modeling.cores.augmentation import checked_kinds
from modeling.cores.core import Run
from modeling.generators.trial import Kind
from modeling.losses import WEIGHTS, checked_weights
from modeling.settings import checked_names
from signals.errors import ModelError

CONFIG = "config.json"
SCHEMA_VERSION = 1


class Config(BaseModel):
    """Choices of a training; those of a fit are the fields of :class:`modeling.cores.core.Run`.

    Attributes
    ----------
    sessions : tuple of str
        Folders to learn from, as seen from that of the file.
    track : int, tuple of int, or None
        Programme tracks; None for the first.
    dbx : str or tuple of str
        Positions of the dbx switch of the takes to learn from.
    condition : tuple of str or None
        Conditions that may differ, see :data:`modeling.settings.NAMES`; None for all that do.
    core : str
    transport, noise : str
        What makes wow and flutter, and noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)
    sessions: tuple[str, ...] = ()
    track: int | tuple[int, ...] | None = None
    dbx: str | tuple[str, ...] = "off"
    condition: tuple[str, ...] | None = None
    core: str = DEFAULT
    minutes: float = Field(default=1.0, allow_inf_nan=True)
    seed: int = Field(default=0, ge=0, lt=2**63)
    loss: dict[str, float] = WEIGHTS
    device: str | None = None
    steps: int | None = Field(default=None, ge=1)
    judge_every: int | None = Field(default=None, ge=1)
    last_step: int | None = Field(default=None, ge=1)
    batch: int | None = Field(default=None, ge=1)
    scheme: Literal["I", "II"] = "I"
    precision: Literal["auto", "single", "mixed"] = "auto"
    augment: tuple[str, ...] = ()
    units: int | None = Field(default=None, ge=1, le=512)
    residual: bool = False
    transport: Kind = "parametric"
    noise: Kind = "parametric"

    @field_validator("minutes")
    @classmethod
    def _time(cls, minutes: float) -> float:
        if not 0.0 < minutes < math.inf:
            raise ModelError(f"{minutes:g} minutes is no time to train; give more than 0")
        return minutes

    @field_validator("track", mode="before")
    @classmethod
    def _tracks(cls, track: Any) -> Any:
        try:
            numbers = tuple(int(part) for part in _listed(track))
        except ValueError as error:
            raise ModelError(f"'{track}' names no tracks; write their numbers from 1, such as 1,2") from error
        for number in numbers:
            if number < 1:
                raise ModelError(f"there is no track {number}; tracks are numbered from 1")
        return numbers[0] if len(numbers) == 1 else numbers or None

    @field_validator("dbx", mode="before")
    @classmethod
    def _positions(cls, dbx: Any) -> Any:
        positions = _listed(dbx)
        for position in positions or (dbx,):
            if position not in HALVES:
                raise ModelError(f"'{position}' is no position of the dbx switch; choose one of {', '.join(HALVES)}")
        return positions[0] if len(positions) == 1 else positions

    @field_validator("condition", mode="before")
    @classmethod
    def _conditions(cls, condition: Any) -> Any:
        return None if condition is None else checked_names(_listed(condition))

    @field_validator("loss")
    @classmethod
    def _weights(cls, loss: dict[str, float]) -> dict[str, float]:
        return checked_weights(loss)

    @field_validator("augment")
    @classmethod
    def _kinds(cls, augment: tuple[str, ...]) -> tuple[str, ...]:
        return checked_kinds(augment)

    @property
    def tracks(self) -> tuple[int | None, ...]:
        """Tracks to learn, one after the other."""
        return self.track if isinstance(self.track, tuple) else (self.track,)

    @property
    def positions(self) -> tuple[str, ...]:
        """Positions of the dbx switch, one after the other."""
        return self.dbx if isinstance(self.dbx, tuple) else (self.dbx,)

    def with_(self, chosen: Mapping[str, Any]) -> "Config":
        """The same with some choices changed; those that are None are none. New time or steps undo what the old came to.

        Raises
        ------
        ModelError
            One cannot be.
        """
        fresh = {name: value for name, value in chosen.items() if value is not None}
        undone = {"minutes": ("steps", "judge_every", "last_step"), "steps": ("last_step",)}
        old = dict.fromkeys(field for name in fresh for field in undone.get(name, ()))
        return _checked({**self.model_dump(), **old, **fresh})

    def resolved(self, records: Sequence[Mapping[str, Any]]) -> "Config":
        """With what a fit settled by itself, as the first record that has steps says, and where its time was over."""
        settled = next((record for record in records if "steps" in record), {})
        last = next((record["last_step"] for record in records if "last_step" in record), self.last_step)
        return self.with_(
            {**{name: settled.get(name) for name in ("steps", "judge_every", "batch", "device")}, "last_step": last}
        )

    def of_run(self) -> dict[str, Any]:
        """Choices that a fit is told, by their names in :class:`modeling.cores.core.Run`."""
        return {field.name: getattr(self, field.name) for field in fields(Run) if field.name in type(self).model_fields}

    def seen_from(self, folder: Path, sessions: Sequence[Path]) -> "Config":
        """The same for sessions, whose places are told from the folder in which it will be kept."""
        return self.with_({"sessions": tuple(Path(os.path.relpath(path, folder)).as_posix() for path in sessions)})

    def to_json(self) -> bytes:
        """Contents of the file."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def read(path: Path) -> Config:
    """Read choices from a file, or from a folder that holds one.

    Raises
    ------
    ModelError
        There is none, or one of its choices cannot be.
    """
    path = path / CONFIG if path.is_dir() else path
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON: {error}; name the {CONFIG} of a model") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path} holds no choices by name; name the {CONFIG} of a model")
    schema = document.get("schema_version")
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        raise ModelError(
            f"{path} has schema version {schema}, this program reads up to {SCHEMA_VERSION}; install a newer version of tape-bench"
        )
    config = _checked(document, f"{path}: ")
    return config.with_({"sessions": tuple(os.path.normpath(path.parent / session) for session in config.sessions)})


def _listed(value: Any) -> tuple[Any, ...]:
    """What may be several: in one text with commas between them, in a list, or one alone."""
    parts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
    parts = tuple(parts) if isinstance(parts, list | tuple) else () if parts is None else (parts,)
    if len(parts) > 1 and "" in parts:
        raise ModelError(f"'{value}' has nothing beside a comma; name something there, or leave the comma out")
    for part in parts:
        if parts.count(part) > 1:
            raise ModelError(f"{part} is named twice; name each track, position or condition once")
    return parts


def _checked(choices: Mapping[str, Any], where: str = "") -> Config:
    try:
        return Config.model_validate(choices)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ModelError(f"{where}{name} of a training: {first['msg'][0].lower()}{first['msg'][1:]}") from error
