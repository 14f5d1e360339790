"""Writing sound files as a stream: WAV, or RF64 once the size passes what RIFF can say (EBU Tech 3306).

libsndfile reads these files like any other; it does not write them because it has to be told beforehand whether a file will
pass 4 GB, and leaves no length in the header of a file whose writer was killed. Here the header reserves room for the
64-bit sizes (a ``JUNK`` chunk that becomes ``ds64``), as EBU Tech 3306 section 3 proposes for recording.
"""

import contextlib
import hashlib
import os
import secrets
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np

from sessions.audio import blocks
from sessions.disk import PART, sync_folder, told_as_session_error
from signals.audio import AudioReader
from signals.errors import AudioFileError

Encoding = Literal["pcm24", "float32"]

RIFF_LIMIT_BYTES = 2**32 - 1
"""Largest size that a RIFF header can state."""

_BYTES = {"pcm24": 3, "float32": 4}
_FULL_SCALE_24 = 2**23
_LARGEST = float(np.finfo(np.float32).max)


def _header(encoding: Encoding, sample_rate: int, channels: int, samples: int) -> bytes:
    """Header of a file with `samples` samples per channel; its length depends on the encoding alone."""
    width = _BYTES[encoding]
    data_bytes = samples * channels * width
    rate_and_frame = (channels, sample_rate, sample_rate * channels * width, channels * width, 8 * width)
    if encoding == "pcm24":
        form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, *rate_and_frame)
    else:  # WAVE_FORMAT_IEEE_FLOAT wants the extension size and a fact chunk
        form = struct.pack("<4sIHHIIHHH", b"fmt ", 18, 3, *rate_and_frame, 0)
        form += struct.pack("<4sII", b"fact", 4, min(samples, 2**32 - 1))
    riff_bytes = 4 + 36 + len(form) + 8 + data_bytes + data_bytes % 2
    if riff_bytes <= RIFF_LIMIT_BYTES:
        start = struct.pack("<4sI4s4sI28x", b"RIFF", riff_bytes, b"WAVE", b"JUNK", 28)
        return start + form + struct.pack("<4sI", b"data", data_bytes)
    start = struct.pack("<4sI4s4sI", b"RF64", 2**32 - 1, b"WAVE", b"ds64", 28)
    sizes = struct.pack("<QQQI", riff_bytes, data_bytes, samples, 0)
    return start + sizes + form + struct.pack("<4sI", b"data", 2**32 - 1)


def _encode(block: np.ndarray, encoding: Encoding) -> bytes:
    """Samples as little-endian bytes; 24-bit values are rounded and limited to full scale."""
    if encoding == "float32":
        return block.astype("<f4").tobytes()
    steps = np.clip(np.rint(block * _FULL_SCALE_24), -_FULL_SCALE_24, _FULL_SCALE_24 - 1)
    words = np.ascontiguousarray(steps.astype("<i4")).view(np.uint8).reshape(-1, 4)
    return words[:, :3].tobytes()


def wave_bytes(samples: np.ndarray, sample_rate: int, encoding: Encoding) -> bytes:
    """A whole sound file in memory, for one that is short; `samples` has the shape ``(samples, channels)``."""
    count, channels = samples.shape
    data = _header(encoding, sample_rate, channels, count) + _encode(samples, encoding)
    return data + b"\0" * (count * channels * _BYTES[encoding] % 2)


