"""Levels on both sides of an encoder or a decoder, from the steps of its takes and the channel without dbx."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.compander import law
from analysis.compander.channel import GAIN_SD_DB, Channel
from analysis.compander.law import Law
from analysis.compander.readings import Readings

UNKNOWN_DB = -10.0  # where no take tells the tape's compression, levels sent to a decoder up to here are used
UNKNOWN_BELOW_DB = -5.0  # and of an encoder what returns so far below the highest step
HIGHEST_DB = 0.5
EXPANDED = 2.0  # dB out a dB in, of a decoder


@dataclass(frozen=True)
class Pairs:
    """Levels of one frequency, rising: those on the channel, those of the programme, and the standard deviation of the reading.

    All are re 0 dB sent, as if the channel had the gain 1 at this frequency. `straight` marks those of a straight channel;
    `compared` says whether the takes without dbx tell what the tape compresses there.
    """

    frequency_hz: float
    low_db: np.ndarray
    high_db: np.ndarray
    sd_db: np.ndarray
    straight: np.ndarray
    compared: bool

    def told(self) -> np.ndarray:
        """Which steps can be shown: where no take tells what the tape compresses, those of a straight channel alone."""
        return self.straight | self.compared

    def law_sd(self, encode: bool) -> np.ndarray:
        """Standard deviation of the output. The gain of a decoder follows noise, and what the channel drifts by, once more."""
        return np.asarray((1.0 if encode else EXPANDED) * np.hypot(self.sd_db, np.sqrt(2.0) * GAIN_SD_DB))

    def fitted(self, encode: bool) -> Law | None:
        """The law through them."""
        low, high, sd = (levels[self.straight] for levels in (self.low_db, self.high_db, self.sd_db))
        found = law.fit(low, high, sd)
        # What noise is in the reading of an encoder's output counts r times, that of a decoder's once.
        return law.fit(low, high, found.ratio * sd) if encode and found is not None else found


def of_takes(takes: Sequence[Readings], encode: bool, channel: Channel | None, reference_dbfs: float) -> list[Pairs]:
    """Pairs of levels by frequency, passes averaged."""
    found: dict[float, dict[float, list[tuple[float, float]]]] = {}
    for take in takes:
        for line in take.steps:
            reading = (line.returned_db - reference_dbfs, line.sd_db)
            found.setdefault(line.frequency_hz, {}).setdefault(line.level_db, []).append(reading)
    pairs = []
    for frequency_hz, levels in sorted(found.items()):
        sent = np.array(sorted(levels))
        returned = np.array([np.mean([r for r, _ in levels[level]]) for level in sent])
        sd = np.array([np.sqrt(np.mean([s**2 for _, s in levels[level]]) / len(levels[level])) for level in sent])
        pairs.append(_pairs(frequency_hz, sent, returned, sd, encode, channel))
    return pairs


def _pairs(
    frequency_hz: float, sent: np.ndarray, returned: np.ndarray, sd: np.ndarray, encode: bool, channel: Channel | None
) -> Pairs:
    gain = None if channel is None else channel.gain_db(frequency_hz)
    if channel is None or gain is None:
        low, high = (returned, sent) if encode else (sent, returned)
        return Pairs(frequency_hz, low, high, sd, low <= (np.max(low) + UNKNOWN_BELOW_DB if encode else UNKNOWN_DB), False)
    own = channel.tells_compression(frequency_hz)
    limit = min(channel.straight_to_db(frequency_hz), HIGHEST_DB)
    if encode:
        low = channel.as_sent_db(frequency_hz, returned)
        return Pairs(frequency_hz, low, sent, sd, low <= limit, own)
    low = sent - channel.compression_db(frequency_hz, sent)
    return Pairs(frequency_hz, low, returned - gain, sd, sent <= limit, own)
