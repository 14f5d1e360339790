"""The network at the end of the Hammerstein core."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from modeling.cores import batches, descent, leftover
from modeling.cores.core import Run, input_scale
from modeling.cores.hammerstein import HammersteinCore
from modeling.cores.leftover import with_residual
from modeling.cores.residual import GAIN, Leftover
from modeling.cores.stn import StnResidual
from modeling.fidelity import esr_of


@pytest.fixture
def short_material(tape_material):
    return replace(tape_material, train=tape_material.train[2:], validation=tape_material.validation[2:], tones=())


@pytest.fixture
def brief(monkeypatch):
    """Few steps on small windows, and a checkpoint at each."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    monkeypatch.setattr(batches, "WINDOW_S", 0.1)
    monkeypatch.setattr(descent, "CHECKPOINT_S", 0.0)
    monkeypatch.setattr(descent, "OVERTIME", 1e9)
    yield Run(minutes=1e-5, seed=7)
    torch.set_num_threads(threads)


def test_what_it_adds_while_it_runs_is_what_was_trained(straight, topped):
    """In time and in size: the whole core less the solved one is h * r(x), as the descent computes it."""
    chain = Leftover(topped.residual, topped.h, topped.aheads[0], GAIN * input_scale(topped.reference_dbfs), 1.0)
    x = 0.1 * np.random.default_rng(1).standard_normal(12000)
    padded = np.pad(x, (chain.before_samples, chain.after_samples)).astype(np.float32)
    with torch.no_grad():
        trained = chain(torch.from_numpy(padded)[None])[0].numpy()
    added = topped.process(x) - straight.process(x)
    assert np.std(added) > 1e-3
    assert np.max(np.abs(added - trained)) < 1e-3 * np.std(added)


def test_it_survives_a_round_trip_exactly(topped):
    again = HammersteinCore.from_arrays(topped.to_arrays(), topped.settings())
    x = 0.1 * np.random.default_rng(1).standard_normal(5000)
    assert np.array_equal(again.process(x), topped.process(x))


def test_it_gives_nothing_at_first(straight):
    x = 0.1 * np.random.default_rng(1).standard_normal(5000)
    assert np.array_equal(straight.with_(StnResidual()).process(x), straight.process(x))


def test_it_is_kept_only_where_it_pays(straight, short_material, brief, monkeypatch):
    records = []
    brief = replace(brief, log=records.append)
    monkeypatch.setattr(leftover, "SHARE", 0.0)
    assert with_residual(straight, short_material, brief) is straight
    assert (records[-1]["rung"], records[-1]["kept"]) == ("residual", False)
    monkeypatch.setattr(leftover, "SHARE", np.inf)
    kept = with_residual(straight, short_material, brief)
    assert kept.residual.answers
    assert records[-1]["kept"]
    assert records[-1]["validation_esr"] == pytest.approx(esr_of(kept.process, short_material.validation), rel=1e-6)


def test_it_is_not_kept_where_harmonics_get_worse(straight, short_material, brief, monkeypatch):
    monkeypatch.setattr(leftover, "SHARE", np.inf)
    found = iter([2.0, 3.5])
    monkeypatch.setattr(leftover, "harmonic_error_db", lambda process, tones: next(found))
    assert with_residual(straight, short_material, brief) is straight


def test_a_run_that_was_cut_off_goes_on_to_the_same_weights(straight, short_material, brief, monkeypatch, tmp_path):
    monkeypatch.setattr(leftover, "SHARE", np.inf)
    advance = descent._Descent.advance

    def copying(self):
        going = advance(self)
        if self.step == 5:
            shutil.copy(tmp_path / "state", tmp_path / "cut off")
        return going

    monkeypatch.setattr(descent._Descent, "advance", copying)
    whole = with_residual(straight, short_material, replace(brief, checkpoint=tmp_path / "state"))
    resumed = with_residual(straight, short_material, replace(brief, checkpoint=tmp_path / "cut off"))
    assert all(np.array_equal(array, resumed.to_arrays()[name]) for name, array in whole.to_arrays().items())
