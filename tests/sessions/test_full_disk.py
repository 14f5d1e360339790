"""A disk that fills up: a tiny file system where root may mount one, else a limit on the size of a file."""

import os
import subprocess
import sys

import numpy as np
import pytest

from sessions import take
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.errors import SessionError

if os.name == "nt":
    pytest.skip("no small disk can be made", allow_module_level=True)

RATE = 48000


@pytest.fixture(params=["small disk", "size limit"])
def small_disk(request, tmp_path):
    """A folder in which about 300 kB can be written to one file."""
    if request.param == "small disk":
        folder = tmp_path / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(folder)]
        if (
            sys.platform != "linux"
            or os.geteuid() != 0
            or subprocess.run(mount, check=False, capture_output=True).returncode
        ):
            pytest.skip("mounting a small disk needs root on Linux")
        yield folder
        subprocess.run(["umount", "-l", str(folder)], check=True)
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, before[1]))
    yield tmp_path
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def session(small_disk):
    return Session.create(small_disk / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, session_id="abc123")


@pytest.fixture
def unwarned(monkeypatch):
    """The look at the free space beforehand sees plenty, as when another program fills the disk meanwhile."""
    monkeypatch.setattr(take, "free_bytes", lambda path: 10**12)


@pytest.mark.usefixtures("unwarned")
def test_stimulus_that_fills_the_disk_leaves_the_session_as_it_was(session, stimulus, contents):
    sheet, audio = stimulus
    long = ArrayAudio(np.tile(audio.array, (4, 1)), RATE)
    before = contents(session.path)
    with pytest.raises(SessionError, match=r"no room to write main\.wav.*free some space") as refusal:
        session.add_stimulus(sheet.model_copy(update={"samples": 4 * RATE}), long)
    assert "\n" not in str(refusal.value)
    assert contents(session.path) == before
    assert session.check() == []


def write_for_ever(writer):
    """Number the samples, so that a look at them says which are there."""
    while True:
        first = writer.samples
        writer.write(np.stack([np.arange(first, first + 4096)] * 2, axis=1) / 2**20)


@pytest.mark.usefixtures("unwarned")
def test_take_that_fills_the_disk_keeps_what_had_arrived(session, begin):
    with begin(session, stimulus=None) as writer, pytest.raises(SessionError, match=r"no room to write returned\.wav"):
        write_for_ever(writer)
    (kept,) = session.takes(complete=False)
    assert kept.state == "interrupted"
    assert "no room" in kept.faults[0]
    record, audio = Session.open(session.path).take(kept.id)
    assert audio.samples == record.samples > 10_000
    expected = np.arange(record.samples) / 2**20
    assert np.array_equal(audio.read(0, audio.samples), np.stack([expected] * 2, axis=1))
    assert session.check() == []
    # The disk is as full as before, and what is known of the take is there all the same.
    with pytest.raises(SessionError, match="no room"), begin(session, take_id="next", stimulus=None) as writer:
        write_for_ever(writer)
    assert session.recover() == []
    assert session.check() == []


@pytest.mark.usefixtures("unwarned")
def test_pair_that_fills_the_disk_leaves_the_session_as_it_was(session, contents):
    before = contents(session.path)
    dry, wet = ArrayAudio(np.zeros((100, 1)), RATE), ArrayAudio(np.zeros((4 * RATE, 1)), RATE)
    with pytest.raises(SessionError, match="no room"):
        session.add_pair("pair", dry, wet, ("a", "b"))
    assert contents(session.path) == before


def test_derived_file_that_does_not_fit_leaves_the_earlier_one(session, contents):
    session.write_file("report.pdf", b"a" * 100_000)
    before = contents(session.path)
    with pytest.raises(SessionError, match=r"no room to write report\.pdf"):
        session.write_file("report.pdf", b"b" * 400_000)
    assert contents(session.path) == before
    assert session.check() == []


@pytest.mark.parametrize("small_disk", ["small disk"], indirect=True)
def test_new_session_on_a_full_disk_leaves_no_folder(small_disk):
    (small_disk / "other").write_bytes(b"x" * 270_000)
    with pytest.raises(SessionError, match=r"no room to write session\.json"):
        Session.create(small_disk / "new", deck="d" * 40_000, speed_cm_s=9.5, reference_dbfs=-18.0)
    assert not (small_disk / "new").exists()


def test_room_is_asked_for_before_the_tape_rolls(session, begin, monkeypatch, contents):
    monkeypatch.setattr(take, "free_bytes", lambda path: 100_000_000)
    before = contents(session.path)
    # 15 minutes of two channels in 32-bit float: 48000 * 900 * 2 * 4 = 345.6 MB
    with pytest.raises(SessionError, match=r"346\.1 MB are needed .* 100\.0 MB are free"):
        begin(session, stimulus=None, expected_samples=RATE * 900)
    assert contents(session.path) == before
