"""The look at every pass before it counts: whether it is the take, at which level and speed, and whether all of it is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis import continuity, dropouts
from analysis.locate import FoundTake, find_takes, same_code, take_on_channel
from analysis.timebase import Timebase
from analysis.tone_level import tone_dbfs
from capture import findings
from capture.device import Verdict
from capture.findings import Finding, Pass, Weight
from capture.recognition import SILENCE, Levels, levels, recognise
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SignalError

LONGEST_LATENCY_S = 1.0
CLOCKED = 1e-4
"""From marker to marker of electronics that share the interface's clock, where a tape differs by 1e-3."""

PILOT_LOW_DB = -30.0
"""Returned pilot re the level it was sent at; so low it is hardly the pilot."""

LONG_TONE_S = 2.0


Whole = dict[int, tuple[int, FoundTake]]
"""For each programme channel of a stimulus: the channel of the recording on which it came back whole, and its take there."""


@dataclass(frozen=True)
class Verification:
    """What was seen in a pass.

    Attributes
    ----------
    summary : str
        The pass in one line.
    findings : tuple of Finding
        What is wrong or worth knowing.
    level_db : dict of int to float
        Level of the reference tone on each track, re what was sent.
    speed_error_percent : float or None
        From start to end marker.
    dropouts : int or None
        On steady tones of all tracks.
    """

    summary: str
    findings: tuple[Finding, ...] = ()
    level_db: Mapping[int, float] = field(default_factory=dict)
    speed_error_percent: float | None = None
    dropouts: int | None = None

    @property
    def refusal(self) -> str:
        """Why the pass cannot be used; empty when it can."""
        return next((f.text for f in self.findings if f.weight is Weight.REFUSAL), "")

    @property
    def fit(self) -> bool:
        """Whether the pass can be used at all."""
        return not self.refusal

    @property
    def doubtful(self) -> bool:
        """Whether the pass had better be repeated."""
        return any(f.weight is not Weight.NOTE for f in self.findings)

    @property
    def faults(self) -> tuple[str, ...]:
        """What the take keeps as wrong with it."""
        return tuple(f.text for f in self.findings if f.weight is Weight.DOUBT)


def automatic(verification: Verification) -> Verdict:
    """The verdict when nobody is asked: whatever can be used counts."""
    return Verdict.ACCEPT if verification.fit else Verdict.ABORT


def verify(sent: AudioReader, returned: AudioReader, seen: Pass) -> Verification:
    """Look at a finished pass.

    Parameters
    ----------
    sent, returned : AudioReader
        The stimulus, and what was recorded.
    seen : Pass
        What is known of it.
    """
    said = findings.reported(seen)
    measured = levels(returned)
    if seen.role == "record":
        return _while_recording(sent, returned, seen, measured, said)
    try:
        takes = recognise(returned, [seen.sheet, *seen.others], seen.inputs, f"Take '{seen.name}'", measured)
        own = [take for take in takes if take.sheet.stimulus == seen.sheet.stimulus]
        if not own:
            raise SignalError(
                f"Take '{seen.name}' holds the recording of '{takes[0].sheet.stimulus}', not of '{seen.sheet.stimulus}';"
                " wind to the right recording and play again."
            )
    except SignalError as refusal:
        return Verification("not the take", (Finding(Weight.REFUSAL, str(refusal)), *said))
    whole = _whole(returned, seen.sheet, seen.inputs)
    if not whole:
        text = f"Take '{seen.name}' lacks an end marker on its first recording; rewind further, or record again."
        return Verification("not the take", (Finding(Weight.REFUSAL, text), *said))
    return _recognised(
        sent, returned, seen, whole, [*said, *findings.hot(measured.peak, seen), *_pilots(returned, seen, whole)]
    )


def level_db(returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int]) -> dict[int, float]:
    """Level of the reference tone on each programme track that came back whole, re what was sent."""
    return _levels(returned, sheet, _whole(returned, sheet, inputs))


def _levels(returned: AudioReader, sheet: CueSheet, whole: Whole) -> dict[int, float]:
    cues = [c for c in sheet.of_kind("tone") if c.parameters.get("purpose") == "reference"] or list(sheet.of_kind("tone"))
    told = {}
    for channel, (to, found) in whole.items():
        for cue in cues:
            if cue.channel == channel and cue.level_db is not None:
                returned_dbfs = tone_dbfs(returned, to, cue, found.speed, _line(sheet, found))
                told[sheet.channels[channel].track] = returned_dbfs - sheet.reference_dbfs - cue.level_db
                break
    return told


