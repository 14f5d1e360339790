"""A training that is killed at random moments, every one of its processes a real one, against the same run left alone."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from tests.bad_input.material import music, save
from tests.conftest import environment

RATE = 16_000
KILLS = 4
STEPS = {"tcn": 60, "wavenet": 20, "gru": 20, "lstm": 40, "s4": 20, "stn": 40, "ja": 3}
RUNS = {
    **{core: ("--core", core, "--steps", steps) for core, steps in STEPS.items()},
    **{core: ("--core", core) for core in ("linear", "hammerstein")},
    "residual": ("--core", "hammerstein", "--residual", "--steps", 30),
    "settings": ("--core", "tcn", "--steps", 40),
    "ja-settings": ("--core", "ja", "--steps", 2),
}
"""By the name of the model; those of several settings learn from both sessions."""
# Checkpoints every 10 s would leave short runs with the first one alone.
OFTEN = "import modeling.cores.descent as descent; descent.CHECKPOINT_S = 0.2; import tape; tape.main()"


@pytest.fixture(scope="module")
def sessions(command, tmp_path_factory):
    """Two pairs, of a deck at either speed."""
    folder = tmp_path_factory.mktemp("killed")
    dry = music(20.0, RATE)
    save(folder / "dry.wav", dry, RATE)
    made = []
    for speed, drive in ((9.5, 4.0), (4.8, 6.0)):
        wet = 0.5 * np.tanh(drive * np.concatenate([np.zeros(400), dry])[: dry.size])
        pair = ("--dry", folder / "dry.wav", "--wet", save(folder / f"wet-{speed}.wav", wet, RATE), "--speed", speed)
        made.append(folder / f"at-{speed}")
        assert command("import", made[-1], *pair).status == 0
    return made


def _start(*arguments):
    line = [sys.executable, "-c", OFTEN, "train", *map(str, arguments)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def _finished(process):
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("run", RUNS)
def test_a_killed_training_ends_as_one_that_was_left_alone(sessions, run):
    learnt = sessions if run.endswith("settings") else sessions[:1]
    models = learnt[0] / "models"
    began = time.monotonic()
    _finished(_start(*learnt, *RUNS[run], "--seed", 7, "--name", f"{run}-whole"))
    lasted = time.monotonic() - began
    whole, killed, running = models / f"{run}-whole", models / f"{run}-killed", models / f".{run}-killed.training"
    rng = np.random.default_rng(list(run.encode()))
    moments = []
    for _ in range(KILLS):
        process = _next(learnt, whole, running)
        moments.append(rng.uniform(0.2, 1.0) * lasted)
        time.sleep(moments[-1])
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if killed.exists():
            break
    if not killed.exists():
        _finished(_next(learnt, whole, running))
    told = f"killed after {[f'{moment:.1f} s' for moment in moments]} of {lasted:.1f} s"
    for name in ("model.safetensors", "training.jsonl"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), told
    assert not list(models.glob(f".{run}-killed*"))


def _next(sessions, whole, running):
    """The process that takes a killed run on: with --resume where it left anything to go on from."""
    name = running.name.removesuffix(".training").removeprefix(".")
    if running.exists():
        return _start(sessions[0], "--name", name, "--resume")
    return _start("--config", whole / "config.json", "--name", name)
