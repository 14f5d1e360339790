"""One bar as the players see it, and what they write into it."""

from dataclasses import dataclass

from signals.music.harmony import Chord


@dataclass(frozen=True)
class Bar:
    """Where we are in the piece: harmony, strength, and what comes next.

    Attributes
    ----------
    beats : int
        Beats in the bar.
    harmony, following : Chord
        Chord of this bar and of the next.
    scale : tuple of int
        Pitch classes that sound well over the chord.
    first, last : bool
        First or last bar of its section.
    stop : bool
        The band falls silent before the bar ends.
    section : int
        Number of the section: players keep to one pattern within it.
    place : int
        Number of the bar within its section.
    """

    beats: int
    harmony: Chord
    following: Chord
    scale: tuple[int, ...]
    first: bool
    last: bool
    stop: bool
    section: int
    place: int


@dataclass(frozen=True)
class Event:
    """A note in the time of its bar.

    Attributes
    ----------
    beat, length : float
        Onset and length in beats.
    midi : float
        Pitch.
    accent : float
        1 is the bar's own strength; each 0.1 less is 4 dB softer.
    instrument : str
        Who plays it.
    syllable : str
        What a voice sings.
    late_s : float
        Later than the beat by so much, as the strings of a strummed chord are.
    """

    beat: float
    length: float
    midi: float
    accent: float
    instrument: str
    syllable: str = ""
    late_s: float = 0.0
