import pytest

from capture.device import StreamFacts, never
from capture.verification import automatic
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue, CueSheet
from signals.markers import CODE_S, END_S, START_S, identity_code
from signals.stimulus import StimulusAudio

RATE = 48000


def short_sheet(session_id, stimulus, tone_s, tracks=(1,), pilot_track=4):
    """The shortest stimulus that can be recognised: markers, identity and a tone between; a pilot beside."""
    cues, cursor_s = [], 2.0
    for kind, length_s, gap_s in [
        ("marker_start", START_S, 0.1),
        ("marker_code", CODE_S, 0.3),
        ("tone", tone_s, 0.3),
        ("marker_end", END_S, 1.0),
    ]:
        parameters = {"frequency_hz": 315.0} if kind == "tone" else {}
        for channel in range(len(tracks)):
            start, length = round(cursor_s * RATE), round(length_s * RATE)
            cues.append(
                Cue(
                    name=kind,
                    kind=kind,
                    channel=channel,
                    start_samples=start,
                    length_samples=length,
                    level_db=-3.0,
                    parameters=parameters,
                )
            )
        cursor_s += length_s + gap_s
    samples = round(cursor_s * RATE)
    channels = [Channel(role="programme", track=track) for track in tracks]
    if pilot_track:
        channels.append(Channel(role="pilot", track=pilot_track))
        cues.append(
            Cue(
                name="pilot",
                kind="pilot",
                channel=len(tracks),
                start_samples=0,
                length_samples=samples,
                level_db=-6.0,
                parameters={"frequency_hz": 3700.0},
            )
        )
    return CueSheet(
        stimulus=stimulus,
        session=session_id,
        code=identity_code(session_id, stimulus),
        sample_rate=RATE,
        samples=samples,
        reference_dbfs=-18.0,
        channels=tuple(channels),
        cues=tuple(cues),
    )


def planned_session(path, *, session_id="abc123", stimuli=("main",), tone_s=4.0, **channels):
    """A session whose stimuli differ in length by a second."""
    session = Session.create(path, deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, session_id=session_id)
    for number, stimulus in enumerate(stimuli):
        sheet = short_sheet(session_id, stimulus, tone_s + number, **channels)
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
    lost = ()

    def __init__(self):
        self.calls = []
        self.facts = StreamFacts(0)
        self.tape = None
        self.state = "stopped"
        self.fail_after = None
        self.returns = None
        self.seen, self.verdicts = {}, []
        self.has_kept_tape = True

    def set_dbx(self, *, recording, on):
        if on:
            self.calls.append(("dbx", "record" if recording else "play"))

    def set_level(self, sheet, listen):
        pass

    def has_tape(self, stimulus):
        return self.has_kept_tape

    def judge(self, take, verification):
        self.seen[take] = verification
        return self.verdicts.pop(0) if self.verdicts else automatic(verification)

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

    def run(self, sent, sink, tail_s, stop=never):
        self.calls.append(("run", self.state))
        total = sent.samples + round(tail_s * RATE)
        if self.state == "recording":
            self.tape = ArrayAudio(sent.read(0, total), RATE)
        source = self.tape if self.returns is None else self.returns
        done = 0
        while done < total and not stop():
            if self.fail_after is not None and done > self.fail_after:
                raise self.fail_with
            start, done = done, min(done + 4096, total)
            self.facts = StreamFacts(done, clock_hz=48000.5, flags=("late at 512",), lost=self.lost)
            sink(0.5 * source.read(start - RATE // 4, done - RATE // 4))
        return self.facts

    def fail(self, after_samples, error):
        self.fail_after, self.fail_with = after_samples, error


@pytest.fixture
def deck():
    return TapeLoop()
