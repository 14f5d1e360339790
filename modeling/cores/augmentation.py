"""Windows made other than they were, dry and wet alike: what may be done to both without telling a lie about the deck.

``polarity`` turns half of the windows over: honest for a deck without even harmonics. ``speed`` plays both a little faster or
slower: honest as far as the deck's response does not change over so small a ratio of frequencies. ``noise`` adds the same hiss
to both, far below that of the tape: honest where the deck has little loss.
"""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from analysis.dewarp import FAST_HALF_TAPS, interpolate_fast
from signals.errors import ModelError

KINDS = ("polarity", "speed", "noise")
FASTEST = 0.01
"""Largest change of speed, as a part of it."""
NOISE_DB = -70.0
"""RMS of the noise re a sine at 0 VU; the hiss of a cassette lies 10 to 20 dB above it."""


def checked_kinds(kinds: Collection[str]) -> tuple[str, ...]:
    """The same kinds in their order, if there are such.

    Raises
    ------
    ModelError
        One is unknown.
    """
    for kind in kinds:
        if kind not in KINDS:
            raise ModelError(f"there is no augmentation '{kind}'; name some of {', '.join(KINDS)}")
    return tuple(kind for kind in KINDS if kind in kinds)


@dataclass(frozen=True)
class Augmentation:
    """How windows are varied.

    Attributes
    ----------
    kinds : collection of str
    noise : float
        RMS of the noise that is added.
    seed : int
    """

    kinds: Collection[str]
    noise: float
    seed: int

    def __call__(
        self, x: np.ndarray, y: np.ndarray, start: int, reach: tuple[int, int, int], step: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """A window of a pair, made other than it was.

        Parameters
        ----------
        x, y : ndarray, shape (before + samples + after,) and (samples,)
            The pair, its input with the context that a network needs.
        start : int
            Of the window in `y`.
        reach : tuple of int
            Before, window and after.
        step : int
            Decides all, with the seed.

        Returns
        -------
        x, y : ndarray, shape (before + window + after,) and (window,), float32
        """
        before, window, after = reach
        rng = np.random.default_rng([self.seed, step, start])
        times = np.arange(-before, window + after) - 0.5 * window
        pace = 1.0 + rng.uniform(-FASTEST, FASTEST) if "speed" in self.kinds else 1.0
        sign = rng.choice([-1.0, 1.0]) if "polarity" in self.kinds else 1.0
        noise = self.noise * rng.standard_normal(times.size) if "noise" in self.kinds else np.zeros(times.size)
        places = start + 0.5 * window + pace * times
        inner = slice(before, before + window)
        heard, answered = _read(x, places + before), _read(y, places[inner])
        return (sign * heard + noise).astype(np.float32), (sign * answered + noise[inner]).astype(np.float32)


def _read(signal: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Values at places; on whole samples exactly those that are there."""
    low, high = max(0, int(places[0]) - FAST_HALF_TAPS), int(places[-1]) + FAST_HALF_TAPS + 2
    return interpolate_fast(signal[low:high], places - low)
