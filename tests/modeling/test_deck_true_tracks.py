"""The truth of the tracks beside one another, against figures worked by hand."""

import numpy as np
import pytest

from modeling.deck.parameters import load_parameters
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet

RATE = 48_000
STEADY = {"transport.pass_difference_percent": 0.0, "transport.drift_percent_per_min": 0.0, "tracks.skew_wander_us": 0.0}
FRESH = load_parameters("fresh").changed({**STEADY, "tracks.skew_us": 10.0})


def alone(channel, start_s):
    return Cue(
        name=f"channel {channel} alone",
        kind="multitone",
        channel=channel,
        start_samples=round(start_s * RATE),
        length_samples=RATE,
        level_db=3.0,
        parameters={"purpose": "crosstalk", "low_hz": 1000.0, "high_hz": 10_000.0, "tones": 2, "period_s": 1.0},
        seed=0,
    )


SHEET = CueSheet(
    stimulus="main",
    session="test",
    code=1,
    sample_rate=RATE,
    samples=6 * RATE,
    reference_dbfs=-18.0,
    channels=(Channel(role="programme", track=1), Channel(role="programme", track=2), Channel(role="pilot", track=3)),
    cues=(
        Cue(name="start", kind="marker_start", channel=0, start_samples=0, length_samples=4800, level_db=-3.0),
        Cue(
            name="pilot",
            kind="pilot",
            channel=2,
            start_samples=0,
            length_samples=6 * RATE,
            parameters={"frequency_hz": 3700.0},
        ),
        alone(0, 1.0),
        alone(1, 2.0),
        Cue(name="silence", kind="silence", channel=0, start_samples=3 * RATE, length_samples=RATE),
        Cue(name="end", kind="marker_end", channel=0, start_samples=5 * RATE, length_samples=4800, level_db=-3.0),
    ),
)


@pytest.fixture(scope="module")
def stated():
    return truth(FRESH, SHEET, 5, passes=[1], tool_version="0", created="now")


def test_crosstalk_is_that_of_the_head_and_the_gains(stated):
    """At 1 kHz (1001, in fact) the flux between the tracks is 170 dB down: what couples, -55 dB, and 0.3 dB of gain are left."""
    (there,) = stated.find("crosstalk", **{"from": 1, "to": 2}, frequency_hz=1001.0)
    (back,) = stated.find("crosstalk", **{"from": 2, "to": 1}, frequency_hz=1001.0)
    assert there.value == pytest.approx(-55.0 - 0.3, abs=0.02)
    assert back.value == pytest.approx(-55.0 + 0.3, abs=0.02)
    # Rising by 6 dB an octave up to 5 kHz: 20 log10(10 |1 + 0.2j| / |1 + 2j|) = 13.2 dB more at 10 kHz.
    (high,) = stated.find("crosstalk", **{"from": 1, "to": 2}, frequency_hz=10_001.0)
    assert high.value - there.value == pytest.approx(
        20.0 * np.log10(10.0 * np.hypot(1.0, 0.2) / np.hypot(1.0, 2.0)), abs=0.02
    )


def test_the_pilot_gives_to_its_neighbour_alone(stated):
    found = stated.find("crosstalk", **{"from": 3})
    assert [(r.conditions["to"], r.conditions["frequency_hz"]) for r in found] == [(2, 3700.0)]
    assert "track" not in found[0].conditions


def test_azimuth_is_the_skew_of_both_passes(stated):
    """Tracks 1 and 2 are a third of the head's height apart; recorded later and played earlier both make a track late."""
    record, play = record_trajectory(FRESH, 5, 1), play_trajectory(FRESH, 5, 1)
    (found,) = stated.find("azimuth_delay", track=1, track_to=2)
    assert found.value == pytest.approx((record.skew_s - play.skew_s) / 3.0, rel=0.01)
    assert abs(found.value) > 1e-7


def test_balance_is_the_difference_of_the_gains(stated):
    (found,) = stated.find("channel_balance", track=1, track_to=2)
    assert found.value == pytest.approx(-0.2 - 0.1, abs=0.005)
