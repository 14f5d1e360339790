"""Scrape flutter: the free span of tape resonates lengthwise, set going by stick and slip at the heads.

A wave runs along the tape at c, so a span of length L resonates at f = c / (2 L), 10 kHz for 85 mm. That is the tape's own and
does not follow its speed. The motion is narrow-band and random: lines of random phase within a width B on either side of f, the
density of the speed deviation being cos^2(pi x / (2 B)) at a distance x from it, so that B is its width at half power.
"""

from dataclasses import dataclass

import numba
import numpy as np

from modeling.deck.comb import Comb
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
    time_s: np.ndarray, resonance: float, s: np.ndarray, c: np.ndarray, value: np.ndarray, slope: np.ndarray
) -> None:
    """Add S cos(2 pi f t) + C sin(2 pi f t) to values and its derivative to slopes.

    Parameters
    ----------
    s, c : ndarray, shape (2, times)
        Value and slope of S and C.
    """
    w = 2.0 * np.pi * resonance
    for i in range(time_s.size):
        turns = resonance * time_s[i]
        sin, cos = _sine(turns), _sine(turns + 0.25)
        value[i] += s[0, i] * cos + c[0, i] * sin
        slope[i] += (s[1, i] + w * c[0, i]) * cos + (c[1, i] - w * s[0, i]) * sin


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
