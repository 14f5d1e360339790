"""A state-transition network: a small dense network says, from sample to sample, what state comes next.

It sees the input, the input before and the state before, and has two hidden layers of tanh. What it says is where each number of
the state moves to, by a share that is learnt for each: a state is a mean of what was said, so that nothing can grow in the loop,
whatever the weights. Output is linear in the upper layer and in the state. Silence stays silent: tanh(z + b) - tanh(b).

References
----------
J. Parker, F. Esqueda, A. Bergner, "Modelling of nonlinear state-space systems using a deep neural network", DAFx-19.
J. Chowdhury, "Real-time physical modelling for analog tape machines", DAFx-19, and its plugin: the same for hysteresis, the state
the magnetisation. :mod:`modeling.stn` has such networks for that law; this one learns from recordings.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from modeling.cores.core import Setting
from modeling.cores.residual import Residual, ResidualCore
from modeling.cores.stretches import WARM_UP, in_stretches
from modeling.cores.transitions import Transitions, run

SLOWEST = 100.0
"""Longest time constant of a state at the start, in samples."""


class StnResidual(Residual):
    """See the module."""

    reach = WARM_UP
    readout: nn.Linear

    def __init__(self, states: int = 8, units: int = 16) -> None:
        super().__init__()
        self._settings: dict[str, Setting] = {"states": states, "units": units}
        self.lower = nn.Linear(2 + states, units)
        self.upper = nn.Linear(units, units)
        self.target = nn.Linear(units, states, bias=False)
        # A sigmoid of this is 1 - exp(-1 / T), for T from 1 to SLOWEST.
        self.pace = nn.Parameter(torch.log(torch.expm1(torch.logspace(0.0, -np.log10(SLOWEST), states))))
        self.readout = nn.Linear(units + states, 1, bias=False)
        nn.init.zeros_(self.readout.weight)

    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""
        return dict(self._settings)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input; see :meth:`Residual.forward`."""
        return in_stretches(x, self._run)

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Residual.begin`."""
        weights = [np.ascontiguousarray(each.detach().numpy().T) for each in self.at_work()]
        readout = self.readout.weight.detach().numpy()[0].copy()
        seen = np.zeros(self.lower.in_features, dtype=np.float32)
        arguments: list[Any] = [*weights, readout, seen]
        return lambda x: run(x.astype(np.float32), *arguments)

    def at_work(self) -> tuple[torch.Tensor, ...]:
        """Weights as :class:`Transitions` takes them."""
        share = torch.sigmoid(self.pace)
        return self.lower.weight, self.lower.bias, self.upper.weight, self.upper.bias, self.target.weight, share

    def _run(self, lanes: torch.Tensor) -> torch.Tensor:
        """All lanes behind their warm-up."""
        x, weights = lanes.T.contiguous(), self.at_work()
        start = torch.zeros(1 + self.pace.numel(), x.shape[1], device=x.device)
        with torch.no_grad():
            _, state = Transitions.apply(x[:WARM_UP], start, *weights)  # type: ignore[no-untyped-call]
            start = torch.cat([x[WARM_UP - 1 : WARM_UP], state[-1]])
        found = Transitions.apply(x[WARM_UP:], start, *weights)  # type: ignore[no-untyped-call]
        return torch.einsum("tul,u->lt", torch.cat(found, dim=1), self.readout.weight[0])


class StnCore(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "stn"
    kind = StnResidual
