"""Defects that lie in the tape: dropouts of every track, and a piece that was stretched.

A dropout has a place on the tape and costs depth cos^2(pi x / (2 width)) dB at a distance of x < width from it, so that it is
below half its depth for its width. It costs all wavelengths alike, which a particle under the tape does not. A stretched piece
of length L passes more slowly by 2 e sin^2(pi x / L), x from its beginning, in the mean by e. Places follow from the seed
alone; they are in seconds of tape at nominal speed, 0 where the first recording begins.
"""

from dataclasses import dataclass

import numpy as np

from modeling.deck.parameters import DeckParameters, Faults

CELL_S = 10.0
"""Dropouts are drawn for pieces of tape of this length, each by itself, so that they do not depend on what is read first."""

_DROPOUTS = 31
_FIRST_CELL = 1 << 20


@dataclass(frozen=True)
class Dropouts:
    """Dropouts of one track in order of place; arrays of shape ``(dropouts,)``."""

    place_s: np.ndarray
    depth_db: np.ndarray
    width_s: np.ndarray


def dropouts(parameters: DeckParameters, seed: int, track: int, start_s: float, stop_s: float) -> Dropouts:
    """Dropouts of a track (0-based) that touch a span of tape."""
    faults = parameters.faults
    reach_s = 2.0 * faults.dropout_ms / 1000.0
    cells = range(int(np.floor((start_s - reach_s) / CELL_S)), int(np.floor((stop_s + reach_s) / CELL_S)) + 1)
    drawn = np.concatenate([_cell(faults, seed, track, cell) for cell in cells])
    place_s, depth_db, width_s = drawn[np.argsort(drawn[:, 0])].T
    near = (place_s + width_s > start_s) & (place_s - width_s < stop_s)
    return Dropouts(place_s[near], depth_db[near], width_s[near])


def _cell(faults: Faults, seed: int, track: int, cell: int) -> np.ndarray:
    """Place, depth and width of the dropouts of one piece of tape, shape ``(dropouts, 3)``."""
    generator = np.random.default_rng((seed, _DROPOUTS, track, _FIRST_CELL + cell))
    count = generator.poisson(faults.dropouts_per_minute / 60.0 * CELL_S)
    place, depth, width = generator.random((3, count))
    return np.stack(
        [
            CELL_S * (cell + place),
            faults.dropout_db * 2.0 ** (2.0 * depth - 1.0),
            faults.dropout_ms / 1000.0 * 2.0 ** (2.0 * width - 1.0),
        ],
        axis=1,
    )


def play_gain(parameters: DeckParameters, seed: int, track: int, start: int, stop: int, sample_rate: int) -> np.ndarray:
    """Factor that defects leave of the flux at tape positions `start` to `stop`, in samples; shape ``(stop - start,)``."""
    faults = parameters.faults
    loss_db = np.zeros(stop - start)
    if faults.dropouts_per_minute > 0.0:
        found = dropouts(parameters, seed, track, start / sample_rate, stop / sample_rate)
        for place_s, depth_db, width_s in zip(found.place_s, found.depth_db, found.width_s, strict=True):
            first = max(start, int(np.ceil((place_s - width_s) * sample_rate)))
            last = min(stop, int(np.floor((place_s + width_s) * sample_rate)) + 1)
            distance_s = np.arange(first, last) / sample_rate - place_s
            loss_db[first - start : last - start] += depth_db * np.cos(0.5 * np.pi * distance_s / width_s) ** 2
    if faults.stretch_db > 0.0:
        at = (np.arange(start, stop) / sample_rate - faults.stretch_at_s) / faults.stretch_length_s + 0.5
        loss_db += faults.stretch_db * np.sin(np.pi * np.clip(at, 0.0, 1.0)) ** 2
    return np.asarray(10.0 ** (-loss_db / 20.0))


@dataclass(frozen=True)
class Stretch:
    """A stretched piece of tape, as a play pass meets it.

    Attributes
    ----------
    begin_s, length_s : float
        Where it begins and how long it is now, in seconds of tape.
    amount : float
        Mean lengthening as a ratio.
    """

    begin_s: float
    length_s: float
    amount: float

    def lag(self, position_s: np.ndarray) -> np.ndarray:
        """By how much what is read at a position was recorded before it: the integral of :meth:`slope`."""
        x = np.clip((position_s - self.begin_s) / self.length_s, 0.0, 1.0)
        return self.amount * self.length_s * (x - np.sin(2.0 * np.pi * x) / (2.0 * np.pi))

    def slope(self, position_s: np.ndarray) -> np.ndarray:
        """Lack of speed there, as a ratio."""
        x = np.clip((position_s - self.begin_s) / self.length_s, 0.0, 1.0)
        return self.amount * (1.0 - np.cos(2.0 * np.pi * x))


def stretch_of(faults: Faults) -> Stretch | None:
    """The stretched piece, if there is one."""
    if faults.stretch_percent == 0.0:
        return None
    begin_s = faults.stretch_at_s - 0.5 * faults.stretch_length_s
    return Stretch(begin_s, faults.stretch_length_s, faults.stretch_percent / 100.0)
