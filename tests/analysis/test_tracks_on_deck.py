"""The tracks of the virtual deck beside one another, against what the deck knows of itself."""

import numpy as np
import pytest

from analysis.alignment import align_take
from analysis.subjects import tracks
from analysis.take import Take
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.truth import truth
from signals.audio import ArrayAudio
from signals.stimulus import Piece, Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(
    wow_flutter_s=6.0,
    ladder_hz=(1000.0,),
    levels_db=(0.0,),
    step_s=0.8,
    sweep_levels_db=(-20.0,),
    sweep_s=4.0,
    silence_s=5.0,
    impulses_s=0.5,
    pieces=(Piece("band", 8.0, 0.0, "train"),),
    crosstalk_s=10.0,
)
SEED = 3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "used", "pilot", "changes"),
    [
        ("fresh", (1, 2), 4, {"tracks.crosstalk_db": -70.0, "tracks.skew_us": 5.0}),
        ("worn", (1, 2, 3, 4), None, {"tracks.skew_us": 20.0}),
    ],
)
def test_crosstalk_azimuth_and_balance_are_the_decks_own(preset, used, pilot, changes):
    parameters = load_parameters(preset).changed(changes)
    sheet = plan(session="tracks", sample_rate=RATE, tracks=used, pilot_track=pilot, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    order = [channel.track - 1 for channel in sheet.channels]
    block = np.zeros((sheet.samples, 4))
    block[:, order] = sent
    deck = VirtualDeck(parameters, RATE, sheet.reference_dbfs, SEED)
    try:
        deck.arm([track + 1 for track in order])
        for start in range(0, sheet.samples, 10 * RATE):
            deck.process(block[start : start + 10 * RATE])
        deck.rewind()
        deck.play(1)
        returned = ArrayAudio(deck.process(np.zeros((sheet.samples + 4 * RATE, 4)))[:, order], RATE)
    finally:
        deck.close()
    inputs = {c: c for c in range(len(order))}
    alignments = align_take(ArrayAudio(sent, RATE), returned, sheet, inputs)
    takes = [
        Take(returned, sheet, a, {"track": order[a.channel] + 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off"})
        for a in alignments
    ]
    results, _ = tracks.measure(takes, inputs, ([], []))

    expected = truth(parameters, sheet, SEED, passes=[1], tool_version="test", created="now")
    true = {
        (r.quantity, frozenset(r.conditions.items())): r.value
        for quantity in ("crosstalk", "azimuth_delay", "channel_balance")
        for r in expected.find(quantity)
    }
    ratios = []
    for found in results:
        value = true.pop((found.quantity, frozenset(found.conditions.items())), None)
        if value is None:  # tracks that are no neighbours
            assert not found.valid
        elif found.valid:
            ratios.append(abs(found.value - value) / found.uncertainty)
            # Half of this short take tells nothing of a pair, and what the worn deck's skew does meanwhile is unknown.
            least = {"azimuth_delay": 0.2e-6, "channel_balance": 0.03}.get(found.quantity, 0.0)
            assert abs(found.value - value) < max(least, 1.5 * found.uncertainty), (found, value)
        else:
            assert value < -68.0, found
    assert not true
    assert np.mean(np.array(ratios) < 1.0) > 0.88
