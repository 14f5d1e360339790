"""A temporal convolutional network: dilated convolutions with tanh, each with a read-out of its own.

References
----------
C. Steinmetz, J. Reiss, "Efficient neural networks for real-time modeling of analog dynamic range compression", AES 152 (2022).
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from modeling.cores.core import Setting
from modeling.cores.dilated import Dilated, in_parts, matrix
from modeling.cores.residual import Residual, ResidualCore
from modeling.cores.silent import SilentTanh


class TcnResidual(Residual):
    """See the module."""

    ahead = 64
    mixes = True
    readout: nn.ModuleList

    def __init__(
        self, channels: int = 16, kernel: int = 13, dilations: tuple[int, ...] | list[int] = (1, 4, 16, 64)
    ) -> None:
        super().__init__()
        self._settings: dict[str, Setting] = {"channels": channels, "kernel": kernel, "dilations": list(dilations)}
        widths = [1] + [channels] * len(dilations)
        self.layers = nn.ModuleList(
            nn.Conv1d(width, channels, kernel, dilation=dilation, bias=False)
            for width, dilation in zip(widths[:-1], dilations, strict=True)
        )
        self.bends = nn.ModuleList(SilentTanh(channels, width * kernel) for width in widths[:-1])
        self.readout = nn.ModuleList(nn.Conv1d(channels, 1, 1, bias=False) for _ in dilations)
        for readout in self.readout:
            nn.init.zeros_(readout.weight)  # type: ignore[arg-type]
        self.reach = (kernel - 1) * sum(dilations)

    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""
        return dict(self._settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input; see :meth:`Residual.forward`."""
        wanted = x.shape[-1] - self.reach
        z, parts = x[:, None], []
        for number, (layer, bend, readout) in enumerate(zip(self.layers, self.bends, self.readout, strict=True)):
            fresh = bend(layer(z))
            z = fresh if number == 0 else fresh + z[..., z.shape[-1] - fresh.shape[-1] :]
            parts.append(readout(z[..., z.shape[-1] - wanted :]))
        return torch.stack(parts).sum(dim=0)[:, 0]

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Residual.begin`."""
        each: Any = zip(self.layers, self.bends, self.readout, strict=True)
        layers = [(Dilated(layer), bend.curve(), matrix(readout)) for layer, bend, readout in each]

        def advance(x: np.ndarray) -> np.ndarray:
            z, total = x.astype(np.float32)[None], np.zeros((1, x.size), dtype=np.float32)
            for number, (layer, curve, readout) in enumerate(layers):
                fresh = curve(layer(z))
                z = fresh if number == 0 else fresh + z
                total += readout @ z
            return total[0]

        return in_parts(advance)


class TcnCore(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "tcn"
    kind = TcnResidual
