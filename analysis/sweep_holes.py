"""Where a returned sweep has holes: moments at which its level falls faster than any response does, until it is back.

A sweep tells each frequency once. A hole in it, of a tape that was worn, stopped or cut, looks like a hole in the response.
"""

import numpy as np

from signals.sweeps import Sweep

BLOCK_S = 0.02
AUDIBLE_HZ = 50.0  # below it a block is shorter than a cycle
FALL_DB = 8.0  # from one block to the next but one: the steepest response of a tape falls by 2 dB
NOTHING_DB = -80.0  # re what was sent
EDGE_S = 0.03  # of the sweep, faded or beside a hole


def find(
    returned: np.ndarray, lead_samples: int, sweep: Sweep, amplitude: float, sample_rate: int
) -> list[tuple[float, float]]:
    """Bands of frequency in Hz that a dewarped sweep did not bring back.

    Parameters
    ----------
    returned : ndarray, shape (samples,)
        From `lead_samples` before the sweep to its end or later.
    amplitude : float
        Peak amplitude as sent.
    """
    first = lead_samples + round(float(sweep.time_s(np.array(AUDIBLE_HZ))) * sample_rate)
    last = lead_samples + round((sweep.duration_s - EDGE_S) * sample_rate)
    block = round(BLOCK_S * sample_rate)
    part = returned[first:last]
    count = part.size // block
    if count < 3:
        return []
    power = np.mean(part[: count * block].reshape(count, block) ** 2, axis=1)
    level = 10.0 * np.log10(2.0 * power / amplitude**2 + 1e-20)
    time_s = (first - lead_samples) / sample_rate + BLOCK_S * np.arange(count + 1)
    lost = _lost(level)
    edges = np.diff(np.concatenate(([0], lost.astype(int), [0])))
    return [
        (float(sweep.frequency_hz(time_s[start] - EDGE_S)), float(sweep.frequency_hz(time_s[stop] + EDGE_S)))
        for start, stop in zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1), strict=True)
    ]


def _lost(level_db: np.ndarray) -> np.ndarray:
    """Blocks in which nothing came back, or that lie between a sudden fall and the return to half of it, shape (blocks,)."""
    lost = level_db < NOTHING_DB
    before: float | None = None
    for i in range(level_db.size):
        if before is None and i >= 2 and level_db[i] < level_db[i - 2] - FALL_DB:
            before = float(level_db[i - 2])
            lost[i - 1] = True
        if before is not None:
            if level_db[i] > before - 0.5 * FALL_DB:
                before = None
            else:
                lost[i] = True
    return lost
