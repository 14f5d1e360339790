"""Bells, bars and chimes: a handful of decaying partials and the tap that starts them.

References
----------
Fletcher, N. H. and Rossing, T. D., "The Physics of Musical Instruments", 2nd ed., Springer 1998, ch. 2.16 (partials of a bar
with free ends, 1 : 2.756 : 5.404 : 8.933) and 19.7 (triangle, chimes).
"""

from dataclasses import dataclass

import numpy as np

from signals.music.score import Note
from signals.music.waveform import TOP_HZ, band, decay, gate, noise, ramp, times


@dataclass(frozen=True)
class Bell:
    """Partials as ratios to the pitch, their amplitudes when loud, and the decay time at 1 kHz."""

    ratios: tuple[float, ...]
    amplitudes: tuple[float, ...]
    t60_s: float
    tap: float


_TRIANGLE = (1.0, 1.41, 2.37, 3.09, 4.13, 5.02, 6.31, 7.18, 8.43)

BELLS = {
    "glockenspiel": Bell((1.0, 2.756, 5.404, 8.933), (1.0, 0.45, 0.22, 0.12), 1.6, 0.5),
    "celesta": Bell((1.0, 2.0, 4.07, 7.1), (1.0, 0.3, 0.16, 0.06), 1.1, 0.25),
    "chimes": Bell((1.0, 2.756), (1.0, 0.25), 2.4, 0.05),
    "triangle": Bell(_TRIANGLE, (0.3, 0.5, 0.8, 1.0, 0.8, 0.9, 0.6, 0.6, 0.5), 6.0, 0.6),
}


def strike(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One struck note, ringing freely for its duration, shape ``(samples,)``."""
    bell = BELLS[note.instrument]
    time_s = times(note.duration_s + 0.1, sample_rate)
    tone = np.zeros(len(time_s))
    for index, (ratio, amplitude) in enumerate(zip(bell.ratios, bell.amplitudes, strict=True)):
        frequency_hz = ratio * note.pitch_hz
        if frequency_hz > TOP_HZ - 1000.0:
            break
        # A soft mallet leaves out the upper partials, and they die sooner.
        strength = amplitude * note.velocity ** (0.8 * index) * rng.uniform(0.7, 1.3)
        t60_s = bell.t60_s * (1000.0 / frequency_hz) ** 0.45
        tone += strength * np.sin(2.0 * np.pi * frequency_hz * time_s) * decay(time_s, t60_s)
    tone *= gate(time_s, 0.0008, note.duration_s, 0.1)
    tap_s = times(0.02, sample_rate)
    tap = noise(rng, 0.02, sample_rate, band(2000.0, 12_000.0, 1)) * ramp(tap_s, 0.0, 0.0005) * decay(tap_s, 0.012)
    tone[: len(tap)] += (bell.tap * note.velocity * tap)[: len(tone)]
    return tone
