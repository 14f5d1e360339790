import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.lock import held, is_held
from sessions.store import Session
from signals.errors import SessionError

HOLD = """
import sys, time
from pathlib import Path
from sessions.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_program_is_kept_out_until_the_first_is_gone(tmp_path):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(session.path)], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert first.stdout.readline() == "held\n"
        with (
            pytest.raises(SessionError, match="is being captured into by another program; wait until it is done"),
            session.alone(),
        ):
            pass
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    with session.alone():
        assert session.check() == []
    assert [f.name for f in session.path.iterdir()] == ["session.json"]


def test_a_folder_that_was_moved_is_told_before_a_take_begins(tmp_path):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0)
    session.path.rename(tmp_path / "elsewhere")
    with pytest.raises(SessionError, match="is no longer there; it was moved or removed"):
        session.begin_take(
            "t", stimulus=None, role="pair", number=1, conditions={}, sample_rate=48000, channels=1, inputs={0: 1}
        )
    assert not session.path.exists()


def test_whether_a_folder_is_held_is_told_without_taking_it(tmp_path):
    with held(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)
    assert not is_held(tmp_path)
    assert not is_held(tmp_path / "none")
