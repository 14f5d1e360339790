"""Gradient descent for cores that are networks: one short loop that survives NaN, Ctrl-C and a kill.

The number of steps is set at the start from the time one takes, and every batch is drawn from the seed and the number of its
step. So a run that was cut off at any moment and resumed goes through the very steps it would have gone through anyhow.
"""

import copy
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as save_tensors
from torch import nn

from modeling.cores.core import Material, Progress, Run
from modeling.losses import training_loss
from modeling.pairs import Pair
from sessions.disk import write_together
from signals.errors import ModelError

BATCH = 4
WINDOW_S = 0.5
RATE = 3e-3
WARM_UP_STEPS = 20
CLIP = 1.0
JUDGE_S = 6.0
"""A network is judged on validation about this often."""
CHECKPOINT_S = 10.0
MOST_ROLLBACKS = 8
OVERTIME = 1.3
"""A machine that became slower ends a run at this multiple of its budget."""


class Network(nn.Module):
    """What can be trained: maps inputs ``(batch, before + n + after)`` to outputs ``(batch, n)``."""

    before_samples: int
    after_samples: int

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """Parameters, with the factor on the learning rate of each group."""
        return [(list(self.parameters()), 1.0)]


Judge = Callable[[Network], float]


def descend(network: Network, material: Material, run: Run, judge: Judge) -> Network:
    """Train a network in place and return its best state on validation.

    Parameters
    ----------
    network : Network
        As it starts; this is its state at step 0.
    judge : callable
        Error on validation.

    Raises
    ------
    ModelError
        Interrupted, the checkpoint does not belong to this run, out of memory, or the fit diverges again and again.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network.to(device)
    descent = _Descent(network, material, run, device, judge)
    try:
        descent.start()
        while descent.step < descent.steps:
            if not descent.advance():
                break
    except KeyboardInterrupt:
        descent.keep()
        raise ModelError(
            f"training was interrupted at step {descent.step} of {descent.steps}; go on with --resume"
        ) from None
    except torch.OutOfMemoryError as error:
        raise ModelError(f"the device ran out of memory: {str(error).splitlines()[0]}; train on the CPU") from error
    network.load_state_dict(descent.best)
    return network.to("cpu").eval()


class _Descent:
    """State of a run."""

    def __init__(self, network: Network, material: Material, run: Run, device: torch.device, judge: Judge) -> None:
        self._network = network
        self._run = run
        self._device = device
        self._judge = judge
        self._batches = _Batches(material.train, network, material.sample_rate, run.seed)
        self._optimiser = torch.optim.Adam(
            [{"params": parameters, "factor": factor} for parameters, factor in network.groups()], lr=RATE
        )
        self._caution = 1.0
        self._rollbacks = 0
        self.step = 0
        self.steps = 1
        self.best = _copied(network)
        self._best_esr = np.inf
        self._judge_every = 1

    def start(self) -> None:
        """Set out, or go on from the checkpoint."""
        if self._run.checkpoint is not None and self._run.checkpoint.exists():
            self._restore(self._run.checkpoint)
        else:
            step_s = self._step_time_s()
            self.steps = max(WARM_UP_STEPS, round(0.85 * 60.0 * self._run.minutes / step_s))
            self._judge_every = max(1, round(JUDGE_S / step_s))
            self._best_esr = self._judge(self._network)
            self._run.log({"step": 0, "steps": self.steps, "validation_esr": self._best_esr})
        self._started = self._kept = time.monotonic()
        self._start_step = self.step

    def advance(self) -> bool:
        """Take one step; false when the time is over."""
        loss = self._descend()
        if loss is None:
            self._roll_back()
        self.step += 1
        now = time.monotonic()
        if self.step % self._judge_every == 0 or self.step == self.steps:
            self._judge_now(loss)
        if now - self._kept > CHECKPOINT_S:
            self.keep()
            self._kept = now
        elapsed = now - self._started
        share = (self.step - self._start_step) / max(1, self.steps - self._start_step)
        note = f"step {self.step} of {self.steps}, best ESR {self._best_esr:.5f}"
        self._run.progress(Progress(self.step / self.steps, elapsed * (1.0 / share - 1.0), note))
        if elapsed > OVERTIME * 60.0 * self._run.minutes and self.step < self.steps:
            self._judge_now(loss)
            self._run.log({"step": self.step, "stopped": "the machine became slower than at the start; time is over"})
            return False
        return True

    def _descend(self) -> float | None:
        """One step of Adam; None where loss or gradient is not finite."""
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * group["factor"] * self._caution * self._schedule()
        x, y = (part.to(self._device) for part in self._batches.batch(self.step))
        self._network.train()
        self._optimiser.zero_grad(set_to_none=True)
        loss = training_loss(y, self._network(x))
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), CLIP)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            return None
        self._optimiser.step()
        return float(loss.detach())

    def _schedule(self) -> float:
        """Linear warm-up, then half a cosine down to 1 %."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return warm * (0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * self.step / self.steps)))

    def _judge_now(self, loss: float | None) -> None:
        esr = self._judge(self._network)
        better = bool(np.isfinite(esr)) and esr < self._best_esr
        self._run.log({"step": self.step, "loss": loss, "validation_esr": esr if np.isfinite(esr) else None})
        if better:
            self.best, self._best_esr = _copied(self._network), esr
        elif not np.isfinite(esr):
            self._roll_back()

    def _roll_back(self) -> None:
        """Go back to the best state, forget the momentum, and go on at half the rate."""
        self._rollbacks += 1
        if self._rollbacks > MOST_ROLLBACKS:
            raise ModelError(f"the fit diverged {self._rollbacks} times, limit {MOST_ROLLBACKS}; try another --seed or core")
        self._network.load_state_dict(self.best)
        self._optimiser.state.clear()
        self._caution *= 0.5
        self._run.log({"step": self.step, "rolled_back": self._rollbacks, "rate_factor": self._caution})

    def _step_time_s(self) -> float:
        """Time of a step, measured on a copy so that the run itself does not depend on it."""
        state, optimiser = _copied(self._network), copy.deepcopy(self._optimiser.state_dict())
        times = []
        for _ in range(4):
            began = time.perf_counter()
            self._descend()
            times.append(time.perf_counter() - began)
        self._network.load_state_dict(state)
        self._optimiser.load_state_dict(optimiser)
        return float(np.median(times[1:]))

    def keep(self) -> None:
        """Write the checkpoint: tensors and JSON, nothing that could be executed."""
        if self._run.checkpoint is None or not np.isfinite(self._best_esr):
            return
        tensors = {f"now.{name}": tensor for name, tensor in self._network.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self.best.items()}
        for index, state in self._optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{index}.{name}": torch.as_tensor(value) for name, value in state.items()}
        facts = {
            "material": self._batches.fingerprint,
            "seed": self._run.seed,
            "step": self.step,
            "steps": self.steps,
            "judge_every": self._judge_every,
            "best_esr": self._best_esr,
            "caution": self._caution,
            "rollbacks": self._rollbacks,
        }
        contents = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        write_together({self._run.checkpoint: save_tensors(contents, {"facts": json.dumps(facts)})})

    def _restore(self, path: Path) -> None:
        try:
            with safe_open(path, "pt") as file:
                facts = json.loads(file.metadata()["facts"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if (facts["material"], facts["seed"]) != (self._batches.fingerprint, self._run.seed):
                raise ModelError(f"{path} belongs to a run on other material or with another seed; train without --resume")
            self._network.load_state_dict(_under(tensors, "now."))
            self.best = {name: tensor.to(self._device) for name, tensor in _under(tensors, "best.").items()}
            state = self._optimiser.state_dict()
            moments: dict[int, dict[str, torch.Tensor]] = {}
            for name, tensor in _under(tensors, "adam.").items():
                index, moment = name.split(".")
                moments.setdefault(int(index), {})[moment] = tensor
            self._optimiser.load_state_dict({**state, "state": moments})
            self.step, self.steps = int(facts["step"]), int(facts["steps"])
            self._judge_every, self._best_esr = int(facts["judge_every"]), float(facts["best_esr"])
            self._caution, self._rollbacks = float(facts["caution"]), int(facts["rollbacks"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise ModelError(f"{path} is no checkpoint of this core: {reason}; train without --resume") from error


class _Batches:
    """Random windows of the training pairs, the more likely the more power they hold."""

    def __init__(self, pairs: Sequence[Pair], network: Network, sample_rate: int, seed: int) -> None:
        self._seed = seed
        self._window = round(WINDOW_S * sample_rate)
        self._before, self._after = network.before_samples, network.after_samples
        self._x: list[np.ndarray] = []
        self._y: list[np.ndarray] = []
        starts, power = [], []
        for number, pair in enumerate(pairs):
            self._x.append(np.pad(pair.dry, (self._before, self._after + self._window)))
            self._y.append(np.pad(pair.wet * pair.mask, (0, self._window)))
            for start in range(0, pair.samples, self._window):
                counted = float(np.mean(self._y[-1][start : start + self._window] ** 2, dtype=np.float64))
                if counted > 0.0 and pair.mask[start : start + self._window].all():
                    starts.append((number, start))
                    power.append(counted)
        if not starts:
            raise ModelError(f"no stretch of {WINDOW_S:g} s is free of gaps; give longer material")
        self._starts = starts
        # Between all alike and by power: loud passages bend most, soft ones are most of the time.
        weight = np.sqrt(power)
        self._weight = weight / weight.sum()
        sums = [float(np.abs(y, dtype=np.float64).sum()) for y in self._y]
        self.fingerprint = [len(starts), self._before, self._after, *(round(s, 6) for s in sums)]

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Inputs ``(batch, before + n + after)`` and targets ``(batch, n)`` of a step."""
        rng = np.random.default_rng([self._seed, step])
        chosen = rng.choice(len(self._starts), BATCH, p=self._weight)
        offsets = rng.integers(-self._window // 4, self._window // 4, BATCH)
        x, y = [], []
        for index, offset in zip(chosen, offsets, strict=True):
            number, start = self._starts[index]
            start = int(np.clip(start + offset, 0, self._y[number].size - self._window))
            x.append(self._x[number][start : start + self._before + self._window + self._after])
            y.append(self._y[number][start : start + self._window])
        return torch.from_numpy(np.stack(x)), torch.from_numpy(np.stack(y))


def _copied(network: Network) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
