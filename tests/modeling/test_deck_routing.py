"""Which channel goes to which track, by the manual's words for it, and through the running deck."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.routing import Faders, Function, routed, routing
from signals.errors import ModelError

RATE = 48000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
DIRECT, SAFE, BUSS = Function.DIRECT, Function.SAFE, Function.BUSS
FREQUENCIES = (315.0, 1000.0, 400.0, 2500.0)
HALF = 10.0 ** (-3.0 / 20.0)


def sines(seconds=3.0):
    """A different sine on each channel."""
    time_s = np.arange(round(seconds * RATE)) / RATE
    return PEAK * np.sin(2.0 * np.pi * np.outer(time_s, FREQUENCIES))


def amplitudes(heard):
    """Of each sine in each track, re the peak of 0 VU, with what flutter spreads beside it: shape (sines, tracks)."""
    window = np.hanning(RATE)
    power = np.abs(np.fft.rfft(heard[-RATE:] * window[:, None] / PEAK, axis=0)) ** 2 / RATE / np.sum(window**2)
    return 2.0 * np.sqrt([power[round(f) - 15 : round(f) + 16].sum(axis=0) for f in FREQUENCIES])


def test_direct_takes_the_channel_of_the_track_at_its_fader():
    matrix = routing({1: DIRECT, 3: DIRECT}, Faders((-6.0, 0.0, 6.0, 0.0), (1.0, 1.0, -1.0, 0.0), -40.0), -3.0)
    assert matrix == pytest.approx(np.diag([10**-0.3, 0.0, 10**0.3, 0.0]))  # neither pan nor master


def test_the_left_buss_goes_to_odd_tracks_and_the_right_to_even_ones():
    faders = Faders((0.0, 0.0, -6.0, -np.inf), (-1.0, 1.0, 0.0, 0.0), -20.0)
    matrix = routing(dict.fromkeys((1, 2, 3, 4), BUSS), faders, -3.0)
    left, right = 0.1 * np.array([1.0, 0.0, 10**-0.3 * HALF, 0.0]), 0.1 * np.array([0.0, 1.0, 10**-0.3 * HALF, 0.0])
    assert matrix == pytest.approx(np.array([left, right, left, right]), rel=1e-12, abs=0.0)


@pytest.mark.parametrize("centre_db", [-6.0, -4.5, -3.0])
def test_pan_holds_what_it_says_in_the_middle_and_at_its_ends(centre_db):
    gains = [
        routing({1: BUSS, 2: BUSS}, Faders(pan=(pan, 0.0, 0.0, 0.0)), centre_db)[:2, 0] for pan in (-1.0, 0.0, 0.5, 1.0)
    ]
    assert gains[0].tolist() == [1.0, 0.0]
    assert gains[1] == pytest.approx(2 * [10.0 ** (centre_db / 20.0)])
    assert gains[2][1] > gains[2][0] > 0.0
    assert gains[3].tolist() == [0.0, 1.0]
    if centre_db == -3.0:
        assert np.sum(gains[2] ** 2) == pytest.approx(1.0, rel=0.003)


def test_safe_takes_nothing_and_blocks_do_not_matter():
    matrix = routing({1: DIRECT, 2: SAFE, 3: BUSS}, Faders(pan=(0.3, -0.2, 0.9, -1.0)), -3.0)
    assert not matrix[[1, 3]].any()
    channels = np.random.default_rng(1).standard_normal((4, 1000))
    parts = np.concatenate([routed(matrix, channels[:, i : i + 7]) for i in range(0, 1000, 7)], axis=1)
    assert np.array_equal(parts, routed(matrix, channels))
    assert np.array_equal(parts[0], channels[0])


def test_a_mix_is_recorded_from_the_busses():
    deck = VirtualDeck(FRESH, RATE, -18.0, 3)
    deck.arm({1: BUSS, 2: BUSS}, Faders(pan=(-1.0, 1.0, 0.0, 0.0), channel_db=(0.0, 0.0, 0.0, -np.inf)))
    returned = deck.process(sines())
    deck.play(1)
    played = deck.process(0.0 * sines(4.0))
    deck.close()
    expected = np.array([[1.0, 0.0, HALF, 0.0], [0.0, 1.0, HALF, 0.0]]).T
    assert amplitudes(returned)[:, :2] == pytest.approx(expected, abs=0.02)
    assert amplitudes(played[: 3 * RATE])[:, :2] == pytest.approx(expected, abs=0.1)
    assert amplitudes(played[: 3 * RATE])[:, 2:].max() < 0.02


def test_all_direct_is_what_it_was():
    heard = []
    for wanted in ([1, 3], {1: DIRECT, 2: SAFE, 3: DIRECT}):
        deck = VirtualDeck(FRESH, RATE, -18.0, 3)
        deck.arm(wanted)
        returned = deck.process(sines(1.0))
        deck.play(1)
        heard.append((returned, deck.process(0.0 * sines(1.0))))
        deck.close()
    assert all(np.array_equal(one, two) for one, two in zip(*heard, strict=True))


def overdubbed(block, parameters=FRESH, seconds=3.0):
    """Track 1 recorded, then track 3 while track 1 is heard; what came back meanwhile, and of the play pass after it."""
    deck = VirtualDeck(parameters, RATE, -18.0, 5)
    sent = sines(seconds)
    deck.arm([1])
    deck.process(sines(4.0))
    deck.rewind()
    deck.arm([3], overdub=True)
    returned = np.concatenate([deck.process(sent[i : i + block]) for i in range(0, len(sent), block)])
    deck.stop()
    returned = np.concatenate([returned, deck.process(0.0 * sent)])
    deck.play(1)
    played = deck.process(0.0 * sent)
    deck.close()
    return returned, played


def test_safe_tracks_are_heard_in_an_overdub():
    returned, played = overdubbed(RATE)
    heard = amplitudes(returned[: 3 * RATE])
    assert heard[0, 0] == pytest.approx(1.0, abs=0.1)  # from tape
    assert heard[2, 2] == pytest.approx(1.0, abs=0.02)  # what is being recorded
    assert heard[0, 2] < 1e-3
    after = amplitudes(played)
    assert after[0, 0] == pytest.approx(1.0, abs=0.1)
    assert after[2, 2] == pytest.approx(1.0, abs=0.1)


def test_an_overdub_is_the_same_to_the_bit_whatever_the_block_size():
    slow = FRESH.changed({"transport.stop_ms": 200.0})
    one, two = overdubbed(48000, slow, 1.0), overdubbed(1111, slow, 1.0)
    assert np.abs(one[0] - two[0]).max() <= 1e-12
    assert np.array_equal(one[1], two[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Faders(master_db=30.0), "30.0 dB is above 20"),
        (lambda: Faders((0.0, float("nan"), 0.0, 0.0)), "nan dB"),
        (lambda: Faders(pan=(0.0, 0.0, -2.0, 0.0)), "pan of -2.0 is outside"),
        (lambda: Faders((0.0, 0.0)), "4 channels"),
        (lambda: VirtualDeck(FRESH, RATE, -18.0, 0).arm({1: SAFE}), "track none"),
        (lambda: VirtualDeck(FRESH, RATE, -18.0, 0).arm({7: SAFE, 1: DIRECT}), "track 7"),
    ],
)
def test_wrong_use_is_told_in_one_line(call, message):
    with pytest.raises(ModelError, match=message):
        call()
