"""The tone for setting levels, which also tells where each output comes back."""

import numpy as np

LONGEST_S = 6 * 3600.0
AUDIBLE_DB = -30.0
"""A return so much below what was sent, or more, is none: crosstalk, or an open cable."""


class LevelTone:
    """1 kHz on one channel after the other, a second each, and then on all; with an ear on where each comes back.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    channels : int
        Number of channels played, and recorded.
    amplitude : float
        Peak of the tone.
    """

    def __init__(self, sample_rate: int, channels: int, amplitude: float) -> None:
        self.sample_rate, self.channels = sample_rate, channels
        self.samples = round(LONGEST_S * sample_rate)
        self._amplitude = amplitude
        self._power = np.zeros((channels, channels))
        self._heard_samples = 0

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``."""
        at = np.arange(start, stop)
        # One second holds whole cycles, so the phase stays exact however long the tone lasts.
        wave = self._amplitude * np.sin(2.0 * np.pi * 1000.0 / self.sample_rate * (at % self.sample_rate))
        turn = at // self.sample_rate
        sounds = (turn[:, None] == np.arange(self.channels)) | (turn[:, None] >= self.channels)
        return wave[:, None] * sounds

    def hear(self, block: np.ndarray) -> None:
        """Take in what comes back, shape ``(samples, channels)``; of each turn the second half, for it comes late."""
        at = np.arange(self._heard_samples, self._heard_samples + block.shape[0])
        self._heard_samples += block.shape[0]
        for sent in range(self.channels):
            inside = (at >= (sent + 0.5) * self.sample_rate) & (at < (sent + 1) * self.sample_rate)
            self._power[sent] += np.sum(block[inside] ** 2, axis=0) / (0.5 * self.sample_rate)

    def loudest_input(self) -> list[int | None]:
        """For each channel played the one on which it comes back loudest; None where it hardly comes back."""
        audible = 0.5 * (self._amplitude * 10.0 ** (AUDIBLE_DB / 20.0)) ** 2
        return [int(np.argmax(power)) if power.max() > audible else None for power in self._power]
