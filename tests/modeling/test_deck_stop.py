"""A tape that runs down: falling pitch as it plays, rising pitch where it was recorded on, the same bits in any blocks."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.grid import GridTrajectory
from modeling.deck.parameters import load_parameters
from modeling.deck.transport import play_trajectory
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STOP_S = 0.4
SLOW = FRESH.changed({"transport.stop_ms": 1000.0 * STOP_S})
STILL = SLOW.changed({**MOTIONLESS, **SILENT})
TONE_HZ = 4000.0
TAIL = np.zeros((RATE, 4))


def tone(seconds):
    sent = np.zeros((round(seconds * RATE), 4))
    sent[:, 0] = PEAK * np.sin(2.0 * np.pi * TONE_HZ * np.arange(sent.shape[0]) / RATE)
    return sent


def in_blocks(deck, sent, block):
    return np.concatenate([deck.process(sent[i : i + block]) for i in range(0, len(sent), block)])


def cycles(heard, start_s, stop_s):
    part = heard[round(start_s * RATE) : round(stop_s * RATE)]
    return np.sum((part[1:] > 0.0) & (part[:-1] <= 0.0))


def test_run_down_is_even_and_turns_round():
    motion = play_trajectory(SLOW, 3, 1)
    stopped = motion.stopped(5.0)
    time_s = np.linspace(4.0, 5.0 + 0.999 * STOP_S, 3001)
    u = np.maximum(time_s - 5.0, 0.0)
    turned_s = time_s - 0.5 * u**2 / STOP_S
    assert time_s + stopped.advance(time_s, 2) == pytest.approx(turned_s + motion.advance(turned_s, 2), abs=1e-12)
    assert stopped.rate(time_s, 2) == pytest.approx((1.0 - u / STOP_S) * motion.rate(turned_s, 2), abs=1e-12)
    at_rest_s = np.array([5.0 + STOP_S, 6.0, 60.0])
    assert np.ptp(at_rest_s + stopped.advance(at_rest_s, 2)) < 1e-12
    assert not stopped.rate(at_rest_s, 2).any()
    grid = GridTrajectory(stopped)
    assert np.abs(grid.advance(time_s, 2) - stopped.advance(time_s, 2)).max() < 1e-9
    for road in (grid, stopped):
        assert np.abs(road.time_at(time_s + road.advance(time_s, 2), 2) - time_s).max() < 1e-9


def test_pitch_falls_evenly_to_nothing_and_silence_follows():
    """After a time u of T the tape has made u - u^2 / (2 T) of way."""
    deck = VirtualDeck(STILL, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(tone(3.0))
    deck.rewind()
    deck.play(1)
    before = deck.process(0.0 * tone(1.0))
    deck.stop()
    heard = np.concatenate([before, deck.process(TAIL)])[:, 0]
    deck.close()
    assert cycles(heard, 0.5, 1.0) == pytest.approx(TONE_HZ * 0.5, abs=1)
    for until in (0.25, 0.5, 0.75, 1.0):
        expected = TONE_HZ * STOP_S * (until - 0.5 * until**2)
        assert cycles(heard, 1.0, 1.0 + until * STOP_S) == pytest.approx(expected, abs=2)
    # What is left then goes as a coupling capacitor of 5 Hz discharges.
    assert np.abs(heard[round((1.0 + STOP_S + 0.1) * RATE) :]).max() < np.exp(-2.0 * np.pi * 5.0 * 0.1) * PEAK
    assert not heard[round((1.0 + STOP_S + 0.3) * RATE) :].any()


def test_pitch_rises_at_the_end_of_what_was_recorded():
    """The same cycles as were sent in a time u lie on u - u^2 / (2 T) of tape."""
    deck = VirtualDeck(STILL, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(tone(1.0))
    deck.stop()
    returned = deck.process(tone(1.0))
    assert np.std(returned[: round(STOP_S * RATE), 0]) > 0.6 * PEAK
    assert not returned[round(STOP_S * RATE) :].any()
    deck.play(1)
    heard = deck.process(0.0 * tone(2.0))[:, 0]
    deck.close()
    for until in (0.25, 0.5):
        way_s = STOP_S * (until - 0.5 * until**2)
        assert cycles(heard, 1.0, 1.0 + way_s) == pytest.approx(TONE_HZ * until * STOP_S, abs=2)
    assert np.std(heard[round((1.01 + 0.5 * STOP_S) * RATE) :]) < 1e-3 * PEAK


@pytest.mark.parametrize(
    "samples", [1, *(pytest.param(samples, marks=pytest.mark.slow) for samples in (20000, 36864)), 52001]
)
def test_the_same_bits_however_the_samples_were_asked_for(samples):
    sent = tone(1.5) + 0.01 * np.random.default_rng(0).standard_normal((72000, 4))
    heard = []
    for block in (len(sent), 257, 30011):
        deck = VirtualDeck(SLOW, RATE, -18.0, 11)
        deck.arm([1, 2, 3, 4])
        in_blocks(deck, sent[:samples], block)
        deck.stop()
        in_blocks(deck, sent[samples:], block)
        deck.play(1)
        played = in_blocks(deck, 0.0 * sent[:samples], block)
        deck.stop()
        played = np.concatenate([played, in_blocks(deck, TAIL, block)])
        deck.play(2)
        heard.append(np.concatenate([played, in_blocks(deck, 0.0 * sent, block)]))
        deck.close()
    assert np.array_equal(heard[0], heard[1])
    assert np.array_equal(heard[0], heard[2])


def test_up_to_the_stop_nothing_differs():
    heard = []
    for parameters in (SLOW, FRESH):
        deck = VirtualDeck(parameters, RATE, -18.0, 11)
        deck.arm([1])
        deck.process(tone(2.0))
        deck.play(1)
        first = deck.process(0.0 * tone(1.0))
        deck.stop()
        heard.append((first, deck.process(TAIL)))
        deck.close()
    assert np.array_equal(heard[0][0], heard[1][0])
    assert heard[0][1][:4800].any()
    assert not heard[1][1].any()


def test_the_next_key_waits_with_silence_at_the_inputs():
    heard = []
    for waited in (True, False):
        deck = VirtualDeck(SLOW, RATE, -18.0, 2)
        deck.arm([1])
        deck.process(tone(1.0))
        deck.stop()
        deck.stop()  # is nothing while it runs down
        if waited:
            deck.process(TAIL)
        deck.rewind()
        deck.play(1)
        heard.append(deck.process(0.0 * tone(2.5)))
        deck.close()
    assert np.array_equal(*heard)
