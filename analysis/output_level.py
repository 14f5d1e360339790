"""Maximum and saturated output level, from the steps of a level ladder.

Both are read off smooth laws through the steps around them. How far two laws differ tells what the spacing of the ladder costs.

References
----------
Practice of tape data sheets after IEC 60094-5: MOL is the output at 315 Hz whose third harmonic is 3 %, SOL the highest output
at 10 kHz.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

MOL_PERCENT = 3.0
NEIGHBOURS = 4  # steps, two on either side
MOST_RISE_DB = 0.5  # what may be missing to saturation where a ladder ends
APPROACH_DOUBT = 0.4  # of it: the approach of a tape is not quite exponential


@dataclass(frozen=True)
class Level:
    """A level in dB and its 95 % uncertainty."""

    db: float
    doubt_db: float


def maximum_output_level(
    level_db: np.ndarray,
    output_db: np.ndarray,
    third_db: np.ndarray,
    third_doubt_db: np.ndarray,
    percent: float = MOL_PERCENT,
) -> Level | None:
    """Output at which the third harmonic reaches `percent` of the fundamental, or None if the ladder never gets there.

    In dB over the level sent, third harmonic and output are each a parabola through the four steps about the crossing, weighted
    by their uncertainty; a soft saturation lifts the third harmonic by 2 dB a dB.

    Parameters
    ----------
    level_db, output_db : ndarray, shape (steps,)
        Levels sent, rising, and returned.
    third_db, third_doubt_db : ndarray, shape (steps,)
        Third harmonic re the fundamental and its 95 % uncertainty; steps at which it is not known are not given.
    """
    limit = 20.0 * np.log10(percent / 100.0)
    above = np.flatnonzero((third_db[1:] >= limit) & (third_db[:-1] < limit))
    if above.size == 0:
        return None
    i = int(above[0])
    first = max(0, min(i - NEIGHBOURS // 2 + 1, level_db.size - NEIGHBOURS))
    near = slice(first, first + NEIGHBOURS)
    x = level_db[near] - level_db[i]
    span = float(level_db[i + 1] - level_db[i])
    between = (limit - third_db[i]) / (third_db[i + 1] - third_db[i])
    straight = output_db[i] + between * (output_db[i + 1] - output_db[i])
    if x.size < 3:
        return Level(float(straight), 0.5 * span)
    weight = 1.0 / np.maximum(third_doubt_db[near], 0.02)
    law, covariance = _parabola(x, third_db[near], weight)
    sent = _crossing(law, limit, between * span, span)
    output = np.polyfit(x, output_db[near], min(x.size - 1, 3))
    slope = float(np.polyval(np.polyder(law), sent))
    powers = sent ** np.arange(law.size - 1, -1, -1.0)
    # How much the output moves for an error of the harmonic.
    rate = float(np.polyval(np.polyder(output), sent)) / max(slope, 0.1)
    noise = float(np.sqrt(powers @ covariance @ powers)) * rate
    smooth = float(np.polyval(output, sent))
    # What the parabola leaves of the steps is the part of the law that it does not know.
    left = float(np.max(np.abs(np.polyval(law, x) - third_db[near]))) * abs(rate)
    return Level(smooth, float(np.hypot(noise, left)) + 0.1 * abs(smooth - float(straight)))


def saturated_output_level(level_db: np.ndarray, output_db: np.ndarray, doubt_db: np.ndarray) -> Level | None:
    """Highest output over the level sent, or None where the ladder ends too far below it.

    Past the top it is that of the parabola through the highest step and its neighbours. Where the output still rises at the
    end, what is missing follows from an exponential approach through the last three steps.

    Parameters
    ----------
    level_db, output_db, doubt_db : ndarray, shape (steps,)
        Levels sent, rising, levels returned and their 95 % uncertainty.
    """
    top = int(np.argmax(output_db))
    if level_db.size < 3:
        return None
    if top == level_db.size - 1:
        return _approached(level_db[-3:], output_db[-3:], float(np.max(doubt_db[-3:])))
    first = max(0, min(top - 1, level_db.size - 3))
    near = slice(first, first + 3)
    law = np.polyfit(level_db[near] - level_db[top], output_db[near], 2)
    if law[0] >= 0.0:
        return Level(float(output_db[top]), float(doubt_db[top]))
    highest = float(law[2] - law[1] ** 2 / (4.0 * law[0]))
    return Level(highest, float(doubt_db[top]) + 0.5 * (highest - float(output_db[top])))


def _approached(level_db: np.ndarray, output_db: np.ndarray, doubt_db: float) -> Level | None:
    """Where S - B exp(-level / t) through three steps ends."""
    first, second = np.diff(level_db)
    ratio = float((output_db[2] - output_db[1]) / (output_db[1] - output_db[0])) if output_db[1] > output_db[0] else np.inf

    def excess(rate: float) -> float:
        return float(np.exp(-rate * first) * np.expm1(-rate * second) / np.expm1(-rate * first)) - ratio

    least, most = 1e-3, 50.0 / float(min(first, second))
    if not excess(most) < 0.0 < excess(least):
        return None
    rate = float(brentq(excess, least, most))
    missing = float(output_db[2] - output_db[1]) / float(np.expm1(rate * second))
    if missing > MOST_RISE_DB:
        return None
    return Level(float(output_db[2]) + missing, 2.0 * doubt_db + APPROACH_DOUBT * missing)


def _parabola(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted least squares on 1, x, x^2, and the covariance at weights that are the inverse of the uncertainty."""
    basis = np.vander(x, 3)
    scaled = basis * weight[:, None]
    covariance = np.linalg.inv(scaled.T @ scaled)
    return covariance @ (scaled.T @ (weight * y)), covariance


def _crossing(law: np.ndarray, limit: float, start: float, span: float) -> float:
    """Where a parabola reaches a limit, next to a first guess."""
    roots = np.roots(law - np.array([0.0, 0.0, limit]))
    real = roots[np.abs(roots.imag) < 1e-9].real
    return float(np.clip(real[np.argmin(np.abs(real - start))], -span, 2.0 * span)) if real.size else float(start)
