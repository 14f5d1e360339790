"""A stimulus in the making: segments laid end to end between the markers, with the pilot beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from signals import markers
from signals.cues import Channel, Cue, CueSheet, Kind, Parameter
from signals.errors import StimulusError

MINIMUM_RATE_HZ = 48_000
PILOT_HZ = 3700.0  # no multiple of a test tone, so that what leaks into a neighbour is nobody's harmonic
PILOT_LEVEL_DB = -6.0
PILOT_EDGE_S = 0.5
MARKER_LEVEL_DB = -3.0
WOW_FLUTTER_HZ = 3150.0  # IEC 60386
REFERENCE_HZ = 1000.0
GAP_S = 0.3
LEAD_S = 2.0


@dataclass
class Timeline:
    """Segments in order of time, the same on every programme channel.

    Attributes
    ----------
    sample_rate : int
        48000 Hz or more.
    code : int
        The identity that the tape shall carry.
    tracks : sequence of int
        Programme tracks, 1-based.
    pilot_track : int or None
        Track that carries the pilot alone.

    Raises
    ------
    StimulusError
        Rate too low, or tracks that collide.
    """

    sample_rate: int
    code: int
    tracks: Sequence[int]
    pilot_track: int | None = None
    cursor: int = 0
    guards: int = 0
    cues: list[Cue] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.sample_rate < MINIMUM_RATE_HZ:
            raise StimulusError(
                f"sample rate {self.sample_rate} Hz is below {MINIMUM_RATE_HZ} Hz; set the interface to 48 kHz or more"
            )
        used = [*self.tracks, *([] if self.pilot_track is None else [self.pilot_track])]
        if not self.tracks or len(set(used)) != len(used):
            raise StimulusError(f"tracks {used}: one or more different ones for programme, another for the pilot")

    def add(
        self,
        kind: Kind,
        name: str,
        samples: int,
        level_db: float | None = None,
        gap_s: float = GAP_S,
        seed: int | None = None,
        channels: Sequence[int] | None = None,
        **parameters: Parameter,
    ) -> None:
        """Lay a segment on every programme channel, or on those given, and a gap behind it."""
        for channel in range(len(self.tracks)) if channels is None else channels:
            self.cues.append(
                Cue(
                    name=name,
                    kind=kind,
                    channel=channel,
                    start_samples=self.cursor,
                    length_samples=samples,
                    level_db=level_db,
                    parameters=parameters,
                    seed=seed,
                )
            )
        self.cursor += samples
        self.rest(gap_s)

    def rest(self, seconds: float) -> None:
        """Leave a pause."""
        self.cursor += self.samples(seconds)

    def samples(self, seconds: float) -> int:
        """Whole samples of a time."""
        return round(seconds * self.sample_rate)

    def guard(self) -> None:
        """Lay the next guard chirp."""
        self.guards += 1
        length = markers.GUARD.samples(self.sample_rate)
        self.add("guard", f"guard {self.guards}", length, MARKER_LEVEL_DB, gap_s=0.1)

    def begin(self, wow_flutter_s: float) -> None:
        """Lay what every stimulus begins with: a pause, start marker, identity, reference tone, wow and flutter tone."""
        self.rest(LEAD_S)
        self.add("marker_start", "start marker", markers.start_marker(self.sample_rate).size, MARKER_LEVEL_DB, 0.1)
        self._code("identity code", GAP_S)
        self.add("tone", "reference tone", self.samples(3.0), 0.0, purpose="reference", frequency_hz=REFERENCE_HZ)
        self.guard()
        length = self.samples(wow_flutter_s)
        self.add("tone", "wow and flutter tone", length, 0.0, purpose="wow_flutter", frequency_hz=WOW_FLUTTER_HZ)

    def end(self) -> None:
        """Lay what every stimulus ends with: identity, end marker, and the pilot over all of it."""
        self.guard()
        self._code("identity code again", 0.1)
        self.add("marker_end", "end marker", markers.end_marker(self.sample_rate).size, MARKER_LEVEL_DB, 1.0)
        if self.pilot_track is not None:
            # The pilot begins before the first marker and ends after the last, so that the time base reaches both.
            edge = self.samples(PILOT_EDGE_S)
            self.cues.append(
                Cue(
                    name="pilot",
                    kind="pilot",
                    channel=len(self.tracks),
                    start_samples=edge,
                    length_samples=self.cursor - 2 * edge,
                    level_db=PILOT_LEVEL_DB,
                    parameters={"frequency_hz": PILOT_HZ},
                )
            )

    def sheet(self, session: str, stimulus: str, reference_dbfs: float) -> CueSheet:
        """The finished cue sheet."""
        channels = [Channel(role="programme", track=t) for t in self.tracks]
        if self.pilot_track is not None:
            channels.append(Channel(role="pilot", track=self.pilot_track))
        return CueSheet(
            stimulus=stimulus,
            session=session,
            code=self.code,
            sample_rate=self.sample_rate,
            samples=self.cursor,
            reference_dbfs=reference_dbfs,
            channels=tuple(channels),
            cues=tuple(sorted(self.cues, key=lambda c: (c.start_samples, c.channel))),
        )

    def _code(self, name: str, gap_s: float) -> None:
        length = markers.code_marker(self.code, self.sample_rate).size
        self.add("marker_code", name, length, MARKER_LEVEL_DB, gap_s, code=self.code)
