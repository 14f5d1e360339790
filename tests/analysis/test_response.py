"""Response from a sweep against systems whose response is known in closed form."""

import numpy as np
import pytest
from scipy.signal import lfilter, sosfilt, sosfreqz

from analysis import response
from signals.sweeps import Sweep

RATE = 48_000
AMPLITUDE = 0.1
LEAD, TAIL = round(0.2 * RATE), round(0.9 * RATE)
SWEEP = Sweep.design(10.0, 22_000.0, 6.0)


def sent() -> np.ndarray:
    return np.pad(AMPLITUDE * SWEEP.waveform(RATE, 0.1, 0.005), (LEAD, TAIL))


def measured(returned: np.ndarray) -> response.Response:
    return response.measure(returned, LEAD, SWEEP, AMPLITUDE, RATE)


def peaking(frequency_hz: float, gain_db: float, q: float) -> np.ndarray:
    """RBJ's peaking equaliser as one second-order section."""
    a = 10.0 ** (gain_db / 40.0)
    w = 2.0 * np.pi * frequency_hz / RATE
    alpha = np.sin(w) / (2.0 * q)
    b0, b1, b2 = 1 + alpha * a, -2 * np.cos(w), 1 - alpha * a
    a0, a1, a2 = 1 + alpha / a, -2 * np.cos(w), 1 - alpha / a
    return np.array([[b0, b1, b2, a0, a1, a2]]) / a0


def test_equalisers_and_a_delay_are_found_as_their_formula_says():
    delay = 7
    sos = np.vstack((peaking(200.0, 4.0, 1.0), peaking(3000.0, -5.0, 2.0)))
    found = measured(np.roll(sosfilt(sos, sent()), delay))
    _, expected = sosfreqz(sos, found.frequency_hz, fs=RATE)
    expected = expected * np.exp(-2j * np.pi * found.frequency_hz * delay / RATE)
    inside = (found.frequency_hz > 30.0) & (found.frequency_hz < 16_000.0)
    ratio = (found.transfer / expected)[inside]
    assert np.max(np.abs(20.0 * np.log10(np.abs(ratio)))) < 0.02
    assert np.max(np.abs(np.degrees(np.angle(ratio)))) < 0.3


def test_harmonics_of_a_polynomial_are_as_trigonometry_says():
    """Of x = A sin: a x^2 gives a A^2 / 2 at twice the frequency, b x^3 gives b A^3 / 4 at three times, 3 b A^3 / 4 at once."""
    a, b = 0.6, 4.0
    x = sent()
    found = measured(x + a * x**2 + b * x**3)
    fundamental = AMPLITUDE + 0.75 * b * AMPLITUDE**3
    for order, amplitude in ((2, a * AMPLITUDE**2 / 2.0), (3, b * AMPLITUDE**3 / 4.0)):
        harmonic = found.harmonics[order]
        # Above, the cube folds back at half the sampling rate, as no tape does.
        inside = (harmonic.frequency_hz > 100.0) & (harmonic.frequency_hz < 2500.0)
        level = 20.0 * np.log10(harmonic.ratio[inside] * fundamental / amplitude)
        assert np.nanmax(np.abs(level)) < 0.1
        assert np.mean(np.isfinite(level)) > 0.95
    # There is no fourth; what the sweep leaves there is not taken for one.
    fourth = found.harmonics[4].ratio
    told = np.isfinite(fourth)
    assert np.mean(told) < 0.1
    assert np.all(20.0 * np.log10(fourth[told]) < -75.0)


def test_the_noise_covers_the_error_it_makes():
    rng = np.random.default_rng(3)
    by_noise, by_level, by_phase = [], [], []
    for _ in range(6):
        found = measured(sent() + 3e-4 * rng.standard_normal(sent().size))
        band = (found.frequency_hz > 100.0) & (found.frequency_hz < 15_000.0)
        error = np.abs(np.abs(found.transfer[band]) - 1.0)
        # The modulus sees one of the two dimensions of the error.
        by_noise.append(np.mean(error < 1.96 * found.noise[band] / np.sqrt(2.0)))
        by_level.append(np.mean(np.abs(found.level_db[band]) <= found.level_doubt_db()[band]))
        by_phase.append(np.mean(np.abs(found.phase[band]) <= found.phase_doubt()[band]))
    for covered in (by_noise, by_level, by_phase):
        assert 0.90 < np.mean(covered) < 0.995


