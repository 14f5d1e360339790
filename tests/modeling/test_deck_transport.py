"""Tape motion against its own closed form, and the interpolation that applies it."""

import numpy as np
import pytest
from scipy.signal import get_window

from modeling.deck.cassette import Cassette
from modeling.deck.comb import Comb
from modeling.deck.convolution import BlockPlan
from modeling.deck.grid import GridTrajectory
from modeling.deck.motion import PassPair, weighting
from modeling.deck.moving_tape import TapeReader, TapeWriter
from modeling.deck.parameters import load_parameters
from modeling.deck.transport import Trajectory, play_trajectory, record_trajectory

RATE = 48000
FRESH = load_parameters("fresh")
WORN = load_parameters("worn")
NOTHING = Comb(np.array([1.0]), np.array([0.0]), np.array([0.0]))


def single_line(frequency_hz, peak_percent, start_s=0.0, speed_error=0.0):
    amplitude_s = peak_percent / 100.0 / (2.0 * np.pi * frequency_hz)
    flutter = Comb(np.array([frequency_hz]), np.array([amplitude_s]), np.array([0.3]))
    return Trajectory(start_s, speed_error, 0.0, flutter, 0.0, NOTHING)


STEADY = single_line(1.0, 0.0)


def test_grid_joins_the_closed_form_within_a_nanosecond():
    for trajectory in (record_trajectory(WORN, 5, 1), play_trajectory(WORN, 5, 2)):
        grid = GridTrajectory(trajectory)
        time_s = 37.0 + np.arange(24000) / RATE
        for track in range(4):
            assert np.abs(grid.advance(time_s, track) - trajectory.advance(time_s, track)).max() < 1e-9
            position_s = time_s + trajectory.advance(time_s, track)
            assert np.abs(grid.time_at(position_s, track) - time_s).max() < 1e-9


def test_solving_for_time_undoes_the_motion():
    trajectory = play_trajectory(WORN, 3, 1)
    time_s = np.linspace(0.0, 900.0, 500)
    position_s = time_s + trajectory.advance(time_s, 2)
    assert np.abs(trajectory.time_at(position_s, 2) - time_s).max() < 1e-11


@pytest.mark.parametrize(
    "scrape",
    [pytest.param({}, marks=pytest.mark.slow), {"transport.scrape_percent": 0.2, "transport.scrape_span_mm": 280.0}],
)
def test_written_and_read_sine_follows_the_closed_form_below_minus_100_db(scrape):
    """10 kHz through both interpolations of a worn transport, against sin(2 pi f t_in(t_out)) in closed form."""
    quiet = WORN.changed({"tape.hiss_dba": -120.0, "tape.modulation_db": -120.0, **scrape})
    plan = BlockPlan.at(RATE)
    cassette = Cassette(quiet, plan, 0)
    record, play = record_trajectory(quiet, 8, 1), play_trajectory(quiet, 8, 1)
    seconds, frequency_hz = 5, 10000.0
    sent = np.sin(2.0 * np.pi * frequency_hz * np.arange(seconds * RATE) / RATE)
    writer = TapeWriter(cassette, record, [1], RATE)
    for block in np.array_split(sent, 11):
        writer.write(block[None, :], seconds * RATE)
    first = 3 * RATE
    heard = TapeReader(cassette, play, RATE).read(0, 4 * RATE)[1, first:]
    out_s = np.arange(first, 4 * RATE) / RATE
    in_s = record.time_at(out_s + play.advance(out_s, 1), 1)
    assert in_s[0] > 0.1
    assert in_s[-1] < seconds - 0.1
    residual = heard - np.sin(2.0 * np.pi * frequency_hz * in_s)
    assert 20.0 * np.log10(np.std(residual) * np.sqrt(2.0)) < -100.0
    # The part of the residual in quadrature is a timing error: e / (2 pi f), far below 0.01 us.
    timing_s = 2.0 * np.mean(residual * np.cos(2.0 * np.pi * frequency_hz * in_s)) / (2.0 * np.pi * frequency_hz)
    assert abs(timing_s) < 1e-9
    cassette.close()


def test_passes_differ_and_repeat():
    time_s = np.linspace(1.0, 20.0, 100)
    one, two = play_trajectory(FRESH, 1, 1), play_trajectory(FRESH, 1, 2)
    assert np.std(one.flutter.at(time_s) - two.flutter.at(time_s)) > 1e-6
    assert np.array_equal(one.advance(time_s, 0), play_trajectory(FRESH, 1, 1).advance(time_s, 0))
    record = record_trajectory(FRESH, 1, 1)
    assert np.std(one.flutter.at(time_s) - record.flutter.at(time_s)) > 1e-6
    assert record.start_s == 0.0


@pytest.mark.parametrize("seed", range(8))
def test_rewind_lands_and_speed_differs_as_set(seed):
    record, play = record_trajectory(FRESH, seed, 1), play_trajectory(FRESH, seed, 1)
    assert -2.0 <= play.start_s <= -0.3
    difference = abs((1.0 + play.speed_error) / (1.0 + record.speed_error) - 1.0)
    assert 0.001 <= difference <= 0.002
    pair = PassPair(record, play, 0)
    assert abs(pair.speed_error_percent(2.0, 60.0)) == pytest.approx(100.0 * difference, abs=0.01)


def test_capstan_turns_at_v_over_pi_d_and_doubles_with_speed():
    """2.2 mm at 95.25 mm/s is 13.8 Hz, at 47.625 mm/s 6.9 Hz."""
    fast = record_trajectory(FRESH, 0, 1).flutter.frequency_hz[0]
    slow = record_trajectory(FRESH.changed({"speed_cm_s": 4.8}), 0, 1).flutter.frequency_hz[0]
    assert fast == pytest.approx(13.8, abs=0.05)
    assert fast / slow == pytest.approx(2.0, rel=1e-12)


