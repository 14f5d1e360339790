"""The adversarial term: a network that learns to tell the model's answers from recordings, which the model is to deceive.

Three small critics look at logarithmic spectrograms of three resolutions and give a score to each of a few frames; hinge loss.

References
----------
A. Wright, V. Valimaki, L. Juvela, "Adversarial guitar amplifier modelling with unpaired data", ICASSP 2023: the critics, their
rate and moments.
J. H. Lim, J. C. Ye, "Geometric GAN", arXiv:1705.02894: the hinge loss.
"""

from collections.abc import Mapping

import torch
from torch import nn

from modeling.cores import checkpoint

SIZES = (512, 1024, 2048)
CHANNELS = 32
RATE = 1e-4
MOMENTS = (0.5, 0.9)
FLOOR = 1e-4
"""Magnitudes re full scale below this look alike: they are hiss, which no model follows."""


class _Spectrogram(nn.Module):
    """A critic of one resolution: signals ``(batch, n)`` to scores ``(batch, 1, frames)``."""

    _window: torch.Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self.register_buffer("_window", torch.hann_window(size) / (0.25 * size), persistent=False)
        self._layers = nn.Sequential(
            nn.Conv1d(size // 2 + 1, CHANNELS, 3, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(CHANNELS, CHANNELS, 3, stride=2, padding=1),
            nn.LeakyReLU(0.2),
            nn.Conv1d(CHANNELS, 1, 3, padding=1),
        )

    def forward(self, signal: torch.Tensor) -> torch.Tensor:
        spectra = torch.stft(signal, self._size, self._size // 4, window=self._window, center=False, return_complex=True)
        power = spectra.real**2 + spectra.imag**2
        scores: torch.Tensor = self._layers(0.25 * torch.log(power + FLOOR**2) + 2.0)
        return scores


class Critic:
    """The critics and their own descent.

    Parameters
    ----------
    seed : int
    device : torch.device
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._critics = nn.ModuleList(_Spectrogram(size) for size in SIZES).to(device)
        self._optimiser = torch.optim.Adam(self._critics.parameters(), lr=RATE, betas=MOMENTS)

    def term(self, estimate: torch.Tensor) -> torch.Tensor:
        """What the model is to lower: minus the mean score of its answers, shape ``(batch, n)``."""
        return -torch.stack([critic(estimate).mean() for critic in self._critics]).mean()

    def learn(self, target: torch.Tensor, estimate: torch.Tensor) -> None:
        """One step towards scores above 1 for recordings and below -1 for answers."""
        self._optimiser.zero_grad(set_to_none=True)
        estimate = estimate.detach()
        losses = [
            torch.relu(1.0 - critic(target)).mean() + torch.relu(1.0 + critic(estimate)).mean() for critic in self._critics
        ]
        torch.autograd.backward(torch.stack(losses).mean())
        self._optimiser.step()

    def tensors(self) -> checkpoint.Tensors:
        """State, for a checkpoint."""
        return {
            **checkpoint.put_under("weights", self._critics.state_dict()),
            **checkpoint.put_under("adam", checkpoint.moments_of(self._optimiser)),
        }

    def restore(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """Inverse of :meth:`tensors`."""
        self._critics.load_state_dict(checkpoint.under("weights", tensors))
        checkpoint.set_moments(self._optimiser, checkpoint.under("adam", tensors))
