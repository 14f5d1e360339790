"""Modulation noise, measured: what lies in the coating is uneven, so that a recorded tone is louder here and softer there.

A tone comes back as A (1 + m(t)) cos(2 pi f t), with sidebands beside it wherever it lies. Multiplied by 2 exp(-2 pi i f t), its
real part is A (1 + m), with the silent tape's noise from both sides of the tone; what is left of flutter lies in the imaginary
part. So steady tones tell the density of m: as medians over short frames, which a dropout does not move.

References
----------
D. F. Eldridge, "DC and modulation noise in magnetic tape", IEEE Trans. Commun. Electron. 83 (1964) 585.
"""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.signal import get_window

from analysis import noise
from analysis.take import Take
from modeling.generators.shaped import TAPS

FRAME_S = 0.2
LEAST_DB = -6.0
"""Softer tones lie too near to the hiss."""
LEAST_HZ = 900.0
REACH = 0.45
"""Part of a tone's frequency up to which its sidebands are read: beyond lie those of its second harmonic."""
BAND_HZ, BANDS = 8.8, 20
"""Edge of the lowest band, each half an octave wide: below it a frame tells nothing."""
LEAST_VALUES = 20
LEAST_OVER_HISS = 0.5
"""Where less than this part of the hiss in a tone's amplitude is left for m, nothing is told."""


def unevenness(take: Take) -> np.ndarray | None:
    """One-sided power density of m in 1/Hz, from 0 to half the sample rate; None where no tone tells it.

    Below 9 Hz it goes on as it is there; beyond what rises above the hiss, it falls by 6 dB an octave.

    Parameters
    ----------
    take : Take
        With no decoder in the way.
    """
    rate = take.sheet.sample_rate
    readings = list(_readings(take))
    frequency = np.fft.rfftfreq(round(FRAME_S * rate), 1.0 / rate)
    edges = BAND_HZ * 2.0 ** (np.arange(BANDS + 1) / 2.0)
    centre, density = [], []
    for low, high in pairwise(edges):
        inside = (frequency >= low) & (frequency < high)
        told = [(own[:, inside], hiss[inside]) for own, hiss, reach in readings if high <= reach]
        values = np.concatenate([own.ravel() for own, _ in told] or [np.zeros(0)])
        if values.size < LEAST_VALUES:
            break
        # The power in one bin is exponentially distributed: its median is ln 2 of its mean.
        whole, hissing = np.median(values) / np.log(2.0), np.median([hiss.mean() for _, hiss in told])
        if whole < (1.0 + LEAST_OVER_HISS) * hissing:
            break
        centre.append(np.sqrt(low * high))
        density.append(whole - hissing)
    if not centre:
        return None
    grid = np.maximum(np.fft.rfftfreq(TAPS, 1.0 / rate), centre[0])
    joined = np.exp(np.interp(np.log(grid), np.log(centre), np.log(density)))
    return joined * np.minimum(1.0, (centre[-1] / grid) ** 2)


def _readings(take: Take) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Of every tone that tells: density of its relative amplitude, shape (frames, bins), what hiss has in it, and up to where."""
    silences = [silence for silence in take.hiss() if silence.size]
    if not silences:
        return
    rate = take.sheet.sample_rate
    hiss = noise.spectrum(silences, rate)
    frame = round(FRAME_S * rate)
    frequency = np.fft.rfftfreq(frame, 1.0 / rate)
    window = get_window("hann", frame)
    for cue in take.cues("tone"):
        hertz = cue.number("frequency_hz")
        if hertz < LEAST_HZ or (cue.level_db or 0.0) < LEAST_DB:
            continue
        tone = take.steady(cue)
        if tone.size < frame:
            continue
        turned = 2.0 * tone * np.exp(-2j * np.pi * hertz * np.arange(tone.size) / rate)
        frames = np.lib.stride_tricks.sliding_window_view(turned, frame)[:: frame // 2]
        means = frames.mean(axis=1)
        amplitude = float(np.median(np.abs(means)))
        real = (frames * np.conj(means / np.abs(means))[:, None]).real / amplitude
        power = np.abs(np.fft.rfft((real - real.mean(axis=1, keepdims=True)) * window)) ** 2
        sides = sum(np.interp(np.abs(hertz + side * frequency), hiss.frequency_hz, hiss.density) for side in (1.0, -1.0))
        yield 2.0 * power / (rate * np.sum(window**2)), sides / amplitude**2, REACH * hertz
