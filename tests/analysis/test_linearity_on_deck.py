"""Distortion, intermodulation, response and output levels of the worn deck, against what it knows of itself."""

import numpy as np
import pytest

from analysis.alignment import align_take
from analysis.passes import combined
from analysis.subjects import distortion, intermodulation, response
from analysis.take import Take
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from signals.audio import ArrayAudio
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(
    wow_flutter_s=5.0,
    ladder_hz=(315.0, 10_000.0),
    levels_db=(-10.0, -5.0, 0.0, 2.5, 5.0, 7.5, 10.0),
    step_s=0.8,
    sweep_levels_db=(-10.0,),
    sweep_s=6.0,
    silence_s=4.0,
    impulses_s=0.5,
    pieces=(),
    distortion_hz=(125.0, 4000.0),
    smpte_levels_db=(-2.0,),
    difference_levels_db=(-6.0,),
)
LIMITS = {"mol_315": 0.2, "sol_10k": 0.2, "imd_smpte": 0.03, "imd_difference": 0.03, "thd": 0.03, "thd_n": 0.03}
"""In dB, or of the value."""


@pytest.fixture(scope="module")
def worn():
    sheet = plan(session="bench", sample_rate=RATE, tracks=[1], pilot_track=4, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    parameters = load_parameters("worn")
    deck = VirtualDeck(parameters, RATE, sheet.reference_dbfs, 5)
    deck.arm([1, 4])
    block = np.zeros((sheet.samples, 4))
    block[:, [0, 3]] = sent
    deck.process(block)
    deck.rewind()
    deck.play(1)
    returned = ArrayAudio(deck.process(np.zeros((sheet.samples + 4 * RATE, 4)))[:, [0, 3]], RATE)
    deck.close()
    expected = truth(parameters, sheet, 5, passes=[1], tool_version="test", created="now")
    return sheet, ArrayAudio(sent, RATE), returned, expected


@pytest.mark.slow
@pytest.mark.parametrize("pilot", [True, False])
def test_figures_are_the_decks_own_within_what_they_state(worn, pilot):
    sheet, sent, returned, expected = worn
    alignment = align_take(sent, returned, sheet, {0: 0, 1: 1} if pilot else {0: 0})[0]
    take = Take(returned, sheet, alignment, {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off"})
    reference = take.reference.amplitude
    results, curves = distortion.measure(take, reference)
    results += intermodulation.measure(take, reference)[0]
    more, swept = response.measure(take, reference)
    inside = []
    for quantity, limit in LIMITS.items():
        found = [r for r in results if r.quantity == quantity and r.valid and r.conditions.get("level_db", 0.0) > -9.0]
        assert found, quantity
        for result in found:
            (true,) = expected.find(quantity, **result.conditions)
            # Of a soft tone hiss leaves less than the goal asks, and says so.
            allowed = max(limit if result.unit == "dB" else limit * true.value, result.uncertainty)
            assert result.value == pytest.approx(true.value, abs=allowed), result.conditions
            inside.append(abs(result.value - true.value) <= result.uncertainty)
    assert np.mean(inside) >= 0.85
    (over_frequency,) = [c for c in curves if c.quantity == "thd_vs_frequency"]
    assert over_frequency.x.values == [125.0, 315.0, 4000.0]

    (curve,) = [c for c in swept if c.quantity == "frequency_response"]
    (true_curve,) = expected.find_curves("frequency_response", track=1)
    used = (curve.x.array > 30.0) & (curve.x.array < 16_000.0)
    error = (curve.y.array - np.interp(np.log(curve.x.array), np.log(true_curve.x.array), true_curve.y.array))[used]
    assert np.percentile(np.abs(error), 95) < 0.2
    assert np.mean(np.abs(error) <= np.array(curve.uncertainty)[used]) > 0.9
    assert {c.quantity for c in swept} >= ({"phase_response", "group_delay"} if pilot else {"frequency_response"})
    assert combined([*results, *more], [*curves, *swept]) == ([], [])
