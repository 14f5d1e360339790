"""What a network can be trained with, each on a short stretch."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from modeling.config import Config
from modeling.cores import batches, core_class, descent
from modeling.cores.core import Run
from modeling.cores.critic import Critic
from modeling.pairs import Unwarped
from signals.errors import ModelError

STEPS = 6


@pytest.fixture(scope="module")
def material(tape_material):
    """One piece; as if a tape had run 0.5 % fast, what was sent is there on a time of its own."""
    (pair,) = tape_material.train[2:]
    sent = np.interp(np.arange(pair.samples * 1.005) / 1.005, np.arange(pair.samples), pair.dry).astype(np.float32)
    pair = replace(pair, unwarped=Unwarped(sent, 1.005 * np.arange(pair.samples)))
    return replace(tape_material, train=[pair], validation=tape_material.validation[2:], tones=())


@pytest.fixture(autouse=True)
def _brief(monkeypatch, small_networks):
    monkeypatch.setattr(batches, "WINDOW_S", 0.1)
    monkeypatch.setattr(descent, "CHECKPOINT_S", 0.0)


def _fit(material, core="tcn", **how):
    log = []
    found = core_class(core).fit(
        material, Run(**{"steps": STEPS, "judge_every": STEPS, "seed": 4, "log": log.append, **how})
    )
    return found, [record["loss"] for record in log if "loss" in record and "step" in record and record["step"]]


@pytest.mark.parametrize("core", ["tcn", "gru", "s4"])
def test_networks_of_every_kind_learn_through_the_delay_line(material, core):
    _, losses = _fit(material, core, scheme="II", steps=2, judge_every=1)
    assert len(losses) == 2
    assert np.isfinite(losses).all()


def test_mixed_precision_comes_to_the_same(material):
    single, mixed = (_fit(material, judge_every=2, precision=precision)[1] for precision in ("single", "mixed"))
    assert single != mixed
    assert mixed == pytest.approx(single, rel=0.01)  # bfloat16 rounds by 0.4 % at most


def test_only_convolutions_on_a_gpu_are_mixed_unasked():
    network = descent.Network()
    assert not descent._mixes("auto", network, torch.device("cuda"))
    network.mixes = True
    assert descent._mixes("auto", network, torch.device("cuda"))
    assert not descent._mixes("auto", network, torch.device("cpu"))
    assert not descent._mixes("single", network, torch.device("cuda"))


@pytest.mark.parametrize("core", ["gru", "lstm", "s4"])
def test_a_state_is_not_carried_in_mixed_precision(material, core):
    with pytest.raises(ModelError, match="train it with --precision single"):
        _fit(material, core, precision="mixed")


def test_augmented_windows_go_with_scheme_one_alone(material):
    with pytest.raises(ModelError, match="train with --scheme I, or without --augment"):
        _fit(material, scheme="II", augment=("polarity",))


def test_critics_learn_to_tell_sounds_apart():
    torch.manual_seed(2)
    critic = Critic(1, torch.device("cpu"))
    time = torch.arange(4800) / 48000
    recording = 0.1 * torch.sin(2 * torch.pi * 440 * time)[None]
    answer = recording + 0.01 * torch.randn(1, 4800)
    before = critic.term(answer) - critic.term(recording)
    for _ in range(60):
        critic.learn(recording, answer)
    assert critic.term(answer) - critic.term(recording) > before + 0.5


def test_critics_go_on_where_they_were(material, tmp_path, monkeypatch):
    how = {"loss": {"esr": 1.0, "adversarial": 0.05}}
    whole, losses = _fit(material, checkpoint=tmp_path / "whole", **how)
    real, calls = descent._Descent.advance, []

    def advance(self):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return real(self)

    with monkeypatch.context() as cut_off:
        cut_off.setattr(descent._Descent, "advance", advance)
        with pytest.raises(ModelError, match="interrupted at step 3 of 6"):
            _fit(material, checkpoint=tmp_path / "state", **how)
    resumed, again = _fit(material, checkpoint=tmp_path / "state", **how)
    assert again == losses
    assert all(np.array_equal(array, resumed.to_arrays()[name]) for name, array in whole.to_arrays().items())


def test_a_run_whose_time_was_over_is_run_again_from_its_choices(material, monkeypatch):
    records = []
    with monkeypatch.context() as slow:
        slow.setattr(descent, "OVERTIME", 0.0)
        first, _ = _fit(material, steps=None, judge_every=STEPS, minutes=1e-5, log=records.append)
    assert next(record for record in records if "stopped" in record)["last_step"] == 1
    choices = Config(core="tcn", seed=4).resolved(records)
    assert (choices.steps, choices.last_step) == (descent.WARM_UP_STEPS, 1)
    told = []
    again = core_class("tcn").fit(material, Run(log=told.append, **choices.of_run()))
    assert told == records
    assert all(np.array_equal(array, again.to_arrays()[name]) for name, array in first.to_arrays().items())
    assert choices.with_({"steps": 5}).last_step is None


def test_a_run_that_ended_before_its_steps_ends_there_when_it_is_resumed(material, tmp_path):
    how = {"last_step": 3, "checkpoint": tmp_path / "state"}
    (first, _), (again, _) = _fit(material, **how), _fit(material, **how)
    assert all(np.array_equal(array, again.to_arrays()[name]) for name, array in first.to_arrays().items())


def test_the_time_of_a_run_that_was_cut_off_counts(material, tmp_path, monkeypatch):
    how = {"steps": None, "minutes": 1e-5, "judge_every": STEPS, "checkpoint": tmp_path / "state"}
    real, calls = descent._Descent.advance, []

    def advance(self):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        return real(self)

    monkeypatch.setattr(descent, "OVERTIME", 1e9)
    with monkeypatch.context() as cut_off:
        cut_off.setattr(descent._Descent, "advance", advance)
        with pytest.raises(ModelError, match="interrupted at step 3"):
            _fit(material, **how)
    monkeypatch.setattr(descent, "OVERTIME", 1.5 / (60.0 * how["minutes"]))
    records = []
    _fit(material, log=records.append, **how)
    assert next(record for record in records if "stopped" in record)["last_step"] == 4


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the memory in use as Linux tells it")
def test_a_step_that_does_not_fit_into_memory_is_one_line(material):
    """400 windows of 0.1 s take some gigabytes on their way through a network, and half a one is given."""
    resource = pytest.importorskip("resource")
    _fit(material, steps=1, judge_every=1, batch=1)  # all is loaded that is loaded at first use
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, before[1]))
    try:
        with pytest.raises(ModelError, match=r"not enough memory: .* GiB more were asked for; train with a smaller --batch"):
            _fit(material, steps=1, judge_every=1, batch=400)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