def test_hum_counts_where_it_stands():
    """At 50 Hz a hum 20 dB below the sweep moves the response; a third of an octave away it does not, and is not said to."""
    time = np.arange(sent().size) / RATE
    found = measured(sent() + 0.1 * AMPLITUDE * np.sin(2 * np.pi * 50.0 * time + 1.0))
    doubt = found.level_doubt_db()
    at_50, away = (np.argmin(np.abs(found.frequency_hz - f)) for f in (50.0, 90.0))
    assert abs(found.level_db[at_50]) > 0.05
    assert np.abs(found.level_db[at_50]) <= doubt[at_50]
    assert doubt[away] < 0.1 * doubt[at_50]


def test_group_delay_of_an_all_pass_is_that_of_its_formula():
    """First-order all-pass (a + z^-1) / (1 + a z^-1): delay (1 - a^2) / (1 + a^2 + 2 a cos w) samples; latency is not counted."""
    a = -0.9
    found = measured(np.roll(lfilter([a, 1.0], [1.0, a], sent()), 5)).without_linear_phase()
    w = 2.0 * np.pi * found.frequency_hz / RATE
    expected = (1.0 - a**2) / (1.0 + a**2 + 2.0 * a * np.cos(w)) / RATE
    delay, doubt = found.group_delay()
    inside = (found.frequency_hz > 100.0) & (found.frequency_hz < 15_000.0)
    apart = (delay - expected)[inside]
    assert np.ptp(apart) < 3e-6
    # The mean delay from 400 Hz to 6 kHz is latency, and left out.
    assert abs(apart.mean()) > 30e-6
    assert np.all(doubt[inside] > 0.0)


def test_harmonics_below_the_noise_are_not_shown():
    x = sent()
    noise = 7e-4 * np.random.default_rng(4).standard_normal(x.size)
    found = measured(x + 4.0 * x**3 + noise)
    third, fifth = found.harmonics[3], found.harmonics[5]
    expected = 4.0 * AMPLITUDE**3 / 4.0 / (AMPLITUDE + 3.0 * AMPLITUDE**3)
    told = np.isfinite(third.ratio)
    assert np.mean(told) > 0.9
    assert np.mean(np.abs(third.ratio / expected - 1.0)[told] <= third.doubt[told]) > 0.9
    assert np.mean(np.isfinite(fifth.ratio)) < 0.05


@pytest.mark.parametrize("corner_hz", [60.0, 8000.0])
def test_band_edges_of_a_first_order_filter_are_its_corner(corner_hz):
    frequency = np.geomspace(10.0, 20_000.0, 600)
    ratio = frequency / corner_hz
    level = -10.0 * np.log10(1.0 + (ratio**-2 if corner_hz < 1000.0 else ratio**2))
    # Both are 3.01 dB down at the corner; the level at 1 kHz itself is a little below 0 dB.
    at_1k = level[np.argmin(np.abs(frequency - 1000.0))]
    reach = np.sqrt(10.0 ** ((3.0 - at_1k) / 10.0) - 1.0)
    expected = corner_hz / reach if corner_hz < 1000.0 else corner_hz * reach
    low, high = response.band_edges(frequency, level)
    found, other = (low, high) if corner_hz < 1000.0 else (high, low)
    assert found == pytest.approx(expected, rel=2e-3)
    assert other is None


def test_a_one_pole_low_pass_is_down_3_db_where_it_should_be():
    corner_hz = 9000.0
    pole = np.exp(-2.0 * np.pi * corner_hz / RATE)
    found = measured(lfilter([1.0 - pole], [1.0, -pole], sent()))
    expected = (1.0 - pole) / np.abs(1.0 - pole * np.exp(-2j * np.pi * found.frequency_hz / RATE))
    inside = (found.frequency_hz > 30.0) & (found.frequency_hz < 18_000.0)
    assert np.max(np.abs(20.0 * np.log10(np.abs(found.transfer[inside]) / expected[inside]))) < 0.02
