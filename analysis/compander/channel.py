"""The channel without dbx: what returns of a level sent, at any frequency, from the takes made with dbx off.

Steps tell level and compression at their own frequency. Elsewhere the response of a sweep gives the gain, and the nearest step
frequency the compression, as far as it is near.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.compander.readings import Readings

ALIKE_BELOW_HZ = 1000.0
SAME_HZ = 0.03  # relative difference of what counts as one frequency
NEAR_OCTAVES = 2.0  # over which compression is carried
SMALL_SIGNAL_DB = (-35.0, -12.0)  # steps between them tell the gain: below there is noise, above compression
STRAIGHT_DB = 0.15  # compression up to which the channel counts as straight
GAIN_SD_DB = 0.03
SLOPE_DB_OCTAVE = 6.0  # by which a tape holds less above 1 kHz, where nothing is known
RESPONSE_OCTAVES = 1.0 / 12.0  # over which a response is averaged


@dataclass(frozen=True)
class Channel:
    """Gain and compression of a channel by frequency.

    Attributes
    ----------
    steps : mapping of float to ndarray, shape (2, levels)
        By frequency: levels sent, rising, and level returned less level sent.
    response : tuple of ndarray or None
        Frequency in Hz, gain in dB with the same zero as the steps.
    """

    steps: dict[float, np.ndarray]
    response: tuple[np.ndarray, np.ndarray] | None

    def tells_compression(self, frequency_hz: float) -> bool:
        """Whether steps tell it: at this very frequency, or near below 1 kHz, where a tape is alike at all frequencies."""
        low = frequency_hz < ALIKE_BELOW_HZ and self._nearest(frequency_hz) is not None
        return low or self._own(frequency_hz) is not None

    def gain_db(self, frequency_hz: float) -> float | None:
        """Returned less sent for a small signal; None where nothing tells it."""
        own = self._own(frequency_hz)
        if own is not None:
            return _small_signal(own)
        if self.response is None:
            return None
        frequency, gain = self.response
        near = np.abs(np.log2(frequency / frequency_hz)) <= RESPONSE_OCTAVES
        if not near.any():
            return None
        # A local line, so that a slope does not pull the mean.
        return float(np.polyval(np.polyfit(np.log(frequency[near] / frequency_hz), gain[near], 1), 0.0))

    def compression_db(self, frequency_hz: float, level_db: np.ndarray) -> np.ndarray:
        """By how much less than a small signal's gain a level gets; zero for small signals and where nothing is known."""
        level = np.asarray(level_db, dtype=np.float64)
        steps = self._nearest(frequency_hz)
        if steps is None:
            return np.zeros(level.shape)
        loss = np.where(steps[0] <= SMALL_SIGNAL_DB[1], 0.0, _small_signal(steps) - steps[1])
        return np.asarray(np.interp(level, steps[0], loss))

    def straight_to_db(self, frequency_hz: float) -> float:
        """Highest level sent at which the channel is straight."""
        steps = self._nearest(frequency_hz)
        limit = -SLOPE_DB_OCTAVE * max(0.0, float(np.log2(frequency_hz / 1000.0)))
        if steps is None:
            return limit
        level = np.arange(-60.0, steps[0][-1] + 0.1, 0.5)
        bent = np.abs(self.compression_db(frequency_hz, level)) > STRAIGHT_DB
        known = float(level[np.argmax(bent)]) - 0.5 if bent.any() else float(level[-1])
        return known if self._own(frequency_hz) is not None else min(known, limit)

    def as_sent_db(self, frequency_hz: float, returned_db: np.ndarray) -> np.ndarray:
        """Level that returns so without dbx; beyond the highest step as if it went on straight."""
        gain = self.gain_db(frequency_hz) or 0.0
        level = np.asarray(returned_db, dtype=np.float64) - gain
        grid = np.arange(-100.0, 30.0, 0.25)
        through = grid - self.compression_db(frequency_hz, grid)
        through = np.maximum.accumulate(through + 1e-6 * np.arange(grid.size))
        return np.asarray(np.interp(level, through, grid))

    def _own(self, frequency_hz: float) -> np.ndarray | None:
        for known, steps in self.steps.items():
            if abs(known / frequency_hz - 1.0) < SAME_HZ:
                return steps
        return None

    def _nearest(self, frequency_hz: float) -> np.ndarray | None:
        if not self.steps:
            return None
        best = min(self.steps, key=lambda f: abs(np.log2(f / frequency_hz)))
        return self.steps[best] if abs(np.log2(best / frequency_hz)) <= NEAR_OCTAVES else None


def _small_signal(steps: np.ndarray) -> float:
    small = (steps[0] >= SMALL_SIGNAL_DB[0]) & (steps[0] <= SMALL_SIGNAL_DB[1])
    return (
        float(np.mean(steps[1][small])) if small.any() else float(steps[1][np.argmin(np.abs(steps[0] - SMALL_SIGNAL_DB[1]))])
    )


def of_takes(takes: Sequence[Readings], reference_dbfs: float) -> Channel | None:
    """The channel from the takes without dbx; None where there is none with a tone in it."""
    levels: dict[float, dict[float, list[float]]] = {}
    for take in takes:
        for line in take.steps:
            gains = levels.setdefault(line.frequency_hz, {}).setdefault(line.level_db, [])
            gains.append(line.returned_db - line.level_db - reference_dbfs)
    if not levels:
        return None
    steps = {
        f: np.array([sorted(by_level), [float(np.mean(by_level[level])) for level in sorted(by_level)]])
        for f, by_level in levels.items()
    }
    responses = [take.response for take in takes if take.response is not None]
    mean = (responses[0][0], np.mean([np.interp(responses[0][0], *r) for r in responses], axis=0)) if responses else None
    return Channel(steps, mean)
