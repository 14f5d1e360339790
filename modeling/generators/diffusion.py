"""Diffusion of one-dimensional signals: a white signal that a small U-Net has made like that of a deck.

The net learns the measured signal after its spectrum was made flat, and a filter gives it back (:mod:`modeling.generators.shaped`).
Its last layer starts at zero, where a white Gaussian signal is what is drawn; so it begins as the parametric noise of the same
spectrum, and what it learns is the rest: lines that keep their phase, motion that comes and goes, crackle.

It sees a finite stretch, and a sample is the end of a path that white noise at that place determines. So blocks of a fixed grid,
each made with a margin, meet without a seam, and any stretch can be made without the ones before it.

References
----------
T. Karras, M. Aittala, T. Aila, S. Laine, "Elucidating the design space of diffusion-based generative models", NeurIPS 2022:
preconditioning and loss (table 1, for data of variance 1), sampler (algorithm 1).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from modeling.generators.shaped import KEPT, WHITE, Key, colour_of

KERNEL, EMBEDDED = 5, 32
MOST_SIGMA, LEAST_SIGMA, RHO = 20.0, 0.02, 7.0
LOG_SIGMA_MEAN, LOG_SIGMA_SD = -0.4, 1.4
BLOCK, MARGIN, FADE = 4096, 512, 128
COLOUR, DRAWN = "colour", 1 << 16
"""Samples by which a net is told its colour."""
TRAINING_STEPS, BATCH, WINDOW = 400, 8, 1024
RATE, AVERAGED, CLIP = 2e-3, 0.995, 1.0


class Plan(NamedTuple):
    """Size of a net, how it draws, and of how many samples one is made (zeros are between)."""

    channels: int
    depth: int
    steps: int
    every: int


class _Residual(nn.Module):
    """Two convolutions; the noise level sets gain and offset between them."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2 * dilation, dilation=dilation)
        self.second = nn.Conv1d(channels, channels, KERNEL, padding=KERNEL // 2)
        self.level = nn.Linear(EMBEDDED, 2 * channels)

    def forward(self, x: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
        gain, offset = self.level(level)[..., None].chunk(2, dim=1)
        return x + self.second(nn.functional.silu(self.first(x) * (1.0 + gain) + offset))


class UNet(nn.Module):
    """What the preconditioning leaves to be told of a noisy signal, shape (batch, 1, samples), a multiple of 2^depth."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        channels, depth = plan.channels, plan.depth
        self.level = nn.Sequential(nn.Linear(1, EMBEDDED), nn.SiLU(), nn.Linear(EMBEDDED, EMBEDDED), nn.SiLU())
        self.into = nn.Conv1d(1, channels, KERNEL, padding=KERNEL // 2)
        self.down = nn.ModuleList(_Residual(channels) for _ in range(depth))
        self.shrink = nn.ModuleList(nn.Conv1d(channels, channels, 4, stride=2, padding=1) for _ in range(depth))
        self.bottom = nn.ModuleList(_Residual(channels, dilation) for dilation in (1, 2, 4))
        self.stretch = nn.ModuleList(nn.ConvTranspose1d(channels, channels, 4, stride=2, padding=1) for _ in range(depth))
        self.up = nn.ModuleList(_Residual(channels) for _ in range(depth))
        self.out = nn.Conv1d(channels, 1, KERNEL, padding=KERNEL // 2)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor, log_sigma: torch.Tensor) -> torch.Tensor:
        """The same shape; `log_sigma` has that of the batch."""
        level = self.level(log_sigma[:, None] / 4.0)
        x, kept = self.into(x), []
        for block, shrink in zip(self.down, self.shrink, strict=True):
            x = block(x, level)
            kept.append(x)
            x = shrink(x)
        for block in self.bottom:
            x = block(x, level)
        for block, stretch in zip(self.up, self.stretch, strict=True):
            x = block(stretch(x) + kept.pop(), level)
        return self.out(x)


class Diffusion:
    """A :class:`modeling.generators.shaped.Source` whose samples a net has made.

    Parameters
    ----------
    network : UNet
    plan : Plan
    colour : ndarray, shape (bins,)
        See :class:`modeling.generators.shaped.Source`.
    """

    def __init__(self, network: UNet, plan: Plan, colour: np.ndarray = WHITE.colour) -> None:
        self._network = network.eval()
        self._plan = plan
        self.every = plan.every
        self.colour = colour
        self._block = lru_cache(maxsize=KEPT)(self._sampled)

    def read(self, start: int, stop: int, key: Key) -> np.ndarray:
        """Samples `start` to `stop`, shape ``(stop - start,)``."""
        every = self.every
        first, last = -(-start // every), -(-stop // every)
        out = np.zeros(stop - start)
        # So that the variance is 1 in the mean.
        out[first * every - start :: every] = np.sqrt(every) * self._made(first, last, key)
        return out

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name."""
        weights = {name: tensor.numpy() for name, tensor in self._network.state_dict().items()}
        return {"plan": np.array(self._plan), COLOUR: self.colour, **weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Diffusion":
        """Inverse of :meth:`to_arrays`.

        Raises
        ------
        ValueError
            They are no such net.
        """
        plan = Plan(*arrays["plan"].tolist())
        network = UNet(plan)
        try:
            weights = {name: a for name, a in arrays.items() if name not in ("plan", COLOUR)}
            network.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in weights.items()})
        except RuntimeError as error:
            raise ValueError(" ".join(str(error).split())) from error
        return cls(network, plan, arrays.get(COLOUR, WHITE.colour))

    def told(self) -> "Diffusion":
        """The same that knows its colour, by what it draws."""
        drawn = self._made(0, DRAWN, (0,))
        return Diffusion(self._network, self._plan, colour_of(drawn))

    def _made(self, start: int, stop: int, key: Key) -> np.ndarray:
        """Neighbouring blocks go over into one another; they hardly differ where they do."""
        blocks = range((start - FADE) // BLOCK, (stop - 1) // BLOCK + 1)
        whole = np.zeros((len(blocks) + 1) * BLOCK)
        for place, number in enumerate(blocks):
            whole[place * BLOCK :][: BLOCK + FADE] += self._block(key, number)
        return whole[start - blocks.start * BLOCK : stop - blocks.start * BLOCK]

    @torch.inference_mode()
    def _sampled(self, key: Key, number: int) -> np.ndarray:
        """A block and the fade behind it, shape (BLOCK + FADE,)."""
        start = number * BLOCK - MARGIN
        drawn = WHITE.read(start, start + BLOCK + 2 * MARGIN, key).astype(np.float32)
        made = sample(self._network, torch.from_numpy(drawn)[None, None], self._plan.steps)[0, 0].numpy().astype(np.float64)
        rise = (np.arange(FADE) + 0.5) / FADE
        weight = np.concatenate([rise, np.ones(BLOCK - FADE), 1.0 - rise])
        return made[MARGIN : MARGIN + BLOCK + FADE] * weight


def sample(network: UNet, white: torch.Tensor, steps: int) -> torch.Tensor:
    """The end of the path that begins at white noise, shape (batch, 1, samples): Heun's method, algorithm 1 without churn.

    So few steps would change the level of a white signal; the start is scaled so that they leave it as it is.
    """
    ramp = np.linspace(MOST_SIGMA ** (1 / RHO), LEAST_SIGMA ** (1 / RHO), steps) ** RHO
    sigmas = [*ramp.tolist(), 0.0]
    gain = _path(torch.ones(()), sigmas, lambda x, sigma: x * sigma / (sigma**2 + 1.0))

    def slope(x: torch.Tensor, sigma: float) -> torch.Tensor:
        scale = sigma**2 + 1.0
        told = network(x / scale**0.5, torch.full((x.shape[0],), float(np.log(sigma))))
        return x * sigma / scale - told / scale**0.5

    return _path(white / gain, sigmas, slope)


def _path(x: torch.Tensor, sigmas: Sequence[float], slope: Callable[[torch.Tensor, float], torch.Tensor]) -> torch.Tensor:
    for sigma, after in pairwise(sigmas):
        first = slope(x, sigma)
        ahead = x + (after - sigma) * first
        x = ahead if after == 0.0 else x + (after - sigma) * (first + slope(ahead, after)) / 2.0
    return x


def fit(
    signals: Sequence[np.ndarray],
    plan: Plan,
    seed: int = 0,
    steps: int = TRAINING_STEPS,
    progress: Callable[[float], None] = lambda fraction: None,
) -> Diffusion:
    """Learn flat signals of variance 1, shape (samples,) each, from random windows of them.

    Raises
    ------
    ValueError
        None is longer than a window.
    """
    long = [torch.from_numpy(np.ascontiguousarray(s, dtype=np.float32)) for s in signals if s.size > WINDOW]
    if not long:
        raise ValueError(f"no signal has more than {WINDOW} samples")
    random = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network = UNet(plan)
    average = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    share = np.array([s.numel() - WINDOW for s in long], dtype=float)
    for step in range(steps):
        which = random.choice(len(long), BATCH, p=share / share.sum())
        starts = [int(random.integers(long[i].numel() - WINDOW)) for i in which]
        clean = torch.stack([long[i][start : start + WINDOW] for i, start in zip(which, starts, strict=True)])[:, None]
        log_sigma = torch.from_numpy(random.normal(LOG_SIGMA_MEAN, LOG_SIGMA_SD, BATCH).astype(np.float32))
        sigma = log_sigma.exp()[:, None, None]
        noisy = clean + sigma * torch.from_numpy(random.standard_normal(clean.shape).astype(np.float32))
        root = (sigma**2 + 1.0).sqrt()
        # Table 1: the net's target has variance 1 at every level, and counts alike.
        wanted = (clean - noisy / root**2) * root / sigma
        loss = torch.mean((network(noisy / root, log_sigma) - wanted) ** 2)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), CLIP)
        optimiser.step()
        schedule.step()
        kept = min(AVERAGED, (step + 1) / (step + 10))
        for name, tensor in network.state_dict().items():
            average[name].lerp_(tensor, 1.0 - kept)
        progress((step + 1) / steps)
    network.load_state_dict(average)
    return Diffusion(network, plan).told()
