"""``tape measure`` on a bare recording: formats, channels, what is printed, and refusals."""

import json

import numpy as np
import pytest
import soundfile

from sessions.results import Measurements


def save(path, rate=16_000, channels=1, subtype="PCM_16", seconds=5.5, hertz=3150.0):
    time = np.arange(round(seconds * rate)) / rate
    turns = hertz * (time - 1e-3 / (2 * np.pi * 4.0) * np.cos(2 * np.pi * 4.0 * time))
    wave = 0.2 * np.sin(2 * np.pi * turns)
    soundfile.write(path, np.stack([wave] * channels, axis=1), rate, subtype=subtype)
    return path


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_every_format_reads_alike(command, tmp_path, subtype):
    done = command("measure", save(tmp_path / "tone.wav", subtype=subtype), "--tone", "3150", "--json")
    assert (done.status, done.err) == (0, "")
    measured = Measurements.model_validate(json.loads(done.out))
    (flutter,) = measured.find("wow_flutter_weighted_2sigma", channel=1, frequency_hz=3150)
    assert flutter.value == pytest.approx(0.0997, abs=0.001)
    assert flutter.unit == "%"
    assert measured.find_curves("flutter_spectrum")
    assert measured.find_curves("speed_deviation")


def test_four_channels_of_which_one_is_dead(command, tmp_path):
    path = save(tmp_path / "tone.wav", channels=4)
    wave, rate = soundfile.read(path)
    wave[:, 2] = 0.0
    wave[:, 3] *= -0.5
    soundfile.write(path, wave, rate, subtype="PCM_24")
    measured = Measurements.model_validate(json.loads(command("measure", path, "--json").out))
    levels = {r.conditions["channel"]: r.value for r in measured.find("tone_level")}
    assert levels == {
        1: pytest.approx(-13.98, abs=0.01),
        2: pytest.approx(-13.98, abs=0.01),
        4: pytest.approx(-20.0, abs=0.02),
    }
    (dead,) = measured.find("speed_error", channel=3)
    assert not dead.valid
    assert "channel 3 is silent" in str(dead.note)


def test_the_table_says_what_was_found_and_why_something_is_missing(command, tmp_path):
    done = command("measure", save(tmp_path / "tone.wav", seconds=4.0, hertz=3000.0))
    assert done.status == 0
    assert "taken for 3000 Hz" in done.out
    assert "weighted RMS (JIS)" in done.out
    assert "5 s are needed by AES6-2008; record a longer one" in done.out


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["--tone", "5"], 2, "from 20 to 20000"),
        (["--tone", "nan"], 2, "from 20 to 20000"),
        (["--tone", "high"], 2, "--tone"),
    ],
)
def test_wrong_wishes_are_one_line(command, tmp_path, arguments, status, words):
    done = command("measure", save(tmp_path / "tone.wav"), *arguments)
    assert done.status == status
    assert words in done.refusal


def test_files_and_folders_that_are_no_tones(command, tmp_path):
    (tmp_path / "text.wav").write_text("not a sound")
    assert "cannot be opened" in command("measure", tmp_path / "text.wav").refusal
    assert "--tone 3150 is for a recording" in command("measure", tmp_path, "--tone", "3150").refusal
    for tone in (("--tone", "3150"), ()):
        assert "missing.wav does not exist" in command("measure", tmp_path / "missing.wav", *tone).refusal
    assert "no session at" in command("measure", tmp_path / "nothing").refusal
    slow = save(tmp_path / "slow.wav", rate=4000, hertz=1000.0)
    assert "8000 to 192000 Hz" in command("measure", slow).refusal
    blink = save(tmp_path / "blink.wav", seconds=0.05)
    done = command("measure", blink)
    assert done.status == 0
    assert "record more of the tone" in done.out
