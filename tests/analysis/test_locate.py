"""Finding takes by their markers, at any offset, speed and polarity, under noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis import locate
from analysis.dewarp import interpolate
from signals.audio import ArrayAudio
from signals.markers import identity_code
from signals.music import compose
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
SHORT = Scope(5.0, (315.0,), (-10.0, 0.0), 0.5, (-20.0,), 2.0, 1.0, 0.5, ())


@pytest.fixture(scope="module")
def sheet():
    return plan(session="one", sample_rate=RATE, tracks=[1], pilot_track=4, scope=SHORT)


@pytest.fixture(scope="module")
def sent(sheet):
    return StimulusAudio(sheet).read(0, sheet.samples)


def played(sent: np.ndarray, offset_s: float, speed: float, gain: float = 1.0, tail_s: float = 0.5) -> np.ndarray:
    """The stimulus come back: later, faster, louder."""
    moved = gain * interpolate(sent, np.arange(int(sent.shape[0] / speed)) * speed)
    return np.concatenate(
        (np.zeros((round(offset_s * RATE), sent.shape[1])), moved, np.zeros((round(tail_s * RATE), sent.shape[1])))
    )


def truth(sheet, kind: str, offset_s: float, speed: float) -> float:
    return round(offset_s * RATE) / RATE + sheet.of_kind(kind)[0].start_samples / RATE / speed


@settings(max_examples=8, deadline=None)
@given(offset_s=st.floats(0.0, 4.0), speed=st.floats(0.88, 1.12), gain=st.sampled_from([1.0, -1.0, 0.1, -2.0]))
def test_start_end_speed_and_code_are_found(sheet, sent, offset_s, speed, gain):
    (found,) = locate.find_takes(ArrayAudio(played(sent, offset_s, speed, gain), RATE), sheet)
    assert found.channel == 0
    assert found.start_s == pytest.approx(truth(sheet, "marker_start", offset_s, speed), abs=20e-6)
    assert found.end_s == pytest.approx(truth(sheet, "marker_end", offset_s, speed), abs=20e-6)
    assert found.speed == pytest.approx(speed, rel=1e-5)
    assert found.code == sheet.code == identity_code("one", "main")


def test_an_offset_of_the_converter_hides_no_code(sheet, sent):
    (found,) = locate.find_takes(ArrayAudio(0.5 * played(sent, 1.0, 1.004) + 0.3, RATE), sheet)
    assert found.code == sheet.code


def test_markers_stand_out_of_noise_as_loud_as_they(sheet, sent):
    wave = played(sent, 1.0, 1.004)[:, :1]
    marker = slice(round(3.0 * RATE), round(3.7 * RATE))
    wave = wave + np.sqrt(np.mean(wave[marker] ** 2)) * np.random.default_rng(0).standard_normal(wave.shape)
    (found,) = locate.find_takes(ArrayAudio(wave, RATE), sheet)
    assert found.start_s == pytest.approx(truth(sheet, "marker_start", 1.0, 1.004), abs=100e-6)
    assert found.end_s == pytest.approx(truth(sheet, "marker_end", 1.0, 1.004), abs=100e-6)


def test_two_takes_in_one_recording_are_two(sheet, sent):
    both = np.concatenate((played(sent, 0.7, 1.002), played(sent, 1.1, 0.997)))
    first, second = locate.find_takes(ArrayAudio(both, RATE), sheet)
    assert first.start_s == pytest.approx(truth(sheet, "marker_start", 0.7, 1.002), abs=50e-6)
    assert second.speed == pytest.approx(0.997, rel=1e-5)
    assert first.end_s is not None
    assert first.end_s < second.start_s


def test_a_cut_recording_has_a_start_and_no_end(sheet, sent):
    wave = played(sent, 0.5, 1.0)
    (found,) = locate.find_takes(ArrayAudio(wave[: wave.shape[0] // 2], RATE), sheet)
    assert found.end_s is None
    assert found.code == sheet.code


def test_the_tape_of_another_session_is_told_by_its_code(sheet):
    other = plan(session="two", sample_rate=RATE, tracks=[1], scope=SHORT)
    wave = played(StimulusAudio(other).read(0, other.samples), 0.5, 1.01)
    (found,) = locate.find_takes(ArrayAudio(wave, RATE), sheet)
    assert found.code is not None
    assert not locate.same_code(found.code, sheet.code)
    assert locate.same_code(found.code, other.code)
    assert locate.same_code(found.code ^ 0b11, other.code)


@pytest.mark.parametrize("speed", [0.5, 2.0])
def test_the_other_tape_speed_is_no_take_but_is_told(sheet, sent, speed):
    audio = ArrayAudio(played(sent, 1.0, speed), RATE)
    assert locate.find_takes(audio, sheet) == []
    assert locate.played_speed(audio, 0) == pytest.approx(speed, rel=1e-3)


@pytest.mark.parametrize("style", ["band", *(pytest.param(style, marks=pytest.mark.slow) for style in ("chamber", "beat"))])
def test_music_noise_and_silence_hold_no_markers(sheet, style):
    rng = np.random.default_rng(1)
    wave = np.concatenate((compose(5, 40.0, RATE, style), np.zeros(RATE), 0.3 * rng.standard_normal(10 * RATE)))
    assert locate.find_takes(ArrayAudio(wave[:, None], RATE), sheet) == []
    assert locate.played_speed(ArrayAudio(wave[:, None], RATE), 0) is None


def test_an_echo_by_print_through_is_no_take(sheet, sent):
    """A turn of the reel before and after, upside down and 46 dB softer: in the silence of a quiet tape its markers stand out."""
    wave = played(sent, 2.0, 1.002, tail_s=3.0)[:, 0]
    turn = round(1.319 * RATE)
    wave = wave - 10.0 ** (-46.0 / 20.0) * (np.roll(wave, turn) + np.roll(wave, -turn))
    wave += 1e-6 * np.random.default_rng(0).standard_normal(wave.size)
    (found,) = locate.find_takes(ArrayAudio(wave[:, None], RATE), sheet)
    assert found.start_s == pytest.approx(truth(sheet, "marker_start", 2.0, 1.002), abs=50e-6)
    assert found.end_s == pytest.approx(truth(sheet, "marker_end", 2.0, 1.002), abs=50e-6)
