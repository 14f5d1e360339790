"""Erasure end to end: two stimuli recorded over one another on the virtual deck, each played and aligned by its markers."""

import numpy as np
import pytest

from analysis.alignment import align_take
from analysis.erasure import BAND_HZ
from analysis.subjects import erasure
from analysis.take import Take
from modeling.deck.deck import VirtualDeck
from modeling.deck.erasure import STATED_HZ, erasure_db
from modeling.deck.parameters import load_parameters
from signals.audio import ArrayAudio
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
TONES = Scope(8.0, (1000.0,), (-5.0, 0.0, 5.0, 8.0), 0.8, (), 4.0, 1.0, 0.5, ())
SILENT = Scope(3.0, (), (0.0,), 0.8, (), 4.0, 6.0, 0.5, ())


def passed(deck, stimulus, scope, number):
    """Record a stimulus from where the tape was rewound to, play it, and align what came back."""
    sheet = plan(session="erased", stimulus=stimulus, sample_rate=RATE, tracks=[1], scope=scope)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    deck.arm([1])
    deck.process(np.pad(sent, ((0, 0), (0, 3))))
    deck.rewind()
    deck.play(number)
    heard = ArrayAudio(deck.process(np.zeros((sheet.samples + 4 * RATE, 4))), RATE)
    alignment = align_take(ArrayAudio(sent, RATE), heard, sheet, {0: 0})[0]
    return [Take(heard, sheet, alignment, {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off"})]


@pytest.mark.parametrize("field_ka_m", [pytest.param(80.0, marks=pytest.mark.slow), 160.0])
def test_the_bench_finds_what_a_weak_erase_head_left(field_ka_m):
    deck = VirtualDeck(load_parameters("fresh").changed({"erase_head.field_ka_m": field_ka_m}), RATE, -18.0, 6)
    earlier = passed(deck, "main", TONES, 1)
    (found,) = erasure.measure(earlier, passed(deck, "encoded", SILENT, 2))
    deck.close()
    if field_ka_m > 100.0:
        assert not found.valid
        return
    assert STATED_HZ == BAND_HZ
    assert found.value == pytest.approx(erasure_db(deck.parameters), abs=found.uncertainty)
    assert found.uncertainty < 3.0
