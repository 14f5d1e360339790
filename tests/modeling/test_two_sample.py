import numpy as np
from scipy.signal import lfilter
from scipy.stats import binom

from modeling.generators.two_sample import View, _from_the_rest, two_sample

RATE = 100.0
VIEW = View(1.0, 2.0, 45.0)


def recording(seed, line=1.0, pole=0.9, bursts=0.0):
    """8 s of coloured noise with a line of random phase and, between two recordings, of another amplitude."""
    rng = np.random.default_rng(seed)
    t = np.arange(800) / RATE
    noise = lfilter([1.0], [1.0, -pole], rng.standard_normal(t.size)) * np.sqrt(1 - pole**2)
    noise *= 1.0 + bursts * np.sin(2 * np.pi * 0.25 * t)
    return [noise + line * rng.uniform(0.5, 1.5) * np.sin(2 * np.pi * 4.0 * t + rng.uniform(0, 2 * np.pi))]


def rejected(cases, **other):
    """Of so many recordings of another law."""
    tests = [two_sample(recording(10_000 + n, **other), lambda s, n=n: recording(100 * n + s), RATE, VIEW) for n in cases]
    return sum(test.rejects for test in tests)


def test_recordings_of_one_law_are_rejected_in_five_of_a_hundred_cases():
    """Windows of a recording share its line, so that they are far from independent. Beyond these numbers in 1 of 500 cases."""
    low, high = binom.interval(0.998, 50, 0.05)
    assert low <= rejected(range(50)) <= high


def test_recordings_of_another_law_are_told_from_them():
    assert rejected(range(5), line=2.2) >= 4
    assert rejected(range(5), pole=0.5) == 5
    assert rejected(range(5), bursts=0.9) >= 3


def test_the_energy_distance_of_two_points_is_twice_what_lies_between_them():
    """Of samples {0}, {0}, {1}: the third lies 2 * 1 - 0 - 0 from the others, in units of the deviation of all."""
    deviation = np.std([0.0, 0.0, 1.0])
    far = _from_the_rest(np.array([0.0, 0.0, 1.0]).reshape(3, 1, 1))
    assert np.isclose(far[2], 2.0 / deviation)
    assert far[0] < far[2]


def test_too_short_a_recording_tells_nothing():
    assert two_sample([np.zeros(300)], recording, RATE, VIEW) is None
