"""A bent curve through zero: the activation of networks in which silence stays silent, layer by layer."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn


class SilentTanh(nn.Module):
    """``tanh(z + b) - tanh(b)`` with a bias b for each channel.

    Behind convolutions without bias it makes the same networks as tanh behind convolutions with bias, less their answer to
    silence: the constants that it takes off are what the biases of later layers, or of the read-out, would have taken in.

    Parameters
    ----------
    channels : int
    fan_in : int
        Inputs of each channel; the biases begin as those of a convolution do.
    """

    def __init__(self, channels: int, fan_in: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(channels, 1).uniform_(-1.0, 1.0) * fan_in**-0.5)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Shape ``(batch, channels, n)`` to the same."""
        return torch.tanh(z + self.bias) - torch.tanh(self.bias)

    def curve(self) -> Callable[[np.ndarray], np.ndarray]:
        """The same on arrays, shape ``(channels, n)`` to the same."""
        bias = self.bias.detach().numpy()
        rest = np.tanh(bias)
        return lambda z: np.tanh(z + bias) - rest
