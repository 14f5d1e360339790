"""All tracks of one take together, and whether each came back where it should."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.crosstalk import tone_powers
from analysis.take import EDGE_S, Take
from sessions.results import Result
from signals.cues import Cue
from signals.multitone import frequencies

CLEARLY = 10.0  # power by which a track must be louder on another's input than on its own


@dataclass(frozen=True)
class Tracks:
    """The tracks of a take.

    Attributes
    ----------
    takes : tuple of Take
        Its programme channels, in order.
    inputs : mapping of int to int
        Channel of the recording of every channel of the stimulus that came back, the pilot's too.
    """

    takes: tuple[Take, ...]
    inputs: Mapping[int, int]

    def track(self, channel: int) -> int:
        """Track of a channel of the stimulus."""
        return self.takes[0].sheet.channels[channel].track

    def under(self, **more: str | float) -> dict[str, str | int | float]:
        """Conditions of the take, without those of one track."""
        return {k: v for k, v in self.takes[0].under(**more).items() if k != "track" or "track" in more}

    def take(self, channel: int) -> Take:
        """The take whose time base is best for a channel; for the pilot's, the first."""
        return next((t for t in self.takes if t.alignment.channel == channel), self.takes[0])

    def span_s(self, cue: Cue, edge_s: float = EDGE_S) -> tuple[float, float]:
        """Stretch of the recording that a segment takes, without its edges."""
        return self.take(cue.channel).span_s(cue, edge_s)

    def stretch(self, cue: Cue) -> tuple[np.ndarray, float]:
        """Recording during a segment, shape (samples, channels), and the ratio of returned to sent frequency in it."""
        take = self.take(cue.channel)
        return take.stretch(cue, EDGE_S), take.speed(cue, EDGE_S)

    def solos(self) -> list[Cue]:
        """Segments on the recording in which one track sounds alone."""
        return [c for c in self._planned_solos() if self.holds(c)]

    def lost_solos(self) -> list[Cue]:
        """Those that are not on the recording."""
        return [c for c in self._planned_solos() if not self.holds(c)]

    def rests(self) -> list[Cue]:
        """Silent segments on the recording."""
        return [c for c in self.takes[0].sheet.of_kind("silence") if self.holds(c)]

    def holds(self, cue: Cue) -> bool:
        """Whether the whole of a segment is on the recording."""
        return self.take(cue.channel).alignment.holds(cue, self.takes[0].sheet.sample_rate)

    def _planned_solos(self) -> list[Cue]:
        found = self.takes[0].sheet.of_kind("multitone")
        return [c for c in found if c.parameters.get("purpose") == "crosstalk" and c.channel in self.inputs]


def solo_frequencies(cue: Cue) -> np.ndarray:
    """Frequencies of a multitone as sent, shape (tones,)."""
    return frequencies(cue.number("low_hz"), cue.number("high_hz"), int(cue.number("tones")), cue.number("period_s"))


def strayed(tracks: Tracks) -> dict[int, int]:
    """Tracks whose sound came back on another track's input, and that other track."""
    programme = [t.alignment.channel for t in tracks.takes]
    found = {}
    for cue in tracks.solos():
        stretch, ratio = tracks.stretch(cue)
        powers = tone_powers(stretch, (ratio * solo_frequencies(cue)).tolist(), tracks.takes[0].sheet.sample_rate)
        loudest = max(programme, key=lambda c: powers[tracks.inputs[c]])
        if powers[tracks.inputs[loudest]] > CLEARLY * powers[tracks.inputs[cue.channel]]:
            found[tracks.track(cue.channel)] = tracks.track(loudest)
    return found


def stray_notes(strays: Mapping[int, int]) -> dict[int, str]:
    """What to say of every track that is concerned."""
    notes: dict[int, str] = {}
    for track, other in strays.items():
        note = (
            f"the cables of tracks {min(track, other)} and {max(track, other)} are exchanged"
            if strays.get(other) == track
            else f"what was sent to track {track} came back as track {other}"
        )
        for concerned in (track, other):
            notes.setdefault(concerned, f"{note}: put them right and make the recording again")
    return notes


def noted(results: Sequence[Result], notes: Mapping[int, str]) -> list[Result]:
    """Figures with the notes of their tracks."""
    return [_with_note(r, notes.get(int(r.conditions.get("track", 0)))) for r in results]


def _with_note(result: Result, note: str | None) -> Result:
    said = [text for text in (result.note, note) if text]
    return result.model_copy(update={"note": "; ".join(said) or None})
