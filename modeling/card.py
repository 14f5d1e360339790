"""The model card: what a model is, what it learnt from and how good it is, as ``model.json`` beside its weights."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from modeling.compander import Companding
from modeling.evaluation import Evaluation
from modeling.generators.trial import Trial
from sessions.results import Condition

SCHEMA_VERSION = 1


class Source(BaseModel):
    """One channel of one take that a model learnt from; `files` has the SHA-256 of its sound files in the session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    session: str
    take: str
    track: int | None = None
    conditions: dict[str, Condition] = {}
    files: dict[str, str] = {}


class Seconds(BaseModel):
    """How much material was used for what."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: float
    validation: float
    test: float


class Card(BaseModel):
    """The contents of ``model.json``.

    Attributes
    ----------
    core : str
        Name of the core; `core_settings` is what it needs beside its weights.
    sample_rate : int
        Rate at which the model runs; other material is converted.
    reference_dbfs : float
        Level of a sine at 0 VU. The scale of sound files is that of the session: digital full scale means the same.
    companding : Companding or None
        Halves of a compander about the core.
    look_ahead_samples : int
        Latency of the core in real time.
    split : str
        How the held-out material was chosen.
    trained : bool
        Whether the model beats the linear filter on held-out material.
    training : dict
        Seed and budget, and what the core says of its fit.
    transport_rms_percent, noise_dbfs, modulation_db : float or None
        Speed deviation, level of the noise in silence, and that of modulation noise re the sound, that the generators make; None
        without one.
    weights_sha256 : str
        Digest of ``model.safetensors``.
    log_sha256 : str or None
        Digest of ``training.jsonl``.
    generators : list of Trial
        What became of each generator that was tried, held against what was measured and not learnt from.
    limits : list of str
        What the model does not know, a sentence each.
    doubts : list of str
        What spoke against its material; see :mod:`modeling.doubts`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    schema_version: int = SCHEMA_VERSION
    name: str
    created: str
    tool_version: str
    core: str
    core_settings: dict[str, Any]
    companding: Companding | None = None
    sample_rate: int = Field(gt=0)
    reference_dbfs: float = Field(le=0)
    look_ahead_samples: int = Field(ge=0)
    sources: list[Source]
    seconds: Seconds
    split: str
    evaluation: Evaluation | None
    trained: bool
    training: dict[str, Condition]
    transport_rms_percent: float | None
    noise_dbfs: float | None
    modulation_db: float | None = None
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    log_sha256: str | None = None
    generators: list[Trial] = []
    limits: list[str] = []
    doubts: list[str] = []

    @property
    def dbx(self) -> str:
        """Position of the dbx switch that it learnt; a switch that is not spoken of is off."""
        return next((str(source.conditions["dbx"]) for source in self.sources if "dbx" in source.conditions), "off")
