"""What ``session.json`` and ``take.json`` say: typed, versioned, refused clearly when they cannot be understood."""

import json
from datetime import UTC, datetime
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sessions.results import Condition
from signals.errors import SessionError

SCHEMA_VERSION = 1

TakeRole = Literal["record", "play", "loop", "pair"]
TakeState = Literal["running", "complete", "interrupted"]
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,99}$"

M = TypeVar("M", bound=BaseModel)


class FileRecord(BaseModel):
    """Size and digest of one file of the session."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size_bytes: int = Field(ge=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class Wiring(BaseModel):
    """Which output channel of the interface feeds which track, and which track feeds which input (channels from 0)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    outputs: dict[int, int] = {}
    inputs: dict[int, int] = {}


class Interface(BaseModel):
    """The device that was played through, as it named itself; `calibration` is the file that says what it does by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sample_rate: int | None = None
    settings: dict[str, Condition] = {}
    calibration: str | None = None


class StimulusRecord(BaseModel):
    """One stimulus of the session; its sheet is ``stimuli/<id>.json``, its waveform ``stimuli/<id>.wav``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=NAME_PATTERN)
    code: int = Field(ge=0)
    sample_rate: int = Field(gt=0)
    channels: int = Field(gt=0)
    samples: int = Field(gt=0)


class SourceFile(BaseModel):
    """A file that an imported take came from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str | None = None


class TakeRecord(BaseModel):
    """One pass through the deck, or one pair made elsewhere. The same record stands in ``take.json``.

    Attributes
    ----------
    state : {"running", "complete", "interrupted"}
        An interrupted take holds what had arrived.
    role : {"record", "play", "loop", "pair"}
        What the deck did: record the stimulus, play it back, pass it straight through; or a dry/wet pair of files.
    number : int
        Number of the play pass, from 1; 1 for every other role.
    inputs : dict of int to int
        Track that each channel of ``returned.wav`` (from 0) comes from.
    clock_hz : float or None
        Sample rate against the computer's clock.
    flags : tuple of str
        What the device reported during the pass.
    faults : tuple of str
        Why the take was interrupted, and what else is wrong with it.
    sources : dict of str to SourceFile
        What the sound files of an imported take were made from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    id: str = Field(pattern=NAME_PATTERN)
    state: TakeState
    role: TakeRole
    number: int = Field(ge=1)
    stimulus: str | None
    conditions: dict[str, Condition]
    created: str
    sample_rate: int = Field(gt=0)
    channels: int = Field(gt=0)
    samples: int = Field(ge=0)
    inputs: dict[int, int]
    clock_hz: float | None = None
    flags: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    sources: dict[str, SourceFile] = {}


class SessionManifest(BaseModel):
    """The contents of ``session.json``; `files` lists every other file of the session by its relative path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    id: str = Field(min_length=1)
    created: str
    tool_version: str
    deck: str
    tape: str | None
    speed_cm_s: float = Field(gt=0)
    wiring: Wiring
    interface: Interface
    reference_dbfs: float = Field(le=0)
    stimuli: tuple[StimulusRecord, ...] = ()
    takes: tuple[TakeRecord, ...] = ()
    files: dict[str, FileRecord] = {}


def now() -> str:
    """The present time, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@lru_cache(maxsize=1)
def tool_version() -> str:
    """Version of the program that writes."""
    try:
        return metadata.version("tape-bench")
    except metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return "unknown"


def to_json(model: BaseModel) -> str:
    """A model as indented JSON with a final newline."""
    return model.model_dump_json(indent=1) + "\n"


def from_json(model: type[M], text: str | bytes, name: str, newest_schema: int = SCHEMA_VERSION) -> M:
    """Understand a JSON document of the session.

    Parameters
    ----------
    model : type
        The pydantic model to build.
    text : str or bytes
        The document.
    name : str
        Its path, for the message.
    newest_schema : int
        Newest schema this program knows.

    Raises
    ------
    SessionError
        The document is of a newer schema, is no JSON, or does not fit the schema.
    """
    try:
        document = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise SessionError(f"{name} is not readable as JSON ({error}); restore it from a copy of the session.") from error
    schema = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > newest_schema:
        raise SessionError(
            f"{name} has schema version {schema}; this program ({tool_version()}) reads up to {newest_schema}:"
            " install a newer version of tape-bench."
        )
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise SessionError(f"{name} is damaged: {where}: {first['msg']}; restore it from a copy of the session.") from error


def load(model: type[M], path: Path, newest_schema: int = SCHEMA_VERSION) -> M:
    """Read and understand a JSON document of the session (see :func:`from_json`)."""
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise SessionError(f"{path} is missing; restore it from a copy of the session.") from error
    except OSError as error:
        raise SessionError(f"{path} cannot be read: {error.strerror}; check its permissions.") from error
    return from_json(model, text, str(path), newest_schema)
