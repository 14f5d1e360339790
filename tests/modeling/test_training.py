import hashlib
import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file

from modeling.config import read
from modeling.cores import NETWORKS, batches, core_class, descent, ja_search, loudest
from modeling.cores.core import Run
from modeling.training import train
from signals.errors import ModelError, SessionError


def test_the_linear_filter_is_told_first_then_the_floor_then_the_model(trained):
    first, floor, own = trained.lines[:3]
    assert first.startswith("linear filter (least squares): ESR 0.0")
    assert "floor under the error of any model" in floor
    assert own.startswith("hammerstein: ESR")
    assert "times below the linear filter" in own


def test_the_model_is_three_times_below_the_linear_filter_and_more(trained):
    assert trained.evaluation.gain > 10
    assert trained.model.card.trained
    assert trained.model.core.bends


def test_the_card_says_what_the_model_is(trained, dataset):
    card = trained.model.card
    assert (card.name, card.core, card.sample_rate, card.reference_dbfs) == ("deck", "hammerstein", 48000, -18.0)
    assert card.look_ahead_samples == trained.model.core.look_ahead_samples
    assert card.training["seed"] == 3
    assert card.seconds.test == pytest.approx(sum(p.seconds for p in dataset.pairs if p.split == "test"), abs=1e-3)
    assert card.sources[0].take == "play-1"
    for name, sha256 in (("training.jsonl", card.log_sha256), ("config.json", card.config_sha256)):
        assert hashlib.sha256((trained.folder / name).read_bytes()).hexdigest() == sha256
    # 0.03 ms at 5 Hz is a speed deviation of 2 pi 5 * 3e-5 = 0.094 % peak, 0.067 % RMS
    assert card.transport_rms_percent == pytest.approx(0.0667, rel=0.1)
    assert card.noise_dbfs == pytest.approx(20 * np.log10(3e-4 * np.sqrt(2)), abs=0.3)


def test_every_rung_is_in_the_log(trained):
    records = [json.loads(line) for line in (trained.folder / "training.jsonl").read_text().splitlines()]
    rungs = [record["rung"] for record in records if "rung" in record]
    assert rungs[0] == "linear"
    assert rungs[1:4] == ["linear", "odd", "even"]
    assert [record["promise"] for record in records if "promise" in record] == ["states", "envelopes"]


def test_a_model_that_does_not_beat_the_linear_filter_counts_as_untrained(dataset, tmp_path, monkeypatch, brief_descent):
    """A network that was hardly trained is still the linear filter that it started from."""
    monkeypatch.setattr(descent, "RATE", 1e-9)
    outcome = train(dataset, tmp_path, "tcn", minutes=BRIEF)
    assert not outcome.model.card.trained
    assert "counts as untrained" in outcome.lines[2]


def test_a_training_is_run_again_from_its_choices(dataset, tmp_path, small_networks, brief_descent):
    short = replace(dataset, pairs=[pair for pair in dataset.pairs if pair.name == "music at 5 dB"])
    first = train(short, tmp_path, "tcn", minutes=BRIEF, seed=5, loss={"l1": 1.0})
    config = read(first.folder)
    records = map(json.loads, (first.folder / "training.jsonl").read_text().splitlines())
    assert [config.steps] == [record["steps"] for record in records if "steps" in record]
    again = train(short, tmp_path, **config.model_dump(exclude={"sessions"}))
    assert again.folder.name == "tcn-2"
    assert again.model.card.weights_sha256 == first.model.card.weights_sha256
    assert (again.folder / "training.jsonl").read_bytes() == (first.folder / "training.jsonl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tcn", "tcn-2"]


def test_progress_goes_from_nothing_to_all(dataset, tmp_path):
    seen = []
    train(dataset, tmp_path, "linear", progress=seen.append)
    assert 0.0 <= seen[0].fraction < 0.5


@pytest.mark.parametrize(
    ("core", "how", "said"),
    [
        ("wavenet9", {}, "unknown; choose one of"),
        ("tcn", {"minutes": 0.0}, "no time"),
        ("tcn", {"resume": True}, "nothing to resume"),
        ("linear", {"name": "../x"}, "cannot name a model"),
        ("tcn", {"residual": True}, "has no residual"),
        ("tcn", {"units": 8}, "has no units"),
        ("lstm", {"units": 0}, "units"),
    ],
)
def test_wrong_wishes_are_refused(dataset, tmp_path, core, how, said):
    with pytest.raises(ModelError, match=said):
        train(dataset, tmp_path / "models", core, **how)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_model_is_never_overwritten(trained, dataset):
    before = (trained.folder / "model.safetensors").read_bytes()
    with pytest.raises(ModelError, match="never overwritten"):
        train(dataset, trained.folder.parent, "linear", name="deck")
    assert (trained.folder / "model.safetensors").read_bytes() == before


