"""Passes made by hand from what was sent, each with one thing wrong."""

import numpy as np
import pytest

from capture.device import Gap, StreamFacts, Verdict
from capture.findings import Pass, Weight
from capture.verification import automatic, verify
from signals.audio import ArrayAudio

RATE = 48000
INPUTS = {0: 1, 1: 4}


@pytest.fixture
def sent(session):
    return session.stimulus()


@pytest.fixture
def look(sent):
    """A function that verifies a wave as the return of a pass."""
    sheet, audio = sent

    def at(wave, role="play", facts=None, inputs=INPUTS, **known):
        facts = facts or StreamFacts(len(wave))
        return verify(audio, ArrayAudio(wave, RATE), Pass("play-1", role, sheet, inputs, facts, (), **known))

    return at


@pytest.fixture
def returned(sent):
    """A function that plays the stimulus late, at a gain, at another speed."""
    _, audio = sent
    original = audio.read(0, audio.samples)

    def play(gain=0.5, speed=1.0, late_s=0.7):
        at = np.arange(0, audio.samples - 1, speed)
        wave = np.stack([np.interp(at, np.arange(audio.samples), channel) for channel in original.T], axis=1)
        hiss = 1e-4 * np.random.default_rng(1).standard_normal((len(wave) + round((late_s + 1.0) * RATE), 2))
        hiss[round(late_s * RATE) :][: len(wave)] += gain * wave
        return hiss

    return play


def said(seen, weight):
    return [finding.text for finding in seen.findings if finding.weight is weight]


def test_a_good_pass_is_summed_up_in_one_line(look, returned):
    seen = look(returned(gain=10 ** (-1.2 / 20), speed=1.003))
    assert seen.summary == "markers found, level -1.2 dB re sent, speed +0.30 %, 0 dropouts"
    assert (seen.findings, seen.doubtful, seen.faults) == ((), False, ())
    assert automatic(seen) is Verdict.ACCEPT


def test_the_level_is_told_against_what_the_record_pass_returned(look, returned):
    seen = look(returned(gain=0.5), expected_db={1: -5.0})
    assert "level -1.0 dB re expected" in seen.summary
    assert seen.level_db[1] == pytest.approx(-6.02, abs=0.05)


@pytest.mark.parametrize(
    ("speed", "weight", "words"),
    [
        (1.005, None, ""),
        (0.985, Weight.NOTE, "the tape ran 1.5 % slower than when it was recorded, more than 1 %; is the pitch control"),
        (1.1, Weight.DOUBT, "the tape ran 10.0 % faster than when it was recorded, more than 8 %; set pitch control"),
    ],
)
def test_a_wrong_speed_is_announced_and_a_very_wrong_one_asked_about(look, returned, speed, weight, words):
    seen = look(returned(speed=speed))
    assert [f.weight for f in seen.findings] == ([weight] if weight else [])
    assert all(f.text.startswith(words) for f in seen.findings)
    assert automatic(seen) is Verdict.ACCEPT


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_the_other_tape_speed_is_refused(look, returned, factor):
    seen = look(returned(speed=factor))
    assert "speed" in seen.refusal
    assert automatic(seen) is Verdict.ABORT


def test_what_is_too_hot_or_too_low_is_doubtful(look, returned):
    hot = returned(gain=0.5)
    hot[5 * RATE : 5 * RATE + 10, 0] = 0.95
    (line,) = said(look(hot), Weight.DOUBT)
    assert line.startswith("input 1 (track 1) peaks at -0.4 dBFS, above -1 dBFS; lower the input gain")
    (line,) = said(look(returned() * [0.04, 1.0]), Weight.DOUBT)
    assert line.startswith("track 1 returns the reference tone at -52 dBFS, below -45 dBFS")
    assert "raise its input gain by 17 dB" in line


def test_clipping_and_silence_are_refused(look, returned):
    clipped = np.clip(50.0 * returned(gain=0.5), -1.0, 1.0)
    assert "clipped" in look(clipped).refusal
    assert "is silent" in look(0.0 * clipped).refusal


def test_an_inverted_track_is_noted_and_counts(look, returned):
    seen = look(returned(gain=-0.5))
    assert [text.startswith("track 1 comes back inverted") for text in said(seen, Weight.NOTE)] == [True]
    assert not seen.doubtful


def test_swapped_channels_are_refused(look, returned):
    refusal = look(returned()[:, ::-1]).refusal
    assert "track 1" in refusal
    assert "channel 2" in refusal


def test_a_pilot_that_does_not_come_back_is_doubtful(look, returned):
    (line,) = said(look(returned() * [1.0, 1e-3]), Weight.DOUBT)
    assert line.startswith("the pilot does not come back at input 2 (track 4)")


