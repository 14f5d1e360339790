"""The static law: one straight line in dB, bent where noise is what the detector reads.

With *low* the level on the channel side and *high* that on the programme's side of either half,

    high = low + (r - 1) 10 lg(10^(low/10) + N) + c,

r being the ratio and N what the detector reads without a tone. The encoder turns high into low, the decoder low into high; both
obey the same equation.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

FEWEST = 4
SPAN_DB = 9.0  # of the levels on the channel side
NOISE_DB = (-120.0, 0.0)
PAYS = 9.0  # by which a noise must lower chi squared to count
SYSTEMATIC_DB = 0.02


@dataclass(frozen=True)
class Law:
    """A fitted law.

    Attributes
    ----------
    ratio, constant_db, noise
        r, c and N.
    covariance : ndarray, shape (2, 2)
        Of r and c.
    """

    ratio: float
    constant_db: float
    noise: float
    covariance: np.ndarray

    @property
    def ratio_sd(self) -> float:
        """Standard deviation of the ratio."""
        return float(np.sqrt(self.covariance[0, 0]))

    def unity_db(self) -> tuple[float, float] | None:
        """Level at which high is low, and its standard deviation; None where the noise hides it."""
        power = 10.0 ** (-self.constant_db / (10.0 * (self.ratio - 1.0))) - self.noise
        if power <= self.noise:
            return None
        level = float(10.0 * np.log10(power))
        slope = np.array([level, 1.0]) / (self.ratio - 1.0)
        return level, float(np.sqrt(slope @ self.covariance @ slope))


def high_db(low_db: np.ndarray, ratio: float, noise: float) -> np.ndarray:
    """Level on the programme's side, less the constant."""
    return np.asarray(low_db + (ratio - 1.0) * 10.0 * np.log10(10.0 ** (low_db / 10.0) + noise))


def fit(low_db: Sequence[float], high: Sequence[float], sd_db: Sequence[float]) -> Law | None:
    """Fit the law to pairs of levels; None where they are too few or lie too close.

    Parameters
    ----------
    low_db, high : sequence of float
        Levels on both sides.
    sd_db : sequence of float
        Standard deviation of what the equation leaves over.
    """
    low, y, sd = (np.asarray(v, dtype=np.float64) for v in (low_db, high, sd_db))
    if low.size < FEWEST or np.ptp(low) < SPAN_DB:
        return None
    sd = np.hypot(sd, SYSTEMATIC_DB)

    def left(p: np.ndarray, noise: float) -> np.ndarray:
        return (high_db(low, p[0], noise) + p[1] - y) / sd

    def straight(noise: float) -> tuple[np.ndarray, np.ndarray, float]:
        """Weighted linear least squares of r and c at a known noise."""
        level = 10.0 * np.log10(10.0 ** (low / 10.0) + noise)
        design = np.stack((level, np.ones(low.size)), axis=1) / sd[:, None]
        wanted = (y - low + level) / sd
        inverse = np.linalg.inv(design.T @ design)
        p = inverse @ design.T @ wanted
        return p, inverse, float(np.sum((design @ p - wanted) ** 2))

    p, covariance, chi = straight(0.0)
    freedom, noise = low.size - 2, 0.0
    if low.size > FEWEST:
        start = min(np.arange(low.min() - 20.0, low.max(), 2.0), key=lambda n: straight(10.0 ** (n / 10.0))[2])
        found = least_squares(
            lambda q: left(q[:2], 10.0 ** (q[2] / 10.0)),
            np.append(straight(10.0 ** (start / 10.0))[0], start),
            bounds=([1.01, -np.inf, NOISE_DB[0] + low.min()], [10.0, np.inf, low.max() + 10.0]),
        )
        if chi - 2.0 * found.cost > PAYS:
            p, noise, chi, freedom = found.x[:2], float(10.0 ** (found.x[2] / 10.0)), 2.0 * found.cost, freedom - 1
            covariance = np.linalg.pinv(found.jac.T @ found.jac)[:2, :2]
    return Law(float(p[0]), float(p[1]), noise, covariance * max(1.0, chi / max(freedom, 1)))


def constant(
    law: Law, low_db: Sequence[float], high: Sequence[float], sd_db: Sequence[float], ratio: float
) -> tuple[float, float]:
    """The constant of a law where the ratio is another's, and its standard deviation: what is left over in the mean."""
    low = np.asarray(low_db, dtype=np.float64)
    weight = 1.0 / (np.asarray(sd_db, dtype=np.float64) ** 2 + SYSTEMATIC_DB**2)
    left = np.asarray(high) - high_db(low, ratio, law.noise)
    mean = float(np.sum(weight * left) / np.sum(weight))
    # What the slope leaves over at the ends is in it too.
    scatter = float(np.sum(weight * (left - mean) ** 2) / np.sum(weight) / max(low.size - 1, 1))
    return mean, float(np.sqrt(scatter + 1.0 / np.sum(weight)))
