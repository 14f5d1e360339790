from dataclasses import replace

import numpy as np
import pytest

from capture.listening import PATIENCE_S, WAIT_S, Listener
from signals.scope import QUICK
from signals.stimulus import StimulusAudio, plan

RATE = 48000


def hear(listener, wave, until=None):
    """Seconds heard when the pass ended, or None."""
    for start in range(0, len(wave), 4096):
        listener.hear(wave[start : start + 4096])
        if listener.over():
            return (start + 4096) / RATE
    return None


def played(session, late_s, speed=1.0):
    sheet, audio = session.stimulus()
    sent = audio.read(0, audio.samples)
    at = np.arange(0, audio.samples, speed)
    wave = np.stack([np.interp(at, np.arange(audio.samples), channel) for channel in sent.T], axis=1)
    hiss = 1e-4 * np.random.default_rng(1).standard_normal((round(late_s * RATE), sent.shape[1]))
    return sheet, np.concatenate([hiss, wave, np.zeros((60 * RATE, sent.shape[1]))])


def test_a_pass_ends_soon_after_its_end_marker(session):
    for late_s, speed in ((0.5, 1.0), (20.0, 0.97), (3.0, 1.04)):
        sheet, wave = played(session, late_s, speed)
        listener = Listener(sheet, {0: 1, 1: 4})
        marker = sheet.of_kind("marker_end")[0]
        end_s = late_s + marker.stop_samples / RATE / speed
        ended_s = hear(listener, wave)
        assert listener.heard == "end marker heard"
        assert end_s < ended_s < end_s + 8.0


def test_a_tape_that_stops_ends_the_pass(session):
    sheet, wave = played(session, 1.0)
    cut = wave.copy()
    cut[4 * RATE :] = 1e-5
    listener = Listener(sheet, {0: 1, 1: 4})
    assert 4.0 + PATIENCE_S <= hear(listener, np.concatenate([cut, cut])) <= 4.0 + PATIENCE_S + 1.0
    assert listener.heard == "start marker heard"


def test_a_tape_that_never_starts_is_waited_for_and_given_up(session):
    sheet, _ = session.stimulus()
    listener = Listener(sheet, {0: 1, 1: 4})
    assert WAIT_S <= hear(listener, np.zeros((round((WAIT_S + 5.0) * RATE), 2))) <= WAIT_S + 1.0
    assert listener.heard == "waiting for the start marker"


def test_the_length_is_known_once_the_start_was_heard(session):
    sheet, wave = played(session, 2.0)
    listener = Listener(sheet, {0: 1, 1: 4})
    assert listener.likely_samples == 0
    ended_s = hear(listener, wave)
    assert abs(listener.likely_samples / RATE - ended_s) < 4.0


@pytest.mark.parametrize("gain", [0.5, 0.02])
def test_a_ladder_of_quiet_tones_is_not_taken_for_the_end(gain):
    levels = tuple(range(-60, 1, 2))
    scope = replace(QUICK, wow_flutter_s=2.0, ladder_hz=(1000.0,), levels_db=levels, silence_s=1.0, pieces=())
    sheet = plan(session="s", sample_rate=RATE, tracks=(1,), pilot_track=None, scope=scope)
    audio = StimulusAudio(sheet)
    wave = gain * audio.read(0, audio.samples) + 1e-6
    listener = Listener(sheet, {0: 1})
    ended_s = hear(listener, np.concatenate([wave, np.zeros((10 * RATE, 1))]))
    assert listener.heard == "end marker heard"
    assert ended_s > sheet.of_kind("marker_end")[0].stop_samples / RATE
