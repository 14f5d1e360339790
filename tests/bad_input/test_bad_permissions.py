"""What cannot be written is told before the work, not after it."""

import os
import shutil
import subprocess
import sys

import pytest


@pytest.fixture
def read_only(paired, tmp_path):
    """A copy of a measured pair with a model, in which nothing can be written: a mount where root runs this, else permissions."""
    session = shutil.copytree(paired, tmp_path / "paired")
    if sys.platform == "win32":
        pytest.skip("Windows has no permissions of this kind")
    if os.geteuid():
        folders = [session, *(path for path in session.rglob("*") if path.is_dir())]
        for folder in folders:
            folder.chmod(0o555)
        yield session
        for folder in folders:
            folder.chmod(0o755)
        return
    bound = ["mount", "--bind", str(session), str(session)]
    if sys.platform != "linux" or subprocess.run(bound, check=False, capture_output=True).returncode:
        pytest.skip("root is bound by a mount alone, which needs Linux and the right to mount")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(session)], check=True)
    yield session
    subprocess.run(["umount", "-l", str(session)], check=True)


COMMANDS = {
    "train": ("train", "{session}"),
    "evaluate": ("evaluate", "{session}/models/linear", "{session}"),
    "evaluate another": ("evaluate", "{session}/models/linear", "{paired}"),
    "listening": ("evaluate", "{paired}/models/linear", "{paired}", "--listening", "{session}/new"),
    "measure": ("measure", "{session}"),
}


@pytest.mark.parametrize("case", COMMANDS)
def test_a_folder_that_cannot_be_written(refused, paired, read_only, case):
    line = (part.format(session=read_only, paired=paired) for part in COMMANDS[case])
    done = refused("cannot be written or read: ", *line)
    assert done.err.count("\n") == 1, done.err  # not even a step of the work was begun
    assert "change its permissions or choose another folder" in done.refusal


def test_a_file_where_the_models_go(refused, paired, tmp_path):
    session = shutil.copytree(paired, tmp_path / "paired", ignore=shutil.ignore_patterns("models"))
    (session / "models").write_text("no folder")
    done = refused("models: Not a directory; check the folder", "train", session)
    assert done.err.count("\n") == 1, done.err
