import numpy as np
import pytest

from analysis.timebase import Timebase
from modeling.floor import Floor, floor_of, replicate_esr
from modeling.pairs import Pair, Span
from signals.audio import ArrayAudio

RATE = 48000


def tone_pair(frequency_hz, sd_s):
    wet = np.sin(2 * np.pi * frequency_hz * np.arange(2 * RATE) / RATE).astype(np.float32)
    return Pair(wet, wet, np.ones(wet.size, dtype=bool), RATE, "test", "", {"timing_sd_s": sd_s})


@pytest.mark.parametrize("frequency_hz", [200.0, 1000.0, 3000.0])
def test_timing_floor_is_that_of_a_sine(frequency_hz):
    """An error of timing sigma leaves (2 pi f sigma)^2 of a tone: 1.6e-4 for 2 us at 1 kHz."""
    floor = floor_of([tone_pair(frequency_hz, 2e-6)], None)
    assert floor.timing == pytest.approx((2 * np.pi * frequency_hz * 2e-6) ** 2, rel=0.06)
    assert floor.noise is None
    assert floor.esr == floor.timing


def test_noise_floor_is_one_over_the_signal_to_noise_ratio():
    rng = np.random.default_rng(0)
    silence = 10 ** (-45 / 20) * np.sqrt(0.5) * rng.standard_normal(10 * RATE)
    floor = floor_of([tone_pair(500.0, 0.0)], silence + 0.1)
    assert 10 * np.log10(floor.noise) == pytest.approx(-45.0, abs=0.1)


def test_replication_counts_when_it_shows_more():
    assert Floor(1e-5, 2e-5, 1e-4).esr == 1e-4
    assert Floor(1e-5, 2e-5, 1e-6).esr == pytest.approx(3e-5)


def test_two_passes_of_equal_noise_have_that_noise_as_replicate_error():
    rng = np.random.default_rng(1)
    time = np.arange(6 * RATE) / RATE
    passes, bases = [], []
    for wow_hz in (1.0, 1.7):
        grid = np.arange(0.0, 5.0, 1e-3)
        base = Timebase(0.0, 1e-3, 0.2 + 1e-4 * np.sin(2 * np.pi * wow_hz * grid), np.zeros(grid.size))
        clean = np.sin(2 * np.pi * 440.0 * base.input_time(time))
        noisy = clean + 10 ** (-40 / 20) * np.sqrt(0.5) * rng.standard_normal(clean.size)
        passes.append(ArrayAudio(noisy[:, None], RATE))
        bases.append(base)
    found = replicate_esr(passes[0], passes[1], (0, 0), [(bases[0], bases[1])], [Span(RATE, 4 * RATE, "test", "")])
    assert 10 * np.log10(found) == pytest.approx(-40.0, abs=0.2)
