"""The networks at work: magnetisation sample by sample as :class:`modeling.deck.hysteresis.Hysteresis` gives it, only faster.

A material is one network, whatever lies between: the mean of its neighbours' weights is taken once, not their outputs at every
sample. The network sees the field alone and runs over a block of steps at once; what remains to be done in turn is short.
"""

from functools import cache
from importlib.resources import files

import numba
import numpy as np
from safetensors.numpy import load

from modeling.deck.materials import JilesAtherton
from modeling.stn.grid import HIDDEN, LARGEST, MOST_RATE, NETWORKS, ROWS, WEIGHTS, place, unit

BLOCK = 512
_LANES = 64
"""The networks always run over a multiple of so many steps: what is left of a vector would be rounded otherwise than the rest."""

_HALF_RATE = np.float32(0.5 * MOST_RATE)
_ONE = np.float32(1.0)


@cache
def trained_weights() -> np.ndarray:
    """Weights ``(networks, weights)`` as they were trained; see docs/hysteresis.md."""
    weights = load(files("modeling.stn").joinpath("networks.safetensors").read_bytes())["weights"]
    weights.setflags(write=False)
    return weights


class StateTransition:
    """Some channels of one material, demagnetised at first; the block size changes nothing.

    Whatever the field, the result is within +-1, and two states under one field never part: see :mod:`modeling.stn.network`.

    Parameters
    ----------
    material : JilesAtherton
    channels : int
    weights : ndarray, shape (networks, weights)
        The trained ones unless given.

    Raises
    ------
    ValueError
        The material is outside the grid, or the weights are of another grid.
    """

    def __init__(self, material: JilesAtherton, channels: int, weights: np.ndarray | None = None) -> None:
        weights = trained_weights() if weights is None else weights
        if weights.shape != (NETWORKS, WEIGHTS):
            raise ValueError(f"the weights have shape {weights.shape}; the grid needs {(NETWORKS, WEIGHTS)}")
        at = place(material)
        mean = np.asarray(at.shares @ weights[at.corners], dtype=np.float32)
        self._rows = mean[: ROWS * HIDDEN].reshape(ROWS, HIDDEN)
        self._constants = mean[ROWS * HIDDEN :]
        self._shape = material.shape_ka_m
        self._longest = material.longest_step_ka_m / material.shape_ka_m
        self._unit = unit(material)
        self._state = np.zeros((channels, 2))

    def process(self, field_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation in units of saturation for the next samples of the field, both ``(channels, samples)``."""
        field = np.ascontiguousarray(field_ka_m, dtype=np.float64)
        out = np.empty(field.shape)
        for channel in range(field.shape[0]):
            _run(field[channel], out[channel], self._state[channel], self._scales, self._rows, self._constants)
        return out

    @property
    def _scales(self) -> tuple[float, float, float]:
        return 1.0 / self._shape, self._longest, 1.0 / self._unit


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _run(
    field: np.ndarray,
    out: np.ndarray,
    state: np.ndarray,
    scales: tuple[float, float, float],
    rows: np.ndarray,
    constants: np.ndarray,
) -> None:
    """State: field in units of a, and magnetisation, of the last sample."""
    per_a, longest, per_unit = scales
    samples = field.size
    middle = np.zeros(BLOCK, dtype=np.float32)
    size = np.zeros(BLOCK, dtype=np.float32)
    found = np.empty((3, BLOCK), dtype=np.float32)
    way = np.empty(BLOCK)
    sample = np.empty(BLOCK, dtype=np.int64)
    h, m = state[0], state[1]
    start = h
    at = part = parts = 0
    while at < samples:
        n = 0
        while n < BLOCK and at < samples:
            to = min(max(field[at] * per_a, -LARGEST), LARGEST)
            if part == 0:
                start = h
                parts = 1 if abs(to - h) <= longest else int(np.ceil(abs(to - h) / longest))
            step = to - start
            if parts - part > 1:
                step /= parts - part
            middle[n] = (start + 0.5 * step) * np.copysign(1.0, step)
            way[n] = step * per_unit
            size[n] = abs(way[n])
            sample[n] = at
            n += 1
            start += step
            part += 1
            if part == parts:
                part = 0
                h = to
                at += 1
        full = (n + _LANES - 1) // _LANES * _LANES
        _coefficients(middle[:full], size[:full], rows, constants, found)
        for i in range(n):
            pinned = max(found[0, i] - m * np.copysign(1.0, way[i]), 0.0)
            m = min(max(m + way[i] * (found[1, i] * pinned + found[2, i]), -1.0), 1.0)
            out[sample[i]] = m
    state[0], state[1] = h, m


@numba.njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def _coefficients(middle: np.ndarray, size: np.ndarray, rows: np.ndarray, constants: np.ndarray, found: np.ndarray) -> None:
    """T, G and R of :mod:`modeling.stn.network`, the unit of the hidden layer outside and the steps inside."""
    n = middle.size
    target, rate, follows = found[0], found[1], found[2]
    target[:n] = 0.0
    rate[:n] = constants[0]
    follows[:n] = constants[1]
    for j in range(HIDDEN):
        by_field, by_size, to_target, to_rate, to_follows = rows[0, j], rows[1, j], rows[2, j], rows[3, j], rows[4, j]
        for i in range(n):
            z = by_field * middle[i] + by_size * size[i]
            w = _ONE / np.sqrt(_ONE + z * z)
            target[i] += to_target * (z * w)
            rate[i] += to_rate * w
            follows[i] += to_follows * w
    for i in range(n):
        rate[i] = _HALF_RATE * (_ONE + rate[i] / (_ONE + abs(rate[i])))
        follows[i] = follows[i] * follows[i]
