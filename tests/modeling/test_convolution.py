"""Filters over blocks, against the sum that defines them."""

from itertools import pairwise

import numpy as np
import pytest

from modeling.cores.convolution import AT_ONCE, LONG, PART, Convolution, add_filtered
from modeling.cores.short_fft import backward, forward, turns

SIZES = {
    "64": [64] * 200,
    "frames": [PART] * 50,
    "odd": [100, 3000, 7, 5000, 0, PART - 1, 1, 1, 3000, 900, 600],
    "short, then long": [1] * 300 + [LONG] * 6,
    "one": [12_000],
}


@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("taps", [1, 200, 3072])
def test_blocks_of_any_size_are_convolved_as_the_whole(sizes, taps):
    rng = np.random.default_rng(taps)
    filters, signals = rng.standard_normal((2, taps)), rng.standard_normal((2, 12_000))
    expected = sum(np.convolve(x, h)[: x.size] for x, h in zip(signals, filters, strict=True))
    convolution, ends = Convolution(filters), np.minimum(np.cumsum([0, *sizes]), signals.shape[1])
    parts = [convolution.push(signals[:, a:b]) for a, b in pairwise(ends)]
    assert np.concatenate(parts) == pytest.approx(expected[: ends[-1]], abs=1e-10)


def test_short_filters_are_added_to_what_is_there():
    rng = np.random.default_rng(0)
    taps, u, there = rng.standard_normal(3 * AT_ONCE), rng.standard_normal(500), rng.standard_normal(400)
    out = there.copy()
    add_filtered(u, taps, out)
    assert out == pytest.approx(there + np.correlate(u, taps, mode="valid")[:400], abs=1e-12)


def test_short_transforms_are_those_of_a_library_and_undo_each_other():
    x, turn = np.random.default_rng(1).standard_normal(512), turns(512)
    work, spectrum, again = np.empty((4, 256)), np.empty((2, 257)), np.empty(512)
    forward(x, turn, work, spectrum)
    assert spectrum[0] + 1j * spectrum[1] == pytest.approx(np.fft.rfft(x), abs=1e-12)
    backward(spectrum, turn, work, again)
    assert again == pytest.approx(x, abs=1e-13)