def test_inputs_are_called_by_their_numbers_on_the_box(look, returned):
    (line,) = said(look(returned() * [1.0, 1e-3], ports={0: 3, 1: 7}), Weight.DOUBT)
    assert "at input 7 (track 4)" in line


def test_what_the_driver_reported_is_told(look, returned):
    wave = returned()
    (line,) = said(look(wave, facts=StreamFacts(len(wave), flags=("input overflow at 4096",))), Weight.NOTE)
    assert line.startswith("the driver of the interface reported input overflow at 4096 (in samples)")


def test_lost_samples_are_told_with_their_places(look, returned):
    wave = returned()
    facts = StreamFacts(len(wave), lost=(Gap(2 * RATE, 512), Gap(3 * RATE, 1024)))
    (line,) = said(look(wave, facts=facts), Weight.DOUBT)
    assert line.startswith("the interface lost 1536 samples in 2 place(s), at 2.00 s, 3.00 s;")


def test_a_dropout_in_a_steady_tone_is_counted(look, returned, sent):
    sheet, _ = sent
    (tone,) = sheet.of_kind("tone")
    wave = returned()
    at = round(0.7 * RATE) + tone.start_samples + RATE
    wave[at : at + round(0.02 * RATE), 0] *= 0.1
    assert look(wave).summary.endswith("1 dropout")


def test_a_record_pass_counts_whatever_came_back_meanwhile(look, returned):
    seen = look(0.0 * returned(), role="record")
    assert seen.fit
    assert said(seen, Weight.NOTE)[0].startswith("nothing came back while recording")
    noise = 0.1 * np.random.default_rng(2).standard_normal((20 * RATE, 2))
    seen = look(noise, role="record")
    assert seen.fit
    assert said(seen, Weight.NOTE)[0].startswith("what came back while recording is not what was sent: fine")


def test_a_tape_that_plays_in_the_record_pass_is_doubtful(look, returned, make_session):
    (line,) = said(look(returned(speed=1.002), role="record"), Weight.DOUBT)
    assert line.startswith("a tape was playing while this one should have been recorded")
    (line,) = said(look(returned(late_s=5.0), role="record"), Weight.DOUBT)
    assert line.startswith("a tape was playing")
    _, other = make_session("other", session_id="fff999").stimulus()
    wave = np.concatenate([np.zeros((RATE, 2)), 0.5 * other.read(0, other.samples)])
    (line,) = said(look(wave, role="record"), Weight.DOUBT)
    assert line.startswith("a tape was playing")
    assert said(look(returned(late_s=0.05), role="record"), Weight.DOUBT) == []


def test_a_record_pass_that_clips_is_doubtful(look, returned):
    (line,) = said(look(np.clip(50.0 * returned(), -1.0, 1.0), role="record"), Weight.DOUBT)
    assert " is clipped in " in line


def test_a_track_that_is_not_wired_back_has_no_level(make_session):
    session = make_session("two", tracks=(1, 2), pilot_track=None)
    sheet, audio = session.stimulus()
    wave = np.concatenate([np.zeros((4800, 2)), 0.5 * audio.read(0, audio.samples)]) * [1.0, 0.0]
    wave += 1e-4 * np.random.default_rng(3).standard_normal(wave.shape)
    seen = verify(audio, ArrayAudio(wave, RATE), Pass("record", "record", sheet, {0: 1, 1: 2}, StreamFacts(len(wave))))
    assert seen.fit
    assert list(seen.level_db) == [1]
    assert seen.level_db[1] == pytest.approx(-6.02, abs=0.05)


def test_of_two_recordings_the_first_counts_as_it_does_when_measured(look, returned):
    wave = returned()
    holed = wave.copy()
    at = round(0.7 * RATE) + round(6.0 * RATE)
    holed[at : at + round(0.02 * RATE), 0] *= 0.05
    assert look(np.concatenate([holed, wave])).dropouts == 1
    assert look(np.concatenate([wave, holed])).dropouts == 0


def test_a_tape_that_ended_too_early_is_refused(make_session):
    sheet, audio = make_session("long", tone_s=40.0).stimulus()
    wave = 0.5 * audio.read(0, audio.samples + 10 * RATE)
    wave[15 * RATE :] = 1e-5
    refusal = verify(audio, ArrayAudio(wave, RATE), Pass("play-1", "play", sheet, INPUTS, StreamFacts(len(wave)))).refusal
    assert refusal.startswith("Take 'play-1' stops at 15.0 s, 13.0 s after its start marker; its end marker comes")
    assert "the tape came to its end or was stopped; use a longer cassette" in refusal


def test_another_sessions_tape_is_refused(look, make_session):
    other = make_session("other", session_id="fff999")
    _, audio = other.stimulus()
    wave = np.concatenate([np.zeros((RATE, 2)), 0.5 * audio.read(0, audio.samples)])
    assert "another session" in look(wave).refusal
