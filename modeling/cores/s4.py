"""A diagonal state-space network whose features are modulated in time by their own level.

A block: for each channel a bank of damped rotating states (S4D: the state matrix is diagonal, and starts as S4D-Lin does), a
modulation, a mixture of the channels, tanh. Trained as a convolution, run as a recurrence of the same states.

The modulation is that of TFiLM, ``s (1 + gamma(t)) + beta(t)``, with one difference. TFiLM pools features over blocks of a
fixed length and runs a recurrent network over the blocks; what it gives depends on where blocks begin, and a deck does not know
that. Here powers of mixed features are smoothed by one-pole averages of learnt time constants, and gamma and beta are linear in
the logarithms of what comes of it.

References
----------
A. Gu, A. Gupta, K. Goel, C. Re, "On the parameterization and initialization of diagonal state space models", NeurIPS 2022.
S. Birnbaum et al., "Temporal FiLM: capturing long-range sequence dependencies with feature-wise modulations", NeurIPS 2019.
M. Comunita, C. Steinmetz, H. Phan, J. Reiss, "Modelling black-box audio effects with time-varying feature modulation", ICASSP
2023; the same with S4, "NablAFx", arXiv 2502.14405.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numba
import numpy as np
import torch
from scipy.fft import next_fast_len
from torch import nn

from modeling.cores.core import Setting
from modeling.cores.descent import Group
from modeling.cores.residual import Residual, ResidualCore
from modeling.cores.silent import SilentTanh
from modeling.cores.stepping import DIVIDING, awake, sigmoids

KERNEL = 8192
"""Length of the convolutions in training, and the warm-up."""
PART = 64
SLOWEST = 8.0 / KERNEL
"""Least decay per sample: what lies beyond the convolution has faded to 3e-4."""
STATE_RATE = 0.25
"""Learning rate of decays and frequencies re that of the rest."""
QUIETEST = 1e-4
"""Smoothed power at which the logarithm begins to count."""


class _Block(nn.Module):
    """States, modulation, mixture, tanh."""

    def __init__(self, channels: int, states: int, levels: int) -> None:
        super().__init__()
        step = torch.exp(torch.empty(channels, 1).uniform_(np.log(4.0 * SLOWEST), np.log(0.1)))
        self.excess = nn.Parameter(torch.log(0.5 * step - SLOWEST).repeat(1, states))
        self.frequency = nn.Parameter(torch.pi * torch.arange(states) * step)
        self.c = nn.Parameter(torch.randn(2, channels, states) * states**-0.5)
        self.direct = nn.Parameter(torch.ones(channels, 1))
        self.listen = nn.Conv1d(channels, levels, 1, bias=False)
        self.pace = nn.Parameter(torch.log(torch.logspace(-1.3, -2.7, levels) - SLOWEST))
        self.modulate = nn.Conv1d(levels, 2 * channels, 1, bias=False)
        nn.init.zeros_(self.modulate.weight)
        self.mix = nn.Conv1d(channels, channels, 1, bias=False)
        self.bend = SilentTanh(channels, channels)

    @property
    def decay(self) -> torch.Tensor:
        """Decay of every state per sample, shape ``(channels, states)``."""
        return SLOWEST + torch.exp(self.excess)

    @property
    def smoothing(self) -> torch.Tensor:
        """Share of the new in every average, shape ``(levels,)``."""
        return 1.0 - torch.exp(-SLOWEST - torch.exp(self.pace))

    def kernels(self) -> torch.Tensor:
        """Impulse responses of the channels, shape ``(channels, KERNEL)``: ``Re sum_n c_n d_n exp((i w_n - d_n) t)``."""
        pole = torch.complex(-self.decay, self.frequency)
        weight = torch.complex(self.c[0], self.c[1]) * self.decay
        fine = torch.exp(pole[..., None] * torch.arange(PART, device=pole.device))
        coarse = torch.exp(pole[:, None] * (PART * torch.arange(KERNEL // PART, device=pole.device))[:, None])
        return ((weight[:, None] * coarse) @ fine).real.reshape(-1, KERNEL)

    def averages(self) -> torch.Tensor:
        """Impulse responses of the averages, shape ``(levels, KERNEL)``."""
        share = self.smoothing[:, None]
        return share * torch.exp(torch.log1p(-share) * torch.arange(KERNEL, device=share.device))

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Shape ``(batch, channels, n)`` to the same."""
        s = _convolved(z, self.kernels()) + self.direct * z
        power = _convolved(self.listen(s) ** 2, self.averages())
        gamma, beta = self.modulate(torch.log1p(torch.relu(power) / QUIETEST)).chunk(2, dim=1)
        return self.bend(self.mix(s * (1.0 + gamma) + beta))


