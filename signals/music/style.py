"""What a style is made of."""

from dataclasses import dataclass

from signals.music.accompaniment import ChordManner
from signals.music.melody import LeadManner
from signals.music.rhythm_section import BassManner, Kit


@dataclass(frozen=True)
class Section:
    """A stretch of a piece.

    Attributes
    ----------
    players : str
        Who plays, of: drums bass chords pad lead low mid high chimes. The last four are for solos.
    share : float
        Its share of the piece's bars.
    loudness : tuple of float
        Velocity at its beginning and end.
    stop : bool
        It breaks off: the last beat is silent.
    """

    players: str
    share: float
    loudness: tuple[float, float]
    stop: bool = False


@dataclass(frozen=True)
class Style:
    """The material from which each piece of a style draws its own.

    Attributes
    ----------
    tempo_bpm : tuple of float
        Slowest and fastest tempo.
    beats : tuple of int
        Beats in a bar.
    swing : tuple of float
        Delay of the notes off the beat, least and most, as a fraction of the swung pair.
    swung : float
        Length of that pair in beats.
    rubato : float
        How far the tempo wanders, as a fraction.
    progressions : dict
        Mode of the scale to chord progressions.
    """

    tempo_bpm: tuple[float, float]
    beats: tuple[int, ...]
    swing: tuple[float, float]
    swung: float
    rubato: float
    progressions: dict[str, tuple[str, ...]]
    kits: tuple[Kit, ...]
    basses: tuple[BassManner, ...]
    chords: tuple[ChordManner, ...]
    pads: tuple[ChordManner, ...]
    leads: tuple[LeadManner, ...]
    forms: tuple[tuple[Section, ...], ...]
    low: tuple[LeadManner, ...]
    mid: tuple[LeadManner, ...]
    high: tuple[LeadManner, ...]
