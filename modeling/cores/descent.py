"""Gradient descent for cores that are networks: one short loop that survives NaN, Ctrl-C and a kill.

The number of steps is set at the start from the time one takes, and every batch is drawn from the seed and the number of its
step. So a run that was cut off at any moment and resumed goes through the very steps it would have gone through anyhow.
"""

import copy
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from modeling.cores import checkpoint
from modeling.cores.augmentation import NOISE_DB, Augmentation
from modeling.cores.batches import Batches
from modeling.cores.core import Material, Progress, Run
from modeling.cores.critic import Critic
from modeling.cores.objective import objective
from modeling.cores.stopping import Stopping
from modeling.cores.team import Team
from modeling.processes import place
from signals.errors import ModelError

RATE = 6e-3
DECAY = 1e-4
"""Of the weights of a network, per unit of the rate."""
WARM_UP_STEPS = 20
CLIP = 1.0
JUDGE_S = 6.0
JUDGE_SHARE = 0.1
"""A network is judged on validation about this often, and less often where that would take more than this part of the time."""
PATIENCE = 0.4
LEAST_JUDGEMENTS = 12
"""A run ends early when no judgement was lower than all before for this part of its steps, and for this many judgements. The
start does not count as one: while the rate is high, a network may well be worse than the filter that it began as."""
CHECKPOINT_S = 10.0
MOST_ROLLBACKS = 8
OVERTIME = 1.3
"""A machine that became slower ends a run at this multiple of its budget."""


class Group(NamedTuple):
    """Parameters that learn alike: the factor on the learning rate, and whether they decay towards zero."""

    parameters: list[nn.Parameter]
    rate: float = 1.0
    decays: bool = True


class Network(nn.Module):
    """What can be trained: maps inputs ``(batch, before + n + after)`` to outputs ``(batch, n)``."""

    before_samples: int
    after_samples: int
    mixes: bool = False
    """Whether it can be trained in mixed precision; a state that is carried on cannot, since it would add up the rounding."""

    def groups(self) -> list[Group]:
        """All parameters."""
        return [Group(list(self.parameters()))]


Judge = Callable[[Network], float]


