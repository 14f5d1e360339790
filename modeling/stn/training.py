"""Training of all networks at once: first each step from the true state, then the free run with its gradient through time."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from modeling.stn.grid import NETWORKS
from modeling.stn.network import FreeRun, coefficients, first_weights
from modeling.stn.paths import Paths, draw_paths

BATCH = 256
WINDOW = 192
SAMPLES = 768
STEP_SIZE = 1e-3
LAST_STEP_SIZE = 1e-5
LONGEST_GRADIENT = 1.0
GUARD_EVERY = 100
REPORT_EVERY = 2000
QUIET = 1e-8
"""Added to the power of a path, so that one that hardly moves does not rule the loss."""


@dataclass(frozen=True)
class Plan:
    """How to train.

    Attributes
    ----------
    paths : int
        Drawn for training; a tenth as many are drawn for validation.
    steps : int
        Of the descent.
    from_truth : float
        Part of it that starts each step from the true state.
    seed : int
        Of the paths, the first weights and the batches.
    """

    paths: int = 6000
    steps: int = 40000
    from_truth: float = 0.1
    seed: int = 0


@dataclass(frozen=True)
class _Tensors:
    middle: torch.Tensor
    step: torch.Tensor
    m: torch.Tensor
    shares: torch.Tensor


def train(plan: Plan, log: Callable[[dict[str, Any]], None] = lambda record: None) -> np.ndarray:
    """Weights ``(networks, weights)``, float32; `log` gets a record of the loss now and then.

    Where a loss or a weight is no number, training goes back to the last weights that were sound, with half the step size.
    """
    rng = np.random.default_rng(plan.seed)
    began = time.monotonic()
    learnt = _tensors(draw_paths(rng, plan.paths, SAMPLES))
    held_out = _tensors(draw_paths(rng, plan.paths // 10, SAMPLES))
    log({"seconds": time.monotonic() - began, "note": f"{plan.paths} paths by NR8"})

    weights = first_weights(plan.seed).requires_grad_()
    optimiser = torch.optim.Adam([weights], lr=STEP_SIZE, betas=(0.9, 0.99))
    sound = weights.detach().clone()
    brake, losses = 1.0, list[float]()
    log({"step": 0, **_validation(weights, held_out)})
    began = time.monotonic()
    for step in range(1, plan.steps + 1):
        part = step / plan.steps
        free = part > plan.from_truth
        for group in optimiser.param_groups:
            group["lr"] = brake * (LAST_STEP_SIZE + 0.5 * (STEP_SIZE - LAST_STEP_SIZE) * (1.0 + np.cos(np.pi * part)))
        loss = _error(weights, _window(learnt, rng), free).sqrt().mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_([weights], LONGEST_GRADIENT)
        optimiser.step()
        losses.append(loss.item())
        if step % GUARD_EVERY == 0:
            if np.isfinite(losses[-GUARD_EVERY:]).all() and bool(torch.isfinite(weights).all()):
                sound = weights.detach().clone()
            else:
                brake *= 0.5
                with torch.no_grad():
                    weights.copy_(sound)
                optimiser.state.clear()
        if step % REPORT_EVERY == 0:
            record = {"step": step, "seconds": time.monotonic() - began, "free": free}
            record["loss"] = float(np.mean(losses[-REPORT_EVERY:]))
            log({**record, **_validation(weights, held_out), "rollbacks": round(-np.log2(brake))})
    return weights.detach().numpy()


def _tensors(paths: Paths) -> _Tensors:
    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))

    way = np.diff(paths.field)
    shares = np.zeros((len(paths.places), NETWORKS))
    for row, place in zip(shares, paths.places, strict=True):
        row[place.corners] = place.shares
    return _Tensors(
        tensor(0.5 * (paths.field[:, 1:] + paths.field[:, :-1]) * np.sign(way)),
        tensor(way / paths.unit[:, None]),
        tensor(paths.magnetisation),
        tensor(shares),
    )


def _window(paths: _Tensors, rng: np.random.Generator) -> _Tensors:
    """Some of the paths, a stretch of each."""
    some = torch.from_numpy(rng.choice(paths.m.shape[0], BATCH, replace=False))
    at = int(rng.integers(0, SAMPLES - WINDOW + 1))
    steps = slice(at, at + WINDOW)
    m = paths.m[some, at : at + WINDOW + 1]
    return _Tensors(paths.middle[some, steps], paths.step[some, steps], m, paths.shares[some])


def _error(weights: torch.Tensor, paths: _Tensors, free: bool) -> torch.Tensor:
    """Power of the error over that of what is to be found ``(batch,)``: steps, or the path without its mean."""
    found = coefficients(paths.shares @ weights, paths.middle, paths.step.abs())
    if free:
        run: torch.Tensor = FreeRun.apply(*found, paths.step, paths.m[:, 0].contiguous())  # type: ignore[no-untyped-call]
        truth = paths.m[:, 1:]
        power = truth.var(dim=1)
    else:
        target, rate, follows = found
        run = paths.step.abs() * (rate * (target - paths.step.sign() * paths.m[:, :-1]).relu() + follows)
        truth = paths.m.diff(dim=1) * paths.step.sign()
        power = truth.square().mean(dim=1)
    return (run - truth).square().mean(dim=1) / (power + QUIET * (1.0 if free else 1e-3))


def _validation(weights: torch.Tensor, held_out: _Tensors) -> dict[str, float]:
    with torch.no_grad():
        error = _error(weights, held_out, free=True).numpy()
    at = (10, 50, 90)
    return {f"esr_{percent}": float(value) for percent, value in zip(at, np.percentile(error, at), strict=True)}
