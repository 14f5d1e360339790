"""What lies between cores of several settings, against what theory says of filters and weights."""

import numpy as np
import pytest
import torch

from modeling.cores import core_class
from modeling.cores.between import between
from modeling.cores.hammerstein import HammersteinCore
from modeling.cores.ja import JaCore
from modeling.cores.ja_search import FIRST
from modeling.cores.linear import LinearCore
from signals.errors import ModelError

RATE, TAPS, AHEAD = 48000, 1024, 256


def core_of(spectrum):
    """A linear core of a frequency response, given at the bins of its own length."""
    return LinearCore(np.roll(np.fft.irfft(spectrum, TAPS), AHEAD), AHEAD, RATE, -18.0)


def response(core):
    return np.fft.rfft(np.roll(core.h, -AHEAD))


FREQUENCY = np.fft.rfftfreq(TAPS, 1.0 / RATE)
LOSS = np.exp(-FREQUENCY / 6000.0)


def test_between_losses_that_grow_with_frequency_is_the_loss_between():
    """Spacing loss is exp(-2 pi f d / v): the one between two distances is that of the distance between."""
    found = response(between([core_of(LOSS), core_of(LOSS**3)], [0.5, 0.5]))
    inside = FREQUENCY < 12000
    assert np.max(np.abs(20 * np.log10(np.abs(found / LOSS**2)))[inside]) < 0.1


def test_delays_are_not_mixed_but_are_between_as_well():
    late = [core_of(LOSS * np.exp(-2j * np.pi * FREQUENCY * delay / RATE)) for delay in (0.0, 5.0)]
    found = response(between(late, [0.6, 0.4]))
    inside = FREQUENCY < 12000
    assert np.max(np.abs(20 * np.log10(np.abs(found / LOSS)))[inside]) < 0.1
    turned = np.unwrap(np.angle(found / LOSS))[inside]
    assert -turned[-1] / (2 * np.pi * FREQUENCY[inside][-1]) * RATE == pytest.approx(2.0, abs=0.02)


def test_what_one_core_gives_to_its_kernels_and_another_to_its_filter_makes_no_difference(straight):
    traded = HammersteinCore(0.25 * straight.h, 4.0 * straight.g, straight.aheads, straight.reference_dbfs, straight.basis)
    x = 0.1 * np.random.default_rng(0).standard_normal(20000)
    found = between([straight, traded], [0.5, 0.5]).process(x)
    assert np.max(np.abs(found - straight.process(x))) < 1e-3 * np.std(found)


def test_weights_of_a_network_and_the_reference_level_are_the_mean():
    torch.manual_seed(0)
    h = np.eye(1, 64, 8)[0]
    cores = [core_class("stn")(core_class("stn").kind(), h, 8, RATE, level) for level in (-18.0, -24.0)]
    found = between(cores, [0.25, 0.75])
    for name, weights in found.residual.state_dict().items():
        one, two = (core.residual.state_dict()[name] for core in cores)
        assert torch.allclose(weights, 0.25 * one + 0.75 * two, atol=1e-6)
    assert found.reference_dbfs == pytest.approx(-22.5)


def test_numbers_of_a_law_have_nothing_between_them():
    cores = [JaCore(FIRST, np.ones((2, 8)), 2, RATE, -18.0)] * 2
    with pytest.raises(ModelError, match="'ja' was fitted at each setting by itself, and has nothing in between"):
        between(cores, [0.5, 0.5])
