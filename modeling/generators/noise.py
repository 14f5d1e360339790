"""Hiss and hum: the noise of silent tape, made anew.

The silent passage of a take is split into hum, which is steady lines, and the rest, whose spectrum shapes white noise. Every
channel gets noise of its own and the same hum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.signal import welch

from modeling.generators.lines import Lines, take_out

TAPS = 16384
HUM_LOW_HZ, HUM_HIGH_HZ = 40.0, 1000.0
LEAST_S = 1.0
WHITE_BLOCK = 65536


@dataclass(frozen=True)
class NoiseGenerator:
    """Noise of silent tape at one sample rate.

    Attributes
    ----------
    shape : ndarray, shape (TAPS,)
        Filter, symmetric about its middle, that gives white noise of variance 1 the spectrum and level of the tape's.
    hum : Lines
        In units of full scale.
    sample_rate : int
        In Hz.
    """

    shape: np.ndarray
    hum: Lines
    sample_rate: int

    @classmethod
    def fit(cls, silence: np.ndarray, sample_rate: int) -> Self | None:
        """Take the noise from a recording of silent tape, shape (samples,); None when it is shorter than 1 s."""
        if silence.size < LEAST_S * sample_rate:
            return None
        hum, rest = take_out(silence - silence.mean(), sample_rate, HUM_LOW_HZ, HUM_HIGH_HZ)
        _, density = welch(rest, sample_rate, nperseg=TAPS if rest.size > 2 * TAPS else rest.size // 2)
        bins = TAPS // 2 + 1
        density = np.interp(np.linspace(0.0, 1.0, bins), np.linspace(0.0, 1.0, density.size), density)
        # White noise of variance 1 has the one-sided density 2 / sample_rate.
        shape = np.roll(irfft(np.sqrt(density * sample_rate / 2.0)), TAPS // 2)
        return cls(shape * _taper(TAPS), hum, sample_rate)

    def less(self, other: Self) -> "NoiseGenerator":
        """The same with the spectrum of another noise taken off, as far as it reaches; its hum stays."""
        own, others = (np.abs(rfft(generator.shape)) ** 2 for generator in (self, other))
        shape = np.roll(irfft(np.sqrt(np.maximum(own - others, 0.0))), TAPS // 2)
        return NoiseGenerator(shape * _taper(TAPS), self.hum, self.sample_rate)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name."""
        return {"shape": self.shape, "hum_frequency_hz": self.hum.frequency_hz, "hum_amplitude": self.hum.amplitude}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], sample_rate: int) -> Self:
        """Inverse of :meth:`to_arrays`."""
        return cls(arrays["shape"], Lines(arrays["hum_frequency_hz"], arrays["hum_amplitude"]), sample_rate)

    @property
    def level_dbfs(self) -> float:
        """RMS level, a sine at full scale being 0 dBFS."""
        power = float(np.sum(self.shape**2) + np.sum(self.hum.amplitude**2) / 2.0)
        return 10.0 * float(np.log10(2.0 * power + 1e-30))

    def read(self, start: int, stop: int, channel: int, seed: int) -> np.ndarray:
        """Noise at samples `start` to `stop` of a channel, shape ``(stop - start,)``."""
        taps = self.shape.size
        first = start - taps + 1
        blocks = range(first // WHITE_BLOCK, (stop - 1) // WHITE_BLOCK + 1)
        white = np.concatenate([_white(seed, channel, block) for block in blocks])
        white = white[first - blocks[0] * WHITE_BLOCK : stop - blocks[0] * WHITE_BLOCK]
        size = next_fast_len(white.size, real=True)
        out = irfft(rfft(white, size) * rfft(self.shape, size), size)[taps - 1 : white.size]
        time = np.arange(start, stop) / self.sample_rate
        for f, amplitude, phase in zip(self.hum.frequency_hz, self.hum.amplitude, self._hum_phase(seed), strict=True):
            out += amplitude * np.cos(2.0 * np.pi * np.mod(f * time, 1.0) + phase)
        return out

    def _hum_phase(self, seed: int) -> np.ndarray:
        return np.random.default_rng([seed, 1]).uniform(0.0, 2.0 * np.pi, self.hum.frequency_hz.size)


def _white(seed: int, channel: int, block: int) -> np.ndarray:
    """One block of white noise, the same whenever it is asked for."""
    return np.random.default_rng([seed, 2, channel, block + 1]).standard_normal(WHITE_BLOCK)


def _taper(taps: int) -> np.ndarray:
    """1 in the middle half, falling to 0 at both ends."""
    edge = np.hanning(taps // 2)
    return np.concatenate([edge[: taps // 4], np.ones(taps - 2 * (taps // 4)), edge[-(taps // 4) :]])
