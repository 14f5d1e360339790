"""A delay line through which gradients go: a signal read between its samples by windowed sinc, as analysis reads recordings."""

import torch

from analysis.dewarp import FAST_BETA, FAST_HALF_TAPS

MARGIN = FAST_HALF_TAPS
"""Samples of signal that a reading needs on either side."""


def read_at(signal: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Values of a signal at fractional positions, differentiable in both; see :func:`analysis.dewarp.interpolate_fast`.

    Parameters
    ----------
    signal : Tensor, shape (batch, n)
        Error below -80 dB re a sine up to 0.4 of the sample rate.
    positions : Tensor, shape (batch, m), float64
        In samples, 0 being the first, from :data:`MARGIN` - 1 to n - 1 - :data:`MARGIN`.

    Returns
    -------
    Tensor, shape (batch, m)
    """
    whole = positions.detach().floor()
    offsets = torch.arange(1 - MARGIN, MARGIN + 1, device=signal.device)
    distance = offsets - (positions - whole).to(signal.dtype)[..., None]
    inside = (1.0 - (distance / MARGIN) ** 2).clamp_min(1e-12)  # a root has no slope at zero
    taps = torch.sinc(distance) * torch.special.i0(FAST_BETA * torch.sqrt(inside))
    taps = taps / taps.sum(-1, keepdim=True)
    rows = torch.arange(signal.shape[0], device=signal.device)[:, None]
    return (signal.unfold(-1, 2 * MARGIN, 1)[rows, whole.long() + 1 - MARGIN] * taps).sum(-1)
