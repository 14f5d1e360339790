"""One period of a field through the Jiles-Atherton equation until its loop has closed: the truth of the law without bias.

By another road than :mod:`modeling.deck.hysteresis`: the equation as it was published, with the switch delta_M, by Heun's
method of third order on a period interpolated to many points, and the magnetisation that comes back to itself found as the root
of what one turn adds to it, instead of by waiting.

References
----------
J. Chowdhury, "Real-time physical modelling for analog tape machines", DAFx-19 (2019), equation of dM/dt divided by dH/dt.
"""

import numba
import numpy as np
from scipy.optimize import brentq

from modeling.deck.materials import JilesAtherton

FINER = 16
LEAST_POINTS = 8192
STEPS_OF_LONGEST = 16
"""A step of the period is at least so many times shorter than the longest that the law bears."""

_NEAR = 0.02
"""Below it L(x) by its series, whose next term is 1e-16 there; above it the closed form loses at most twelve bits."""


def closed_loop(field_ka_m: np.ndarray, material: JilesAtherton) -> np.ndarray:
    """Spectrum of the magnetisation of one period, in units of saturation.

    Parameters
    ----------
    field_ka_m : ndarray, shape (points,)
        One period; it is taken to hold nothing above half the points.

    Returns
    -------
    ndarray, complex, shape (points // 2 + 1,)
        As `numpy.fft.rfft` of the period would be if nothing folded.
    """
    points = field_ka_m.size
    steepest = np.abs(np.diff(field_ka_m)).max() / material.longest_step_ka_m
    finer = max(FINER, LEAST_POINTS // points, int(STEPS_OF_LONGEST * steepest))
    field = finer * np.fft.irfft(np.fft.rfft(field_ka_m), finer * points)
    out = np.empty(field.size)
    constants = (material.shape_ka_m, material.pinning_ka_m, material.reversible, material.coupling_ka_m)
    if np.ptp(field) == 0.0:
        raise ValueError("a field that rests has no loop")

    def added(start: float) -> float:
        return _turn(field, start, constants, out) - start

    _turn(field, float(brentq(added, -1.0, 1.0, xtol=1e-14, rtol=1e-14)), constants, out)
    return np.fft.rfft(out)[: points // 2 + 1] / finer


@numba.njit(cache=True, nogil=True)
def _turn(field: np.ndarray, start: float, constants: tuple[float, float, float, float], out: np.ndarray) -> float:
    """Magnetisation along a period from `start` at its first point, and as it is when that comes round again."""
    m = start
    for i in range(field.size):
        out[i] = m
        h, step = field[i], field[(i + 1) % field.size] - field[i]
        if step != 0.0:
            sign = 1.0 if step > 0.0 else -1.0
            first = _published(h, m, sign, constants)
            second = _published(h + step / 3.0, m + step / 3.0 * first, sign, constants)
            third = _published(h + 2.0 * step / 3.0, m + 2.0 * step / 3.0 * second, sign, constants)
            m += step / 4.0 * (first + 3.0 * third)
    return m


@numba.njit(cache=True, nogil=True)
def _published(h: float, m: float, sign: float, constants: tuple[float, float, float, float]) -> float:
    """dM/dH as printed, M in units of M_s."""
    a, k, c, coupling = constants
    q = (h + coupling * m) / a
    if abs(q) < _NEAR:
        curve = q * (1.0 / 3.0 - q * q * (1.0 / 45.0 - q * q * 2.0 / 945.0))
        slope = 1.0 / 3.0 - q * q * (1.0 / 15.0 - q * q * 2.0 / 189.0)
    else:
        cotangent = 1.0 / np.tanh(q)
        curve = cotangent - 1.0 / q
        slope = 1.0 / (q * q) - cotangent * cotangent + 1.0
    apart = curve - m
    moves = 1.0 if apart * sign > 0.0 else 0.0
    pinned = (1.0 - c) * moves * apart / ((1.0 - c) * sign * k - coupling * apart)
    return (pinned + c / a * slope) / (1.0 - coupling * c / a * slope)
