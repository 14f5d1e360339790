"""Recurrent networks: ``gru`` of 64 units, the published baseline for a tape recorder, and ``lstm`` of 24 or 40.

They learn on stretches behind a warm-up (:mod:`modeling.cores.stretches`). Run on a signal, the state is carried from the first
sample to the last.

Units start with time constants from one sample to 2 ms, set by the biases of the gates that keep the state. As PyTorch sets
these, every unit forgets within two samples, and what the emphasis of a tape recorder does is out of its sight.

What a cell writes into its state has no bias, only its gates have: the state at rest is zero, and silence stays silent.

References
----------
O. Mikkonen, A. Wright, E. Moliner, V. Valimaki, "Neural modeling of magnetic tape recorders", DAFx23: the GRU.
C. Tallec, Y. Ollivier, "Can recurrent neural networks warp time?", ICLR 2018: the biases.
A. Wright, E.-P. Damskagg, V. Valimaki, "Real-time black-box modelling with recurrent neural networks", DAFx-19: the LSTM.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar

import numba
import numpy as np
import torch
from torch import nn

from modeling.cores.core import Setting
from modeling.cores.residual import Residual, ResidualCore
from modeling.cores.stepping import DIVIDING, awake, gather, sigmoids
from modeling.cores.stretches import WARM_UP, in_stretches

SLOWEST = 100.0
"""Longest time constant at the start, in samples."""

_ONE, _TWO = np.float32(1.0), np.float32(2.0)


class _Recurrent(Residual):
    """One layer and a linear read-out."""

    reach = WARM_UP
    readout: nn.Linear

    def __init__(self, layer: nn.GRU | nn.LSTM) -> None:
        super().__init__()
        self.layer = layer
        units = layer.hidden_size
        self.readout = nn.Linear(units, 1, bias=False)
        nn.init.zeros_(self.readout.weight)
        # A sigmoid of twice this is exp(-1 / T), for T from 1 to SLOWEST.
        keep = -0.5 * torch.log(torch.expm1(torch.logspace(0.0, -np.log10(SLOWEST), units)))
        for name in ("bias_ih_l0", "bias_hh_l0"):
            bias: Any = getattr(layer, name)
            # PyTorch puts what keeps the state second, behind reset or input, and what is written into it third.
            bias.data[units : 2 * units] = keep
            bias.data[2 * units : 3 * units] = 0.0
            if isinstance(layer, nn.LSTM):
                bias.data[:units] = -keep  # as much comes in as is forgotten; a GRU cannot do otherwise
            bias.register_hook(partial(_without_third, units=units))

    def held(self) -> dict[str, slice]:
        """What is written into the state has no bias."""
        units = self.layer.hidden_size
        return {f"layer.{name}": slice(2 * units, 3 * units) for name in ("bias_ih_l0", "bias_hh_l0")}

    def settings(self) -> dict[str, Setting]:
        """Arguments of the constructor."""
        return {"units": self.layer.hidden_size}

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Residual of scaled input; see :meth:`Residual.forward`."""
        return in_stretches(x, self._run)

    def _run(self, lanes: torch.Tensor) -> torch.Tensor:
        """All lanes behind their warm-up."""
        with torch.no_grad():
            _, state = self.layer(lanes[:, :WARM_UP, None])
        out, _ = self.layer(lanes[:, WARM_UP:, None], state)
        return self.readout(out)[..., 0]

    def begin(self) -> Callable[[np.ndarray], np.ndarray]:
        """Start in silence; see :meth:`Residual.begin`."""
        weights = {name: tensor.numpy() for name, tensor in self.layer.state_dict().items()}
        inwards, across = weights["weight_ih_l0"][:, 0].copy(), weights["weight_hh_l0"].T.copy()
        biases = weights["bias_ih_l0"].copy(), weights["bias_hh_l0"].copy()
        readout = self.readout.weight.detach().numpy()[0].copy()
        state = np.zeros((2, readout.size), dtype=np.float32)
        run = _run_gru if isinstance(self.layer, nn.GRU) else _run_lstm
        return lambda x: run(x.astype(np.float32), inwards, across, *biases, readout, state)


