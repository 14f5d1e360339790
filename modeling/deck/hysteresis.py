"""Magnetisation without bias: the Jiles-Atherton law, the other one beside the frozen-Preisach model of the deck.

With m = M / M_s, the field H and A = alpha M_s (M_s itself drops out), L(x) = coth x - 1/x, s = sign dH and

    Q = (H + A m) / a,   u = s (L(Q) - m) / (1 - c), taken as 0 where negative,

    dm/dH = [ (1 - c) u / (k - A u)  +  (c/a) L'(Q) ]  /  [ 1 - (c A / a) L'(Q) ].

u is how far the pinned part of m is from the anhysteretic; where the field has just turned and would drive it away, it rests. The
law knows the path of the field, not time, so it is integrated over H on the straight line from sample to sample, and no derivative
of the signal has to be formed. Fields are in kA/m, magnetisation in units of saturation. Loops make harmonics without end: run it
oversampled, as the record pass does.

What the law cannot do: a minor loop closes only after some turns, since every |dH| pulls towards the anhysteretic; it knows neither
depth nor wavelength. It is no record process with bias; that is :mod:`modeling.deck.magnetics`.

References
----------
D. C. Jiles, D. L. Atherton, "Theory of ferromagnetic hysteresis", J. Magn. Magn. Mater. 61 (1986) 48.
J. Chowdhury, "Real-time physical modelling for analog tape machines", DAFx-19 (2019): the law on audio.
"""

import numba
import numpy as np

from modeling.deck.materials import JilesAtherton, Solver

_STAGES_AND_NEWTON_STEPS: dict[Solver, tuple[int, int]] = {"RK2": (2, 0), "RK4": (4, 0), "NR4": (0, 4), "NR8": (0, 8)}
_MOST_PARTS = 256
_SMALL = 0.2
_SERIES = (1 / 3, -1 / 45, 2 / 945, -1 / 4725, 2 / 93555, -1382 / 638512875, 4 / 18243225)
"""L(x) = sum of c_n x^(2n+1). Below `_SMALL` it errs by less than 1e-14 of L, above it the closed form by less than 1e-13."""


class Hysteresis:
    """Some channels of one material, demagnetised at first, sample by sample: the block size changes nothing.

    Parameters
    ----------
    material : JilesAtherton
    channels : int
    solver : Solver
        Whichever, a step longer than `material.longest_step_ka_m` is split into equal parts, up to 256; m is held within +-1,
        so that the result is finite, and saturated, where even that is too coarse.
    """

    def __init__(self, material: JilesAtherton, channels: int, solver: Solver = "RK4") -> None:
        self._constants = (material.shape_ka_m, material.pinning_ka_m, material.reversible, material.coupling_ka_m)
        self._longest_step = material.longest_step_ka_m
        self._stages, self._newton_steps = _STAGES_AND_NEWTON_STEPS[solver]
        self._state = np.zeros((channels, 2))

    def process(self, field_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation in units of saturation for the next samples of the field, both ``(channels, samples)``."""
        field = np.ascontiguousarray(field_ka_m, dtype=np.float64)
        out = np.empty(field.shape)
        _run(field, out, self._state, self._constants, self._longest_step, self._stages, self._newton_steps)
        return out


@numba.njit(cache=True, nogil=True)
def _run(
    field: np.ndarray,
    out: np.ndarray,
    state: np.ndarray,
    constants: tuple[float, float, float, float],
    longest_step: float,
    stages: int,
    newton_steps: int,
) -> None:
    """State per channel: field and magnetisation of the last sample."""
    for channel in range(field.shape[0]):
        start, m = state[channel]
        for i in range(field.shape[1]):
            way = field[channel, i] - start
            if way != 0.0:
                parts = int(min(max(np.ceil(abs(way) / longest_step), 1.0), _MOST_PARTS))  # never 0 by underflow
                step = way / parts
                for part in range(parts):
                    h = start + part * step
                    if stages == 2:
                        m = _midpoint(h, step, m, constants)
                    elif stages == 4:
                        m = _runge_kutta(h, step, m, constants)
                    else:
                        m = _trapezium(h, step, m, constants, newton_steps)
                    m = min(max(m, -1.0), 1.0)
                start = field[channel, i]
            out[channel, i] = m
        state[channel, 0], state[channel, 1] = start, m


@numba.njit(cache=True, nogil=True)
def _midpoint(h: float, step: float, m: float, constants: tuple[float, float, float, float]) -> float:
    half = 0.5 * step
    first, _ = _slope(h, m, step, constants)
    middle, _ = _slope(h + half, m + half * first, step, constants)
    return m + step * middle


@numba.njit(cache=True, nogil=True)
def _runge_kutta(h: float, step: float, m: float, constants: tuple[float, float, float, float]) -> float:
    half = 0.5 * step
    first, _ = _slope(h, m, step, constants)
    second, _ = _slope(h + half, m + half * first, step, constants)
    third, _ = _slope(h + half, m + half * second, step, constants)
    fourth, _ = _slope(h + step, m + step * third, step, constants)
    return m + step / 6.0 * (first + 2.0 * (second + third) + fourth)


@numba.njit(cache=True, nogil=True)
def _trapezium(h: float, step: float, m: float, constants: tuple[float, float, float, float], newton_steps: int) -> float:
    """Solve n = m + step (slope(m) + slope(n)) / 2 for n."""
    half = 0.5 * step
    first, _ = _slope(h, m, step, constants)
    known = m + half * first
    n = known + half * first
    for _ in range(newton_steps):
        last, change = _slope(h + step, n, step, constants)
        n -= (n - known - half * last) / (1.0 - half * change)  # never below 1
    return n


@numba.njit(cache=True, nogil=True)
def _slope(h: float, m: float, step: float, constants: tuple[float, float, float, float]) -> tuple[float, float]:
    """dm/dH in the direction of the step, and its derivative by m, of which the part of L'' is left out: it is small.

    Neither denominator comes near zero: the pinned part of m lies within +-1, so u within 2, and k > 2 A; L' <= 1/3, A < 3 a
    and c <= 0.99.
    """
    a, k, c, coupling = constants
    value, rise = langevin((h + coupling * m) / a)
    sign = 1.0 if step > 0.0 else -1.0
    u = sign * (value - m) / (1.0 - c)
    u_by_m = sign * (rise * coupling / a - 1.0) / (1.0 - c)
    if not 0.0 < u < 2.0:
        u, u_by_m = 0.0 if u <= 0.0 else 2.0, 0.0
    room = k - coupling * u
    free = c / a * rise
    share = 1.0 - coupling * free
    return ((1.0 - c) * u / room + free) / share, (1.0 - c) * k / (room * room) * u_by_m / share


@numba.njit(cache=True, nogil=True)
def langevin(x: float) -> tuple[float, float]:
    """L(x) = coth x - 1/x and its derivative, by the series near zero, where the closed form cancels."""
    if abs(x) < _SMALL:
        value = rise = 0.0
        for n in range(len(_SERIES) - 1, -1, -1):
            value = value * x * x + _SERIES[n]
            rise = rise * x * x + (2 * n + 1) * _SERIES[n]
        return value * x, rise
    size = abs(x)
    e = np.exp(-2.0 * size)
    value = (1.0 + e) / (1.0 - e) - 1.0 / size
    rise = 1.0 / size / size - 4.0 * e / ((1.0 - e) * (1.0 - e))
    return np.copysign(value, x), rise
