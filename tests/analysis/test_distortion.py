"""Harmonics against trigonometry, under flutter and hiss."""

import numpy as np
import pytest

from analysis import distortion
from analysis.dewarp import dewarp, interpolate
from analysis.segments import self_timed
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.cues import Cue
from signals.tones import tone

RATE = 48_000


def polynomial(x: np.ndarray, second: float, third: float) -> np.ndarray:
    """Curve that gives a unit sine a second and third harmonic of these shares: sin^2 and sin^3 taken apart."""
    # third * 4 of sin^3 has the third harmonic `third` and adds 3 `third` to the fundamental.
    b = 4.0 * third / (1.0 - 3.0 * third)
    a = 2.0 * second * (1.0 + 0.75 * b)
    return x + a * x**2 + b * x**3


@pytest.mark.parametrize(("second", "third"), [(0.0, 0.001), (0.0, 0.01), (0.003, 0.03), (0.001, 0.0)])
@pytest.mark.parametrize("frequency_hz", [315.0, 1000.0])
def test_a_polynomial_has_the_distortion_it_was_made_with(second, third, frequency_hz):
    wave = 0.1 * polynomial(np.sin(2 * np.pi * frequency_hz / RATE * np.arange(round(0.7 * RATE)) + 0.3), second, third)
    found = distortion.analyse(wave, frequency_hz, RATE)
    expected = 100.0 * np.hypot(second, third)
    thd = found.thd()
    assert thd is not None
    assert thd[0] == pytest.approx(expected, rel=2e-3)
    assert found.thd_n()[0] == pytest.approx(expected, rel=5e-3)
    for order, share in ((2, second), (3, third)):
        if share:
            level = found.harmonic_db(order)
            assert level is not None
            assert level[0] == pytest.approx(20.0 * np.log10(share), abs=0.02)


@pytest.mark.parametrize(("third", "within"), [(0.003, 0.02), (0.01, 0.01), (0.03, 0.01)])
def test_flutter_does_not_count_as_distortion(third, within):
    """0.2 % of flutter at 10 Hz and 0.1 % at 0.8 Hz, noise at -55 dB: where peak picking in an FFT reads half."""
    frequency_hz, seconds = 1003.7, 4.0
    samples = round(seconds * RATE)
    unit = tone(frequency_hz, samples, RATE)
    time = np.arange(samples + RATE) / RATE
    delay = (
        0.2
        + 2e-3 / (2 * np.pi * 10) * np.sin(2 * np.pi * 10 * time)
        + 1e-3 / (2 * np.pi * 0.8) * np.sin(2 * np.pi * 0.8 * time)
    )
    rng = np.random.default_rng(1)
    wave = 0.1 * interpolate(polynomial(unit, 0.0, third), (time - delay) * RATE)
    wave += 0.1 / np.sqrt(2.0) * 10.0 ** (-55.0 / 20.0) * rng.standard_normal(wave.size)
    cue = Cue(
        name="t", kind="tone", channel=0, start_samples=0, length_samples=samples, parameters={"frequency_hz": frequency_hz}
    )
    audio = ArrayAudio(wave[:, None], RATE)
    timebase = self_timed(audio, 0, cue, RATE, Timebase.line(0.0, seconds, 0.2, 0.2))
    edge = round(0.1 * RATE)
    found = distortion.analyse(dewarp(audio, 0, timebase, edge, samples - edge), frequency_hz, RATE)
    thd = found.thd()
    assert thd is not None
    assert thd[0] == pytest.approx(100.0 * third, rel=within)
    assert abs(thd[0] - 100.0 * third) < 2.0 * thd[1]


def test_a_clean_tone_in_hiss_has_no_distortion_to_tell():
    """Whatever the hiss, a clean tone is told to be clean, or below the noise, nineteen times in twenty."""
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(40):
        wave = np.sin(2 * np.pi * 315.0 / RATE * np.arange(round(0.7 * RATE))) + 0.01 * rng.standard_normal(
            round(0.7 * RATE)
        )
        found = distortion.analyse(wave, 315.0, RATE)
        thd = found.thd()
        wrong += thd is not None and thd[0] > 2.0 * thd[1]
        # All of white noise from 20 Hz to 20 kHz is in THD+N: 0.01 RMS of a 0.707 RMS tone, 20 of 24 kHz.
        assert found.thd_n()[0] == pytest.approx(100.0 * 0.01 * np.sqrt(20.0 / 24.0) * np.sqrt(2.0), rel=0.03)
    assert wrong <= 4


def test_stated_uncertainties_hold_the_truth_where_noise_makes_the_error():
    """Third harmonic of 0.3 % and second of 0.1 % in white noise 45 dB below the tone, two hundred times."""
    rng = np.random.default_rng(4)
    samples = round(0.7 * RATE)
    clean = polynomial(np.sin(2 * np.pi * 315.0 / RATE * np.arange(samples)), 0.001, 0.003)
    sigma = 10.0 ** (-45.0 / 20.0) / np.sqrt(2.0)
    truth = {"thd": 100.0 * np.hypot(0.001, 0.003), "harmonic": 20.0 * np.log10(0.003)}
    # White up to 24 kHz; what the notch of a third of 315 Hz and the edge at 20 Hz leave of 20 kHz is counted.
    counted = (20_000.0 - 20.0 - 315.0 / 3.0) / 24_000.0
    fundamental = 1.0 / (1.0 - 3.0 * 0.003)  # which the cube lifts, and not the noise
    truth["thd_n"] = 100.0 * np.sqrt(0.001**2 + 0.003**2 + 2.0 * counted * (sigma / fundamental) ** 2)
    inside = {name: [] for name in truth}
    for _ in range(200):
        found = distortion.analyse(clean + sigma * rng.standard_normal(samples), 315.0, RATE)
        for name, figure in (("thd", found.thd()), ("harmonic", found.harmonic_db(3)), ("thd_n", found.thd_n())):
            if figure is not None:
                inside[name].append(abs(figure[0] - truth[name]) <= figure[1])
    for name, hits in inside.items():
        assert len(hits) > 150, name
        assert 0.90 <= np.mean(hits) <= (1.0 if name == "thd_n" else 0.995), (name, np.mean(hits))


def test_hum_under_a_harmonic_is_told_by_the_silence():
    """Hum at 250 Hz half as strong as the second harmonic of 125 Hz, in any phase: 3.5 dB up, 6 dB down."""
    rng = np.random.default_rng(5)
    time = np.arange(round(0.7 * RATE)) / RATE
    noise = 1e-4
    hits = []
    for phase in np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False):
        silence = 1e-3 * np.sin(2 * np.pi * 250.0 * np.arange(4 * RATE) / RATE) + noise * rng.standard_normal(4 * RATE)
        wave = (
            np.sin(2 * np.pi * 125.0 * time)
            + 2e-3 * np.sin(2 * np.pi * 250.0 * time)
            + noise * rng.standard_normal(time.size)
        )
        hum = distortion.silent_power(silence, 125.0, time.size, RATE)
        assert np.sqrt(hum[1]) == pytest.approx(1e-3, rel=0.05)
        assert np.all(np.delete(hum, 1) < 1e-10)
        found = distortion.analyse(wave + 1e-3 * np.sin(2 * np.pi * 250.0 * time + phase), 125.0, RATE, hum)
        level = found.harmonic_db(2)
        hits.append(level is None or abs(level[0] - 20.0 * np.log10(2e-3)) <= level[1])
    assert all(hits)
