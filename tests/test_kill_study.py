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
STEPS = {"tcn": 60, "wavenet": 20, "gru": 20, "lstm": 40, "s4": 20, "ja": 3, "hammerstein": 1, "linear": 1}
# Checkpoints every 10 s would leave short runs with the first one alone.
OFTEN = "import modeling.cores.descent as descent; descent.CHECKPOINT_S = 0.2; import tape; tape.main()"


@pytest.fixture(scope="module")
def session(command, tmp_path_factory):
    folder = tmp_path_factory.mktemp("killed")
    dry = music(20.0, RATE)
    wet = 0.5 * np.tanh(4.0 * np.concatenate([np.zeros(400), dry])[: dry.size])
    sounds = save(folder / "dry.wav", dry, RATE), save(folder / "wet.wav", wet, RATE)
    assert command("import", folder / "session", "--dry", sounds[0], "--wet", sounds[1]).status == 0
    return folder / "session"


def _start(*arguments):
    line = [sys.executable, "-c", OFTEN, "train", *map(str, arguments)]
    return subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())


def _finished(process):
    _, said = process.communicate(timeout=600)
    assert process.returncode == 0, said


@pytest.mark.slow
@pytest.mark.parametrize("core", STEPS)
def test_a_killed_training_ends_as_one_that_was_left_alone(session, core):
    models = session / "models"
    began = time.monotonic()
    _finished(_start(session, "--core", core, "--steps", STEPS[core], "--seed", 7, "--name", f"{core}-whole"))
    lasted = time.monotonic() - began
    whole, killed, running = models / f"{core}-whole", models / f"{core}-killed", models / f".{core}-killed.training"
    rng = np.random.default_rng(list(core.encode()))
    moments = []
    for _ in range(KILLS):
        process = _next(session, whole, running)
        moments.append(rng.uniform(0.2, 1.0) * lasted)
        time.sleep(moments[-1])
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        if killed.exists():
            break
    if not killed.exists():
        _finished(_next(session, whole, running))
    told = f"killed after {[f'{moment:.1f} s' for moment in moments]} of {lasted:.1f} s"
    for name in ("model.safetensors", "training.jsonl"):
        assert (killed / name).read_bytes() == (whole / name).read_bytes(), told
    assert not list(models.glob(f".{core}-killed*"))


def _next(session, whole, running):
    """The process that takes a killed run on: with --resume where it left anything to go on from."""
    name = running.name.split(".")[1]
    if running.exists():
        return _start(session, "--name", name, "--resume")
    return _start("--config", whole / "config.json", "--name", name)
