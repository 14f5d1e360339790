"""Sessions and files that the tests of bad input go wrong with."""

import numpy as np
import pytest
import soundfile

from tests.bad_input.material import RATE, SHORT, music, save


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bad")
    save(made / "music.wav", music(10.0))
    save(made / "mono.wav", music(3.0))
    save(made / "dry.wav", music(20.0, 16_000), 16_000)
    save(made / "wet.wav", 0.5 * np.concatenate([np.zeros(4000), music(20.0, 16_000)]), 16_000)
    save(made / "stranger.wav", music(20.0, 16_000, seed=1), 16_000)
    save(made / "six.wav", np.stack([music(3.0)] * 6, axis=1))
    save(made / "silent.wav", np.zeros(3 * RATE))
    save(made / "44100.wav", music(3.0, 44_100), 44_100)
    save(made / "8000.wav", music(3.0, 8000), 8000)
    (made / "empty.wav").touch()
    (made / "bad.toml").write_text("a = [")
    (made / "loud.toml").write_text("[tape]\nhiss_dba = 5000\n")
    (made / "fluttering.toml").write_text("[transport]\npinch_percent = 2.0\n")
    (made / "hissing.toml").write_text("[tape]\nhiss_dba = -25.0\n")
    (made / "newer.json").write_text('{"schema_version": 99}')
    (made / "older.json").write_text('{"schema_version": 0}')
    return made


@pytest.fixture(scope="session")
def planned(command, folder):
    """A planned session: programme on track 1, pilot on track 4."""
    session = folder / "planned"
    assert command("stimulus", session, "--pilot-track", 4, "--music", folder / "music.wav", *SHORT).status == 0
    return session


@pytest.fixture(scope="session")
def sent(planned):
    """Its stimulus, shape (samples, 2)."""
    return soundfile.read(planned / "stimuli/main.wav")[0]


@pytest.fixture(scope="session")
def paired(command, folder):
    """A measured session of one pair, with a model."""
    session = folder / "paired"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "wet.wav").status == 0
    assert command("train", session, "--core", "linear").status == 0
    assert command("measure", session).status == 0
    return session


@pytest.fixture
def places(folder, planned, paired, tmp_path):
    return {
        "folder": folder,
        "planned": planned,
        "paired": paired,
        "model": paired / "models/linear",
        "new": tmp_path / "new",
    }


@pytest.fixture
def refused(command, digests, folder, tmp_path):
    """A function that runs a command, finds it refused, and finds everything as it was."""

    def run(said, *arguments, status=1):
        before = digests(folder), digests(tmp_path)
        done = command(*arguments)
        assert done.status == status, done
        assert done.out == ""
        assert said.search(done.refusal) if hasattr(said, "search") else said in done.refusal, done.refusal
        assert (digests(folder), digests(tmp_path)) == before
        return done

    return run
