"""All networks of the grid as one model.

A step of the field from h - d to h, d > 0 after the signs of h, d and m have been turned together (the law is odd), moves the
magnetisation by

    m <- m + d [G max(0, T - m) + R],    z = W (h - d/2, d),    w = 1/sqrt(1 + z^2),
    T = t . (z w),    G = (1 + softsign(g . w + g_0))/4,    R = (r . w + r_0)^2.

T is where pinning lets go, the ramp is its rest after a turn, R is what follows without loss; in the law itself T is odd and G
and R are even in h, as they are here for small d. The network sees the field alone, so that it runs beside the recursion, over
many samples at once. Since d < 2 and 0 < G < 1/2, a step takes two states that differ by e to states that differ by at most e:
nothing that happens in the loop can grow.
"""

from typing import Any

import numba
import numpy as np
import torch

from modeling.deck.hysteresis import langevin
from modeling.stn.grid import HIDDEN, LARGEST, MOST_RATE, NETWORKS, ROWS, node, unit

SCALES = (0.05, 4.0)
RIDGE = 1e-7
_ONE = torch.ones(())


def first_weights(seed: int) -> torch.Tensor:
    """Weights ``(networks, weights)`` to start from, by least squares.

    They are the law for steps without length and materials without coupling: T = L(x), G = 1/k and R = c L'(x), in the units of
    the step. The hidden layer is drawn, the same for all, so that means between networks make sense.
    """
    rng = np.random.default_rng(seed)
    scales = np.geomspace(*SCALES, HIDDEN) * np.exp(rng.normal(0.0, 0.1, HIDDEN))
    by_step = rng.normal(0.0, 0.05, HIDDEN)
    x = np.geomspace(0.01, LARGEST, 400)
    law = np.array([langevin(each) for each in x])
    even = 1.0 / np.sqrt(1.0 + np.outer(x, scales) ** 2)
    to_target = _least_squares(even * np.outer(x, scales), law[:, 0])
    to_free = _least_squares(np.column_stack([even, np.ones(x.size)]), np.sqrt(law[:, 1]))
    weights = []
    for material in map(node, range(NETWORKS)):
        root = np.sqrt(material.reversible * unit(material))
        share = 2.0 * unit(material) / material.pinning_ka_m / MOST_RATE - 1.0
        rate = share / (1.0 - abs(share))
        rows = [scales, by_step, to_target, np.zeros(HIDDEN), root * to_free[:-1], [rate, root * to_free[-1]]]
        weights.append(np.concatenate(rows))
    return torch.from_numpy(np.array(weights, dtype=np.float32))


def _least_squares(features: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Ridge least squares of the relative error."""
    features = features / wanted[:, None]
    gram = features.T @ features
    return np.asarray(np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), features.sum(axis=0)))


class _Bend(torch.autograd.Function):
    """z/sqrt(1 + z^2) and 1/sqrt(1 + z^2)."""

    @staticmethod
    def forward(ctx: Any, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        even = torch.addcmul(_ONE, z, z).rsqrt_()
        odd = z * even
        ctx.save_for_backward(odd, even)
        return odd, even

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> torch.Tensor:
        odd, even = ctx.saved_tensors
        return (grads[0] * even - grads[1] * odd).mul_(even).mul_(even)


def coefficients(weights: torch.Tensor, middle: torch.Tensor, step: torch.Tensor) -> tuple[torch.Tensor, ...]:
    """T, G and R ``(batch, samples)``, by a network each, of fields in units of a and steps in their unit, of that shape too."""
    rows = weights[:, : ROWS * HIDDEN].view(-1, ROWS, HIDDEN)
    z = torch.bmm(rows[:, :2].transpose(1, 2), torch.stack([middle, step], dim=1))
    odd, even = _Bend.apply(z)  # type: ignore[no-untyped-call]
    target = torch.bmm(rows[:, 2:3], odd).squeeze(1)
    rate, follows = torch.baddbmm(weights[:, ROWS * HIDDEN :, None], rows[:, 3:], even).unbind(1)
    return target, 0.5 * MOST_RATE * (1.0 + torch.nn.functional.softsign(rate)), follows.square()


class FreeRun(torch.autograd.Function):
    """The recursion, its gradient carried back in closed form."""

    @staticmethod
    def forward(
        ctx: Any, target: torch.Tensor, rate: torch.Tensor, free: torch.Tensor, step: torch.Tensor, start: torch.Tensor
    ) -> torch.Tensor:
        """Magnetisation ``(batch, samples)`` from T, G, R, signed steps and the states before the first step ``(batch,)``."""
        m = torch.empty_like(target, requires_grad=False)
        found = np.stack([each.numpy(force=True) for each in (target, rate, free)])
        _forward(found, step.numpy(), start.numpy(), m.numpy())
        ctx.save_for_backward(target, rate, step, start, m)
        return m

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients by T, G and R."""
        target, rate, step, start, m = (tensor.numpy(force=True) for tensor in ctx.saved_tensors)
        by = np.empty((3, *m.shape), dtype=m.dtype)
        _backward(target, rate, step, start, m, grads[0].contiguous().numpy(), by)
        return *torch.from_numpy(by).unbind(0), None, None


@numba.njit(cache=True)
def _forward(found: np.ndarray, step: np.ndarray, start: np.ndarray, m: np.ndarray) -> None:
    for path in range(m.shape[0]):
        last = start[path]
        for i in range(m.shape[1]):
            d = abs(step[path, i])
            s = np.sign(step[path, i])
            last += s * d * (found[1, path, i] * max(found[0, path, i] - s * last, 0.0) + found[2, path, i])
            m[path, i] = last


@numba.njit(cache=True)
def _backward(
    target: np.ndarray,
    rate: np.ndarray,
    step: np.ndarray,
    start: np.ndarray,
    m: np.ndarray,
    grad: np.ndarray,
    by: np.ndarray,
) -> None:
    for path in range(target.shape[0]):
        carried = 0.0
        for i in range(target.shape[1] - 1, -1, -1):
            carried += grad[path, i]
            last = m[path, i - 1] if i else start[path]
            d = abs(step[path, i])
            s = np.sign(step[path, i])
            pinned = max(target[path, i] - s * last, 0.0)
            moves = rate[path, i] if pinned > 0.0 else 0.0
            by[0, path, i] = carried * s * d * moves
            by[1, path, i] = carried * s * d * pinned
            by[2, path, i] = carried * s * d
            carried *= 1.0 - d * moves
