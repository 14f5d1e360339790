"""The whole model of a deck, in memory and on disk.

A model is a core (what the deck does to sound), a transport generator (wow and flutter), a noise generator (hiss and hum) and,
of a deck with dbx, the halves of a compander about them and the noise that comes behind the decoder. On disk it is a folder:
``model.safetensors`` holds every array, ``model.json`` the card with everything else and the digest of the arrays. Opening one
never executes code.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from modeling.card import SCHEMA_VERSION, Card
from modeling.compander import CompandedCore
from modeling.cores import core_class
from modeling.cores.core import Core, Stationary
from modeling.generators.noise import NoiseGenerator
from modeling.generators.shaped import under
from modeling.generators.transport import TransportGenerator
from sessions.disk import told_as_session_error, write_together
from signals.errors import ModelError

WEIGHTS = "model.safetensors"
CARD = "model.json"
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]*$"


@dataclass(frozen=True)
class Model:
    """A model of a deck.

    Attributes
    ----------
    card : Card
    core : Core
    transport : TransportGenerator or None
        Wow and flutter, where a trajectory was measured.
    noise : NoiseGenerator or None
        Hiss and hum, where silent tape was recorded; a decoder hears them.
    behind : NoiseGenerator or None
        Those that come behind a decoder.
    """

    card: Card
    core: Core
    transport: TransportGenerator | None
    noise: NoiseGenerator | None
    behind: NoiseGenerator | None = None

    @property
    def still(self) -> Stationary:
        """The deck without motion and noise: the core, with its compander about it."""
        return self.core if self.card.companding is None else CompandedCore(self.core, self.card.companding)


def weights_of(
    core: Core, transport: TransportGenerator | None, noise: NoiseGenerator | None, behind: NoiseGenerator | None = None
) -> bytes:
    """All arrays of a model as the contents of ``model.safetensors``."""
    arrays = {f"core.{name}": array for name, array in core.to_arrays().items()}
    if transport is not None:
        arrays |= {f"transport.{name}": array for name, array in transport.to_arrays().items()}
    if noise is not None:
        arrays |= {f"noise.{name}": array for name, array in noise.to_arrays().items()}
    if behind is not None:
        arrays |= {f"behind.{name}": array for name, array in behind.to_arrays().items()}
    return bytes(save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def digest(contents: bytes) -> str:
    """SHA-256 of the contents of a file."""
    return hashlib.sha256(contents).hexdigest()


def free_folder(models: Path, name: str | None, core: str) -> Path:
    """Folder for a new model; without a name, the first of ``<core>``, ``<core>-2``, ... that is free.

    Raises
    ------
    ModelError
        The name cannot be a folder's, or a model of that name exists.
    """
    if name is None:
        number, name = 1, core
        while (models / name).exists():
            number += 1
            name = f"{core}-{number}"
    if not re.match(NAME_PATTERN, name):
        raise ModelError(f"'{name}' cannot name a model; use lower-case letters, digits, '-' and '_'")
    if (models / name).exists():
        raise ModelError(f"{models / name} exists already and a model is never overwritten; choose another --name")
    return models / name


def save(model: Model, folder: Path, beside: Mapping[str, bytes] | None = None) -> None:
    """Write a model to a new folder, whole or not at all.

    Parameters
    ----------
    folder : Path
        Must not exist.
    beside : mapping, optional
        Further files by name: log and choices of its training.

    Raises
    ------
    ModelError
        The folder exists.
    SessionError
        It cannot be written, or the disk is full.
    """
    if folder.exists():
        raise ModelError(f"{folder} exists already and a model is never overwritten; choose another --name")
    with told_as_session_error(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        files = {
            part / WEIGHTS: weights_of(model.core, model.transport, model.noise, model.behind),
            **{part / name: contents for name, contents in (beside or {}).items()},
            part / CARD: (model.card.model_dump_json(indent=1) + "\n").encode(),
        }
        write_together(files)
        with told_as_session_error(folder):
            part.chmod(0o777 & ~_umask())  # mkdtemp makes it private
            part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def load(folder: Path) -> Model:
    """Open a model.

    Raises
    ------
    ModelError
        There is none, it is damaged or was changed, or it is of a newer schema.
    """
    card_path, weights_path = folder / CARD, folder / WEIGHTS
    for path in (card_path, weights_path):
        if not path.is_file():
            raise ModelError(
                f"{folder} is no model: {path.name} is missing; give the folder of a model, SESSION/models/NAME"
            )
    card = read_card(card_path)
    try:
        weights = weights_path.read_bytes()
    except OSError as error:
        raise ModelError(f"{weights_path} cannot be read: {error.strerror}; check its permissions") from error
    if digest(weights) != card.weights_sha256:
        raise ModelError(
            f"{weights_path} has SHA-256 {digest(weights)[:12]}..., its card says {card.weights_sha256[:12]}...; "
            "it was damaged or changed: restore it from a copy or train again"
        )
    try:
        arrays = load_arrays(weights)
        core = core_class(card.core).from_arrays(under(arrays, "core"), card.core_settings)
        transport = TransportGenerator.from_arrays(under(arrays, "transport")) if under(arrays, "transport") else None
        noise, behind = (
            NoiseGenerator.from_arrays(found, card.sample_rate) if (found := under(arrays, group)) else None
            for group in ("noise", "behind")
        )
    except (SafetensorError, KeyError, ValueError, TypeError) as error:
        raise ModelError(f"{weights_path} does not fit its card: {error}; restore it from a copy or train again") from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelError(f"{weights_path} holds values that are no numbers; restore it from a copy or train again")
    return Model(card, core, transport, noise, behind)


def read_card(path: Path) -> Card:
    """Read ``model.json``.

    Raises
    ------
    ModelError
        It is damaged, or of a newer schema.
    """
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable as JSON: {error}; restore it from a copy or train again") from error
    schema = document.get("schema_version") if isinstance(document, dict) else None
    if isinstance(schema, int) and schema > SCHEMA_VERSION:
        raise ModelError(
            f"{path} has schema version {schema}, this program reads up to {SCHEMA_VERSION}; "
            "install a newer version of tape-bench"
        )
    try:
        return Card.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise ModelError(f"{path} is damaged: {where}: {first['msg']}; restore it from a copy or train again") from error


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
