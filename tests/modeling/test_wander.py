from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter, welch
from scipy.stats import f as fisher

from analysis.timebase import Timebase
from modeling.deck.motion import PassPair
from modeling.deck.parameters import load_parameters
from modeling.deck.transport import play_trajectory, record_trajectory
from modeling.generators.shaped import Shaped
from modeling.generators.transport import TransportGenerator
from modeling.generators.wander import LOWEST_HZ, Wander

BANDS_HZ = ((0.05, 0.1), (0.1, 0.2), (0.2, 0.3), (0.28, 0.36))
CORNER_HZ, DENSITY = 0.1, 2e-7
LINE_HZ, LINE = 0.163, 4e-4
LENGTH_S, PASSES, DRAWN = 200, 3, 8


def power(low_hz, high_hz):
    """Of noise of density S / (1 + (f / fc)^2) between two frequencies: S fc (atan(f2 / fc) - atan(f1 / fc))."""
    return DENSITY * CORNER_HZ * (np.arctan(high_hz / CORNER_HZ) - np.arctan(low_hz / CORNER_HZ))


def one_pass(seed):
    """A wander of that density, a line, speed error and drift, as the delay of a pass.

    The noise is an Ornstein-Uhlenbeck process, whose variance is S times pi fc / 2, at every millisecond.
    """
    rng = np.random.default_rng(seed)
    t = np.arange(LENGTH_S * 1000) / 1000.0
    pole = np.exp(-2 * np.pi * CORNER_HZ / 1000)
    white = rng.standard_normal(t.size) * np.sqrt(DENSITY * np.pi * CORNER_HZ / 2 * (1 - pole**2))
    white[0] /= np.sqrt(1 - pole**2)  # in its stationary state from the beginning
    speed = lfilter([1.0], [1.0, -pole], white) + LINE * np.sin(2 * np.pi * LINE_HZ * t + seed)
    return Timebase(0.0, 1e-3, -np.cumsum(speed) * 1e-3 + 0.003 * t + 1e-6 * t**2, np.zeros(t.size))


@pytest.fixture(scope="module")
def generator():
    return TransportGenerator.fit([one_pass(seed) for seed in range(PASSES)])


def slow_speed(motion, length_s):
    """Speed deviation of a motion at 10 Hz, without the lines."""
    still = replace(motion, lines=motion.lines.between(0.0, 0.0), phase=np.zeros(0))
    return -np.diff(still.on_grid(0, length_s * 1000, 100)) * 10.0


def density(motions, length_s):
    """Mean one-sided density of the slow speed of some motions, and its frequencies."""
    made = [welch(slow_speed(motion, length_s), 10.0, nperseg=1000) for motion in motions]
    return made[0][0], np.mean([one for _, one in made], axis=0)


def test_wander_has_the_power_of_the_noise_it_was_made_from(generator):
    """Both powers are estimates: their ratio to theory is that of two independent ones, 2 B T degrees of freedom each pass."""
    frequency, made = density([generator.motion(seed) for seed in range(DRAWN)], LENGTH_S)
    for low_hz, high_hz in BANDS_HZ:
        inside = (frequency >= low_hz) & (frequency < high_hz)
        freedom = 2 * (high_hz - low_hz) * LENGTH_S
        low, high = fisher.interval(0.998, DRAWN * freedom, PASSES * freedom)
        assert low < made[inside].sum() * frequency[1] / power(low_hz, high_hz) < high


def test_a_slow_line_is_a_line_and_no_noise(generator):
    slow = generator.lines.between(0.0, 0.3)
    assert slow.frequency_hz == pytest.approx([LINE_HZ], abs=5e-4)
    assert slow.amplitude == pytest.approx([LINE], rel=0.15)


