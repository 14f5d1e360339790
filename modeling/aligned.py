"""The takes of a session, each joined to what was played: where the bench and the training both begin."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from analysis.alignment import Alignment, align_channels, is_pilot, join_take
from analysis.anchors import Unjoined
from analysis.programme import Estimate
from sessions.manifest import TakeRecord
from sessions.store import Session
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SignalError

Progress = Callable[[str], None]


@dataclass(frozen=True)
class AlignedTake:
    """A take of a planned stimulus, with the time base of each of its programme channels, and those that have none."""

    record: TakeRecord
    sheet: CueSheet
    sent: AudioReader
    returned: AudioReader
    alignments: tuple[Alignment, ...]
    unjoined: tuple[Unjoined, ...] = ()


@dataclass(frozen=True)
class AlignedPair:
    """A pair made with any material, with the time base and response of each returned channel; a mono signal went to all.

    A channel that holds a pilot has none, nor has one that cannot be joined to what was sent.
    """

    record: TakeRecord
    dry: AudioReader
    wet: AudioReader
    estimates: tuple[Estimate | None, ...]
    unjoined: tuple[Unjoined, ...] = ()


Aligned = AlignedTake | AlignedPair


def aligned_takes(session: Session, progress: Progress = lambda _: None) -> Iterator[Aligned]:
    """Every play pass, loop pass and imported pair of a session, in order.

    Record passes are left out: they carry the electronics alone (:func:`record_take`). A take of which no channel can be joined to
    what was played comes with no alignments, and says why, beside others that can.

    Raises
    ------
    SignalError
        There is none, none can be joined to what was played, or a pair does not belong together.
    """
    records = [r for r in session.takes() if r.role != "record"]
    if not records:
        raise SignalError(
            f"{session.path} has 0 finished takes, 1 is needed; capture one, or attach recordings with "
            f"'tape import {session.path} FILE.wav'"
        )
    dead: list[SignalError] = []
    for record in records:
        if record.role == "pair":
            yield _pair(session, record, progress)
            continue
        item = _take(session, record, progress)
        if not item.alignments:
            dead.append(SignalError(f"take {record.id}: {item.unjoined[0].reason}"))
        yield item
    if len(dead) == len(records):
        raise dead[0]


def _take(session: Session, record: TakeRecord, progress: Progress) -> AlignedTake:
    sheet, sent = session.stimulus(record.stimulus or "main")
    _, returned = session.take(record.id)
    inputs = returned_channels(sheet, record)
    alignments, unjoined = join_take(sent, returned, sheet, inputs, lambda what: progress(f"{record.id}: {what}"))
    if not alignments and not unjoined:
        tracks = [sheet.channels[c].track for c in sheet.channels_of("programme")]
        raise SignalError(
            f"take {record.id} holds tracks {sorted(record.inputs.values())}, none of the programme tracks {tracks}; "
            "check the inputs it was recorded with"
        )
    return AlignedTake(record, sheet, sent, returned, tuple(alignments), tuple(unjoined))


def record_take(session: Session) -> AlignedTake | None:
    """The newest record pass without dbx, for :mod:`analysis.electronics`; it needs no alignment. None where there is none."""
    for stimulus in ("main", "plain"):
        passes = [r for r in session.takes("record") if r.stimulus == stimulus]
        if passes:
            sheet, sent = session.stimulus(stimulus)
            return AlignedTake(passes[-1], sheet, sent, session.take(passes[-1].id)[1], ())
    return None


def returned_channels(sheet: CueSheet, record: TakeRecord) -> dict[int, int]:
    """Channel of the recording on which each channel of the stimulus comes back, where it does."""
    channel_of_track = {track: channel for channel, track in sorted(record.inputs.items(), reverse=True)}
    return {
        i: channel_of_track[channel.track] for i, channel in enumerate(sheet.channels) if channel.track in channel_of_track
    }


def _pair(session: Session, record: TakeRecord, progress: Progress) -> AlignedPair:
    _, dry, wet = session.pair(record.id)
    estimates: list[Estimate | None] = []
    unjoined: list[Unjoined] = []
    for channel in range(wet.channels):
        estimates.append(None)
        if is_pilot(dry, channel):
            continue
        progress(f"{record.id}: aligning channel {channel + 1}")
        sent = min(channel, dry.channels - 1)
        try:
            estimates[-1] = align_channels(dry, wet, sent, channel)
        except SignalError as error:
            unjoined.append(Unjoined(sent, channel, str(error)))
    if not any(estimates) and unjoined:
        raise SignalError(f"take {record.id}, channel {unjoined[0].returned + 1}: {unjoined[0].reason}")
    if not any(estimates):
        raise SignalError(
            f"take {record.id}: what came back is the pilot alone; give the recording of the channel that it was sent beside"
        )
    return AlignedPair(record, dry, wet, tuple(estimates), tuple(unjoined))
