"""Tones, bursts and impulses against hand calculation and SoX."""

import shutil
import subprocess

import numpy as np
import pytest

from signals.tones import bursts, fade, impulses, tone, two_tone

RATE = 48_000


def test_a_tone_has_the_level_of_a_sine_and_its_frequency() -> None:
    wave = tone(1000.0, RATE, RATE)
    inside = wave[2400:-2400]
    assert np.sqrt(np.mean(inside**2)) == pytest.approx(1 / np.sqrt(2), rel=1e-6)
    assert np.abs(inside).max() == pytest.approx(1.0, abs=1e-9)
    assert np.argmax(np.abs(np.fft.rfft(wave))) == 1000  # bins are 1 Hz wide
    assert np.abs(inside - np.sin(2 * np.pi * 1000.0 * np.arange(2400, RATE - 2400) / RATE)).max() < 1e-9


@pytest.mark.skipif(shutil.which("sox") is None, reason="SoX is not installed (make system-deps)")
def test_a_tone_is_that_of_sox() -> None:
    command = ["sox", "-n", "-r", "48000", "-b", "64", "-e", "floating-point", "-t", "raw", "-", "synth", "1", "sine", "997"]
    sox = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, dtype="<f8")
    inside = slice(RATE // 10, -RATE // 10)
    # SoX works in 32 bit.
    assert np.abs(sox[inside] - tone(997.0, RATE, RATE)[inside]).max() < 1e-6


def test_edges_are_half_cosines_and_alike() -> None:
    window = fade(1000, 100)
    assert np.array_equal(window, window[::-1])
    assert np.all(window[100:900] == 1.0)
    assert window[49:51].mean() == pytest.approx(0.5)
    assert window[24] == pytest.approx(np.sin(np.pi / 2 * 24.5 / 100) ** 2)
    # Never longer than half the window.
    assert fade(10, 100).max() <= 1.0
    assert fade(10, 100).size == 10
    assert np.array_equal(fade(10, 0), np.ones(10))


def test_bursts_step_between_two_levels() -> None:
    wave = bursts(1000.0, 2 * RATE, RATE, on_s=0.3, period_s=1.0, rest_db=-30.0)
    on, off = wave[RATE + 100 : RATE + 13_000], wave[RATE + 20_000 : RATE + 44_000]
    assert np.sqrt(2 * np.mean(on**2)) == pytest.approx(1.0, rel=0.01)
    assert np.sqrt(2 * np.mean(off**2)) == pytest.approx(10 ** (-30 / 20), rel=0.01)
    step = np.abs(wave[RATE + round(0.3 * RATE) - 48 : RATE + round(0.3 * RATE) + 48])
    assert step[:48].max() > 0.99
    assert step[48:].max() < 0.04


def test_two_tones_stand_at_their_own_levels() -> None:
    wave = two_tone(60.0, 7000.0, -12.04, 2 * RATE, RATE)[RATE // 2 : RATE // 2 + RATE]
    spectrum = 2.0 * np.abs(np.fft.rfft(wave)) / RATE
    assert spectrum[60] == pytest.approx(1.0, abs=1e-6)
    assert spectrum[7000] == pytest.approx(0.25, rel=1e-3)
    assert np.sum(spectrum > 1e-6) == 2


def test_impulses_stand_a_period_apart_from_half_a_period_on() -> None:
    train = impulses(RATE, RATE, 0.1)
    assert np.flatnonzero(train).tolist() == [2400 + 4800 * k for k in range(10)]
    assert set(train.tolist()) == {0.0, 1.0}
