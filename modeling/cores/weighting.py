"""How much an error counts at each frequency when the Hammerstein core is solved.

Least squares as such are about the bass, where the power of music is; what a tape makes of treble, and harmonics of it, come out
as chance has it. Nor can a tone of full weight teach its own harmonics, which lie 40 dB below it. So the error counts the more the
weaker the programme is at its frequency, and above a test tone more than at it.
"""

from collections.abc import Sequence

import numpy as np
from scipy.fft import irfft
from scipy.signal import welch

from modeling.pairs import Pair

SEGMENT = 4096
"""Of the spectrum of the programme."""
HALF_BAND = 2.0**0.25
"""It is averaged from so far below a frequency to so far above it."""
LOWEST_DB = -40.0
"""Power of the programme, re where it is strongest, below which the weight rises no further: hiss lies there."""
SHARE = 0.5
"""The weight is the power to minus this. With 1 the bass was given away, and twice the error of music."""

HARMONICS = 100.0
NEAR_TONE, NEAR_HARMONIC = 1.2, 1.8
"""Times the frequency of a tone: between them the weight rises to that."""
LONG_S, SHORT_S = 0.03, 0.003
"""Of the filters to either side. The long one tells 60 Hz from its second harmonic; what is smooth needs the short one."""


def of_programme(pairs: Sequence[Pair]) -> np.ndarray:
    """Weight of the squared error, even from 0 to half the sample rate; 1 up to where the programme is strongest.

    Parameters
    ----------
    pairs : sequence of Pair
        The programme.
    """
    density = np.zeros(SEGMENT // 2 + 1)
    for pair in pairs:
        if pair.samples >= SEGMENT:
            density += pair.samples * welch(pair.wet.astype(np.float64) * pair.mask, nperseg=SEGMENT, scaling="spectrum")[1]
    total = np.concatenate([[0.0], np.cumsum(density)])
    bins = np.arange(density.size)
    first = np.floor(bins / HALF_BAND).astype(int)
    stop = np.minimum(np.ceil(bins * HALF_BAND).astype(int) + 1, density.size)
    smooth = (total[stop] - total[first]) / (stop - first)
    strongest = int(np.argmax(smooth))
    if smooth[strongest] <= 0.0:
        return np.ones(density.size)
    smooth[:strongest] = smooth[strongest]
    return np.asarray(np.maximum(smooth / smooth[strongest], 10.0 ** (LOWEST_DB / 10.0)) ** -SHARE)


def of_harmonics(tone: Pair, weight: np.ndarray) -> np.ndarray:
    """A weight on a test tone: itself at the tone, and HARMONICS times as much from its second harmonic on."""
    times = np.linspace(0.0, 0.5 * tone.sample_rate, weight.size) / float(tone.conditions["frequency_hz"])
    rise = np.clip((times - NEAR_TONE) / (NEAR_HARMONIC - NEAR_TONE), 0.0, 1.0)
    return np.asarray(weight * (1.0 + (HARMONICS - 1.0) * (0.5 - 0.5 * np.cos(np.pi * rise))))


def shaping(weight: np.ndarray, sample_rate: int, reach_s: float) -> np.ndarray:
    """Filter without delay whose response squared is a weight, shape ``(2 * n + 1,)``, n of so many seconds."""
    reach = round(reach_s * sample_rate)
    size = 4 * reach
    response = np.interp(np.linspace(0.0, 1.0, size // 2 + 1), np.linspace(0.0, 1.0, weight.size), np.sqrt(weight))
    taps = np.roll(irfft(response, size), size // 2)[size // 2 - reach : size // 2 + reach + 1]
    return np.asarray(taps * np.hanning(taps.size + 2)[1:-1])
