"""Losses are cut into recordings made by hand: the stimulus through a delay that moves as that of a tape does."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.continuity import TAPE_STEP_S, Readings, examine, steps
from analysis.dewarp import HALF_TAPS, interpolate
from analysis.locate import take_on_channel
from signals.audio import ArrayAudio
from signals.scope import QUICK, Piece
from signals.stimulus import StimulusAudio, plan

RATE = 48000
SHORT = replace(
    QUICK,
    wow_flutter_s=5.0,
    ladder_hz=(315.0,),
    sweep_levels_db=(-20.0,),
    silence_s=3.0,
    pieces=(Piece("band", 10.0, 0.0, "train"), Piece("chamber", 10.0, 0.0, "test")),
)


@pytest.fixture(scope="module")
def sheet():
    return plan(session="s", sample_rate=RATE, tracks=(1,), pilot_track=None, scope=SHORT)


@pytest.fixture(scope="module")
def sent(sheet):
    audio = StimulusAudio(sheet)
    return ArrayAudio(audio.read(0, audio.samples), RATE)


@pytest.fixture(scope="module")
def taped(sent):
    """Through wow of 0.1 % at 0.7 Hz and flutter of 0.1 % at 7 Hz, 0.3 % slow, inverted, hiss at -60 dBFS."""
    rng = np.random.default_rng(1)
    time_s = np.arange(round(1.003 * sent.samples)) / RATE
    wander_s = sum(1e-3 / (2 * np.pi * f) * np.sin(2 * np.pi * f * time_s + f) for f in (0.7, 7.0))
    at = (time_s / 1.003 + wander_s) * RATE
    padded = np.concatenate([np.zeros(HALF_TAPS), sent.array[:, 0], np.zeros(RATE)])
    played = -0.5 * interpolate(padded, at + HALF_TAPS)
    return np.concatenate([np.zeros(RATE), played]) + 1e-3 * rng.standard_normal(played.size + RATE)


def without(wave, at_s, length):
    at = round(at_s * RATE)
    return np.concatenate([wave[:at], wave[at + length :]])


def look(sent, wave, sheet, *, tape):
    returned = ArrayAudio(wave[:, None], RATE)
    found = take_on_channel(returned, sheet, 0)
    return examine(sent, returned, sheet, 0, 0, found, tape=tape)


def test_a_whole_tape_has_no_losses(sent, taped, sheet):
    seen = look(sent, taped, sheet, tape=True)
    assert seen.losses == ()
    assert seen.polarity == -1


# Between guards with nothing but tones there are few readings, and the wow of 11 samples hides what is small.
@pytest.mark.parametrize(("share", "missing"), [(0.15, 64), (0.3, 256), (0.5, 64), (0.7, 64), (0.85, 1024)])
def test_samples_cut_out_of_a_tape_are_found_and_counted(sent, taped, sheet, share, missing):
    at_s = share * taped.size / RATE
    (loss,) = look(sent, without(taped, at_s, missing), sheet, tape=True).losses
    assert abs(loss.samples - missing) <= 1.3 * loss.doubt_samples
    assert loss.doubt_samples < 30
    assert loss.from_s - 0.1 <= at_s <= loss.to_s + 0.1
    assert loss.to_s - loss.from_s < 12.0


def test_samples_put_in_twice_are_too_many(sent, taped, sheet):
    at = taped.size // 2
    (loss,) = look(sent, np.concatenate([taped[:at], taped[at - 256 :]]), sheet, tape=True).losses
    assert loss.samples == pytest.approx(-256, abs=1.3 * loss.doubt_samples)


@pytest.mark.parametrize("missing", [2, 64])
def test_without_a_tape_two_samples_are_enough(sent, sheet, missing):
    direct = np.concatenate([np.zeros(777), 0.5 * sent.array[:, 0]])
    assert look(sent, direct, sheet, tape=False).losses == ()
    at_s = 0.6 * direct.size / RATE
    (loss,) = look(sent, without(direct, at_s, missing), sheet, tape=False).losses
    assert (loss.samples, loss.doubt_samples) == (missing, 1)
    assert loss.from_s - 0.1 <= at_s <= loss.to_s + 0.1


@pytest.mark.parametrize(("late", "told"), [(slice(59, 60), []), (slice(59, 62), [58, 61])])
def test_one_reading_that_strays_is_no_loss(late, told):
    """A beat repeats itself after 36.5 ms, just before a pause, and the readings on either side agree; three of them are a loss."""
    rng = np.random.default_rng(0)
    time_s = np.concatenate([np.arange(60) * 0.5, 35.0 + np.arange(60) * 0.5])
    delay_s = 1.0 + 2.6e-3 * time_s + 2e-4 * rng.standard_normal(time_s.size)
    delay_s[late] -= 0.0365
    assert [at for at, _, _ in steps(Readings(time_s, delay_s), TAPE_STEP_S)] == told


def test_two_losses_are_two(sent, taped, sheet):
    early, late = 0.3 * taped.size / RATE, 0.8 * taped.size / RATE
    cut = without(without(taped, late, 512), early, 512)
    seen = look(sent, cut, sheet, tape=True)
    assert [abs(loss.samples - 512) <= 1.3 * loss.doubt_samples for loss in seen.losses] == [True, True]
    assert seen.losses[0].to_s < late - 1.0
