"""Drawn decks are decks of the class that they stand for, by the deck's own closed forms."""

import numpy as np
import pytest

from modeling.deck.draw import DRIVE_DB, FLUTTER_PERCENT, QUIET, RANGES, draw_deck
from modeling.deck.motion import PassPair
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import linear_response, steady_sine
from modeling.deck.transport import play_trajectory, record_trajectory

SEEDS = range(1, 13)


def value(deck, key):
    for part in key.split("."):
        deck = getattr(deck, part)
    return deck


def test_a_deck_follows_from_its_seed():
    assert draw_deck(5) == draw_deck(5)
    assert len({draw_deck(seed).model_dump_json() for seed in SEEDS}) == len(SEEDS)


def test_everything_is_drawn_within_its_range_and_fills_it():
    decks = [draw_deck(seed) for seed in range(40)]
    for key, span in RANGES.items():
        values = np.array([value(deck, key) for deck in decks])
        assert values.min() >= span.low, key
        assert values.max() <= span.high, key
        place = np.log(values / span.low) / np.log(span.high / span.low) if span.log else values - span.low
        assert np.ptp(place) > 0.7 * (1.0 if span.log else span.high - span.low), key


@pytest.mark.parametrize("seed", SEEDS[:6])
def test_weighted_flutter_of_both_passes_is_of_the_class(seed):
    deck = draw_deck(seed)
    pair = PassPair(record_trajectory(deck, seed, 1), play_trajectory(deck, seed, 1), 0)
    heard = pair.flutter(2.0, 12.0)["wow_flutter_weighted_2sigma"]
    # The two passes add in a phase that is drawn too.
    assert 0.6 * FLUTTER_PERCENT.low < heard < 1.4 * FLUTTER_PERCENT.high


@pytest.mark.parametrize("seed", SEEDS)
def test_level_and_response_are_those_of_a_deck_that_works(seed):
    deck = draw_deck(seed)
    f = np.geomspace(40.0, 12_000.0, 60)
    for track in (0, 3):
        level_db = 20.0 * np.log10(np.abs(linear_response(f, deck, track, {track})))
        assert abs(np.interp(1000.0, f, level_db)) < 6.0
        assert np.ptp(level_db) < 12.0
    harmonics = steady_sine(deck, 315.0, 10.0, 0, {0})
    assert abs(harmonics[3] / harmonics[1]) > 0.03  # the ladder reaches 3 % of third harmonic
    assert 20.0 * np.log10(abs(harmonics[1])) < 15.0  # and the output stays below digital full scale, 18 dB up


def test_the_quiet_one_is_the_same_deck_without_flutter_and_noise():
    deck, quiet = draw_deck(7), draw_deck(7, quiet=True)
    assert quiet == deck.changed(QUIET)
    pair = PassPair(record_trajectory(quiet, 7, 1), play_trajectory(quiet, 7, 1), 0)
    assert pair.flutter(2.0, 12.0)["wow_flutter_unweighted_rms"] < 1e-9
    assert quiet.transport.speed_error_percent == deck.transport.speed_error_percent


def test_recording_level_moves_distortion_and_not_the_level_heard():
    fresh = load_parameters("fresh")
    assert DRIVE_DB.low < 0.0 < DRIVE_DB.high
    signal = {seed: draw_deck(seed).alignment_9_5.signal_ka_m / fresh.alignment_9_5.signal_ka_m for seed in SEEDS}
    assert np.ptp(20.0 * np.log10(list(signal.values()))) > 1.5
