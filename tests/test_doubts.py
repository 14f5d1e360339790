"""What `tape train` says of poor material before it learns from it, of sessions that were captured or imported."""

import json
import shutil

import numpy as np
import pytest
import soundfile
from scipy.signal import lfilter

from tests.bad_input.material import music, save


def doubts(command, session, *options):
    """The doubts that a training told, and those that it wrote into the card."""
    done = command("train", session, "--core", "linear", *options)
    assert done.status == 0, done
    told = [line.removeprefix("note: ") for line in done.err.splitlines() if line.startswith("note: ")]
    lines = done.err.splitlines()
    assert max(i for i, line in enumerate(lines) if line.startswith("note: ")) < min(
        i for i, line in enumerate(lines) if "training" in line
    )
    folder = next(line.removeprefix("model: ") for line in done.out.splitlines() if line.startswith("model: "))
    with open(f"{folder}/model.json", encoding="utf-8") as file:
        assert json.load(file)["doubts"] == told
    return told


def test_a_session_of_one_pass_and_one_level(command, captured):
    told = doubts(command, captured)
    for said in (
        "one pass alone, 2 are needed",
        "of material to learn from, less than 30 s",
        "test tones of one level, +0 dB, 2 or more are needed",
        "no test tone is above 0 VU, the highest is +0 dB",
    ):
        assert any(said in line for line in told), (said, told)
    assert not any("dropouts" in line or "silence" in line or "full scale" in line for line in told), told


@pytest.mark.slow
def test_two_passes_that_differ(command, captured, tmp_path):
    """The second pass lost treble, as behind dirt on the head."""
    session = tmp_path / "session"
    shutil.copytree(captured, session)
    heard, rate = soundfile.read(session / "takes/play-1/returned.wav")
    for cutoff, differs in ((0.0, False), (0.5, True)):
        save(tmp_path / f"{cutoff}.wav", lfilter([1.0 - cutoff], [1.0, -cutoff], heard, axis=0) + 1e-7, rate)
        assert command("import", session, tmp_path / f"{cutoff}.wav").status == 0
        told = doubts(command, session, "--name", f"after-{differs}".lower())
        assert any("two passes of the tape differ" in line for line in told) == differs
        assert not any("one pass alone" in line for line in told)
        shutil.rmtree(session)
        shutil.copytree(captured, session)


def test_a_pair_that_clips_now_and_then(command, tmp_path):
    dry = music(40.0, 16_000)
    wet = 0.5 * np.concatenate([np.zeros(4000), dry])
    wet[200_000:200_005] = 1.0
    save(tmp_path / "dry.wav", dry, 16_000)
    save(tmp_path / "wet.wav", wet, 16_000)
    session = tmp_path / "session"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    told = doubts(command, session)
    assert any("5 returned samples are at digital full scale, limit 0" in line for line in told)
    assert any("no test tones, of 2 levels or more" in line for line in told)
    assert any("no silence was recorded" in line for line in told)
    assert any("s of material to learn from, less than 30 s" in line for line in told)
