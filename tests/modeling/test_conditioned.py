"""A network that is told the conditions, of every kind."""

import numpy as np
import pytest
import torch

from modeling.cores import NETWORKS, core_class
from modeling.cores.conditioned import ConditionedChain, ConditionedResidual, fit, vectors
from modeling.cores.core import Material, Run
from modeling.cores.linear import LinearCore
from modeling.fidelity import esr_of

RATE = 48000
SETTINGS = [{"speed_cm_s": 9.5, "tape": "a"}, {"speed_cm_s": 4.8, "tape": "b"}, {"speed_cm_s": 9.5, "tape": "b"}]


def conditioned(name, spread):
    """One whose answers, and what follows the conditions, are not zero."""
    torch.manual_seed(0)
    residual = ConditionedResidual(core_class(name).kind(), vectors(SETTINGS))
    with torch.no_grad():
        for part, weights in residual.inner.named_parameters():
            if part.startswith("readout"):
                weights.normal_(0.0, 0.1)
        for moves in residual.follow:
            moves.normal_(0.0, spread)
    return residual


def test_speed_is_a_number_and_each_tape_has_a_place():
    assert vectors(SETTINGS).tolist() == [[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [1.0, 0.0, 1.0]]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_begins_as_the_network_of_no_conditions(name, small_networks):
    residual = conditioned(name, 0.0)
    x = torch.randn(1, residual.inner.reach + 400)
    with torch.no_grad():
        assert torch.equal(residual(x, 1), residual.inner(x))


@pytest.mark.parametrize("name", NETWORKS)
def test_at_a_setting_it_is_a_plain_network_and_silence_stays_silent(name, small_networks):
    residual = conditioned(name, 0.2)
    x = 0.2 * np.random.default_rng(0).standard_normal(residual.inner.reach + 400).astype(np.float32)
    plain = core_class(name).kind()
    plain.load_state_dict({name: weight.detach() for name, weight in residual.weights(1).items()})
    with torch.no_grad():
        heard = residual(torch.from_numpy(x)[None], 1)[0].numpy()
        other = residual(torch.from_numpy(x)[None], 0)[0].numpy()
    assert np.sqrt(np.mean((plain.begin()(x)[plain.reach :] - heard) ** 2)) < 1e-4 * np.std(heard)
    assert np.std(heard - other) > 0.01 * np.std(heard)
    assert np.max(np.abs(plain.begin()(np.zeros(500)))) < 1e-9


def test_the_rows_of_a_batch_go_through_the_filters_of_their_settings():
    linear = [LinearCore(gain * np.eye(1, 32, 8)[0], 8, RATE, -18.0) for gain in (0.5, 2.0, 1.0)]
    chain = ConditionedChain(ConditionedResidual(core_class("stn").kind(), vectors(SETTINGS)), linear, [1.0] * 3)
    x = torch.randn(2, chain.before_samples + 300 + chain.after_samples)
    with torch.no_grad():
        answers = chain(x, torch.tensor([1, 0]))
    inner = x[:, chain.before_samples : chain.before_samples + 300]
    assert torch.allclose(answers, inner * torch.tensor([[2.0], [0.5]]), atol=1e-5)


def test_two_settings_are_learnt_together_as_networks_of_their_own(tape_material, simulator, small_networks, monkeypatch):
    """The same device, and one twice as soft with a tape that bends twice as early."""
    monkeypatch.setattr("modeling.cores.batches.WINDOW_S", 0.1)

    def softer(pairs):
        doubled = ((pair, 0.5 * simulator.device(2.0 * pair.dry)) for pair in pairs)
        return [simulator.pair(pair.dry, wet, pair.split) for pair, wet in doubled]

    loud = Material(tape_material.train[2:], tape_material.validation[2:], tape_material.reference_dbfs)
    other = Material(softer(loud.train), softer(loud.validation), loud.reference_dbfs)
    told = []
    cores = fit(core_class("stn"), [loud, other], SETTINGS[:2], Run(steps=40, judge_every=20, seed=1, log=told.append))
    assert [core.name for core in cores] == ["stn", "stn"]
    errors = [esr_of(core.process, m.validation) for core, m in zip(cores, (loud, other), strict=True)]
    plain = [esr_of(LinearCore.fit(m, Run()).process, m.validation) for m in (loud, other)]
    assert np.mean(errors) < np.mean(plain)
    readouts = [core.residual.readout.weight.detach().numpy() for core in cores]
    assert np.std(readouts[0] - readouts[1]) > 0.01 * np.std(readouts[0])
    assert [record["step"] for record in told if "step" in record][:2] == [0, 20]