def _while_recording(
    sent: AudioReader, returned: AudioReader, seen: Pass, measured: Levels, said: Sequence[Finding]
) -> Verification:
    """What came back in a record pass is welcome and not needed; the tape itself is only heard when it is played."""
    if measured.peak.max() < SILENCE:
        text = "nothing came back while recording: fine, but the electronics are not measured apart from the tape"
        return Verification("recorded; nothing came back meanwhile", (*said, Finding(Weight.NOTE, text)))
    whole = _whole(returned, seen.sheet, seen.inputs)
    if _tape_plays(returned, seen, whole):
        text = (
            "a tape was playing while this one should have been recorded: RECORD was not on; rewind, press RECORD and PLAY, and"
            " repeat the pass"
        )
        return Verification("another recording was heard", (*said, Finding(Weight.DOUBT, text)))
    if not whole:
        text = (
            "what came back while recording is not what was sent: fine, but the electronics are not measured apart from the"
            " tape; an armed track returns its input when its TAPE OUT is connected"
        )
        return Verification("recorded", (*said, Finding(Weight.NOTE, text)))
    if measured.clipped_places:
        channel = measured.first_clipped_channel
        text = (
            f"input {seen.ports.get(channel, channel + 1)} is clipped in {measured.clipped_places} place(s), first at"
            f" {measured.first_clipped_s:.1f} s; the tape will clip it too: lower the input gain of the interface by 6 dB, and"
            " repeat the pass"
        )
        said = [*said, Finding(Weight.DOUBT, text)]
    else:
        said = [*said, *findings.hot(measured.peak, seen)]
    return _recognised(sent, returned, seen, whole, said)


def _tape_plays(returned: AudioReader, seen: Pass, whole: Whole) -> bool:
    """Whether what came back in a record pass was on a tape: another stimulus, or this one at another time or speed."""
    start_s = seen.sheet.of_kind("marker_start")[0].start_samples / seen.sheet.sample_rate
    if whole:
        codes = [take.code for _, take in whole.values() if take.code is not None]
        return any(not same_code(code, seen.sheet.code) for code in codes) or any(
            not 0.0 <= take.start_s - start_s < LONGEST_LATENCY_S or abs(take.speed - 1.0) > CLOCKED
            for _, take in whole.values()
        )
    return bool(find_takes(returned, seen.sheet, [c for c in seen.inputs if c < returned.channels]))


def _recognised(sent: AudioReader, returned: AudioReader, seen: Pass, whole: Whole, said: Sequence[Finding]) -> Verification:
    """The figures of a pass that holds its take."""
    sheet = seen.sheet
    level = _levels(returned, sheet, whole)
    speed_percent = 100.0 * (next(iter(whole.values()))[1].speed - 1.0)
    dropped = sum(_dropouts(returned, sheet, channel, to, own) for channel, (to, own) in whole.items())
    looks = {
        sheet.channels[channel].track: continuity.examine(sent, returned, sheet, channel, to, own, tape=seen.role == "play")
        for channel, (to, own) in whole.items()
    }
    returned_dbfs = {track: db + sheet.reference_dbfs for track, db in level.items()}
    told = (
        *said,
        *findings.silent_losses(looks, seen),
        *findings.low(returned_dbfs),
        *findings.speed(speed_percent, seen),
        *findings.inverted(looks),
    )
    words = ["markers found", _level_words(level, seen.expected_db), f"speed {speed_percent:+.2f} %"]
    words.append(f"{dropped} dropout{'' if dropped == 1 else 's'}")
    return Verification(", ".join(words), told, level, speed_percent, dropped)


def _whole(returned: AudioReader, sheet: CueSheet, inputs: Mapping[int, int]) -> Whole:
    at = {track: channel for channel, track in sorted(inputs.items(), reverse=True)}
    wired = {c: at[sheet.channels[c].track] for c in sheet.channels_of("programme") if sheet.channels[c].track in at}
    found = {channel: (to, take_on_channel(returned, sheet, to)) for channel, to in wired.items()}
    return {c: (to, take) for c, (to, take) in found.items() if take is not None and take.end_s is not None}


def _line(sheet: CueSheet, found: FoundTake) -> Timebase:
    start, end = (sheet.of_kind(kind)[0].start_samples / sheet.sample_rate for kind in ("marker_start", "marker_end"))
    end_s = found.start_s + (end - start) / found.speed
    return Timebase.line(start, end, found.start_s - start, end_s - end)


def _dropouts(returned: AudioReader, sheet: CueSheet, channel: int, to: int, found: FoundTake) -> int:
    rate, line = sheet.sample_rate, _line(sheet, found)
    tones = [cue for cue in sheet.of_kind("tone", channel=channel) if cue.length_samples > LONG_TONE_S * rate]
    return sum(dropouts.count(returned, to, cue, rate, line) for cue in tones)


# What is said of what was seen.


def _level_words(level: Mapping[int, float], expected: Mapping[int, float]) -> str:
    if not level:
        return "no reference tone"
    known = bool(level.keys() & expected.keys())
    each = {track: db - expected.get(track, 0.0) for track, db in level.items() if not known or track in expected}
    of = "expected" if known else "sent"
    if len(each) == 1:
        return f"level {next(iter(each.values())):+.1f} dB re {of}"
    return f"level {', '.join(f'{db:+.1f} dB (track {track})' for track, db in sorted(each.items()))} re {of}"


def _pilots(returned: AudioReader, seen: Pass, whole: Whole) -> list[Finding]:
    """Pilots that do not come back."""
    sheet, said = seen.sheet, []
    _, found = next(iter(whole.values()))
    at = {track: channel for channel, track in sorted(seen.inputs.items(), reverse=True)}
    for channel in sheet.channels_of("pilot"):
        for cue in sheet.of_kind("pilot", channel=channel):
            to = at[sheet.channels[channel].track]
            sent_dbfs = sheet.reference_dbfs + (cue.level_db or 0.0)
            level = tone_dbfs(returned, to, cue, found.speed, _line(sheet, found)) - sent_dbfs
            if level < PILOT_LOW_DB:
                said.append(findings.pilot(to, level, seen))
    return said
