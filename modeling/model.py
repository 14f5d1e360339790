"""The whole model of a deck, in memory and on disk.

A model is a core (what the deck does to sound), a transport generator (wow and flutter), a noise generator (hiss and hum) and,
of a deck with dbx, the halves of a compander about them and the noise that comes behind the decoder. One that learnt several
settings of a deck has all of these at each, and between two of them what lies between. On disk it is a folder:
``model.safetensors`` holds every array, ``model.json`` the card with everything else and the digest of the arrays. Opening one
never executes code.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from pydantic import ValidationError
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from modeling.card import SCHEMA_VERSION, Card
from modeling.compander import CompandedCore
from modeling.cores import core_class
from modeling.cores.between import between
from modeling.cores.core import Core, Stationary
from modeling.generators.noise import NoiseGenerator
from modeling.generators.shaped import under
from modeling.generators.transport import TransportGenerator
from modeling.settings import Setting, in_words, place
from sessions.disk import told_as_session_error, write_together
from sessions.manifest import NAME_PATTERN, SessionManifest
from sessions.results import Condition
from signals.errors import ModelError

WEIGHTS = "model.safetensors"
CARD = "model.json"
SETTINGS = "settings"
"""Under which the arrays of a model of several settings stand, by number."""


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


@dataclass(frozen=True)
class Family:
    """A model at all its settings.

    Attributes
    ----------
    card : Card
    members : tuple of Model
        At each setting, in the order of the card; one alone where there are none.
    """

    card: Card
    members: tuple[Model, ...]

    @property
    def settings(self) -> list[dict[str, Condition]]:
        """Conditions of each setting; none of a model of one."""
        return [setting.values for setting in self.card.settings]

    def fitting(self, manifest: SessionManifest, **more: Condition) -> dict[str, Condition]:
        """What to ask for, so that the model stands for the deck of a session: the conditions of it that the model tells apart.

        Parameters
        ----------
        manifest : SessionManifest
            Of the session; a tape that it does not name is not asked for.
        more : str or float
            Conditions of a take.

        Raises
        ------
        ModelError
            It learnt nothing that fits.
        """
        if not self.settings:
            return {}
        told: dict[str, Condition] = {
            "speed_cm_s": manifest.speed_cm_s,
            "level_db": round(self.card.reference_dbfs - manifest.reference_dbfs, 6),
            **({} if manifest.tape is None else {"tape": manifest.tape}),
            **more,
        }
        wanted = {name: told[name] for name in self.settings[0] if name in told}
        try:
            place(self.settings, wanted)
        except ModelError as error:
            raise ModelError(f"model '{self.card.name}' does not fit the session: {error}") from error
        return wanted

    def at(self, wanted: Setting | None = None) -> Model:
        """The model at a setting, by default the first; see :func:`modeling.settings.place`.

        Between settings, noise and motion are those of the nearest.

        Raises
        ------
        ModelError
            It learnt nothing like it, or but one setting.
        """
        if not self.settings:
            if wanted:
                raise ModelError(f"model '{self.card.name}' learnt one setting alone; leave out {in_words(wanted)}")
            return self.members[0]
        shares = place(self.settings, wanted or {})
        nearest = self.members[max(shares, key=lambda number: shares[number])]
        if len(shares) == 1:
            return nearest
        core = between([self.members[number].core for number in shares], list(shares.values()))
        about = " and ".join(in_words(self.settings[number]) for number in shares)
        limits = [*nearest.card.limits, f"At {in_words(wanted or {})} it was not learnt: it is between {about}."]
        own = {"core_settings": core.settings(), "reference_dbfs": core.reference_dbfs, "evaluation": None, "limits": limits}
        return replace(nearest, card=nearest.card.model_copy(update=own), core=core)


def weights_of(
    core: Core, transport: TransportGenerator | None, noise: NoiseGenerator | None, behind: NoiseGenerator | None = None
) -> bytes:
    """All arrays of a model of one setting as the contents of ``model.safetensors``."""
    return _packed(_arrays_of(core, transport, noise, behind))


def _arrays_of(
    core: Core, transport: TransportGenerator | None, noise: NoiseGenerator | None, behind: NoiseGenerator | None
) -> dict[str, np.ndarray]:
    arrays = {f"core.{name}": array for name, array in core.to_arrays().items()}
    if transport is not None:
        arrays |= {f"transport.{name}": array for name, array in transport.to_arrays().items()}
    if noise is not None:
        arrays |= {f"noise.{name}": array for name, array in noise.to_arrays().items()}
    if behind is not None:
        arrays |= {f"behind.{name}": array for name, array in behind.to_arrays().items()}
    return arrays


def _packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    return bytes(save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def family_weights(members: Sequence[Model]) -> bytes:
    """The same of a model at several settings: the arrays of each under its number."""
    return _packed(
        {
            f"{SETTINGS}.{number}.{name}": array
            for number, model in enumerate(members)
            for name, array in _arrays_of(model.core, model.transport, model.noise, model.behind).items()
        }
    )


def digest(contents: bytes) -> str:
    """SHA-256 of the contents of a file."""
    return hashlib.sha256(contents).hexdigest()


def free_folder(models: Path, name: str | None, core: str, begun: Container[str] = ()) -> Path:
    """Folder for a new model; without a name, the first of ``<core>``, ``<core>-2``, ... that is free.

    Parameters
    ----------
    begun : container of str
        Names of trainings that are under way, or were interrupted.

    Raises
    ------
    ModelError
        The name cannot be a folder's, or a model or a training of that name exists.
    """
    if name is None:
        number, name = 1, core
        while (models / name).exists() or name in begun:
            number += 1
            name = f"{core}-{number}"
    if not re.match(NAME_PATTERN, name):
        raise ModelError(f"'{name}' cannot name a model; use at most 100 lower-case letters, digits, '-' and '_'")
    if (models / name).exists():
        raise ModelError(f"{models / name} exists already and a model is never overwritten; choose another --name")
    if name in begun:
        raise ModelError(
            f"a training of '{name}' was interrupted, or is under way; go on with --resume, or choose another --name"
        )
    return models / name


def save(model: Model | Family, folder: Path, beside: Mapping[str, bytes] | None = None) -> None:
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
        members = model.members if isinstance(model, Family) else (model,)
        one = members[0]
        files = {
            part / WEIGHTS: family_weights(members)
            if model.card.settings
            else weights_of(one.core, one.transport, one.noise, one.behind),
            **{part / name: contents for name, contents in (beside or {}).items()},
            part / CARD: model.card.to_json().encode(),
        }
        write_together(files)
        with told_as_session_error(folder):
            part.chmod(0o777 & ~_umask())  # mkdtemp makes it private
            part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def load(folder: Path, wanted: Setting | None = None) -> Model:
    """Open a model at a setting, by default the first.

    Raises
    ------
    ModelError
        As :func:`load_family`, or it did not learn that setting.
    """
    return load_family(folder).at(wanted)


def load_family(folder: Path) -> Family:
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
        members = (
            [_model(card.at(n), under(arrays, f"{SETTINGS}.{n}")) for n in range(len(card.settings))]
            if card.settings
            else [_model(card, arrays)]
        )
    except (SafetensorError, LookupError, ValueError, TypeError, ArithmeticError, RuntimeError, MemoryError) as error:
        what = (str(error).splitlines() or [type(error).__name__])[0]
        raise ModelError(f"{weights_path} does not fit its card: {what}; restore it from a copy or train again") from error
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ModelError(f"{weights_path} holds values that are no numbers; restore it from a copy or train again")
    return Family(card, tuple(members))


def _model(card: Card, arrays: Mapping[str, np.ndarray]) -> Model:
    """A model of one setting of its arrays."""
    core = core_class(card.core).from_arrays(under(arrays, "core"), card.core_settings)
    transport = TransportGenerator.from_arrays(under(arrays, "transport")) if under(arrays, "transport") else None
    noise, behind = (
        NoiseGenerator.from_arrays(found, card.sample_rate) if (found := under(arrays, group)) else None
        for group in ("noise", "behind")
    )
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
