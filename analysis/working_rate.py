"""The rate at which programme is compared: about 22 to 24 kHz, in single precision, since nothing above 10 kHz tells time."""

from dataclasses import dataclass
from functools import lru_cache

import numba
import numpy as np
from scipy.signal import firwin

from signals.audio import AudioReader

WORKING_RATE_HZ = 22_050
HALF_TAPS = 16  # to a side, in samples of the lower rate
BLOCK_SAMPLES = 1 << 20


def working_rate(sample_rate: int) -> tuple[int, int]:
    """Working rate in Hz and the whole divisor that leads to it."""
    divisor = max(1, sample_rate // WORKING_RATE_HZ)
    return sample_rate // divisor, divisor


def reduce_rate(signal: np.ndarray, divisor: int) -> np.ndarray:
    """Signal at the working rate, without delay, shape (ceil(samples / divisor),), float32."""
    half = _taps(divisor).size // 2
    return reduced_part(np.pad(np.asarray(signal, dtype=np.float32), (half, half + divisor)), divisor, signal.size)


def reduced_part(padded: np.ndarray, divisor: int, samples: int) -> np.ndarray:
    """As :func:`reduce_rate`, of a part that stands among its neighbours: :func:`margin` before it and a divisor more behind."""
    if divisor == 1:
        return np.ascontiguousarray(padded[:samples], dtype=np.float32)
    out = np.empty(-(-samples // divisor), dtype=np.float32)
    _decimate(np.ascontiguousarray(padded, dtype=np.float32), _taps(divisor), divisor, out)
    return out


def margin(divisor: int) -> int:
    """Samples before and after a part that its reduction needs."""
    return _taps(divisor).size // 2


@dataclass(frozen=True)
class Reduced:
    """One or more channels of a recording at the working rate, read by range.

    Attributes
    ----------
    audio : AudioReader
        The recording.
    channels : tuple of int
        Its channels that are wanted.
    """

    audio: AudioReader
    channels: tuple[int, ...]

    @property
    def rate(self) -> int:
        """Working rate in Hz."""
        return working_rate(self.audio.sample_rate)[0]

    @property
    def samples(self) -> int:
        """Length in samples of the working rate."""
        return -(-self.audio.samples // working_rate(self.audio.sample_rate)[1])

    def read(self, start: int, stop: int) -> list[np.ndarray]:
        """Samples ``start`` to ``stop`` of every channel, each of shape (stop - start,), float32; zeros outside."""
        return self.reduced(self.raw(start, stop), stop - start)

    def raw(self, start: int, stop: int) -> np.ndarray:
        """What :meth:`reduced` needs for a range of the working rate, as recorded."""
        divisor = working_rate(self.audio.sample_rate)[1]
        half = margin(divisor)
        return self.audio.read(start * divisor - half, stop * divisor + half + divisor)

    def reduced(self, raw: np.ndarray, samples: int) -> list[np.ndarray]:
        """Every channel of a range at the working rate; apart from reading, for another thread."""
        divisor = working_rate(self.audio.sample_rate)[1]
        return [reduced_part(raw[:, c], divisor, samples * divisor) for c in self.channels]

    def whole(self) -> list[np.ndarray]:
        """All of every channel, read in blocks so that the full rate is never held."""
        blocks = [self.read(s, min(s + BLOCK_SAMPLES, self.samples)) for s in range(0, self.samples, BLOCK_SAMPLES)]
        return [np.concatenate([block[i] for block in blocks]) for i in range(len(self.channels))]


@lru_cache(maxsize=8)
def _taps(divisor: int) -> np.ndarray:
    """Low-pass for whole divisors: -6 dB at 0.46 of the new rate; a single 1 where nothing is to be done."""
    if divisor == 1:
        return np.ones(1, dtype=np.float32)
    return firwin(2 * HALF_TAPS * divisor + 1, 0.92 / divisor, window=("kaiser", 6.0)).astype(np.float32)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _decimate(padded: np.ndarray, taps: np.ndarray, divisor: int, out: np.ndarray) -> None:
    for m in range(out.size):
        total = np.float32(0.0)
        first = m * divisor
        for k in range(taps.size):
            total += taps[k] * padded[first + k]
        out[m] = total
