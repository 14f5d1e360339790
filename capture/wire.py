"""A plain wire as a device: what is sent comes back as it was, some samples later. The control of every measurement."""

from collections.abc import Sequence

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.verification import Verification, automatic
from signals.audio import AudioReader
from signals.cues import CueSheet

BLOCK_SAMPLES = 1 << 15


class Wire:
    """Returns every channel of a stimulus, `late_samples` later; for captures in loop mode.

    Parameters
    ----------
    sample_rate : int
        Sample rate in Hz.
    channels : int
        Channels of the stimulus.
    late_samples : int
        Delay between what is sent and what returns.
    """

    name = "wire"

    def __init__(self, sample_rate: int, channels: int, late_samples: int) -> None:
        self.sample_rate = sample_rate
        self.input_channels = channels
        self.late_samples = late_samples
        self.facts = StreamFacts(0)

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Hand over what is sent, later."""
        total = sent.samples + round(tail_s * self.sample_rate)
        done = 0
        while done < total and not stop():
            end = min(done + BLOCK_SAMPLES, total)
            block = np.zeros((end - done, self.input_channels))
            low, high = max(0, done - self.late_samples), min(sent.samples, end - self.late_samples)
            if low < high:
                block[low + self.late_samples - done : high + self.late_samples - done] = sent.read(low, high)
            self.facts = StreamFacts(end)
            sink(block)
            done = end
        return self.facts

    # It works itself.

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Do nothing: a wire has no dbx."""

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Do nothing: the level is right by construction."""

    def has_tape(self, stimulus: str) -> bool:
        """Say no: a wire has no tape."""
        return False

    def arm(self, tracks: Sequence[int]) -> None:
        """Do nothing."""

    def rewind(self) -> None:
        """Do nothing."""

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)
