"""Scrape flutter: the free span of tape resonates lengthwise, set going by stick and slip at the heads.

A wave runs along the tape at c, so a span of length L resonates at f = c / (2 L), 10 kHz for 85 mm. That is the tape's own and
does not follow its speed. The motion is narrow-band and random: lines of random phase within a width B on either side of f, the
density of the speed deviation being cos^2(pi x / (2 B)) at a distance x from it, so that B is its width at half power.
"""

from dataclasses import dataclass

import numba
import numpy as np

from modeling.deck.comb import Comb, cubic
from modeling.deck.parameters import Transport

WAVE_M_S = 1700.0
"""Speed of a longitudinal wave in polyester tape."""

LINES = 64


@dataclass(frozen=True)
class Scrape:
    """Narrow-band motion around a resonance.

    Attributes
    ----------
    resonance_hz : float
        f.
    around : Comb
        Its lines by their distance from f, which may be negative.
    """

    resonance_hz: float
    around: Comb

    @property
    def comb(self) -> Comb:
        """The lines where they are."""
        return Comb(self.resonance_hz + self.around.frequency_hz, self.around.amplitude_s, self.around.phase)

    @property
    def envelopes(self) -> tuple[Comb, Comb]:
        """The slow S and C of the motion S cos(2 pi f t) + C sin(2 pi f t)."""
        return self.around, Comb(self.around.frequency_hz, self.around.amplitude_s, self.around.phase + 0.5 * np.pi)


def resonance_hz(transport: Transport) -> float:
    """Of the free span."""
    return WAVE_M_S / (2.0 * transport.scrape_span_mm / 1000.0)


def delay_power(transport: Transport, distance_hz: np.ndarray) -> np.ndarray:
    """Mean square delay in s^2 of each of evenly spaced lines at a distance from the resonance."""
    f = resonance_hz(transport) + distance_hz
    share = np.cos(0.5 * np.pi * distance_hz / transport.scrape_width_hz) ** 2
    deviation = (transport.scrape_percent / 100.0) ** 2 * share / share.sum()
    return np.asarray(deviation / (2.0 * np.pi * f) ** 2)


def scrape(transport: Transport, generator: np.random.Generator) -> Scrape | None:
    """The scrape flutter of one pass, if there is any."""
    if transport.scrape_percent == 0.0:
        return None
    width = transport.scrape_width_hz
    distance = -width + 2.0 * width / LINES * (np.arange(LINES) + generator.random(LINES))
    amplitude = np.sqrt(2.0 * delay_power(transport, distance))
    return Scrape(resonance_hz(transport), Comb(distance, amplitude, 2.0 * np.pi * generator.random(LINES)))


@numba.njit(cache=True, nogil=True)
def modulate(
    time_s: np.ndarray, grid: tuple[int, float], nodes: np.ndarray, resonance: float, value: np.ndarray, slope: np.ndarray
) -> None:
    """Add the motion to values and its derivative to slopes.

    Parameters
    ----------
    grid : tuple
        Number of the first node, and how many there are in a second.
    nodes : ndarray, shape (4, nodes)
        Value and slope of S, then of C, of the motion S cos(2 pi f t) + C sin(2 pi f t).
    """
    s, s_slope, c, c_slope = nodes[0], nodes[1], nodes[2], nodes[3]
    for i in range(time_s.size):
        at, rate, _ = _motion(time_s[i], grid, s, s_slope, c, c_slope, resonance)
        value[i] += at
        slope[i] += rate


@numba.njit(cache=True, nogil=True)
def settle(time_s: np.ndarray, grid: tuple[int, float], nodes: np.ndarray, resonance: float, speed: np.ndarray) -> None:
    """Move the times at which a smooth motion of the given speed is somewhere to those at which it is there with this one.

    They lie a fraction of a wavelength away, less than a microsecond, over which the speed is constant and the motion is its
    series: a step of Newton's from the motion itself, and one from the series to the fourth power.
    """
    s, s_slope, c, c_slope = nodes[0], nodes[1], nodes[2], nodes[3]
    square = (2.0 * np.pi * resonance) ** 2
    for i in range(time_s.size):
        at, rate, bend = _motion(time_s[i], grid, s, s_slope, c, c_slope, resonance)
        late = -at / (speed[i] + rate)
        rest = late * late * (0.5 * bend - square * late * (rate / 6.0 + bend * late / 24.0))
        time_s[i] += late - rest / (speed[i] + rate + late * (bend - 0.5 * square * late * rate))


@numba.njit(cache=True, nogil=True, inline="always")
def _motion(
    time_s: float,
    grid: tuple[int, float],
    s_value: np.ndarray,
    s_slope: np.ndarray,
    c_value: np.ndarray,
    c_slope: np.ndarray,
    resonance: float,
) -> tuple[float, float, float]:
    """The motion and its first two derivatives, but for the second ones of S and C."""
    x = time_s * grid[1] - grid[0]
    s, ds = cubic(x, s_value, s_slope, grid[1])
    c, dc = cubic(x, c_value, c_slope, grid[1])
    turns, w = resonance * time_s, 2.0 * np.pi * resonance
    sin, cos = _sine(turns), _sine(turns + 0.25)
    at = s * cos + c * sin
    return at, (ds + w * c) * cos + (dc - w * s) * sin, 2.0 * w * (dc * cos - ds * sin) - w * w * at


@numba.njit(cache=True, nogil=True, inline="always")
def _sine(turns: float) -> float:
    """sin(2 pi turns) within 1e-9, by its series to the 13th power, several at a time where the processor can."""
    x = turns - 0.25
    x = 2.0 * np.pi * (0.25 - abs(x - np.floor(x + 0.5)))
    y = x * x
    series = -1.0 / 39916800.0 + y / 6227020800.0
    series = 1.0 / 362880.0 + y * series
    series = -1.0 / 5040.0 + y * series
    series = 1.0 / 120.0 + y * series
    series = -1.0 / 6.0 + y * series
    return float(x + x * y * series)
