"""What all cores that are networks share: ``y = h * (x + r(x))``, a network r before the linear filter h.

Each begins at the least-squares solution: h is the linear filter, and the residual r gives zero at first. Network and filter
are then trained together, and h is solved once more in closed form at the end. A core of this kind is a file with its network,
a :class:`Residual`, and a class that names it.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import nn

from modeling.cores.carried import Carried
from modeling.cores.core import Material, Run, Setting, input_scale
from modeling.cores.descent import Group, Network, descend
from modeling.cores.least_squares import correlate, solve
from modeling.cores.linear import RIDGE, LinearCore
from modeling.fidelity import esr_of
from modeling.pairs import Pair

GAIN = 4.0
"""Networks see the signal so much larger than other cores, a sine at 0 VU at a peak of 1.4, and what they give is taken down
alike: tanh bends from the start, and the first steps, which move all of the read-out, do not drown the signal."""
FILTER_RATE = 0.001
"""Learning rate of h re that of the network: its taps are small and many, and it is solved again in the end."""
JUDGED_S = 12.0


class Residual(nn.Module):
    """A network that answers silence with silence, and everything with silence at first.

    Its constructor takes what :meth:`settings` gives, and has defaults for all of it.

    Attributes
    ----------
    reach : int
        How many samples of input it needs besides those it answers: all that a finite network sees, or enough to warm up the
        state of one that has a state.
    ahead : int
        How many of these lie ahead.
    mixes : bool
        Whether it can be trained in mixed precision; see :class:`modeling.cores.descent.Network`.
    readout : Module
        Its last layer, without bias, zero at first.
    """

    reach: int
    ahead: int = 0
    mixes: bool = False
    readout: nn.Module

    @abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input, shape ``(batch, reach + n)`` to ``(batch, n)``."""

    @abstractmethod
    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence: gives a function from the next samples of scaled input ``(n,)`` to their residual ``(n,)``.

        What it gives with a sample is the residual of the sample `ahead` before.
        """

    @abstractmethod
    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""

    def groups(self) -> list[Group]:
        """Parameters by learning rate."""
        return [Group(list(self.parameters()))]


class Chain(Network):
    """Residual and filter, as they are trained."""

    def __init__(self, residual: Residual, h: np.ndarray, h_ahead: int, scale: float) -> None:
        super().__init__()
        self.residual = residual
        self.h = nn.Parameter(torch.tensor(h, dtype=torch.float32))
        self._scale = scale
        self.before_samples = h.size - 1 - h_ahead + residual.reach - residual.ahead
        self.after_samples = h_ahead + residual.ahead
        self.mixes = residual.mixes

    def groups(self) -> list[Group]:
        """The filter learns slowly."""
        return [*self.residual.groups(), Group([self.h], FILTER_RATE, decays=False)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Response to the inner part of `x`."""
        u = bent(self.residual, x, self._scale)
        size = u.shape[-1]
        full = torch.fft.irfft(torch.fft.rfft(u, size) * torch.fft.rfft(self.h, size), size)
        return full[..., self.h.numel() - 1 :]


def bent(residual: Residual, x: torch.Tensor, scale: float) -> torch.Tensor:
    """``x + r(x)``, shape ``(batch, reach + n)`` to ``(batch, n)``."""
    straight = x[..., residual.reach - residual.ahead : x.shape[-1] - residual.ahead]
    return straight + residual(scale * x) / scale


class ResidualCore(Carried):
    """``h * (x + r(x))``; a subclass names the network.

    Attributes
    ----------
    residual : Residual
    h : ndarray, shape (taps,)
    h_ahead : int
        How many taps of h are look-ahead.
    """

    name: ClassVar[str]
    kind: ClassVar[type[Residual]]

    def __init__(self, residual: Residual, h: np.ndarray, h_ahead: int, sample_rate: int, reference_dbfs: float) -> None:
        self.residual = residual.eval()
        self.h = h
        self.filters = h[None]
        self.h_ahead = h_ahead
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self.scale = GAIN * input_scale(reference_dbfs)
        self.before_samples = residual.reach - residual.ahead
        self.after_samples = residual.ahead

    @property
    def bends(self) -> bool:
        """Whether the residual gives anything."""
        return any(bool(torch.any(weight != 0.0)) for weight in self.residual.readout.parameters())

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future network and filter look."""
        return self.h_ahead + self.residual.ahead

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Carried.begin`."""
        advance = self.residual.begin()
        late = np.zeros(self.residual.ahead)

        def signals(x: np.ndarray) -> np.ndarray:
            nonlocal late
            seen = np.concatenate([late, x])
            late = seen[x.size :]
            return (seen[: x.size] + advance(self.scale * x) / self.scale)[None]

        return signals

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """What the filter sees, as the one feature of a least-squares problem: shape ``(reach + n,)`` to ``(1, n)``."""
        return self.begin()(x)[:, self.residual.reach :]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        weights = {f"residual.{name}": tensor.numpy() for name, tensor in self.residual.state_dict().items()}
        return {"h": self.h, **weights}

    def settings(self) -> dict[str, Setting]:
        """All that is not a weight."""
        own: dict[str, Setting] = {
            "h_ahead": self.h_ahead,
            "sample_rate": self.sample_rate,
            "reference_dbfs": self.reference_dbfs,
        }
        return {**self.residual.settings(), **own}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`."""
        residual = cls.kind()
        residual = cls.kind(**{name: settings[name] for name in residual.settings()})
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
    def fit(cls, material: Material, run: Run) -> Self:
        """Start at the linear filter, descend, then solve the filter again."""
        torch.manual_seed(run.seed)
        linear = LinearCore.fit(material, run)
        chain = Chain(cls.kind(), linear.h, linear.ahead, GAIN * input_scale(material.reference_dbfs))
        judged = _excerpt(material.validation, JUDGED_S)

        def judge(network: Network) -> float:
            assert isinstance(network, Chain)
            return esr_of(cls._of(network, linear).process, judged)

        descend(chain, material, run, judge)
        core = cls._of(chain, linear)
        h = solve(correlate(material.train, core, core.h.size), core.h.size, core.h_ahead, RIDGE)[0]
        solved = cls(core.residual, h, core.h_ahead, core.sample_rate, core.reference_dbfs)
        errors = [esr_of(candidate.process, material.validation) for candidate in (core, solved)]
        run.log({"rung": "filter solved again", "kept": errors[1] < errors[0], "validation_esr": errors[1]})
        return solved if errors[1] < errors[0] else core

    @classmethod
    def _of(cls, chain: Chain, linear: LinearCore) -> Self:
        """A core of what a chain has become, copied to the CPU."""
        residual = cls.kind()
        residual.load_state_dict({name: tensor.cpu() for name, tensor in chain.residual.state_dict().items()})
        h = chain.h.detach().cpu().numpy().astype(np.float64)
        return cls(residual, h, linear.ahead, linear.sample_rate, linear.reference_dbfs)


def _excerpt(pairs: Sequence[Pair], seconds: float) -> list[Pair]:
    """The first pairs that make up the given time."""
    chosen: list[Pair] = []
    for pair in pairs:
        if sum(p.seconds for p in chosen) < seconds:
            chosen.append(pair)
    return chosen
