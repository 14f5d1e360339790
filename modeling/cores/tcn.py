"""A temporal convolutional network before the linear filter: ``y = h * (x + r(x))``.

It begins at the least-squares solution: h is the linear filter, and the residual r, a stack of dilated convolutions, gives zero
at first. Network and filter are then trained together, and h is solved once more in closed form at the end.

References
----------
C. Steinmetz, J. Reiss, "Efficient neural networks for real-time modeling of analog dynamic range compression", AES 152 (2022).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from modeling.cores.core import FiniteMemory, Material, Run, Setting, input_scale
from modeling.cores.descent import Network, descend
from modeling.cores.least_squares import correlate, solve
from modeling.cores.linear import RIDGE, LinearCore, convolve_valid
from modeling.fidelity import esr_of
from modeling.pairs import Pair

CHANNELS = 16
KERNEL = 13
DILATIONS = (1, 4, 16, 64)
AHEAD = 64
"""Look-ahead of the residual."""
FILTER_RATE = 0.02
"""Learning rate of h re that of the network: its taps are small and many."""
JUDGED_S = 12.0


class Residual(nn.Module):
    """Dilated convolutions with tanh, each with a read-out of its own; shape ``(batch, n + reach)`` to ``(batch, n)``."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...]) -> None:
        super().__init__()
        widths = [1] + [channels] * len(dilations)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, channels, kernel, dilation=dilation)
            for width, dilation in zip(widths[:-1], dilations, strict=True)
        )
        self.readouts = nn.ModuleList(nn.Conv1d(channels, 1, 1, bias=False) for _ in dilations)
        for readout in self.readouts:
            nn.init.zeros_(readout.weight)  # type: ignore[arg-type]
        self.reach = (kernel - 1) * sum(dilations)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input."""
        wanted = x.shape[-1] - self.reach
        z, out = x[:, None], 0.0
        silent = torch.zeros_like(x[:1, None])
        for number, (layer, readout) in enumerate(zip(self.layers, self.readouts, strict=True)):
            fresh = torch.tanh(layer(z))
            z = fresh if number == 0 else fresh + z[..., z.shape[-1] - fresh.shape[-1] :]
            # What the layer gives for silence is taken off, so that silence stays silent.
            quiet = torch.tanh(layer(silent))
            silent = quiet if number == 0 else quiet + silent[..., silent.shape[-1] - quiet.shape[-1] :]
            out = out + readout(z[..., z.shape[-1] - wanted :] - silent[..., -1:])
        return out[:, 0]  # type: ignore[index]


class _Chain(Network):
    """Residual and filter, as they are trained."""

    def __init__(self, residual: Residual, h: np.ndarray, h_ahead: int, scale: float) -> None:
        super().__init__()
        self.residual = residual
        self.h = nn.Parameter(torch.tensor(h, dtype=torch.float32))
        self._scale = scale
        self.before_samples = h.size - 1 - h_ahead + residual.reach - AHEAD
        self.after_samples = h_ahead + AHEAD

    def groups(self) -> list[tuple[list[nn.Parameter], float]]:
        """The filter learns slowly."""
        return [(list(self.residual.parameters()), 1.0), ([self.h], FILTER_RATE)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Response to the inner part of `x`."""
        u = _bent(self.residual, x, self._scale)
        size = u.shape[-1]
        full = torch.fft.irfft(torch.fft.rfft(u, size) * torch.fft.rfft(self.h, size), size)
        return full[..., self.h.numel() - 1 :]


def _bent(residual: Residual, x: torch.Tensor, scale: float) -> torch.Tensor:
    """``x + r(x)``, shape ``(batch, reach + n)`` to ``(batch, n)``."""
    straight = x[..., residual.reach - AHEAD : x.shape[-1] - AHEAD]
    return straight + residual(scale * x) / scale


