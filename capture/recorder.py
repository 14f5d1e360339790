"""A real interface as a device: plays and records through a stream that lives in a process of its own.

The parent, which holds the session, feeds what is to be played seconds ahead and empties what has come back into the sink many
times a second, both through shared memory. So the disk may stand still for seconds, and what had arrived is safe when the
stream's process or the sound server dies. A stream that no longer calls back is declared lost after a second: PortAudio tells
of neither a server nor a deck that died, and hangs for good in whatever call is made then.
"""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import numpy as np

from capture import stream
from capture.child import ASKING, END_S, Child, DefectError, GoneError
from capture.device import Gap, Sink, Stop, StreamFacts, never
from capture.portaudio import settle
from capture.shared import FED, PASSED, READ, RING_S, Shared, put
from signals.audio import AudioReader
from signals.errors import DeviceError

ROUND_S = 0.08
LOST_S = 1.0
OPEN_S = 20.0
"""How long the child may take to load its libraries and to open the stream."""
FEED_S = 0.5
"""What is to be played is read in pieces of this length, between which what came back is taken away."""


class PortAudioDevice:
    """An audio interface.

    Parameters
    ----------
    device : str
        Name, part of a name or index, as :func:`capture.interfaces.choose` takes it.
    sample_rate : int
        48000, 88200, 96000 or 192000 Hz.
    outputs : sequence of int
        Channel of the interface, from 0, that each channel of the stimulus is played to.
    inputs : sequence of int
        Channels of the interface, from 0, to be recorded, in the order in which they are handed over.
    ring_s : float
        How long the disk may stand still before samples are lost.

    Raises
    ------
    DeviceError
        There is no such interface, it lacks a channel or the rate, or PortAudio is missing.
    """

    def __init__(
        self, device: str, sample_rate: int, outputs: Sequence[int], inputs: Sequence[int], *, ring_s: float = RING_S
    ) -> None:
        self.duplex = settle(device, sample_rate, outputs, inputs)
        self.name = self.duplex.name
        self.sample_rate = sample_rate
        self.outputs, self.inputs = tuple(outputs), tuple(inputs)
        self.facts = StreamFacts(0)
        self._ring_s = ring_s

    @property
    def input_channels(self) -> int:
        """Number of channels that come back."""
        return len(self.inputs)

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Play `sent` to its end, go on recording for `tail_s`, and hand every returned block to `sink`.

        Ctrl-C ends the pass where a block ends: what had arrived is handed over, then the interrupt goes its way. A second
        Ctrl-C does not wait.

        Raises
        ------
        DeviceError
            The stimulus does not fit, the interface cannot be opened, or it was lost; what had arrived has been handed over.
        """
        if (sent.sample_rate, sent.channels) != (self.sample_rate, len(self.outputs)):
            raise DeviceError(
                f"The stimulus has {sent.channels} channel(s) at {sent.sample_rate} Hz and '{self.name}' was set to"
                f" {len(self.outputs)} output(s) at {self.sample_rate} Hz; name one output for each channel with --outputs."
            )
        shared = Shared(self.sample_rate, len(self.outputs), len(self.inputs), self._ring_s)
        order = stream.Order(self.duplex, self.outputs, self.inputs, sent.samples + round(tail_s * self.sample_rate))

        def hand_over(block: np.ndarray) -> None:
            self.facts = ferry.facts()
            sink(block)

        ferry = _Ferry(shared, sent, hand_over, order.total)
        while ferry.feed():
            pass
        try:
            self._play(ferry, shared, order, stop)
        finally:
            self.facts = ferry.facts()
        return self.facts

    def _play(self, ferry: "_Ferry", shared: Shared, order: stream.Order, stop: Stop) -> None:
        with _interrupts_asked() as interrupted, Child(stream.run, shared, order) as child:
            try:
                ferry.carry(child, lambda: interrupted() > 0 or stop())
                ferry.end(child)
            except (GoneError, DeviceError, DefectError) as why:
                child.kill()  # a stream that hangs is never asked to stop: that would hang too
                ferry.drain(everything=True)
                if isinstance(why, DefectError):
                    raise
                raise self._lost(str(why), ferry.done) from None
            ferry.drain(everything=True)
        if interrupted():
            signal.raise_signal(interrupted())  # to whoever hears it usually
            raise KeyboardInterrupt

    def _lost(self, why: str, samples: int) -> DeviceError:
        if not samples:
            return DeviceError(why)
        return DeviceError(
            f"'{self.name}' was lost {samples / self.sample_rate:.1f} s into the pass: {why} What had arrived is kept; look to"
            " cable, power and sound server, then run the command again to go on."
        )


class _Ferry:
    """The parent's side of one pass: brings what is to be played to the stream, and what came back to the sink."""

    def __init__(self, shared: Shared, sent: AudioReader, sink: Sink, total: int) -> None:
        self.done = 0
        self._shared, self._sent, self._sink, self._total = shared, sent, sink, total
        self._told = stream.Told()
        self._seen = 0

    def facts(self) -> StreamFacts:
        """What is known of the stream, as far as it was handed over; the block that is being handed over counts."""
        lost = (Gap(first, min(after, self.done) - first) for first, after in self._shared.lost() if first < self.done)
        return StreamFacts(self.done, self._told.clock_hz, self._told.flags, tuple(lost))

    def carry(self, child: Child, stop: Stop) -> None:
        """Feed and drain until all is there or `stop` says yes.

        Raises
        ------
        DeviceError
            The stream could not be opened, or says nothing any more.
        GoneError
            The child is gone.
        """
        passed, idle_s, before = 0, 0.0, time.monotonic()
        while self.done < self._total and not stop():
            moved = self.drain() + self.feed()
            self._told = child.receive(0.0 if moved > self._shared.length // 8 else ROUND_S) or self._told
            now, seen = time.monotonic(), self._shared.count(PASSED)
            # A round counts for a quarter of a second at most: this process itself may have been stopped or kept waiting.
            idle_s = 0.0 if seen != passed else idle_s + min(now - before, LOST_S / 4)
            passed, before = seen, now
            if passed == 0 and idle_s > OPEN_S:
                raise DeviceError(
                    f"The interface has delivered nothing for {OPEN_S:.0f} s; unplug it or restart the sound server, and try again."
                )
            if passed and idle_s > LOST_S:
                raise DeviceError(f"nothing has come from it for {idle_s:.0f} s.")

    def end(self, child: Child) -> None:
        """Have the stream end, and hear the last that it knows.

        Raises
        ------
        DeviceError
            The stream failed at the last moment.
        GoneError
            The child is gone.
        """
        child.send("end")
        while not self._told.final and (told := child.receive(END_S)):
            self._told = told

    def feed(self) -> int:
        """Read a piece of what is to be played into its ring; how many samples that was."""
        shared, passed = self._shared, self._shared.count(PASSED)
        start = max(shared.count(FED), passed)  # what should have been played by now never will be
        stop = min(start + round(FEED_S * shared.sample_rate), passed + shared.length, self._total)
        if start < stop:
            put(shared.output, start, self._sent.read(start, stop))
            shared.counts[FED] = stop  # seconds before the stream comes to it, in whatever order a processor shows the two
        return max(stop - start, 0)

    def drain(self, everything: bool = False) -> int:
        """Hand over what has come back; how many samples that was.

        A sample is taken a round after its count was seen, for a processor may show the count first. When the stream is over,
        `everything` is there.
        """
        before, passed = self.done, self._shared.count(PASSED)
        until, self._seen = passed if everything else self._seen, passed
        for block in self._shared.returned(self.done, until):
            self.done += len(block)
            self._sink(block)
            self._shared.counts[READ] = self.done
        return self.done - before


@contextmanager
def _interrupts_asked() -> Iterator[Callable[[], int]]:
    """Make Ctrl-C and SIGTERM a question that is asked instead of an exception that comes anywhere; the second is one again.

    The question is which signal came, 0 for none.
    """
    if threading.current_thread() is not threading.main_thread():
        yield int
        return
    # What is not callable is a signal that whoever started this program has told it to ignore, or one that kills.
    usual = {number: was for number in ASKING if callable(was := signal.getsignal(number))}
    came: list[int] = []

    def restore() -> None:
        for number, was in usual.items():
            signal.signal(number, was)

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        restore()

    for number in usual:
        signal.signal(number, note)
    try:
        yield lambda: came[0] if came else 0
    finally:
        restore()
