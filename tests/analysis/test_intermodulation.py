"""Intermodulation against polynomials worked by hand, under flutter and noise."""

import numpy as np
import pytest

from analysis import intermodulation
from analysis.dewarp import interpolate
from analysis.intermodulation import Pair
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.cues import Cue
from signals.tones import two_tone

RATE = 48_000
FIRST, SECOND = 1.0, 10.0 ** (-12.04 / 20.0)
A, B = 0.02, -0.05  # of y = x + A x^2 + B x^3


def curved(x: np.ndarray) -> np.ndarray:
    return x + A * x**2 + B * x**3


def tones(pair: Pair, second: float, samples: int) -> np.ndarray:
    angle = 2.0 * np.pi * np.arange(samples) / RATE
    return np.sin(angle * pair.first_hz) + second * np.sin(angle * pair.second_hz + 0.7)


def smpte_by_hand(second: float) -> float:
    """f2 +- f1: A a1 a2 each. f2 +- 2 f1: 3/4 B a1^2 a2 each. f2: a2 + B (3/4 a2^3 + 3/2 a1^2 a2)."""
    carrier = second + B * (0.75 * second**3 + 1.5 * second)
    return 100.0 * np.hypot(2.0 * A * second, 1.5 * abs(B) * second) / carrier


def difference_by_hand() -> float:
    """f2 - f1: A. 2 f1 - f2 and 2 f2 - f1: 3/4 B each. The tones: 1 + 9/4 B each."""
    return 100.0 * np.hypot(A, 1.5 * B) / (2.0 * (1.0 + 2.25 * B))


@pytest.mark.parametrize(("first_hz", "second_hz"), [(60.0, 7000.0), (250.0, 8000.0), (61.3, 6987.1)])
def test_modulation_distortion_of_a_polynomial(first_hz, second_hz):
    pair = Pair(first_hz, second_hz)
    found = intermodulation.smpte(curved(tones(pair, SECOND, round(1.7 * RATE))), pair, RATE)
    assert found is not None
    assert found[0] == pytest.approx(smpte_by_hand(SECOND), rel=2e-3)


@pytest.mark.parametrize(("first_hz", "second_hz"), [(9500.0, 10_500.0), (13_000.0, 14_000.0)])
def test_difference_frequency_distortion_of_a_polynomial(first_hz, second_hz):
    pair = Pair(first_hz, second_hz)
    found = intermodulation.difference(curved(tones(pair, 1.0, round(1.7 * RATE))), pair, RATE)
    assert found is not None
    assert found[0] == pytest.approx(difference_by_hand(), rel=2e-3)


def test_amplitude_modulation_reads_its_depth():
    """What a SMPTE analyser shows for a 7 kHz carrier modulated 3 % by 60 Hz."""
    time = np.arange(2 * RATE) / RATE
    wave = (1.0 + 0.03 * np.sin(2 * np.pi * 60.0 * time)) * np.sin(2 * np.pi * 7000.0 * time) + 4.0 * np.sin(
        2 * np.pi * 60.0 * time
    )
    found = intermodulation.smpte(wave, Pair(60.0, 7000.0), RATE)
    assert found is not None
    assert found[0] == pytest.approx(3.0, rel=1e-3)


@pytest.mark.parametrize(
    ("purpose", "pair", "second_db"), [("imd_smpte", (60.0, 7000.0), -12.04), ("imd_difference", (9500.0, 10_500.0), 0.0)]
)
def test_flutter_does_not_count_as_intermodulation(purpose, pair, second_db):
    """0.1 % of flutter at 4 Hz and 0.05 % at 14 Hz; the time base beforehand knows the mean delay alone."""
    samples = 2 * RATE
    cue = Cue(
        name="t",
        kind="two_tone",
        channel=0,
        start_samples=round(0.3 * RATE),
        length_samples=samples,
        level_db=0.0,
        parameters={"first_hz": pair[0], "second_hz": pair[1], "second_db": second_db, "purpose": purpose},
    )
    wave = np.pad(curved(two_tone(*pair, second_db, samples, RATE)), (cue.start_samples, RATE))
    time = np.arange(wave.size + RATE) / RATE
    delay = 0.2 + sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * time) for p, f in ((1e-3, 4.0), (5e-4, 14.0)))
    heard = 0.1 * interpolate(wave, (time - delay) * RATE)
    heard += 1e-5 * np.random.default_rng(1).standard_normal(heard.size)
    base = Timebase.line(0.0, 2.6, 0.2, 0.2)
    steady = intermodulation.steady(ArrayAudio(heard[:, None], RATE), 0, cue, base)
    if purpose == "imd_smpte":
        found, expected = intermodulation.smpte(steady, Pair(*pair), RATE), smpte_by_hand(SECOND)
    else:
        found, expected = intermodulation.difference(steady, Pair(*pair), RATE), difference_by_hand()
    assert found is not None
    assert found[0] == pytest.approx(expected, rel=0.02)
    assert abs(found[0] - expected) <= found[1]


def test_stated_uncertainties_hold_the_truth_and_noise_alone_is_told_from_products():
    rng = np.random.default_rng(3)
    pair = Pair(60.0, 7000.0)
    clean = tones(pair, SECOND, round(1.8 * RATE))
    bent = curved(clean)
    hits, told = [], 0
    for _ in range(50):
        noise = 0.05 * rng.standard_normal(clean.size)
        found = intermodulation.smpte(bent + noise, pair, RATE)
        assert found is not None
        assert found[1] > 0.03 * found[0]
        hits.append(abs(found[0] - smpte_by_hand(SECOND)) <= found[1])
        told += intermodulation.smpte(clean + noise, pair, RATE) is not None
    assert np.mean(hits) >= 0.90
    assert told <= 1
