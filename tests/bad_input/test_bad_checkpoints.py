"""A training that was cut off, and whose checkpoint cannot be gone on from: one line, and nothing is lost of what it told."""

import os
import pickle
import shutil
import signal
import sys

import pytest


class Evil:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


@pytest.fixture(scope="module")
def cut_off(start, paired, tmp_path_factory):
    """A session with a training of a network that Ctrl-C ended."""
    if sys.platform == "win32":
        pytest.skip("Ctrl-C cannot be sent to one process alone")
    session = tmp_path_factory.mktemp("cut") / "session"
    shutil.copytree(paired, session)
    running = start("train", session, "--core", "stn", "--steps", "100000")
    try:
        for line in running.stderr:
            if "training: " in line and "step" in line:
                running.send_signal(signal.SIGINT)
                break
        _, err = running.communicate(timeout=120)
    finally:
        running.kill()
    assert "go on with --resume" in err
    assert (session / "models/.stn.training/checkpoint").exists()
    return session


SPOILT = {
    "cut": lambda file: os.truncate(file, 1000),
    "empty": lambda file: os.truncate(file, 0),
    "no tensors": lambda file: file.write_text("weights"),
    "pickle": lambda file: file.write_bytes(pickle.dumps(Evil())),
}


def test_going_on_otherwise_is_refused_and_changes_nothing(command, cut_off, tmp_path, digests):
    session = tmp_path / "session"
    shutil.copytree(cut_off, session)
    before = digests(session)
    assert "another batch" in command("train", session, "--resume", "--batch", "2").refusal
    assert digests(session) == before


@pytest.mark.parametrize("case", SPOILT)
def test_a_checkpoint_that_cannot_be_gone_on_from(command, cut_off, tmp_path, monkeypatch, digests, case):
    monkeypatch.chdir(tmp_path)
    session = tmp_path / "session"
    shutil.copytree(cut_off, session)
    running = session / "models/.stn.training"
    assert (running / "training.jsonl").stat().st_size > 0
    SPOILT[case](running / "checkpoint")
    before = digests(session)
    done = command("train", session, "--resume")
    assert "is no checkpoint of this core" in done.refusal
    assert "train without --resume" in done.refusal
    assert digests(session) == before
    assert not (tmp_path / "executed").exists()
