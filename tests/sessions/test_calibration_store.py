import json
from pathlib import Path

import numpy as np
import pytest

from sessions.calibration import Calibration, adopt, find, find_exact, keep, of_session
from sessions.configuration import configuration_folder
from sessions.manifest import Interface, SessionManifest, from_json
from sessions.results import Result
from sessions.store import Session
from signals.errors import SessionError


def made(created="2026-03-01T10:00:00+00:00", interface="Scarlett 2i2 USB: Audio (hw:1,0)", rate=48_000, pairs=((1, 1),)):
    figures = [
        Result(quantity="gain", value=-1.5, unit="dB", conditions={"output": o, "input": i}, method="m") for o, i in pairs
    ]
    return Calibration(
        session="calibration", tool_version="0.1.0", created=created, results=figures, curves=[], interface=interface,
        sample_rate=rate, outputs=[o for o, _ in pairs], inputs=[i for _, i in pairs], reference_dbfs=-18.0,
    )  # fmt: skip


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TAPE_CONFIG", str(tmp_path / "configuration"))
    return tmp_path / "configuration"


@pytest.fixture
def session(tmp_path):
    interface = Interface(name="Scarlett 2i2 USB: Audio (hw:2,0)", sample_rate=48_000)
    return Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, interface=interface)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", "/home/me/.config/tape"),
        ({"XDG_CONFIG_HOME": "/etc/me"}, "linux", "/etc/me/tape"),
        ({"XDG_CONFIG_HOME": "not/absolute"}, "linux", "/home/me/.config/tape"),
        ({"XDG_CONFIG_HOME": "/etc/me"}, "darwin", "/home/me/Library/Application Support/tape"),
        ({"APPDATA": "/roaming"}, "win32", "/roaming/tape"),
        ({}, "win32", "/home/me/AppData/Roaming/tape"),
        ({"TAPE_CONFIG": "/here", "XDG_CONFIG_HOME": "/etc/me"}, "linux", "/here"),
    ],
)
def test_the_configuration_lies_where_each_system_wants_it(environment, platform, expected):
    assert configuration_folder(environment, platform, Path("/home/me")) == Path(expected)


def test_what_is_kept_is_found_again_whatever_number_the_card_has(folder):
    file = keep(made())
    assert file.is_relative_to(folder)
    assert find("Scarlett 2i2 USB: Audio (hw:3,0)", 48_000) == made()
    assert find("Scarlett 2i2 USB: Audio (hw:1,0)", 96_000) is None
    assert find("Scarlett 4i4", 48_000) is None
    assert not list(folder.rglob("*.part"))


def test_an_older_calibration_is_kept_with_its_date(folder):
    first, second, third = (made(f"2026-03-0{day}T10:00:00+00:00") for day in (1, 2, 3))
    paths = [keep(c) for c in (first, second, third)]
    assert paths[0] == paths[1] == paths[2]
    kept = {p.name: Calibration.model_validate_json(p.read_text()) for p in folder.rglob("*.json")}
    assert sorted(kept.values(), key=lambda c: c.created) == [first, second, third]
    assert any("20260301T100000" in name for name in kept)
    assert find(first.interface, 48_000) == third
    keep(third)
    keep(third)  # made within one second of each other, both stay
    assert len(list(folder.rglob("*.json"))) == 5


def test_the_calibration_that_holds_most_of_the_channels_in_use_is_found():
    one, two = made("2026-03-05T10:00:00+00:00"), made(pairs=((1, 1), (2, 2)))
    keep(one)
    keep(two)
    assert find(one.interface, 48_000, [(1, 1), (2, 2)]) == two
    assert find(one.interface, 48_000, [(1, 1)]) == one  # the newer
    assert find_exact(one.interface, 48_000, [(1, 1), (2, 2)]) == two
    assert find_exact(one.interface, 48_000, [(2, 2)]) is None


def test_a_damaged_calibration_is_told_with_its_remedy():
    keep(made()).write_text("{")
    with pytest.raises(SessionError, match=r"not readable as JSON.*delete it.*tape calibrate") as told:
        find(made().interface, 48_000)
    assert "\n" not in str(told.value)
    keep(made())  # and it does not stand in the way of a new one
    assert find(made().interface, 48_000) == made()


def test_a_calibration_of_a_newer_program_is_refused():
    path = keep(made())
    path.write_text(path.read_text().replace('"schema_version": 1', '"schema_version": 2'))
    with pytest.raises(SessionError, match="schema version 2"):
        find(made().interface, 48_000)


def test_a_session_gets_a_copy_that_is_listed_with_its_digest(session, folder):
    keep(made())
    assert adopt(session) == made()
    assert session.manifest.interface.calibration == "calibration.json"
    for file in folder.rglob("*.json"):
        file.unlink()
    again = Session.open(session.path)
    assert of_session(again) == made()
    assert again.check() == []
    (session.path / "calibration.json").write_text("{}")
    assert again.check() != []


def test_a_session_without_a_calibrated_interface_stays_as_it_was(session, tmp_path):
    before = (session.path / "session.json").read_bytes()
    keep(made(rate=96_000))
    assert adopt(session) is None
    assert of_session(session) is None
    assert (session.path / "session.json").read_bytes() == before


def test_a_session_with_takes_keeps_the_calibration_it_was_begun_with(session):
    keep(made())
    adopt(session)
    keep(made("2026-04-01T10:00:00+00:00"))
    assert adopt(session).created.startswith("2026-04")
    with session.begin_take(
        "loop", stimulus=None, role="loop", number=1, conditions={}, sample_rate=48_000, channels=1, inputs={0: 1}
    ) as take:
        take.write(np.full((100, 1), 0.5))
        take.finish()
    keep(made("2026-05-01T10:00:00+00:00"))
    assert adopt(session).created.startswith("2026-04")
    assert of_session(session).created.startswith("2026-04")


def test_a_calibration_of_another_interface_is_refused(session):
    keep(made())
    adopt(session)
    session.set_interface(session.manifest.interface.model_copy(update={"name": "Another"}))
    with pytest.raises(SessionError, match=r"'Scarlett.*the session of 'Another'"):
        of_session(session)


def test_a_session_written_before_there_were_calibrations_opens(session):
    document = json.loads((session.path / "session.json").read_text())
    del document["interface"]["calibration"]
    assert from_json(SessionManifest, json.dumps(document), "session.json") == session.manifest


def test_pairs_need_as_many_inputs_as_outputs():
    document = made().model_dump()
    with pytest.raises(ValueError, match="2 outputs and 1 inputs"):
        Calibration.model_validate({**document, "outputs": [1, 2]})
