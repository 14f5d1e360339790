"""Level stability: how much the level of a steady tone wanders."""

import numpy as np
from scipy.stats import binom

WINDOW_S = 0.1
CENTRAL = 0.95
FEWEST = 20
DB_A_NEPER = 8.686


def stability(
    amplitude: np.ndarray, step_s: float, relative_sd: float, delay_s: np.ndarray | None = None
) -> tuple[float, float] | None:
    """Half the range that holds the central 95 % of levels read over 0.1 s, in dB, and its 95 % uncertainty.

    A head gives 6 dB an octave: flutter moves the level by its own part, the less the more the equaliser takes of that. That is no
    wander of the tape, and is stated as uncertainty.

    Parameters
    ----------
    amplitude : ndarray, shape (points,)
        Amplitude of the tone on a uniform grid.
    step_s : float
        Its step.
    relative_sd : float
        Standard deviation that hiss gives one reading of 0.1 s, re the amplitude.
    delay_s : ndarray, shape (points,), optional
        Delay of the tone, which tells its flutter.

    Returns
    -------
    tuple of float or None
        None where there are fewer than twenty readings, two seconds.
    """
    points = max(1, round(WINDOW_S / step_s))
    count = amplitude.size // points
    if count < FEWEST:
        return None
    power = np.mean(amplitude[: count * points].reshape(count, points) ** 2, axis=1)
    level = np.sort(10.0 * np.log10(np.maximum(power, 1e-24)))
    tail = 0.5 * (1.0 - CENTRAL)
    low, high = np.quantile(level, [tail, 1.0 - tail])
    # A quantile lies between the readings whose ranks are the binomial interval of its own (Conover, order statistics).
    ranks = np.clip(binom.ppf([0.025, 0.975], count, tail), 0, count - 1).astype(int)
    doubt_low = max(low - level[ranks[0]], level[ranks[1]] - low)
    doubt_high = max(level[count - 1 - ranks[0]] - high, high - level[count - 1 - ranks[1]])
    # Hiss by itself would make such a range; it adds in power.
    hiss = 1.96 * DB_A_NEPER * relative_sd
    half = 0.5 * (high - low)
    doubt = (
        0.5 * float(np.hypot(doubt_low, doubt_high))
        + hiss
        + (0.0 if delay_s is None else _by_flutter(delay_s, points, step_s))
    )
    return float(np.sqrt(max(half**2 - hiss**2, 0.0))), doubt


def _by_flutter(delay_s: np.ndarray, points: int, step_s: float) -> float:
    """Half the range of the level, in dB, that speed makes behind a bare head."""
    speed = np.diff(delay_s[::points]) / (points * step_s)
    return float(0.5 * DB_A_NEPER * np.diff(np.quantile(speed, [0.5 - 0.5 * CENTRAL, 0.5 + 0.5 * CENTRAL]))[0])
