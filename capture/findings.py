"""What can be said of a pass that was looked at: each a line with value, limit and remedy.

What makes a pass useless is a *refusal*, what makes it doubtful a *doubt* (who works the deck may accept it, and the take is
marked), what is merely worth knowing a *note*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from analysis.continuity import Continuity
from capture.device import StreamFacts
from sessions.manifest import TakeRole
from signals.cues import CueSheet

HOT_DBFS = -1.0
LOW_DBFS = -45.0
"""Returned reference tone below which the interface's own noise comes near that of the tape."""

SPEED_NOTE_PERCENT = 1.0
SPEED_DOUBT_PERCENT = 8.0
LISTED_PLACES = 5


class Weight(Enum):
    """How much a finding matters."""

    NOTE = "note"
    DOUBT = "doubt"
    REFUSAL = "refusal"


@dataclass(frozen=True)
class Finding:
    """One line about a pass."""

    weight: Weight
    text: str


@dataclass(frozen=True)
class Pass:
    """What is known of a pass before it is looked at.

    Attributes
    ----------
    name : str
        Name of the take.
    role : {"record", "play", "loop"}
        What the deck did.
    sheet : CueSheet
        What was played, or recorded on the tape.
    inputs : mapping of int to int
        Track that each channel of the recording comes from.
    facts : StreamFacts
        What the device said.
    others : sequence of CueSheet
        The other stimuli of the session.
    expected_db : mapping of int to float
        Level of each track in the record pass, re what was sent, where it was heard.
    ports : mapping of int to int
        Number, as on the box, of the input behind each channel of the recording; by default they are counted from 1.
    """

    name: str
    role: TakeRole
    sheet: CueSheet
    inputs: Mapping[int, int]
    facts: StreamFacts
    others: Sequence[CueSheet] = ()
    expected_db: Mapping[int, float] = field(default_factory=dict)
    ports: Mapping[int, int] = field(default_factory=dict)

    def input(self, channel: int) -> str:
        """A channel of the recording as a person knows it."""
        return f"input {self.ports.get(channel, channel + 1)} (track {self.inputs[channel]})"


def reported(seen: Pass) -> list[Finding]:
    """What the interface itself said of the pass."""
    rate, gaps, flags = seen.sheet.sample_rate, seen.facts.lost, seen.facts.flags
    said = []
    if gaps:
        places = ", ".join(f"{gap.start_samples / rate:.2f} s" for gap in gaps[:LISTED_PLACES])
        more = f" and {len(gaps) - LISTED_PLACES} more" if len(gaps) > LISTED_PLACES else ""
        text = (
            f"the interface lost {sum(gap.length_samples for gap in gaps)} samples in {len(gaps)} place(s), at {places}{more};"
            " none may be lost: close other programs and repeat the pass"
        )
        said.append(Finding(Weight.DOUBT, text))
    if flags:
        more = f" and {len(flags) - LISTED_PLACES} more" if len(flags) > LISTED_PLACES else ""
        text = (
            f"the driver of the interface reported {', '.join(flags[:LISTED_PLACES])}{more} (in samples): a block came late, or"
            " was lost; if this recurs, close other programs"
        )
        said.append(Finding(Weight.NOTE, text))
    return said


def silent_losses(looks: Mapping[int, Continuity], seen: Pass) -> list[Finding]:
    """Losses on any track, each told once: all channels of an interface lose the same samples."""
    told: list[Finding] = []
    known: list[tuple[float, float]] = []
    for look in looks.values():
        for loss in look.losses:
            if any(loss.from_s < end and start < loss.to_s for start, end in known):
                continue
            known.append((loss.from_s, loss.to_s))
            what = "are missing" if loss.samples > 0 else "are too many"
            unreported = "" if seen.facts.flags or seen.facts.lost else " although the interface reported nothing"
            text = (
                f"{abs(loss.samples)} (+-{loss.doubt_samples}) samples {what} between {loss.from_s:.1f} and {loss.to_s:.1f} s"
                f"{unreported}; none may be: close other programs and repeat the pass, or record again"
            )
            told.append(Finding(Weight.DOUBT, text))
    return told


def hot(peak: np.ndarray, seen: Pass) -> list[Finding]:
    """Inputs, by the peaks of the recording's channels, that come near full scale."""
    said = []
    for channel, value in enumerate(peak):
        peak_dbfs = 20.0 * np.log10(max(float(value), 1e-10))
        if channel in seen.inputs and peak_dbfs > HOT_DBFS:
            text = (
                f"{seen.input(channel)} peaks at {peak_dbfs:+.1f} dBFS, above {HOT_DBFS:g} dBFS;"
                f" lower the input gain of the interface by {np.ceil(peak_dbfs - HOT_DBFS) + 2:.0f} dB and repeat the pass"
            )
            said.append(Finding(Weight.DOUBT, text))
    return said


def low(level_dbfs: Mapping[int, float]) -> list[Finding]:
    """Tracks whose reference tone comes back so low that the interface's noise shows."""
    return [
        Finding(
            Weight.DOUBT,
            f"track {track} returns the reference tone at {level:.0f} dBFS, below {LOW_DBFS:g} dBFS, where the interface's"
            f" noise shows; raise its input gain by {LOW_DBFS + 10.0 - level:.0f} dB and repeat the pass",
        )
        for track, level in level_dbfs.items()
        if level < LOW_DBFS
    ]


def speed(percent: float, seen: Pass) -> list[Finding]:
    """What is to be said of a tape that ran faster or slower than when it was recorded."""
    if abs(percent) <= SPEED_NOTE_PERCENT or seen.role != "play":
        return []
    faster = "faster" if percent > 0.0 else "slower"
    text = f"the tape ran {abs(percent):.1f} % {faster} than when it was recorded"
    if abs(percent) > SPEED_DOUBT_PERCENT:
        text += f", more than {SPEED_DOUBT_PERCENT:g} %; set pitch control and tape speed as they were and repeat the pass"
        return [Finding(Weight.DOUBT, text)]
    return [Finding(Weight.NOTE, f"{text}, more than {SPEED_NOTE_PERCENT:g} %; is the pitch control at its detent?")]


def inverted(looks: Mapping[int, Continuity]) -> list[Finding]:
    """Tracks that come back inverted."""
    words = "comes back inverted: harmless for the figures; a balanced cable or the deck turns the sign"
    return [Finding(Weight.NOTE, f"track {track} {words}") for track, look in looks.items() if look.polarity < 0]


def pilot(channel: int, level_db: float, seen: Pass) -> Finding:
    """A pilot that does not come back, or only at a level re what was sent that is hardly the pilot's."""
    text = (
        f"the pilot does not come back at {seen.input(channel)} ({level_db:+.0f} dB re sent); check its cables, RECORD FUNCTION"
        " and level, and record again: without it the tape's motion is followed by the programme alone"
    )
    return Finding(Weight.DOUBT, text)
