"""Files that other rooms write into a session, such as models."""

import shutil

from sessions.manifest import Interface
from sessions.store import Session


def test_files_of_other_rooms_are_listed(session):
    (session.path / "models/m").mkdir(parents=True)
    (session.path / "models/m/model.json").write_text("{}")
    session.list_files(["models/m/model.json"])
    session.write_json("truth.json", "{}")
    session.set_interface(Interface(name="virtual:fresh"))
    assert set(session.manifest.files) == {"models/m/model.json", "truth.json"}
    assert Session.open(session.path).manifest.interface.name == "virtual:fresh"
    assert session.check() == []


def test_a_model_can_be_removed_as_a_whole(session):
    names = [f"models/{model}/{file}" for model in "ab" for file in ("model.json", "model.safetensors")]
    for name in names:
        (session.path / name).parent.mkdir(parents=True, exist_ok=True)
        (session.path / name).write_text("{}")
    session.list_files(names)
    (session.path / names[1]).unlink()
    assert session.check() == [f"{names[1]}: missing; restore it from a copy of the session."]
    shutil.rmtree(session.path / "models/a")
    assert session.check() == []
    session.list_files(names[2:])
    assert set(session.manifest.files) == set(names[2:])
