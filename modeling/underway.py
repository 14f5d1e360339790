"""A training under way: its folder, with log, choices and checkpoint, from which it goes on when it was cut off."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from modeling.config import CONFIG, Config, read
from modeling.cores import DEFAULT, NETWORKS, RECURRENT, core_class
from modeling.cores.core import Core
from modeling.journal import EVENTS, LINES, Journal
from modeling.model import free_folder
from modeling.processes import rank, size
from sessions.disk import require_writable, told_as_session_error, write_together
from sessions.lock import held, is_held
from signals.errors import ModelError

FOLDER = ".{}.training"
CHECKPOINT = "checkpoint"
BUSY = "being trained in"


def planned(models: Path, config: Config, name: str | None = None, resume: bool = False) -> tuple[type[Core], Path, Path]:
    """Core of a training, folder of the model, and folder while it runs; or why it cannot be: before anything is aligned.

    Raises
    ------
    ModelError
        Unknown core, a name that is taken or cannot be one, nothing to resume, no such device, several processes for a core
        that one fits, or a residual for one that has none.
    SessionError
        What is to be resumed is under way, or the folder of the models, or of their session, cannot be written.
    """
    kind = core_class(config.core)
    if config.residual and config.core != DEFAULT:
        raise ModelError(f"core '{config.core}' has no residual to be trained behind it; choose --core {DEFAULT}")
    if config.core not in NETWORKS:
        if size() > 1:
            raise ModelError(f"core '{config.core}' is fitted by one process, not by {size()}; start it without torchrun")
        if config.scheme != "I" or config.augment or config.precision == "mixed":
            raise ModelError(
                f"core '{config.core}' knows neither scheme II nor augmentation nor mixed precision; "
                f"leave them out, or choose a network: {', '.join(NETWORKS)}"
            )
    if config.units is not None and config.core not in RECURRENT:
        raise ModelError(f"core '{config.core}' has no units; leave them out, or choose --core {' or '.join(RECURRENT)}")
    if config.device is not None:
        from modeling.cores.descent import device_named

        device_named(config.device)
    folder = free_folder(models, name, config.core, () if resume else _begun(models))
    running = models / FOLDER.format(folder.name)
    if resume and not running.exists():
        raise ModelError(f"there is nothing to resume at {running}; train without --resume")
    require_writable(models.parent, models, *([running] if resume else []))
    if resume and rank() == 0:
        with held(running, BUSY):
            pass
    return kind, folder, running


def idle(config: Config, asked: Mapping[str, object]) -> list[str]:
    """Of the choices asked for, those that make no difference to the core, as options of the command."""
    if config.core in NETWORKS or config.residual:
        return []
    searched = {"minutes", "steps"} if config.core == "ja" else set()
    steered = {"minutes", "steps", "batch", "loss", "device"} - searched
    return [f"--{name}" for name, value in asked.items() if name in steered and value is not None]


def interrupted(models: Path, name: str | None, core: str | None = None) -> tuple[str, Config]:
    """Name and choices of a training that was cut off: the one of that name, of that core, or the only one.

    Raises
    ------
    ModelError
        There is none, or there are several.
    """
    there = {_name_of(path): read(path) for path in sorted(models.glob(FOLDER.format("*")))}
    found = {
        one: config
        for one, config in there.items()
        if name in (None, one) and core in (None, config.core) and not (models / one).exists()
    }
    if len(found) > 1:
        raise ModelError(f"{models} has {len(found)} trainings to resume; choose one by --name {' or '.join(found)}")
    if not found:
        where = models / FOLDER.format(name or core or "*")
        raise ModelError(f"there is nothing to resume at {where}; train without --resume")
    return next(iter(found.items()))


def _begun(models: Path) -> set[str]:
    """Names of trainings that another would write over: there is a checkpoint of them, or a program is at work on them."""
    there = models.glob(FOLDER.format("*"))
    # What this training itself has begun is no other's: of several processes the first holds the folder.
    return {_name_of(path) for path in there if (path / CHECKPOINT).exists() or (rank() == 0 and is_held(path))}


def _name_of(running: Path) -> str:
    """Name of the model that a training is to make."""
    prefix, suffix = FOLDER.split("{}")
    return running.name.removeprefix(prefix).removesuffix(suffix)


def _kept_ns(running: Path) -> int | None:
    """When the checkpoint was written."""
    checkpoint = running / CHECKPOINT
    return checkpoint.stat().st_mtime_ns if checkpoint.exists() else None


@contextmanager
def underway(running: Path, config: Config, resume: bool) -> Iterator[Journal]:
    """The journal of a training that begins or goes on in a folder, which is gone at its end, and where there is no checkpoint.

    Where a run cannot go on, as from a damaged checkpoint, what the one before it told is kept.

    Other processes than the first keep their journal to themselves.

    Raises
    ------
    SessionError
        The folder cannot be written, or another program trains in it.
    """
    if rank() > 0:
        yield Journal(None)
        return
    with told_as_session_error(running):
        running.mkdir(parents=True, exist_ok=True)
    with held(running, BUSY), _journal(running, config, resume) as journal:
        yield journal


@contextmanager
def _journal(running: Path, config: Config, resume: bool) -> Iterator[Journal]:
    with told_as_session_error(running):
        if not resume:
            for left in running.iterdir():
                left.unlink()  # of a program that ended before its first checkpoint
        before = {
            running / name: (running / name).read_bytes() for name in (CONFIG, LINES, EVENTS) if (running / name).exists()
        }
    kept, journal = _kept_ns(running), None
    try:
        write_together({running / CONFIG: config.to_json()})
        journal = Journal(running)
        yield journal
    except BaseException:
        if not (running / CHECKPOINT).exists():
            shutil.rmtree(running, ignore_errors=True)
        elif _kept_ns(running) == kept or (
            journal is not None and len(journal.contents[LINES]) < len(before.get(running / LINES, b""))
        ):
            write_together(before)  # it did not go on, or came less far than the run that it was to go on from
        raise
    shutil.rmtree(running, ignore_errors=True)
