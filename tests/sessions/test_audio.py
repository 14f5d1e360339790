import re

import numpy as np
import pytest
import soundfile

from sessions.audio import blocks, open_audio, require_format
from signals.errors import AudioFileError


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(-(2**15), 2**15, (5000, 2)) / 2**15


def test_ranges_outside_the_file_are_zeros(tmp_path, noise):
    soundfile.write(tmp_path / "a.wav", noise, 44100, subtype="PCM_24")
    with open_audio(tmp_path / "a.wav") as audio:
        assert (audio.sample_rate, audio.channels, audio.samples, audio.bits) == (44100, 2, 5000, 24)
        found = audio.read(-10, 5010)
        assert np.array_equal(found[10:-10], noise)
        assert not found[:10].any()
        assert not found[-10:].any()
        assert np.array_equal(audio.read(4000, 4100), noise[4000:4100])
        assert np.array_equal(audio.read(100, 200), noise[100:200])
        assert audio.read(6000, 6010).tolist() == [[0.0, 0.0]] * 10
        assert audio.read(10, 5).shape == (0, 2)
        assert np.array_equal(np.concatenate(list(blocks(audio, 999))), noise)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.write_bytes(b""), r"is empty \(0 bytes\)"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: path.write_text("these are words\n" * 100), "cannot be opened"),
        (lambda path: soundfile.write(path, np.zeros((0, 1)), 48000), "no samples"),
    ],
)
def test_what_is_no_recording_is_refused(tmp_path, make, message):
    path = tmp_path / "a.wav"
    make(path)
    with pytest.raises(AudioFileError, match=message) as refusal:
        open_audio(path)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("length", [4, 10, 30, 43])
def test_file_cut_inside_its_header_is_refused(tmp_path, noise, length):
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="PCM_24")
    (tmp_path / "a.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:length])
    with pytest.raises(AudioFileError, match=r"cannot be opened|no samples"):
        open_audio(tmp_path / "a.wav")


def test_flac_cut_in_the_middle_is_refused_when_read(tmp_path, noise):
    soundfile.write(tmp_path / "a.flac", noise, 48000, subtype="PCM_24")
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(AudioFileError, match=r"cannot be decoded|promises"), open_audio(tmp_path / "a.flac") as audio:
        list(blocks(audio))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_invalid_samples_are_refused_by_their_position(tmp_path, noise, value):
    noise[1234, 1] = value
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="FLOAT")
    with open_audio(tmp_path / "a.wav") as audio:
        audio.read(0, 1234)
        with pytest.raises(AudioFileError, match="sample 1234 is not a number"):
            audio.read(1000, 2000)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [1.1e10, -1e39, 1e300])
def test_what_is_far_beyond_full_scale_is_refused_by_its_position(tmp_path, noise, value):
    noise[1234, 1] = value
    noise[1235, 1] = -value  # which makes the sum what it is without them
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="DOUBLE")
    with open_audio(tmp_path / "a.wav") as audio:
        audio.read(0, 1234)
        with pytest.raises(AudioFileError, match=re.escape(f"sample 1234 is {value:.3g}, where full scale is 1; what lies")):
            audio.read(1000, 2000)


def test_integers_that_are_called_floats_are_read(tmp_path, noise):
    noise *= 2**31
    soundfile.write(tmp_path / "a.wav", noise, 48000, subtype="DOUBLE")
    with open_audio(tmp_path / "a.wav") as audio:
        assert np.array_equal(audio.read(0, 5000), noise)


def test_formats_are_refused_with_value_and_limit(tmp_path, noise):
    soundfile.write(tmp_path / "a.wav", noise, 44100, subtype="PCM_16")
    soundfile.write(tmp_path / "a.ogg", noise, 44100)
    with open_audio(tmp_path / "a.wav") as audio:
        require_format(audio, sample_rate=44100, minimum_rate=16000, minimum_bits=16, channels=2)
        with pytest.raises(AudioFileError, match="44100 Hz; the stimulus has 48000 Hz"):
            require_format(audio, sample_rate=48000)
        with pytest.raises(AudioFileError, match="44100 Hz; at least 48000 Hz"):
            require_format(audio, minimum_rate=48000)
        with pytest.raises(AudioFileError, match="16 bits; at least 24 bits"):
            require_format(audio, minimum_bits=24)
        with pytest.raises(AudioFileError, match=r"2 channel\(s\); 4 are needed"):
            require_format(audio, channels=4)
    with open_audio(tmp_path / "a.ogg") as audio, pytest.raises(AudioFileError, match="a lossy encoding"):
        require_format(audio, minimum_bits=24)
