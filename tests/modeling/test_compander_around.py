"""Constants of a compander fitted around a core that is known."""

from dataclasses import replace

import numpy as np
import pytest

from modeling.compander import CompandedCore, Companding
from modeling.compander_around import around
from modeling.cores.linear import LinearCore
from modeling.deck.parameters import load_parameters
from modeling.fidelity import esr_of
from modeling.pairs import select

RATE = 48000
USUAL = load_parameters("fresh").compander
OTHER = USUAL.model_copy(update={"ratio": 1.94, "unity_db": -1.5, "time_constant_s": 0.028, "emphasis_zero_hz": 740.0})
CORE = LinearCore(np.array([0.9, -0.3]), 0, RATE, -18.0)


def made_by(companding, pairs):
    machine = CompandedCore(CORE, companding)
    return [replace(pair, wet=machine.process(pair.dry.astype(np.float64)).astype(np.float32)) for pair in pairs]


@pytest.fixture(scope="module")
def pairs(simulator):
    return [*simulator.pairs(6.0, 41, "train"), *simulator.pairs(3.0, 42, "validation"), *simulator.pairs(3.0, 43, "test")]


@pytest.mark.parametrize("halves", [("encode", "decode"), ("encode",), ("decode",)], ids=["on", "encode", "decode"])
def test_constants_that_are_off_are_found_and_what_was_not_learnt_from_comes_closer(pairs, halves):
    start = Companding(**dict.fromkeys(halves, USUAL), asymmetry=0.001)
    truth = Companding(**dict.fromkeys(halves, OTHER), asymmetry=0.001)
    heard = made_by(truth, pairs)
    found = around(CORE, start, heard)
    test = select(heard, "test")
    before, after = (esr_of(CompandedCore(CORE, each).process, test) for each in (start, found))
    assert after < 0.02 * before
    assert found.asymmetry == 0.001
    assert [getattr(found, half) is None for half in ("encode", "decode")] == [
        half not in halves for half in ("encode", "decode")
    ]
    for half in halves:
        constants = getattr(found, half)
        assert constants.time_constant_s == pytest.approx(0.028, rel=0.03)
        assert constants.floor_db == USUAL.floor_db
        type(constants).model_validate(constants.model_dump())
        if len(halves) == 1:  # of both, one undoes what the other does
            assert constants.ratio == pytest.approx(1.94, rel=0.01)


def test_what_validation_does_not_confirm_is_not_kept(pairs):
    start = Companding(encode=USUAL, decode=USUAL)
    train, rest = select(pairs, "train"), select(pairs, "validation")
    heard = [*made_by(Companding(encode=OTHER, decode=OTHER), train), *made_by(start, rest)]
    assert around(CORE, start, heard) is start
