"""The smoother against the same Gaussian process written out as one dense covariance matrix."""

import numpy as np
import pytest

from analysis.smoother import Prior, smooth

STEP_S = 0.02
PRIOR = Prior(speed_walk=2e-3, flutter_s=100e-6, flutter_hz=3.0, fast_s=20e-6, fast_hz=5.0)


def covariance(time: np.ndarray, prior: Prior) -> np.ndarray:
    """Prior covariance of the delay at given times from the first on, without that of its offset and mean speed."""
    s, t = np.meshgrid(time, time)
    apart, first = np.abs(s - t), np.minimum(s, t)
    walk = prior.speed_walk**2 * first**2 * (np.maximum(s, t) / 2.0 - first / 6.0)  # a Wiener process, integrated twice
    rate = 2.0 * np.pi * prior.flutter_hz
    matern = prior.flutter_s**2 * (1.0 + rate * apart) * np.exp(-rate * apart)
    return walk + matern + prior.fast_s**2 * np.exp(-2.0 * np.pi * prior.fast_hz * apart)


def dense(reading: np.ndarray, variance: np.ndarray, prior: Prior) -> tuple[np.ndarray, np.ndarray]:
    """Posterior with offset (sd 1 s) and speed (sd 20 %) as explicit basis functions.

    Rasmussen, Williams, "Gaussian Processes for Machine Learning", 2006, eq. 2.41 and 2.42.
    """
    known = np.isfinite(variance)
    time = STEP_S * np.arange(reading.size)
    K, H = covariance(time, prior), np.stack((np.ones(time.size), time))
    inverse = np.linalg.inv(K[np.ix_(known, known)] + np.diag(variance[known]))
    gain = K[:, known] @ inverse
    of_basis = np.linalg.inv(np.diag([1.0, 0.2**-2]) + H[:, known] @ inverse @ H[:, known].T)
    centred = reading[known] - np.median(reading[known])
    beta = of_basis @ H[:, known] @ inverse @ centred
    left = H - H[:, known] @ gain.T
    spread = np.diag(K) - np.sum(gain * K[:, known], axis=1) + np.sum(left * (of_basis @ left), axis=0)
    return np.median(reading[known]) + gain @ centred + left.T @ beta, np.sqrt(spread)


def readings(points: int, sd_s: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    time = STEP_S * np.arange(points)
    delay = 0.16 + 1e-3 * time + 1e-4 * np.sin(2 * np.pi * 2.0 * time) + sd_s * rng.standard_normal(points)
    return delay, np.full(points, sd_s**2) * rng.uniform(0.5, 2.0, points)


@pytest.mark.parametrize("gap", [None, (40, 60), (0, 10), (70, 80)])
def test_it_is_the_posterior_of_the_gaussian_process(gap: tuple[int, int] | None) -> None:
    delay, variance = readings(80, 5e-6, 0)
    if gap is not None:
        variance[slice(*gap)] = np.inf
        delay[slice(*gap)] = np.nan
    mean, sd = smooth(delay, variance, STEP_S, PRIOR)
    want, spread = dense(np.nan_to_num(delay), variance, PRIOR)
    assert np.abs(mean - want).max() < 1e-9
    assert sd == pytest.approx(spread, rel=1e-3)


def test_a_draw_from_the_prior_lies_within_the_stated_deviation() -> None:
    rng = np.random.default_rng(3)
    points = 400
    factor = np.linalg.cholesky(covariance(STEP_S * np.arange(points), PRIOR) + 1e-18 * np.eye(points))
    inside, in_gaps = [], []
    for _ in range(20):
        truth = factor @ rng.standard_normal(points)
        variance = np.full(points, (5e-6) ** 2)
        gaps = np.zeros(points, dtype=bool)
        gaps[100:115] = gaps[250:290] = True
        variance[gaps] = np.inf
        mean, sd = smooth(truth + 5e-6 * rng.standard_normal(points), variance, STEP_S, PRIOR)
        ratio = (mean - truth) / sd
        inside.append(np.mean(np.abs(ratio[~gaps]) < 2.0))
        in_gaps.append(np.mean(np.abs(ratio[gaps]) < 2.0))
    assert np.mean(inside) == pytest.approx(0.954, abs=0.015)
    assert np.mean(in_gaps) == pytest.approx(0.954, abs=0.05)


def test_the_deviation_grows_into_a_gap_and_is_small_at_its_edges() -> None:
    delay, variance = readings(200, 1e-6, 1)
    variance[80:120] = np.inf
    _, sd = smooth(delay, variance, STEP_S, PRIOR)
    assert np.argmax(sd) == pytest.approx(99.5, abs=1)
    assert sd[99] > 20 * sd[78]


def test_the_head_delay_costs_no_precision() -> None:
    delay, variance = readings(200, 1e-6, 2)
    near, _ = smooth(delay, variance, STEP_S, PRIOR)
    far, _ = smooth(delay + 1000.0, variance, STEP_S, PRIOR)
    assert np.abs(far - near - 1000.0).max() < 1e-9


def test_no_reading_at_all_is_a_wrong_call() -> None:
    with pytest.raises(ValueError, match="no reading"):
        smooth(np.zeros(3), np.full(3, np.inf), STEP_S, PRIOR)