class WaveWriter:
    """A sound file being written, block by block.

    The SHA-256 of the file runs along with the writing. A header that has to change at the end (the length was not the one
    expected) makes the digest void, since the header comes first; only then the file is read once more.

    Parameters
    ----------
    path : Path
        File to write; one that exists is overwritten, so give a temporary name.
    sample_rate : int
        Sample rate in Hz.
    channels : int
        Number of channels.
    encoding : {"pcm24", "float32"}
        24-bit integers or 32-bit floats.
    expected_samples : int, optional
        Length per channel, if known.
    name : str, optional
        What the file will be called, for refusals.

    Raises
    ------
    OSError
        From every method, when the disk is full or gone; the caller knows what to undo.
    """

    def __init__(
        self, path: Path, sample_rate: int, channels: int, encoding: Encoding, expected_samples: int = 0, name: str = ""
    ) -> None:
        self.path = path
        self.name = name or path.name
        self.sample_rate = sample_rate
        self.channels = channels
        self.encoding: Encoding = encoding
        self.samples = 0
        self._file = path.open("wb", buffering=0)  # what was written is with the system, whatever becomes of this process
        self._header = _header(encoding, sample_rate, channels, expected_samples)
        self._digest = hashlib.sha256()
        self.sha256 = ""
        self._put(self._header)

    def _put(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._digest.update(data)

    def write(self, block: np.ndarray) -> None:
        """Append samples, shape ``(samples, channels)``.

        Raises
        ------
        AudioFileError
            The block has another number of channels, or holds NaN, infinity or what is beyond 32-bit float.
        """
        if block.ndim != 2 or block.shape[1] != self.channels:
            raise AudioFileError(f"{self.name}: a block of shape {block.shape} cannot join {self.channels} channel(s).")
        fits = np.abs(block) <= _LARGEST  # NaN does not
        if not fits.all():
            where = self.samples + int(np.argmin(fits.all(axis=1)))
            raise AudioFileError(
                f"{self.name}: sample {where} is not a number below {_LARGEST:.1e}; the source delivers invalid samples."
            )
        self._put(_encode(block, self.encoding))
        self.samples += block.shape[0]

    def sync(self) -> None:
        """Have what was written survive a loss of power."""
        os.fsync(self._file.fileno())

    def close(self) -> str:
        """Complete header and padding, sync to disk, and return the SHA-256 of the file."""
        header = _header(self.encoding, self.sample_rate, self.channels, self.samples)
        try:
            if self.samples * self.channels * _BYTES[self.encoding] % 2:
                self._put(b"\0")
            if header != self._header:
                self._file.seek(0)
                self._file.write(header)
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        if header == self._header:
            self.sha256 = self._digest.hexdigest()
        else:
            with self.path.open("rb") as file:
                self.sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return self.sha256

    def cut(self) -> str:
        """End a file that could not be written on after its last whole sample; returns its SHA-256.

        Raises
        ------
        SessionError
            Not even that can be written.
        """
        self._file.close()
        self.samples, self.sha256 = mend(self.path, self.sample_rate, self.channels, self.encoding)
        return self.sha256

    def abandon(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self.path.unlink(missing_ok=True)


@contextlib.contextmanager
def writing(
    path: Path, sample_rate: int, channels: int, encoding: Encoding, samples: int, *, shared: bool = False
) -> Iterator[WaveWriter]:
    """Write a new file block by block, under a temporary name until the context ends well; else nothing is left behind.

    Parameters
    ----------
    samples : int
        Expected length.
    shared : bool
        The folder is not ours alone: the temporary name is one that nobody has.

    Raises
    ------
    SessionError
        The disk is full, or the folder cannot be written.
    """
    part = path.with_name(f".{path.name[:50]}-{secrets.token_hex(4)}{PART}" if shared else path.name + PART)
    with told_as_session_error(path):
        writer = WaveWriter(part, sample_rate, channels, encoding, samples, path.name)
        try:
            yield writer
            writer.close()
            part.replace(path)
            sync_folder(path.parent)
        except BaseException:
            writer.abandon()
            raise


def write_wave(path: Path, audio: AudioReader, encoding: Encoding) -> str:
    """Write the whole of `audio` to a new file, under a temporary name until it is complete; returns its SHA-256.

    Raises
    ------
    SessionError
        The disk is full, or the folder cannot be written; nothing is left behind.
    AudioFileError
        The audio holds NaN or infinity, or cannot be read.
    """
    with writing(path, audio.sample_rate, audio.channels, encoding, audio.samples) as writer:
        for block in blocks(audio):
            writer.write(block)
    return writer.sha256


def mend(path: Path, sample_rate: int, channels: int, encoding: Encoding) -> tuple[int, str]:
    """Complete a file whose :class:`WaveWriter` was killed.

    Returns
    -------
    samples : int
        Whole samples per channel found.
    sha256 : str
        Digest of the completed file.

    Raises
    ------
    SessionError
        The file cannot be written.
    """
    with told_as_session_error(path), path.open("r+b") as file:
        start = len(_header(encoding, sample_rate, channels, 0))
        size = file.seek(0, os.SEEK_END)
        samples = max(size - start, 0) // (channels * _BYTES[encoding])
        data_bytes = samples * channels * _BYTES[encoding]
        file.seek(0)
        file.write(_header(encoding, sample_rate, channels, samples))
        file.truncate(start + data_bytes)
        file.seek(0, os.SEEK_END)
        file.write(b"\0" * (data_bytes % 2))
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        return samples, hashlib.file_digest(file, "sha256").hexdigest()
