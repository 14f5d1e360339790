"""What holds for every deck: the block size changes nothing, and a seed means its bits, under either law."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import PRESETS, load_parameters

RATE = 48_000
SAMPLES = 36_000
LAWS = ("bias", "jiles-atherton")
NAMES = sorted(path.stem for path in PRESETS.glob("*.toml"))


def once(parameters, sent, seed, block):
    """Both passes of a deck with dbx on, worked in blocks of one size."""
    deck = VirtualDeck(parameters, RATE, -18.0, seed)
    deck.set_dbx(record=True, play=True, sync=True)
    deck.arm([1, 2, 3, 4])
    heard = [deck.process(sent[i : i + block]) for i in range(0, len(sent), block)]
    deck.play(1)
    heard += [deck.process(0.0 * sent[i : i + block]) for i in range(0, len(sent), block)]
    deck.close()
    return np.concatenate(heard)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "name", [name if name in ("fresh", "neglected") else pytest.param(name, marks=pytest.mark.slow) for name in NAMES]
)
def test_block_size_changes_nothing_and_a_seed_means_its_bits(name, law):
    at_once = {"transport.rewind_min_s": 0.0, "transport.rewind_max_s": 0.0}
    parameters = load_parameters(name).changed({"magnetics.law": law, **at_once})
    sent = 0.1 * np.random.default_rng(0).standard_normal((SAMPLES, 4))
    whole = once(parameters, sent, 11, SAMPLES)
    small = once(parameters, sent, 11, 997)
    assert np.abs(small - whole).max() <= 1e-9
    assert np.array_equal(once(parameters, sent, 11, 997), small)
    assert np.std(whole[SAMPLES:]) > 0.01
