"""A bare recording of a tone: every figure from what the tone was made of; what is damaged is told and the rest stays right."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import lfilter

from analysis import bare_tone
from analysis.steady_tone import find, guessed_nominal
from sessions.audio import open_audio
from sessions.results import Result
from signals.audio import ArrayAudio

CASSETTE = Path(__file__).parents[2].parent / "shared" / "real" / "cassette_data" / "BLSPASCAL.wav"
RATE = 48_000


def tone(
    seconds: float = 8.0,
    hertz: float = 3150.0,
    rate: int = RATE,
    flutter: float = 0.1,
    peak: float = 0.2,
    third: float = 0.0,
) -> np.ndarray:
    """A tone with sinusoidal flutter of 4 Hz (peak in %) and a third harmonic of some share, its phase in closed form."""
    time = np.arange(round(seconds * rate)) / rate
    turns = hertz * (time - flutter / 100.0 / (2 * np.pi * 4.0) * np.cos(2 * np.pi * 4.0 * time))
    return peak * (np.sin(2 * np.pi * turns) + third * np.sin(6 * np.pi * turns + 0.4))


def white(size: int, rms: float, seed: int = 0) -> np.ndarray:
    return rms * np.random.default_rng(seed).standard_normal(size)


def a_weighted_db(f: np.ndarray, nyquist_hz: float, shape: np.ndarray | float = 1.0) -> float:
    """Power behind IEC 61672's E.6 of noise of unit variance before a filter of some power response."""
    r = 12194.217**2 * f**4 / ((f**2 + 20.598997**2) * (f**2 + 12194.217**2))
    r *= 10**0.1 / np.sqrt((f**2 + 107.65265**2) * (f**2 + 737.86223**2))
    return float(10 * np.log10(np.trapezoid(r**2 * shape, f) / nyquist_hz))


def measured(wave: np.ndarray, nominal_hz: float | None = 3150.0, rate: int = RATE) -> dict[str, Result]:
    results, _ = bare_tone.measure(ArrayAudio(np.atleast_2d(wave.T).T, rate), 0, nominal_hz)
    return {r.quantity: r for r in results if r.quantity not in {"flutter_line", "dropouts_per_minute", "hum"}}


def holds(result: Result, truth: float) -> bool:
    assert result.value is not None, result.note
    assert result.uncertainty is not None
    return abs(result.value - truth) <= result.uncertainty


