"""Pauses bridged: against motion known in closed form, the deviation stated must be that of the error."""

import numpy as np
import pytest

from analysis.bridging import bridge
from analysis.smoother import Prior, smooth

STEP_S = 2.7e-3
LINES = ((0.52, 40e-6), (2.1, 30e-6), (5.3, 15e-6), (7.9, 8e-6), (24.0, 2e-6))  # of turning parts: Hz, s


def motion(seconds: float, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(int(seconds / STEP_S)) * STEP_S
    lines = sum(a * np.sin(2 * np.pi * f * time + rng.uniform(0, 6.3)) for f, a in LINES)
    residue = sum(
        1.5e-6 * rng.standard_normal() * np.sin(2 * np.pi * f * time + rng.uniform(0, 6.3))
        for f in rng.uniform(0.3, 40.0, 60)
    )
    return 0.16 + 1e-3 * time + lines + residue


def bridged(seconds: float, gap_s: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors without and with the bridge, and the deviation it states, within pauses."""
    rng = np.random.default_rng(100 + seed)
    true = motion(seconds, seed)
    variance = np.full(true.size, (0.5e-6) ** 2)
    gaps = np.zeros(true.size, dtype=bool)
    for start in np.arange(1.2, seconds - 1.2, 1.7):
        gaps[round(start / STEP_S) : round((start + gap_s) / STEP_S)] = True
    variance[gaps] = np.inf
    reading = true + 0.5e-6 * rng.standard_normal(true.size)
    mean, sd = smooth(reading, variance, STEP_S, Prior())
    again, stated = bridge(reading, variance, STEP_S, mean, sd)
    assert np.array_equal(again[: round(0.8 / STEP_S)], mean[: round(0.8 / STEP_S)])
    return (mean - true)[gaps], (again - true)[gaps], stated[gaps]


@pytest.mark.parametrize("seconds", [5.0, 20.0])
@pytest.mark.parametrize("gap_s", [0.1, 0.2, 0.35])
def test_a_pause_is_bridged_better_than_by_the_prior_and_says_how_well(seconds: float, gap_s: float) -> None:
    before, after, stated = (
        np.concatenate(x) for x in zip(*(bridged(seconds, gap_s, seed) for seed in range(6)), strict=True)
    )
    assert np.sqrt(np.mean(after**2)) < 0.8 * np.sqrt(np.mean(before**2))
    assert np.mean(np.abs(after) < 1.96 * stated) > 0.88
    # Lines that go on for ever are bridged better than is claimed; a tape's do not.
    assert 0.25 < np.sqrt(np.mean((after / stated) ** 2)) < 1.2


def test_nothing_is_bridged_where_nothing_is_missing_or_too_little_is_known() -> None:
    for seconds, unsure in ((5.0, slice(0, 0)), (3.0, slice(300, 400)), (5.0, slice(200, None))):
        true = motion(seconds, 1)
        variance = np.full(true.size, 1e-12)
        variance[unsure] = np.inf
        mean, sd = smooth(true, variance, STEP_S, Prior())
        again, stated = bridge(true, variance, STEP_S, mean, sd)
        assert np.array_equal(again, mean)
        assert np.array_equal(stated, sd)
