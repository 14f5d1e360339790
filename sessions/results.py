"""Results and curves: the one schema of everything that is measured (``measurements.json``).

A figure that cannot be had stands here too, with ``valid`` false, ``value`` null and a ``note`` that says why and what to
do.
"""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, model_validator

SCHEMA_VERSION = 1
PATH, ELECTRONICS = "path", "electronics"
"""Condition of figures of the electronics alone, as heard while the tape is recorded; those of the tape carry no such key."""

Condition = str | int | float
Conditions = Mapping[str, Condition]


class Result(BaseModel):
    """One figure: quantity, value, unit, 95 % uncertainty, conditions, method."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    quantity: str
    value: float | None
    unit: str
    uncertainty: float | None = None
    conditions: dict[str, Condition] = {}
    method: str
    valid: bool = True
    note: str | None = None

    @model_validator(mode="after")
    def _null_means_invalid(self) -> Self:
        if self.valid == (self.value is None):
            raise ValueError(f"{self.quantity}: a valid figure has a value, an invalid one has none")
        if not self.valid and not self.note:
            raise ValueError(f"{self.quantity}: an invalid figure needs a note that says why")
        return self

    @classmethod
    def invalid(cls, quantity: str, unit: str, conditions: Conditions, method: str, note: str) -> Self:
        """A figure that cannot be had, with the reason and the remedy in `note`."""
        return cls(
            quantity=quantity, value=None, unit=unit, conditions=dict(conditions), method=method, valid=False, note=note
        )


class Axis(BaseModel):
    """The values along one axis of a curve."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    unit: str
    values: list[float]

    @classmethod
    def of(cls, name: str, unit: str, values: ArrayLike) -> Self:
        """Make an axis from anything numpy reads as a vector."""
        return cls(name=name, unit=unit, values=np.asarray(values, dtype=float).tolist())

    @property
    def array(self) -> np.ndarray:
        """The values as float64 vector."""
        return np.asarray(self.values, dtype=np.float64)


class Curve(BaseModel):
    """One curve: y over x, with 95 % uncertainty of y where it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    quantity: str
    conditions: dict[str, Condition] = {}
    method: str
    x: Axis
    y: Axis
    uncertainty: list[float] | None = None

    @model_validator(mode="after")
    def _equal_lengths(self) -> Self:
        lengths = {len(self.x.values), len(self.y.values), len(self.uncertainty or self.x.values)}
        if len(lengths) != 1:
            raise ValueError(f"{self.quantity}: x, y and uncertainty differ in length")
        return self


class Measurements(BaseModel):
    """The contents of ``measurements.json``, and of a deck's ``truth.json``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    session: str
    tool_version: str
    created: str
    results: list[Result]
    curves: list[Curve]

    def find(self, quantity: str, **conditions: Condition) -> list[Result]:
        """Results of a quantity whose conditions contain those given (numbers compare as numbers)."""
        return [r for r in self.results if r.quantity == quantity and _contains(r.conditions, conditions)]

    def find_curves(self, quantity: str, **conditions: Condition) -> list[Curve]:
        """Curves of a quantity whose conditions contain those given."""
        return [c for c in self.curves if c.quantity == quantity and _contains(c.conditions, conditions)]

    def of_path(self, path: str | None) -> Self:
        """What was measured on one path: the electronics alone, or with None the tape."""
        return self.model_copy(
            update={
                "results": [r for r in self.results if r.conditions.get(PATH) == path],
                "curves": [c for c in self.curves if c.conditions.get(PATH) == path],
            }
        )


def _contains(conditions: Conditions, wanted: Conditions) -> bool:
    return all(key in conditions and conditions[key] == value for key, value in wanted.items())


def finite_points(x: ArrayLike, y: ArrayLike, *more: ArrayLike) -> Sequence[np.ndarray]:
    """Keep the points at which every vector is finite, since JSON has no NaN."""
    vectors = [np.asarray(v, dtype=float) for v in (x, y, *more)]
    keep = np.all([np.isfinite(v) for v in vectors], axis=0)
    return [v[keep] for v in vectors]
