"""One network for several settings: its weights follow the conditions, and each setting has a linear filter of its own.

A network of any kind is told the conditions by feature-wise modulation: each row of a matrix, that is each feature it makes, is
scaled by ``1 + a c``, and each bias, as well as the read-out, moves by ``d c``; c is the vector of conditions. All a and d are zero
at first, so that it begins as the network of no conditions, and its read-out as zero, so that each setting begins at its own
least-squares filter. Since all is linear in c, the network at one setting is a plain network, as which it is kept and run, and that
between two settings has the mean of their weights.

References
----------
E. Perez et al., "FiLM: visual reasoning with a general conditioning layer", AAAI 2018.
D. Ha, A. Dai, Q. Le, "HyperNetworks", ICLR 2017.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import nn
from torch.func import functional_call

from modeling.cores.core import Core, Material, Run, input_scale
from modeling.cores.descent import Group, Network, descend
from modeling.cores.linear import LinearCore
from modeling.cores.residual import (
    FILTER_RATE,
    GAIN,
    JUDGED_S,
    Chain,
    Residual,
    ResidualCore,
    excerpt,
    network,
    solved_again,
)
from modeling.fidelity import esr_of
from modeling.settings import CONTINUOUS, Setting, coordinate
from signals.errors import ModelError


def vectors(settings: Sequence[Setting]) -> np.ndarray:
    """Conditions of each setting as numbers, shape ``(settings, conditions)``.

    A continuous one lies between -1 and 1; of a named one each value has a place of its own, 1 where it is that.
    """
    columns = []
    for name in settings[0]:
        values = [setting[name] for setting in settings]
        if name in CONTINUOUS:
            at = np.array([coordinate(name, value) for value in values])
            middle, half = (at.max() + at.min()) / 2.0, (at.max() - at.min()) / 2.0
            columns.append((at - middle) / (half or 1.0))
        else:
            columns += [np.array([float(value == own) for value in values]) for own in dict.fromkeys(values)]
    return np.stack(columns, axis=1).astype(np.float32)


class ConditionedResidual(nn.Module):
    """A network whose weights follow the conditions.

    Parameters
    ----------
    inner : Residual
        The network of no conditions.
    conditions : ndarray, shape (settings, conditions)
    """

    conditions: torch.Tensor

    def __init__(self, inner: Residual, conditions: np.ndarray) -> None:
        super().__init__()
        self.inner = inner
        self.register_buffer("conditions", torch.from_numpy(conditions), persistent=False)
        self._held = inner.held()
        self.follow = nn.ParameterList(
            nn.Parameter(torch.zeros(conditions.shape[1], *_shape(name, weight)))
            for name, weight in inner.named_parameters()
        )

    def groups(self) -> list[Group]:
        """What follows the conditions learns as the weight that it moves; it decays towards a network of no conditions."""
        groups = self.inner.groups()
        moves = {id(weight): move for weight, move in zip(self.inner.parameters(), self.follow, strict=True)}
        return [
            *groups,
            *(Group([moves[id(w)] for w in group.parameters], group.rate) for group in groups),
        ]

    def weights(self, setting: int) -> dict[str, torch.Tensor]:
        """Weights of the network at a setting, by name."""
        c, found = self.conditions[setting], {}
        for (name, weight), follow in zip(self.inner.named_parameters(), self.follow, strict=True):
            moved = torch.tensordot(c, follow, 1)
            if follow.shape[1:] != weight.shape:
                found[name] = weight * (1.0 + moved)
            elif name in self._held:
                keeps = torch.ones_like(weight)
                keeps[self._held[name]] = 0.0
                found[name] = weight + keeps * moved
            else:
                found[name] = weight + moved
        return found

    def forward(self, x: torch.Tensor, setting: int) -> torch.Tensor:
        """Residual of scaled input at a setting; see :meth:`Residual.forward`."""
        return functional_call(self.inner, self.weights(setting), (x,))


def _shape(name: str, weight: torch.Tensor) -> tuple[int, ...]:
    """Shape of what moves a weight: one number to a row of a matrix, one to each of a bias and of the read-out."""
    if name.startswith("readout") or weight.numel() == weight.shape[0]:
        return tuple(weight.shape)
    return (weight.shape[0], *(1 for _ in weight.shape[1:]))


class ConditionedChain(Network):
    """A network for all settings, and the filter of each, as they are trained.

    Parameters
    ----------
    linear : sequence of LinearCore
        Where each setting begins.
    scales : sequence of float
        What takes the input of each to the scale of the network.
    """

    def __init__(self, residual: ConditionedResidual, linear: Sequence[LinearCore], scales: Sequence[float]) -> None:
        super().__init__()
        self.residual = residual
        chains = [Chain(residual.inner, each.h, each.ahead, scale) for each, scale in zip(linear, scales, strict=True)]
        self.filters = nn.ParameterList(chain.h for chain in chains)
        self._scales = list(scales)
        self._ahead = linear[0].ahead
        self.before_samples, self.after_samples = chains[0].before_samples, chains[0].after_samples
        self.mixes = residual.inner.mixes

    def groups(self) -> list[Group]:
        """The filters learn slowly."""
        return [*self.residual.groups(), Group(list(self.filters), FILTER_RATE, decays=False)]

    def forward(self, x: torch.Tensor, settings: torch.Tensor) -> torch.Tensor:
        """Response to the inner part of `x`, whose rows belong to settings of these numbers."""
        rows = [self._at(x[number : number + 1], int(setting)) for number, setting in enumerate(settings)]
        return torch.cat(rows)

    def _at(self, x: torch.Tensor, setting: int) -> torch.Tensor:
        inner, scale = self.residual.inner, self._scales[setting]
        straight = x[..., inner.reach - inner.ahead : x.shape[-1] - inner.ahead]
        u, h = straight + self.residual(scale * x, setting) / scale, self.filters[setting]
        size = u.shape[-1]
        return torch.fft.irfft(torch.fft.rfft(u, size) * torch.fft.rfft(h, size), size)[..., h.numel() - 1 :]


def fit(kind: type[Core], materials: Sequence[Material], settings: Sequence[Setting], run: Run) -> list[Core]:
    """Train one network on the material of all settings; gives the core at each.

    Raises
    ------
    ModelError
        See :func:`modeling.cores.descent.descend`.
    """
    if not issubclass(kind, ResidualCore):
        raise ModelError(f"core '{kind.name}' is no network and cannot be told conditions; choose another")
    torch.manual_seed(run.seed)
    quiet = replace(run, log=lambda record: None)  # each filter was told of before
    linear = [LinearCore.fit(material, quiet) for material in materials]
    scales = [GAIN * input_scale(material.reference_dbfs) for material in materials]
    chain = ConditionedChain(ConditionedResidual(network(kind.kind, run), vectors(settings)), linear, scales)
    judged = [excerpt(material.validation, JUDGED_S) for material in materials]

    def judge(network: Network) -> float:
        """Mean over the settings, that none is given up for another."""
        assert isinstance(network, ConditionedChain)
        cores = _cores(kind, network, linear)
        return float(np.mean([esr_of(core.process, pairs) for core, pairs in zip(cores, judged, strict=True)]))

    pairs = [
        replace(pair, conditions={**pair.conditions, "setting": number})
        for number, material in enumerate(materials)
        for pair in material.train
    ]
    descend(chain, replace(materials[0], train=pairs), run, judge)
    return [solved_again(core, material, run) for core, material in zip(_cores(kind, chain, linear), materials, strict=True)]


def _cores(kind: type[ResidualCore], chain: ConditionedChain, linear: Sequence[LinearCore]) -> list[ResidualCore]:
    """The core at each setting of what a chain has become, copied to the CPU."""
    cores = []
    for number, each in enumerate(linear):
        residual = kind.kind(**chain.residual.inner.settings())
        with torch.no_grad():
            weights = {name: weight.detach().cpu().clone() for name, weight in chain.residual.weights(number).items()}
        residual.load_state_dict(weights)
        h = chain.filters[number].detach().cpu().numpy().astype(np.float64)
        cores.append(kind(residual, h, each.ahead, each.sample_rate, each.reference_dbfs))
    return cores
