"""Crosstalk far below the noise, on signals made for the purpose: level, uncertainty and limit are what was put in."""

import numpy as np
import pytest

from analysis.crosstalk import leaks, tone_powers

RATE = 8000
SECONDS = 2.0
TONES_HZ = (251.0, 1003.0)


def tones(flutter_s=0.0, amplitude=0.2):
    """Two tones, their time moved to and fro seven times a second by so much."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    time = time + flutter_s * np.sin(2.0 * np.pi * 7.0 * time)
    return amplitude * sum(np.sin(2.0 * np.pi * f * time + f) for f in TONES_HZ)


def heard(ratio_db, noise_rms, seed, flutter_s=0.0, source_noise=0.0):
    """Leaks of both tones into a second channel that hears the first at a level, with white noise."""
    random = np.random.default_rng(seed)
    source = tones(flutter_s)
    other = 10.0 ** (ratio_db / 20.0) * source + noise_rms * random.standard_normal(source.size)
    source = source + source_noise * random.standard_normal(source.size)
    return [row[1] for row in leaks(np.stack([source, other], axis=1), 0, TONES_HZ, RATE)]


def test_the_level_is_found_below_the_noise_and_its_uncertainty_holds():
    """Noise of -33 dB re the tone in all of the band, crosstalk of -45: 2 s of tone gather it to 26 dB above its bin."""
    found = [leak for seed in range(200) for leak in heard(-45.0, 0.2 / np.sqrt(2.0) * 10.0 ** (-33.0 / 20.0), seed)]
    error = np.array([leak.level_db + 45.0 for leak in found])
    doubt = np.array([leak.uncertainty_db for leak in found])
    # A matched filter over T = 2 s: (S / N0) with N0 = N / (RATE / 2); a cosine's share of the noise is half of it.
    expected_sd = 8.686 * np.sqrt(0.5 * 10.0 ** ((45.0 - 33.0) / 10.0) / (RATE / 2.0 * SECONDS))
    assert np.std(error) == pytest.approx(expected_sd, rel=0.15)
    assert abs(np.mean(error)) < 0.1
    assert 0.90 < np.mean(np.abs(error) < doubt) <= 0.99


@pytest.mark.parametrize("flutter_s", [0.0, 50e-6, 200e-6])
def test_flutter_far_beyond_a_cycle_changes_nothing(flutter_s):
    for leak in heard(-40.0, 1e-5, 1, flutter_s):
        assert leak.level_db == pytest.approx(-40.0, abs=0.03)


def test_noise_on_the_sounding_track_does_not_make_crosstalk_smaller():
    """Noise 20 dB below the two tones in their bins would otherwise count as tone."""
    levels = [leak.level_db for seed in range(20) for leak in heard(-20.0, 1e-5, seed, source_noise=0.1)]
    assert np.mean(levels) == pytest.approx(-20.0, abs=0.05)


def test_of_nothing_only_a_limit_is_told_and_it_holds():
    """-90 dB in noise that a bin holds at -70 dB re the tone."""
    found = [leak for seed in range(100) for leak in heard(-90.0, 0.2 / np.sqrt(2.0) * 10.0 ** (-34.0 / 20.0), seed)]
    assert not any(leak.heard for leak in found)
    assert np.mean([leak.limit_db > -90.0 for leak in found]) > 0.9
    assert np.median([leak.limit_db for leak in found]) < -62.0


def test_a_loud_pilot_on_the_listening_track_is_not_crosstalk():
    time = np.arange(round(SECONDS * RATE)) / RATE
    source = tones()
    other = (
        0.5 * np.sin(2.0 * np.pi * 1303.7 * time)
        + 1e-4 * source
        + 1e-6 * np.random.default_rng(0).standard_normal(time.size)
    )
    rows = leaks(np.stack([source, other], axis=1), 0, TONES_HZ, RATE)
    assert [row[1].level_db for row in rows] == pytest.approx([-80.0, -80.0], abs=0.3)


def test_the_channel_that_sounds_is_seen_by_its_power():
    stretch = 1e-3 * np.random.default_rng(3).standard_normal((round(SECONDS * RATE), 3))
    stretch[:, 1] += tones()
    powers = tone_powers(stretch, TONES_HZ, RATE)
    assert np.argmax(powers) == 1
    assert powers[1] > 1000.0 * max(powers[0], powers[2])


@pytest.mark.parametrize("silent", [0, 1])
def test_a_digitally_silent_channel_gives_and_takes_nothing(silent):
    both = np.stack([tones(), tones()], axis=1)
    both[:, silent] = 0.0
    for own, other in leaks(both, 0, TONES_HZ, RATE):
        assert not other.heard
        assert np.isfinite(other.limit_db)
        assert own.source_snr < 2.0 if silent == 0 else own.source_snr > 1e6
