"""Which channel of the mixer is recorded on which track: the record function of every track, faders and pan.

On DIRECT a track records the channel of its number, at the level of that channel's fader. On BUSS tracks 1 and 3 record the left
buss, 2 and 4 the right one: all channels as PAN shares them out, at the level of their faders and of the master. On SAFE a track
keeps what is on it. Levels are gains in dB; EQ is flat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np

from modeling.deck.parameters import TRACKS
from signals.errors import ModelError

HIGHEST_DB = 20.0
HALF_POWER_DB = 20.0 * np.log10(np.cos(0.25 * np.pi))


class Function(Enum):
    """Record function of a track."""

    DIRECT = "direct"
    SAFE = "safe"
    BUSS = "buss"


@dataclass(frozen=True)
class Faders:
    """How the mixer stands.

    Attributes
    ----------
    channel_db : tuple of float
        Faders of channels 1 to 4, -inf for closed.
    pan : tuple of float
        From -1, left, to 1, right.
    master_db : float
        Master fader.

    Raises
    ------
    ModelError
        A gain that is no number or above 20 dB, or a pan outside -1 to 1.
    """

    channel_db: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    pan: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    master_db: float = 0.0

    def __post_init__(self) -> None:
        if len(self.channel_db) != TRACKS or len(self.pan) != TRACKS:
            raise ModelError(f"the mixer has {TRACKS} channels; give each a fader and a pan")
        wrong = [db for db in (*self.channel_db, self.master_db) if not db <= HIGHEST_DB]
        if wrong:
            raise ModelError(f"a fader at {wrong[0]} dB is above {HIGHEST_DB:g}; choose one below")
        wrong = [pan for pan in self.pan if not -1.0 <= pan <= 1.0]
        if wrong:
            raise ModelError(f"a pan of {wrong[0]} is outside -1 to 1; choose one inside")


def routing(functions: Mapping[int, Function], faders: Faders, pan_centre_db: float) -> np.ndarray:
    """Gain from every channel to every track, shape ``(tracks, channels)``; a track (from 1) that is not named is SAFE.

    Parameters
    ----------
    pan_centre_db : float
        Gain to either buss in the middle: that of cos^p, p = 1 for equal power, -3 dB.
    """
    channel = _gain(np.array(faders.channel_db))
    angle = 0.25 * np.pi * (np.array(faders.pan) + 1.0)
    power = pan_centre_db / HALF_POWER_DB
    shares = np.array([np.cos(angle), np.sin(angle)])
    shares[shares < 1e-12] = 0.0  # the cosine of a right angle is not quite nothing
    busses = _gain(np.array(faders.master_db)) * channel * shares**power
    matrix = np.zeros((TRACKS, TRACKS))
    for track, function in functions.items():
        if function is Function.DIRECT:
            matrix[track - 1, track - 1] = channel[track - 1]
        elif function is Function.BUSS:
            matrix[track - 1] = busses[(track - 1) % 2]
    return matrix


def routed(matrix: np.ndarray, channels: np.ndarray) -> np.ndarray:
    """Input of the tracks ``(tracks, samples)`` from that of the channels, the same to the bit whatever the block size."""
    out = np.zeros((matrix.shape[0], channels.shape[1]))
    for track, channel in np.argwhere(matrix):
        out[track] += matrix[track, channel] * channels[channel]
    return out


def _gain(level_db: np.ndarray) -> np.ndarray:
    return np.asarray(10.0 ** (level_db / 20.0))
