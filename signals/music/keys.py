"""Keyboards: a frequency-modulated electric piano, a drawbar organ, and a synthesiser bass.

References
----------
Chowning, J., "The synthesis of complex audio spectra by means of frequency modulation", JAES 21 (7), 1973: eq. 1, and the
decay of the modulation index that darkens a struck tone.
"""

import numpy as np

from signals.music.score import Note
from signals.music.waveform import band, decay, gate, noise, ramp, times

_DRAWBARS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0)  # 16' 8' 5 1/3' 4' 2 2/3' 2' 1 3/5' 1 1/3' 1'
_TINE_HIGHEST_HZ = 6000.0  # third sidebands of the tine stay below TOP_HZ


def electric_piano(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Tine piano: one pair at 1:1 for the warm tone, one with a high modulator for the tine's ping."""
    time_s = times(note.duration_s + 0.2, sample_rate)
    phase = 2.0 * np.pi * note.pitch_hz * time_s
    t60_s = 7.0 * (220.0 / note.pitch_hz) ** 0.5
    # Chowning eq. 1: sin(carrier + index sin(modulator)); the louder the stroke, the higher the index.
    warm_index = 1.7 * note.velocity**2 * decay(time_s, 0.5 * t60_s)
    warm = np.sin(phase + warm_index * np.sin(phase)) * decay(time_s, t60_s)
    ratio = min(14.0, max(2.0, np.floor(_TINE_HIGHEST_HZ / note.pitch_hz)))
    ping = np.sin(phase + 0.35 * note.velocity * decay(time_s, 0.9) * np.sin(ratio * phase)) * decay(time_s, 0.6 * t60_s)
    tremolo = 1.0 + 0.12 * np.sin(2.0 * np.pi * rng.uniform(4.5, 5.5) * time_s + rng.uniform(0.0, 2.0 * np.pi))
    tone = (warm + 0.7 * ping) * tremolo * gate(time_s, 0.002, note.duration_s, 0.15)
    hammer_s = times(0.03, sample_rate)
    hammer = noise(rng, 0.03, sample_rate, band(150.0, 3500.0, 1)) * ramp(hammer_s, 0.0, 0.001) * decay(hammer_s, 0.025)
    tone[: len(hammer)] += (0.25 * note.velocity * hammer)[: len(tone)]
    return tone


def organ(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Drawbar organ through a slow rotating speaker, with the click of its key contacts."""
    time_s = times(note.duration_s + 0.06, sample_rate)
    drawn = np.array([0.5, 1.0, 0.45, 0.7, 0.35, 0.3, 0.12, 0.1, 0.22]) * rng.uniform(0.8, 1.2, len(_DRAWBARS))
    turn = 2.0 * np.pi * rng.uniform(0.7, 0.9) * time_s + rng.uniform(0.0, 2.0 * np.pi)
    # The horn comes and goes by 0.25 ms: phase and loudness move together.
    phase = 2.0 * np.pi * note.pitch_hz * (time_s + 2.5e-4 * np.sin(turn))
    half = np.exp(0.5j * phase)
    turned, tone, power = np.ones_like(half), np.zeros(len(time_s)), 0
    for ratio, amount in zip(_DRAWBARS, drawn, strict=True):
        if ratio * note.pitch_hz > 15_000.0:
            break
        for _ in range(round(2 * ratio) - power):
            turned *= half
        power = round(2 * ratio)
        tone += amount * turned.imag
    tone *= (1.0 + 0.18 * np.cos(turn)) * gate(time_s, 0.004, note.duration_s, 0.03)
    click_s = times(0.012, sample_rate)
    click = noise(rng, 0.012, sample_rate, band(1500.0, 9000.0, 1)) * gate(click_s, 0.0005, 0.001, 0.01)
    tone[: len(click)] += (0.35 * click)[: len(tone)]
    return tone


def synth_bass(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Sawtooth through a closing filter, on a sine one octave down when there is room for it.

    ``sum of r^k sin(k x) / k = atan2(r sin x, 1 - r cos x)``: a sawtooth with its treble rolled off by r, in closed form.
    """
    time_s = times(note.duration_s + 0.08, sample_rate)
    phase = 2.0 * np.pi * note.pitch_hz * time_s
    opening = (0.72 + 0.22 * note.velocity) * rng.uniform(0.97, 1.0)
    # r^k at 18 kHz stays below -70 dB for notes below 250 Hz.
    roll = (0.35 + (opening - 0.35) * decay(time_s, rng.uniform(0.5, 0.9))) * min(1.0, (120.0 / note.pitch_hz) ** 0.1)
    saw = np.arctan2(roll * np.sin(phase), 1.0 - roll * np.cos(phase))
    tone = saw + 0.5 * np.sin(phase)
    if note.pitch_hz > 80.0:
        tone += 0.5 * np.sin(0.5 * phase)
    return tone * decay(time_s, 6.0) * gate(time_s, 0.003, note.duration_s, 0.07)
