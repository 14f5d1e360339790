def test_a_renewed_folder_keeps_nothing_of_an_earlier_run_and_no_other_loses_anything(session):
    session.write_files({"models/a/listening/1.wav": b"1", "models/a/listening/2.wav": b"2", "models/a/card": b"c"})
    session.write_files({"models/a/listening/1.wav": b"new"}, renewed=("models/a/listening",))
    assert {name for name in session.manifest.files if name.startswith("models")} == {
        "models/a/listening/1.wav",
        "models/a/card",
    }
    assert not (session.path / "models/a/listening/2.wav").exists()
    assert session.check() == []
