"""A trajectory from scattered readings: Kalman filter and Rauch-Tung-Striebel smoother over a sum of simple processes.

The delay of a tape is modelled as the sum of

* an integrated random walk: speed that drifts, which takes up mean speed and reel drift without a prior on their size;
* a Matern-3/2 process (power spectrum 1/(1 + (f/f0)^2)^2): wow and flutter;
* a fast first-order process: what is left up to some 50 Hz.

Where there are readings the result follows them; across gaps it follows the prior, and its standard deviation says so.

References
----------
S. Sarkka, A. Solin, "Applied Stochastic Differential Equations", Cambridge 2019, ch. 10 and 12 (state-space forms of Gaussian
processes, RTS smoother).
"""

from dataclasses import dataclass

import numba
import numpy as np

FLUTTER_S = (25e-6, 50e-6, 100e-6, 200e-6, 400e-6)
FLUTTER_HZ = (0.5, 1.0, 2.0, 4.0)
"""What is tried of each for a prior that fits."""

Filtered = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]


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
    transition, process, start = _matrices(step_s, prior)
    mean, var = _rts(_kalman(z, information, transition, process, start), transition)
    return mean + centre, np.sqrt(np.maximum(var, 0.0))


def log_likelihood(reading_s: np.ndarray, variance: np.ndarray, step_s: float, prior: Prior) -> float:
    """How likely readings are, up to a constant; parameters as for :func:`smooth`."""
    z, information, _ = _centred(reading_s, variance)
    return float(_kalman(z, information, *_matrices(step_s, prior))[-1])


def fitted(reading_s: np.ndarray, variance: np.ndarray, step_s: float) -> Prior:
    """The prior whose wow and flutter make readings likeliest; parameters as for :func:`smooth`."""
    tried = [Prior(flutter_s=s, flutter_hz=f) for s in FLUTTER_S for f in FLUTTER_HZ]
    return max(tried, key=lambda prior: log_likelihood(reading_s, variance, step_s, prior))


def _centred(reading_s: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Readings about their median, so that the diffuse start is small against float64 whatever the head delay."""
    known = np.isfinite(variance) & np.isfinite(reading_s)
    if not known.any():
        raise ValueError("no reading to smooth")
    centre = float(np.median(reading_s[known]))
    return np.where(known, reading_s - centre, 0.0), np.where(known, 1.0 / np.where(known, variance, 1.0), 0.0), centre


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


@numba.njit(cache=True)
def _kalman(z: np.ndarray, information: np.ndarray, A: np.ndarray, Q: np.ndarray, P0: np.ndarray) -> Filtered:
    """Means and covariances after and before each reading, and the log-likelihood of all."""
    points, n = z.size, A.shape[0]
    h = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    means = np.zeros((points, n))
    covariances = np.zeros((points, n, n))
    predicted_means = np.zeros((points, n))
    predicted = np.zeros((points, n, n))
    likelihood = 0.0
    m, P = np.zeros(n), P0.copy()
    for k in range(points):
        if k:
            m = A @ m
            P = A @ P @ A.T + Q
        predicted_means[k] = m
        predicted[k] = P
        if information[k] > 0.0:
            gain = P @ h
            spread = h @ gain + 1.0 / information[k]
            surprise = z[k] - h @ m
            likelihood -= 0.5 * (np.log(spread) + surprise**2 / spread)
            m = m + gain * (surprise / spread)
            P = P - np.outer(gain, gain) / spread
            P = 0.5 * (P + P.T)
        means[k] = m
        covariances[k] = P
    return means, covariances, predicted_means, predicted, likelihood


@numba.njit(cache=True)
def _rts(filtered: Filtered, A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    means, covariances, predicted_means, predicted, _ = filtered
    points = means.shape[0]
    h = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
    m, P = means[points - 1], covariances[points - 1]
    mean, var = np.empty(points), np.empty(points)
    mean[points - 1] = h @ m
    var[points - 1] = h @ P @ h
    for k in range(points - 2, -1, -1):
        gain_matrix = np.linalg.solve(predicted[k + 1], A @ covariances[k]).T
        m = means[k] + gain_matrix @ (m - predicted_means[k + 1])
        P = covariances[k] + gain_matrix @ (P - predicted[k + 1]) @ gain_matrix.T
        mean[k] = h @ m
        var[k] = h @ P @ h
    return mean, var
