"""The recursion of a state-transition network, and its gradient carried back in closed form, over many lanes side by side.

From sample to sample, with a share k for each number of the state::

    a = tanh(A (x[t], x[t-1], s) + b) - tanh(b),    c = tanh(C a + d) - tanh(d),    s <- s + k (T c - s)

PyTorch takes a dozen calls for a step of this; here a step is a few loops over the lanes.
"""

from typing import Any

import numba
import numpy as np
import torch

from modeling.cores.stepping import DIVIDING, awake, gather, sigmoids

_HALF, _ONE, _TWO = np.float32(0.5), np.float32(1.0), np.float32(2.0)


class Transitions(torch.autograd.Function):
    """What the upper layer gives, and the states; gradients go to the weights alone."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        start: torch.Tensor,
        lower: torch.Tensor,
        lower_bias: torch.Tensor,
        upper: torch.Tensor,
        upper_bias: torch.Tensor,
        target: torch.Tensor,
        share: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Run all lanes; on the CPU, wherever the network is.

        Parameters
        ----------
        x : Tensor, shape (samples, lanes)
        start : Tensor, shape (1 + states, lanes)
            Input and state before the first sample.
        lower, upper, target : Tensor, shapes (units, 2 + states), (units, units) and (states, units)
        share : Tensor, shape (states,)

        Returns
        -------
        tuple of Tensor, shapes (samples, units, lanes) and (samples, states, lanes)
        """
        weights = [each.detach().cpu().numpy() for each in (lower, lower_bias, upper, upper_bias, target, share)]
        samples, lanes = x.shape
        seen = np.empty((samples + 1, lower.shape[1], lanes), dtype=np.float32)
        seen[:-1, 0], seen[1:, 1] = x.cpu().numpy(), x.cpu().numpy()
        seen[0, 1:] = start.cpu().numpy()
        below, above = (np.empty((samples, upper.shape[0], lanes), dtype=np.float32) for _ in range(2))
        arguments: list[Any] = [seen, *weights, below, above]
        _forward(*arguments)
        ctx.found, ctx.weights = (seen, below, above), weights
        return tuple(torch.from_numpy(each).to(x.device) for each in (above, seen[1:, 2:]))  # type: ignore[return-value]

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Gradients by the weights."""
        by_above, by_state = (grad.cpu().contiguous().numpy() for grad in grads)
        seen, below, above = ctx.found
        _, lower_bias, _, upper_bias, *_ = ctx.weights
        into_lower, into_upper = np.empty_like(below), np.empty_like(above)
        moved = np.empty_like(by_state)
        offsets = np.zeros((2, *below.shape[1:]), dtype=np.float32)
        by_share = np.zeros_like(by_state[0])
        found = into_lower, into_upper, moved, offsets, by_share
        arguments: list[Any] = [by_above, by_state, seen, below, above, *ctx.weights, *found]
        _backward(*arguments)
        summed = [
            np.tensordot(into_lower, seen[:-1], ((0, 2), (0, 2))),
            into_lower.sum(axis=(0, 2)) - offsets[0].sum(axis=1) * (1.0 - np.tanh(lower_bias) ** 2),
            np.tensordot(into_upper, below, ((0, 2), (0, 2))),
            into_upper.sum(axis=(0, 2)) - offsets[1].sum(axis=1) * (1.0 - np.tanh(upper_bias) ** 2),
            np.tensordot(moved, above, ((0, 2), (0, 2))),
            by_share.sum(axis=1),
        ]
        return None, None, *(torch.from_numpy(each).to(grads[0].device) for each in summed)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _forward(
    seen: np.ndarray,
    lower: np.ndarray,
    lower_bias: np.ndarray,
    upper: np.ndarray,
    upper_bias: np.ndarray,
    target: np.ndarray,
    share: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
) -> None:
    """Fill `below` and `above`, and the states in `seen`, shape ``(samples + 1, (input, input before, states), lanes)``."""
    samples, units, lanes = below.shape
    rests = np.tanh(lower_bias), np.tanh(upper_bias)
    bits = np.empty(units * lanes, dtype=np.int32)
    said = np.empty((share.size, lanes), dtype=np.float32)
    for t in range(samples):
        _multiplied(lower, seen[t], below[t])
        _bent(below[t], lower_bias, rests[0], bits)
        _multiplied(upper, below[t], above[t])
        _bent(above[t], upper_bias, rests[1], bits)
        _multiplied(target, above[t], said)
        for i in range(share.size):
            before, after = seen[t, 2 + i], seen[t + 1, 2 + i]
            for lane in range(lanes):
                after[lane] = before[lane] + share[i] * (said[i, lane] - before[lane])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _backward(
    by_above: np.ndarray,
    by_state: np.ndarray,
    seen: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
    lower: np.ndarray,
    lower_bias: np.ndarray,
    upper: np.ndarray,
    upper_bias: np.ndarray,
    target: np.ndarray,
    share: np.ndarray,
    into_lower: np.ndarray,
    into_upper: np.ndarray,
    moved: np.ndarray,
    offsets: np.ndarray,
    by_share: np.ndarray,
) -> None:
    """Fill the gradients of what goes into the layers, of what the network says of the states, and the sums over time."""
    samples, units, lanes = below.shape
    states = share.size
    rests = np.tanh(lower_bias), np.tanh(upper_bias)
    from_states = np.ascontiguousarray(lower[:, 2:].T)
    from_units, from_target = np.ascontiguousarray(upper.T), np.ascontiguousarray(target.T)
    carried = np.zeros((states, lanes), dtype=np.float32)
    back, more = np.empty((units, lanes), dtype=np.float32), np.empty((states, lanes), dtype=np.float32)
    for t in range(samples - 1, -1, -1):
        for i in range(states):
            before, after = seen[t, 2 + i], seen[t + 1, 2 + i]
            for lane in range(lanes):
                by = carried[i, lane] + by_state[t, i, lane]
                by_share[i, lane] += by * (after[lane] - before[lane]) / share[i]
                moved[t, i, lane] = share[i] * by
                carried[i, lane] = (_ONE - share[i]) * by
        _multiplied(from_target, moved[t], back)
        for j in range(units):
            for lane in range(lanes):
                by = back[j, lane] + by_above[t, j, lane]
                offsets[1, j, lane] += by
                into_upper[t, j, lane] = by * (_ONE - (above[t, j, lane] + rests[1][j]) ** 2)
        _multiplied(from_units, into_upper[t], back)
        for j in range(units):
            for lane in range(lanes):
                offsets[0, j, lane] += back[j, lane]
                into_lower[t, j, lane] = back[j, lane] * (_ONE - (below[t, j, lane] + rests[0][j]) ** 2)
        _multiplied(from_states, into_lower[t], more)
        for i in range(states):
            for lane in range(lanes):
                carried[i, lane] += more[i, lane]


@numba.njit(cache=True, fastmath=True, nogil=True)
def _multiplied(matrix: np.ndarray, x: np.ndarray, out: np.ndarray) -> None:
    """``out = matrix @ x``, along the lanes."""
    rows, inputs = matrix.shape
    whole = inputs - inputs % 2
    for j in range(rows):
        y, w = out[j], matrix[j]
        for lane in range(y.size):
            y[lane] = 0.0
        for i in range(0, whole, 2):
            for lane in range(y.size):
                y[lane] += w[i] * x[i, lane] + w[i + 1] * x[i + 1, lane]
        for i in range(whole, inputs):
            for lane in range(y.size):
                y[lane] += w[i] * x[i, lane]


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def _bent(z: np.ndarray, bias: np.ndarray, rest: np.ndarray, bits: np.ndarray) -> None:
    """``tanh(z + bias) - rest`` in place."""
    units, lanes = z.shape
    for j in range(units):
        for lane in range(lanes):
            z[j, lane] = _TWO * (z[j, lane] + bias[j])
    sigmoids(z.reshape(-1), units * lanes, bits)
    for j in range(units):
        for lane in range(lanes):
            z[j, lane] = _TWO * z[j, lane] - _ONE - rest[j]


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def run(
    x: np.ndarray,
    lower: np.ndarray,
    lower_bias: np.ndarray,
    upper: np.ndarray,
    upper_bias: np.ndarray,
    target: np.ndarray,
    share: np.ndarray,
    readout: np.ndarray,
    seen: np.ndarray,
) -> np.ndarray:
    """The same of one signal, and what is read out of it.

    Parameters
    ----------
    x : ndarray, shape (n,)
    lower, upper, target : ndarray, shapes (2 + states, units), (units, units) and (units, states)
        Inputs along the first axis.
    readout : ndarray, shape (units + states,)
    seen : ndarray, shape (2 + states,)
        Input, input before, states; changed in place.
    """
    units, states = upper.shape[0], share.size
    bits = np.empty(units, dtype=np.int32)
    below, above, said = np.empty_like(lower_bias), np.empty_like(upper_bias), np.empty_like(share)
    nothing, none = np.zeros_like(share), np.zeros_like(lower_bias)
    # By the same function as below, or silence would not be silent to the last bit.
    rests = lower_bias.copy(), upper_bias.copy()
    for rest in rests:
        _bent_one(rest, none, bits)
        for j in range(units):
            rest[j] *= _HALF
    out = np.empty(x.size)
    for t in range(x.size):
        seen[1], seen[0] = seen[0], x[t]
        gather(seen, lower, lower_bias, below)
        _bent_one(below, rests[0], bits)
        gather(below, upper, upper_bias, above)
        _bent_one(above, rests[1], bits)
        gather(above, target, nothing, said)
        total = np.float32(0.0)
        for j in range(units):
            total += readout[j] * above[j]
        for i in range(states):
            seen[2 + i] = awake(seen[2 + i] + share[i] * (said[i] - seen[2 + i]))
            total += readout[units + i] * seen[2 + i]
        out[t] = total
    return out


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def _bent_one(z: np.ndarray, rest: np.ndarray, bits: np.ndarray) -> None:
    """In place: of z, already biased, tanh less its rest, which is given as the sigmoid of twice the bias."""
    for j in range(z.size):
        z[j] *= _TWO
    sigmoids(z, z.size, bits)
    for j in range(z.size):
        z[j] = _TWO * (z[j] - rest[j])
