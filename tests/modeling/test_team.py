import json
import multiprocessing
import os
import socket
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors import safe_open

from modeling.cores import batches, core_class, descent
from modeling.cores.batches import Batches
from modeling.cores.core import Run
from modeling.cores.objective import objective
from modeling.cores.team import Team
from signals.errors import ModelError

STEPS = 12
LOSS = {"esr": 1.0, "emphasised": 1.0, "stft": 0.1}  # the last is no sum over windows


@pytest.fixture(scope="module")
def short_material(tape_material):
    return replace(tape_material, train=tape_material.train[2:], validation=tape_material.validation[2:], tones=())


def _fit(material, checkpoint=None, batch=None):
    run = Run(steps=STEPS, judge_every=4, seed=2, loss=LOSS, checkpoint=checkpoint, batch=batch)
    return core_class("tcn").fit(material, run)


def _told_by_torchrun(rank, port):
    os.environ.update(RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)


def _share(rank, port, folder, material):
    """One process of a training."""
    _told_by_torchrun(rank, port)
    np.savez(folder / f"{rank}.npz", **_fit(material, folder / "checkpoint").to_arrays())


def _started(work, *arguments):
    """Two processes that work together."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    fork = multiprocessing.get_context("fork")
    team = [fork.Process(target=work, args=(rank, port, *arguments)) for rank in (0, 1)]
    for process in team:
        process.start()
    return team


def _joined(team):
    for process in team:
        process.join(120)
    assert [process.exitcode for process in team] == [0, 0]


def _together(folder, material):
    """Weights that two processes come to, as each of them has them."""
    _joined(_started(_share, folder, material))
    return [dict(np.load(folder / f"{rank}.npz")) for rank in (0, 1)]


def _gradient(rank, port, folder):
    """Of a loss that is no sum over windows, by a small network, for half of a batch."""
    _told_by_torchrun(rank, port)
    network, x, y = _small_problem()
    with Team(torch.device("cpu")) as team:
        torch.autograd.backward(objective(LOSS)(y, team.gathered(network(x[2 * rank : 2 * rank + 2]))))
        team.add_gradients(network.parameters())
    np.savez(folder / f"{rank}.npz", *(parameter.grad.numpy() for parameter in network.parameters()))


def _small_problem():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Linear(4096, 8), torch.nn.Tanh(), torch.nn.Linear(8, 4096))
    return network, torch.randn(4, 4096), torch.randn(4, 4096)


def test_gradients_of_shares_add_up_to_that_of_the_batch(tmp_path):
    _joined(_started(_gradient, tmp_path))
    network, x, y = _small_problem()
    torch.autograd.backward(objective(LOSS)(y, network(x)))
    for rank in (0, 1):
        for parameter, found in zip(network.parameters(), np.load(tmp_path / f"{rank}.npz").values(), strict=True):
            assert np.abs(found - parameter.grad.numpy()).max() < 1e-5 * parameter.grad.abs().max()


def test_two_processes_take_the_steps_of_one_and_go_on_after_a_kill(short_material, tmp_path, small_networks, monkeypatch):
    monkeypatch.setattr(batches, "WINDOW_S", 0.1)
    checkpoint = tmp_path / "checkpoint"
    alone = _fit(short_material, batch=2).to_arrays()
    whole, second = _together(tmp_path, short_material)
    assert all(np.array_equal(whole[name], second[name]) for name in whole)
    name = "residual.readout.0.weight"  # zero at the start
    assert np.abs(alone[name]).max() > 1e-3
    assert np.abs(whole[name] - alone[name]).max() < 1e-2 * np.abs(alone[name]).max()  # Adam makes much of rounding
    checkpoint.unlink()
    real = descent._Descent.advance
    with monkeypatch.context() as slow:
        slow.setattr(descent, "CHECKPOINT_S", 0.0)
        slow.setattr(descent._Descent, "advance", lambda self: time.sleep(0.05) or real(self))
        team, seen = _started(_share, tmp_path, short_material), set()
        while len(seen) < 3 and all(process.is_alive() for process in team):
            time.sleep(0.005)
            seen |= {checkpoint.stat().st_mtime_ns} if checkpoint.exists() else set()
        for process in team:
            process.kill()
            process.join()
    with safe_open(checkpoint, "np") as file:
        assert 0 < json.loads(file.metadata()["facts"])["step"] < STEPS
    resumed, _ = _together(tmp_path, short_material)
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def test_a_batch_that_cannot_be_shared_is_refused(short_material):
    with pytest.raises(ModelError, match="a batch of 3 windows cannot be shared by 2 processes; give a multiple of 2"):
        Batches(short_material.train, 0, 0, short_material.sample_rate, 0, windows=3, share=(0, 2))
