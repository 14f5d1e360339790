"""Losses and equalisers against tables worked out elsewhere."""

import numpy as np
import pytest

from modeling.deck.losses import (
    gap_loss,
    head_bump,
    record_equaliser,
    replay_equaliser,
    spacing_loss,
    thickness_loss,
    wave_number,
)
from modeling.deck.parameters import load_parameters


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


# Spacing 0.2 um, coating 5.0 um, gap 1.0 um: total at 4.76 and 9.53 cm/s, rounded to 0.1 dB.
@pytest.mark.parametrize(
    ("frequency_hz", "slow_db", "fast_db"),
    [(1000, -2.9, -1.5), (3150, -8.3, -4.5), (6300, -14.2, -8.3), (10000, -19.3, -12.0), (15000, -24.8, -16.0)],
)
def test_losses_follow_the_table(frequency_hz, slow_db, fast_db):
    for speed_um_s, expected in ((47625.0, slow_db), (95250.0, fast_db)):
        k = wave_number(np.array([frequency_hz]), speed_um_s)
        total = db(spacing_loss(k, 0.2) * thickness_loss(k, 5.0) * gap_loss(k, 1.0))[0]
        assert total == pytest.approx(expected, abs=0.06)


def test_spacing_costs_54_6_db_per_wavelength():
    assert db(spacing_loss(np.array([2.0 * np.pi]), 1.0))[0] == pytest.approx(-54.6, abs=0.03)


def test_gap_is_silent_at_its_own_wavelength():
    assert abs(gap_loss(np.array([2.0 * np.pi / 1.5]), 1.5)[0]) < 1e-12


# Response against constant flux in dB re 1 kHz for 3180 us with 120, 70 and 35 us, to 0.1 dB.
@pytest.mark.parametrize(
    ("replay_us", "table"),
    [
        (120, {40: -6.0, 100: -2.9, 315: -1.8, 3150: 6.3, 6300: 11.8, 10000: 15.7, 15000: 19.2, 20000: 21.6}),
        (70, {40: -4.9, 100: -1.7, 315: -0.8, 3150: 3.9, 6300: 8.6, 10000: 12.3, 15000: 15.7, 20000: 18.2}),
        (35, {40: -4.3, 100: -1.2, 315: -0.3, 3150: 1.5, 6300: 4.5, 10000: 7.5, 15000: 10.6, 20000: 12.9}),
    ],
)
def test_replay_equaliser_follows_the_table(replay_us, table):
    reference = replay_equaliser(np.array([1000.0]), replay_us)
    level = db(replay_equaliser(np.array(list(table), dtype=float), replay_us) / reference)
    assert level == pytest.approx(list(table.values()), abs=0.06)


def test_first_bump_stands_at_the_wavelength_of_the_head_face():
    f = np.linspace(30.0, 220.0, 1901)
    ripple = db(head_bump(wave_number(f, 95250.0), 0.8, 1.5))
    # 95.25 mm/s over 0.8 mm is 119 Hz; the damping pulls the crest a little lower.
    assert f[np.argmax(ripple)] == pytest.approx(119.0, rel=0.12)
    assert np.interp(119.06, f, ripple) == pytest.approx(1.5, abs=0.01)


def test_record_equaliser_meets_the_tape():
    """At 9.5 cm/s Type II needs 1.0 2.2 4.0 5.6 7.2 8.8 10.4 dB at 1 2 4 6 8 10 12 kHz re 315 Hz, head losses apart."""
    f = np.array([315.0, 1000, 2000, 4000, 6000, 8000, 10000, 12000])
    parameters = load_parameters("fresh")
    k = wave_number(f, parameters.speed_um_s)
    head = spacing_loss(k, parameters.replay_head.spacing_um) * gap_loss(k, parameters.replay_head.gap_um)
    lift = db(record_equaliser(f, parameters.alignment.record_eq) * head)
    assert lift[1:] - lift[0] == pytest.approx([1.0, 2.2, 4.0, 5.6, 7.2, 8.8, 10.4], abs=0.6)
