"""State-transition networks against the law itself, by solvers other than the one they learnt from, and their stability."""

import numpy as np
import pytest
import torch

from modeling.deck.closed_loop import closed_loop
from modeling.deck.hysteresis import Hysteresis
from modeling.deck.materials import MATERIALS, JilesAtherton, chowtape
from modeling.stn import training
from modeling.stn.grid import NETWORKS, SHAPE, WEIGHTS, material_at, node, place, unit
from modeling.stn.network import FreeRun, coefficients
from modeling.stn.paths import draw_field, draw_paths
from modeling.stn.running import StateTransition, trained_weights

OFF_GRID = [*MATERIALS.values(), chowtape(0.5, 0.5, 0.5), chowtape(0.3, 0.7, 0.9), chowtape(0.9, 0.4, 0.2)]


def random_materials(seed, count):
    return [material_at(along) for along in np.random.default_rng(seed).random((count, 3))]


def exact(field, material):
    """By Runge-Kutta of fourth order in steps of a sixteenth."""
    fine = np.interp(np.arange(1, 16 * field.size + 1) / 16, np.arange(field.size + 1), np.append(0.0, field))
    return Hysteresis(material, 1, "RK4").process(fine[None])[0, 15::16]


def test_a_material_at_a_network_is_that_network():
    for index in (0, 7, 63, NETWORKS - 1):
        at = place(node(index))
        assert at.corners[np.argmax(at.shares)] == index
        assert at.shares.max() == pytest.approx(1.0, abs=1e-9)


def test_shares_restore_the_place():
    """Multilinear: the mean of the neighbours' coordinates is the material's own."""
    for along in np.random.default_rng(0).random((50, 3)):
        at = place(material_at(along))
        nodes = np.array(np.unravel_index(at.corners, SHAPE)).T / (np.array(SHAPE) - 1)
        assert at.shares.min() >= 0.0
        assert at.shares.sum() == pytest.approx(1.0)
        assert at.shares @ nodes == pytest.approx(along)


def test_a_material_without_networks_is_refused():
    hard = JilesAtherton(shape_ka_m=10.0, pinning_ka_m=100.0, reversible=0.1, coupling_ka_m=0.1)
    with pytest.raises(ValueError, match=r"pinning_ka_m / shape_ka_m is 10; there are networks for 0\.2 to 6"):
        StateTransition(hard, 1)


def test_weights_of_another_grid_are_refused():
    with pytest.raises(ValueError, match="the grid needs"):
        StateTransition(MATERIALS["type1"], 1, np.zeros((3, WEIGHTS)))


def test_runs_as_it_was_trained():
    material = OFF_GRID[3]
    field = draw_field(np.random.default_rng(3), 3000, 0.9 * material.longest_step_ka_m / material.shape_ka_m)
    field -= field[0]  # no step from rest that would have to be split
    at, way = place(material), np.diff(field, prepend=0.0)
    assert 0.0 < np.abs(way).max() * material.shape_ka_m < material.longest_step_ka_m
    mean = torch.tensor(at.shares @ trained_weights()[at.corners])[None]
    middle, step = torch.tensor((field - 0.5 * way) * np.sign(way))[None], torch.tensor(way / unit(material))[None]
    found = coefficients(mean, middle, step.abs())
    trained = FreeRun.apply(*found, step, torch.zeros(1, dtype=torch.float64))[0].numpy()
    run = StateTransition(material, 1).process(material.shape_ka_m * field[None])[0]
    assert run == pytest.approx(trained, abs=1e-5)


def test_the_gradient_of_the_free_run():
    rng = np.random.default_rng(0)
    inputs = [torch.tensor(each).requires_grad_() for each in rng.uniform(0.01, 0.5, (3, 4, 12))]
    given = torch.tensor(rng.uniform(-1.0, 1.0, (4, 12))), torch.tensor(rng.uniform(-0.5, 0.5, 4))
    assert torch.autograd.gradcheck(lambda *each: FreeRun.apply(*each, *given), inputs)


def test_the_gradient_of_the_networks():
    rng = np.random.default_rng(0)
    weights = torch.tensor(rng.normal(size=(2, WEIGHTS))).requires_grad_()
    middle, step = torch.tensor(rng.normal(size=(2, 5))), torch.tensor(rng.random((2, 5)))
    assert torch.autograd.gradcheck(lambda each: torch.stack(coefficients(each, middle, step)), [weights])


def test_held_out_ways_through_materials_between_the_networks():
    rng = np.random.default_rng(2024)
    errors = []
    for material in random_materials(7, 60):
        field = draw_field(rng, 1000, material.longest_step_ka_m)
        truth = exact(field, material)
        run = StateTransition(material, 1).process(field[None])[0]
        errors.append(np.mean((run - truth) ** 2) / truth.var())
    assert np.median(errors) < 1e-3
    assert np.percentile(errors, 90) < 1e-2


