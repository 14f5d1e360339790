"""The truth against the running deck: two roads that share neither filters, tables nor sample rate."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.motion import PassPair
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import linear_response, response_delay_s, steady_sine
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet
from signals.errors import ModelError
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STILL = {**MOTIONLESS, **SILENT}


def tone(name, start_s, length_s, frequency_hz, level_db, purpose="ladder"):
    return Cue(
        name=name,
        kind="tone",
        channel=0,
        start_samples=round(start_s * RATE),
        length_samples=round(length_s * RATE),
        level_db=level_db,
        parameters={"frequency_hz": frequency_hz, "purpose": purpose},
    )


SHEET = CueSheet(
    stimulus="main",
    session="test",
    code=1,
    sample_rate=RATE,
    samples=12 * RATE,
    reference_dbfs=-18.0,
    channels=(Channel(role="programme", track=2), Channel(role="pilot", track=4)),
    cues=(
        Cue(name="start", kind="marker_start", channel=0, start_samples=RATE, length_samples=4800, level_db=-3.0),
        tone("wow", 2.0, 6.0, 3150.0, 0.0, "wow_flutter"),
        tone("ladder", 8.5, 0.8, 315.0, 0.0),
        Cue(name="sweep", kind="sweep", channel=0, start_samples=9 * RATE, length_samples=4800, level_db=-20.0),
        Cue(name="end", kind="marker_end", channel=0, start_samples=11 * RATE, length_samples=4800, level_db=-3.0),
    ),
)


def stated(parameters=FRESH, **more):
    return truth(parameters, SHEET, 21, passes=[1, 2], tool_version="0", created="now", **more)


SETTLED = slice(round(0.7 * RATE), round(1.7 * RATE))
TIME_S = np.arange(2 * RATE) / RATE


def heard_tone(parameters, frequency_hz, level_db):
    """A second of a steady sine on track 1 as the running deck returns it, in units of 0 VU."""
    sent = np.zeros((2 * RATE, 4))
    sent[:, 0] = PEAK * 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * frequency_hz * TIME_S)
    deck = VirtualDeck(parameters, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(sent)
    deck.play(1)
    heard = deck.process(np.zeros_like(sent))[SETTLED, 0] / PEAK
    deck.close()
    return heard


def heard_sine(parameters, frequency_hz, level_db, harmonic=1):
    """Complex harmonics of a steady sine on track 1 of the running deck, in units of 0 VU."""
    heard = heard_tone(parameters, frequency_hz, level_db)
    turns = frequency_hz * TIME_S[SETTLED]
    return [2.0 * np.mean(heard * np.exp(-2j * np.pi * n * turns)) for n in range(harmonic + 1)]


@pytest.mark.parametrize("speed", [9.5, 4.8])
@pytest.mark.parametrize(("frequency_hz", "level_db"), [(40.0, -20), (315.0, 0), (1000.0, 10), (10000.0, -20), (14000.0, 0)])
def test_running_deck_returns_the_stated_sine(speed, frequency_hz, level_db):
    still = FRESH.changed({**STILL, "speed_cm_s": speed})
    expected = steady_sine(still, frequency_hz, level_db, 0, {0})
    heard = heard_sine(still, frequency_hz, level_db, 3)
    ratio = heard[1] / expected[1]
    assert 20.0 * np.log10(abs(ratio)) == pytest.approx(0.0, abs=0.03)
    assert abs(np.angle(ratio)) / (2.0 * np.pi * frequency_hz) < 0.3e-6
    if frequency_hz <= 1000.0:
        assert 20.0 * np.log10(abs(heard[3] / expected[3])) == pytest.approx(0.0, abs=0.1)
        assert 20.0 * np.log10(abs(heard[2] / expected[2])) == pytest.approx(0.0, abs=0.2)


@pytest.mark.parametrize("frequency_hz", [100.0, 315.0, 1000.0, 10000.0])
def test_a_pass_at_another_speed_is_equalised_at_what_is_heard(frequency_hz):
    """Passes more than 1 % apart: replay filters what is heard, at another frequency than it was sent at."""
    apart = FRESH.changed({**STILL, "transport.pass_difference_percent": 5.0})
    pair = PassPair(record_trajectory(apart, 0, 1), play_trajectory(apart, 0, 1), 0)
    ratio = 1.0 + pair.speed_error_percent(0.5, 1.5) / 100.0
    assert abs(ratio - 1.0) > 0.01
    heard = heard_tone(apart, frequency_hz, -20.0)
    window = np.hanning(heard.size)  # it no longer holds whole cycles
    turned = heard * np.exp(-2j * np.pi * ratio * frequency_hz * TIME_S[SETTLED])
    level = abs(2.0 * np.sum(window * turned) / np.sum(window))
    expected = abs(steady_sine(apart, frequency_hz, -20.0, 0, {0}, ratio=ratio)[1])
    assert 20.0 * np.log10(level / expected) == pytest.approx(0.0, abs=0.005)


def test_small_signal_response_is_the_limit_of_the_steady_sine():
    for frequency_hz in (50.0, 1000.0, 12000.0):
        sine = steady_sine(FRESH, frequency_hz, -60.0, 1, {0, 1})[1] / (-1j * 10.0 ** (-60.0 / 20.0))
        linear = linear_response(np.array([frequency_hz]), FRESH, 1, {0, 1})[0]
        assert abs(sine / linear - 1.0) < 1e-3


def test_response_delay_is_found_in_the_noise_that_the_deck_returns():
    """Second road: PHAT cross-correlation, 400 Hz to 6 kHz, of weak noise through the running deck."""
    still = FRESH.changed(STILL)
    sent = np.zeros((4 * RATE, 4))
    sent[: 3 * RATE, 0] = 1e-3 * np.random.default_rng(1).standard_normal(3 * RATE)
    deck = VirtualDeck(still, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(sent)
    deck.play(1)
    heard = deck.process(np.zeros_like(sent))[:, 0]
    f = np.fft.rfftfreq(heard.size, 1.0 / RATE)
    used = (f >= 400.0) & (f <= 6000.0)
    response = (np.fft.rfft(heard) / np.fft.rfft(sent[:, 0]))[used]
    tau = np.arange(-300e-6, 300e-6, 0.1e-6)
    fine = np.linspace(0, used.sum() - 1, 4000).astype(int)
    unit = response[fine] / np.abs(response[fine])
    peak = np.abs(np.exp(2j * np.pi * np.outer(tau, f[used][fine])) @ unit)
    assert tau[np.argmax(peak)] == pytest.approx(response_delay_s(still, 0, {0}), abs=1e-6)


def test_fresh_deck_is_flat_where_its_makers_say_and_falls_beyond():
    f = np.geomspace(40.0, 14000.0, 120)
    for track in range(4):
        level = 20.0 * np.log10(np.abs(linear_response(f, FRESH, track, {track})))
        assert np.abs(level - np.interp(1000.0, f, level)).max() < 1.5
        assert np.ptp(level) > 0.8
    above = 20.0 * np.log10(np.abs(linear_response(np.array([1000.0, 20000.0]), FRESH, 0, {0})))
    assert above[1] - above[0] < -3.0


def test_latency_and_speed_follow_from_the_positions_on_tape():
    stating = stated()
    record, play = record_trajectory(FRESH, 21, 1), play_trajectory(FRESH, 21, 2)
    (latency,) = stating.find("latency", track=2, **{"pass": 2})
    out_s = 1.0 + latency.value - response_delay_s(FRESH, 1, {1})
    # What was under the gap at 1 s while recording is under the gap at that moment of the play pass.
    at = lambda motion, t: (t + motion.advance(np.array([t]), 1))[0]  # noqa: E731
    assert at(play, out_s) == pytest.approx(at(record, 1.0), abs=1e-10)
    (error,) = stating.find("speed_error", track=2, **{"pass": 2})
    assert error.value == pytest.approx(100.0 * ((1 + play.speed_error) / (1 + record.speed_error) - 1), abs=0.01)
    (curve,) = stating.find_curves("delay_trajectory", track=2, **{"pass": 2})
    assert np.interp(1.0, curve.x.array, curve.y.array) == pytest.approx(out_s - 1.0, abs=1e-8)
    (deviation,) = stating.find_curves("speed_deviation", track=2, **{"pass": 2})
    slope = np.gradient(curve.x.array + curve.y.array, curve.x.array)
    assert np.std(deviation.y.array + 100.0 * (slope / slope.mean() - 1.0)) < 0.3 * np.std(deviation.y.array)


def test_noise_agrees_with_the_running_deck():
    deck = VirtualDeck(FRESH, RATE, -18.0, 21)
    deck.play(1)
    heard = deck.process(np.zeros((10 * RATE, 4)))[:, 1] / PEAK
    f = np.fft.rfftfreq(heard.size, 1.0 / RATE)
    density = 2.0 * np.abs(np.fft.rfft(heard)) ** 2 / heard.size / RATE
    # A-weighting by its own formula, poles in radians (IEC 61672-1 E.4).
    s = 2j * np.pi * np.maximum(f, 1.0)
    w = 2.0 * np.pi * np.array([20.6, 107.7, 737.9, 12194.0])
    weight = np.abs(w[3] ** 2 * s**4 / ((s + w[0]) ** 2 * (s + w[1]) * (s + w[2]) * (s + w[3]) ** 2)) * 10 ** (2.0 / 20.0)
    used = (f >= 20.0) & (f <= 20000.0)
    level_db = 10.0 * np.log10(2.0 * np.sum(density[used] * weight[used] ** 2) * (f[1] - f[0]))
    reference_db = 20.0 * np.log10(abs(steady_sine(FRESH, 1000.0, 0.0, 1, {1})[1]))
    stating = stated()
    assert stating.find("noise_a", track=2)[0].value == pytest.approx(level_db - reference_db, abs=0.15)
    assert stating.find("snr_a", track=2)[0].value == -stating.find("noise_a", track=2)[0].value
    spectrum = next(c for c in stating.find_curves("noise_spectrum", track=2) if "bandwidth" not in c.conditions)
    for low, high in ((90.0, 400.0), (900.0, 1100.0), (9000.0, 11000.0)):
        band = (f > low) & (f < high)
        measured = 10.0 * np.log10(2.0 * np.mean(density[band & (np.abs((f + 25) % 50 - 25) > 2)])) - reference_db
        grid = np.linspace(low, high, 50)
        expected = 10 * np.log10(np.mean(10 ** (np.interp(grid, spectrum.x.array, spectrum.y.array) / 10)))
        assert measured == pytest.approx(expected, abs=0.4)


def test_third_octaves_hum_and_the_468_level_agree_with_the_running_deck():
    """Second roads: a filter bank by FFT, a Fourier sum at the mains, and the meter of the analysis."""
    from analysis import quasi_peak

    humming = FRESH.changed({"electronics.hum_db": -60.0})
    deck = VirtualDeck(humming, RATE, -18.0, 21)
    deck.play(1)
    heard = deck.process(np.zeros((8 * RATE, 4)))[:, 1] / PEAK
    deck.close()
    stating = stated(humming)
    reference_db = 20.0 * np.log10(abs(steady_sine(humming, 1000.0, 0.0, 1, {1})[1]))
    (thirds,) = stating.find_curves("noise_spectrum", track=2, bandwidth="1/3 octave", **{"pass": 1})
    f = np.fft.rfftfreq(heard.size, 1.0 / RATE)
    power = 4.0 * np.abs(np.fft.rfft(heard)) ** 2 / heard.size**2
    for centre, level_db in zip(thirds.x.array[10:], thirds.y.array[10:], strict=True):
        band = (f >= centre * 10**-0.05) & (f < centre * 10**0.05)
        assert 10.0 * np.log10(power[band].sum()) - reference_db == pytest.approx(level_db, abs=0.8)
    for order, below_db in ((1, 0.0), (2, -6.0)):
        (line,) = stating.find("hum", track=2, frequency_hz=50.0 * order, **{"pass": 1})
        assert line.value == pytest.approx(
            -60.0 + below_db - reference_db, abs=0.01
        )  # the reference at the speed of the pass
        amplitude = 2.0 * np.mean(heard * np.exp(-2j * np.pi * 50.0 * order * np.arange(heard.size) / RATE))
        assert 20.0 * np.log10(abs(amplitude)) - reference_db == pytest.approx(line.value, abs=0.3)
    (level,) = stating.find("noise_itu468", track=2, **{"pass": 1})
    read = 20.0 * np.log10(quasi_peak.level(heard, RATE) * np.sqrt(2.0)) - reference_db
    assert level.value == pytest.approx(read, abs=0.1)
    (flat,) = stating.find("noise_ccir_rms", track=2, **{"pass": 1})
    assert level.value - flat.value == pytest.approx(5.63 + 4.0, abs=0.1)  # Gaussian noise: 4 dB above its RMS value


def lines_of(parameters):
    return stated(parameters).find("flutter_line", track=2, **{"pass": 1})


@pytest.mark.slow
def test_lines_and_drift_of_flutter_are_those_of_the_parts():
    stating = stated()
    lines = lines_of(FRESH.changed({"transport.supply_mm": 10.0, "transport.takeup_mm": 25.0}))
    assert [line.note for line in lines] == ["capstan", "pinch roller", "supply reel", "take-up reel"]
    v, transport = FRESH.speed_um_s / 1000.0, FRESH.transport
    expected = v / np.pi / np.array([transport.capstan_mm, transport.pinch_mm, 20.0, 50.0])
    assert [line.conditions["frequency_hz"] for line in lines] == pytest.approx(expected, rel=0.01)
    # Two passes of the same peak p with phases of their own: from nothing to 2 p / sqrt(2).
    peaks = (transport.capstan_percent, transport.pinch_percent, transport.supply_percent, transport.takeup_percent)
    assert all(0.0 < line.value <= np.sqrt(2.0) * peak * 1.01 for line, peak in zip(lines, peaks, strict=True))
    # Reels a quarter of a hertz apart are one line in a tone of some seconds.
    *_, both = lines_of(FRESH)
    assert both.note == "supply reel and take-up reel"
    slower, faster = (v / np.pi / (2 * radius) for radius in (transport.supply_mm, transport.takeup_mm))
    assert slower < both.conditions["frequency_hz"] < faster
    assert both.value <= np.sqrt(2.0) * (transport.supply_percent + transport.takeup_percent) * 1.01
    drifting = stated(FRESH.changed({"transport.drift_percent_per_min": 0.6}))
    # Record and play pass drift alike: what is heard is the drift over the rewind's landing alone.
    (still,), (moving,) = (s.find("speed_drift", track=2, **{"pass": 1}) for s in (stating, drifting))
    assert abs(moving.value - still.value) < 0.02


def test_every_figure_is_stated_for_its_track_and_pass():
    stating = stated()
    for number in (1, 2):
        for quantity in ("latency", "speed_error", "noise_a", "snr_a"):
            plain = [r for r in stating.find(quantity, track=2, **{"pass": number}) if "re" not in r.conditions]
            assert len(plain) == 1
            assert len(stating.find(quantity, track=4, **{"pass": number})) == 1
        for quantity, unit in (
            ("wow_flutter_weighted_2sigma", "%"),
            ("wow_flutter_weighted_rms", "%"),
            ("wow_flutter_unweighted_rms", "%"),
            ("wow_rms", "%"),
            ("flutter_rms", "%"),
        ):
            (result,) = stating.find(quantity, track=2, frequency_hz=3150, **{"pass": number})
            assert result.unit == unit
        (thd,) = stating.find("thd", track=2, frequency_hz=315, level_db=0, dbx="off", speed_cm_s=9.5, **{"pass": number})
        third = stating.find("harmonic_3", track=2, **{"pass": number})[0]
        assert thd.value == pytest.approx(100.0 * 10.0 ** (third.value / 20.0), rel=0.03)
        assert len(stating.find_curves("frequency_response", track=2, level_db=-20, **{"pass": number})) == 1


def test_distortion_over_level_and_frequency_is_that_of_the_single_tones():
    tones = (tone("low", 2.0, 0.8, 315.0, -10.0), tone("high", 3.0, 0.8, 315.0, 0.0))
    more = (tone("other", 4.0, 0.8, 1000.0, 0.0, "distortion"), tone("beyond", 5.0, 0.8, 10_000.0, 0.0))
    sheet = SHEET.model_copy(update={"cues": (SHEET.cues[0], *tones, *more, SHEET.cues[-1])})
    stating = truth(FRESH, sheet, 1, passes=[1], tool_version="0", created="now")
    thd = {(r.conditions["frequency_hz"], r.conditions["level_db"]): r.value for r in stating.find("thd", track=2)}
    (over_level,) = stating.find_curves("thd_vs_level", track=2)
    assert over_level.conditions["frequency_hz"] == 315.0
    assert over_level.x.array.tolist() == [-10.0, 0.0]
    assert over_level.y.array.tolist() == [thd[315.0, -10.0], thd[315.0, 0.0]]
    (over_frequency,) = stating.find_curves("thd_vs_frequency", track=2)
    assert over_frequency.conditions["level_db"] == 0.0
    assert over_frequency.x.array.tolist() == [315.0, 1000.0]
    assert over_frequency.y.array.tolist() == [thd[315.0, 0.0], thd[1000.0, 0.0]]


def test_programme_on_neighbouring_tracks_is_heard_through_the_fringe():
    """At 60 Hz the fringing adds in phase; at 1 kHz it is 55 dB down."""
    alone, both = (np.abs(linear_response(np.array([60.0, 1000.0]), FRESH, 0, d)) for d in ({0}, {0, 1}))
    rise_db = 20.0 * np.log10(both / alone)
    assert rise_db[0] > 0.5
    assert abs(rise_db[1]) < 0.02


def test_stimulus_without_markers_is_refused():
    bare = SHEET.model_copy(update={"cues": SHEET.cues[1:2]})
    with pytest.raises(ModelError, match="marker_start"):
        truth(FRESH, bare, 1, passes=[1], tool_version="0", created="now")
