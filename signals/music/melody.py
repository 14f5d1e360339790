"""Melody: phrases grown from a motif, and runs and glissandi that carry single notes to both ends of the range."""

from dataclasses import dataclass

import numpy as np

from signals.music.bar import Bar, Event
from signals.music.harmony import pitches
from signals.music.voice import SYLLABLES, VOICES

# Rhythms of one beat or two: (onset, length) in beats. Those with more notes are chosen for livelier bars.
_CELLS: tuple[tuple[float, tuple[tuple[float, float], ...]], ...] = (
    (1.0, ((0.0, 1.0),)),
    (1.0, ((0.0, 0.5), (0.5, 0.5))),
    (2.0, ((0.0, 1.5), (1.5, 0.5))),
    (2.0, ((0.5, 0.5), (1.0, 1.0))),
    (2.0, ((0.0, 0.75), (0.75, 0.25), (1.0, 1.0))),
    (2.0, ((0.0, 0.5), (0.5, 1.0), (1.5, 0.5))),
    (1.0, ((0.0, 0.25), (0.25, 0.25), (0.5, 0.5))),
    (1.0, ((0.0, 0.25), (0.25, 0.25), (0.5, 0.25), (0.75, 0.25))),
)
_LIVELINESS = np.array([1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 3.0, 4.0])


@dataclass(frozen=True)
class LeadManner:
    """Who has the tune, between which pitches, and how lively: 1 long notes, 4 many short ones."""

    instrument: str
    lowest: int
    highest: int
    liveliness: float


@dataclass(frozen=True)
class Motif:
    """What a section's melody is made of: rhythms of its bars and the steps between its notes."""

    rhythms: tuple[tuple[tuple[float, float], ...], ...]
    steps: tuple[int, ...]


def motif(manner: LeadManner, beats: int, rng: np.random.Generator) -> Motif:
    """Invent two bars of rhythm and a contour: mostly steps, after a leap a step back."""
    steps: list[int] = []
    while len(steps) < 12:
        if rng.random() < 0.18:
            leap = int(rng.integers(2, 5)) * int(rng.choice([-1, 1]))
            steps += [leap, -int(np.sign(leap))]
        else:
            steps.append(int(rng.choice([-2, -1, -1, 1, 1, 2, 0])))
    return Motif(tuple(_rhythm(manner, beats, rng) for _ in range(2)), tuple(steps))


def melody(bar: Bar, manner: LeadManner, idea: Motif, start: int, rng: np.random.Generator) -> tuple[list[Event], int]:
    """One bar of melody that goes on from the pitch `start`, and the pitch it ends on."""
    rhythm = list(idea.rhythms[bar.place % 2])
    if rng.random() < 0.3:
        rhythm = list(_rhythm(manner, bar.beats, rng))
    if bar.last:  # a phrase comes to rest and breathes
        rhythm = [(beat, length) for beat, length in rhythm if beat < 0.4 * bar.beats]
        rhythm.append((0.4 * bar.beats, 0.45 * bar.beats))
    elif bar.place % 2 == 1:
        rhythm = [(beat, length) for beat, length in rhythm if beat + length < bar.beats - 0.2]
    ladder = pitches(bar.scale, manner.lowest, manner.highest)
    stable = pitches(bar.harmony.pitch_classes, manner.lowest, manner.highest)
    centre = 0.5 * (manner.lowest + manner.highest)
    events, pitch = [], start
    for index, (beat, length) in enumerate(rhythm):
        step = idea.steps[(index + 3 * (bar.place // 2)) % len(idea.steps)]
        if rng.random() < 0.2 * abs(pitch - centre) / (centre - manner.lowest):
            step = -abs(step) if pitch > centre else abs(step)
        place = ladder.index(nearest(ladder, pitch))
        pitch = ladder[int(np.clip(place + step, 0, len(ladder) - 1))]
        strong = beat == 0.0 or length >= 1.0
        if strong:
            pitch = nearest(stable, pitch)
        accent = (0.97 if strong else 0.88) + rng.normal(0.0, 0.03)
        events.append(Event(beat, 0.95 * length, pitch, accent, manner.instrument, _syllable(manner, length, rng)))
    return events, pitch


def nearest(ladder: tuple[int, ...], pitch: float) -> int:
    """The pitch of the ladder next to `pitch`, the lower of two."""
    return min(ladder, key=lambda tone: (abs(tone - pitch), tone))


def glissando(
    instrument: str, low_midi: float, high_midi: float, start: float, beats: float, notes: int, rng: np.random.Generator
) -> list[Event]:
    """A stroke along a row of bars or chimes, from `low_midi` to `high_midi`, single notes all the way."""
    along = (np.arange(notes) + rng.uniform(0.0, 0.5, notes)) / notes
    swing = along ** rng.uniform(0.75, 1.3)
    midi = np.linspace(low_midi, high_midi, notes) + rng.uniform(-0.3, 0.3, notes)
    accents = 0.8 + 0.15 * np.sin(np.pi * along) + rng.normal(0.0, 0.04, notes)
    return [Event(start + beats * float(swing[i]), 1.2, float(midi[i]), float(accents[i]), instrument) for i in range(notes)]


def _rhythm(manner: LeadManner, beats: int, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    weights = np.exp(-((_LIVELINESS - manner.liveliness) ** 2) / 1.5)
    rhythm: list[tuple[float, float]] = []
    at = 0.0
    while at < beats:
        fitting = np.array([span <= beats - at for span, _ in _CELLS])
        chosen = int(rng.choice(len(_CELLS), p=weights * fitting / np.sum(weights * fitting)))
        span, notes = _CELLS[chosen]
        rhythm += [(at + beat, length) for beat, length in notes]
        at += span
    return tuple(rhythm)


def _syllable(manner: LeadManner, length: float, rng: np.random.Generator) -> str:
    if manner.instrument not in VOICES:
        return ""
    syllable = str(SYLLABLES[rng.integers(len(SYLLABLES))])
    return syllable + str(rng.choice(list("aeiou"))) if length > 1.2 and rng.random() < 0.5 else syllable
