"""A curved law run at a multiple of the sample rate, streaming, so that its harmonics do not fold back."""

from typing import Protocol

import numpy as np
from scipy.signal import firwin, upfirdn

_REACH = 64
"""Samples of the signal under the interpolating filter: flat to 0.45 of the sample rate, 100 dB down from 0.55."""

_KAISER_BETA = 10.06  # 0.1102 (100 - 8.7): 100 dB


class Law(Protocol):
    """Anything that makes magnetisation of a field, sample by sample, both ``(channels, samples)``."""

    def process(self, field_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation for the next samples."""


class Oversampled:
    """A law between a linear-phase interpolator and a decimator; any block size gives the same samples.

    The output lags by `delay_samples`, a whole number.

    Parameters
    ----------
    law : Law
        With its own state; run at `factor` times the sample rate.
    factor : int
        8 or 16 for hysteresis.
    channels : int
    """

    delay_samples = _REACH

    def __init__(self, law: Law, factor: int, channels: int) -> None:
        self._law = law
        self._factor = factor
        self._filter = firwin(_REACH * factor + 1, 0.5, window=("kaiser", _KAISER_BETA), fs=factor)
        self._field = np.zeros((channels, _REACH))
        self._magnetisation = np.zeros((channels, _REACH * factor))

    def process(self, field_ka_m: np.ndarray) -> np.ndarray:
        """Magnetisation for the next samples of the field, both ``(channels, samples)``."""
        samples, first = field_ka_m.shape[1], _REACH * self._factor
        field = np.concatenate([self._field, field_ka_m], axis=1)
        self._field = field[:, samples:]
        fine = self._factor * upfirdn(self._filter, field, up=self._factor)[:, first : first + samples * self._factor]
        magnetisation = np.concatenate([self._magnetisation, self._law.process(fine)], axis=1)
        self._magnetisation = magnetisation[:, samples * self._factor :]
        return upfirdn(self._filter, magnetisation, down=self._factor)[:, _REACH : _REACH + samples]
