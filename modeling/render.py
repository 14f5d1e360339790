"""A model applied to sound: streamed in blocks, any length, any sample rate from 16 kHz, any number of channels.

The chain is resampling to the model's rate, encoder, core, transport, noise of the tape, decoder, noise behind it, resampling back,
mix with the dry sound; encoder and decoder only in a model of a deck with dbx. So a decoder lets the hiss breathe. What comes
out is as long as what went in and aligned with it, but for the wow and flutter that was asked for.

Level rule: digital full scale of the file is digital full scale of the session, so a sine at the model's `reference_dbfs` is
0 VU, and the deck's own gain is kept. Nothing is normalised or clipped: output is floating point and may exceed full scale.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soxr

from analysis.dewarp import HALF_TAPS, interpolate
from modeling.compander import Companding
from modeling.cores.core import Stream
from modeling.generators.noise import NoiseGenerator
from modeling.generators.transport import Motion
from modeling.model import Model
from signals.audio import ArrayAudio, AudioReader
from signals.errors import ModelError

BLOCK = 1 << 16
LOWEST_RATE_HZ = 16000
MOST_DRIVE_DB = 40.0
MOST_FACTOR = 10.0
HISS, BEHIND = 0, 1 << 16
"""First of the numbers under which the channels draw their noise, on tape and behind the decoder."""


@dataclass(frozen=True)
class Settings:
    """How to render.

    Attributes
    ----------
    wow, hiss : float
        Amount of wow and flutter, and of noise, re that of the deck; 0 is none.
    drive_db : float
        Level into the deck; what comes out, noise and all, is lowered as much, so that it drives the tape and not the ears.
    mix : float
        Share of the model's output, 1 is all; the rest is the dry sound.
    seed : int
        Draws motion and noise. The same seed gives the same rendering.

    Raises
    ------
    ModelError
        A value is out of range.
    """

    wow: float = 1.0
    hiss: float = 1.0
    drive_db: float = 0.0
    mix: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("wow", self.wow, 0.0, MOST_FACTOR),
            ("hiss", self.hiss, 0.0, MOST_FACTOR),
            ("drive", self.drive_db, -MOST_DRIVE_DB, MOST_DRIVE_DB),
            ("mix", self.mix, 0.0, 1.0),
            ("seed", self.seed, 0, 2**63),
        ):
            if not low <= value <= high:
                raise ModelError(f"{name} {value:g} is outside {low:g} to {high:g}; choose a value inside")


def render(model: Model, audio: np.ndarray, sample_rate: int, settings: Settings | None = None) -> np.ndarray:
    """Apply a model to an array.

    Parameters
    ----------
    audio : ndarray, shape (samples,) or (samples, channels)
    sample_rate : int
        Of `audio`, in Hz.

    Returns
    -------
    ndarray, of the same shape, float64
    """
    columns = audio if audio.ndim == 2 else audio[:, None]
    if audio.size == 0:
        return np.zeros(audio.shape)
    blocks = list(render_blocks(model, ArrayAudio(columns, sample_rate), settings))
    return np.concatenate(blocks).reshape(audio.shape)


def render_blocks(model: Model, audio: AudioReader, settings: Settings | None = None) -> Iterator[np.ndarray]:
    """Apply a model to sound of any length.

    Yields
    ------
    ndarray, shape (n, channels), float64
        Blocks at the rate of `audio`, as many samples in all as it has.

    Raises
    ------
    ModelError
        The sample rate is too low.
    """
    if audio.sample_rate < LOWEST_RATE_HZ:
        raise ModelError(
            f"the sound has {audio.sample_rate} Hz, a model needs at least {LOWEST_RATE_HZ} Hz; convert it to a higher rate"
        )
    chain = _Chain(model, audio.channels, settings or Settings())
    same = audio.sample_rate == model.core.sample_rate
    into = None if same else soxr.ResampleStream(audio.sample_rate, model.core.sample_rate, audio.channels, "float64")
    back = None if same else soxr.ResampleStream(model.core.sample_rate, audio.sample_rate, audio.channels, "float64")
    mixer = _Mixer((settings or Settings()).mix, audio.channels)
    left = audio.samples
    for start in range(0, audio.samples, BLOCK):
        stop = min(start + BLOCK, audio.samples)
        last = stop == audio.samples
        block = audio.read(start, stop)
        mixer.hear(block)
        block = chain.push(into.resample_chunk(block, last) if into else block)
        if last:
            block = np.concatenate([block, chain.flush()])
        if back:
            block = back.resample_chunk(block, last)
        # Two conversions of rate may end a sample early or late.
        block = block[:left] if not last else np.pad(block[:left], ((0, max(0, left - block.shape[0])), (0, 0)))
        left -= block.shape[0]
        yield mixer.mixed(block)


class _Chain:
    """All between the two conversions of rate."""

    def __init__(self, model: Model, channels: int, settings: Settings) -> None:
        self._settings = settings
        self._rate = model.core.sample_rate
        self._cores: list[Stream] = [model.core.stream() for _ in range(channels)]
        motion = model.transport.motion(settings.seed) if model.transport and settings.wow else None
        self._transport = _Transport(motion, settings.wow, self._rate, channels)
        self._noise, self._behind = (model.noise, model.behind) if settings.hiss else (None, None)
        companding = model.card.companding or Companding()
        at = (channels, self._rate, model.core.reference_dbfs)
        self._encoder, self._decoder = companding.encoder(*at), companding.decoder(*at)
        self._gain = 10.0 ** (settings.drive_db / 20.0)
        self._done = 0

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take input, give the output that is settled by it, shape ``(n, channels)`` to ``(m, channels)``."""
        sent = self._encoder.process(self._gain * block.T)
        parts = [core.push(sent[c]) for c, core in enumerate(self._cores)]
        return self._finish(self._transport.push(np.stack(parts, axis=1)))

    def flush(self) -> np.ndarray:
        """Give the rest."""
        parts = [core.flush() for core in self._cores]
        rest = self._transport.push(np.stack(parts, axis=1))
        return self._finish(np.concatenate([rest, self._transport.flush()]))

    def _finish(self, played: np.ndarray) -> np.ndarray:
        n = played.shape[0]
        if n == 0:
            return played
        heard = self._decoder.process((played + self._drawn(self._noise, played, HISS)).T).T
        wet = (heard + self._drawn(self._behind, heard, BEHIND)) / self._gain
        self._done += n
        return wet

    def _drawn(self, noise: NoiseGenerator | None, sound: np.ndarray, which: int) -> np.ndarray:
        """The next noise of every channel, beside its sound; different generators draw different noise."""
        out = np.zeros(sound.shape)
        if noise is not None:
            for c in range(sound.shape[1]):
                out[:, c] = self._settings.hiss * noise.beside(sound[:, c], self._done, which + c, self._settings.seed)
        return out


