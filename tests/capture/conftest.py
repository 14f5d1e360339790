import pytest

from capture.device import StreamFacts
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48000
SHORT = Scope(2.0, (315.0,), (0.0,), 0.5, (), 1.0, 0.5, 0.3, ())


def planned_session(path, *, tracks=(1,), pilot_track=4, session_id="abc123", stimuli=("main",)):
    """A session with stimuli of about 15 s."""
    session = Session.create(path, deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, session_id=session_id)
    for number, stimulus in enumerate(stimuli):
        scope = Scope(2.0 + number, *(getattr(SHORT, name) for name in list(Scope.__dataclass_fields__)[1:]))
        sheet = plan(
            session=session_id, sample_rate=RATE, tracks=tracks, pilot_track=pilot_track, scope=scope, stimulus=stimulus
        )
        session.add_stimulus(sheet, StimulusAudio(sheet))
    return session


@pytest.fixture
def session(tmp_path):
    return planned_session(tmp_path / "session")


@pytest.fixture
def make_session(tmp_path):
    def make(name, **settings):
        return planned_session(tmp_path / name, **settings)

    return make


@pytest.fixture
def contents():
    """A function that reads a whole folder, to show that a refusal left it as it was."""

    def read(folder):
        return {f.relative_to(folder).as_posix(): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}

    return read


class TapeLoop:
    """The simplest deck: what was recorded comes back half as loud and a quarter of a second late.

    It is Device and Operator at once and writes down every call.
    """

    name = "tape loop"
    sample_rate = RATE
    input_channels = 2

    def __init__(self):
        self.calls = []
        self.tape = None
        self.state = "stopped"
        self.fail_after = None
        self.returns = None

    def arm(self, tracks):
        self.calls.append(("arm", tuple(tracks)))
        self.state, self.tape = "recording", []

    def rewind(self):
        self.calls.append(("rewind",))

    def play(self, tracks, number):
        self.calls.append(("play", tuple(tracks), number))
        self.state = "playing"

    def stop(self):
        self.calls.append(("stop",))
        self.state = "stopped"

    def run(self, sent, sink, tail_s):
        self.calls.append(("run", self.state))
        total = sent.samples + round(tail_s * RATE)
        if self.state == "recording":
            self.tape = ArrayAudio(sent.read(0, total), RATE)
        source = self.tape if self.returns is None else self.returns
        for start in range(0, total, 4096):
            stop = min(start + 4096, total)
            if self.fail_after is not None and start > self.fail_after:
                raise self.fail_with
            sink(0.5 * source.read(start - RATE // 4, stop - RATE // 4))
        return StreamFacts(total, clock_hz=48000.5, flags=("late at 512",))

    def fail(self, after_samples, error):
        self.fail_after, self.fail_with = after_samples, error


@pytest.fixture
def deck():
    return TapeLoop()
