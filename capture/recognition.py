"""Which take a recording is, and whether it is fit to be one: the look at every recording before it is kept.

The markers on the tape carry the identity of session and stimulus, so the wrong tape, a cut recording or swapped channels
are noticed at once and not as strange figures later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis import locate
from analysis.locate import FoundTake
from sessions.audio import blocks
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import SignalError

SILENCE = 1e-4
"""Peak below which a channel holds nothing: -80 dBFS, above the noise of a 24-bit interface with open inputs."""

FULL_SCALE = 0.9999
CLIPPED_RUN = 3
"""So many equal samples in a row at full scale mean that a converter ran out of numbers; a 20 Hz sine has at most one."""


QUIET_DB = -35.0
SOUND_BLOCK_S = 0.25
STOPPED_S = 15.0
"""Nothing near the loudest for so long, and no end marker: the tape has stopped, as no stimulus is silent for longer."""

SAME_START_S = 0.5
"""Starts on two channels that lie closer together are the same start marker."""


@dataclass(frozen=True)
class Levels:
    """Peaks of a recording, and where it is clipped.

    Attributes
    ----------
    peak : ndarray, shape (channels,)
        Largest magnitude of each channel, full scale = 1.
    clipped_places : int
        Runs of clipped samples on all channels together.
    first_clipped_s : float
        Time of the first; 0 if there is none.
    first_clipped_channel : int
        Channel of the first.
    """

    peak: np.ndarray
    clipped_places: int
    first_clipped_s: float
    first_clipped_channel: int


@dataclass(frozen=True)
class Recognised:
    """A take found in a recording: the stimulus it is of, and where it lies."""

    sheet: CueSheet
    found: FoundTake


def levels(audio: AudioReader) -> Levels:
    """Read a recording once for its peaks and clipped places.

    Raises
    ------
    AudioFileError
        The recording cannot be decoded or holds NaN.
    """
    peak = np.zeros(audio.channels)
    places, first, position = 0, (0, 0), 0
    before = np.zeros((CLIPPED_RUN, audio.channels))  # the end of the block before, for runs that cross over
    for block in blocks(audio):
        peak = np.maximum(peak, np.abs(block).max(axis=0))
        joined = np.concatenate([before, block])
        if peak.max() >= FULL_SCALE:
            full = (np.abs(joined) >= FULL_SCALE)[1:] & (np.abs(np.diff(joined, axis=0)) <= 1e-6)
            run = np.logical_and.reduce([full[i : full.shape[0] - CLIPPED_RUN + 2 + i] for i in range(CLIPPED_RUN - 1)])
            starts = run[1:] & ~run[:-1]
            if not places and starts.any():
                row = int(np.argmax(starts.any(axis=1)))
                first = (position + row + 1 - CLIPPED_RUN, int(np.argmax(starts[row])))
            places += int(starts.sum())
        before = joined[-CLIPPED_RUN:]
        position += block.shape[0]
    return Levels(peak, places, max(first[0], 0) / audio.sample_rate, first[1])


def recognise(
    audio: AudioReader,
    sheets: Sequence[CueSheet],
    inputs: Mapping[int, int],
    name: str,
    measured: Levels | None = None,
) -> list[Recognised]:
    """Find the takes that a recording holds, or say why it is none.

    Parameters
    ----------
    audio : AudioReader
        The recording, at the rate of the stimuli.
    sheets : sequence of CueSheet
        The stimuli of the session.
    inputs : mapping of int to int
        Track that each channel of the recording (from 0) is taken to come from.
    name : str
        What to call the recording in a message.
    measured : Levels, optional
        What :func:`levels` said of it, if that is known.

    Returns
    -------
    list of Recognised
        In order of time, at least one.

    Raises
    ------
    SignalError
        Silence, clipping, no markers, wrong speed, another session's tape, a recording that stops before its end,
        swapped channels.
    AudioFileError
        The recording cannot be decoded or holds NaN.
    """
    _refuse_levels(measured or levels(audio), name)
    tracks = {channel.track for sheet in sheets for channel in sheet.channels}
    expected = sorted(channel for channel, track in inputs.items() if track in tracks and channel < audio.channels)
    per_channel = {channel: locate.find_takes(audio, sheets[0], [channel]) for channel in expected}
    if not any(per_channel.values()):
        raise SignalError(_why_no_markers(audio, sheets[0], expected, name))
    takes: list[Recognised] = []
    refusals: list[SignalError] = []
    for found in _best_of_channels(per_channel):
        try:
            take = _identified(audio, found, sheets, expected, name)
            _refuse_cut(take, audio, name)
            _refuse_channels(take, per_channel, inputs, name)
            takes.append(take)
        except SignalError as refusal:
            refusals.append(refusal)
    if not takes:  # beside a good take, what is left of an earlier recording on the tape does no harm
        raise refusals[0]
    return takes


def _best_of_channels(per_channel: Mapping[int, Sequence[FoundTake]]) -> list[FoundTake]:
    """One entry for each take, from the channel that has its code and its end, in order of time."""
    best: list[FoundTake] = []
    every = [take for takes in per_channel.values() for take in takes]
    for take in sorted(every, key=lambda t: (t.code is None, t.end_s is None, t.channel)):
        if all(abs(take.start_s - other.start_s) > SAME_START_S for other in best):
            best.append(take)
    return sorted(best, key=lambda take: take.start_s)


def _refuse_levels(measured: Levels, name: str) -> None:
    if measured.peak.max() < SILENCE:
        peak_dbfs = 20 * np.log10(max(float(measured.peak.max()), 1e-10))
        raise SignalError(
            f"{name} is silent: its peak is {peak_dbfs:.0f} dBFS and at least {20 * np.log10(SILENCE):.0f} dBFS are needed;"
            " check cables, input gain and that the tape was recorded, then record again."
        )
    if measured.clipped_places:
        raise SignalError(
            f"{name} is clipped in {measured.clipped_places} place(s), first at {measured.first_clipped_s:.2f} s"
            f" on channel {measured.first_clipped_channel + 1}: no sample may stay at full scale (0 dBFS);"
            " lower the input level of the interface and record again."
        )


def _why_no_markers(audio: AudioReader, sheet: CueSheet, channels: Sequence[int], name: str) -> str:
    others = [channel for channel in range(audio.channels) if channel not in channels]
    if elsewhere := locate.find_takes(audio, sheet, others):
        wanted = ", ".join(str(channel + 1) for channel in channels)
        return (
            f"{name} has its markers on channel {elsewhere[0].channel + 1}; they are expected on channel {wanted}:"
            " change the cables, or the order of the channels, and try again."
        )
    for channel in channels:
        speed = locate.played_speed(audio, channel)
        if speed is not None:
            return (
                f"{name} plays at {speed:.2f} times the speed it was recorded at; {locate.SPEED_RANGE[0]:.2f} to"
                f" {locate.SPEED_RANGE[1]:.2f} can be measured:"
                " set the deck to the session's tape speed and record again."
            )
    return (
        f"{name} holds no start marker ({audio.samples / audio.sample_rate:.1f} s searched):"
        " it comes in at another input (check the cables), is another recording, begins too late or is too noisy; record from"
        " before the start of the stimulus."
    )


def _identified(
    audio: AudioReader, take: FoundTake, sheets: Sequence[CueSheet], channels: Sequence[int], name: str
) -> Recognised:
    at = f"at {take.start_s:.1f} s"
    if take.code is None:
        _refuse_cut(Recognised(sheets[0], take), audio, name)
        raise SignalError(
            f"{name} has a start marker {at} but no readable identity code behind it;"
            " it is too noisy or another signal runs over it: record again."
        )
    for sheet in sheets:
        if locate.same_code(take.code, sheet.code):
            if sheet is sheets[0]:
                return Recognised(sheet, take)
            again = locate.find_takes(audio, sheet, channels)  # its end marker stands elsewhere
            return Recognised(sheet, min(again, key=lambda other: abs(other.start_s - take.start_s)))
    expected = ", ".join(f"{sheet.code:06x}" for sheet in sheets)
    raise SignalError(
        f"{name} belongs to another session: its tape says {take.code:06x} {at}, this session's says {expected};"
        " play the tape of this session, or import it into the session it was planned with."
    )


def _refuse_cut(take: Recognised, audio: AudioReader, name: str) -> None:
    sheet, found = take.sheet, take.found
    if found.end_s is not None:
        return
    start, end = (sheet.of_kind(kind)[0].start_samples for kind in ("marker_start", "marker_end"))
    needed_s = (end - start) / sheet.sample_rate / found.speed
    there_s = audio.samples / audio.sample_rate - found.start_s
    stops_s = _last_sound_s(audio, found.channel)
    if stops_s < min(audio.samples / audio.sample_rate, found.start_s + needed_s) - STOPPED_S:
        raise SignalError(
            f"{name} stops at {stops_s:.1f} s, {stops_s - found.start_s:.1f} s after its start marker; its end marker comes"
            f" {needed_s:.1f} s after it: the tape came to its end or was stopped; use a longer cassette or begin nearer to"
            " the tape's start, and record again."
        )
    if there_s < needed_s:
        raise SignalError(
            f"{name} is cut: {there_s:.1f} s of the take are there, its end marker comes {needed_s:.1f} s after its start;"
            " record again, until after the last sound."
        )
    raise SignalError(
        f"{name} is long enough ({there_s:.1f} s after the start marker) but its end marker, due after {needed_s:.1f} s,"
        " is missing: the tape stopped for a while, was edited or runs unevenly; record again without a pause."
    )


def _last_sound_s(audio: AudioReader, channel: int) -> float:
    """Time at which a channel was last anywhere near its loudest."""
    size = round(SOUND_BLOCK_S * audio.sample_rate)
    power = [
        float(np.mean(audio.read(first, min(first + size, audio.samples))[:, channel] ** 2))
        for first in range(0, audio.samples, size)
    ]
    loud = np.flatnonzero(np.array(power) > max(power) * 10.0 ** (QUIET_DB / 10.0))
    return float(loud[-1] + 1) * SOUND_BLOCK_S


def _refuse_channels(
    take: Recognised, per_channel: Mapping[int, Sequence[FoundTake]], inputs: Mapping[int, int], name: str
) -> None:
    """Programme must arrive where the session expects it: on each of its channels, not on the pilot's."""
    arrives = {track: channel for channel, track in inputs.items() if channel in per_channel}
    marked = {
        track
        for track, channel in arrives.items()
        for other in per_channel[channel]
        if abs(other.start_s - take.found.start_s) < SAME_START_S and other.code is not None
        if locate.same_code(other.code, take.sheet.code)
    }
    pilots = [take.sheet.channels[c].track for c in take.sheet.channels_of("pilot")]
    for track in (take.sheet.channels[c].track for c in take.sheet.channels_of("programme")):
        if track in marked:
            continue
        expected = f"channel {arrives[track] + 1}" if track in arrives else "no channel of the file"
        swapped = next((pilot for pilot in pilots if pilot in marked), None)
        if swapped is not None:
            raise SignalError(
                f"{name} has its channels swapped: the programme of track {track} arrives on channel {arrives[swapped] + 1},"
                f" where the pilot of track {swapped} is expected, and is expected on {expected};"
                " swap the two (cables, or the file's channels) and try again."
            )
        raise SignalError(
            f"{name} has no markers of track {track}, expected on {expected}; they are on channel {take.found.channel + 1}:"
            " check the cables and record again."
        )