# Meter test vectors: 0.1 % peak sine; the two-sigma value of a sine of peak p is p sin(0.95 * 90 deg) = 0.9969 p.
@pytest.mark.parametrize(("frequency_hz", "weighted_percent"), [(4.0, 0.0997), (0.8, 0.0499), (20.0, 0.0506), (0.2, 0.0030)])
def test_flutter_of_a_single_line_reads_as_the_standard_says(frequency_hz, weighted_percent):
    figures = PassPair(STEADY, single_line(frequency_hz, 0.1), 0).flutter(0.0, 30.0)
    assert figures["wow_flutter_weighted_2sigma"] == pytest.approx(weighted_percent, rel=0.02)
    assert figures["wow_flutter_unweighted_rms"] == pytest.approx(0.1 / np.sqrt(2.0), rel=0.01)
    band = "wow_rms" if frequency_hz < 6 else "flutter_rms"
    if frequency_hz >= 0.5:
        assert figures[band] == pytest.approx(0.1 / np.sqrt(2.0), rel=0.01)


def test_record_flutter_sounds_faster_on_a_faster_pass():
    """10 Hz recorded and played 1 % fast is heard at 10.1 Hz; the flutter of both passes subtracts."""
    pair = PassPair(single_line(10.0, 0.1), single_line(10.0, 0.0, speed_error=0.01), 0)
    assert pair.speed_error_percent(0.0, 30.0) == pytest.approx(1.0, abs=1e-3)
    expected = 0.0997 * weighting(np.array([10.1]))[0]
    assert pair.flutter(0.0, 30.0)["wow_flutter_weighted_2sigma"] == pytest.approx(expected, rel=0.01)
    same = PassPair(single_line(10.0, 0.1), single_line(10.0, 0.1), 0)
    assert same.flutter(0.0, 30.0)["wow_flutter_weighted_2sigma"] < 1e-6


def test_flutter_sum_agrees_with_filtering_the_sampled_motion():
    """Second road: instantaneous speed sampled over output time, weighted in the frequency domain."""
    pair = PassPair(record_trajectory(WORN, 2, 1), play_trajectory(WORN, 2, 1), 0)
    start_s, stop_s = 4.0, 34.0
    heard_s = pair.output_time(np.array([start_s, stop_s]))
    out_s = np.arange(heard_s[0], heard_s[1], 1e-3)
    in_s = pair.record.time_at(out_s + pair.play.advance(out_s, 0), 0)
    ratio = np.gradient(in_s, out_s)
    deviation = 100.0 * (ratio / ratio.mean() - 1.0)
    spectrum = np.fft.rfft(deviation)
    frequency = np.fft.rfftfreq(deviation.size, 1e-3)
    weight = np.concatenate([[0.0], weighting(frequency[1:])])
    weighted = np.fft.irfft(spectrum * weight, deviation.size)
    figures = pair.flutter(start_s, stop_s)
    assert np.quantile(np.abs(weighted), 0.95) == pytest.approx(figures["wow_flutter_weighted_2sigma"], rel=0.02)
    assert np.std(weighted) == pytest.approx(figures["wow_flutter_weighted_rms"], rel=0.02)


def test_flutter_spectrum_agrees_with_that_of_the_sampled_motion():
    pair = PassPair(record_trajectory(WORN, 2, 1), play_trajectory(WORN, 2, 1), 0)
    start_s, stop_s = 4.0, 24.0
    heard_s = pair.output_time(np.array([start_s, stop_s]))
    out_s = heard_s[0] + np.diff(heard_s)[0] * np.arange(20001) / 20000
    in_s = pair.record.time_at(out_s + pair.play.advance(out_s, 0), 0)
    ratio = np.diff(in_s) / np.diff(out_s)
    deviation = 100.0 * (ratio / ratio.mean() - 1.0)
    lines = np.abs(np.fft.rfft(deviation * get_window("hann", deviation.size))) * np.sqrt(2.0) / (0.5 * deviation.size)
    frequency, percent = pair.spectrum(start_s, stop_s)
    first = round(frequency[0] * np.diff(heard_s)[0])
    found = lines[first : first + frequency.size] / np.sinc(frequency / 1000.0)
    assert (percent > 0.001).sum() > 500
    assert found == pytest.approx(percent, rel=0.02, abs=0.01 * percent.max())  # lines move each other a little
    assert np.linalg.norm(found - percent) < 0.02 * np.linalg.norm(percent)


@pytest.mark.parametrize(("deck", "low", "high"), [(FRESH, 0.045, 0.08), (WORN, 0.13, 0.28)])
def test_presets_flutter_as_intended(deck, low, high):
    readings = [
        PassPair(record_trajectory(deck, s, 1), play_trajectory(deck, s, 1), 0).flutter(5.0, 20.0)[
            "wow_flutter_weighted_2sigma"
        ]
        for s in range(5)
    ]
    assert low < min(readings)
    assert max(readings) < high


def test_skew_wanders_by_half_a_microsecond_between_the_outer_tracks():
    play, record = play_trajectory(FRESH, 4, 1), record_trajectory(FRESH, 4, 1)
    time_s = np.linspace(0.0, 60.0, 3000)
    for trajectory in (play, record):
        delay = trajectory.advance(time_s, 3) - trajectory.advance(time_s, 0)
        assert np.std(delay) == pytest.approx(0.5e-6 / np.sqrt(2.0), rel=0.2)
        assert np.std(trajectory.advance(time_s, 1) - trajectory.advance(time_s, 0)) == pytest.approx(
            np.std(delay) / 3.0, rel=1e-6
        )
