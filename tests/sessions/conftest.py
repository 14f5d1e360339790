import numpy as np
import pytest

from sessions.store import Session
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue, CueSheet

RATE = 48000
SESSION_ID = "abc123"


@pytest.fixture
def stimulus() -> tuple[CueSheet, ArrayAudio]:
    """A tone on the programme channel and a pilot, a second long."""
    time = np.arange(RATE) / RATE
    array = np.stack([0.125 * np.sin(2 * np.pi * 1000 * time), 0.0625 * np.sin(2 * np.pi * 5000 * time)], axis=1)
    sheet = CueSheet(
        stimulus="main",
        session=SESSION_ID,
        code=7,
        sample_rate=RATE,
        samples=RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="programme", track=1), Channel(role="pilot", track=4)),
        cues=(Cue(name="tone", kind="tone", channel=0, start_samples=0, length_samples=RATE, level_db=0.0),),
    )
    return sheet, ArrayAudio(array, RATE)


@pytest.fixture
def session(tmp_path) -> Session:
    return Session.create(
        tmp_path / "deck", deck="Tascam 424 MkII", speed_cm_s=9.5, reference_dbfs=-18.0, session_id=SESSION_ID
    )


@pytest.fixture
def planned(session, stimulus) -> Session:
    session.add_stimulus(*stimulus)
    return session


@pytest.fixture
def contents():
    """A function that reads a whole folder, to show that a refusal left it as it was."""

    def read(folder):
        return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}

    return read


PASS = {"stimulus": "main", "role": "play", "number": 1, "conditions": {"dbx": "off"}, "sample_rate": RATE, "channels": 2}


@pytest.fixture
def begin():
    """A function that begins a play pass of two channels."""

    def start(session, take_id="play-1", **changes):
        return session.begin_take(take_id, **{**PASS, "inputs": {0: 1, 1: 4}, **changes})

    return start
