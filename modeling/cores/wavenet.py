"""A WaveNet of the standard shape of Neural Amp Modeler: two stacks of ten layers, 16 and 8 channels, dilations 1 to 512.

A layer: a dilated convolution of what comes from below, plus the input itself through a mixer, through tanh; that goes to
the head, and through a 1x1 convolution, added to what came from below, to the layer above. The head of the first stack, 8
channels wide, goes on through the second.

References
----------
A. van den Oord et al., "WaveNet: a generative model for raw audio", arXiv 1609.03499 (2016).
A. Wright, E.-P. Damskagg, L. Juvela, V. Valimaki, "Real-time guitar amplifier emulation with deep learning", Appl. Sci. 10
(2020) 766: the feed-forward form for one device.
Neural Amp Modeler, model file format 0.5: the shape.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from modeling.cores.core import Setting
from modeling.cores.dilated import Dilated, in_parts, matrix
from modeling.cores.residual import Residual, ResidualCore
from modeling.cores.silent import SilentTanh


class _Layer(nn.Module):
    """One dilated layer: below and input to above and head."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, channels, kernel, dilation=dilation, bias=False)
        self.mixer = nn.Conv1d(1, channels, 1, bias=False)
        self.bend = SilentTanh(channels, channels * kernel)
        self.above = nn.Conv1d(channels, channels, 1, bias=False)

    def forward(self, below: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Shapes ``(batch, channels, n + reach)`` and ``(batch, 1, m)`` with m > n to two of ``(batch, channels, n)``."""
        z = self.convolution(below)
        n = z.shape[-1]
        z = self.bend(z + self.mixer(x[..., x.shape[-1] - n :]))
        return below[..., below.shape[-1] - n :] + self.above(z), z

    def begin(self) -> Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Start in silence: the same of the next samples, all of shape ``(channels, n)``."""
        convolution, mixer, above = Dilated(self.convolution), matrix(self.mixer), matrix(self.above)
        curve = self.bend.curve()

        def advance(below: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            z = curve(convolution(below) + mixer * x)
            return below + above @ z, z

        return advance


class _Stack(nn.Module):
    """Layers of one width."""

    def __init__(self, inputs: int, channels: int, kernel: int, dilations: list[int]) -> None:
        super().__init__()
        self.widen = nn.Conv1d(inputs, channels, 1, bias=False)
        self.layers = nn.ModuleList(_Layer(channels, kernel, dilation) for dilation in dilations)

    def forward(self, below: torch.Tensor, x: torch.Tensor, head: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """What goes to the stack above, and what the head has gathered until there."""
        below = self.widen(below)
        for layer in self.layers:
            below, z = layer(below, x)
            head = z if head is None else head[..., head.shape[-1] - z.shape[-1] :] + z
        assert head is not None
        return below, head

    def begin(self) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Start in silence: the same of the next samples; without a head, zeros."""
        each: Any = self.layers
        widen, layers = matrix(self.widen), [layer.begin() for layer in each]

        def advance(below: np.ndarray, x: np.ndarray, head: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            below = widen @ below
            for layer in layers:
                below, z = layer(below, x)
                head = head + z
            return below, head

        return advance


class WavenetResidual(Residual):
    """See the module."""

    ahead = 64
    mixes = True
    readout: nn.Conv1d

    def __init__(
        self, channels: tuple[int, ...] | list[int] = (16, 8), kernel: int = 3, dilations: list[int] | None = None
    ) -> None:
        super().__init__()
        dilations = [2**power for power in range(10)] if dilations is None else dilations
        self._settings: dict[str, Setting] = {"channels": list(channels), "kernel": kernel, "dilations": dilations}
        self.stacks = nn.ModuleList(
            _Stack(below, width, kernel, dilations) for below, width in zip([1, *channels[:-1]], channels, strict=True)
        )
        self.heads = nn.ModuleList(nn.Conv1d(*pair, 1, bias=False) for pair in pairwise(channels))
        self.readout = nn.Conv1d(channels[-1], 1, 1, bias=False)
        nn.init.zeros_(self.readout.weight)
        self.reach = len(channels) * (kernel - 1) * sum(dilations)

    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""
        return dict(self._settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input; see :meth:`Residual.forward`."""
        x = x[:, None]
        below, head = self.stacks[0](x, x, None)
        for stack, gather in zip(self.stacks[1:], self.heads, strict=True):
            below, head = stack(below, x, gather(head))
        return self.readout(head)[:, 0]

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Residual.begin`."""
        each: Any = zip(self.stacks, [None, *self.heads], strict=True)
        stacks = [(stack.begin(), None if head is None else matrix(head)) for stack, head in each]
        readout = matrix(self.readout)

        def advance(x: np.ndarray) -> np.ndarray:
            x = x.astype(np.float32)[None]
            below, head = x, np.zeros_like(x)
            for stack, gather in stacks:
                below, head = stack(below, x, head if gather is None else gather @ head)
            return (readout @ head)[0]

        return in_parts(advance)


class WavenetCore(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "wavenet"
    kind = WavenetResidual
