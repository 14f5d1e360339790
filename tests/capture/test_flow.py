import dataclasses
import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from capture.device import Gap, StreamFacts, Verdict
from capture.flow import LOOP, TWO_PASSES, State, Step, capture, remaining
from capture.recordings import Plan, Play, Recording
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.errors import DeviceError, SessionError, SignalError

RATE = 48000
TONE_S = 2.0
RECORD_PASS = [("arm", (1, 4)), ("run", "recording"), ("stop",)]


def play_pass(number):
    return [("rewind",), ("play", (1, 4), number), ("run", "playing"), ("stop",)]


@pytest.fixture
def session(make_session):
    return make_session("session", tone_s=TONE_S)


def test_a_capture_is_a_record_pass_a_rewind_and_play_passes(session, deck):
    states = []
    made = capture(session, deck, deck, Plan.of(2), lambda p: states.append(p.state))
    assert deck.calls == [*RECORD_PASS, *play_pass(1), *play_pass(2)]
    assert [take.id for take in made] == ["play-1", "play-2"]
    assert [take.id for take in session.takes()] == ["record", "play-1", "play-2"]
    assert session.check() == []
    steps = [states[0]] + [two for one, two in pairwise(states) if one != two]
    assert [(s.step.value, s.number) for s in steps] == [
        ("planned", 0),
        ("armed", 0),
        ("recorded", 0),
        *[("rewound", 1), ("playing", 1), ("verified", 1), ("recorded", 1)],
        *[("rewound", 2), ("playing", 2), ("verified", 2), ("done", 2)],
    ]


def test_a_take_holds_what_returned_and_what_the_device_said(session, deck):
    (take,) = capture(session, deck, deck, Plan())
    record, audio = session.take("play-1")
    _, stimulus = session.stimulus()
    assert record == take
    assert (record.flags, record.clock_hz, record.conditions) == (("late at 512",), 48000.5, {"dbx": "off"})
    assert (record.number, record.role, record.inputs) == (1, "play", {0: 1, 1: 4})
    late = RATE // 4
    found = audio.read(late, late + stimulus.samples)
    assert np.array_equal(found, 0.5 * stimulus.read(0, stimulus.samples))  # 24-bit samples halved are float32 exactly
    assert record.samples > stimulus.samples + 5 * RATE
    assert session.manifest.interface.name == "tape loop"


def test_every_step_but_the_last_has_a_transition():
    assert set(TWO_PASSES) == set(Step) - {Step.DONE}
    assert set(LOOP) <= set(TWO_PASSES)


def test_progress_counts_the_samples_of_each_pass(session, deck):
    seen = []
    capture(session, deck, deck, Plan(), seen.append)
    during = [p for p in seen if p.state == State(Step.PLAYING, 1) and p.total_samples]
    assert during[-1].done_samples == during[-1].total_samples == session.take("play-1")[0].samples
    assert [p.done_samples for p in during] == sorted(p.done_samples for p in during)


def test_a_recorded_session_goes_on_with_its_next_play_pass(session, deck):
    capture(session, deck, deck, Plan.of(1))
    deck.calls.clear()
    again = Session.open(session.path)
    assert [t.number for t in capture(again, deck, deck, Plan.of(3))] == [1, 2, 3]
    assert deck.calls == [*play_pass(2), *play_pass(3)]
    deck.calls.clear()
    capture(again, deck, deck, Plan.of(3))
    assert deck.calls == []


@pytest.mark.parametrize("error", [DeviceError("the device was lost"), KeyboardInterrupt()])
def test_an_interrupted_play_pass_is_kept_and_done_again(session, deck, error):
    deck.fail(10**9, error)
    deck.fail_after = None
    capture(session, deck, deck, Plan.of(1))
    deck.calls.clear()
    deck.fail(3 * RATE, error)
    deck.lost = (Gap(4096, 512),)
    with pytest.raises(type(error)):
        capture(session, deck, deck, Plan.of(2))
    assert deck.calls[-1] == ("stop",)
    kept = session.takes(complete=False)[-1]
    assert (kept.id, kept.state) == ("play-2", "interrupted")
    assert 3 * RATE < kept.samples < 4 * RATE
    assert (kept.flags, kept.clock_hz) == (("late at 512", "512 samples lost at 4096"), 48000.5)
    deck.fail_after, deck.lost = None, ()
    deck.calls.clear()
    capture(session, deck, deck, Plan.of(2))
    assert deck.calls == play_pass(2)
    assert [(t.id, t.number) for t in session.takes("play")] == [("play-1", 1), ("play-2-2", 2)]
    assert session.check() == []


