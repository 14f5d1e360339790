"""Sound files that were cut: what their headers promise, held against what is there.

libsndfile takes the end of the file for the end of the sound and says nothing. A header of a program that wrote into a pipe
could not know the length and holds a place for it; such a file is whole.
"""

import struct
from os import SEEK_END
from pathlib import Path
from typing import BinaryIO

# Lengths of WAV and AIFF that are no promise: SoX into a pipe writes from 0x7F000000 on, arecord 0x80000000, ffmpeg 0xFFFFFFFF, and
# others that less what stands before the sound.
PLACEHOLDERS = (range(0x7F000000, 0x80001000), range(0xFFFF0000, 2**32))
SLACK_BYTES = 64
"""Some programs count their headers in."""

MOST_CHUNKS = 1000
LARGEST_PAGE = 27 + 255 + 255 * 255
"""Of Ogg: header, table of segments, segments (RFC 3533 section 6)."""


def shortfall(path: Path) -> str | None:
    """Whether a file ends before its sound does, in words that can follow "is cut:"; None of a whole file.

    Parameters
    ----------
    path : Path
        A file that can be opened as sound. WAV, RF64, AIFF and Ogg are looked at.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        start = file.read(12)
        form, kind = start[:4], start[8:]
        if form in (b"RIFF", b"RF64", b"BW64") and kind == b"WAVE":
            return _of_chunk(file, "<", b"data")
        if (form, kind) in ((b"RIFX", b"WAVE"), (b"FORM", b"AIFF"), (b"FORM", b"AIFC")):
            return _of_chunk(file, ">", b"data" if form == b"RIFX" else b"SSND")
        if form == b"OggS":
            return "it ends within a page" if _ends_within_page(file) else None
    return None


def _of_chunk(file: BinaryIO, order: str, wanted: bytes) -> str | None:
    """How much there is of the chunk that holds the sound (EBU Tech 3306, and AIFF alike)."""
    end, long = file.seek(0, SEEK_END), None
    at = 12
    for _ in range(MOST_CHUNKS):
        if at + 8 > end:
            break
        file.seek(at)
        name, promised = struct.unpack(order + "4sI", file.read(8))
        at += 8
        if name == wanted:
            there = end - at
            if promised == 2**32 - 1 and long is not None:
                promised = long
            elif any(promised in places for places in PLACEHOLDERS):
                return None
            if promised <= there + SLACK_BYTES:
                return None
            return f"its header promises {promised} bytes of sound and {there} ({100 * there // promised} %) are there"
        if name == b"ds64" and at + 16 <= end:
            long = struct.unpack("<8xQ", file.read(16))[0]  # after the size of the file that of the sound
        at += promised + promised % 2
    return None


def _ends_within_page(file: BinaryIO) -> bool:
    """Whether the last page of an Ogg file is longer than what there is of it."""
    end = file.seek(0, SEEK_END)
    file.seek(max(0, end - LARGEST_PAGE))
    tail = file.read()
    page = tail[tail.rfind(b"OggS") :]
    segments = page[27 : 27 + page[26]] if len(page) > 26 else b""
    return len(page) < 27 or len(page) < 27 + page[26] + sum(segments)
