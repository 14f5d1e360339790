"""The cue sheet: what a stimulus holds, and where.

A stimulus is a waveform plus this sheet. Every later stage finds its segments here and nowhere else, so a segment carries
all that is needed to make it again: kind, level, parameters and seed.
"""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1

Kind = Literal[
    "marker_start",
    "marker_code",
    "marker_end",
    "guard",
    "tone",
    "sweep",
    "impulses",
    "bursts",
    "multitone",
    "two_tone",
    "noise",
    "silence",
    "music",
    "pilot",
]
Role = Literal["programme", "pilot"]
Parameter = float | int | str


class Channel(BaseModel):
    """One output channel of the stimulus and the tape track it is wired to (1-based)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    role: Role
    track: int = Field(ge=1, le=8)


class Cue(BaseModel):
    """One segment on one channel.

    Attributes
    ----------
    name : str
        Unique on its channel, for example ``"sweep at -20 dB"``.
    channel : int
        Output channel, 0-based.
    start_samples, length_samples : int
        Position in the stimulus.
    level_db : float or None
        Level in dB re the session's reference level: for tones, sweeps, bursts and pilots that of the sine; for two tones that
        of the first; for noise and multitones that of a sine of the same RMS; for music the highest reading of a 300 ms RMS
        meter; for impulses and markers the peak. None for silence.
    parameters : dict
        What the generator of this kind needs, with units in the names.
    seed : int or None
        Seed of a random segment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    channel: int = Field(ge=0)
    start_samples: int = Field(ge=0)
    length_samples: int = Field(gt=0)
    level_db: float | None = None
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    seed: int | None = None

    @property
    def stop_samples(self) -> int:
        """First sample after the segment."""
        return self.start_samples + self.length_samples

    def number(self, parameter: str) -> float:
        """Return a numeric parameter as float.

        Raises
        ------
        KeyError
            The segment has no such parameter.
        """
        return float(self.parameters[parameter])


class CueSheet(BaseModel):
    """All segments of one stimulus.

    Attributes
    ----------
    stimulus : str
        Identifier inside the session; ``main`` is the uncompanded one.
    session : str
        Identifier of the session it was planned for.
    code : int
        The identity that the marker code on the tape carries (see :mod:`signals.markers`).
    reference_dbfs : float
        Level of a sine at 0 dB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = SCHEMA_VERSION
    stimulus: str
    session: str
    code: int = Field(ge=0)
    sample_rate: int = Field(gt=0)
    samples: int = Field(gt=0)
    reference_dbfs: float
    channels: tuple[Channel, ...]
    cues: tuple[Cue, ...]

    @model_validator(mode="after")
    def _cues_fit(self) -> Self:
        for cue in self.cues:
            if cue.channel >= len(self.channels):
                raise ValueError(f"segment '{cue.name}' is on channel {cue.channel}; there are {len(self.channels)}")
            if cue.stop_samples > self.samples:
                raise ValueError(f"segment '{cue.name}' ends at sample {cue.stop_samples}; the stimulus has {self.samples}")
        return self

    def of_kind(self, *kinds: Kind, channel: int | None = None) -> tuple[Cue, ...]:
        """Segments of the given kinds, in time order, optionally of one channel."""
        found = (c for c in self.cues if c.kind in kinds and channel in (None, c.channel))
        return tuple(sorted(found, key=lambda c: c.start_samples))

    def channels_of(self, role: Role) -> tuple[int, ...]:
        """Output channels that play the given role."""
        return tuple(i for i, channel in enumerate(self.channels) if channel.role == role)

    def amplitude(self, level_db: float) -> float:
        """Peak amplitude of a sine at `level_db` (full scale = 1, a sine at full scale = 0 dBFS, AES17)."""
        return float(10.0 ** ((self.reference_dbfs + level_db) / 20.0))