def test_an_interrupted_record_pass_is_recorded_again(session, deck):
    deck.fail(3 * RATE, DeviceError("the device was lost"))
    with pytest.raises(DeviceError):
        capture(session, deck, deck, Plan())
    deck.fail_after = None
    deck.calls.clear()
    capture(session, deck, deck, Plan())
    assert deck.calls == [*RECORD_PASS, *play_pass(1)]
    assert [t.id for t in session.takes("record", complete=False)] == ["record", "record-2"]


def test_a_device_that_fails_at_once_leaves_the_session_as_it_was(session, deck, contents):
    capture(session, deck, deck, Plan.of(1))
    before = contents(session.path)
    deck.fail(-1, DeviceError("the device is in use"))
    with pytest.raises(DeviceError):
        capture(session, deck, deck, Plan.of(2))
    assert contents(session.path) == before


def test_in_loop_mode_the_first_pass_is_the_take(session, deck):
    made = capture(session, deck, deck, Plan.of(2, loop=True))
    loop_pass = [("arm", (1, 4)), ("run", "recording"), ("stop",)]
    assert deck.calls == loop_pass * 2
    assert [(t.id, t.role, t.number) for t in made] == [("loop-1", "loop", 1), ("loop-2", "loop", 2)]
    deck.calls.clear()
    capture(session, deck, deck, Plan.of(3, loop=True))
    assert deck.calls == loop_pass


def test_a_pass_that_returns_nothing_is_marked_and_not_counted(session, deck):
    deck.returns = ArrayAudio(np.zeros((10, 2)), RATE)
    with pytest.raises(SignalError, match=r"Take 'play-1' is silent"):
        capture(session, deck, deck, Plan())
    assert deck.calls[-1] == ("stop",)
    (kept,) = session.takes("play", complete=False)
    assert kept.state == "interrupted"
    assert "is silent" in kept.faults[0]
    deck.returns = None
    assert [t.id for t in capture(session, deck, deck, Plan())] == ["play-1-2"]
    assert session.check() == []


def test_a_pass_that_is_not_accepted_is_done_again(session, deck):
    deck.verdicts = [Verdict.REPEAT, Verdict.ACCEPT, Verdict.REPEAT, Verdict.ACCEPT]
    (made,) = capture(session, deck, deck, Plan())
    assert deck.calls == [*RECORD_PASS, *RECORD_PASS, *play_pass(1), *play_pass(1)]
    assert [(t.id, t.state) for t in session.takes(complete=False)] == [
        ("record", "interrupted"),
        ("record-2", "complete"),
        ("play-1", "interrupted"),
        ("play-1-2", "complete"),
    ]
    assert made.id == "play-1-2"
    assert session.takes(complete=False)[2].faults == ("not accepted by the user (repeat)",)
    assert session.check() == []


def test_a_recording_found_bad_when_it_is_played_is_made_again(session, deck):
    deck.verdicts = [Verdict.ACCEPT, Verdict.RECORD_AGAIN, Verdict.ACCEPT, Verdict.ACCEPT]
    (made,) = capture(session, deck, deck, Plan())
    assert deck.calls == [*RECORD_PASS, *play_pass(1), *RECORD_PASS, *play_pass(1)]
    assert [(t.id, t.state) for t in session.takes(complete=False)] == [
        ("record", "complete"),
        ("play-1", "interrupted"),
        ("record-2", "complete"),
        ("play-1-2", "complete"),
    ]
    assert made.id == "play-1-2"


def test_a_tape_that_is_not_there_any_more_is_recorded_again(session, deck):
    capture(session, deck, deck, Plan())
    deck.calls.clear()
    deck.has_kept_tape = False
    arm = deck.arm

    def armed(tracks):
        arm(tracks)
        deck.has_kept_tape = True

    deck.arm = armed
    assert len(capture(session, deck, deck, Plan.of(2))) == 2
    assert deck.calls == [*RECORD_PASS, *play_pass(2)]


def test_a_capture_that_is_broken_off_goes_on_where_it_stopped(session, deck):
    deck.verdicts = [Verdict.ACCEPT, Verdict.ABORT]
    with pytest.raises(SignalError, match=r"ended at take 'play-1', which is kept but does not count; run it again"):
        capture(session, deck, deck, Plan())
    deck.calls.clear()
    capture(session, deck, deck, Plan())
    assert deck.calls == play_pass(1)
    assert session.check() == []


def test_a_pass_that_cannot_be_used_does_not_count_even_if_it_is_accepted(session, deck):
    deck.verdicts = [Verdict.ACCEPT, Verdict.ACCEPT]
    deck.returns = ArrayAudio(np.zeros((10, 2)), RATE)
    with pytest.raises(SignalError, match="is silent"):
        capture(session, deck, deck, Plan())
    assert session.takes("play") == []


