"""Plucked strings: the Karplus-Strong string, solved in closed form.

A pulse that runs round a string of period T and loses ``exp(-loss)`` on each round is ``E / (1 - exp(-loss - j theta))``:
the Karplus-Strong loop as a transfer function. Evaluated at frequencies instead of run sample by sample, the string is in
tune to any precision, may be stiff, loses its treble at a rate stated in seconds, and is the same at every sample rate.

References
----------
Karplus, K. and Strong, A., "Digital synthesis of plucked-string and drum timbres", Computer Music Journal 7 (2), 1983.
Jaffe, D. A. and Smith, J. O., "Extensions of the Karplus-Strong plucked-string algorithm", Computer Music Journal 7 (2),
1983: pick position, damping, dynamics.
Fletcher, H., "Normal vibration frequencies of a stiff piano string", JASA 36 (1), 1964: ``f_n = n f_0 sqrt(1 + B n^2)``.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.fft import rfft

from signals.music.score import Note
from signals.music.waveform import band, from_spectrum, gate, grid, noise, resonance, times

_FOLD = np.log(2e3)  # what still rings when the computed period ends comes back at its start, softer by this
_LEAD_S = 0.002


@dataclass(frozen=True)
class String:
    """A plucked string on a body.

    Attributes
    ----------
    t60_s : float
        Decay time of the fundamental at A2 (110 Hz); shorter for higher notes.
    loss_hz : float
        Frequency at which partials die twice as fast as the fundamental.
    stiffness : float
        Inharmonicity B at A2; grows with pitch.
    position : float
        Where it is plucked, as a fraction of its length.
    brightness_hz : float
        Corner frequency of the stroke when loud; a soft stroke is duller.
    scrape : float
        Share of finger or plectrum noise in the stroke.
    body : tuple of (float, float, float)
        Resonances of the body: centre in Hz, bandwidth in Hz, gain.
    damping_s : float
        Decay time after the string is released.
    """

    t60_s: float
    loss_hz: float
    stiffness: float
    position: float
    brightness_hz: float
    scrape: float
    body: tuple[tuple[float, float, float], ...]
    damping_s: float


_GUITAR = ((104.0, 22.0, 0.9), (205.0, 30.0, 0.8), (390.0, 55.0, 0.5), (1050.0, 300.0, 0.35), (2600.0, 900.0, 0.4))
_BASS = ((62.0, 30.0, 0.7), (118.0, 40.0, 0.5), (700.0, 300.0, 0.35))

STRINGS = {
    "nylon": String(3.2, 1500.0, 4e-5, 0.19, 2400.0, 0.25, _GUITAR, 0.12),
    "steel": String(5.0, 2600.0, 6e-5, 0.13, 5200.0, 0.4, _GUITAR, 0.1),
    "harpsichord": String(4.5, 4200.0, 3e-5, 0.09, 9000.0, 0.3, ((220.0, 90.0, 0.4), (1800.0, 900.0, 0.5)), 0.07),
    "bass": String(6.0, 900.0, 8e-5, 0.21, 1300.0, 0.3, _BASS, 0.09),
    "double bass": String(2.6, 520.0, 1e-4, 0.24, 800.0, 0.4, _BASS, 0.12),
}


def pluck(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """One plucked note, shape ``(samples,)``."""
    string = STRINGS[note.instrument]
    duration_s = note.duration_s + 1.2 * string.damping_s + _LEAD_S
    samples, frequency_hz = grid(duration_s, sample_rate)
    # The string is evaluated beside the frequency axis: on the axis itself a note that had not yet died at the end of the
    # period would fold back to its beginning at full strength.
    growth = _FOLD * sample_rate / samples
    spectrum = _stroke(string, note, rng, frequency_hz, growth, samples, sample_rate)
    spectrum *= _string(string, note.pitch_hz, frequency_hz, growth, rng)
    spectrum *= _body(note.instrument, samples / sample_rate, growth)

    time_s = times(duration_s, sample_rate)
    released = np.maximum(time_s - note.duration_s, 0.0) * (np.log(1e3) / string.damping_s)
    sound = from_spectrum(spectrum, samples)[: len(time_s)] * np.exp(growth * time_s - released)
    return sound * gate(time_s, 0.0005, duration_s - 0.02, 0.019)


def _stroke(
    string: String,
    note: Note,
    rng: np.random.Generator,
    frequency_hz: np.ndarray,
    growth: float,
    samples: int,
    sample_rate: int,
) -> np.ndarray:
    """The force of finger or plectrum: a smooth pulse, the shorter the louder, and the noise of its contact."""
    corner_hz = string.brightness_hz * (0.25 + 0.75 * note.velocity) * rng.uniform(0.9, 1.1)
    contact_s = times(0.012, sample_rate)
    contact = noise(rng, 0.012, sample_rate, band(600.0, 4.0 * corner_hz, 1)) * gate(contact_s, 0.002, 0.004, 0.007)
    scraped = rfft(contact * np.exp(-growth * contact_s), samples)[1 : len(frequency_hz) + 1]
    # The pulse t exp(-t / tau) of unit area; the noise is a share of its height, 1 / tau.
    pole = 1.0 + (1j * frequency_hz + growth / (2.0 * np.pi)) / corner_hz
    pulse = 1.0 / (pole * pole)
    return pulse + scraped * (0.15 * string.scrape * 2.0 * np.pi * corner_hz / sample_rate)


def _string(
    string: String, pitch_hz: float, frequency_hz: np.ndarray, growth: float, rng: np.random.Generator
) -> np.ndarray:
    """Transfer function from stroke to bridge at ``frequency_hz - j growth / (2 pi)``."""
    # Fletcher (1964) solved for the number n of the partial, with the first one put at `pitch_hz` exactly.
    stiffness = string.stiffness * (pitch_hz / 110.0) ** 0.8
    squared = (frequency_hz / pitch_hz) ** 2 * (1.0 + stiffness)
    root = np.sqrt(1.0 + 4.0 * stiffness * squared)
    partial = np.sqrt(2.0 * squared / (1.0 + root))
    slope = partial / (frequency_hz * root) * (growth / (2.0 * np.pi))
    # The shift is a fraction of a partial's width, so the first term of the expansion around the axis is enough.
    t60_s = string.t60_s * (110.0 / pitch_hz) ** 0.55
    loss = np.log(1e3) / (t60_s * pitch_hz) * (1.0 + (frequency_hz / string.loss_hz) ** 2)
    position = np.clip(string.position * rng.uniform(0.85, 1.15), 0.04, 0.45)
    round_trip = _turn(partial, loss + 2.0 * np.pi * slope)
    # A string pulled aside and let go has less treble than one struck by a pulse.
    tilt = (1.0 + 0.06j / pitch_hz * frequency_hz) / (1.0 + 0.5j / pitch_hz * frequency_hz)
    return tilt * (1.0 - _turn(position * partial, 2.0 * np.pi * position * slope)) / (1.0 - round_trip)


def _turn(cycles: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """``exp(-loss - 2j pi cycles)``, by real functions, which are quicker."""
    phase = (-2.0 * np.pi) * cycles
    size = np.exp(-loss)
    turned = np.empty(len(phase), dtype=np.complex128)
    turned.real = size * np.cos(phase)
    turned.imag = size * np.sin(phase)
    return turned


@lru_cache(maxsize=64)
def _body(instrument: str, period_s: float, growth: float) -> np.ndarray:
    """What the soundbox makes of the force at the bridge, a moment later, at ``frequency_hz - j growth / (2 pi)``.

    Many notes share it: it depends on the instrument and the length of the computed period alone.
    """
    frequency_hz = grid(period_s, 48_000)[1]
    s_hz = frequency_hz - 1j * growth / (2.0 * np.pi)
    box = sum(gain * resonance(s_hz, centre, width) for centre, width, gain in STRINGS[instrument].body)
    return (0.5 + box) * band(25.0, 15_000.0, 6)(frequency_hz) * np.exp(-2j * np.pi * _LEAD_S * s_hz)
