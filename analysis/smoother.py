"""A trajectory from scattered readings: Kalman filter and smoother over a sum of simple processes.

The delay of a tape is modelled as the sum of

* an integrated random walk: speed that drifts, which takes up mean speed and reel drift without a prior on their size;
* a Matern-3/2 process (power spectrum 1/(1 + (f/f0)^2)^2): wow and flutter;
* a fast first-order process: what is left up to some 50 Hz.

Where there are readings the result follows them; across gaps it follows the prior, and its standard deviation says so.

References
----------
S. Sarkka, A. Solin, "Applied Stochastic Differential Equations", Cambridge 2019, ch. 10 and 12 (state-space forms of Gaussian
processes). A. Bryson, M. Frazier, "Smoothing for linear and nonlinear dynamic systems", TDR 63-119, 1963 (the smoother).
"""

from dataclasses import dataclass

import numba
import numpy as np

FLUTTER_S = (25e-6, 50e-6, 100e-6, 200e-6, 400e-6)
FLUTTER_HZ = (0.5, 1.0, 2.0, 4.0)
"""What is tried of each for a prior that fits."""

Filtered = tuple[np.ndarray, np.ndarray, np.ndarray, float]


@dataclass(frozen=True)
class Prior:
    """What the trajectory is like before any reading.

    Attributes
    ----------
    speed_walk : float
        Standard deviation of the change of speed (s/s) in one second.
    flutter_s, flutter_hz : float
        RMS of the Matern-3/2 part, and its corner.
    fast_s, fast_hz : float
        RMS of the fast part, and its corner.
    """

    speed_walk: float = 2e-4
    flutter_s: float = 100e-6
    flutter_hz: float = 3.0
    fast_s: float = 5e-6
    fast_hz: float = 50.0


