import numpy as np
import torch

from analysis.dewarp import interpolate, interpolate_fast
from modeling.cores.delay_line import MARGIN, read_at

RATE = 48000


def _positions(samples, count):
    """Fractional places of a tape that runs 0.3 % fast and wavers by 0.2 % at 7 Hz."""
    time = np.arange(count) / RATE
    return MARGIN + 1.003 * np.arange(count) + RATE * 2e-3 / (2 * np.pi * 7) * (1 - np.cos(2 * np.pi * 7 * time))


def test_a_sine_is_read_where_it_is():
    positions = _positions(4000, 3000)
    for frequency_hz in (100.0, 5000.0, 19_000.0):
        sine = np.sin(2 * np.pi * frequency_hz / RATE * np.arange(4000))
        read = read_at(torch.from_numpy(sine)[None], torch.from_numpy(positions)[None])[0].numpy()
        error = read - np.sin(2 * np.pi * frequency_hz / RATE * positions)
        assert np.sqrt(np.mean(error**2)) < 1e-4 * np.sqrt(0.5)


def test_it_reads_as_the_warp_of_pairs_does():
    rng = np.random.default_rng(1)
    noise = np.convolve(rng.standard_normal(4100), np.hanning(8), mode="valid")[:4000].astype(
        np.float32
    )  # hardly above 15 kHz
    positions = np.stack([_positions(4000, 3000), _positions(4000, 3000) + 100.25])
    read = read_at(torch.from_numpy(np.stack([noise, noise])), torch.from_numpy(positions)).numpy()
    for row, places in zip(read, positions, strict=True):
        for known, below_db in ((interpolate_fast(noise, places), -95), (interpolate(noise, places), -70)):
            assert 10 * np.log10(np.mean((row - known) ** 2) / np.mean(known**2)) < below_db


def test_gradients_are_those_of_finite_differences():
    """In double precision, with respect to the signal and to the places."""
    rng = np.random.default_rng(2)
    signal = torch.from_numpy(rng.standard_normal((2, 60))).requires_grad_()
    positions = torch.from_numpy(rng.uniform(MARGIN, 58 - MARGIN, (2, 5)).round(1) + 0.05).requires_grad_()
    assert torch.autograd.gradcheck(read_at, (signal, positions), eps=1e-6, atol=1e-7)
