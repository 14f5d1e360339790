import numpy as np
import pytest
from scipy.signal import lfilter, welch

from analysis.timebase import Timebase
from analysis.wow_flutter import deviation, figures
from modeling.generators.lines import Lines, joined, take_out
from modeling.generators.noise import NoiseGenerator
from modeling.generators.transport import TransportGenerator

RATE = 48000


@pytest.fixture(scope="module")
def deck_motion():
    """Two minutes of a deck: 0.05 % at 7.3 Hz, 0.03 % at 0.9 Hz, and low-passed noise of 0.03 %; speed error and drift too."""
    rng = np.random.default_rng(0)
    t = np.arange(0.0, 120.0, 1e-3)
    noise = lfilter([1.0], [1.0, -0.97], rng.standard_normal(t.size))
    speed = 5e-4 * np.sin(2 * np.pi * 7.3 * t) + 3e-4 * np.sin(2 * np.pi * 0.9 * t) + 3e-4 * noise / noise.std()
    delay = -np.cumsum(speed) * 1e-3 + 0.002 * t + 1e-6 * t**2
    return Timebase(0.0, 1e-3, delay, np.zeros(t.size))


@pytest.fixture(scope="module")
def transport(deck_motion):
    return TransportGenerator.fit([deck_motion])


def test_lines_are_found_at_their_frequency_and_amplitude():
    rng = np.random.default_rng(1)
    t = np.arange(20000) / 1000.0
    signal = 0.02 * np.sin(2 * np.pi * 7.321 * t) + 0.05 * np.sin(2 * np.pi * 31.7 * t) + 0.01 * rng.standard_normal(t.size)
    lines, rest = take_out(signal, 1000.0, 0.3, 200.0)
    assert lines.frequency_hz == pytest.approx([7.321, 31.7], abs=2e-3)
    assert lines.amplitude == pytest.approx([0.02, 0.05], rel=0.05)
    assert np.std(rest) == pytest.approx(0.01, rel=0.03)


def test_motion_has_the_wow_and_flutter_of_the_deck(deck_motion, transport):
    measured = figures(deviation(deck_motion.delay_s, 1e-3, 0.0))
    made = [figures(deviation(transport.motion(seed).delay(0, 60 * 1000, 1000), 1e-3, 0.0)) for seed in range(4)]
    for name in ("wow_flutter_weighted_2sigma", "wow_flutter_unweighted_rms"):
        mean = np.mean([one[name].value for one in made])
        assert mean == pytest.approx(measured[name].value, rel=0.1)


def test_lines_of_the_deck_are_lines_of_the_motion(transport):
    assert transport.lines.frequency_hz == pytest.approx([0.9, 7.3], abs=0.01)
    assert transport.lines.amplitude == pytest.approx([3e-4, 5e-4], rel=0.1)


def test_of_many_lines_the_strongest_are_kept():
    """Thirty lines of 0.001 in silence stand out of it as far as one of 0.02; only so many can be kept."""
    t = np.arange(60_000) / 1000.0
    weak = sum(0.001 * np.sin(2 * np.pi * f * t + f) for f in np.linspace(20.3, 80.7, 30))
    lines, _ = take_out(weak + 0.02 * np.sin(2 * np.pi * 3.1 * t), 1000.0, 0.3, 200.0)
    assert lines.frequency_hz[0] == pytest.approx(3.1, abs=2e-3)
    assert lines.amplitude[0] == pytest.approx(0.02, rel=0.05)


def test_lines_of_several_passes_have_their_mean_power_and_none_is_there_twice():
    """3 and 4 squared make 12.5 in the mean; what one pass alone has counts half."""
    one = Lines(np.array([3.00, 13.7]), np.array([3.0, 2.0]))
    two = Lines(np.array([3.03, 25.0]), np.array([4.0, 1.0]))
    found = joined([one, two])
    assert found.frequency_hz == pytest.approx([(3.00 * 9 + 3.03 * 16) / 25, 13.7, 25.0])
    assert found.amplitude**2 == pytest.approx([12.5, 2.0, 0.5])
    alone = joined([one])
    assert np.array_equal(alone.frequency_hz, one.frequency_hz)
    assert alone.amplitude == pytest.approx(one.amplitude)
    empty = joined([Lines(np.zeros(0), np.zeros(0))])
    assert empty.frequency_hz.size == empty.amplitude.size == 0


