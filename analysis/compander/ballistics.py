"""The time constant of the detector, from the edges of bursts.

A one-pole of time constant tau on the square: with P its reading and D the dB between the gains before and after an edge,

    decoder   P/P0 = rho + (1 - rho) exp(-t/tau),     rho = 10^(-D / (10 (r - 1))),     gain = (r - 1) 10 lg P
    encoder   Q/Q0 = rho + (1 - rho) exp(-r t/tau),   rho = 10^(-D r / (10 (r - 1))),   gain = -(r - 1)/r 10 lg Q

with Q = P^r, since the encoder's detector reads its own output: P' = (v^2 P^(1-r) - P)/tau. Falling by far, both gains move
4.343 (r - 1)/tau dB a second, a straight line. The envelope of the model is smoothed by the same window as the
reading, so that the window drops out.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import t as student

from analysis.compander.readings import GRID_S, Burst

SETTLED_S = 0.1  # of the end of every state, which tells its level
BEFORE_S = 0.01
LONGEST_S = 0.4
LEAST_OVER_NOISE_DB = 8.0
LEAST_CHANGE_DB = 4.0  # of the gain
MODEL_SD_DB = 0.05
DRIFT_DB = 2.0  # by which the new level may lie elsewhere than its last tenth of a second says
LATE_S = 0.005  # by which an edge may stand elsewhere than the time base says
TAU_S = (5e-4, 0.5)
FINE_S = 1e-4
LEAST_SD = 0.003
SYSTEMATIC = {
    ("release", False): (0.008, 0.02),
    ("release", True): (0.008, 0.02),
    ("attack", False): (0.012, 0.04),
    ("attack", True): (0.03, 0.15),
}
"""What the model leaves out: part of tau, and cycles of the tone, since the square is taken to be smooth within a cycle."""


@dataclass(frozen=True)
class Edge:
    """An edge of a burst: ``release`` or ``attack``, time constant and its standard deviation."""

    kind: str
    tau_s: float
    sd_s: float


@dataclass(frozen=True)
class Path:
    """What lies between the bursts as sent and as read.

    Attributes
    ----------
    as_sent : callable
        Level sent without dbx that returns at a level re the reference, to take the tape's compression from what an encoder puts
        on it.
    rest_db : float
        Level of the rest re the burst where the detector reads it: for a decoder behind the tape's compression.
    highest_db : float
        Levels above it, re the reference level, are bent by the tape.
    """

    as_sent: Callable[[np.ndarray], np.ndarray]
    rest_db: float
    highest_db: float


def edges(burst: Burst, encode: bool, ratio: float, path: Path, reference_dbfs: float) -> Iterator[Edge]:
    """Time constants at the edges of a burst, those that can be read.

    Parameters
    ----------
    ratio : float
        r of the static law.
    reference_dbfs : float
        Level of a sine at 0 dB.
    """
    level = burst.envelope_db - reference_dbfs
    level = path.as_sent(level) if encode else level
    noise = burst.noise_db - reference_dbfs
    length = float(burst.time_s[-1])
    for number in range(round(length / burst.period_s) + 1):
        fall = number * burst.period_s + burst.on_s
        rise = (number + 1) * burst.period_s
        for kind, at, before_s, after_s in (
            ("release", fall, burst.on_s, burst.period_s - burst.on_s),
            ("attack", rise, burst.period_s - burst.on_s, burst.on_s),
        ):
            if at + after_s <= length + GRID_S:
                found = _edge(burst, level, noise, (at, before_s, after_s), kind, encode, ratio, path)
                if found is not None:
                    yield found


def _edge(
    burst: Burst,
    level: np.ndarray,
    noise_db: float,
    span: tuple[float, float, float],
    kind: str,
    encode: bool,
    ratio: float,
    path: Path,
) -> Edge | None:
    at, before_s, after_s = span
    half = burst.smoothing_s
    tell = min(SETTLED_S, 0.4 * before_s, 0.4 * after_s)
    time = burst.time_s - at
    old = float(np.mean(level[(time > -tell) & (time < -half)]))
    new = float(np.mean(level[(time > after_s - half - tell) & (time < after_s - half)]))
    step_db = path.rest_db if kind == "release" else -path.rest_db
    change = (new - old) - step_db  # of the gain
    if min(old, new) < noise_db + LEAST_OVER_NOISE_DB:
        return None
    # What the decoder hears falls on the way down; the encoder's gain rises instead.
    if abs(change) < LEAST_CHANGE_DB or (change > 0.0) != (encode == (kind == "release")):
        return None
    used = (time > -BEFORE_S) & (time < min(after_s - half, LONGEST_S))
    if encode and np.any(over := used & (level > path.highest_db)):
        # The window carries what the tape bends into its neighbourhood.
        used &= (time < -half) | (time > time[over][-1] + half)
    points, values = time[used], level[used]
    stride = max(1, round(0.5 * burst.smoothing_s / GRID_S))
    points, values = points[::stride], values[::stride]
    if points.size < 8:
        return None
    sd = np.hypot(MODEL_SD_DB, 8.686 * np.sqrt(0.5) * 10.0 ** ((noise_db - values) / 20.0))

    def left(p: np.ndarray) -> np.ndarray:
        tau, end = float(np.exp(p[0])), change + p[2]
        model = old + _smoothed_db(points - p[1], tau, step_db, end, encode, ratio, burst.smoothing_s)
        return np.asarray((model - values) / sd)

    best = min(np.log([0.005, 0.015, 0.04, 0.1]), key=lambda start: float(np.sum(left(np.array([start, 0.0, 0.0])) ** 2)))
    low, high = np.log(TAU_S)
    found = least_squares(
        left,
        [best, 0.0, 0.0],
        bounds=([low, -LATE_S, -DRIFT_DB], [high, LATE_S, DRIFT_DB]),
        loss="soft_l1",
        x_scale=[0.1, 1e-3, 0.1],
    )
    if not low + 0.01 < found.x[0] < high - 0.01:
        return None
    covariance = np.linalg.pinv(found.jac.T @ found.jac)
    chi = float(np.sum(left(found.x) ** 2)) / max(points.size - 3, 1)
    tau = float(np.exp(found.x[0]))
    return Edge(kind, tau, tau * float(np.sqrt(covariance[0, 0] * max(1.0, chi))))


def _smoothed_db(
    time_s: np.ndarray, tau_s: float, step_db: float, change_db: float, encode: bool, ratio: float, smoothing_s: float
) -> np.ndarray:
    """Envelope about an edge at time zero, re that before it, behind the window of the reading."""
    # The grid stands still about the edge, so that the model moves smoothly with the moment of the edge.
    reach = LATE_S + smoothing_s
    fine = FINE_S * np.arange(np.floor((time_s[0] - reach) / FINE_S), np.ceil((time_s[-1] + reach) / FINE_S))
    since = np.maximum(fine, 0.0)
    gain = gain_change_db(since, tau_s, change_db, encode, ratio)
    amplitude = 10.0 ** ((gain + np.where(fine >= 0.0, step_db, 0.0)) / 20.0)
    window = np.hanning((round(smoothing_s / FINE_S) | 1) + 2)[1:-1]
    smooth = np.convolve(amplitude, window / np.sum(window), "same")
    return np.asarray(20.0 * np.log10(np.interp(time_s, fine, smooth)))


def gain_change_db(since_s: np.ndarray, tau_s: float, change_db: float, encode: bool, ratio: float) -> np.ndarray:
    """Change of the gain a time after an edge, on its way to `change_db`."""
    share = -(ratio - 1.0) / ratio if encode else ratio - 1.0
    rho = 10.0 ** (change_db / (10.0 * share))
    rate = (ratio if encode else 1.0) / tau_s
    return np.asarray(share * 10.0 * np.log10(rho + (1.0 - rho) * np.exp(-rate * since_s)))


def combined(found: Sequence[Edge], frequency_hz: float, encode: bool) -> tuple[float, float]:
    """Weighted mean of several edges of one kind, and its 95 % uncertainty, no smaller than their scatter says."""
    tau = np.array([e.tau_s for e in found])
    weight = 1.0 / np.array([max(e.sd_s, LEAST_SD * e.tau_s) for e in found]) ** 2
    mean = float(np.sum(weight * tau) / np.sum(weight))
    doubt = 1.96 * float(np.sum(weight) ** -0.5)
    if tau.size > 1:
        scatter = float(np.sqrt(np.sum(weight * (tau - mean) ** 2) / (tau.size - 1) / np.sum(weight)))
        doubt = max(doubt, float(student.ppf(0.975, tau.size - 1)) * scatter if tau.size > 2 else 0.0)
    least, by_cycle = SYSTEMATIC[found[0].kind, encode]
    return mean, float(np.hypot(doubt, mean * least + by_cycle / frequency_hz))
