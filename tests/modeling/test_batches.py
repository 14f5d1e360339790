from dataclasses import replace

import numpy as np
import pytest
import torch

from modeling.cores.batches import Batches
from modeling.pairs import Pair, Unwarped
from signals.errors import ModelError

RATE = 8000
BEFORE, AFTER = 300, 40


def _pair(speed=1.0, seed=0):
    """A low sound, what a tape at some speed and a wavering one makes of it in time, and a gap in what counts."""
    rng = np.random.default_rng(seed)
    count = 4 * RATE
    time = np.arange(count) / RATE
    positions = 100.0 + speed * np.arange(count) + 4.0 * np.sin(2 * np.pi * 3 * time)
    tones = [(rng.uniform(50, 800), rng.uniform(0, 6)) for _ in range(20)]

    def sound(places):
        return sum(0.1 * np.sin(2 * np.pi * f / RATE * places + phase) for f, phase in tones).astype(np.float32)

    mask = np.ones(count, dtype=bool)
    mask[:500] = mask[-500:] = mask[2 * RATE : 2 * RATE + 50] = False
    sent = sound(np.arange(int(positions.max()) + 200))
    dry = sound(positions)
    return Pair(dry, dry, mask, RATE, "train", unwarped=Unwarped(sent, positions))


def test_a_window_counts_as_target_in_all_its_samples():
    pair = _pair()
    seen = replace(pair, wet=np.where(pair.mask, pair.wet, np.nan))
    batches = Batches([seen], BEFORE, AFTER, RATE, 1, windows=8)
    for step in range(40):
        batch = batches.batch(step)
        assert torch.isfinite(batch.y).all()
        assert torch.equal(batch.x[:, BEFORE:-AFTER], batch.y)  # dry and wet are the same, and stay side by side


@pytest.mark.parametrize("speed", [1.0, 1.28, 0.78])
def test_what_was_sent_is_warped_onto_the_recording(speed):
    """A network that changes nothing answers with its input; warped, that is what came back, but for -80 dB."""
    batches = Batches([_pair(speed), _pair(1.0, seed=3)], BEFORE, AFTER, RATE, 1, windows=4, unwarped=True)
    for step in range(10):
        batch = batches.batch(step)
        answer = batch.x[:, BEFORE:-AFTER]
        assert (batch.warped(answer) - batch.y).abs().max() < 1e-4 * batch.y.abs().max()


def test_material_without_what_was_sent_is_refused():
    with pytest.raises(ModelError, match="train with --scheme I"):
        Batches([replace(_pair(), unwarped=None)], BEFORE, AFTER, RATE, 1, unwarped=True)
