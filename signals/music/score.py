"""The score: notes as data, and the rests in which nothing at all sounds."""

from dataclasses import dataclass

VELOCITY_RANGE_DB = 40.0


@dataclass(frozen=True)
class Note:
    """One note of one instrument.

    Attributes
    ----------
    onset_s, duration_s : float
        When it begins, and how long it is held before it is damped.
    midi : float
        Pitch as MIDI note number, 69 = A4 = 440 Hz; fractions are allowed. Drums take it as a hint of their size.
    velocity : float
        0 to 1, linear in dB: 1 is the loudest stroke, each 0.1 less is 4 dB softer.
    instrument : str
        A key of :data:`signals.music.instruments.INSTRUMENTS`.
    syllable : str
        For voices: consonants, then a vowel, such as ``"sa"``, ``"u"``.
    """

    onset_s: float
    duration_s: float
    midi: float
    velocity: float
    instrument: str
    syllable: str = ""

    @property
    def pitch_hz(self) -> float:
        """Fundamental in equal temperament."""
        return float(440.0 * 2.0 ** ((self.midi - 69.0) / 12.0))

    @property
    def gain(self) -> float:
        """Amplitude re the loudest stroke."""
        return float(10.0 ** (VELOCITY_RANGE_DB * (self.velocity - 1.0) / 20.0))


@dataclass(frozen=True)
class Rest:
    """A general pause: the hall fades within `fade_s` from `start_s`, then there is true silence until `stop_s`."""

    start_s: float
    stop_s: float
    fade_s: float


@dataclass(frozen=True)
class Score:
    """Everything that is played, in the order in which it is rendered."""

    duration_s: float
    notes: tuple[Note, ...]
    rests: tuple[Rest, ...]
