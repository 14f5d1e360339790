"""Harmony: scales, chords written as Roman numerals, and voicings that move as little as they can."""

import re
from dataclasses import dataclass
from itertools import pairwise

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}
_DEGREES = {"I": 0, "II": 2, "III": 4, "IV": 5, "V": 7, "VI": 9, "VII": 11}  # major scale; "b" lowers
_NUMERAL = re.compile(r"(b?)([IV]+|[iv]+)(.*)")
# Semitones above the root; None stands for the third, which the numeral's case decides.
_QUALITIES: dict[str, tuple[int | None, ...]] = {
    "": (0, None, 7),
    "6": (0, None, 7, 9),
    "7": (0, None, 7, 10),
    "maj7": (0, None, 7, 11),
    "9": (0, None, 7, 10, 14),
    "maj9": (0, None, 7, 11, 14),
    "add9": (0, None, 7, 14),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
    "dim": (0, 3, 6),
    "m7b5": (0, 3, 6, 10),
}


@dataclass(frozen=True)
class Chord:
    """Root as pitch class (0 = C) and intervals above it in semitones."""

    root: int
    intervals: tuple[int, ...]

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes, the root first."""
        return tuple((self.root + interval) % 12 for interval in self.intervals)


def chord(numeral: str, tonic: int) -> Chord:
    """Read a Roman numeral such as ``"ii7"``, ``"bVII"`` or ``"Imaj9"`` in the key of `tonic` (pitch class)."""
    match = _NUMERAL.fullmatch(numeral)
    if match is None:
        raise ValueError(f"'{numeral}' is no chord")
    flat, degree, quality = match.groups()
    third = 4 if degree.isupper() else 3
    root = (tonic + _DEGREES[degree.upper()] - len(flat)) % 12
    return Chord(root, tuple(third if step is None else step for step in _QUALITIES[quality]))


def scale_over(harmony: Chord, tonic: int, mode: str) -> tuple[int, ...]:
    """Pitch classes of the key, bent where the chord needs it: each foreign chord tone takes its neighbour's place."""
    classes = {(tonic + step) % 12 for step in SCALES[mode]}
    for tone in harmony.pitch_classes:
        if tone not in classes:
            classes -= {(tone + 1) % 12, (tone - 1) % 12} - set(harmony.pitch_classes)
            classes.add(tone)
    return tuple(sorted(classes))


def pitches(classes: tuple[int, ...], lowest: int, highest: int) -> tuple[int, ...]:
    """All MIDI pitches of the given classes from `lowest` to `highest`, rising."""
    return tuple(pitch for pitch in range(lowest, highest + 1) if pitch % 12 in classes)


def voicing(harmony: Chord, previous: tuple[int, ...], centre: int, voices: int) -> tuple[int, ...]:
    """Close position of the chord nearest to the previous one, rising; the bass has the root, so a full chord drops it.

    Parameters
    ----------
    harmony : Chord
        The chord.
    previous : tuple of int
        The chord before, or nothing.
    centre : int
        MIDI pitch around which the hand lies.
    voices : int
        Number of notes.
    """
    classes = harmony.pitch_classes[1:] if len(harmony.intervals) > 3 else harmony.pitch_classes
    candidates = []
    for turn in range(len(classes)):
        for octave in (-1, 0, 1):
            stack = [classes[turn] + 12 * ((centre - 8) // 12 + octave)]
            while len(stack) < voices:
                above = classes[(turn + len(stack)) % len(classes)]
                stack.append(stack[-1] + 1 + (above - stack[-1] - 1) % 12)
            candidates.append(tuple(stack))
    return min(candidates, key=lambda stack: (_distance(stack, previous, centre), stack))


def _distance(stack: tuple[int, ...], previous: tuple[int, ...], centre: int) -> float:
    middle = sum(stack) / len(stack)
    muddy = sum(2.0 for low, high in pairwise(stack) if low < 52 and high - low < 3)
    moved = sum(abs(a - b) for a, b in zip(stack, previous, strict=False)) if previous else 0.0
    return moved + 0.7 * abs(middle - centre) * len(stack) ** 0.5 + muddy
