"""Multitones: exact lines, low crest, the same at every rate."""

import numpy as np
import pytest

from signals.cues import Cue
from signals.errors import StimulusError
from signals.multitone import frequencies, multitone

DESIGN = {"low_hz": 40.0, "high_hz": 16_000.0, "tones": 27, "period_s": 1.0}


def made(rate: int = 48_000, seconds: float = 1.5, seed: int = 3, **changes: float) -> np.ndarray:
    cue = Cue(
        name="m",
        kind="multitone",
        channel=0,
        start_samples=0,
        length_samples=round(seconds * rate),
        level_db=0.0,
        parameters=DESIGN | changes,
        seed=seed,
    )
    return multitone(cue, rate)


def test_tones_stand_a_third_octave_apart_on_odd_multiples_of_the_inverse_period() -> None:
    found = frequencies(40.0, 16_000.0, 27, 1.0)
    assert np.all(found % 2 == 1)
    # 40 Hz to 16 kHz is 8.64 octaves; 26 steps of 0.332. An odd number is at most 1 away from any other.
    wanted = 40.0 * 400.0 ** (np.arange(27) / 26)
    assert np.max(np.abs(found - wanted)) <= 1.0
    assert np.allclose(frequencies(40.0, 16_000.0, 27, 0.5) % 4.0, 2.0)  # odd multiples of 2 Hz


@pytest.mark.parametrize("start", [0.1, 0.3, 0.45])
def test_any_period_shows_the_lines_alone(start: float) -> None:
    wave = made()
    first = round(start * 48_000)
    line = np.abs(np.fft.rfft(wave[first : first + 48_000])) / 24_000.0
    tones = np.zeros(line.size, dtype=bool)
    tones[frequencies(40.0, 16_000.0, 27, 1.0).astype(int)] = True
    assert np.allclose(line[tones], 1.0 / np.sqrt(27.0), rtol=1e-9)  # RMS of all together that of a unit sine
    assert np.max(line[~tones]) < 1e-9


@pytest.mark.parametrize("seed", [0, 1, 77])
def test_the_crest_is_low_of_what_such_tones_can_have(seed: int) -> None:
    wave = made(192_000, seed=seed)[19_200:-19_200]
    crest = np.max(np.abs(wave)) / np.sqrt(np.mean(wave**2))
    # Phases of Newman (1965), phi_k = pi k^2 / n, made for tones evenly spaced in frequency.
    tone, time_s = np.arange(27), np.arange(192_000) / 192_000
    angle = 2.0 * np.pi * np.outer(frequencies(40.0, 16_000.0, 27, 1.0), time_s) + np.pi * (tone**2 / 27)[:, None]
    newman = np.cos(angle).sum(axis=0)
    assert crest < 3.7
    assert crest < 0.92 * np.max(np.abs(newman)) / np.sqrt(np.mean(newman**2))


def test_no_moment_of_it_is_a_sweep() -> None:
    """Lower and upper half of the tones keep their power over the period, as a detector with a weighting needs it."""
    wave = made()[4800 : 4800 + 48_000]
    spectrum = np.fft.rfft(wave)
    for low, high in ((0, 800), (800, 24_001)):
        part = np.fft.irfft(np.where((np.arange(24_001) >= low) & (np.arange(24_001) < high), spectrum, 0.0))
        power = np.mean(part.reshape(10, 4800) ** 2, axis=1)
        assert np.ptp(10.0 * np.log10(power)) < 3.0


def test_seed_and_rate() -> None:
    assert np.array_equal(made(), made())
    assert not np.allclose(made(seed=4), made())
    assert np.allclose(made(96_000)[9600:-9600:2], made()[4800:-4800], atol=1e-9)


@pytest.mark.parametrize("tones", [1, 400])
def test_tones_that_do_not_stand_apart_are_refused(tones: int) -> None:
    with pytest.raises(StimulusError, match=f"{tones} tones do not stand apart from 40 to 800 Hz"):
        frequencies(40.0, 800.0, tones, 1.0)
