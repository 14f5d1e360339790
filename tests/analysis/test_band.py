"""Limits of the band of responses in closed form, with and without dropouts in the sweep."""

import numpy as np
import pytest

from analysis.subjects.band import band_results

FREQUENCY = 20.0 * 2.0 ** (np.arange(480) / 48.0)
CORNER_HZ = 4000.0


def low_pass(frequency_hz):
    """First order: 3 dB below 1 kHz where (f / c)^2 = 10^0.3 (1 + (1000 / c)^2) - 1."""
    return -10.0 * np.log10(1.0 + (frequency_hz / CORNER_HZ) ** 2)


TRUE_HZ = CORNER_HZ * np.sqrt(10.0**0.3 * (1.0 + (1000.0 / CORNER_HZ) ** 2) - 1.0)


def read(quantity, level, doubt_db=0.1):
    doubt = np.broadcast_to(doubt_db, level.shape)
    (found,) = (r for r in band_results(FREQUENCY, level, {"track": 1}, doubt) if r.quantity == quantity)
    return found


@pytest.mark.parametrize("hole_hz", [2000.0, 2800.0, 3600.0])
def test_a_dropout_in_the_sweep_is_not_the_end_of_the_band(hole_hz):
    rng = np.random.default_rng(1)
    level = low_pass(FREQUENCY) + 0.05 * rng.standard_normal(FREQUENCY.size)
    hole = np.argmin(np.abs(FREQUENCY - hole_hz)) + np.arange(3)
    level[hole] -= (1.5, 4.0, 1.5)
    found = read("bandwidth_high", level)
    assert found.valid
    assert found.value == pytest.approx(TRUE_HZ, abs=found.uncertainty)


def test_a_steep_fall_is_the_end_of_the_band():
    """24 dB an octave above 5 kHz."""
    level = -24.0 * np.maximum(np.log2(FREQUENCY / 5000.0), 0.0)
    found = read("bandwidth_high", level)
    assert found.value == pytest.approx(5000.0 * 2.0 ** (3.0 / 24.0), rel=0.005)


def test_a_hole_at_the_end_of_the_band_does_not_flatten_the_ripple():
    """From 100 Hz to 10 kHz the response falls by 10 lg((1 + 2.5^2) / (1 + 0.025^2))."""
    lost = (FREQUENCY > 9000.0) & (FREQUENCY < 10_800.0)
    found = read("response_ripple", low_pass(FREQUENCY), np.where(lost, 20.0, 0.01))
    assert found.value == pytest.approx(5.0 * np.log10((1.0 + 2.5**2) / (1.0 + 0.025**2)), abs=found.uncertainty)
    assert found.uncertainty < 0.3
    assert "straight across" in found.note