def test_the_delay_moves_as_far_as_theory_says_and_stays_within_its_bound(generator):
    """A speed of density S moves the delay by S / (2 pi f)^2, in all S / (2 pi)^2 (1 / f1 - 1 / f2)."""
    edges = np.array([0.05, 0.3])
    flat = Wander(edges, np.array([1e-8 * 0.25])).beside(np.array([0.3, 1.0]), np.zeros(1), Shaped(np.zeros(256)), 1000)
    assert flat.variance == pytest.approx(1e-8 / (2 * np.pi) ** 2 * (1 / 0.05 - 1 / 0.3), rel=0.03)
    motion = generator.motion(1)
    delay = motion.on_grid(0, 1_200_000, 50)
    assert np.max(np.abs(delay)) < motion.bound_s
    assert abs(np.mean(delay[:12_000]) - np.mean(delay[12_000:])) < np.std(delay) / 2  # does not walk off


def test_only_what_a_pass_is_long_enough_for_is_told():
    """Four periods have to lie in it: 50 s tell from 0.08 Hz on, 13 s tell nothing below 0.3 Hz."""
    speed = np.random.default_rng(1).standard_normal(50_000)
    told = Wander.fit([speed], 1000.0)
    assert np.all((told.variance > 0.0) == (told.edges_hz[:-1] >= 0.08))
    assert Wander.fit([speed[:13_000]], 1000.0).edges_hz.size == 0
    both = Wander.fit([speed, np.zeros(100_000)], 1000.0)  # a pass that is still halves what both tell, and no more
    assert both.variance == pytest.approx(told.variance / 2)
    assert told.edges_hz[0] == pytest.approx(LOWEST_HZ)


def test_a_model_older_than_wander_has_none(generator):
    arrays = {name: array for name, array in generator.to_arrays().items() if not name.startswith("wander.")}
    older = TransportGenerator.from_arrays(arrays)
    frequency, moved = density([older.motion(1)], LENGTH_S)
    inside = (frequency >= 0.05) & (frequency < 0.2)
    assert moved[inside].sum() * frequency[1] < 0.1 * power(0.05, 0.2)
    assert older.motion(1).bound_s < generator.motion(1).bound_s


def test_wander_survives_a_round_trip(generator):
    again = TransportGenerator.from_arrays(generator.to_arrays())
    assert np.array_equal(again.motion(1).on_grid(5, 5000), generator.motion(1).on_grid(5, 5000))


def test_blocks_of_a_wander_are_the_whole(generator):
    """Across the joint of two blocks of the slow noise, which are 327.68 s long."""
    motion = generator.motion(2)
    whole = motion.delay(327 * 48_000, 328 * 48_000 + 1, 48_000)
    parts = [motion.delay(a, min(a + 4_801, 328 * 48_000 + 1), 48_000) for a in range(327 * 48_000, 328 * 48_000 + 1, 4_801)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_deck_wanders_in_its_model_as_in_truth():
    """The random flutter of both trajectories of `typical` is a sum of sinusoids, from 0.15 Hz on; its power is known exactly."""
    parameters = load_parameters("typical")
    pair = PassPair(record_trajectory(parameters, 7, 0), play_trajectory(parameters, 7, 0), 0)
    t = np.arange(2.0, 122.0, 2e-2)
    generator = TransportGenerator.fit([Timebase(2.0, 2e-2, pair.output_time(t) - t, np.zeros(t.size))])
    known = comb_power(pair.play.flutter) + comb_power(pair.record.flutter)
    frequency, made = density([generator.motion(seed) for seed in range(4)], 160)
    inside = (frequency >= 0.15) & (frequency < 0.3)
    lines = np.sum(generator.lines.between(0.15, 0.3).amplitude ** 2) / 2
    assert 10 * np.log10((made[inside].sum() * frequency[1] + lines) / known) == pytest.approx(0.0, abs=2.0)


def comb_power(comb):
    """Variance of the speed that it makes between 0.15 and 0.3 Hz."""
    inside = (comb.frequency_hz >= 0.15) & (comb.frequency_hz < 0.3)
    return np.sum((2 * np.pi * comb.frequency_hz * comb.amplitude_s)[inside] ** 2) / 2
