"""Render a sound file: through a trained model, or through the virtual deck."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from modeling.deck import effect
from modeling.deck.parameters import load_parameters
from modeling.model import Model, load
from modeling.render import Settings, render_blocks
from modeling.settings import Setting, read_setting
from sessions.audio import open_audio
from sessions.wave import writing
from signals.audio import AudioReader
from signals.errors import ModelError
from signals.levels import Metered

__all__ = ["Settings", "render_file"]
VIRTUAL = "virtual"
DEFAULT_PRESET = "fresh"
DEFAULT_REFERENCE_DBFS = -18.0
CLEARLY_DB = 1.0
Progress = Callable[[str, float], None]


def render_file(
    model: str,
    source: Path,
    target: Path,
    settings: Settings,
    reference_dbfs: float | None = None,
    progress: Progress = lambda what, part: None,
    setting: str | None = None,
    warn: Callable[[str], None] = lambda line: None,
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
    warn : callable
        Told when the sound is louder than a model has learnt.

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
    kind, _, preset = model.partition(":")
    found = None if kind == VIRTUAL else _model(model, reference_dbfs, wanted)
    if found is None and wanted:
        raise ModelError("the virtual deck has its settings in a preset or TOML file; leave --setting out")
    with open_audio(source) as audio:
        heard = Metered(audio)
        blocks = render_blocks(found, heard, settings) if found else _virtual(preset, audio, settings, reference_dbfs)
        done = 0
        with writing(target, audio.sample_rate, audio.channels, "float32", audio.samples, shared=True) as writer:
            for block in blocks:
                writer.write(block)
                done += block.shape[0]
                progress("rendering", done / max(1, audio.samples))
    if found and found.card.loudest_db is not None:
        level = heard.highest - found.core.reference_dbfs + settings.drive_db
        if level > found.card.loudest_db + CLEARLY_DB:
            warn(
                f"at its loudest the sound drives the model to {level:+.0f} dB re 0 VU, and it learnt up to "
                f"{found.card.loudest_db:+.0f} dB: louder passages are a guess; lower --drive, or capture louder material"
            )


def _model(folder: str, reference_dbfs: float | None, wanted: Setting | None) -> Model:
    found = load(Path(folder), wanted)
    if reference_dbfs is not None:
        own = found.card.reference_dbfs
        raise ModelError(f"the model has its own reference, {own:g} dBFS; leave out that of {reference_dbfs:g} dBFS")
    return found


def _virtual(preset: str, audio: AudioReader, settings: Settings, reference_dbfs: float | None) -> Iterator[np.ndarray]:
    yield effect.apply(
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
