"""Sound files written here, read back by libsndfile and SoX, which know nothing of the writer."""

import hashlib
import shutil
import struct
import subprocess

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import wave
from sessions.disk import PART
from sessions.wave import WaveWriter, mend, write_wave, writing
from signals.audio import ArrayAudio
from signals.errors import AudioFileError


def write(path, array, encoding, expected=0, block=1000):
    writer = WaveWriter(path, 48000, array.shape[1], encoding, expected)
    for start in range(0, array.shape[0], block):
        writer.write(array[start : start + block])
    return writer.close()


@given(
    samples=st.integers(1, 300),
    channels=st.integers(1, 5),
    expected=st.integers(0, 300),
    encoding=st.sampled_from(["pcm24", "float32"]),
    seed=st.integers(0, 1000),
)
@settings(deadline=None, max_examples=60)
def test_libsndfile_reads_what_was_written(tmp_path_factory, samples, channels, expected, encoding, seed):
    path = tmp_path_factory.mktemp("wave") / "a.wav"
    steps = np.random.default_rng(seed).integers(-(2**23), 2**23, (samples, channels))
    digest = write(path, steps / 2**23, encoding, expected, block=97)
    found, rate = soundfile.read(path, dtype="float64", always_2d=True)
    assert rate == 48000
    # every 24-bit step is a float32 exactly, and libsndfile reads 24-bit integers as steps / 2**23
    assert np.array_equal(found * 2**23, steps)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_24_bits_are_rounded_and_limited_to_full_scale(tmp_path):
    array = np.array([[1.5], [-1.5], [0.6 / 2**23], [0.4 / 2**23]])
    write(tmp_path / "a.wav", array, "pcm24")
    found, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    assert (found * 2**23).tolist() == [2**23 - 1, -(2**23), 1, 0]


@pytest.mark.parametrize("encoding", ["pcm24", "float32"])
def test_past_the_limit_of_riff_the_file_is_rf64(tmp_path, monkeypatch, encoding):
    monkeypatch.setattr(wave, "RIFF_LIMIT_BYTES", 5000)
    array = np.random.default_rng(0).uniform(-1, 1, (1001, 3)).astype(np.float32).astype(float)
    digest = write(tmp_path / "a.wav", array, encoding)
    raw = (tmp_path / "a.wav").read_bytes()
    assert (raw[:4], raw[12:16]) == (b"RF64", b"ds64")
    riff_bytes, data_bytes, samples = struct.unpack("<QQQ", raw[20:44])
    assert (riff_bytes, data_bytes, samples) == (len(raw) - 8, 1001 * 3 * (3 if encoding == "pcm24" else 4), 1001)
    assert digest == hashlib.sha256(raw).hexdigest()
    with soundfile.SoundFile(tmp_path / "a.wav") as file:
        assert (file.format, file.frames) == ("RF64", 1001)
        assert np.abs(file.read(dtype="float64") - array).max() < 2**-23


def test_header_of_a_file_past_4_gb_states_64_bit_sizes(tmp_path):
    """A sparse file of the true size: libsndfile must find its last sample."""
    samples = 2**32 // 12 + 1000
    header = wave._header("float32", 96000, 3, samples)
    path = tmp_path / "large.wav"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(len(header) + samples * 12)
        file.seek(len(header) + (samples - 1) * 12)
        file.write(np.array([0.25, 0.5, -0.75], "<f4").tobytes())
    with soundfile.SoundFile(path) as file:
        assert file.frames == samples
        file.seek(samples - 1)
        assert file.read(1).tolist() == [[0.25, 0.5, -0.75]]


@pytest.mark.skipif(not shutil.which("sox"), reason="needs SoX: make system-deps")
@pytest.mark.parametrize("encoding", ["pcm24", "float32"])
def test_sox_reads_what_was_written(tmp_path, encoding):
    time = np.arange(48000) / 48000
    write(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 997 * time)[:, None], encoding)
    said = subprocess.run(["sox", tmp_path / "a.wav", "-n", "stat"], capture_output=True, text=True, check=True).stderr
    values = dict(line.split(":") for line in said.splitlines() if line.count(":") == 1)
    assert float(values["RMS     amplitude"]) == pytest.approx(0.5 / np.sqrt(2), abs=2e-6)
    assert float(values["Length (seconds)"]) == 1.0
    assert "WARN" not in said


def test_invalid_samples_are_refused_by_their_position(tmp_path):
    writer = WaveWriter(tmp_path / "a.wav", 48000, 1, "float32")
    writer.write(np.zeros((100, 1)))
    block = np.zeros((10, 1))
    block[3] = np.nan
    with pytest.raises(AudioFileError, match="sample 103 is not a number"):
        writer.write(block)
    with pytest.raises(AudioFileError, match=r"\(10, 2\) cannot join 1 channel"):
        writer.write(np.zeros((10, 2)))
    writer.abandon()


@pytest.mark.parametrize("encoding", ["pcm24", "float32"])
@pytest.mark.filterwarnings("error")
def test_a_sample_beyond_32_bit_float_is_refused_and_nothing_is_left(tmp_path, encoding):
    largest = np.full((10, 1), np.finfo(np.float32).max, dtype=float)
    with writing(tmp_path / "a.wav", 48000, 1, encoding, 10, shared=True) as writer:
        writer.write(largest)
    largest[7] *= -1.001
    with (
        pytest.raises(AudioFileError, match=r"^b\.wav: sample 7 is not a number below 3\.4e\+38"),
        writing(tmp_path / "b.wav", 48000, 1, encoding, 10, shared=True) as writer,
    ):
        writer.write(largest)
    assert [file.name for file in tmp_path.iterdir()] == ["a.wav"]


def test_failed_writing_leaves_nothing(tmp_path):
    with pytest.raises(AudioFileError):
        write_wave(tmp_path / "a.wav", ArrayAudio(np.full((10, 1), np.inf), 48000), "pcm24")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("torn_bytes", [0, 1, 5])
def test_file_of_a_killed_writer_is_mended(tmp_path, torn_bytes):
    array = np.random.default_rng(1).integers(-(2**23), 2**23, (501, 3)) / 2**23
    path = tmp_path / ("a.wav" + PART)
    write(path, array, "pcm24", expected=100000)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) - len(whole) % 2 - torn_bytes])
    samples, digest = mend(path, 48000, 3, "pcm24")
    found, _ = soundfile.read(path, dtype="float64")
    assert samples == found.shape[0] >= 499
    assert np.array_equal(found, array[:samples])
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_name_while_it_is_written_is_nobody_elses(tmp_path):
    """Two writers of one file do not meet, and what lies beside stays."""
    (tmp_path / "x.wav.part").write_text("mine")
    with (
        writing(tmp_path / "x.wav", 48000, 1, "float32", 4, shared=True) as one,
        writing(tmp_path / "x.wav", 48000, 2, "float32", 4, shared=True) as two,
    ):
        one.write(np.zeros((4, 1)))
        two.write(np.ones((4, 2)))
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.wav", "x.wav.part"]
    assert (tmp_path / "x.wav.part").read_text() == "mine"
    assert soundfile.info(tmp_path / "x.wav").channels == 1  # the one that ended last, whole