class TcnCore(FiniteMemory):
    """``h * (x + r(x))``.

    Attributes
    ----------
    residual : Residual
    h : ndarray, shape (taps,)
    h_ahead : int
        How many taps of h are look-ahead.
    """

    name: ClassVar[str] = "tcn"
    after_samples = AHEAD

    def __init__(self, residual: Residual, h: np.ndarray, h_ahead: int, sample_rate: int, reference_dbfs: float) -> None:
        self.residual = residual.eval()
        self.h = h
        self.h_ahead = h_ahead
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self.before_samples = residual.reach - AHEAD

    @property
    def bends(self) -> bool:
        """Whether the residual gives anything."""
        return any(bool(torch.any(weight != 0.0)) for weight in self.residual.readouts.parameters())

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks."""
        return self.h_ahead + AHEAD

    @property
    def history_samples(self) -> int:
        """How far into the past the core looks."""
        return self.h.size - 1 - self.h_ahead + self.before_samples

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """What the filter sees, as the one feature of a least-squares problem: shape ``(n + reach,)`` to ``(1, n)``."""
        with torch.no_grad():
            u = _bent(self.residual, torch.from_numpy(x.astype(np.float32))[None], input_scale(self.reference_dbfs))
        return u.numpy().astype(np.float64)

    def respond(self, x: np.ndarray) -> np.ndarray:
        """Output for the inner part of `x`; see :meth:`FiniteMemory.respond`."""
        return convolve_valid(self(x), self.h[None])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        weights = {f"residual.{name}": tensor.numpy() for name, tensor in self.residual.state_dict().items()}
        return {"h": self.h, **weights}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        first = self.residual.layers[0]
        return {
            "channels": int(first.out_channels),  # type: ignore[arg-type]
            "kernel": int(first.kernel_size[0]),  # type: ignore[index]
            "dilations": [int(layer.dilation[0]) for layer in self.residual.layers],  # type: ignore[index]
            "h_ahead": self.h_ahead,
            "sample_rate": self.sample_rate,
            "reference_dbfs": self.reference_dbfs,
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        dilations = tuple(int(dilation) for dilation in settings["dilations"])
        residual = Residual(int(settings["channels"]), int(settings["kernel"]), dilations)
        weights = {
            name.removeprefix("residual."): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith("residual.")
        }
        try:
            residual.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(str(error).splitlines()[-1].strip()) from error
        h = np.asarray(arrays["h"], dtype=np.float64)
        return cls(residual, h, int(settings["h_ahead"]), int(settings["sample_rate"]), float(settings["reference_dbfs"]))

    @classmethod
    def fit(cls, material: Material, run: Run) -> "TcnCore":
        """Start at the linear filter, descend, then solve the filter again."""
        torch.manual_seed(run.seed)
        linear = LinearCore.fit(material, run)
        scale = input_scale(material.reference_dbfs)
        chain = _Chain(Residual(CHANNELS, KERNEL, DILATIONS), linear.h, linear.ahead, scale)
        judged = _excerpt(material.validation, JUDGED_S)

        def core_of(network: Network) -> "TcnCore":
            assert isinstance(network, _Chain)
            on_cpu = Residual(CHANNELS, KERNEL, DILATIONS)
            on_cpu.load_state_dict({name: tensor.cpu() for name, tensor in network.residual.state_dict().items()})
            h = network.h.detach().cpu().numpy().astype(np.float64)
            return TcnCore(on_cpu, h, linear.ahead, material.sample_rate, material.reference_dbfs)

        descend(chain, material, run, lambda network: esr_of(core_of(network).process, judged))
        core = core_of(chain)
        found = correlate(material.train, core, core.h.size)
        solved = TcnCore(
            core.residual,
            solve(found, core.h.size, core.h_ahead, RIDGE)[0],
            core.h_ahead,
            core.sample_rate,
            core.reference_dbfs,
        )
        errors = [esr_of(candidate.process, material.validation) for candidate in (core, solved)]
        run.log({"rung": "filter solved again", "kept": errors[1] < errors[0], "validation_esr": errors[1]})
        return solved if errors[1] < errors[0] else core


def _excerpt(pairs: Sequence[Pair], seconds: float) -> list[Pair]:
    """The first pairs that make up the given time."""
    chosen: list[Pair] = []
    for pair in pairs:
        if sum(p.seconds for p in chosen) < seconds:
            chosen.append(pair)
    return chosen
