"""What a user can get wrong with the disk: it is told in one line, and nothing is changed."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest


@pytest.fixture(params=["small disk", "size limit"])
def no_room(request, tmp_path, command, process):
    """A folder, and a function that runs the command when about 8 kB more can be written there: two kinds of full disk."""
    if request.param == "small disk":
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(disk)]
        if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small disk needs root on Linux")

        def run(*arguments):
            free = shutil.disk_usage(disk).free
            (disk / "filling").write_bytes(b"x" * (free - 8192))
            return command(*arguments)

        yield disk, run
        subprocess.run(["umount", "-l", str(disk)], check=True)
        return
    resource = pytest.importorskip("resource")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    # Python 3.11 keeps bytecode that was cut off at the limit, and every later process would stumble over it.
    yield tmp_path, lambda *arguments: process(*arguments, told={"PYTHONDONTWRITEBYTECODE": "1"}, preexec_fn=limit)


FULL = {
    "stimulus": ("stimulus", "{room}/new", "--quick"),
    "import": ("import", "{room}/planned", "{room}/good.wav"),
    "pair": ("import", "{room}/new", "--dry", "{folder}/dry.wav", "--wet", "{folder}/wet.wav"),
    "capture": ("capture", "{room}/planned"),
    "measure": ("measure", "{room}/paired"),
    "report": ("report", "{room}/paired"),
    "train": ("train", "{room}/paired"),
    "export": ("export", "{room}/paired", "{room}/new"),
    "render": ("render", "{model}", "{folder}/dry.wav", "{room}/out.wav"),
}


LONG = ("measure", "report", "export")


@pytest.mark.parametrize("case", [pytest.param(case, marks=[pytest.mark.slow] if case in LONG else []) for case in FULL])
def test_a_full_disk(no_room, digests, places, case):
    room, run = no_room
    for name in ("planned", "paired"):
        shutil.copytree(places[name], room / name)
    if case == "import":
        shutil.copy(places["planned"] / "stimuli/main.wav", room / "good.wav")
    before = digests(room)
    done = run(*(part.format(room=room, **places) for part in FULL[case]))
    assert done.status == 1
    assert re.search(r"free (some )?space or (choose a folder on another disk|set TMPDIR)", done.refusal), done.refusal
    after = digests(room)
    after.pop("filling", None)
    if case == "capture":  # the session knows by now which device it is played through, and nothing else
        manifests = [json.loads((at / "session.json").read_text()) for at in (places["planned"], room / "planned")]
        assert {**manifests[0], "interface": None} == {**manifests[1], "interface": None}
        after["planned/session.json"] = before["planned/session.json"]
    assert after == before
    assert not (room / "new").exists()