def test_everything_is_what_the_tone_was_made_of() -> None:
    wave = tone(12.0, 3150.0 * 1.004, third=0.01)
    got = measured(wave + white(wave.size, 2e-4))
    assert got["speed_error"].value == pytest.approx(0.4, abs=0.001)
    assert holds(got["speed_error"], 0.4)
    assert "3162.6" in str(got["speed_error"].note)
    assert got["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.01)
    assert got["wow_rms"].value == pytest.approx(0.1 / np.sqrt(2), rel=0.01)
    assert got["thd"].value == pytest.approx(1.0, rel=0.02)
    assert got["tone_level"].value == pytest.approx(20 * np.log10(0.2), abs=0.01)
    assert got["level_stability"].value < 0.01
    expected = 20 * np.log10(2e-4 / (0.2 / np.sqrt(2))) + a_weighted_db(np.linspace(20.0, 20_000.0, 40_000), 24_000.0)
    assert got["noise_a"].value == pytest.approx(expected, abs=0.1)
    assert got["noise_itu468"].value - got["noise_ccir_rms"].value == pytest.approx(5.63 + 4.0, abs=0.2)


@pytest.mark.parametrize("rate", [8000, 44_100, 192_000])
def test_any_sample_rate(rate: int) -> None:
    got = measured(tone(5.5, rate=rate), rate=rate)
    assert got["speed_error"].value == pytest.approx(0.0, abs=0.001)
    assert got["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.015)


@pytest.mark.parametrize(("hertz", "nominal"), [(3000.0, 3000.0), (1000.0, 1000.0), (315.0, 315.0), (10_000.0, 10_000.0)])
def test_any_carrier_is_found_without_being_named(hertz: float, nominal: float) -> None:
    got = measured(tone(6.0, 0.98 * hertz), None)
    assert got["speed_error"].conditions["frequency_hz"] == nominal
    assert got["speed_error"].value == pytest.approx(-2.0, abs=0.002)
    assert f"taken for {nominal:g} Hz" in str(got["speed_error"].note)
    assert got["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.015)


def test_an_unusual_tone_has_no_speed_but_the_rest() -> None:
    got = measured(tone(6.0, 2000.0), None)
    assert "--tone" in str(got["speed_error"].note)
    assert got["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.015)
    assert guessed_nominal(2000.0) is None
    assert guessed_nominal(3050.0) == 3000.0


@pytest.mark.parametrize("damage", ["leader", "stopped", "inverted", "offset", "hum", "quiet", "fast"])
def test_what_does_not_belong_to_the_tone_is_left_out(damage: str) -> None:
    wave = tone(7.0)
    time = np.arange(wave.size) / RATE
    if damage == "leader":
        wave = np.concatenate((white(2 * RATE, 0.05), np.zeros(RATE), wave, white(RATE, 0.05)))
    elif damage == "stopped":
        wave = np.concatenate((wave, white(5 * RATE, 1e-4)))
    elif damage == "inverted":
        wave = -wave
    elif damage == "offset":
        wave = wave + 0.3
    elif damage == "hum":
        wave = wave + 0.5 * np.sin(2 * np.pi * 50.0 * time) + 0.2 * np.sin(2 * np.pi * 150.0 * time)
    elif damage == "quiet":
        wave = 1e-3 * wave + white(wave.size, 1e-6)
    elif damage == "fast":
        wave = tone(7.0, 3150.0 * 1.12)
    got = measured(wave)
    assert got["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.02)
    assert got["speed_error"].value == pytest.approx(12.0 if damage == "fast" else 0.0, abs=0.002)
    level = 20 * np.log10(2e-4 if damage == "quiet" else 0.2)
    assert got["tone_level"].value == pytest.approx(level, abs=0.05)
    if damage == "hum":
        every = bare_tone.measure(ArrayAudio(wave[:, None], RATE), 0, 3150.0)[0]
        (line,) = (r for r in every if r.quantity == "hum" and r.conditions["frequency_hz"] == 50.0)
        assert line.value == pytest.approx(20 * np.log10(0.5 / 0.2), abs=0.1)


@pytest.mark.parametrize(
    ("wave", "quantities", "words"),
    [
        (np.zeros(5 * RATE), ["speed_error", "thd", "noise_a"], "silent"),
        (white(5 * RATE, 0.1), ["speed_error", "thd"], "no steady tone"),
        (tone(0.2), ["speed_error"], "0.20 s long"),
        (tone(1.2), ["wow_flutter_weighted_2sigma", "speed_drift", "level_stability"], "a longer one"),
        (np.clip(20.0 * tone(6.0), -1, 1), ["tone_level", "level_stability", "thd", "noise_a"], "clipped"),
    ],
    ids=["silence", "noise", "a blink", "one second", "clipped"],
)
def test_what_cannot_be_had_says_why(wave: np.ndarray, quantities: list[str], words: str) -> None:
    got = measured(wave)
    for quantity in quantities:
        assert not got[quantity].valid
        assert words in str(got[quantity].note)


def test_a_clipped_tone_keeps_its_speed_and_one_second_its_flutter() -> None:
    clipped = measured(np.clip(20.0 * tone(6.0), -1, 1))
    assert clipped["wow_flutter_weighted_2sigma"].value == pytest.approx(0.0997, rel=0.02)
    short = measured(tone(1.2))
    assert short["speed_error"].value == pytest.approx(0.0, abs=0.01)
    assert holds(short["speed_error"], 0.0)


def test_a_tone_above_the_band_is_refused_in_words() -> None:
    assert "sample rate" in str(measured(tone(2.0, 1000.0, 8000), 6300.0, 8000)["speed_error"].note)


def test_coverage_of_speed_and_noise() -> None:
    """Twenty tones, each with a drawn speed, flutter and pink-ish noise."""
    inside = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        error = rng.uniform(-3.0, 3.0)
        wave = tone(4.0, 3150.0 * (1 + error / 100), 16_000, rng.uniform(0.02, 0.2))
        noise = lfilter([1.0], [1.0, -0.6], white(wave.size, 1e-4, seed))
        f = np.linspace(20.0, 8000.0, 4000)
        shape = np.abs(1.0 / (1.0 - 0.6 * np.exp(-2j * np.pi * f / 16_000))) ** 2
        got = measured(wave + noise, 3150.0, 16_000)
        inside.append(
            (
                holds(got["speed_error"], error),
                holds(got["noise_a"], a_weighted_db(f, 8000.0, shape) - 20 * np.log10(0.2 / np.sqrt(2) / 1e-4)),
            )
        )
    assert np.all(np.mean(inside, axis=0) >= 0.85)


@pytest.mark.skipif(not CASSETTE.is_file(), reason="the real recordings are not here")
def test_the_leader_of_a_real_data_cassette() -> None:
    """2400 Hz with data behind it; frequency, deviation and lines were found by other means."""
    with open_audio(CASSETTE) as audio:
        span = find(audio, 0, 2400.0)
        assert not isinstance(span, str)
        assert span.start_s == pytest.approx(0.8, abs=0.2)
        assert span.stop_s == pytest.approx(4.4, abs=0.2)
        results, _ = bare_tone.measure(audio, 0, 2400.0)
    got = {r.quantity: r for r in results}
    assert 2400.0 * (1 + got["speed_error"].value / 100) == pytest.approx(2409.5, abs=0.3)
    assert np.hypot(got["wow_rms"].value, got["flutter_rms"].value) == pytest.approx(0.42, abs=0.015)
    lines = [r.conditions["frequency_hz"] for r in results if r.quantity == "flutter_line"]
    for wanted in (3.7, 6.1, 7.4):
        assert min(abs(f - wanted) for f in lines) < 0.15
    assert not got["wow_flutter_weighted_2sigma"].valid
    assert "5 s are needed by AES6-2008" in str(got["wow_flutter_weighted_2sigma"].note)
