"""Drums and cymbals: membranes whose pitch falls, and noise with its own colour and decay in each band."""

from collections.abc import Sequence

import numpy as np

from signals.music.score import Note
from signals.music.waveform import Response, band, decay, gate, noise, ramp, times


def kick(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Bass drum: a thump that falls to the note's pitch, the beater's click."""
    time_s = times(0.42, sample_rate)
    thump = _membrane(time_s, note.pitch_hz * rng.uniform(0.97, 1.03), 4.5, 0.022, rng) * decay(time_s, 0.5)
    click = _burst(rng, time_s, sample_rate, band(1800.0, 9000.0, 1), 0.0005, 0.018)
    knock = _burst(rng, time_s, sample_rate, band(250.0, 1500.0, 1), 0.001, 0.05)
    return (thump + 0.16 * note.velocity * click + 0.14 * knock) * gate(time_s, 0.0005, 0.3, 0.1)


def tom(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Tom at the note's pitch: two membrane modes (ratio 1.59) and the stick."""
    time_s = times(0.75, sample_rate)
    low = _membrane(time_s, note.pitch_hz, 1.5, 0.05, rng) * decay(time_s, 0.8)
    high = _membrane(time_s, 1.593 * note.pitch_hz, 1.4, 0.04, rng) * decay(time_s, 0.45)
    stick = _burst(rng, time_s, sample_rate, band(1200.0, 9000.0, 1), 0.0005, 0.03)
    return (low + 0.45 * high + 0.18 * note.velocity * stick) * gate(time_s, 0.0005, 0.6, 0.14)


def snare(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Snare drum: two modes of the head, the rattle of the wires, the stick."""
    time_s = times(0.4, sample_rate)
    head = _membrane(time_s, note.pitch_hz, 1.35, 0.015, rng) * decay(time_s, 0.17)
    ring = _membrane(time_s, 1.78 * note.pitch_hz, 1.2, 0.012, rng) * decay(time_s, 0.12)
    wires = _burst(rng, time_s, sample_rate, band(1400.0, 12_000.0, 1), 0.0015, rng.uniform(0.2, 0.27))
    stick = _burst(rng, time_s, sample_rate, band(2500.0, 14_000.0, 1), 0.0005, 0.02)
    rattle = 0.75 * note.velocity + 0.1
    return (head + 0.5 * ring + rattle * (0.75 * wires + 0.6 * stick)) * gate(time_s, 0.0005, 0.3, 0.09)


def rim(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Side stick: two short wooden modes."""
    time_s = times(0.12, sample_rate)
    wood = np.sin(2.0 * np.pi * 780.0 * rng.uniform(0.97, 1.03) * time_s) * decay(time_s, 0.09)
    crack = np.sin(2.0 * np.pi * 2350.0 * rng.uniform(0.97, 1.03) * time_s) * decay(time_s, 0.05)
    tick = _burst(rng, time_s, sample_rate, band(3000.0, 13_000.0, 1), 0.0005, 0.012)
    return (0.6 * wood + crack + 0.5 * tick) * gate(time_s, 0.0005, 0.09, 0.03)


def clap(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Several hands, not quite together, in a small room."""
    time_s = times(0.32, sample_rate)
    hands_s = np.concatenate([[0.0], np.cumsum(rng.uniform(0.007, 0.014, 3))])
    hands = np.zeros(len(time_s))
    for index, start_s in enumerate(hands_s):
        t60_s = 0.025 if index < len(hands_s) - 1 else 0.22
        late_s = np.maximum(time_s - start_s, 0.0)
        hands += rng.uniform(0.7, 1.0) * decay(late_s, t60_s) * ramp(time_s, start_s, 0.0006)
    return noise(rng, 0.32, sample_rate, band(850.0, 6500.0, 1)) * hands * gate(time_s, 0.0005, 0.25, 0.07)


def shaker(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Beads thrown against the wall: noise that swells, then stops."""
    time_s = times(0.14, sample_rate)
    swing = gate(time_s, rng.uniform(0.025, 0.045), 0.05, 0.08)
    return noise(rng, 0.14, sample_rate, band(4200.0, 14_000.0, 2)) * swing**2


def tambourine(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Jingles: a few dozen small plates that strike one after the other."""
    time_s = times(0.3, sample_rate)
    jingles = np.zeros(len(time_s))
    for start_s in np.sort(rng.exponential(0.02, 5)):
        late_s = np.maximum(time_s - start_s, 0.0)
        jingles += decay(late_s, 0.16) * ramp(time_s, start_s, 0.0008)
    return _metal(rng, 0.3, sample_rate, 4500.0, 12) * jingles * gate(time_s, 0.0005, 0.2, 0.1)


def closed_hat(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Hi-hat, closed."""
    return _cymbal(rng, sample_rate, 0.12, ((6500.0, 16_000.0, rng.uniform(0.05, 0.085), 1.0), (2500.0, 6500.0, 0.03, 0.3)))


def open_hat(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Hi-hat, open until the foot closes it at the note's end."""
    length_s = min(note.duration_s, 0.6) + 0.05
    sound = _cymbal(rng, sample_rate, length_s, ((5500.0, 16_000.0, 0.7, 1.0), (2500.0, 5500.0, 0.45, 0.35)))
    return sound * gate(times(length_s, sample_rate), 0.0005, length_s - 0.05, 0.049)


def ride(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Ride cymbal: the stick's ping on a quiet wash."""
    time_s = times(0.85, sample_rate)
    wash = _cymbal(rng, sample_rate, 0.85, ((3500.0, 15_000.0, 1.2, 0.5), (600.0, 3500.0, 0.9, 0.15)))
    ping = _burst(rng, time_s, sample_rate, band(3500.0, 13_000.0, 1), 0.0005, 0.06)
    return (wash + 0.9 * ping) * gate(time_s, 0.0005, 0.5, 0.34)


def crash(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Crash cymbal: all bands at once, the higher ones outlived by the lower."""
    bands = (
        (8000.0, 17_000.0, 1.1, 0.8),
        (4000.0, 8000.0, 1.8, 0.8),
        (1500.0, 4000.0, 2.2, 0.5),
        (400.0, 1500.0, 1.4, 0.25),
    )
    return _cymbal(rng, sample_rate, 1.7, bands) * gate(times(1.7, sample_rate), 0.0008, 0.9, 0.79)


def _membrane(time_s: np.ndarray, pitch_hz: float, overshoot: float, fall_s: float, rng: np.random.Generator) -> np.ndarray:
    """Sine that begins at ``overshoot * pitch_hz`` and falls to `pitch_hz` with time constant `fall_s`."""
    swept = (overshoot - 1.0) * fall_s * (1.0 - np.exp(-time_s / fall_s))
    return np.sin(2.0 * np.pi * pitch_hz * (time_s + swept) + rng.uniform(-0.3, 0.3))


def _burst(
    rng: np.random.Generator, time_s: np.ndarray, sample_rate: int, response: Response, attack_s: float, t60_s: float
) -> np.ndarray:
    """Noise that begins in `attack_s` and decays, padded to the length of `time_s`."""
    length_s = min(float(time_s[-1]), 1.2 * t60_s)
    burst_s = times(length_s, sample_rate)
    sound = np.zeros(len(time_s))
    envelope = ramp(burst_s, 0.0, attack_s) * decay(burst_s, t60_s)
    sound[: len(burst_s)] = noise(rng, length_s, sample_rate, response) * envelope
    return sound


def _cymbal(
    rng: np.random.Generator, sample_rate: int, length_s: float, bands: Sequence[tuple[float, float, float, float]]
) -> np.ndarray:
    """Metal that rings in several bands, each ``(low_hz, high_hz, t60_s, gain)``."""
    time_s = times(length_s, sample_rate)
    sound = np.zeros(len(time_s))
    for low_hz, high_hz, t60_s, gain in bands:
        sound += gain * _metal(rng, length_s, sample_rate, low_hz, 24, high_hz) * decay(time_s, t60_s)
    return sound * gate(time_s, 0.0006, length_s - 0.03, 0.029)


def _metal(
    rng: np.random.Generator, length_s: float, sample_rate: int, low_hz: float, modes: int, high_hz: float = 16_000.0
) -> np.ndarray:
    """Dense noise with sharper modes on top, unevenly spread: neither a tone nor a hiss."""
    spread, where = rng.uniform(2.0, 5.0), rng.uniform(0.0, 2.0 * np.pi, 2)
    bed = band(low_hz, high_hz, 3)

    def response(frequency_hz: np.ndarray) -> np.ndarray:
        along = np.log(frequency_hz / low_hz) / np.log(high_hz / low_hz)
        place = 2.0 * np.pi * modes * along + spread * np.sin(7.0 * along + where[0]) + where[1]
        return bed(frequency_hz) * (0.5 + 2.0 * np.exp(12.0 * (np.cos(place) - 1.0)))

    return noise(rng, length_s, sample_rate, response)
