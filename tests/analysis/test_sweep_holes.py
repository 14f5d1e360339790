"""Holes in a sweep, cut by hand: the frequencies that sounded in them, by the law of the sweep."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from analysis import sweep_holes
from analysis.subjects.band import band_results
from signals.sweeps import Sweep

RATE = 48_000
LEAD = RATE // 5
SWEEP = Sweep.design(10.0, 22_000.0, 5.0)
SENT = np.concatenate((np.zeros(LEAD), 0.1 * SWEEP.waveform(RATE, fade_in_s=0.1, fade_out_s=0.005), np.zeros(RATE)))


def holes(returned: np.ndarray) -> list[tuple[float, float]]:
    return sweep_holes.find(returned, LEAD, SWEEP, 0.1, RATE)


def without(start_s: float, stop_s: float, left: float = 0.01) -> np.ndarray:
    returned = SENT + 1e-4 * np.random.default_rng(0).standard_normal(SENT.size)
    returned[LEAD + round(start_s * RATE) : LEAD + round(stop_s * RATE)] *= left
    return returned


def test_neither_a_whole_sweep_nor_a_steep_response_has_holes() -> None:
    assert holes(without(0.0, 0.0)) == []
    for kind, edge_hz in (("lowpass", 8000.0), ("highpass", 200.0)):
        steep = sosfilt(butter(4, edge_hz, kind, fs=RATE, output="sos"), SENT)  # 24 dB an octave
        assert holes(steep + 1e-4 * np.random.default_rng(0).standard_normal(SENT.size)) == []


@pytest.mark.parametrize("length_s", [0.05, 0.3, 1.0])
def test_a_hole_is_found_at_its_frequencies(length_s: float) -> None:
    ((low, high),) = holes(without(2.5, 2.5 + length_s))
    told = SWEEP.time_s(np.array([low, high]))
    assert 2.5 - 0.08 < told[0] <= 2.5
    assert 2.5 + length_s <= told[1] < 2.5 + length_s + 0.08


def test_a_sweep_that_stops_is_lost_to_its_end() -> None:
    ((low, high),) = holes(without(3.0, 6.0, left=0.0))
    assert low <= SWEEP.frequency_hz(np.array(3.0))
    assert high > 20_000.0


FREQUENCY = 16.0 * 2.0 ** (np.arange(490) / 48.0)
LEVEL = np.where(FREQUENCY > 6000.0, -20.0 * np.log2(FREQUENCY / 6000.0), 0.0)


def test_what_is_not_known_of_a_response_is_left_out_of_its_ripple() -> None:
    """A shelf of 2 dB is 1 dB of ripple; a hole of 30 dB beside it is none, missing or doubted."""
    level = 1.0 + np.tanh(2.0 * np.log2(FREQUENCY / 600.0))
    hole = (FREQUENCY > 2000.0) & (FREQUENCY < 2800.0)
    doubt = np.where(hole, 8.0, 0.05)
    doubted = band_results(FREQUENCY, np.where(hole, -30.0, level), {}, doubt)[-1]
    missing = band_results(FREQUENCY[~hole], level[~hole], {}, doubt[~hole])[-1]
    for ripple in (doubted, missing):
        assert abs(ripple.value - 1.0) < 0.03
        assert "Hz, where noise, hum or a hole disturbs the sweep" in ripple.note


def test_a_limit_of_the_band_in_a_hole_is_not_told() -> None:
    edge_hz = 6000.0 * 2.0 ** (3.0 / 20.0)
    told = band_results(FREQUENCY, LEVEL, {}, np.full(FREQUENCY.size, 0.05))[1]
    assert abs(told.value - edge_hz) < told.uncertainty + 0.01 * edge_hz
    hole = np.abs(np.log2(FREQUENCY / edge_hz)) < 0.2
    hidden = band_results(FREQUENCY[~hole], LEVEL[~hole], {}, np.full(np.count_nonzero(~hole), 0.05))[1]
    assert not hidden.valid
    assert "not known to 1.5 dB about 6" in hidden.note or "not known to 1.5 dB about 7" in hidden.note


def test_a_response_that_is_hardly_known_has_no_figures() -> None:
    doubted = band_results(FREQUENCY, LEVEL, {}, np.full(FREQUENCY.size, 3.0))
    assert [r.valid for r in doubted] == [False] * 3
    assert [r.valid for r in band_results(FREQUENCY[:5], LEVEL[:5], {})] == [False] * 3


def test_the_uncertainty_of_a_ripple_holds_the_truth() -> None:
    """A straight response with noise of its own at every point: the ripple read is doubted, 90 times in 100."""
    random = np.random.default_rng(5)
    held = 0
    for _ in range(100):
        noise = 0.25 * random.standard_normal(FREQUENCY.size)
        ripple = band_results(FREQUENCY, noise, {}, np.full(FREQUENCY.size, 0.49 + 0.03))[-1]
        held += ripple.value <= ripple.uncertainty
    assert held >= 90
