"""What all cores that are networks share: ``y = h * (x + r(x))``, a network r before the linear filter h.

Each begins at the least-squares solution: h is the linear filter, and the residual r gives zero at first. Network and filter
are then trained together, and h is solved once more in closed form at the end. A core of this kind is a file with its network,
a :class:`Residual`, and a class that names it.
"""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
import torch
from torch import nn

from modeling.cores.carried import Carried, late
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
PREFIX = "residual."
"""Of the names of a residual's weights among those of its core."""


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

    def held(self) -> dict[str, slice]:
        """Parts of its parameters, by name, that stay as they are made, so that silence stays silent."""
        return {}

    @property
    def answers(self) -> bool:
        """Whether it gives anything."""
        return any(bool(torch.any(weight != 0.0)) for weight in self.readout.parameters())

    def at_level(self, reference_dbfs: float) -> Callable[[np.ndarray], np.ndarray]:
        """:meth:`begin`, from input as it comes to residual on its scale."""
        scale, advance = GAIN * input_scale(reference_dbfs), self.begin()
        return lambda x: advance(scale * x) / scale

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {f"{PREFIX}{name}": tensor.numpy() for name, tensor in self.state_dict().items()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: Mapping[str, Any]) -> Self:
        """Inverse of :meth:`to_arrays` and :meth:`settings`, among the arrays and settings of a core.

        Raises
        ------
        KeyError, ValueError
            An array or setting is missing or of the wrong shape.
        """
        residual = cls(**{name: settings[name] for name in cls().settings()})
        weights = {
            name.removeprefix(PREFIX): torch.from_numpy(np.array(array))
            for name, array in arrays.items()
            if name.startswith(PREFIX)
        }
        try:
            residual.load_state_dict(weights)
        except RuntimeError as error:
            raise ValueError(str(error).splitlines()[-1].strip()) from error
        return residual


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

    def signal(self, x: torch.Tensor) -> torch.Tensor:
        """What the filter sees: ``x + r(x)``, shape ``(batch, reach + n)`` to ``(batch, n)``."""
        reach, ahead = self.residual.reach, self.residual.ahead
        return x[..., reach - ahead : x.shape[-1] - ahead] + self.residual(self._scale * x) / self._scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Response to the inner part of `x`."""
        u = self.signal(x)
        size = u.shape[-1]
        full = torch.fft.irfft(torch.fft.rfft(u, size) * torch.fft.rfft(self.h, size), size)
        return full[..., self.h.numel() - 1 :]


class Leftover(Chain):
    """The same, as it is trained for what another core leaves: the filter stays as it is, and only the answer goes through it.

    Parameters
    ----------
    size : float
        What is left re the signal. Answers are counted in it, or the first steps would all but replace the signal.
    """

    def __init__(self, residual: Residual, h: np.ndarray, h_ahead: int, scale: float, size: float) -> None:
        super().__init__(residual, h, h_ahead, scale)
        self.h.requires_grad_(False)
        self._size = size

    def groups(self) -> list[Group]:
        """Those of the network."""
        return self.residual.groups()

    def signal(self, x: torch.Tensor) -> torch.Tensor:
        """``r(x)``."""
        return self.residual(self._scale * x) * (self._size / self._scale)

    def network(self) -> dict[str, torch.Tensor]:
        """Weights of r on the CPU, with the size of its answers in the read-out."""
        weights = {name: tensor.cpu() for name, tensor in self.residual.state_dict().items()}
        return {name: self._size * weight if name.startswith("readout") else weight for name, weight in weights.items()}


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
        return self.residual.answers

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future network and filter look."""
        return self.h_ahead + self.residual.ahead

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Carried.begin`."""
        straight, bent = late(lambda x: x, self.residual.ahead), self.residual.at_level(self.reference_dbfs)
        return lambda x: (straight(x) + bent(x))[None]

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """What the filter sees, as the one feature of a least-squares problem: shape ``(reach + n,)`` to ``(1, n)``."""
        return self.begin()(x)[:, self.residual.reach :]

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Weights by name."""
        return {"h": self.h, **self.residual.to_arrays()}

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
        residual = cls.kind.from_arrays(arrays, settings)
        h = np.asarray(arrays["h"], dtype=np.float64)
        return cls(residual, h, int(settings["h_ahead"]), int(settings["sample_rate"]), float(settings["reference_dbfs"]))

    @classmethod
    def fit(cls, material: Material, run: Run) -> Self:
        """Start at the linear filter, descend, then solve the filter again."""
        torch.manual_seed(run.seed)
        linear = LinearCore.fit(material, run)
        chain = Chain(network(cls.kind, run), linear.h, linear.ahead, GAIN * input_scale(material.reference_dbfs))
        judged = excerpt(material.validation, JUDGED_S)

        def judge(network: Network) -> float:
            assert isinstance(network, Chain)
            return esr_of(cls._of(network, linear).process, judged)

        descend(chain, material, run, judge)
        return solved_again(cls._of(chain, linear), material, run)

    @classmethod
    def _of(cls, chain: Chain, linear: LinearCore) -> Self:
        """A core of what a chain has become, copied to the CPU."""
        residual = cls.kind(**chain.residual.settings())
        residual.load_state_dict({name: tensor.cpu() for name, tensor in chain.residual.state_dict().items()})
        h = chain.h.detach().cpu().numpy().astype(np.float64)
        return cls(residual, h, linear.ahead, linear.sample_rate, linear.reference_dbfs)


C = TypeVar("C", bound=ResidualCore)


def solved_again(core: C, material: Material, run: Run) -> C:
    """A core with its filter solved for what its network gives, where that is better on validation."""
    h = solve(correlate(material.train, core, core.h.size), core.h.size, core.h_ahead, RIDGE)[0]
    solved = type(core)(core.residual, h, core.h_ahead, core.sample_rate, core.reference_dbfs)
    errors = [esr_of(candidate.process, material.validation) for candidate in (core, solved)]
    run.log({"rung": "filter solved again", "kept": errors[1] < errors[0], "validation_esr": errors[1]})
    return solved if errors[1] < errors[0] else core


def network(kind: Callable[..., Residual], run: Run) -> Residual:
    """A network as it begins, of the size that is asked for."""
    return kind() if run.units is None else kind(units=run.units)


def excerpt(pairs: Sequence[Pair], seconds: float) -> list[Pair]:
    """The first pairs that make up the given time."""
    chosen: list[Pair] = []
    for pair in pairs:
        if sum(p.seconds for p in chosen) < seconds:
            chosen.append(pair)
    return chosen
