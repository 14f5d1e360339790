"""Multitones: many steady tones at once, for what a sweep may not pass through.

The frequencies lie on odd multiples of 1 / period, about evenly spaced in octaves. So any stretch of one period takes all of
them apart without leakage, even-order distortion falls on the even multiples, and odd-order distortion on odd ones in between.

The phases are the best of a hundred drawn from a seed. The closed forms of Newman and of Schroeder are for tones evenly spaced in
frequency: spaced in octaves they come to a crest factor of 4.1, no better than the average draw, and the best draw to 3.6.
They also make a sweep of the tones, which a level detector would follow through its weighting; with drawn phases it sees the
same spectrum at any time.

References
----------
R. Pintelon, J. Schoukens, System Identification, 2nd ed., IEEE Press 2012, 5.3: odd multisines, random phases. S. Boyd,
"Multitone signals with low crest factor", IEEE Trans. Circuits Syst. 33(10), 1986: Newman's phases and others. M. R. Schroeder,
"Synthesis of low-peak-factor signals and binary sequences with low autocorrelation", IEEE Trans. Inf. Theory 16(1), 1970.
"""

from functools import lru_cache

import numpy as np

from signals.cues import Cue
from signals.errors import StimulusError
from signals.tones import fade

DRAWS = 100
OVERSAMPLING = 4  # points of the design grid for a cycle of the highest tone, so that few peaks are missed
FADE_S = 0.02


def frequencies(low_hz: float, high_hz: float, tones: int, period_s: float) -> np.ndarray:
    """Frequencies of a multitone, rising: odd multiples of 1 / `period_s`, nearest to even spacing in octaves.

    Returns
    -------
    ndarray, shape (tones,)

    Raises
    ------
    StimulusError
        So many tones do not stand apart between these limits at this period.
    """
    wanted = np.geomspace(low_hz, high_hz, tones) * period_s
    odd = (2 * np.floor(wanted / 2.0) + 1).astype(int)
    for i in range(1, tones):
        odd[i] = max(odd[i], odd[i - 1] + 2)
    if tones < 2 or odd[0] < 1 or odd[-1] / period_s > high_hz + 2.0 / period_s:
        raise StimulusError(
            f"{tones} tones do not stand apart from {low_hz:g} to {high_hz:g} Hz in a period of {period_s:g} s; "
            "give 2 or more, fewer than these, or a longer period"
        )
    return np.asarray(odd / period_s)


@lru_cache(maxsize=16)
def phases(low_hz: float, high_hz: float, tones: int, period_s: float, seed: int) -> np.ndarray:
    """Phases in radians (of sines) at the start of a multitone, of low crest factor, whatever its sample rate.

    Returns
    -------
    ndarray, shape (tones,)
    """
    bins = np.round(frequencies(low_hz, high_hz, tones, period_s) * period_s).astype(int)
    grid = 1 << int(np.ceil(np.log2(OVERSAMPLING * bins[-1])))
    random = np.random.Generator(np.random.PCG64(seed))
    best, lowest = np.zeros(tones), np.inf
    spectrum = np.zeros(grid // 2 + 1, dtype=complex)
    for _ in range(DRAWS):
        angle = random.uniform(-np.pi, np.pi, tones)
        spectrum[bins] = np.exp(1j * angle)
        peak = float(np.max(np.abs(np.fft.irfft(spectrum, grid))))
        if peak < lowest:
            best, lowest = angle, peak
    return best + 0.5 * np.pi


def multitone(cue: Cue, sample_rate: int) -> np.ndarray:
    """Multitone of RMS 1/sqrt(2), that of a unit sine, all tones alike, with faded edges.

    Parameters
    ----------
    cue : Cue
        Its parameters ``low_hz``, ``high_hz``, ``tones`` and ``period_s``, and its seed.

    Returns
    -------
    ndarray, shape (length_samples,)
    """
    design = (cue.number("low_hz"), cue.number("high_hz"), int(cue.number("tones")), cue.number("period_s"))
    time_s = np.arange(round(design[3] * sample_rate)) / sample_rate
    period = np.zeros(time_s.size)
    for frequency_hz, phase in zip(frequencies(*design), phases(*design, cue.seed or 0), strict=True):
        period += np.sin(2.0 * np.pi * frequency_hz * time_s + phase)
    repeats = -(-cue.length_samples // period.size)
    wave = np.tile(period, repeats)[: cue.length_samples] / np.sqrt(design[2])
    return wave * fade(wave.size, round(FADE_S * sample_rate))