def test_passes_that_differ_make_a_motion_between_them():
    """A line of recording and one of playing add in another phase every pass: here to 0.02 % and to 0.06 %."""
    t = np.arange(0.0, 60.0, 1e-3)
    passes = [Timebase(0.0, 1e-3, v / (2 * np.pi * 3) * np.cos(2 * np.pi * 3 * t), np.zeros(t.size)) for v in (2e-4, 6e-4)]
    assert TransportGenerator.fit(passes).rms_percent == pytest.approx(100 * np.sqrt((2e-4**2 + 6e-4**2) / 4), rel=0.03)


def test_motion_neither_drifts_nor_changes_the_mean_speed(transport):
    delay = transport.motion(1).delay(0, 120 * 1000, 1000)
    slope = np.polyfit(np.arange(delay.size) / 1000.0, delay, 1)[0]
    assert abs(slope) < 3e-6  # 0.0003 %
    assert np.max(np.abs(delay)) < transport.motion(1).bound_s


def test_motion_depends_on_seed_and_time_alone(transport):
    motion = transport.motion(3)
    whole = motion.delay(100_000, 150_000, RATE)
    parts = [motion.delay(100_000, 120_001, RATE), motion.delay(120_001, 150_000, RATE)]
    assert np.array_equal(np.concatenate(parts), whole)
    assert np.array_equal(transport.motion(3).delay(100_000, 150_000, RATE), whole)
    assert not np.allclose(transport.motion(4).delay(100_000, 150_000, RATE), whole)


def test_motion_survives_a_round_trip(transport):
    again = TransportGenerator.from_arrays(transport.to_arrays())
    assert np.array_equal(again.motion(2).delay(0, 5000, RATE), transport.motion(2).delay(0, 5000, RATE))


def test_too_short_a_trajectory_makes_no_generator():
    assert TransportGenerator.fit([Timebase(0.0, 1e-2, np.zeros(100), np.zeros(100))]) is None


@pytest.fixture(scope="module")
def silence():
    """Hiss that falls 6 dB an octave above 3 kHz, with hum at 50 and 150 Hz."""
    rng = np.random.default_rng(2)
    t = np.arange(10 * RATE) / RATE
    a = np.exp(-2 * np.pi * 3000 / RATE)
    hiss = lfilter([1 - a], [1, -a], rng.standard_normal(t.size)) * 1e-3
    return hiss + 2e-4 * np.sin(2 * np.pi * 50 * t + 1) + 1e-4 * np.sin(2 * np.pi * 150 * t) + 0.01


def band_levels_db(noise):
    """Third octaves from 100 Hz to 16 kHz by integration of Welch's density."""
    frequency, density = welch(noise, RATE, nperseg=16384)
    centres = 1000.0 * 10.0 ** (np.arange(-10, 13) / 10.0)
    inside = [(frequency >= f * 10**-0.05) & (frequency < f * 10**0.05) for f in centres]
    return 10 * np.log10([density[band].sum() for band in inside])


def test_hiss_is_within_one_db_in_every_third_octave(silence):
    made = NoiseGenerator.fit(silence, RATE).read(0, 20 * RATE, 0, 5)
    assert np.max(np.abs(band_levels_db(made) - band_levels_db(silence))) < 1.0


def test_hum_is_a_line_and_not_noise(silence):
    generator = NoiseGenerator.fit(silence, RATE)
    assert generator.hum.frequency_hz == pytest.approx([50.0, 150.0], abs=0.01)
    assert generator.hum.amplitude == pytest.approx([2e-4, 1e-4], rel=0.1)


def test_noise_has_the_level_of_the_tape(silence):
    generator = NoiseGenerator.fit(silence, RATE)
    assert np.std(generator.read(0, 10 * RATE, 1, 0)) == pytest.approx(np.std(silence), rel=0.02)
    assert generator.level_dbfs == pytest.approx(20 * np.log10(np.std(silence) * np.sqrt(2)), abs=0.2)


def test_noise_depends_on_seed_channel_and_time_alone(silence):
    generator = NoiseGenerator.fit(silence, RATE)
    whole = generator.read(-100, 70_000, 0, 1)
    parts = np.concatenate([generator.read(a, b, 0, 1) for a, b in ((-100, 1), (1, 65_536), (65_536, 70_000))])
    assert np.max(np.abs(parts - whole)) < 1e-12
    other = generator.read(-100, 70_000, 1, 1)
    assert abs(np.corrcoef(whole, other)[0, 1]) < 0.2  # hum alone is common
    assert not np.allclose(generator.read(-100, 70_000, 0, 2), whole)


def test_too_short_a_silence_makes_no_generator():
    assert NoiseGenerator.fit(np.zeros(1000), RATE) is None
