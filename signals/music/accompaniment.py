"""Chords: broken, strummed, struck off the beat, or held."""

from dataclasses import dataclass

import numpy as np

from signals.music.bar import Bar, Event
from signals.music.harmony import Chord, voicing

_ORDERS = ((0, 1, 2, 3, 2, 1), (0, 2, 1, 3, 1, 2), (0, 3, 2, 1), (0, 1, 3, 2, 3, 1), (3, 2, 1, 0, 2, 1))
_STABS = ((0.0, 1.5, 2.5), (0.5, 1.5, 3.0), (0.0, 0.75, 2.5), (1.0, 2.75), (0.0, 1.75, 3.5))
_STRUMS = ((0.0, 1.0, 1.5, 2.5, 3.0, 3.5), (0.0, 0.5, 1.5, 2.0, 3.0, 3.5), (0.0, 1.0, 1.5, 2.0, 2.5, 3.5))


@dataclass(frozen=True)
class ChordManner:
    """Who plays the chords, around which pitch, with how many notes, and how: broken, strummed, stabs or held."""

    instrument: str
    centre: int
    voices: int
    manner: str
    step: float = 0.5


def chords(
    bar: Bar, manner: ChordManner, previous: tuple[int, ...], rng: np.random.Generator, pattern: int
) -> tuple[list[Event], tuple[int, ...]]:
    """One bar of chords, and the position of the hand for the next."""
    hand = voicing(bar.harmony, previous, manner.centre, manner.voices)
    write = {"broken": _broken, "strummed": _strummed, "stabs": _stabs, "held": _held}[manner.manner]
    return write(bar, manner, hand, rng, pattern), hand


def close(harmony: Chord, manner: ChordManner, previous: tuple[int, ...], beat: float, length: float) -> list[Event]:
    """A last chord, rolled from below."""
    hand = voicing(harmony, previous, manner.centre, manner.voices)
    return [Event(beat, length, pitch, 1.0, manner.instrument, late_s=0.03 * i) for i, pitch in enumerate(hand)]


def _broken(bar: Bar, manner: ChordManner, hand: tuple[int, ...], rng: np.random.Generator, pattern: int) -> list[Event]:
    order = _ORDERS[(pattern + int(rng.random() < 0.2)) % len(_ORDERS)]
    events = []
    for index in range(round(bar.beats / manner.step)):
        if index > 0 and rng.random() < 0.08:
            continue
        string = order[index % len(order)] % len(hand)
        pitch = hand[string] + (12 if rng.random() < 0.07 else 0)
        accent = (0.98 if index % 4 == 0 else 0.86) + rng.normal(0.0, 0.035)
        beat = index * manner.step
        events.append(Event(beat, min(2.2, bar.beats - beat + 0.3), pitch, accent, manner.instrument))
    return events


def _strummed(bar: Bar, manner: ChordManner, hand: tuple[int, ...], rng: np.random.Generator, pattern: int) -> list[Event]:
    beats = [beat for beat in _STRUMS[pattern % len(_STRUMS)] if beat < bar.beats and (beat == 0 or rng.random() < 0.88)]
    events = []
    for index, beat in enumerate(beats):
        down = beat % 1.0 == 0.0
        length = (beats[index + 1] if index + 1 < len(beats) else bar.beats) - beat
        strings = hand if down else tuple(reversed(hand))[: max(2, len(hand) - 2)]
        accent = (0.96 if down else 0.84) + rng.normal(0.0, 0.03)
        gap_s = rng.uniform(0.007, 0.014)
        events += [
            Event(beat, 0.97 * length, pitch, accent - 0.02 * i, manner.instrument, late_s=gap_s * i)
            for i, pitch in enumerate(strings)
        ]
    return events


def _stabs(bar: Bar, manner: ChordManner, hand: tuple[int, ...], rng: np.random.Generator, pattern: int) -> list[Event]:
    rhythm = _STABS[(pattern + int(rng.random() < 0.2)) % len(_STABS)]
    events = []
    for beat in (beat for beat in rhythm if beat < bar.beats and rng.random() < 0.9):
        length = float(rng.choice([0.3, 0.55, 1.1]))
        accent = 0.92 + rng.normal(0.0, 0.04)
        events += [Event(beat, length, pitch, accent, manner.instrument, late_s=0.004 * i) for i, pitch in enumerate(hand)]
    return events


def _held(bar: Bar, manner: ChordManner, hand: tuple[int, ...], rng: np.random.Generator, pattern: int) -> list[Event]:
    events = []
    for i, pitch in enumerate(hand):
        if i == len(hand) - 1 and rng.random() < 0.35:  # the top voice moves on halfway
            above = [p for p in range(pitch - 4, pitch + 5) if p % 12 in bar.scale and p != pitch and p > hand[-2]]
            turn = int(rng.choice(above)) if above else pitch
            half = bar.beats / 2.0
            events.append(Event(0.0, half, pitch, 0.95, manner.instrument, late_s=0.008 * i))
            events.append(Event(half, 0.96 * half, turn, 0.92, manner.instrument))
        else:
            events.append(Event(0.0, 0.97 * bar.beats, pitch, 0.95, manner.instrument, late_s=0.008 * i))
    return events