def test_of_two_trainings_at_once_each_has_its_own_name(dataset, tmp_path):
    second = []

    def begin(line):
        if not second:
            second.append(None)
            second[0] = train(dataset, tmp_path, "linear").folder.name

    first = train(dataset, tmp_path, "linear", say=begin)
    assert (first.folder.name, second) == ("linear", ["linear-2"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["linear", "linear-2"]


def test_a_training_that_is_under_way_is_neither_resumed_nor_begun_again(dataset, tmp_path):
    def disturb(line):
        with pytest.raises(SessionError, match="is being trained in by another program"):
            train(dataset, tmp_path, "linear", name="one", resume=True)
        with pytest.raises(ModelError, match="was interrupted, or is under way"):
            train(dataset, tmp_path, "linear", name="one")

    assert train(dataset, tmp_path, "linear", name="one", say=disturb).folder.name == "one"


# A network's run that is cut off


BRIEF = 1e-5
"""Minutes so few that the least number of steps is taken, the same on every machine."""


@pytest.fixture
def brief_descent(monkeypatch):
    """Short windows, a checkpoint at every step, and no end of time."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    for module, name, value in (
        (batches, "WINDOW_S", 0.1),
        (descent, "CHECKPOINT_S", 0.0),
        (descent, "OVERTIME", 1e9),
    ):
        monkeypatch.setattr(module, name, value)
    yield
    torch.set_num_threads(threads)


def _fit(material, checkpoint, core="tcn", log=lambda record: None):
    return core_class(core).fit(material, Run(minutes=BRIEF, judge_every=8, seed=7, batch=2, checkpoint=checkpoint, log=log))


@pytest.fixture
def short_material(tape_material):
    return replace(tape_material, train=tape_material.train[2:], validation=tape_material.validation[2:], tones=())


@pytest.mark.parametrize(("core", "units"), [("lstm", 24), ("gru", 7)])
def test_a_recurrent_network_has_the_units_that_are_asked_for(short_material, brief_descent, core, units):
    fitted = core_class(core).fit(short_material, Run(steps=2, judge_every=2, units=units))
    assert fitted.settings()["units"] == units
    shapes = {name: array.shape for name, array in fitted.to_arrays().items() if "weight_hh" in name}
    assert list(shapes.values()) == [({"lstm": 4, "gru": 3}[core] * units, units)]
    again = core_class(core).from_arrays(fitted.to_arrays(), fitted.settings())
    sound = short_material.validation[0].dry[:4000].astype(np.float64)
    assert np.array_equal(again.process(sound), fitted.process(sound))


def _advance_slowly(material, checkpoint, core):
    """In a process of its own: as `_fit`, slow enough to be killed in the middle."""
    real = descent._Descent.advance

    def advance(self):
        time.sleep(0.05)
        return real(self)

    descent._Descent.advance = advance
    _fit(material, checkpoint, core)


def _killed(work, checkpoint, *arguments):
    """Do some work in a process of its own and kill that soon after it renewed the checkpoint."""
    process = multiprocessing.get_context("fork").Process(target=work, args=arguments)
    process.start()
    deadline, seen = time.monotonic() + 60, set()
    while len(seen) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)
        seen |= {checkpoint.stat().st_mtime_ns} if checkpoint.exists() else set()
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.join()


@pytest.mark.parametrize("core", [c if c in ("tcn", "lstm") else pytest.param(c, marks=pytest.mark.slow) for c in NETWORKS])
def test_a_killed_run_resumes_to_the_same_weights(short_material, tmp_path, brief_descent, small_networks, core):
    logs = [], []
    whole = _fit(short_material, tmp_path / "whole", core, logs[0].append).to_arrays()
    states = [load_file(tmp_path / "whole")]
    checkpoint = tmp_path / "killed"
    _killed(_advance_slowly, checkpoint, short_material, checkpoint, core)
    assert 0 < _step(checkpoint) < _step(tmp_path / "whole")
    resumed = _fit(short_material, checkpoint, core, logs[1].append).to_arrays()
    assert logs[0] == logs[1]
    assert _step(checkpoint) == _step(tmp_path / "whole")
    states.append(load_file(checkpoint))
    readouts = [array for name, array in states[0].items() if name.startswith("now.residual.readout")]
    assert any(np.any(readout) for readout in readouts)  # they were zero at the start: the steps did something
    assert all(np.array_equal(states[0][name], states[1][name]) for name in states[0])
    assert all(np.array_equal(whole[name], resumed[name]) for name in whole)


def _iterate_slowly(material, checkpoint):
    """In a process of its own: as `_fit` of ``ja``, slow enough to be killed behind the first iteration."""
    real = ja_search._Record.keep

    def keep(self, state, record):
        real(self, state, record)
        time.sleep(0.5 if state.iteration else 0.0)

    ja_search._Record.keep = keep
    _fit(material, checkpoint, "ja")


def test_a_killed_search_resumes_to_the_same_numbers(short_material, tmp_path, monkeypatch):
    monkeypatch.setattr(ja_search, "SHARE", 1e9)  # time for the most iterations there are
    monkeypatch.setattr(ja_search, "MOST_ITERATIONS", 2)
    monkeypatch.setattr(loudest, "STRETCH_S", 0.5)
    logs = [], []
    whole = _fit(short_material, tmp_path / "whole", "ja", logs[0].append)
    checkpoint = tmp_path / "killed"
    _killed(_iterate_slowly, checkpoint, short_material, checkpoint)
    assert json.loads(checkpoint.read_text())["iteration"] < 2
    resumed = _fit(short_material, checkpoint, "ja", logs[1].append)
    assert logs[0] == logs[1]
    assert resumed.bends
    assert resumed.settings() == whole.settings()
    assert np.array_equal(resumed.filters, whole.filters)


@pytest.mark.parametrize("text", ["{", '{"material": []}', '{"place": 3}', "[]"])
def test_a_checkpoint_that_is_none_of_a_search_is_refused(short_material, tmp_path, text):
    (tmp_path / "state").write_text(text)
    with pytest.raises(ModelError, match="train without --resume"):
        _fit(short_material, tmp_path / "state", "ja")


def _step(checkpoint):
    with safe_open(checkpoint, "np") as file:
        return json.loads(file.metadata()["facts"])["step"]


@pytest.mark.parametrize("asking", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_leaves_a_checkpoint_and_one_line(short_material, tmp_path, monkeypatch, brief_descent, asking):
    checkpoint = tmp_path / "state"
    real, calls = descent._Descent.advance, []

    def advance(self):
        calls.append(1)
        if len(calls) == 3:
            os.kill(os.getpid(), asking)
        return real(self)

    monkeypatch.setattr(descent._Descent, "advance", advance)
    with pytest.raises(ModelError, match=r"interrupted at step 3 of \d+; go on with --resume"):
        _fit(short_material, checkpoint)
    assert _step(checkpoint) == 3  # the step in which it was asked is taken to its end


@pytest.mark.parametrize("damage", ["text", "cut", "other material"])
def test_a_checkpoint_that_does_not_belong_is_refused(short_material, tmp_path, brief_descent, damage):
    checkpoint = tmp_path / "state"
    if damage == "text":
        checkpoint.write_bytes(b"import os; os.system('true')")
    else:
        _fit(short_material, checkpoint)
        if damage == "cut":
            checkpoint.write_bytes(checkpoint.read_bytes()[:5000])
        else:
            short_material = replace(short_material, train=short_material.validation)
    with pytest.raises(ModelError, match="train without --resume"):
        _fit(short_material, checkpoint)


def test_a_run_in_which_nothing_becomes_better_ends_early(short_material, monkeypatch, brief_descent):
    for name, value in {"RATE": 0.0, "JUDGE_S": 0.0, "JUDGE_SHARE": 1e9, "PATIENCE": 0.2, "LEAST_JUDGEMENTS": 3}.items():
        monkeypatch.setattr(descent, name, value)
    records = []
    core_class("tcn").fit(short_material, Run(minutes=BRIEF, log=records.append))
    # Of 20 steps, judged at each: the first is the lowest, and 0.2 * 20 = 4 more are not enough.
    (stopped,) = [record for record in records if "stopped" in record]
    assert (stopped["step"], stopped["stopped"]) == (6, "nothing became better since step 1")


def test_a_gpu_that_is_absent_is_told_in_one_line(short_material, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(ModelError, match=r"no GPU that PyTorch can use \(CUDA\); train with --device cpu"):
        core_class("tcn").fit(short_material, Run(minutes=BRIEF, device="cuda"))


@pytest.mark.slow
@pytest.mark.parametrize("core", NETWORKS)
def test_none_of_twenty_seeds_ends_in_nan(short_material, brief_descent, small_networks, core):
    records = []
    for seed in range(20):
        fitted = core_class(core).fit(short_material, Run(minutes=0.02, seed=seed, log=records.append))
        assert all(np.isfinite(array).all() for array in fitted.to_arrays().values())
        assert np.isfinite(fitted.process(10.0 * short_material.train[0].dry.astype(float))).all()
    assert not [record for record in records if "rolled_back" in record]


def test_a_fit_that_meets_nan_rolls_back_and_goes_on(short_material, monkeypatch, brief_descent):
    real, records = batches.Batches.batch, []

    def batch(self, step):
        drawn = real(self, step)
        return drawn._replace(x=drawn.x * float("nan")) if step == 5 else drawn

    monkeypatch.setattr(batches.Batches, "batch", batch)
    core = core_class("tcn").fit(short_material, Run(minutes=BRIEF, log=records.append))
    assert [record["rolled_back"] for record in records if "rolled_back" in record] == [1]
    assert all(np.isfinite(array).all() for array in core.to_arrays().values())
