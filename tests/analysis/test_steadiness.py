"""Dropouts and level stability of tones whose losses are known."""

import numpy as np
import pytest
from scipy.stats import poisson

from analysis import dropouts, modulation
from analysis.level_stability import stability
from analysis.subjects import steadiness
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.cues import Cue

RATE = 48_000
SECONDS = 20.0


def followed(gain: np.ndarray, hertz: float = 3150.0, hiss: float = 1e-4) -> dropouts.Amplitude:
    """A tone of given gain over time and what is read of it."""
    time = np.arange(gain.size) / RATE
    wave = 0.1 * gain * np.sin(2 * np.pi * hertz * time) + hiss * np.random.default_rng(0).standard_normal(gain.size)
    parameters: dict[str, float | int | str] = {"frequency_hz": hertz}
    cue = Cue(name="t", kind="tone", channel=0, start_samples=0, length_samples=gain.size, parameters=parameters)
    still = Timebase.line(0.0, gain.size / RATE, 0.0, 0.0)
    return dropouts.follow(ArrayAudio(wave[:, None], RATE), 0, cue, RATE, still)


def losses(events: list[tuple[float, float, float]]) -> np.ndarray:
    """Gain with dropouts: middle in s, depth in dB, length in s, sides of 1 ms."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    level = np.zeros(time.size)
    for middle, depth_db, length_s in events:
        edge = np.clip((0.5 * length_s + 0.5e-3 - np.abs(time - middle)) / 1e-3, 0.0, 1.0)
        level = np.minimum(level, -depth_db * edge)
    return 10.0 ** (level / 20.0)


def test_depth_place_and_length_of_every_dropout() -> None:
    made = [(2.0, 6.0, 0.005), (5.0, 10.0, 0.010), (9.0, 20.0, 0.020), (12.0, 30.0, 0.050), (16.0, 4.0, 0.2)]
    # A level that drifts by 3 dB over the tone is no dropout.
    drift = np.linspace(1.0, 1.41, round(SECONDS * RATE))
    found = dropouts.events(dropouts.envelope(followed(losses(made) * drift)))
    assert len(found) == len(made)
    for event, (middle, depth_db, length_s) in zip(found, made, strict=True):
        assert event.time_s == pytest.approx(middle, abs=1e-3)
        assert event.depth_db == pytest.approx(depth_db, rel=0.05)
        assert event.length_s == pytest.approx(length_s, abs=1.5e-3)


@pytest.mark.parametrize("hertz", [1000.0, 3150.0, 10_000.0])
def test_a_steady_tone_in_hiss_has_none(hertz: float) -> None:
    assert dropouts.events(dropouts.envelope(followed(np.ones(5 * RATE), hertz, 5e-4))) == []


def test_fifty_dropouts_are_counted_by_depth_and_length() -> None:
    made = [(0.4 + 0.38 * i, 8.0 if i % 2 else 15.0, 0.010 if i % 5 else 0.003) for i in range(50)]
    results, curves = steadiness.found(followed(losses(made)), {"track": 1})
    rate = {(r.conditions["depth_db"], r.conditions["length_ms"]): r for r in results}
    minutes = (SECONDS - 0.2) / 60.0
    assert rate[6.0, 2.0].value == pytest.approx(50 / minutes, rel=0.01)
    assert rate[12.0, 5.0].value == pytest.approx(sum(d > 12 and n > 0.005 for _, d, n in made) / minutes, rel=0.01)
    depth, length = curves
    assert (depth.quantity, length.quantity) == ("dropouts", "dropout_lengths")
    assert depth.y.array == pytest.approx([d for _, d, _ in made], rel=0.12)  # of 3 ms a fifth is sides


def test_the_uncertainty_of_a_rate_is_that_of_a_count() -> None:
    """Of a Poisson count of 4 the exact 95 % interval is 1.09 to 10.24 (Garwood 1936)."""
    heard = dropouts.envelope(followed(losses([(4.0 * i + 2.0, 10.0, 0.01) for i in range(4)])))
    rate, doubt = dropouts.per_minute(heard, 6.0, 2e-3)
    minutes = heard.seconds / 60.0
    assert rate * minutes == pytest.approx(4.0)
    assert doubt * minutes == pytest.approx(10.24 - 4.0, abs=0.01)
    assert poisson.cdf(4, (rate + doubt) * minutes) == pytest.approx(0.025, abs=1e-3)


def test_level_stability_is_half_the_central_range() -> None:
    """A sine of peak p lies within 0.9969 p for 95 % of the time."""
    time = np.arange(0.0, 30.0, 5e-3)
    wobble = 10.0 ** (0.4 * np.sin(2 * np.pi * 0.31 * time) / 20.0)
    half, doubt = stability(wobble, 5e-3, 0.0) or (0.0, 0.0)
    assert half == pytest.approx(0.4 * 0.9969, abs=0.005)
    assert 0.0 < doubt < 0.1
    assert stability(wobble[:300], 5e-3, 0.0) is None


def test_level_stability_holds_the_truth() -> None:
    """Levels drawn from a normal distribution of 0.2 dB: half the central 95 % is 1.96 x 0.2."""
    inside = []
    for seed in range(60):
        level = np.repeat(np.random.default_rng(seed).normal(0.0, 0.2, 150), 20)
        half, doubt = stability(10.0 ** (level / 20.0), 5e-3, 0.0) or (0.0, 0.0)
        inside.append(abs(half - 0.392) < doubt)
    assert 0.88 <= np.mean(inside) <= 1.0


def test_what_flutter_does_to_the_level_is_in_its_doubt() -> None:
    """0.1 % of wow at 1 Hz, a level that follows it by 6 dB an octave: 0.00869 dB peak; its mean over 0.1 s is 1.6 % less."""
    time = 5e-3 * np.arange(4000)
    deviation = 1e-3 * np.sin(2.0 * np.pi * 1.0 * time)
    delay = 1e-3 / (2.0 * np.pi) * np.cos(2.0 * np.pi * 1.0 * time)
    told = stability(1.0 + deviation, 5e-3, 0.0, delay)
    assert told is not None
    assert told[0] == pytest.approx(0.00869 * 0.984, rel=0.03)
    alone = stability(1.0 + deviation, 5e-3, 0.0)
    assert alone is not None
    assert told[1] - alone[1] == pytest.approx(0.00869 * 0.984, rel=0.03)


def test_hiss_beside_a_tone_is_read_whatever_the_tone() -> None:
    noise = 1e-4 * np.random.default_rng(1).standard_normal(4 * RATE)
    time = np.arange(4 * RATE) / RATE
    tone = 0.5 * np.sin(2 * np.pi * 100.0 * time) + 0.05 * np.sin(2 * np.pi * 300.0 * time + 1.0)
    alone, spread = modulation.residue(noise, 100.0, RATE)
    beside, _ = modulation.residue(noise + tone, 100.0, RATE)
    assert beside == pytest.approx(alone, rel=0.002)
    assert 0.0 < spread < 0.03


def test_noise_that_a_tone_modulates_is_read_at_its_power() -> None:
    """Noise of 3e-4 RMS that is there with the signal only, in 1 to 3 kHz, where the A-weighting is 1.0 dB in the mean."""
    values = np.fft.rfft(np.random.default_rng(2).standard_normal(4 * RATE))
    f = np.fft.rfftfreq(4 * RATE, 1.0 / RATE)
    values[(f < 1000.0) | (f > 3000.0)] = 0.0
    noise = np.fft.irfft(values)
    noise *= 3e-4 / np.std(noise)
    tone = np.sin(2 * np.pi * 100.0 * np.arange(4 * RATE) / RATE)
    power, _ = modulation.residue(0.5 * tone + noise, 100.0, RATE)
    assert 10 * np.log10(power / 9e-8) == pytest.approx(1.0, abs=0.2)


def test_a_tone_without_room_beside_it_is_refused() -> None:
    with pytest.raises(ValueError, match="25 Hz or more"):
        modulation.residue(np.zeros(RATE), 20.0, RATE)