def _without_third(gradient: torch.Tensor, units: int) -> torch.Tensor:
    """Gradient of a bias less what would move its third part."""
    held = gradient.clone()
    held[2 * units : 3 * units] = 0.0
    return held


class GruResidual(_Recurrent):
    """Gated recurrent units."""

    def __init__(self, units: int = 64) -> None:
        super().__init__(nn.GRU(1, units, batch_first=True))


class LstmResidual(_Recurrent):
    """Long short-term memory."""

    def __init__(self, units: int = 40) -> None:
        super().__init__(nn.LSTM(1, units, batch_first=True))


class GruCore(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "gru"
    kind = GruResidual


class LstmCore(ResidualCore):
    """See the module."""

    name: ClassVar[str] = "lstm"
    kind = LstmResidual


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def _run_gru(
    x: np.ndarray,
    inwards: np.ndarray,
    across: np.ndarray,
    bias: np.ndarray,
    bias_across: np.ndarray,
    readout: np.ndarray,
    state: np.ndarray,
) -> np.ndarray:
    """Move the state on by some samples; gates in the order reset, update, new.

    Parameters
    ----------
    x : ndarray, shape (n,)
    inwards, bias, bias_across : ndarray, shape (3 * units,)
    across : ndarray, shape (units, 3 * units)
    readout : ndarray, shape (units,)
    state : ndarray, shape (2, units)
        Changed in place; the second row is not in use.
    """
    units = readout.size
    h = state[0]
    sums, gates, new = np.empty_like(bias), np.empty_like(bias), np.empty(units, dtype=np.float32)
    bits = np.empty(bias.size, dtype=np.int32)
    out = np.empty(x.size)
    for t in range(x.size):
        gather(h, across, bias_across, sums)
        for i in range(2 * units):
            gates[i] = sums[i] + inwards[i] * x[t] + bias[i]
        sigmoids(gates, 2 * units, bits)
        for i in range(units):
            k = 2 * units + i
            new[i] = _TWO * (inwards[k] * x[t] + bias[k] + gates[i] * sums[k])
        sigmoids(new, units, bits)
        total = np.float32(0.0)
        for i in range(units):
            tanh = _TWO * new[i] - _ONE
            h[i] = awake(tanh + gates[units + i] * (h[i] - tanh))
            total += readout[i] * h[i]
        out[t] = total
    return out


@numba.njit(cache=True, fastmath=DIVIDING, nogil=True, error_model="numpy")
def _run_lstm(
    x: np.ndarray,
    inwards: np.ndarray,
    across: np.ndarray,
    bias: np.ndarray,
    bias_across: np.ndarray,
    readout: np.ndarray,
    state: np.ndarray,
) -> np.ndarray:
    """As :func:`_run_gru`; gates in the order input, forget, cell, output, state h and c."""
    units = readout.size
    h, c = state[0], state[1]
    both = bias + bias_across
    gates, shown = np.empty_like(bias), np.empty(units, dtype=np.float32)
    bits = np.empty(bias.size, dtype=np.int32)
    out = np.empty(x.size)
    for t in range(x.size):
        gather(h, across, both, gates)
        for i in range(4 * units):
            gates[i] += inwards[i] * x[t]
        for i in range(2 * units, 3 * units):
            gates[i] *= _TWO
        sigmoids(gates, 4 * units, bits)
        for i in range(units):
            c[i] = awake(gates[units + i] * c[i] + gates[i] * (_TWO * gates[2 * units + i] - _ONE))
            shown[i] = _TWO * c[i]
        sigmoids(shown, units, bits)
        total = np.float32(0.0)
        for i in range(units):
            h[i] = gates[3 * units + i] * (_TWO * shown[i] - _ONE)
            total += readout[i] * h[i]
        out[t] = total
    return out
