"""Takes without dbx as what lies between the halves of a compander."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.dewarp import interpolate
from modeling.compander import Asymmetry, Companding
from modeling.compander_plain import between_halves
from modeling.deck.compander import CompanderHalf
from modeling.deck.parameters import load_parameters

RATE = 48000
REFERENCE_DBFS = -18.0
PEAK = 10.0 ** (REFERENCE_DBFS / 20.0)
USUAL = load_parameters("fresh").compander
BOTH = Companding(encode=USUAL, decode=USUAL, asymmetry=0.004)
ENCODER = Companding(encode=USUAL, asymmetry=0.004)


def half(decode, signal):
    return PEAK * CompanderHalf(USUAL, decode, 1, RATE).process(signal[None] / PEAK)[0]


def bent(signal):
    return Asymmetry(0.004, PEAK, 1, RATE).process(signal[None])[0]


def machine(simulator, dry, companding, late_samples):
    """The tape-like device between halves and amplifiers, its answer so much later."""
    sent = half(False, dry if companding.decode else bent(dry)) if companding.encode else dry
    played = simulator.device(sent)
    played = interpolate(played, np.arange(played.size) - late_samples)
    return bent(half(True, played)) if companding.decode else played


def second_db(signal):
    """Second harmonic of a tone of 1 kHz re the tone."""
    spectrum = np.abs(np.fft.rfft(signal[RATE // 4 : 3 * RATE // 4].astype(np.float64) * np.hanning(RATE // 2)))
    return 20.0 * np.log10(spectrum[1000] / spectrum[500])


@pytest.fixture(scope="module")
def plain(simulator):
    return [*simulator.pairs(6.0, 31, "train"), *simulator.pairs(3.0, 32, "validation")]


@pytest.mark.parametrize("companding", [BOTH, ENCODER], ids=["on", "encode"])
@pytest.mark.parametrize("late_samples", [0.0, 1.6, -3.2])
def test_the_delay_between_takes_is_found_whatever_their_gains(simulator, plain, companding, late_samples):
    with_dbx = []
    for pair in simulator.pairs(12.0, 33, "train"):
        wet = 1.05 * machine(simulator, pair.dry.astype(np.float64), companding, late_samples)
        with_dbx.append(replace(pair, wet=wet.astype(np.float32)))
    made = between_halves(plain, companding, with_dbx, REFERENCE_DBFS)
    # What was sent is earlier now, so that a core learns to answer later.
    sent = companding.unbent(plain[0], REFERENCE_DBFS).dry
    inner = slice(20_000, -20_000)
    moved, wrong = (interpolate(sent, np.arange(sent.size) + late)[inner] for late in (late_samples, late_samples + 0.1))
    assert np.std(made[0].dry[inner] - moved) < np.std(wrong - moved)
    assert [pair.split for pair in made] == [pair.split for pair in plain]


@pytest.mark.parametrize("companding", [BOTH, ENCODER], ids=["on", "encode"])
def test_the_bend_of_the_amplifiers_is_not_learnt_twice(simulator, plain, companding):
    with_dbx = []
    for pair in simulator.pairs(12.0, 34, "train"):
        wet = machine(simulator, pair.dry.astype(np.float64), companding, 0.0)
        with_dbx.append(replace(pair, wet=wet.astype(np.float32)))
    tone = simulator.tone(1000.0, 0.0)
    dry = tone.dry.astype(np.float64)
    wet = bent(simulator.device(dry)) if companding.decode else simulator.device(bent(dry))
    *_, made = between_halves([*plain, replace(tone, wet=wet.astype(np.float32))], companding, with_dbx, REFERENCE_DBFS)

    # The device itself makes no second harmonic; that of the amplifiers, a / 2, lies at -54 dB.
    made_of = simulator.device(made.dry.astype(np.float64))
    assert second_db(wet) == pytest.approx(-54.0, abs=0.5)
    if companding.decode:
        assert second_db(made.wet) < -90.0
    else:
        assert second_db(made_of) == pytest.approx(second_db(made.wet), abs=0.5)
