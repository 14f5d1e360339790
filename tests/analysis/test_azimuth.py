"""The delay between two tracks, on signals whose delay was put in."""

import numpy as np
import pytest

from analysis import azimuth
from analysis.dewarp import interpolate
from signals.audio import ArrayAudio

RATE = 48_000
SECONDS = 12.0
LOUD = np.ones(azimuth.BANDS_HZ.size)


def programme(seed=0):
    """Noise that falls by 3 dB an octave, shape (samples,)."""
    samples = round(SECONDS * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    frequency = np.fft.rfftfreq(samples, 1.0 / RATE)
    spectrum *= np.sqrt(100.0 / np.maximum(frequency, 100.0)) * (frequency < 18_000.0)
    return 0.1 * np.fft.irfft(spectrum, samples)


def late(signal, delay_s):
    """The signal, later by a delay that may change."""
    return interpolate(signal, np.arange(signal.size) - np.asarray(delay_s) * RATE)


def told(low, high, noise_rms=1e-4, heard=slice(None), late_s=0.0, **more):
    random = np.random.default_rng(7)
    both = np.stack([low, high], axis=1)
    found = azimuth.frames(
        ArrayAudio(both + noise_rms * random.standard_normal(both.shape), RATE), [0, 1], (0.0, SECONDS), [0.0, late_s]
    )
    silence = azimuth.frames(
        ArrayAudio(noise_rms * random.standard_normal(both.shape), RATE), [0, 1], (0.0, 5.0), [0.0, 0.0]
    )
    sounding = np.zeros(found.time_s.size, dtype=bool)
    sounding[heard] = True
    noise = np.mean(silence.power, axis=1)
    return found, azimuth.delay(found, 0, 1, noise, sounding, more.get("excess_rad", np.zeros(azimuth.BANDS_HZ.size)))


@pytest.mark.parametrize("delay_us", [0.0, 0.3, -7.0, 20.0])
def test_a_constant_delay_is_found_to_a_fiftieth_of_a_microsecond(delay_us):
    signal = programme()
    _, found = told(signal, late(signal, delay_us * 1e-6))
    assert found.mean_s == pytest.approx(delay_us * 1e-6, abs=0.02e-6)
    assert abs(found.mean_s - delay_us * 1e-6) < found.uncertainty_s + 2e-8
    assert not found.inverted


@pytest.mark.parametrize("delay_us", [-330.0, 90.0, 160.0])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_many_cycles_are_unwrapped_and_an_inverted_track_is_told(delay_us, sign):
    signal = programme()
    high = sign * late(signal, delay_us * 1e-6)
    rough = azimuth.coarse(told(signal, high)[0], 1)
    assert rough == pytest.approx(delay_us * 1e-6, abs=8e-6)
    whole = round(rough * RATE) / RATE
    _, found = told(signal, high, late_s=whole)
    assert whole + found.mean_s == pytest.approx(delay_us * 1e-6, abs=0.05e-6)
    assert found.inverted == (sign < 0.0)


def test_phases_of_the_responses_are_no_delay():
    """A track that lacks bass: a high-pass of first order at 100 Hz turns by atan(100 / f), which falls towards zero."""
    signal = programme()
    frequency = np.fft.rfftfreq(signal.size, 1.0 / RATE)
    high = np.fft.irfft(np.fft.rfft(late(signal, 4e-6)) / (1.0 - 100.0j / np.maximum(frequency, 1.0)), signal.size)
    _, found = told(signal, high)
    turn = np.arctan(100.0 / azimuth.BANDS_HZ)
    # By the rule, the part of that phase which is linear in frequency from 400 Hz to 6.3 kHz counts as delay.
    slope = np.polyfit(azimuth.BANDS_HZ[:13], turn[:13], 1, w=np.sqrt(azimuth.BANDS_HZ[:13]))[0]
    assert found.mean_s == pytest.approx(4e-6 - slope / (2.0 * np.pi), abs=0.2e-6)
    assert np.diff(found.response_rad[[0, 10]]) == pytest.approx(
        np.diff((turn - slope * azimuth.BANDS_HZ)[[0, 10]]), abs=5e-3
    )


def test_a_phase_that_is_known_is_taken_out():
    signal = programme()
    _, found = told(signal, late(signal, 3e-6), excess_rad=-2.0 * np.pi * azimuth.BANDS_HZ * 3e-6)
    assert found.mean_s == pytest.approx(0.0, abs=0.02e-6)


def test_wander_is_followed_and_tones_tell_it_too():
    """Slow wander of 3 us; from 6 s on there is nothing but a tone of 1 kHz."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    signal = np.where(time < 6.0, programme(), 0.1 * np.sin(2.0 * np.pi * 1000.0 * time))
    wander = 5e-6 + 3e-6 * np.sin(2.0 * np.pi * 0.21 * time)
    _, found = told(signal, late(signal, wander))
    error = found.delay_s - np.interp(found.time_s, time, wander)
    assert np.sqrt(np.mean(error**2)) < 0.15e-6
    assert np.mean(error[found.time_s > 7.0]) == pytest.approx(0.0, abs=0.05e-6)
    assert found.mean_s == pytest.approx(np.mean(wander), abs=0.05e-6)


def test_the_mean_over_a_take_of_which_a_third_is_unknown_states_what_wander_may_do():
    """White wander below 2 Hz: the truth is the mean over all of the take, the estimate that of two thirds."""
    random = np.random.default_rng(11)
    time = np.arange(0.0, 120.0, 0.05)
    inside, ratios = [], []
    for _ in range(200):
        spectrum = np.fft.rfft(random.standard_normal(time.size))
        spectrum[np.fft.rfftfreq(time.size, 0.05) > 2.0] = 0.0
        wander = np.fft.irfft(spectrum, time.size) * 1e-5
        known = (time < 40.0) | (time > 80.0)
        known[[0, -1]] = True
        mean, doubt = azimuth._mean(time[known], wander[known], np.full(np.count_nonzero(known), 1e-8), (0.0, 120.0))
        inside.append(abs(mean - np.mean(wander)) < doubt)
        ratios.append(abs(mean - np.mean(wander)) / doubt)
    assert 0.88 < np.mean(inside) <= 0.99


def test_without_a_wide_spectrum_there_is_no_delay():
    time = np.arange(round(SECONDS * RATE)) / RATE
    tone = 0.1 * np.sin(2.0 * np.pi * 1000.0 * time)
    assert told(tone, tone)[1] is None
