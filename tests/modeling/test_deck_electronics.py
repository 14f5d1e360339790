"""Amplifiers of the virtual deck against hand calculation."""

import numpy as np
import pytest

from modeling.deck.electronics import Amplifier, amplify
from modeling.deck.parameters import load_parameters

ELECTRONICS = load_parameters("fresh").electronics
CYCLE = np.sin(2.0 * np.pi * np.arange(4096) / 4096)


def harmonics(signal):
    return 2.0 * np.abs(np.fft.rfft(signal)) / signal.size


def test_gain_is_in_decibels():
    clean = ELECTRONICS.model_copy(update={"asymmetry": 0.0})
    assert harmonics(amplify(0.01 * CYCLE, 6.0, clean))[1] == pytest.approx(0.01 * 10.0 ** (6.0 / 20.0), rel=1e-6)


def test_second_harmonic_at_0_vu_is_half_the_asymmetry():
    lopsided = ELECTRONICS.model_copy(update={"asymmetry": 0.01, "headroom_db": 60.0})
    spectrum = harmonics(amplify(CYCLE, 0.0, lopsided))
    assert spectrum[2] / spectrum[1] == pytest.approx(0.005, rel=1e-3)


def test_output_never_passes_the_ceiling():
    ceiling = 10.0 ** (ELECTRONICS.headroom_db / 20.0)
    assert np.abs(amplify(1000.0 * CYCLE, 0.0, ELECTRONICS)).max() <= ceiling
    # x / (1 + (x/c)^4)^(1/4) at x = c is c / 2^(1/4).
    symmetric = ELECTRONICS.model_copy(update={"asymmetry": 0.0})
    assert amplify(np.array([ceiling]), 0.0, symmetric)[0] == pytest.approx(ceiling / 2.0**0.25)


@pytest.mark.parametrize(("frequency_hz", "level_db"), [(5.0, -3.01), (40.0, -0.067), (1000.0, 0.0)])
def test_coupling_is_a_first_order_high_pass_at_5_hz(frequency_hz, level_db):
    rate = 48000
    time_s = np.arange(2 * rate) / rate
    amplifier = Amplifier(0.0, ELECTRONICS.model_copy(update={"asymmetry": 0.0}), 1, rate)
    out = amplifier.process(0.1 * np.sin(2.0 * np.pi * frequency_hz * time_s)[None, :])[0, rate:]
    assert 20.0 * np.log10(np.std(out) * np.sqrt(2.0) / 0.1) == pytest.approx(level_db, abs=0.01)
