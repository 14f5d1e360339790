"""The one gate to sound files: reading by range, and refusals in plain words."""

from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from threading import Lock
from typing import Self

import numpy as np
import soundfile

from sessions.disk import describe
from sessions.promised import shortfall
from signals.audio import AudioReader
from signals.errors import AudioFileError

_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
LOUDEST = 1e10
"""Largest sample, re full scale: integers that a file calls floats stay below it, and their powers below what 64 bits hold."""


class SoundFile:
    """A sound file of any format libsndfile knows, as :class:`signals.audio.AudioReader`.

    Attributes
    ----------
    path : Path
        The file.
    sample_rate, channels, samples : int
        Rate in Hz, number of channels, length per channel.
    bits : int
        Resolution in bits; 0 for lossy formats.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._one_at_a_time = Lock()  # a file has one place at which it is read
        try:
            kind = path.stat().st_mode
        except OSError as error:
            missing = isinstance(error, FileNotFoundError | NotADirectoryError)
            raise AudioFileError(f"{path} does not exist; check the name." if missing else describe(error, path)) from error
        if S_ISDIR(kind):
            raise AudioFileError(f"{path} is a folder; name a sound file.")
        if not S_ISREG(kind):
            raise AudioFileError(f"{path} is neither a file nor a folder; name a sound file.")
        if path.stat().st_size == 0:
            raise AudioFileError(f"{path} is empty (0 bytes); record or copy it again.")
        try:
            self._file = soundfile.SoundFile(path)
        except soundfile.SoundFileError as error:
            raise AudioFileError(
                f"{path} cannot be opened: {_reason(error)}; give a complete WAV, FLAC or AIFF file."
            ) from error
        self.sample_rate = int(self._file.samplerate)
        self.channels = int(self._file.channels)
        self.samples = int(self._file.frames)
        self.bits = _BITS.get(self._file.subtype, 0)
        if self.samples == 0:
            self._file.close()
            raise AudioFileError(f"{path} holds a header but no samples; record or copy it again.")
        if (cut := shortfall(path)) is not None:
            self._file.close()
            raise AudioFileError(
                f"{path} is cut: {cut}; copy it again from its source, or save what is there as a new file with a sound editor."
            )

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``, float64, zeros outside the file.

        Raises
        ------
        AudioFileError
            The file cannot be decoded there, or holds NaN, infinity or what no sound comes near.
        """
        out = np.zeros((max(stop - start, 0), self.channels))
        low, high = max(start, 0), min(stop, self.samples)
        if low >= high:
            return out
        try:
            with self._one_at_a_time:
                if self._file.tell() != low:
                    self._file.seek(low)
                found = self._file.read(dtype="float64", always_2d=True, out=out[low - start : high - start])
        except soundfile.SoundFileError as error:
            raise AudioFileError(
                f"{self.path} cannot be decoded: {_reason(error)}; copy it again from its source."
            ) from error
        if found.shape[0] != high - low:
            raise AudioFileError(
                f"{self.path} promises {self.samples} samples but ends at {low + found.shape[0]};"
                " copy it again from its source."
            )
        if not (found.min() >= -LOUDEST and found.max() <= LOUDEST):  # NaN is in no order
            sound = np.abs(found) <= LOUDEST
            row = int(np.argmin(sound.all(axis=1)))
            raise AudioFileError(f"{self.path}: sample {low + row} {_no_sound(found[row][~sound[row]][0])}")
        return out

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _no_sound(value: float) -> str:
    if not np.isfinite(value):
        return "is not a number (NaN or infinite); export the file again."
    return f"is {value:.3g}, where full scale is 1; what lies beyond {LOUDEST:g} is no sound: export the file again."


def _reason(error: Exception) -> str:
    """What libsndfile says, without the path that the message names already."""
    said = str(getattr(error, "error_string", error)).strip().rstrip(".")
    return said.removeprefix("Error : ").removeprefix("Error in ") or "unknown error"


def open_audio(path: str | Path) -> SoundFile:
    """Open a sound file for reading by range.

    Raises
    ------
    AudioFileError
        The file is missing, empty, cut, or no sound file.
    """
    return SoundFile(Path(path))


def require_format(
    audio: SoundFile,
    *,
    sample_rate: int | None = None,
    minimum_rate: int = 1,
    minimum_bits: int = 0,
    channels: int | None = None,
) -> None:
    """Check that a file has the format its purpose asks for.

    Parameters
    ----------
    audio : SoundFile
        An open file.
    sample_rate : int, optional
        The one rate in Hz that is accepted.
    minimum_rate : int
        Lowest rate in Hz that is accepted.
    minimum_bits : int
        Lowest resolution in bits that is accepted.
    channels : int, optional
        The number of channels that is wanted at least.

    Raises
    ------
    AudioFileError
        Naming the value found, the limit and the remedy.
    """
    name = audio.path
    if sample_rate is not None and audio.sample_rate != sample_rate:
        raise AudioFileError(
            f"{name} has a sample rate of {audio.sample_rate} Hz; the stimulus has {sample_rate} Hz:"
            f" record at {sample_rate} Hz (converting afterwards would hide what the clocks did)."
        )
    if audio.sample_rate < minimum_rate:
        raise AudioFileError(f"{name} has a sample rate of {audio.sample_rate} Hz; at least {minimum_rate} Hz is needed.")
    if audio.bits < minimum_bits:
        found = f"{audio.bits} bits" if audio.bits else "a lossy encoding"
        raise AudioFileError(
            f"{name} has {found}; at least {minimum_bits} bits are needed: record to a WAV of 24 bits or better."
        )
    if channels is not None and audio.channels < channels:
        raise AudioFileError(
            f"{name} has {audio.channels} channel(s); {channels} are needed: record all returns into one file."
        )


def blocks(audio: AudioReader, length_samples: int = 1 << 16) -> Iterator[np.ndarray]:
    """The whole of `audio` in blocks of at most `length_samples`."""
    for start in range(0, audio.samples, length_samples):
        yield audio.read(start, min(start + length_samples, audio.samples))
