"""Noise figures against integrals of the standards' curves."""

import numpy as np
import pytest
from scipy.integrate import quad

from analysis import hum, noise

RATE = 48_000


def a_curve(f: float) -> float:
    """Power of IEC 61672's A-weighting, written out from its poles."""
    r = 12194.217**2 * f**4 / ((f**2 + 20.598997**2) * (f**2 + 12194.217**2))
    r /= np.sqrt((f**2 + 107.65265**2) * (f**2 + 737.86223**2))
    return (r * 10.0**0.1) ** 2


def white(seconds: float, seed: int = 0) -> np.ndarray:
    return 1e-3 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_a_weighted_white_noise_is_the_integral_of_the_curve():
    found = noise.spectrum([white(20.0)], RATE)
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
        found = noise.spectrum([np.sin(2 * np.pi * frequency * time)], RATE)
        power, _ = noise.weighted_power(found, "CCIR-RMS")
        assert 10.0 * np.log10(power / 0.5) == pytest.approx(expected, abs=0.1)


def test_the_stated_spread_is_that_of_many_recordings():
    figures = [noise.weighted_power(noise.spectrum([white(2.0, seed)], RATE), "A") for seed in range(200)]
    powers = np.array([power for power, _ in figures])
    seen = np.std(powers) / np.mean(powers)
    stated = np.mean([spread for _, spread in figures])
    assert 0.93 < stated / seen < 1.15  # 200 recordings tell a standard deviation to 5 %


def test_a_steady_line_does_not_add_to_the_spread():
    time = np.arange(5 * RATE) / RATE
    hummed = noise.spectrum([white(5.0) + 0.1 * np.sin(2 * np.pi * 100.0 * time)], RATE)
    plain, alone = noise.weighted_power(noise.spectrum([white(5.0)], RATE), "A"), noise.weighted_power(hummed, "A", [100.0])
    assert alone[1] * alone[0] == pytest.approx(plain[1] * plain[0], rel=0.02)


def test_third_octaves_add_up_to_the_whole():
    found = noise.spectrum([white(10.0)], RATE)
    centre, power, spread = noise.third_octaves(found)
    assert centre[np.argmin(np.abs(centre - 1000.0))] == pytest.approx(1000.0)
    assert np.allclose(np.diff(np.log10(centre)), 0.1)
    low, high = centre * 10.0**-0.05, centre * 10.0**0.05
    expected = 1e-6 * (high - low) / (RATE / 2.0)
    assert 10.0 * np.log10(power.sum() / expected.sum()) == pytest.approx(0.0, abs=0.05)
    # Gaussian noise in a band B over a time T has a relative spread of 1 / sqrt(B T).
    assert np.allclose(spread[5:], 1.0 / np.sqrt((high - low) * 10.0)[5:], rtol=0.25)


def test_the_uncertainty_of_third_octaves_holds_the_truth():
    inside = []
    for seed in range(20):
        centre, power, spread = noise.third_octaves(noise.spectrum([white(4.0, seed)], RATE))
        expected = 1e-6 * (centre * (10.0**0.05 - 10.0**-0.05)) / (RATE / 2.0)
        inside += (np.abs(power / expected - 1.0) < 1.96 * spread).tolist()
    assert 0.92 < np.mean(inside) < 0.98  # 600 bands


def test_a_thinned_spectrum_keeps_density_and_lines():
    time = np.arange(10 * RATE) / RATE
    found = noise.spectrum([white(10.0) + 1e-3 * np.sin(2 * np.pi * 50.0 * time)], RATE)
    frequency, density, spread = noise.thinned(found, 20.0, 20_000.0)
    assert frequency.size < 550
    assert density[np.argmin(np.abs(frequency - 50.0))] > 100.0 * 1e-6 / (RATE / 2)
    high = frequency > 1000.0
    assert np.allclose(density[high], 1e-6 / (RATE / 2), rtol=5.0 * spread[high].max())


@pytest.mark.parametrize("base_hz", [50.0, 60.0])
@pytest.mark.parametrize("peak", [1e-4, 1.0], ids=["below the noise", "louder than the noise"])
def test_hum_is_found_with_its_harmonics_and_of_the_right_mains(base_hz, peak):
    time = np.arange(6 * RATE) / RATE
    mains = 1.0005 * base_hz
    wave = sum(a * peak * np.sin(2 * np.pi * n * mains * time) for n, a in ((1, 1.0), (3, 0.8)))
    lines = {line.frequency_hz: line for line in hum.lines([white(6.0) + wave], RATE)}
    assert set(lines) == {base_hz, 3 * base_hz}
    for frequency, part in ((base_hz, 1.0), (3 * base_hz, 0.8)):
        line, power = lines[frequency], 0.5 * (part * peak) ** 2
        assert line.power == pytest.approx(power, abs=2.5 * line.spread * line.power + 0.001 * power)


def test_the_uncertainty_of_hum_holds_the_truth():
    time = np.arange(6 * RATE) / RATE
    inside = []
    for seed in range(80):
        (line,) = hum.lines([white(6.0, seed) + 5e-5 * np.sin(2 * np.pi * 60.0 * time + seed)], RATE)
        inside.append(abs(line.power - 0.5 * 5e-5**2) < 1.96 * line.spread * line.power)
    assert 0.88 <= np.mean(inside) < 1.0


def test_white_noise_has_no_hum():
    assert sum(len(hum.lines([white(6.0, seed)], RATE)) for seed in range(20)) <= 1


def test_a_foreign_line_is_taken_out_and_nothing_else():
    time = np.arange(10 * RATE) / RATE
    leaked = white(10.0) + 3e-3 * np.sin(2 * np.pi * 3700.0 * time + 0.4 * np.sin(2 * np.pi * 8.0 * time))
    cleaned = noise.without_line(leaked, RATE, 3700.0, 40.0)
    assert np.mean(cleaned**2) == pytest.approx(np.mean(white(10.0) ** 2), rel=0.01)
    before, after = (noise.weighted_power(noise.spectrum([s], RATE), "A")[0] for s in (white(10.0), cleaned))
    assert 10.0 * np.log10(after / before) == pytest.approx(0.0, abs=0.05)
