"""The compander against its own theory: static algebra, straight releases, one-pole attacks, and a null through a perfect tape."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.signal import lfilter

from modeling.deck.compander import CompanderHalf, Positions, decoder, encoder
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from signals.errors import ModelError

RATE = 48_000
FRESH = load_parameters("fresh")
BASE = FRESH.compander.model_copy(update={"floor_db": -140.0})


def set_to(**changes):
    return BASE.model_copy(update=changes)


def sine(frequency_hz, level_db, seconds=1.0, rate=RATE):
    return 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)


def half(settings, decode, signal, rate=RATE):
    return CompanderHalf(settings, decode, 1, rate).process(signal[None])[0]


def level_db(signal, seconds=0.1, rate=RATE):
    """Of its end, re a sine of peak 1."""
    return 10.0 * np.log10(2.0 * np.mean(signal[-round(seconds * rate) :] ** 2))


def shelf_db(f, zero_hz, pole_hz):
    return 10.0 * np.log10((1.0 + (f / zero_hz) ** 2) / (1.0 + (f / pole_hz) ** 2))


def emphasis_db(f, s):
    return shelf_db(f, s.emphasis_zero_hz, s.emphasis_pole_hz) - shelf_db(1000.0, s.emphasis_zero_hz, s.emphasis_pole_hz)


def weighting_db(f, s):
    def whole(f):
        low = -10.0 * np.log10(1.0 + (s.weighting_low_hz / f) ** 2)
        high = -10.0 * np.log10(1.0 + (f / s.weighting_high_hz) ** 2)
        return low + high + shelf_db(f, s.weighting_zero_hz, s.weighting_pole_hz)

    return whole(f) - whole(1000.0)


@pytest.mark.parametrize(("ratio", "unity"), [(2.0, 0.0), (2.0, -10.0), (1.6, 4.0)])
def test_a_1_khz_tone_is_compressed_and_expanded_about_unity(ratio, unity):
    s = set_to(ratio=ratio, unity_db=unity)
    for sent in (-60.0, -30.0, 0.0, 10.0):
        assert level_db(half(s, False, sine(1000.0, sent))) == pytest.approx(unity + (sent - unity) / ratio, abs=0.01)
    for heard in (-30.0, -10.0, 5.0):
        assert level_db(half(s, True, sine(1000.0, heard))) == pytest.approx(unity + (heard - unity) * ratio, abs=0.02)


@pytest.mark.parametrize("rate", [48_000, 96_000])
@pytest.mark.parametrize("f", [50.0, 100.0, 400.0, 3150.0, 10_000.0])
def test_emphasis_and_weighting_shift_the_law_as_algebra_says(f, rate):
    s = set_to(unity_db=-4.0)
    e, w = emphasis_db(f, s), weighting_db(f, s)
    within = 0.1 if f > 3000.0 else 0.05  # of the weighting, see the module
    encoded = level_db(half(s, False, sine(f, -20.0, rate=rate), rate), rate=rate)
    assert encoded == pytest.approx((-20.0 + e - w + -4.0) / 2.0, abs=within / 2.0 + 0.03)
    decoded = level_db(half(s, True, sine(f, -20.0, rate=rate), rate), rate=rate)
    assert decoded == pytest.approx(2.0 * -20.0 - e + w + 4.0, abs=within + 0.04)


@pytest.mark.parametrize("f", [40.0, 300.0, 3200.0, 9000.0, 16_000.0])
def test_a_weak_tone_beside_a_strong_one_is_lifted_by_the_emphasis_alone(f):
    signal = sine(1000.0, 0.0) + sine(f, -40.0)
    out = half(BASE, False, signal)[-RATE // 2 :]
    time = np.arange(out.size) / RATE
    weak, strong = (abs(np.mean(out * np.hanning(out.size) * np.exp(-2j * np.pi * x * time))) for x in (f, 1000.0))
    assert 20.0 * np.log10(weak / strong) + 40.0 == pytest.approx(emphasis_db(f, BASE), abs=0.06)


@pytest.mark.parametrize("tau", [0.01, 0.0347])
def test_release_is_a_straight_line_of_4_343_over_tau(tau):
    s = set_to(time_constant_s=tau)
    fallen = sine(1000.0, -60.0, 0.35)
    for decode, sign in ((True, -1.0), (False, 1.0)):
        out = half(s, decode, np.concatenate([sine(1000.0, 0.0, 0.5), fallen]))[RATE // 2 :]
        cycles = out.reshape(-1, 480)  # 10 ms each
        gain = 10.0 * np.log10(np.mean(cycles**2, axis=1))
        part = slice(1, int(0.1 * 100) if tau > 0.02 else 5)
        slope = np.polyfit(np.arange(gain.size)[part] / 100.0, gain[part], 1)[0]
        assert slope == pytest.approx(sign * 4.343 / tau, rel=0.01)


@pytest.mark.parametrize(("within_db", "taus"), [(3.0, 0.69), (1.0, 1.57)])
def test_attack_of_20_db_takes_the_time_of_a_one_pole_on_the_square(within_db, taus):
    tau = 0.0347
    out = half(set_to(time_constant_s=tau), True, np.concatenate([sine(1000.0, -20.0), sine(1000.0, 0.0)]))[RATE:]
    levels = 10.0 * np.log10(2.0 * np.mean(out.reshape(-1, 48) ** 2, axis=1))  # a cycle each
    reached_s = (np.argmax(levels >= -within_db) + 0.5) / 1000.0
    assert reached_s == pytest.approx(taus * tau, abs=0.0011)


def test_the_encoder_settles_in_half_the_time_since_it_hears_itself():
    tau = 0.0347
    out = half(set_to(time_constant_s=tau), False, np.concatenate([sine(1000.0, -20.0), sine(1000.0, 0.0)]))[RATE:]
    levels = 10.0 * np.log10(2.0 * np.mean(out.reshape(-1, 48) ** 2, axis=1))
    # Q = P^2 follows a one-pole of tau/2 from 0.01 to 1, the level overshoots by -5 lg Q: 1 dB at Q = 10^-0.2.
    expected = -0.5 * tau * np.log((1.0 - 10.0**-0.2) / 0.99)
    assert (np.argmax(levels <= 1.0) + 0.5) / 1000.0 == pytest.approx(expected, abs=0.0011)


@pytest.mark.parametrize("ratio", [1.5, 2.0, 2.5])
def test_a_perfect_tape_nulls_over_level_frequency_and_bursts(ratio):
    rng = np.random.default_rng(1)
    time = np.arange(2 * RATE) / RATE
    gate = np.where(np.mod(time, 0.4) < 0.1, 1.0, 10.0 ** (-50.0 / 20.0))
    swept = np.sin(2.0 * np.pi * 20.0 * 2.0 / np.log(900.0) * (900.0 ** (time / 2.0) - 1.0))
    s = set_to(ratio=ratio, unity_db=-7.0, floor_db=-80.0)
    for signal in (sine(100.0, 10.0), sine(12_000.0, -70.0), swept * gate, gate * rng.standard_normal(time.size)):
        back = half(s, True, half(s, False, signal))
        assert 20.0 * np.log10(np.std(back - signal) / np.std(signal)) < -60.0


def test_a_sound_after_silence_overshoots_for_milliseconds_and_does_not_stun_the_encoder():
    s = set_to(floor_db=-80.0)
    out = half(s, False, np.concatenate([np.zeros(RATE), sine(1000.0, 0.0, 0.3)]))[RATE:]
    levels = 10.0 * np.log10(2.0 * np.mean(out.reshape(-1, 48) ** 2, axis=1))
    # From nothing Q = P^2 follows 1 - exp(-2t/tau): the mean of 1/P over the first cycle is about that at a third of it.
    assert 3.0 < levels[0] < 15.0
    assert levels[int(1000 * 0.0347)] == pytest.approx(-5.0 * np.log10(1.0 - np.exp(-2.0)), abs=0.1)
    assert np.min(levels) > -0.1


def test_an_error_of_the_tape_comes_out_doubled():
    y = half(BASE, False, sine(1000.0, -20.0))
    assert level_db(half(BASE, True, 10.0 ** (-1.5 / 20.0) * y)) == pytest.approx(-23.0, abs=0.01)
    wrong = set_to(mismatch_db=2.0)
    assert level_db(half(wrong, True, half(wrong, False, sine(1000.0, -20.0)))) == pytest.approx(-22.0, abs=0.01)


def test_the_block_size_changes_no_bit():
    signal = np.random.default_rng(2).standard_normal((2, RATE // 4))
    for decode in (False, True):
        whole, parts = (CompanderHalf(BASE, decode, 2, RATE) for _ in range(2))
        edges = [0, 1, 18, 4097, 5000, signal.shape[1]]
        split = np.concatenate([parts.process(signal[:, a:b]) for a, b in pairwise(edges)], axis=1)
        assert np.array_equal(split, whole.process(signal))


def test_sync_leaves_the_fourth_track_and_the_switches_are_apart():
    signal = np.stack([sine(1000.0, -20.0, 0.5)] * 4)
    armed = (0, 1, 2, 3)
    for sync, left in ((True, [3]), (False, [])):
        positions = Positions(record=True, play=False, sync=sync)
        out = encoder(BASE, positions, armed, RATE).process(signal)
        assert [t for t in armed if np.array_equal(out[t], signal[t])] == left
        assert np.array_equal(decoder(BASE, positions, RATE).process(signal), signal)
    some = encoder(BASE, Positions(record=True), (1, 3), RATE).process(signal[[1, 3]])
    assert level_db(some[0]) == pytest.approx(-10.0, abs=0.01)
    assert np.array_equal(some[1], signal[3])


def test_the_deck_records_and_plays_in_every_position_of_the_switch():
    """Levels of a track with dbx and of one in SYNC, on a tape that changes both alike."""
    quiet = {
        "tape.hiss_dba": -110.0,
        "tape.modulation_db": -120.0,
        "electronics.noise_dba": -130.0,
        "electronics.hum_db": None,
        "transport.rewind_max_s": 0.3,
    }
    deck = VirtualDeck(FRESH.changed({**quiet, "tracks.gain_db": [0.0] * 4}), RATE, -18.0, 3)
    peak = 10.0 ** (-18.0 / 20.0)
    sent = peak * np.tile(sine(1000.0, -20.0, 2.5)[:, None], (1, 4))
    found = {}
    for record in (False, True):
        deck.set_dbx(record=record)
        deck.arm([1, 4])
        deck.process(sent)
        deck.rewind()
        for number, play in enumerate((False, True), 1):
            deck.set_dbx(play=play)
            deck.play(number)
            back = deck.process(np.zeros((round(2.2 * RATE), 4)))[:, [0, 3]] / peak
            found[record, play] = [level_db(back[:, i], 0.5) for i in (0, 1)]
        deck.rewind()
    deck.close()
    straight = found[False, False]
    error = straight[0] + 20.0
    for position, expected in {(True, False): -10.0, (False, True): -40.0, (True, True): -20.0}.items():
        times = 2.0 if position[1] else 1.0
        assert found[position][0] == pytest.approx(expected + times * error, abs=0.1)
        assert found[position][1] == pytest.approx(straight[1], abs=0.1)


def test_constants_out_of_their_limits_are_refused():
    with pytest.raises(ModelError, match=r"compander\.ratio = 9"):
        FRESH.changed({"compander.ratio": 9.0})


def test_the_reading_of_the_detector_is_a_one_pole_filter():
    """Against a second implementation: scipy's filter on the square, with all weighting flat in the band of the tone."""
    flat = {"emphasis_zero_hz": 20_000.0, "emphasis_pole_hz": 20_000.0, "weighting_low_hz": 1.0}
    flat |= {"weighting_zero_hz": 20_000.0, "weighting_pole_hz": 20_000.0, "weighting_high_hz": 100_000.0}
    s = set_to(**flat)
    signal = np.concatenate([sine(500.0, -30.0), sine(500.0, 0.0), sine(500.0, -30.0)])
    k = -np.expm1(-1.0 / (s.time_constant_s * RATE))
    power = lfilter([0.0, k], [1.0, k - 1.0], 2.0 * signal**2)
    expected = signal * np.sqrt(power)
    assert np.std(half(s, True, signal) - expected) < 1e-3 * np.std(expected)
