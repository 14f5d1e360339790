"""Intermodulation of two steady tones, by least squares on their products after dewarping.

Two figures, in % and after the standards' own arithmetic: the two products of one order are added as amplitudes, the orders as
powers.

* Modulation distortion, with f1 low and f2 high: d_n = (U(f2 + (n-1) f1) + U(f2 - (n-1) f1)) / U(f2) for the orders n = 2, 3;
  `imd_smpte` is sqrt(d_2^2 + d_3^2). Where products are sidebands of an amplitude modulation, d_n is its depth, as a SMPTE analyser
  reads it.
* Difference-frequency distortion, with f1 and f2 close together: d_2 = U(f2 - f1) / (U(f1) + U(f2)),
  d_3 = (U(2 f1 - f2) + U(2 f2 - f1)) / (U(f1) + U(f2)); `imd_difference` is sqrt(d_2^2 + d_3^2). The reference is the sum of both
  amplitudes as returned: a tape does not return them alike, where IEC takes twice that of f2.

References
----------
SMPTE RP 120; IEC 60268-3, 14.12.7 (modulation distortion) and 14.12.8 (difference-frequency distortion).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis import lines
from analysis.dewarp import dewarp
from analysis.phase import track
from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue

EDGE_S = 0.1
STEP_S = 2.5e-3
MOST_BANDWIDTH_HZ = 60.0
HIGHEST_ORDER = 7
LEAST_APART_BINS = 10.0
SYSTEMATIC = 0.005  # of the value: fades, dewarping, drift
Orders = tuple[tuple[tuple[int, int], ...], ...]
SMPTE: Orders = (((1, 1), (-1, 1)), ((2, 1), (-2, 1)))
DIFFERENCE: Orders = (((-1, 1),), ((2, -1), (-1, 2)))
"""Products of each order as multiples of the first and second frequency."""


@dataclass(frozen=True)
class Pair:
    """Two tones as they were sent.

    Attributes
    ----------
    first_hz, second_hz : float
        The lower and the higher frequency.
    """

    first_hz: float
    second_hz: float

    def at(self, product: tuple[int, int]) -> float:
        """Frequency of a product."""
        return abs(product[0] * self.first_hz + product[1] * self.second_hz)


def follow(returned: AudioReader, channel: int, cue: Cue, base: Timebase) -> Timebase:
    """Time base of a segment of two tones: what is known of it, and where the surer tone says it is wrong.

    The tone is followed within half of its distance to the nearest product, so that no sideband is taken for flutter.
    Faster flutter is left as the time base has it.
    """
    rate = returned.sample_rate
    first_hz, second_hz, second_db = (cue.number(p) for p in ("first_hz", "second_hz", "second_db"))
    # Time is told by frequency times amplitude.
    surer_hz = second_hz if second_hz * 10.0 ** (second_db / 20.0) > first_hz else first_hz
    bandwidth_hz = min(MOST_BANDWIDTH_HZ, 0.5 * min(first_hz, second_hz - first_hz))
    start_s = cue.start_samples / rate
    span = (start_s + 0.5 * EDGE_S, cue.stop_samples / rate - 0.5 * EDGE_S)
    law = (lambda t: 2.0 * np.pi * surer_hz * (t - start_s)), (lambda t: np.full(np.shape(t), surer_hz))
    readings = track(returned, channel, law, base, span, bandwidth_hz, STEP_S)
    known = np.isfinite(readings.variance)
    if np.mean(known) < 0.9:
        return base
    # A constant is no flutter: the phase of the response is in it, and whole cycles.
    wrong = readings.delay_s - (readings.time_s - base.input_time(readings.time_s))
    wrong = np.interp(readings.time_s, readings.time_s[known], wrong[known])
    readings = replace(readings, delay_s=readings.time_s - base.input_time(readings.time_s) + wrong - np.median(wrong))
    return Timebase.over_output(readings.time_s, readings.delay_s, np.sqrt(np.where(known, readings.variance, 0.0)))


def steady(returned: AudioReader, channel: int, cue: Cue, base: Timebase) -> np.ndarray:
    """The two tones without their fades, dewarped, shape (samples,)."""
    edge = round(EDGE_S * returned.sample_rate)
    timebase = follow(returned, channel, cue, base)
    return dewarp(returned, channel, timebase, cue.start_samples + edge, cue.stop_samples - edge)


def smpte(signal: np.ndarray, pair: Pair, sample_rate: int) -> tuple[float, float] | None:
    """Modulation distortion in % and its 95 % uncertainty; None when it drowns in noise.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
        Dewarped, without fades.
    """
    return _distortion(signal, pair, sample_rate, SMPTE, ((0, 1),))


def difference(signal: np.ndarray, pair: Pair, sample_rate: int) -> tuple[float, float] | None:
    """Difference-frequency distortion in % and its 95 % uncertainty; None when it drowns in noise.

    Parameters
    ----------
    signal : ndarray, shape (samples,)
        Dewarped, without fades.
    """
    return _distortion(signal, pair, sample_rate, DIFFERENCE, ((1, 0), (0, 1)))


def _distortion(
    signal: np.ndarray, pair: Pair, sample_rate: int, orders: Orders, references: Sequence[tuple[int, int]]
) -> tuple[float, float] | None:
    frequency = _frequencies(pair, signal.size, sample_rate)
    apart = 0.45 * float(np.min(np.diff(frequency)))
    found = lines.fit(signal, frequency, sample_rate, apart)

    def at(product: tuple[int, int]) -> int:
        return int(np.argmin(np.abs(frequency - pair.at(product))))

    zero = sum(float(np.abs(found.amplitude[at(r)])) for r in references)
    total = variance = 0.0
    for order in orders:
        which = [at(p) for p in order]
        amplitude = np.sqrt(np.maximum(found.power[which], 0.0))
        # Of an amplitude, the variance is half the noise of its bin, or where it drowns that noise itself.
        spread = np.minimum(found.variance[which] / np.maximum(4.0 * amplitude**2, 1e-300), found.hiss[which])
        total += float(np.sum(amplitude)) ** 2
        variance += 4.0 * float(np.sum(amplitude)) ** 2 * float(np.sum(spread)) + float(np.sum(spread)) ** 2
    doubt = lines.amplitude_doubt(total, variance)
    if doubt is None or zero <= 0.0:
        return None
    percent = 100.0 * np.sqrt(total) / zero
    return float(percent), float(percent * np.hypot(doubt, SYSTEMATIC))


def _frequencies(pair: Pair, samples: int, sample_rate: int) -> np.ndarray:
    """Both tones, their harmonics and products, the lower order where two fall together, so that what is left is noise."""
    reach = range(-HIGHEST_ORDER, HIGHEST_ORDER + 1)
    products = sorted(
        (abs(m) + abs(n), pair.at((m, n))) for m in reach for n in reach if 0 < abs(m) + abs(n) <= HIGHEST_ORDER
    )
    apart_hz = LEAST_APART_BINS * sample_rate / samples
    kept: list[float] = []
    for _, frequency in products:
        if apart_hz < frequency < 0.47 * sample_rate and all(abs(frequency - other) > apart_hz for other in kept):
            kept.append(frequency)
    return np.sort(kept)
