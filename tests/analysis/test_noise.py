"""Noise figures against integrals of the standards' curves."""

import numpy as np
import pytest
from scipy.integrate import quad

from analysis import noise

RATE = 48_000


def a_curve(f: float) -> float:
    """Power of IEC 61672's A-weighting, written out from its poles."""
    r = 12194.217**2 * f**4 / ((f**2 + 20.598997**2) * (f**2 + 12194.217**2))
    r /= np.sqrt((f**2 + 107.65265**2) * (f**2 + 737.86223**2))
    return (r * 10.0**0.1) ** 2


def white(seconds: float, seed: int = 0) -> np.ndarray:
    return 1e-3 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_a_weighted_white_noise_is_the_integral_of_the_curve():
    found = noise.spectrum(white(20.0), RATE)
    density = 1e-6 / (RATE / 2.0)
    expected = density * quad(a_curve, 20.0, 20_000.0, limit=200)[0]
    power, spread = noise.weighted_power(found, "A")
    assert 10.0 * np.log10(power / expected) == pytest.approx(0.0, abs=0.05)
    assert 4.343 * spread < 0.05
    flat, _ = noise.weighted_power(found, "none")
    assert 10.0 * np.log10(flat / (density * 19_980.0)) == pytest.approx(0.0, abs=0.05)


def test_ccir_rms_is_one_at_2_khz_and_6_6_db_more_at_6_3_khz():
    """A sine at 2 kHz reads its own power (AES17, 5.2.7); 12.2 - 5.63 dB more at 6.3 kHz (BS.468, table)."""
    time = np.arange(10 * RATE) / RATE
    for frequency, expected in ((2000.0, 0.0), (6300.0, 12.2 - 5.63)):
        found = noise.spectrum(np.sin(2 * np.pi * frequency * time), RATE)
        power, _ = noise.weighted_power(found, "CCIR-RMS")
        assert 10.0 * np.log10(power / 0.5) == pytest.approx(expected, abs=0.1)


def test_the_stated_spread_is_that_of_many_recordings():
    figures = [noise.weighted_power(noise.spectrum(white(2.0, seed), RATE), "A") for seed in range(200)]
    powers = np.array([power for power, _ in figures])
    seen = np.std(powers) / np.mean(powers)
    stated = np.mean([spread for _, spread in figures])
    assert 0.93 < stated / seen < 1.15  # 200 recordings tell a standard deviation to 5 %


def test_third_octaves_add_up_to_the_whole():
    found = noise.spectrum(white(10.0), RATE)
    centre, power = noise.third_octaves(found)
    assert centre[np.argmin(np.abs(centre - 1000.0))] == pytest.approx(1000.0)
    assert np.allclose(np.diff(np.log10(centre)), 0.1)
    low, high = centre[0] * 10.0**-0.05, centre[-1] * 10.0**0.05
    assert 10.0 * np.log10(power.sum() / (1e-6 * (high - low) / (RATE / 2.0))) == pytest.approx(0.0, abs=0.05)
    # White noise rises 1 dB a third octave.
    assert np.polyfit(np.arange(centre.size), 10.0 * np.log10(power), 1)[0] == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("base_hz", [50.0, 60.0])
def test_hum_is_found_with_its_harmonics_and_of_the_right_mains(base_hz):
    time = np.arange(10 * RATE) / RATE
    hum = sum(a * np.sin(2 * np.pi * n * base_hz * time) for n, a in ((1, 1e-3), (3, 4e-4)))
    lines = dict(noise.hum_lines(noise.spectrum(white(10.0) + hum, RATE)))
    assert {round(f) for f in lines} == {round(base_hz), round(3 * base_hz)}
    assert 10.0 * np.log10(lines[base_hz] / (1e-6 / 2.0)) == pytest.approx(0.0, abs=0.3)


def test_white_noise_has_no_hum():
    assert sum(len(noise.hum_lines(noise.spectrum(white(10.0, seed), RATE))) for seed in range(10)) <= 2


def test_a_foreign_line_is_taken_out_and_nothing_else():
    time = np.arange(10 * RATE) / RATE
    plain = noise.spectrum(white(10.0), RATE)
    leaked = noise.spectrum(white(10.0) + 3e-3 * np.sin(2 * np.pi * 3700.0 * time), RATE)
    cleaned = noise.without_line(leaked, 3700.0, 40.0)
    for weighting in ("A", "none"):
        before, after = (noise.weighted_power(s, weighting)[0] for s in (plain, cleaned))
        assert 10.0 * np.log10(after / before) == pytest.approx(0.0, abs=0.05)
