"""What the Hammerstein core weighs, each row against its formula or a property it has by definition."""

import numpy as np
import pytest
from scipy.signal import lfilter

from modeling.cores import bends
from modeling.cores.basis import DELAY, GROUPS, HALVING, ODD, RAISING, ROWS, Basis, Emphasis
from modeling.cores.basis_stream import BasisStream, levels_of
from modeling.cores.bends import CURVES, ENVELOPES, QUIETEST, STATES, THRESHOLDS, TIMES_S, envelopes

RATE = 48000
FLAT = Emphasis(50.0, 10_000.0, 10_000.0)
LIVELY = Emphasis(25.0, 2500.0, 14_000.0)


def curves(p: np.ndarray, limit: float) -> np.ndarray:
    made = np.empty((CURVES, 1, p.size))
    bends.curves(p, limit, np.arange(CURVES), made, 0, 0, 0)
    return made[:, 0]


def states(p: np.ndarray, limit: float) -> np.ndarray:
    made = np.empty((STATES, 1, p.size))
    bends.states(p[None], p.size, limit, 1.0, np.zeros(STATES + 1), np.arange(STATES), made, 0, 0)
    return made[:, 0]


def test_curves_are_odd_or_even_as_said():
    p = np.linspace(-1.5, 1.5, 301)
    made = curves(p, 1.2)
    for row in range(CURVES):
        sign = 1.0 if row in ODD else -1.0
        assert np.allclose(made[row], -sign * made[row, ::-1], atol=1e-12)


def test_curves_against_their_formulas_inside_the_limit():
    p = np.linspace(-1.0, 1.0, 11)
    bent = [p - np.tanh(gain * p) / gain for gain in (0.5, 1, 2, 4)]
    assert np.allclose(curves(p, 2.0), [p, *bent, p**2, p * np.tanh(3 * p) - p**2], atol=1e-14)


def test_bends_of_any_strength_are_those_of_tanh():
    p = np.linspace(-9.0, 9.0, 721)
    assert np.allclose(curves(p, 9.0)[1:5], [p - np.tanh(gain * p) / gain for gain in (0.5, 1, 2, 4)], rtol=0, atol=1e-8)


def test_curves_go_on_along_their_tangent_beyond_the_limit():
    limit, step = 0.8, 1e-6
    inside = (curves(np.array([limit]), 9.0) - curves(np.array([limit - step]), 9.0)) / step
    beyond = (curves(np.array([limit + 3.0]), limit) - curves(np.array([limit]), limit)) / 3.0
    assert np.allclose(beyond, inside, atol=1e-5)


@pytest.mark.parametrize("taps", [HALVING, RAISING])
def test_filters_are_half_band(taps):
    """A half-band filter is zero at every even lag but 0, and its response at a quarter of the rate is one half."""
    lags = np.arange(taps.size) - taps.size // 2
    even = (lags % 2 == 0) & (lags != 0)
    assert np.max(np.abs(taps[even])) < 1e-12
    assert np.abs(np.sum(taps * np.exp(-1j * np.pi / 2 * lags))) == pytest.approx(0.5, abs=2e-4)


def triangle(peak: float, cycles: int) -> np.ndarray:
    """From rest up, then between the peaks; 4000 samples a cycle."""
    turn = np.linspace(0.0, 1.0, 1001)
    return peak * np.tile(np.r_[turn[1:], turn[-2::-1], -turn[1:], -turn[-2::-1]], cycles)


def test_stop_operators_against_the_loop_drawn_by_hand():
    """A triangle of peak 0.3 on a stop of threshold 0.12: it follows from -0.12 at the turn, and slips after a rise of 0.24."""
    p = triangle(0.3, 3)
    row = int(np.flatnonzero(THRESHOLDS == 0.12)[0])
    made = states(p, 9.0)[row]
    last = slice(8000, 12000)
    rising = np.r_[False, np.diff(p) > 0]
    expected = np.where(rising, np.minimum(-0.12 + (p + 0.3), 0.12), np.maximum(0.12 + (p - 0.3), -0.12))
    assert made[last] == pytest.approx(expected[last], abs=1e-9)


def test_relaxing_states_against_the_solution_of_their_equation():
    """dm/dp = (t - m)/k while p rises: where t hardly bends, t - m goes to k (1 - exp(-p/k))."""
    p = np.linspace(0.0, 0.01, 5001)[1:]
    made = states(p, 9.0)[-3]
    assert made == pytest.approx(0.03 * (1.0 - np.exp(-p / 0.03)), rel=1e-3, abs=1e-7)


def test_states_do_not_depend_on_how_fast_the_signal_moves():
    """Hysteresis is rate-independent: the same path in half the samples gives the same states, but for half a step."""
    slow = triangle(0.3, 2)
    for row_slow, row_fast in zip(states(slow, 9.0), states(slow[1::2], 9.0), strict=True):
        assert row_slow[1::2] == pytest.approx(row_fast, abs=0.5 * 0.3 / 500)