class _Mixer:
    """Lays the dry sound, at the rate of its file, beside what comes of it later."""

    def __init__(self, mix: float, channels: int) -> None:
        self._mix = mix
        self._dry = np.zeros((0, channels))

    def hear(self, dry: np.ndarray) -> None:
        """Take the next of the dry sound."""
        if self._mix < 1.0:
            self._dry = np.concatenate([self._dry, dry])

    def mixed(self, wet: np.ndarray) -> np.ndarray:
        """The next of the mix, for the next of the model's output."""
        if self._mix == 1.0:
            return wet
        dry, self._dry = self._dry[: wet.shape[0]], self._dry[wet.shape[0] :]
        return self._mix * wet + (1.0 - self._mix) * dry


class _Transport:
    """Reads a signal that arrives in blocks at moments that wander about their own."""

    def __init__(self, motion: Motion | None, amount: float, sample_rate: int, channels: int) -> None:
        self._motion = motion
        self._amount = amount
        self._rate = sample_rate
        self._reach = 0 if motion is None else int(np.ceil(amount * motion.bound_s * sample_rate)) + HALF_TAPS + 1
        self._held = np.zeros((self._reach, channels))
        self._first = -self._reach
        """Position in the signal of the first sample held."""
        self._next = 0

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take input, give all output whose moments have arrived."""
        if self._motion is None:
            return block
        self._held = np.concatenate([self._held, block])
        ready = self._first + self._held.shape[0] - self._reach
        if ready <= self._next:
            return np.zeros((0, block.shape[1]))
        delay = self._amount * self._motion.delay(self._next, ready, self._rate)
        position = np.arange(self._next, ready) - delay * self._rate
        out = interpolate(self._held, position - self._first)
        self._next = ready
        drop = ready - self._reach - self._first
        self._held = self._held[drop:].copy()
        self._first += drop
        return out

    def flush(self) -> np.ndarray:
        """Give the rest, as if silence followed."""
        return self.push(np.zeros((self._reach, self._held.shape[1])))
