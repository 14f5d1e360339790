"""Sound files that were cut are told from those whose headers promise nothing."""

import struct
import subprocess
from shutil import which

import numpy as np
import pytest
import soundfile

from sessions.audio import open_audio
from sessions.promised import shortfall
from signals.errors import AudioFileError

SAMPLES = 48_000


@pytest.fixture
def sound(tmp_path):
    """A function that writes a second of noise in some form, and returns the path."""

    def write(form, channels=2):
        path = tmp_path / f"sound.{form.lower()}"
        noise = np.random.default_rng(0).uniform(-0.5, 0.5, (SAMPLES, channels))
        soundfile.write(path, noise, 48_000, format=form, subtype=None if form == "OGG" else "PCM_16")
        return path

    return write


@pytest.mark.parametrize("form", ["WAV", "RF64", "AIFF", "OGG"])
def test_a_file_that_was_cut_is_refused_and_a_whole_one_is_read(sound, form):
    path = sound(form)
    with open_audio(path) as audio:
        assert audio.samples == SAMPLES
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])
    with pytest.raises(AudioFileError, match=r"is cut: (its header promises \d+ bytes of|it ends within a page)") as refusal:
        open_audio(path)
    assert "\n" not in str(refusal.value)
    path.write_bytes(whole + b"TAG" + bytes(125))
    assert shortfall(path) is None


def test_what_is_missing_is_named(sound):
    path = sound("WAV", channels=1)
    whole = path.read_bytes()
    start = whole.index(b"data") + 8
    path.write_bytes(whole[: start + SAMPLES])
    assert shortfall(path) == f"its header promises {2 * SAMPLES} bytes of sound and {SAMPLES} (50 %) are there"


HEADER_COUNTED_IN = 4 * SAMPLES + 44


@pytest.mark.parametrize("length", [0x7FFFF000, 0x80000000, 0xFFFFFFFF, 0xFFFFFFFF - 36, HEADER_COUNTED_IN])
def test_a_header_that_promises_nothing_is_no_cut(sound, length):
    path = sound("WAV")
    raw = bytearray(path.read_bytes())
    struct.pack_into("<I", raw, raw.index(b"data") + 4, length)
    path.write_bytes(raw)
    with open_audio(path) as audio:
        assert audio.samples == SAMPLES


@pytest.mark.skipif(not which("sox"), reason="needs SoX: make system-deps")
@pytest.mark.parametrize("form", ["wav", "aiff"])
def test_what_sox_writes_into_a_pipe_is_whole(sound, tmp_path, form):
    with sound("WAV").open("rb") as source:
        line = ["sox", "--ignore-length", "-t", "wav", "-", "-t", form, "-"]
        piped = subprocess.run(line, stdin=source, capture_output=True, check=True).stdout
    (tmp_path / "piped").write_bytes(piped)
    with open_audio(tmp_path / "piped") as audio:
        assert audio.samples == SAMPLES
