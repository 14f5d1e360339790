"""Second harmonics of the amplifiers outside a compander: a square by hand, undone, and told from those of the tape."""

from dataclasses import replace

import numpy as np
import pytest

from modeling.compander import Asymmetry, CompandedCore, Companding
from modeling.compander_asymmetry import with_asymmetry
from modeling.cores.linear import LinearCore
from modeling.deck.compander import CompanderHalf
from modeling.deck.parameters import load_parameters
from modeling.fidelity import Tone

RATE = 48000
REFERENCE_DBFS = -18.0
PEAK = 10.0 ** (REFERENCE_DBFS / 20.0)
USUAL = load_parameters("fresh").compander
POSITIONS = {"on": (USUAL, USUAL), "encode": (USUAL, None), "decode": (None, USUAL)}
LEVELS_DB = (-20.0, -10.0, 0.0, 5.0)
PERFECT = LinearCore(np.ones(1), 0, RATE, REFERENCE_DBFS)


def companding(position: str, asymmetry: float = 0.0) -> Companding:
    encode, decode = POSITIONS[position]
    return Companding(encode=encode, decode=decode, asymmetry=asymmetry)


def through(half, decode: bool, signal: np.ndarray) -> np.ndarray:
    return signal if half is None else PEAK * CompanderHalf(half, decode, 1, RATE).process(signal[None] / PEAK)[0]


def machine(signal: np.ndarray, position: str, before: float, inside: float, behind: float) -> np.ndarray:
    """A square before the encoder, one on the tape and one behind the decoder."""

    def bent(x, amount):
        return x + amount * x**2 / PEAK

    encode, decode = POSITIONS[position]
    taped = bent(through(encode, False, bent(signal, before)), inside)
    return bent(through(decode, True, taped), behind)


@pytest.fixture(scope="module")
def tones(simulator):
    return [simulator.tone(1000.0, level_db) for level_db in LEVELS_DB]


def test_a_square_is_added_without_its_steady_part_and_undone():
    x = 3.0 * PEAK * np.sin(2.0 * np.pi * 1000.0 * np.arange(2 * RATE) / RATE)
    made = Asymmetry(0.02, PEAK, 1, RATE).process(x[None])[0]
    # 3 sin: the square is 9/2 - 9/2 cos; 0.02 of it, re the peak of 0 VU
    by_hand = x - 0.02 * 4.5 * PEAK * np.cos(4.0 * np.pi * 1000.0 * np.arange(2 * RATE) / RATE)
    assert np.max(np.abs(made - by_hand)[RATE:]) < 1e-3 * PEAK
    assert np.max(np.abs(Asymmetry(0.02, PEAK, 1, RATE).undone(made[None])[0] - x)) < 1e-6 * PEAK


@pytest.mark.parametrize(
    ("position", "before", "behind"),
    [("on", 0.0, 0.004), ("on", 0.002, 0.002), ("decode", 0.0, 0.004), ("encode", 0.004, 0.0)],
)
@pytest.mark.parametrize("inside", [0.0, 0.003])
def test_the_amplifiers_outside_are_told_from_the_tape(tones, position, before, behind, inside):
    made = [
        replace(tone, wet=machine(tone.dry.astype(np.float64), position, before, inside, behind).astype(np.float32))
        for tone in tones
    ]
    found = with_asymmetry(companding(position), made, REFERENCE_DBFS)
    assert found.asymmetry == pytest.approx(0.004, rel=0.15)


def test_few_tones_tell_nothing(tones):
    assert with_asymmetry(companding("on"), tones[:2], REFERENCE_DBFS) == companding("on")


def test_a_tone_that_came_back_as_nothing_is_passed_over(tones):
    made = [
        replace(tone, wet=machine(tone.dry.astype(np.float64), "on", 0.0, 0.0, 0.004).astype(np.float32)) for tone in tones
    ]
    gone = replace(tones[0], wet=np.zeros_like(tones[0].wet))
    assert with_asymmetry(companding("on"), [gone, *made], REFERENCE_DBFS) == with_asymmetry(
        companding("on"), made, REFERENCE_DBFS
    )


@pytest.mark.parametrize("position", POSITIONS)
def test_what_is_taken_off_is_put_back(simulator, position):
    dry = simulator.music(3.0, 4, 0.0)
    made = companding(position, 0.01)
    wet = CompandedCore(PERFECT, made).process(dry)
    between = made.taken_off(simulator.pair(dry, wet, "train"), REFERENCE_DBFS)
    assert np.max(np.abs(between.wet - between.dry)) < 1e-4 * np.max(np.abs(between.dry))


def test_the_second_harmonic_follows_the_level_outside(tones):
    """H2 = a A / 2: 60 dB below a tone at 0 dB for a = 0.002, and 10 dB more for 10 dB more."""
    model = CompandedCore(PERFECT, companding("on", 0.002))
    for tone, level_db in zip(tones, LEVELS_DB, strict=True):
        levels = Tone(tone).made(model.process)
        assert levels.harmonic_db[0] == pytest.approx(level_db - 60.0, abs=0.2)