@pytest.mark.parametrize("material", OFF_GRID, ids=str)
@pytest.mark.parametrize("peak", [0.3, 1.0, 4.0])
def test_harmonics_of_closed_loops(material, peak):
    """The truth is the published equation by Heun's method, its loop closed by root finding."""
    field = peak * material.shape_ka_m * np.sin(2.0 * np.pi * np.arange(192) / 192)
    true = np.abs(closed_loop(field, material))[[1, 3]]
    run = StateTransition(material, 1).process(np.tile(field, 80)[None])[0, -192:]
    first, third = 20.0 * np.log10(np.abs(np.fft.rfft(run))[[1, 3]] / true)
    assert abs(first) < 0.25
    assert abs(third) < 2.0


@pytest.mark.parametrize("material", random_materials(11, 6), ids=str)
@pytest.mark.parametrize("peak", [0.05, 0.5, 5.0])
def test_a_loop_loses_energy(material, peak):
    field = peak * np.sin(2.0 * np.pi * np.arange(256) / 256)
    m = StateTransition(material, 1).process(np.tile(field, 60)[None])[0, -257:]
    h = np.append(field[-1], field)
    assert np.sum(0.5 * (h[1:] + h[:-1]) * np.diff(m)) > 0.0


def test_odd():
    field = np.random.default_rng(0).normal(0.0, 30.0, (1, 5000))
    law = [StateTransition(MATERIALS["type1"], 1) for _ in range(2)]
    assert np.array_equal(law[0].process(field), -law[1].process(-field))


@pytest.mark.parametrize("material", random_materials(5, 8), ids=str)
def test_two_states_under_one_field_never_part(material):
    rng = np.random.default_rng(0)
    up, down = StateTransition(material, 1), StateTransition(material, 1)
    up.process(np.array([[12.0, 0.0]]))
    down.process(np.array([[-12.0, 0.0]]))
    for size in (0.01, 0.3, 3.0, 30.0):
        field = rng.normal(0.0, size, (1, 5000))
        apart = np.abs(up.process(field) - down.process(field))[0]
        assert np.diff(apart).max() <= 1e-15


@pytest.mark.parametrize("weights", [None, "random"])
@pytest.mark.parametrize("size", [1.0, 1e3, 1e9])
def test_bounded_whatever_comes(size, weights):
    """Whatever the weights are: a property of the form, not of the training."""
    rng = np.random.default_rng(1)
    drawn = None if weights is None else rng.normal(0.0, 3.0, (NETWORKS, WEIGHTS)).astype(np.float32)
    law = StateTransition(MATERIALS["type1"], 1, drawn)
    noise, steps = rng.normal(0.0, size, 100_000), np.repeat(rng.choice([-size, 0.0, size], 200), 50)
    out = law.process(np.concatenate([noise, steps])[None])
    assert np.abs(out).max() <= 1.0
    rest = law.process(np.full((1, 50_000), 0.5 * size))
    assert np.ptp(rest[0, 1:]) == 0.0


def test_blocks_make_no_difference():
    field = np.random.default_rng(2).normal(0.0, 40.0, (2, 7000))
    whole = StateTransition(MATERIALS["type1"], 2).process(field)
    for ends in (range(70, 7000, 70), range(1, 7000, 13), [1, 2, 5, 700, 701, 6999]):
        law = StateTransition(MATERIALS["type1"], 2)
        parts = [law.process(each) for each in np.split(field, ends, axis=1)]
        assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_training_lowers_the_error_and_repeats_itself():
    plan = training.Plan(paths=260, steps=100, from_truth=0.2, seed=4)
    records = []
    first = training.train(plan, records.append)
    assert np.array_equal(first, training.train(plan))
    assert np.isfinite(first).all()


def test_training_goes_back_where_a_loss_is_no_number(monkeypatch):
    error, calls = training._error, []

    def failing(weights, paths, free):
        calls.append(free)
        return error(weights, paths, free) * (float("nan") if len(calls) == 150 else 1.0)

    monkeypatch.setattr(training, "_error", failing)
    monkeypatch.setattr(training, "REPORT_EVERY", 300)
    records = []
    weights = training.train(training.Plan(paths=260, steps=300, seed=4), records.append)
    assert records[-1]["rollbacks"] == 1
    assert np.isfinite(weights).all()


def test_no_path_has_a_step_longer_than_the_law_bears():
    paths = draw_paths(np.random.default_rng(0), 40, 300)
    assert np.abs(np.diff(paths.field) / paths.unit[:, None]).max() <= 2.0
