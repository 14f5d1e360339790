"""What a network is trained on: a weighted sum of errors, the weights by name as in :data:`modeling.losses.WEIGHTS`.

``esr``, ``emphasised`` (ESR after pre-emphasis), ``dc`` and ``l1`` are those of :mod:`modeling.losses`; ``stft`` is the
multi-resolution STFT loss of auraloss (spectral convergence plus logarithmic magnitude); ``log_spectral`` is the log-spectral
distance. ``adversarial`` is no function of two signals: :mod:`modeling.cores.critic` has it.

References
----------
R. Yamamoto, E. Song, J.-M. Kim, "Parallel WaveGAN", ICASSP 2020: the multi-resolution STFT loss.
A. Gray, J. Markel, "Distance measures for speech processing", IEEE Trans. ASSP 24 (1976) 380: the log-spectral distance.
"""

from collections.abc import Callable, Mapping
from functools import cache

import torch

from modeling import losses

FRAME_SAMPLES = 2048
FLOOR_DB = -60.0
"""Of the log-spectral distance."""


@cache
def _multi_resolution() -> torch.nn.Module:
    from auraloss.freq import MultiResolutionSTFTLoss

    return MultiResolutionSTFTLoss()


def _stft(target: torch.Tensor, estimate: torch.Tensor) -> torch.Tensor:
    return _multi_resolution()(estimate[:, None], target[:, None])


def log_spectral(target: torch.Tensor, estimate: torch.Tensor) -> torch.Tensor:
    """Log-spectral distance in units of 10 dB: RMS over frequency, mean over frames.

    What lies :data:`FLOOR_DB` below the mean of the strongest frame counts as lying there: it is noise, which no model follows.
    """
    power, estimated = _power(target), _power(estimate)
    floor = 10.0 ** (FLOOR_DB / 10.0) * power.mean(-1).max() + losses.EPSILON
    log = torch.log10((estimated + floor) / (power + floor))
    return torch.sqrt((log**2).mean(-1) + losses.EPSILON).mean()


def _power(signal: torch.Tensor) -> torch.Tensor:
    """Power spectra, shape ``(batch, frames, frequencies)``."""
    window = torch.hann_window(FRAME_SAMPLES, device=signal.device)
    spectra = torch.stft(signal, FRAME_SAMPLES, window=window, center=False, return_complex=True)
    return (spectra.real**2 + spectra.imag**2).transpose(-1, -2)


Term = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]

FUNCTIONS: dict[str, Term] = {
    "esr": losses.esr,
    "emphasised": lambda target, estimate: losses.esr(losses.emphasised(target), losses.emphasised(estimate)),
    "dc": losses.dc,
    "l1": losses.l1,
    "stft": _stft,
    "log_spectral": log_spectral,
}


def objective(weights: Mapping[str, float]) -> Term:
    """Weighted sum of errors; both signals have shape ``(batch, n)``."""
    terms = [(weight, FUNCTIONS[name]) for name, weight in weights.items() if weight and name in FUNCTIONS]
    return lambda target, estimate: sum(
        (weight * term(target, estimate) for weight, term in terms), start=torch.zeros((), device=target.device)
    )
