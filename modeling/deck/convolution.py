"""Streaming filters of any closed-form response, in blocks of one fixed size.

The deck works inside in blocks that depend on the sample rate alone, whatever blocks it is called with: the same samples go
through the same arithmetic, so the result does not depend on the caller's block size. Filters are made by sampling a complex
response in frequency; overlap-save applies them. Arrays inside the deck are ``(channels, samples)``, so that channels are
contiguous.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike
from scipy import fft

Response = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class BlockPlan:
    """Block and filter lengths in samples: one transform of `size` makes `block` new samples with `size - block` taps."""

    sample_rate: int
    size: int

    @classmethod
    def at(cls, sample_rate: int) -> "BlockPlan":
        """Filters of at least 160 ms, three quarters of every transform new samples."""
        octave = int(np.ceil(np.log2(sample_rate / 50000.0)))
        return cls(sample_rate, 32768 << max(octave, 0))

    @property
    def block(self) -> int:
        """New samples of a block."""
        return 3 * self.size // 4

    @property
    def taps(self) -> int:
        """Longest filter."""
        return self.size // 4

    def filter(self, response: Response, before_samples: int) -> np.ndarray:
        """Spectrum of the FIR filter that has the given response, delayed by `before_samples`.

        The response is brought to zero between 7/8 and 63/64 of half the sample rate, so that it rings for a few
        milliseconds only, and faded at both ends of the filter.

        Parameters
        ----------
        response : callable
            Complex response over frequency in Hz, shape ``(bins, ...)``.
        before_samples : int
            Taps before time zero, for the parts of the response that have no delay.

        Returns
        -------
        ndarray, complex, shape ``(..., size // 2 + 1)``
        """
        design = 2 * self.taps
        f = np.fft.rfftfreq(design, 1.0 / self.sample_rate)
        wanted = np.moveaxis(np.asarray(response(f), dtype=np.complex128), 0, -1) * band_edge(f, self.sample_rate)
        impulse = np.roll(fft.irfft(wanted, design), before_samples, axis=-1)[..., : self.taps]
        fade = self.taps // 32
        window = np.ones(self.taps)
        window[:fade] = np.sin(0.5 * np.pi * (np.arange(fade) + 0.5) / fade) ** 2
        window[-fade:] = window[:fade][::-1]
        return fft.rfft(impulse * window, self.size)


def band_edge(frequency_hz: np.ndarray, sample_rate: int) -> np.ndarray:
    """Raised cosine from 1 at 7/8 to 0 at 63/64 of half the sample rate."""
    position = (np.abs(frequency_hz) / (0.5 * sample_rate) - 0.875) / (0.984375 - 0.875)
    return 0.5 + 0.5 * np.cos(np.pi * np.clip(position, 0.0, 1.0))


class History:
    """Keeps what overlap-save needs of the past and hands out the spectrum of past and present.

    Parameters
    ----------
    channels, size, block : int
        Transform of `size` over the last `size - block` samples and the new `block`.
    dtype : dtype
        float64, or float32 where 140 dB are enough and time counts.
    """

    def __init__(self, channels: int, size: int, block: int, dtype: DTypeLike = np.float64) -> None:
        self._samples = np.zeros((channels, size), dtype)
        self._block = block

    def spectrum(self, block: np.ndarray) -> np.ndarray:
        """Take a block ``(channels, block)`` and return the spectrum of the last `size` samples."""
        self._samples[:, : -self._block] = self._samples[:, self._block :].copy()
        self._samples[:, -self._block :] = block
        return fft.rfft(self._samples)

    def restart(self, samples: np.ndarray) -> np.ndarray:
        """Take the last `size` samples anew, ``(channels, size)``, and return their spectrum."""
        self._samples[:] = samples
        return fft.rfft(self._samples)


class SampleQueue:
    """Samples waiting between parts that work in different block sizes; shape ``(channels, samples)``."""

    def __init__(self, channels: int) -> None:
        self.channels = channels
        self._parts = [np.zeros((channels, 0))]
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def push(self, samples: np.ndarray) -> None:
        """Append samples."""
        self._parts.append(samples)
        self._length += samples.shape[1]

    def pop(self, samples: int) -> np.ndarray:
        """Take `samples` (or what there is) from the front."""
        if self._parts[0].shape[1] < samples:
            self._parts = [np.concatenate(self._parts, axis=1)]
        front, self._parts[0] = np.split(self._parts[0], [samples], axis=1)
        self._length -= front.shape[1]
        return front
