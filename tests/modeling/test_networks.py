"""What is particular to the networks among the cores."""

import numpy as np
import pytest
import torch
from auraloss.freq import MultiResolutionSTFTLoss

from modeling import losses
from modeling.cores import core_class
from modeling.cores.objective import FUNCTIONS, objective
from modeling.cores.transitions import Transitions


def excited(name, **settings):
    """A network whose read-out, and modulation, are not zero."""
    torch.manual_seed(3)
    network = core_class(name).kind(**settings)
    with torch.no_grad():
        for part, weights in network.named_parameters():
            if part.startswith("readout") or "modulate" in part:
                weights.normal_(0.0, 0.1)
    return network


@pytest.mark.parametrize("name", ["tcn", "wavenet", "gru", "lstm", "s4", "stn"])
def test_what_is_trained_on_windows_is_what_runs_on_a_signal(name):
    network = excited(name)
    x = 0.2 * np.random.default_rng(1).standard_normal(16000)
    with torch.no_grad():
        windowed = network(torch.from_numpy(x.astype(np.float32))[None])[0].numpy()
    carried = network.begin()(x)[network.reach :]
    assert windowed.shape == carried.shape
    assert np.sqrt(np.mean((windowed - carried) ** 2)) < 1e-4 * np.std(carried)


def test_transitions_and_their_gradients_are_those_of_a_plain_loop():
    """The second implementation: the recursion as written, differentiated by PyTorch."""
    torch.manual_seed(0)
    weights = [each.detach() for each in core_class("stn").kind(states=5, units=7).at_work()]
    x, start = torch.randn(200, 6), torch.randn(6, 6)
    weigh = torch.randn(200, 7, 6), torch.randn(200, 5, 6)

    def loop(x, start, lower, lower_bias, upper, upper_bias, target, share):
        before, state, found = start[:1], start[1:], []
        for now in x[:, None]:
            below = torch.tanh(lower @ torch.cat([now, before, state]) + lower_bias[:, None])
            above = torch.tanh(upper @ (below - torch.tanh(lower_bias)[:, None]) + upper_bias[:, None])
            above = above - torch.tanh(upper_bias)[:, None]
            state = state + share[:, None] * (target @ above - state)
            before = now
            found.append((above, state))
        return (torch.stack(part) for part in zip(*found, strict=True))

    results = []
    for run in (Transitions.apply, loop):
        learnt = [each.clone().requires_grad_() for each in weights]
        found = list(run(x, start, *learnt))
        sum((part * weight).sum() for part, weight in zip(found, weigh, strict=True)).backward()
        results.append([*found, *(each.grad for each in learnt)])
    for mine, plain in zip(*results, strict=True):
        assert torch.allclose(mine, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", [1.0, 1e6])
def test_a_state_of_a_transition_network_stays_within_what_its_network_can_say(size):
    """Whatever the weights and the input: each state is a mean of targets, and tanh(z + b) - tanh(b) lies within +-2."""
    network = core_class("stn").kind()
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.0, size)
    answers = network.begin()(size * np.random.default_rng(0).standard_normal(20000))
    states = 2.0 * network.target.weight.detach().abs().sum(dim=1)
    most = network.readout.weight.detach()[0].abs() @ torch.cat([torch.full((16,), 2.0), states])
    assert np.abs(answers).max() <= 1.001 * float(most)


def test_the_gru_has_the_size_of_the_published_one():
    """12,928 numbers without the bias of the read-out, as in the delay-line variant of DAFx23."""
    assert sum(weights.numel() for weights in core_class("gru").kind().parameters()) == 12928


def test_the_wavenet_has_the_standard_shape():
    """4,093 samples of receptive field and 13,801 numbers (bias of the head and its scale counted as one).

    Less those that change nothing: biases of the 1x1 convolutions between layers, 10 * 16 + 10 * 8, which those of the tanh
    take in, and the bias of the head, which is what silence would be answered with.
    """
    network = core_class("wavenet").kind()
    assert network.reach + 1 == 4093
    assert sum(weights.numel() for weights in network.parameters()) == 13801 - 240 - 1


def test_biases_of_what_a_recurrent_cell_writes_stay_zero():
    network = excited("lstm", units=3)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1)
    network(torch.randn(1, 2000)).square().sum().backward()
    optimiser.step()
    bias = network.layer.bias_hh_l0.detach()
    assert torch.all(bias[6:9] == 0.0)
    assert torch.all(bias[:6] != 0.0)


def test_errors_are_added_up_by_weight():
    target = torch.randn(2, 8192, generator=torch.Generator().manual_seed(0))
    estimate = 0.5 * target
    # Half the target: ESR is 0.25 with and without emphasis, and the sum of |error| half that of the target.
    assert float(objective({"esr": 1.0})(target, estimate)) == pytest.approx(0.25, rel=1e-4)
    assert float(objective({"esr": 2.0, "emphasised": 1.0, "l1": 1.0})(target, estimate)) == pytest.approx(1.25, rel=1e-4)
    # -6.02 dB everywhere, in units of 10 dB
    assert float(objective({"log_spectral": 1.0})(target, estimate)) == pytest.approx(0.602, abs=1e-3)
    peer = MultiResolutionSTFTLoss()(estimate[:, None], target[:, None])
    assert float(objective({"stft": 1.0})(target, estimate)) == pytest.approx(float(peer))


def test_every_error_has_a_weight_and_a_finite_gradient_in_silence():
    assert {*FUNCTIONS, "adversarial"} == set(losses.WEIGHTS)  # that one a critic tells, which learns as well
    estimate = torch.zeros(1, 8192, requires_grad=True)
    objective(dict.fromkeys(FUNCTIONS, 1.0))(torch.zeros(1, 8192), estimate).backward()
    assert torch.isfinite(estimate.grad).all()