def test_envelopes_of_a_steady_sine_settle_to_its_level():
    """20 dB above the unit, the logarithm is ln 100, its eighth stands in the row; treble is what was given as treble."""
    x = np.sqrt(2.0) * 10.0 * np.sin(2 * np.pi * 3000 * np.arange(RATE) / RATE)
    u = np.stack([x, 0.1 * x])
    pole = np.exp(-1.0 / (np.array(TIMES_S) * RATE))
    made = envelopes(u, pole, 1.0, np.zeros((2, len(TIMES_S))))
    assert made.shape == (ENVELOPES, RATE)
    late = slice(RATE - 480, RATE)
    full, faint = np.log(100.0 + QUIETEST) / 8, np.log(1.0 + QUIETEST) / 8
    assert made[2, late] == pytest.approx(full * x[late], abs=0.02)
    assert made[3, late] == pytest.approx(full**2 * x[late], abs=0.05)
    assert made[4, late] == pytest.approx(full * (x[late] - np.tanh(2 * x[late]) / 2), abs=0.05)
    assert made[5 + 2, late] == pytest.approx(faint * x[late], abs=0.02)


def test_envelopes_against_their_formula_from_silence_to_far_above_the_unit():
    rng = np.random.default_rng(5)
    u = np.concatenate(
        [np.zeros((2, 500)), *(level * rng.standard_normal((2, 500)) for level in (1e-5, 0.1, 100.0))], axis=1
    )
    pole, unit = np.exp(-1.0 / (np.array(TIMES_S) * RATE)), 0.03
    expected = []
    for band in u:
        logs = [np.log(lfilter([1.0 - p], [1.0, -p], band**2) / unit + QUIETEST) / 8 for p in pole]
        bend = u[0] - np.tanh(2.0 * u[0]) / 2
        expected += [*(u[0] * log for log in logs), u[0] * logs[1] ** 2, bend * logs[1]]
    assert envelopes(u, pole, unit, np.zeros((2, len(TIMES_S)))) == pytest.approx(np.array(expected), rel=1e-7, abs=1e-11)


def test_levels_are_those_that_the_curves_see():
    """A sine of 10 kHz reaches the emphasised copy as much louder as the shelf says: (1 + jf/2500) / (1 + jf/14000).

    The bilinear transform is exact at the corners and off by a few percent between them.
    """
    basis = Basis(RATE, -18.0, Emphasis(50.0, 2500.0, 14_000.0), (9.0, 9.0))
    x = 0.1 * np.sin(2 * np.pi * 10_000 * np.arange(RATE // 5) / RATE)
    plain, emphasised = np.max(np.abs(levels_of(basis, x)[:, 500:]), axis=1)
    assert plain == pytest.approx(0.1 * basis.scale, rel=0.01)
    assert emphasised / plain == pytest.approx(np.hypot(1, 4) / np.hypot(1, 10 / 14), rel=0.05)


@pytest.mark.parametrize("rate", [48000, 96000])
def test_rows_are_in_time_with_the_signal(rate):
    """Row 0 is the signal on the scale of the curves, wherever a sine sits in the audible band."""
    basis = Basis(rate, -18.0, FLAT, (9.0, 9.0), [0])
    assert basis.after_samples == (DELAY if rate == 48000 else 0)
    for frequency in (50.0, 1000.0, 15_000.0):
        x = 0.1 * np.sin(2 * np.pi * frequency * np.arange(rate // 5) / rate)
        row = basis(np.pad(x, (0, basis.after_samples)))[0]
        inner = slice(1000, -1000)
        assert np.max(np.abs(row - basis.scale * x)[inner]) < 2e-3 * np.max(np.abs(basis.scale * x))


def test_blocks_of_any_size_give_the_same_rows():
    rng = np.random.default_rng(1)
    x = 0.1 * rng.standard_normal(20000)
    basis = Basis(RATE, -18.0, LIVELY, (0.5, 1.0))
    whole = BasisStream(basis).push(x)
    stream, parts, at = BasisStream(basis), [], 0
    while at < x.size:
        size = int(rng.integers(0, 3000))
        parts.append(stream.push(x[at : at + size]))
        at += size
    assert np.max(np.abs(np.concatenate(parts, axis=1) - whole)) < 1e-12


def test_rows_asked_for_are_those_of_all():
    x = 0.1 * np.random.default_rng(2).standard_normal(5000)
    basis = Basis(RATE, -18.0, LIVELY, (0.5, 1.0))
    chosen = [1, CURVES, GROUPS["states"][2], GROUPS["states"][9], GROUPS["envelopes"][4]]
    assert np.array_equal(basis.of_rows(chosen)(x), basis(x)[chosen])
    assert basis(x).shape[0] == ROWS