def _convolved(z: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    n = z.shape[-1]
    size = next_fast_len(n + KERNEL - 1, real=True)
    return torch.fft.irfft(torch.fft.rfft(z, size) * torch.fft.rfft(kernels, size), size)[..., :n]


class S4Residual(Residual):
    """See the module."""

    reach = KERNEL
    readout: nn.Conv1d

    def __init__(self, channels: int = 16, states: int = 8, levels: int = 4, blocks: int = 4) -> None:
        super().__init__()
        self._settings: dict[str, Setting] = {"channels": channels, "states": states, "levels": levels, "blocks": blocks}
        self.widen = nn.Conv1d(1, channels, 1, bias=False)
        self.blocks = nn.ModuleList(_Block(channels, states, levels) for _ in range(blocks))
        self.readout = nn.Conv1d(blocks * channels, 1, 1, bias=False)
        nn.init.zeros_(self.readout.weight)

    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""
        return dict(self._settings)

    def groups(self) -> list[Group]:
        """States learn slowly, and do not decay."""
        states = [getattr(block, name) for block in self.blocks for name in ("excess", "frequency", "pace")]
        known = {id(parameter) for parameter in states}
        return [Group([p for p in self.parameters() if id(p) not in known]), Group(states, STATE_RATE, decays=False)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input; see :meth:`Residual.forward`."""
        z, bent = self.widen(x[:, None]), []
        for block in self.blocks:
            fresh = block(z)
            z = z + fresh
            bent.append(fresh[..., self.reach :])
        return self.readout(torch.cat(bent, dim=1))[:, 0]

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Residual.begin`."""
        with torch.no_grad():
            parts: Any = zip(*(_recurrence(block) for block in self.blocks), strict=True)
            weights = [np.ascontiguousarray(np.stack(part).astype(np.float32)) for part in parts]
            widen = self.widen.weight.numpy()[:, 0, 0].copy()
            readout = self.readout.weight.numpy()[0, :, 0].reshape(len(self.blocks), -1).copy()
        blocks, states, channels = weights[0].shape
        state = np.zeros((blocks, 2, states, channels), dtype=np.float32)
        level = np.zeros(weights[5].shape[:2], dtype=np.float32)
        arguments: list[Any] = [widen, *weights, readout, state, level]
        return lambda x: _run(x.astype(np.float32), *arguments)


class S4Core(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "s4"
    kind = S4Residual


def _recurrence(block: nn.Module) -> list[np.ndarray]:
    """Weights of a block as :func:`_run` takes them."""
    assert isinstance(block, _Block)
    turn = torch.exp(torch.complex(-block.decay, block.frequency)).T
    c = block.c * block.decay
    tensors = (
        turn.real,
        turn.imag,
        c[0].T,
        c[1].T,
        block.direct[:, 0],
        block.listen.weight[..., 0],
        block.smoothing,
        block.modulate.weight[..., 0],
        block.mix.weight[..., 0].T,
        block.bend.bias[:, 0],
    )
    return [tensor.numpy() for tensor in tensors]


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def _run(
    x: np.ndarray,
    widen: np.ndarray,
    turn_re: np.ndarray,
    turn_im: np.ndarray,
    c_re: np.ndarray,
    c_im: np.ndarray,
    direct: np.ndarray,
    listen: np.ndarray,
    smoothing: np.ndarray,
    modulate: np.ndarray,
    mix: np.ndarray,
    bias: np.ndarray,
    readout: np.ndarray,
    state: np.ndarray,
    level: np.ndarray,
) -> np.ndarray:
    """Move the states on by some samples.

    Parameters
    ----------
    x : ndarray, shape (n,)
    turn_re, turn_im, c_re, c_im : ndarray, shape (blocks, states, channels)
    listen : ndarray, shape (blocks, levels, channels)
    modulate : ndarray, shape (blocks, 2 * channels, levels)
    mix : ndarray, shape (blocks, channels in, channels out)
    state, level : ndarray, shapes (blocks, 2, states, channels) and (blocks, levels)
        Changed in place.
    """
    blocks, states, channels = turn_re.shape
    levels = listen.shape[1]
    one, two = np.float32(1.0), np.float32(2.0)
    z, s, mixed, log = np.empty_like(widen), np.empty_like(widen), np.empty_like(widen), np.empty_like(level[0])
    bits = np.empty(channels, dtype=np.int32)
    quiet = two * bias
    for b in range(blocks):
        sigmoids(quiet[b], channels, bits)
    out = np.empty(x.size)
    for t in range(x.size):
        total = np.float32(0.0)
        for h in range(channels):
            z[h] = widen[h] * x[t]
        for b in range(blocks):
            for h in range(channels):
                s[h] = direct[b, h] * z[h]
                mixed[h] = bias[b, h]
            for n in range(states):
                for h in range(channels):
                    re, im = state[b, 0, n, h], state[b, 1, n, h]
                    new = turn_re[b, n, h] * re - turn_im[b, n, h] * im + z[h]
                    new, im = awake(new), awake(turn_re[b, n, h] * im + turn_im[b, n, h] * re)
                    state[b, 0, n, h], state[b, 1, n, h] = new, im
                    s[h] += c_re[b, n, h] * new - c_im[b, n, h] * im
            for k in range(levels):
                heard = np.float32(0.0)
                for h in range(channels):
                    heard += listen[b, k, h] * s[h]
                level[b, k] = awake(level[b, k] + smoothing[b, k] * (heard * heard - level[b, k]))
                log[k] = np.log1p(level[b, k] / np.float32(QUIETEST))
            for i in range(channels):
                gamma, beta = one, np.float32(0.0)
                for k in range(levels):
                    gamma += modulate[b, i, k] * log[k]
                    beta += modulate[b, channels + i, k] * log[k]
                bent = s[i] * gamma + beta
                for h in range(channels):
                    mixed[h] += bent * mix[b, i, h]
            for h in range(channels):
                mixed[h] *= two
            sigmoids(mixed, channels, bits)
            for h in range(channels):
                fresh = two * (mixed[h] - quiet[b, h])
                z[h] += fresh
                total += readout[b, h] * fresh
        out[t] = total
    return out
