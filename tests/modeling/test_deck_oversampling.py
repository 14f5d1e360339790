"""A law at a multiple of the sample rate: nothing changes but the folding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modeling.deck.hysteresis import MATERIALS, Hysteresis
from modeling.deck.oversampling import Oversampled

FACTORS = (8, 16)


class Through:
    """A law that is none."""

    def process(self, field_ka_m):
        return field_ka_m


def hysteresis(factor, channels=1):
    return Oversampled(Hysteresis(MATERIALS["type1"], channels), factor, channels)


@pytest.mark.parametrize("factor", FACTORS)
@pytest.mark.parametrize("part", [0.001, 0.1, 0.25, 0.44])
def test_without_a_law_a_sine_comes_late_and_otherwise_as_it_was(factor, part):
    """The filter is 100 dB good, 1e-5, and is passed twice."""
    sine = np.sin(2 * np.pi * part * np.arange(2000))[None]
    late = Oversampled(Through(), factor, 1)
    heard = late.process(sine)
    lag = late.delay_samples
    assert heard[0, 2 * lag :] == pytest.approx(sine[0, lag:-lag], abs=2e-5)


@pytest.mark.parametrize("factor", FACTORS)
@given(cuts=st.lists(st.integers(0, 400), max_size=6))
@settings(max_examples=20, deadline=None)
def test_the_block_size_changes_nothing(factor, cuts):
    field = 30.0 * np.random.default_rng(1).standard_normal((2, 400))
    whole = hysteresis(factor, 2).process(field)
    law = hysteresis(factor, 2)
    parts = [law.process(part) for part in np.split(field, sorted(cuts), axis=1)]
    assert np.concatenate(parts, axis=1) == pytest.approx(whole, abs=1e-12)


def test_harmonics_do_not_fold_back():
    """A steady loop holds harmonics of its frequency alone; whatever else lies below 20 kHz of 48 kHz has folded."""
    n, bin_ = 4096, 427  # 5 kHz
    field = 60.0 * np.sin(2 * np.pi * bin_ * np.arange(2 * n) / n)[None]
    folded = {}
    for factor in (1, *FACTORS):
        law = Hysteresis(MATERIALS["type1"], 1) if factor == 1 else hysteresis(factor)
        lines = np.abs(np.fft.rfft(law.process(field)[0, -n:]))
        others = lines.copy()
        others[::bin_] = 0.0
        folded[factor] = 20 * np.log10(np.linalg.norm(others[: 20 * n // 48]) / lines[bin_])
    assert folded[1] > -40.0
    # Harmonics of a loop fall by 12 dB an octave or faster: the corner of its tips is a jump in slope.
    assert folded[8] < folded[1] - 35.0
    assert folded[16] < folded[8] - 9.0


@pytest.mark.parametrize("factor", FACTORS)
def test_silence_stays_silent(factor):
    assert not hysteresis(factor).process(np.zeros((1, 500))).any()