def test_samples_that_were_lost_are_kept_with_the_take(session, deck):
    deck.lost = (Gap(4096, 512),)
    deck.verdicts = [Verdict.ACCEPT, Verdict.ACCEPT]
    (take,) = capture(session, deck, deck, Plan())
    assert take.flags == ("late at 512", "512 samples lost at 4096")
    assert take.faults[0].startswith("the interface lost 512 samples in 1 place(s), at 0.09 s")


DBX = Plan(
    (
        Recording("main", plays=(Play(2),)),
        Recording("plain", plays=(Play(1, True),)),
        Recording("encoded", True, (Play(1, True), Play(1))),
    )
)


def test_every_position_of_the_dbx_switch_has_its_takes(make_session, deck):
    session = make_session("dbx", stimuli=("main", "plain", "encoded"), tone_s=TONE_S)
    assert remaining(session, DBX) == (3, 5)
    made = capture(session, deck, deck, DBX)
    assert [(t.id, t.conditions["dbx"]) for t in session.takes()] == [
        ("record", "off"),
        ("play-1", "off"),
        ("play-2", "off"),
        ("plain-record", "off"),
        ("decode-play-1", "decode"),
        ("encoded-record", "on"),
        ("on-play-1", "on"),
        ("encode-play-1", "encode"),
    ]
    assert [t.id for t in made] == ["play-1", "play-2", "decode-play-1", "on-play-1", "encode-play-1"]
    switched = [call[1] for call in deck.calls if call[0] == "dbx"]
    assert switched == ["play", "record", "play"]  # in for decode; in for the recording of encoded, and for on
    assert remaining(session, DBX) == (0, 0)


@pytest.mark.parametrize("stop_after", [pytest.param(2, marks=pytest.mark.slow), 5, pytest.param(7, marks=pytest.mark.slow)])
def test_a_capture_of_several_recordings_resumes_anywhere(make_session, deck, stop_after):
    session = make_session("dbx", stimuli=("main", "plain", "encoded"), tone_s=TONE_S)
    deck.verdicts = [Verdict.ACCEPT] * (stop_after - 1) + [Verdict.ABORT]
    with pytest.raises(SignalError):
        capture(session, deck, deck, DBX)
    before = len(session.takes())
    capture(Session.open(session.path), deck, deck, DBX)
    after = Session.open(session.path)
    assert before == stop_after - 1
    assert len(after.takes()) == 8
    assert [t.id for t in after.takes(complete=False) if t.state == "interrupted"] != []
    assert after.check() == []


def test_a_play_pass_that_listens_ends_with_its_stimulus(session, deck):
    (take,) = capture(session, deck, deck, dataclasses.replace(Plan(), until_heard=True))
    _, stimulus = session.stimulus()
    assert stimulus.samples - RATE < take.samples < stimulus.samples + 6 * RATE


@pytest.mark.parametrize(
    ("change", "plan", "message"),
    [
        ({"sample_rate": 96000}, Plan(), r"runs at 96000 Hz and the stimulus was made for 48000 Hz"),
        ({"input_channels": 1}, Plan(), r"returns 1 channel\(s\) and the wiring names channel 2"),
        ({}, Plan(inputs={0: 1, 1: 2}), r"No input is wired to track 4"),
    ],
)
def test_a_device_that_does_not_fit_is_refused_before_the_tape_rolls(session, deck, contents, change, plan, message):
    for name, value in change.items():
        setattr(deck, name, value)
    before = contents(session.path)
    with pytest.raises(DeviceError, match=message):
        capture(session, deck, deck, plan)
    assert deck.calls == []
    assert contents(session.path) == before


def test_an_unknown_stimulus_is_refused(session, deck):
    with pytest.raises(SessionError, match="no stimulus 'dbx'"):
        capture(session, deck, deck, Plan.of(stimulus="dbx"))


class Long:
    """A device that makes its samples as they are asked for, so that only the capture can need memory."""

    name = "long"
    sample_rate = RATE
    input_channels = 2
    facts = StreamFacts(0)

    def run(self, sent, sink, tail_s, stop=None):
        for start in range(0, sent.samples, 4096):
            sink(sent.read(start, start + 4096))
        return StreamFacts(sent.samples)


@dataclasses.dataclass
class Padded:
    """A stimulus with silence behind it."""

    audio: object
    samples: int
    sample_rate: int = RATE
    channels: int = 2

    def read(self, start, stop):
        return self.audio.read(start, stop)


def test_memory_does_not_grow_with_the_length_of_a_pass(make_session, deck):
    peaks = []
    for number, length_s in enumerate((30, 120)):
        session = make_session(f"s{number}")
        sheet, audio = session.stimulus()
        longer = sheet.model_copy(update={"samples": length_s * RATE, "stimulus": "long"})
        session.add_stimulus(longer, Padded(audio, length_s * RATE))
        tracemalloc.start()
        capture(session, Long(), deck, Plan.of(stimulus="long", loop=True))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1e6  # the longer take alone holds 69 MB more