def device_named(name: str | None) -> torch.device:
    """Where to train: as asked, or on a GPU if there is one; each process of a machine on its own.

    Raises
    ------
    ModelError
        There is no such device.
    """
    if name not in (None, "cpu", "cuda"):
        raise ModelError(f"device '{name}' is unknown; choose cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise ModelError("this machine has no GPU that PyTorch can use (CUDA); train with --device cpu")
    if name == "cpu" or not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", place())


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
    device = device_named(run.device)
    try:
        network.to(device)
        with Team(device) as team, Stopping() as stopping:
            descent = _Descent(network, material, run, team, device, judge)
            descent.start()
            going = True
            while going and descent.step < descent.steps:
                (asked,) = team.any(stopping.asked)
                if asked:
                    descent.keep()
                    raise ModelError(
                        f"training was interrupted at step {descent.step} of {descent.steps}; go on with --resume"
                    )
                going = descent.advance()
    except torch.OutOfMemoryError as error:
        raise ModelError(f"the GPU ran out of memory: {str(error).splitlines()[0]}; train with --device cpu") from error
    except RuntimeError as error:
        asked_for = re.search(r"can't allocate memory: you tried to allocate (\d+) bytes", str(error))
        if asked_for is None:  # PyTorch has no class of its own for the memory of the processor
            raise
        raise ModelError(
            f"there is not enough memory: {int(asked_for[1]) / 2**30:.1f} GiB more were asked for; "
            "train with a smaller --batch, or close other programs"
        ) from error
    network.load_state_dict(descent.best)
    return network.to("cpu").eval()


class _Descent:
    """State of a run."""

    def __init__(
        self, network: Network, material: Material, run: Run, team: Team, device: torch.device, judge: Judge
    ) -> None:
        self._network = network
        self._run = run
        self._team = team
        self._device = device
        self._judge = judge
        self._loss = objective(run.loss)
        self._deceit = run.loss.get("adversarial", 0.0)
        self._critic = Critic(run.seed, device) if self._deceit else None
        self._mixed = _mixes(run.precision, network, device)
        self._batches = Batches(
            material.train,
            network.before_samples,
            network.after_samples,
            material.sample_rate,
            run.seed,
            windows=team.size if run.batch is None else run.batch,
            share=(team.rank, team.size),
            unwarped=run.scheme == "II",
            augmentation=_augmentation(run, material.reference_dbfs),
        )
        self._optimiser = torch.optim.AdamW(
            [
                {"params": group.parameters, "factor": group.rate, "weight_decay": DECAY if group.decays else 0.0}
                for group in network.groups()
            ],
            lr=RATE,
        )
        self._caution = 1.0
        self._rollbacks = 0
        self._records: list[dict[str, Any]] = []
        self.step = 0
        self.steps = 1
        self.best = _copied(network)
        self._best_esr = np.inf
        self._lowest, self._lowest_step = np.inf, 0
        self._judge_every = 1
        self._taken_s, self._started = 0.0, time.monotonic()

    def start(self) -> None:
        """Set out, or go on from the checkpoint."""
        path = self._run.checkpoint
        (resumed,) = self._team.agreed(path is not None and path.exists())
        if resumed and path is not None:
            self._restore(path)
        else:
            self._set_out()
        self._started = self._kept = time.monotonic()
        self._start_step = self.step

    def _set_out(self) -> None:
        """Plan the steps, judge the network as it begins, and keep that."""
        step_s = self._step_time_s()
        steps = self._run.steps or max(WARM_UP_STEPS, round(0.85 * 60.0 * self._run.minutes / step_s))
        began = time.monotonic()
        esr = self._judge(self._network)
        judge_s = time.monotonic() - began
        every = self._run.judge_every or max(1, round(max(JUDGE_S, judge_s / JUDGE_SHARE) / step_s))
        *counts, self._best_esr = self._team.agreed(steps, every, esr)
        self.steps, self._judge_every = (int(count) for count in counts)
        self._tell(
            {
                "step": 0,
                "steps": self.steps,
                "judge_every": self._judge_every,
                "validation_esr": self._best_esr,
                "batch": self._batches.windows,
                "loss": dict(self._run.loss),
                "device": self._device.type,
            }
        )
        self.keep()

    def advance(self) -> bool:
        """Take one step; false when the time is over."""
        loss = self._descend()
        if loss is None:
            self._roll_back()
        self.step += 1
        now = time.monotonic()
        if self.step % self._judge_every == 0 or self.step == self.steps:
            self._judge_now(loss)
        share = (self.step - self._start_step) / max(1, self.steps - self._start_step)
        note = f"step {self.step} of {self.steps}, best ESR {self._best_esr:.5f}"
        self._run.progress(Progress(self.step / self.steps, (now - self._started) * (1.0 / share - 1.0), note))
        (late,) = self._team.any(self._run.steps is None and self._elapsed_s() > OVERTIME * 60.0 * self._run.minutes)
        if (late or self.step == self._run.last_step) and self.step < self.steps:
            self._judge_now(loss)
            self._tell({"step": self.step, "last_step": self.step, "stopped": "time was over before all steps were taken"})
            return False
        if self.step - self._lowest_step > max(PATIENCE * self.steps, LEAST_JUDGEMENTS * self._judge_every):
            self._tell({"step": self.step, "stopped": f"nothing became better since step {self._lowest_step}"})
            return False
        if now - self._kept > CHECKPOINT_S:  # not where a run ends, which would then go on when it is resumed
            self.keep()
            self._kept = now
        return True

    def _elapsed_s(self) -> float:
        """Time that the run has taken, with what it had taken when it was cut off."""
        return self._taken_s + time.monotonic() - self._started

    def _descend(self) -> float | None:
        """One step of AdamW; None where loss or gradient is not finite."""
        for group in self._optimiser.param_groups:
            group["lr"] = RATE * group["factor"] * self._caution * self._schedule()
        batch = self._batches.batch(self.step).to(self._device)
        self._network.train()
        self._optimiser.zero_grad(set_to_none=True)
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._mixed):
            answer = self._network(batch.x, *(() if batch.settings is None else (batch.settings,)))
        answers = self._team.gathered(batch.warped(answer.float()))
        loss = self._loss(batch.y, answers)
        if self._critic is not None:
            loss = loss + self._deceit * self._critic.term(answers)
        torch.autograd.backward(loss)
        self._team.add_gradients(self._network.parameters())
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), CLIP)
        if not (torch.isfinite(loss) and torch.isfinite(norm)):
            return None
        self._optimiser.step()
        if self._critic is not None:
            self._critic.learn(batch.y, answers)
        return float(loss.detach())

    def _schedule(self) -> float:
        """Linear warm-up, then half a cosine down to 1 %."""
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        return warm * (0.01 + 0.99 * 0.5 * (1.0 + np.cos(np.pi * self.step / self.steps)))

    def _judge_now(self, loss: float | None) -> None:
        (esr,) = self._team.agreed(self._judge(self._network) if self._team.rank == 0 else np.nan)
        better = bool(np.isfinite(esr)) and esr < self._best_esr
        self._tell({"step": self.step, "loss": loss, "validation_esr": esr if np.isfinite(esr) else None})
        if esr < self._lowest:
            self._lowest, self._lowest_step = esr, self.step
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
        self._tell({"step": self.step, "rolled_back": self._rollbacks, "rate_factor": self._caution})

    def _tell(self, record: dict[str, Any]) -> None:
        """Log a record, and keep it for the log of a run that goes on from here."""
        self._records.append(record)
        self._run.log(record)

    def _step_time_s(self) -> float:
        """Time of a step, measured on a copy so that the run itself does not depend on it."""
        state, optimiser = _copied(self._network), copy.deepcopy(self._optimiser.state_dict())
        critic = copy.deepcopy(self._critic)
        times = []
        for _ in range(4):
            began = time.perf_counter()
            self._descend()
            times.append(time.perf_counter() - began)
        self._network.load_state_dict(state)
        self._optimiser.load_state_dict(optimiser)
        self._critic = critic
        return float(np.median(times[1:]))

    def keep(self) -> None:
        """Write the checkpoint."""
        if self._run.checkpoint is None or self._team.rank > 0 or not np.isfinite(self._best_esr):
            return
        tensors = {
            **checkpoint.put_under("now", self._network.state_dict()),
            **checkpoint.put_under("best", self.best),
            **checkpoint.put_under("adam", checkpoint.moments_of(self._optimiser)),
            **checkpoint.put_under("critic", {} if self._critic is None else self._critic.tensors()),
        }
        facts = {
            **self._identity(),
            "step": self.step,
            "steps": self.steps,
            "judge_every": self._judge_every,
            "best_esr": self._best_esr,
            "lowest": self._lowest if np.isfinite(self._lowest) else None,
            "lowest_step": self._lowest_step,
            "caution": self._caution,
            "rollbacks": self._rollbacks,
            "taken_s": self._elapsed_s(),
            "log": self._records,
        }
        checkpoint.write(self._run.checkpoint, tensors, facts)

    def _identity(self) -> dict[str, Any]:
        """What has to be the same for a run to go on."""
        return {
            "material": self._batches.fingerprint,
            "seed": self._run.seed,
            "batch": self._batches.windows,
            "loss": dict(self._run.loss),
            "scheme": self._run.scheme,
            "mixed": self._mixed,
            "augment": list(self._run.augment),
        }

    def _restore(self, path: Path) -> None:
        tensors, facts = checkpoint.read(path)
        try:
            changed = [name for name, own in self._identity().items() if facts[name] != own]
            if changed:
                raise ModelError(f"{path} belongs to a run with another {' and '.join(changed)}; train without --resume")
            self._network.load_state_dict(checkpoint.under("now", tensors))
            self.best = {name: tensor.to(self._device) for name, tensor in checkpoint.under("best", tensors).items()}
            checkpoint.set_moments(self._optimiser, checkpoint.under("adam", tensors))
            if self._critic is not None:
                self._critic.restore(checkpoint.under("critic", tensors))
            self.step, self.steps = int(facts["step"]), int(facts["steps"])
            self._judge_every, self._best_esr = int(facts["judge_every"]), float(facts["best_esr"])
            self._lowest = np.inf if facts["lowest"] is None else float(facts["lowest"])
            self._lowest_step = int(facts["lowest_step"])
            self._caution, self._rollbacks = float(facts["caution"]), int(facts["rollbacks"])
            self._taken_s = float(facts["taken_s"])
            for record in facts["log"]:
                self._tell(dict(record))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise checkpoint.foreign(path, error) from error


def _augmentation(run: Run, reference_dbfs: float) -> Augmentation | None:
    if run.augment and run.scheme != "I":
        raise ModelError("windows are varied with dry and wet side by side; train with --scheme I, or without --augment")
    noise = 10.0 ** ((reference_dbfs + NOISE_DB) / 20.0) / np.sqrt(2.0)
    return Augmentation(run.augment, noise, run.seed) if run.augment else None


def _mixes(precision: str, network: Network, device: torch.device) -> bool:
    if precision == "mixed" and not network.mixes:
        raise ModelError("this network carries a state, which bfloat16 would spoil; train it with --precision single")
    return network.mixes and (precision == "mixed" or (precision == "auto" and device.type == "cuda"))


def _copied(network: Network) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
