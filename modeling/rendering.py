"""Render a sound file: through a trained model, or through the virtual deck."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from modeling.deck import effect
from modeling.deck.parameters import load_parameters
from modeling.model import load
from modeling.render import Settings, render_blocks
from modeling.settings import Setting, read_setting
from sessions.audio import open_audio
from sessions.wave import writing
from signals.audio import AudioReader
from signals.errors import ModelError

__all__ = ["Settings", "render_file"]
VIRTUAL = "virtual"
DEFAULT_PRESET = "fresh"
DEFAULT_REFERENCE_DBFS = -18.0
Progress = Callable[[str, float], None]


def render_file(
    model: str,
    source: Path,
    target: Path,
    settings: Settings,
    reference_dbfs: float | None = None,
    progress: Progress = lambda what, part: None,
    setting: str | None = None,
) -> None:
    """Apply a model to a sound file.

    Parameters
    ----------
    model : str
        Folder of a model, or ``virtual[:PRESET|:FILE.toml]``.
    source, target : Path
        Sound file to read, and WAV file to write (32-bit float, as long as the source and aligned with it).
    reference_dbfs : float, optional
        Level of a sine at 0 VU, for the virtual deck, by default -18; a model brings its own.
    setting : str, optional
        Of a model of several settings, in words; see :func:`modeling.settings.read_setting`.

    Raises
    ------
    ModelError
        There is no such model or setting, the target exists or is no WAV file, or a model is given a reference.
    AudioFileError
        The source is missing or unreadable.
    SessionError
        The target cannot be written; nothing is left behind.
    """
    if target.suffix.lower() != ".wav":
        raise ModelError(f"{target} is no WAV file; name one that ends in .wav")
    if target.exists():
        raise ModelError(f"{target} exists already; name a new file")
    wanted = None if setting is None else read_setting(setting)
    with open_audio(source) as audio:
        blocks = _blocks(model, audio, settings, reference_dbfs, wanted)
        done = 0
        with writing(target, audio.sample_rate, audio.channels, "float32", audio.samples, shared=True) as writer:
            for block in blocks:
                writer.write(block)
                done += block.shape[0]
                progress("rendering", done / max(1, audio.samples))


def _blocks(
    model: str, audio: AudioReader, settings: Settings, reference_dbfs: float | None, wanted: Setting | None
) -> Iterator[np.ndarray]:
    kind, _, preset = model.partition(":")
    if kind != VIRTUAL:
        found = load(Path(model), wanted)
        if reference_dbfs is not None:
            own = found.card.reference_dbfs
            raise ModelError(f"the model has its own reference, {own:g} dBFS; leave out that of {reference_dbfs:g} dBFS")
        return render_blocks(found, audio, settings)
    if wanted:
        raise ModelError("the virtual deck has its settings in a preset or TOML file; leave --setting out")
    heard = effect.apply(
        load_parameters(preset or DEFAULT_PRESET),
        audio.read(0, audio.samples),
        audio.sample_rate,
        DEFAULT_REFERENCE_DBFS if reference_dbfs is None else reference_dbfs,
        wow=settings.wow,
        hiss=settings.hiss,
        drive_db=settings.drive_db,
        mix=settings.mix,
        seed=settings.seed,
    )
    return iter([heard])
