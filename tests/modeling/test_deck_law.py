"""Both laws of magnetisation by one contract, as they run and as the truth has them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from modeling.deck.closed_loop import closed_loop
from modeling.deck.convolution import BlockPlan
from modeling.deck.law import running_law, steady_law
from modeling.deck.materials import MATERIALS
from modeling.deck.parameters import load_parameters
from modeling.deck.record import Magnetiser, record_field
from signals.errors import ModelError

RATE = 48_000
PLAN = BlockPlan.at(RATE)
BOTH = pytest.mark.parametrize(
    "deck", [load_parameters("fresh"), load_parameters("hysteresis")], ids=lambda d: d.magnetics.law
)
SOLVERS = ("RK2", "RK4", "NR4", "NR8")


def law_of(deck):
    return running_law(deck.magnetics, deck.tape, deck.record_head)


def curves(law, field):
    out = np.empty((law.curves, field.size))
    law.magnetise(field, out)
    return out


def flux(deck, signal):
    """What the record pass makes of one channel, in step with it."""
    blocks = -(-signal.size // PLAN.block) + 1
    padded = np.pad(signal, (0, blocks * PLAN.block - signal.size))
    made = Magnetiser(deck, PLAN, 1)
    out = np.concatenate([made.process(part[None])[0] for part in np.split(padded, blocks)])
    return out[made.delay_samples :][: signal.size]


@BOTH
@given(cuts=st.lists(st.integers(0, 500), max_size=6))
@settings(max_examples=20, deadline=None)
def test_the_block_size_changes_nothing(deck, cuts):
    field = 40.0 * np.random.default_rng(1).standard_normal(500)
    law = law_of(deck)
    parts = [curves(law, part) for part in np.split(field, sorted(cuts))]
    assert np.abs(np.concatenate(parts, axis=1) - curves(law_of(deck), field)).max() <= 1e-9


@BOTH
def test_the_same_field_gives_the_same_bits_and_tracks_share_no_memory(deck):
    fields = 40.0 * np.random.default_rng(2).standard_normal((2, 400))
    alone = [curves(law_of(deck), field) for field in fields]
    laws = [law_of(deck) for _ in fields]
    for half in (slice(200), slice(200, 400)):
        for law, field, whole in zip(laws, fields, alone, strict=True):
            assert np.array_equal(curves(law, field[half]), whole[:, half])


@BOTH
def test_silence_makes_no_flux(deck):
    assert np.abs(flux(deck, np.zeros(RATE))).max() < 1e-12


@BOTH
def test_the_law_is_odd(deck):
    signal = 0.7 * np.random.default_rng(3).standard_normal(RATE // 2)
    assert flux(deck, -signal) == pytest.approx(-flux(deck, signal), abs=1e-7)  # single precision


@BOTH
@pytest.mark.parametrize("frequency_hz", [100.0, 1000.0, 10_000.0])
def test_a_weak_sine_is_on_the_tape_when_and_as_strong_as_the_truth_says(deck, frequency_hz):
    time = np.arange(RATE) / RATE
    found = flux(deck, 0.1 * np.sin(2.0 * np.pi * frequency_hz * time))[RATE // 2 :]
    line = 2j * np.mean(found * np.exp(-2j * np.pi * frequency_hz * time[RATE // 2 :]))
    f = np.array([frequency_hz])
    field = 0.1 * record_field(f, deck)
    wanted = (steady_law(deck).gain(f, np.abs(field), 0.0, deck.record_speed_um_s) * field)[0]
    # The law with bias is straight but for 0.05 dB at this level.
    assert 20.0 * np.log10(abs(line / wanted)) == pytest.approx(0.0, abs=0.06)
    assert np.angle(line / wanted) / (2.0 * np.pi * frequency_hz) == pytest.approx(0.0, abs=0.2e-6)


@BOTH
def test_one_period_has_the_gain_of_its_peak(deck):
    law, points, peak = steady_law(deck), 512, 1.0
    field = peak * np.sin(2.0 * np.pi * np.arange(points) / points)
    for steady_ka_m in (0.0, 2.0):
        line = law.flux(field + steady_ka_m, 1000.0, deck.speed_um_s)[1] * 2j / points
        gain = law.gain(np.array([1000.0]), np.array([peak]), steady_ka_m, deck.speed_um_s)[0]
        assert line / peak == pytest.approx(gain, rel=2e-4)


def published(field, turns=200):
    """Magnetisation of a period once it has closed, way by way between its turning points by an adaptive solver, waited for.

    The equation of Chowdhury 2019 with its constants, in A/m.
    """
    ms, a, k, c, alpha = 3.5e5, 22e3, 27e3, 0.17, 1.6e-3

    def slope(h, m, sign):
        q = (h + alpha * m) / a
        near = np.abs(q) < 1e-2
        q = np.where(near, 1.0, q)
        small = (h + alpha * m) / a
        apart = ms * np.where(near, small / 3 - small**3 / 45, 1 / np.tanh(q) - 1 / q) - m
        rise = ms / a * np.where(near, 1 / 3 - small**2 / 15, 1 / q**2 - 1 / np.sinh(q) ** 2)
        pinned = (1 - c) * apart * (np.sign(apart) == sign) / ((1 - c) * sign * k - alpha * apart)
        return (pinned + c * rise) / (1 - alpha * c * rise)

    h = 1e3 * np.append(field, field[0])
    corners = [0, *(np.flatnonzero(np.diff(np.sign(np.diff(h)))) + 1), h.size - 1]
    m, before, out = np.zeros(1), np.ones(1), np.empty(h.size)
    for _ in range(turns):
        if abs(m - before)[0] < 1e-9 * ms:
            break
        before = m
        for low, high in pairwise(corners):
            way, sign = h[low : high + 1], np.sign(h[high] - h[low])
            done = solve_ivp(slope, (way[0], way[-1]), m, "DOP853", way, rtol=1e-9, atol=1e-3, args=(sign,), max_step=1e3)
            out[low : high + 1], m = done.y[0], done.y[:, -1]
    return out[:-1] / ms


ANGLE = 2.0 * np.pi * np.arange(512) / 512


@pytest.mark.parametrize(
    "field",
    [
        30.0 * np.cos(ANGLE),
        100.0 * np.cos(ANGLE),
        20.0 + 15.0 * np.cos(ANGLE),
        30.0 * np.cos(ANGLE) + 20.0 * np.cos(8.0 * ANGLE),
    ],
    ids=["loop", "saturated", "on a steady field", "minor loops"],
)
def test_the_loop_that_closes_is_that_of_the_published_equation(field):
    finer = 8
    between = finer * np.fft.irfft(np.fft.rfft(field), finer * field.size)
    wanted = np.fft.rfft(published(between))[: field.size // 2 + 1] / finer
    found = closed_loop(field, MATERIALS["type1"])
    assert np.abs(found - wanted).max() / np.abs(wanted[1:]).max() < 2e-5


def test_a_weak_field_stays_reversible():
    """Towards nothing the slope is c / 3a."""
    material = MATERIALS["type1"]
    found = closed_loop(1e-4 * np.cos(ANGLE), material)[1] / (0.5 * ANGLE.size * 1e-4)
    reversible = material.reversible / (3.0 * material.shape_ka_m - material.reversible * material.coupling_ka_m)
    assert found == pytest.approx(reversible, rel=1e-4)


def test_solvers_are_told_apart_by_the_file_and_agree():
    deck = load_parameters("hysteresis")
    signal = np.sin(2.0 * np.pi * 100.0 * np.arange(RATE // 4) / RATE) + np.sin(
        2.0 * np.pi * 730.0 * np.arange(RATE // 4) / RATE
    )
    found = [flux(deck.changed({"magnetics.solver": solver}), signal) for solver in SOLVERS]
    assert len({part.tobytes() for part in found}) > 1
    for other in found[1:]:
        assert np.std(other - found[0]) < 1e-4 * np.std(found[0])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("law = 'stoner'", ["magnetics.law", "stoner", "'bias' or 'jiles-atherton'"]),
        ("solver = 'RK3'", ["magnetics.solver", "RK3", "'RK2', 'RK4', 'NR4' or 'NR8'"]),
        ("pinning_ka_m = 0", ["magnetics.pinning_ka_m = 0", "greater than 0"]),
        ("reversible = 1.0", ["magnetics.reversible = 1.0", "0.99"]),
        ("coupling_ka_m = 20.0", ["magnetics: coupling_ka_m must be below half of pinning_ka_m"]),
        ("bias = 3", ["unknown key 'magnetics.bias'"]),
    ],
)
def test_wrong_settings_are_told_in_one_short_line(tmp_path, text, parts):
    path = tmp_path / "bad.toml"
    path.write_text(f"[magnetics]\n{text}\n")
    with pytest.raises(ModelError) as caught:
        load_parameters(str(path))
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 160 + len(str(path))
    for part in parts:
        assert part in message