def smooth(reading_s: np.ndarray, variance: np.ndarray, step_s: float, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    """Posterior mean and standard deviation of a trajectory on a uniform grid.

    Parameters
    ----------
    reading_s : ndarray, shape (points,)
        Readings of the delay in seconds; ignored where the variance is not finite.
    variance : ndarray, shape (points,)
        Variance of each reading in s^2; infinite where there is none.
    step_s : float
        Grid step.

    Returns
    -------
    mean_s, sd_s : ndarray, shape (points,)
    """
    z, information, centre = _centred(reading_s, variance)
    A, Q, P = _matrices(step_s, prior)
    forecast, gains, spreads, _ = _filtered(z, information, A, Q, P)
    mean, var = _smoothed(z, forecast, gains, spreads, A)
    return mean + centre, np.sqrt(np.maximum(var, 0.0))


def log_likelihood(reading_s: np.ndarray, variance: np.ndarray, step_s: float, prior: Prior) -> float:
    """How likely readings are, up to a constant; parameters as for :func:`smooth`."""
    z, information, _ = _centred(reading_s, variance)
    return float(_filtered(z, information, *_matrices(step_s, prior))[-1])


def fitted(reading_s: np.ndarray, variance: np.ndarray, step_s: float, fast_s: float = Prior.fast_s) -> Prior:
    """The prior with a given fast part whose wow and flutter make readings likeliest; parameters as for :func:`smooth`."""
    tried = [Prior(flutter_s=s, flutter_hz=f, fast_s=fast_s) for s in FLUTTER_S for f in FLUTTER_HZ]
    return max(tried, key=lambda prior: log_likelihood(reading_s, variance, step_s, prior))


def _centred(reading_s: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Readings about their median, so that the diffuse start is small against float64 whatever the head delay."""
    known = np.isfinite(variance) & (variance > 0.0) & np.isfinite(reading_s)  # digital silence has no variance
    if not known.any():
        raise ValueError("no reading to smooth")
    centre = float(np.median(reading_s[known]))
    # Of one type whatever was read, so that one filter is compiled.
    reading = np.where(known, reading_s - centre, 0.0).astype(np.float64)
    information = np.where(known, 1.0 / np.where(known, variance, 1.0), 0.0).astype(np.float64)
    return reading, information, centre


def _matrices(step: float, prior: Prior) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """State: walk value, walk slope, Matern value, Matern slope, fast. Transition A, process noise Q, starting covariance."""
    A, Q, P = np.zeros((5, 5)), np.zeros((5, 5)), np.zeros((5, 5))
    A[:2, :2] = [[1.0, step], [0.0, 1.0]]
    Q[:2, :2] = prior.speed_walk**2 * np.array([[step**3 / 3, step**2 / 2], [step**2 / 2, step]])
    P[0, 0], P[1, 1] = 1.0, 0.2**2  # a second of offset, 20 % of speed: diffuse
    rate = 2.0 * np.pi * prior.flutter_hz
    decay = np.exp(-rate * step)
    A[2:4, 2:4] = decay * np.array([[1.0 + rate * step, step], [-(rate**2) * step, 1.0 - rate * step]])
    stationary = prior.flutter_s**2 * np.diag([1.0, rate**2])
    P[2:4, 2:4] = stationary
    Q[2:4, 2:4] = stationary - A[2:4, 2:4] @ stationary @ A[2:4, 2:4].T
    A[4, 4] = np.exp(-2.0 * np.pi * prior.fast_hz * step)
    P[4, 4] = prior.fast_s**2
    Q[4, 4] = prior.fast_s**2 * (1.0 - A[4, 4] ** 2)
    return A, Q, P


@numba.njit(cache=True, nogil=True)
def _move(A: np.ndarray, m: np.ndarray, work: np.ndarray) -> None:
    """A times m in place; A holds two blocks of two states and one of one."""
    for i in range(5):
        low = i // 2 * 2
        work[i] = 0.0
        for j in range(low, min(low + 2, 5)):
            work[i] += A[i, j] * m[j]
    for i in range(5):
        m[i] = work[i]


@numba.njit(cache=True, nogil=True)
def _forward(A: np.ndarray, P: np.ndarray, work: np.ndarray) -> None:
    """P <- A P A', A made of blocks 0-1, 2-3 and 4."""
    for i in range(5):
        low = i // 2 * 2
        high = min(low + 2, 5)
        for j in range(5):
            total = 0.0
            for k in range(low, high):
                total += A[i, k] * P[k, j]
            work[i, j] = total
    for j in range(5):
        low = j // 2 * 2
        high = min(low + 2, 5)
        for i in range(j + 1):
            total = 0.0
            for k in range(low, high):
                total += work[i, k] * A[j, k]
            P[i, j] = total
            P[j, i] = total


@numba.njit(cache=True, nogil=True)
def _filtered(z: np.ndarray, information: np.ndarray, A: np.ndarray, Q: np.ndarray, P0: np.ndarray) -> Filtered:
    """Forecast of each reading, its covariance with the state and its variance (0 where nothing was read); log-likelihood."""
    points = z.size
    forecast, spreads = np.empty(points), np.zeros(points)
    gains = np.empty((points, 5))
    likelihood = 0.0
    m, moved, P, work = np.zeros(5), np.zeros(5), P0.copy(), np.empty((5, 5))
    for k in range(points):
        if k:
            _move(A, m, moved)
            _forward(A, P, work)
            for i in range(5):
                for j in range(5):
                    P[i, j] += Q[i, j]
        forecast[k] = m[0] + m[2] + m[4]
        for i in range(5):
            gains[k, i] = P[i, 0] + P[i, 2] + P[i, 4]
        if information[k] > 0.0:
            spread = gains[k, 0] + gains[k, 2] + gains[k, 4] + 1.0 / information[k]
            surprise = z[k] - forecast[k]
            likelihood -= 0.5 * (np.log(spread) + surprise**2 / spread)
            spreads[k] = spread
            for i in range(5):
                m[i] += gains[k, i] * surprise / spread
                for j in range(5):
                    P[i, j] -= gains[k, i] * gains[k, j] / spread
    return forecast, gains, spreads, likelihood


@numba.njit(cache=True, nogil=True)
def _smoothed(
    z: np.ndarray, forecast: np.ndarray, gains: np.ndarray, spreads: np.ndarray, A: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance given all readings, by the adjoint recursion of Bryson and Frazier, which inverts nothing."""
    points = z.size
    mean, var = np.empty(points), np.empty(points)
    pull, moved = np.zeros(5), np.zeros(5)  # what later readings say of the state,
    sure, work, kept = np.zeros((5, 5)), np.empty((5, 5)), np.empty((5, 5))  # and how surely
    B = A.T.copy()
    for k in range(points - 1, -1, -1):
        gain, spread = gains[k], spreads[k]
        prior = gain[0] + gain[2] + gain[4]
        along, twice = 0.0, 0.0
        for i in range(5):
            along += gain[i] * pull[i]
            for j in range(5):
                twice += gain[i] * sure[i, j] * gain[j]
        if spread > 0.0:
            # From the state after this reading, so that a start of which nothing is known cancels nothing.
            share = (spread - prior) / spread
            surprise = z[k] - forecast[k]
            mean[k] = forecast[k] + surprise * prior / spread - share * along
            var[k] = prior * share - share**2 * twice
            _one_reading(sure, gain, spread, kept, work)
            pulled = (surprise + along) / spread
            for i in (0, 2, 4):
                pull[i] -= pulled
        else:
            mean[k] = forecast[k] - along
            var[k] = prior - twice
        _move(B, pull, moved)
        _forward(B, sure, work)
    return mean, var


@numba.njit(cache=True, nogil=True)
def _one_reading(sure: np.ndarray, gain: np.ndarray, spread: float, kept: np.ndarray, work: np.ndarray) -> None:
    """Add a reading to what is known from later ones: sure <- K' sure K + h h' / spread, K = 1 - gain h' / spread."""
    for i in range(5):
        for j in range(5):
            kept[i, j] = 1.0 if i == j else 0.0
            if j % 2 == 0:
                kept[i, j] = ((spread if i == j else 0.0) - gain[i]) / spread
    for i in range(5):
        for j in range(5):
            total = 0.0
            for k in range(5):
                total += sure[i, k] * kept[k, j]
            work[i, j] = total
    for i in range(5):
        for j in range(i + 1):
            total = 1.0 / spread if i % 2 == 0 and j % 2 == 0 else 0.0
            for k in range(5):
                total += kept[k, i] * work[k, j]
            sure[i, j] = total
            sure[j, i] = total
