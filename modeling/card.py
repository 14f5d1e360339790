"""The model card: what a model is, what it learnt from and how good it is, as ``model.json`` beside its weights."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from modeling.compander import Companding
from modeling.evaluation import Evaluation
from modeling.generators.trial import Trial
from sessions.results import Condition

SCHEMA_VERSION = 1


class Source(BaseModel):
    """One channel of one take that a model learnt from; `files` has the SHA-256 of what was read of the session."""

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


class SettingCard(BaseModel):
    """One setting of a model of several: what :class:`Card` says of a model of one, under the same names.

    Attributes
    ----------
    values : dict
        Its conditions.
    sources : list of int
        Which of the model's sources were made so, numbered from 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    values: dict[str, Condition]
    core_settings: dict[str, Any]
    companding: Companding | None = None
    reference_dbfs: float = Field(le=0)
    look_ahead_samples: int = Field(ge=0)
    sources: list[int]
    seconds: Seconds
    evaluation: Evaluation | None
    trained: bool
    transport_rms_percent: float | None
    noise_dbfs: float | None
    modulation_db: float | None = None
    loudest_db: float | None = None
    generators: list[Trial] = []
    limits: list[str] = []
    doubts: list[str] = []


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
    loudest_db : float or None
        Loudest passage that it learnt from, on a 0.3 s meter, re 0 VU.
    weights_sha256 : str
        Digest of ``model.safetensors``.
    log_sha256, config_sha256 : str or None
        Digests of ``training.jsonl`` and ``config.json``.
    generators : list of Trial
        What became of each generator that was tried, held against what was measured and not learnt from.
    limits : list of str
        What the model does not know, a sentence each.
    doubts : list of str
        What spoke against its material; see :mod:`modeling.doubts`.
    settings : list of SettingCard
        Of a model of several settings; each has its own core settings, companding, generators and limits, which are then empty
        here, and `evaluation` is over all. A model of one has none.
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
    loudest_db: float | None = None
    weights_sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    log_sha256: str | None = None
    config_sha256: str | None = None
    generators: list[Trial] = []
    limits: list[str] = []
    doubts: list[str] = []
    settings: list[SettingCard] = []

    @model_validator(mode="after")
    def _same_conditions(self) -> "Card":
        if len({tuple(sorted(setting.values)) for setting in self.settings}) > 1:
            raise ValueError("the settings have other conditions each")
        return self

    def at(self, number: int) -> "Card":
        """The card of a model of one setting, that of this number."""
        setting = self.settings[number]
        own = {name: getattr(setting, name) for name in SettingCard.model_fields if name not in ("values", "sources")}
        return self.model_copy(update={**own, "sources": [self.sources[n] for n in setting.sources], "settings": []})

    def to_json(self) -> str:
        """The file; a model of one setting does not speak of settings."""
        return self.model_dump_json(indent=1, exclude=None if self.settings else {"settings"}) + "\n"

    @property
    def dbx(self) -> str:
        """Position of the dbx switch that it learnt; a switch that is not spoken of is off."""
        return next((str(source.conditions["dbx"]) for source in self.sources if "dbx" in source.conditions), "off")
