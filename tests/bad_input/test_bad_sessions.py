"""What a user can get wrong with sessions: it is told in one line, and nothing is changed."""

import json
import os
import shutil

import pytest


@pytest.fixture
def copied(planned, tmp_path):
    shutil.copytree(planned, tmp_path / "copy")
    return tmp_path / "copy"


ON_A_SESSION = [("check",), ("measure",), ("report",), ("train",), ("capture",), ("import", "{folder}/mono.wav")]


@pytest.mark.parametrize("line", ON_A_SESSION, ids=lambda line: line[0])
def test_a_session_of_a_newer_schema(refused, copied, places, line):
    manifest = json.loads((copied / "session.json").read_text())
    (copied / "session.json").write_text(json.dumps({**manifest, "schema_version": 9}))
    name, *rest = (part.format(**places) for part in line)
    refused("has schema version 9; this program", name, copied, *rest)


@pytest.mark.parametrize("line", ON_A_SESSION, ids=lambda line: line[0])
def test_a_session_that_is_none(refused, places, tmp_path, line):
    name, *rest = (part.format(**places) for part in line)
    file = tmp_path / "session"
    file.write_text("a file")
    of_a_file = {"capture": "exists already and is not empty", "measure": "give a complete WAV, FLAC or AIFF file"}
    refused(of_a_file.get(name, "is a file; name the folder"), name, file, *rest)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/notes.txt").write_text("no session")
    said = "exists already and is not empty" if name == "capture" else "holds no session.json, so it is no session"
    refused(said, name, tmp_path / "folder", *rest)
    if name != "capture":
        refused("There is no session at", name, tmp_path / "nowhere", *rest)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 1}'])
def test_a_damaged_session(refused, copied, text):
    (copied / "session.json").write_text(text)
    refused("restore it from a copy of the session", "measure", copied)


def test_a_session_with_nothing_in_it_yet(refused, planned):
    refused("has 0 finished takes, 1 is needed; capture one, or attach recordings", "measure", planned)
    refused("has not been measured; run 'tape measure", "report", planned)
    refused("holds no complete play pass and no pair; run 'tape capture' or 'tape import'", "train", planned)


def test_nothing_is_planned_over_what_is_there(refused, planned, folder):
    for name in ("stimulus", "demo"):
        refused("exists already and is not empty; name a new folder for the session", name, planned)
        refused("exists already and is not empty; name a new folder for the session", name, folder / "dry.wav")


@pytest.mark.skipif(os.name == "nt", reason="needs a folder in which nobody can write")
def test_a_folder_that_cannot_be_written(refused, places, tmp_path):
    (tmp_path / "file").touch()
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for parent in (tmp_path / "file", *([locked] if os.geteuid() else [])):
        for name in ("stimulus", "capture", "demo"):
            refused("folder", name, parent / "new")
        refused(
            "folder", "import", parent / "new", "--dry", places["folder"] / "dry.wav", "--wet", places["folder"] / "wet.wav"
        )
        refused("folder", "render", places["model"], places["folder"] / "dry.wav", parent / "new.wav")


def test_a_damaged_file_in_a_session_is_named_by_check(command, copied):
    with (copied / "stimuli/main.wav").open("r+b") as file:
        file.seek(100_000)
        file.write(b"\x01\x02\x03")
    done = command("check", copied)
    assert (done.status, done.err) == (1, "")
    assert done.out.splitlines() == [
        "stimuli/main.wav: changed since it was written (SHA-256 differs); restore it from a copy of the session."
    ]
