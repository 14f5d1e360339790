"""The stream, in a process of its own: a callback that copies, counts and stamps, and a main thread that waits for the parent."""

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

import numpy as np

from capture import portaudio
from capture.child import tell
from capture.interfaces import Duplex
from capture.shared import FED, GAPS, MOST_GAPS, PASSED, READ, Shared, put, take
from signals.errors import DeviceError

LOOK_S = 0.25
TELL_S = 1.0
"""So long ago at most was told what is known of a stream that dies."""

ROOM_S = 1.0
"""Once the input ring was full, so much must be free before recording goes on: one gap rather than many."""

AHEAD_S = 1.0
"""A stream that is so far ahead of the computer's clock runs free, as fast as it can."""
LONGEST_WAIT_S = 5.0
"""JACK gives a client 10 s while it runs free."""

CLOCK_S = 0.5
LEAST_CLOCK_S = 2.0
LARGEST_CLOCK_ERROR = 0.01
FLAG_POSITIONS = 8


@dataclass(frozen=True)
class Order:
    """What the stream shall do.

    Attributes
    ----------
    duplex : Duplex
        What to open.
    outputs, inputs : tuple of int
        Channels of the interface, from 0, to play to and to record.
    total : int
        Samples to play and record.
    """

    duplex: Duplex
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]
    total: int


@dataclass(frozen=True)
class Told:
    """What the child knows of its stream: faults with their positions, the sample rate by the computer's clock, if that is all."""

    flags: tuple[str, ...] = ()
    clock_hz: float | None = None
    final: bool = False


class Callback:
    """What PortAudio calls for every block.

    It never waits for the parent, with one exception: a server that runs free has no time of its own that could be lost, so
    there a full ring (or an empty one, of what is to be played) makes it wait. In real time the block is dropped and its place
    kept, whether it could not be taken in or what should be played was not there: neither is a recording of the stimulus.
    """

    def __init__(self, shared: Shared, order: Order) -> None:
        self.error: Exception | None = None
        self.ending = False
        self.readings: list[tuple[float, int]] = []
        """Computer's time in s and samples passed then: the least late block of every half second."""
        self._flags: dict[str, list[int]] = defaultdict(list)
        self._raised: dict[str, int] = defaultdict(int)
        self._shared, self._total = shared, order.total
        self._outputs, self._inputs = _columns(order.outputs), _columns(order.inputs)
        self._passed = 0
        self._dropping = False
        self._began_s: float | None = None
        self._window_end = 0
        self._least_late_s = np.inf

    def __call__(self, indata: np.ndarray, outdata: np.ndarray, frames: int, raised: str) -> None:
        """Play and record one block."""
        try:
            outdata.fill(0.0)
            start, stop = self._passed, min(self._passed + frames, self._total)
            if start >= stop:
                return
            self._stamp(time.monotonic())
            if raised and start:  # what is said of the first block is the start itself
                self._note(raised)
            if self._ready(stop) or self._waited(stop):
                outdata[: stop - start, self._outputs] = take(self._shared.output, start, stop)
                put(self._shared.input, start, indata[: stop - start, self._inputs])
                self._dropping = False
            elif self.ending:
                return  # nobody wants it any more
            else:
                self._drop(start, stop)
            self._passed = self._shared.counts[PASSED] = stop
        except Exception as error:
            self.error = error
            raise

    def _ready(self, stop: int) -> bool:
        """Whether there is something to play and room for what comes back."""
        shared = self._shared
        spare = min(ROOM_S * shared.sample_rate, shared.length / 2) if self._dropping else 0
        return shared.count(FED) >= stop and stop - shared.count(READ) <= shared.length - spare

    def _waited(self, stop: int) -> bool:
        """Wait for the parent, if the stream runs free; whether it was worth it."""
        assert self._began_s is not None
        began = time.monotonic()
        if self._passed / self._shared.sample_rate - (began - self._began_s) < AHEAD_S:
            return False
        while not (ready := self._ready(stop)) and not self.ending and time.monotonic() - began < LONGEST_WAIT_S:
            time.sleep(0.002)
        self._began_s += time.monotonic() - began
        return ready

    def _drop(self, start: int, stop: int) -> None:
        number = self._shared.count(GAPS)
        if not self._dropping:
            if number == MOST_GAPS:
                raise DeviceError(f"Samples were lost {MOST_GAPS} times; choose a folder on a faster disk.")
            number += 1
            self._shared.gaps[number - 1, 0] = start
        self._shared.gaps[number - 1, 1] = stop
        self._shared.counts[GAPS] = number
        self._dropping = True

    def _note(self, raised: str) -> None:
        for flag in raised.split(", "):
            self._raised[flag] += 1
            if self._raised[flag] <= FLAG_POSITIONS:
                self._flags[flag].append(self._passed)

    def _stamp(self, now: float) -> None:
        if self._began_s is None:
            self._began_s = now
        late_s = now - self._passed / self._shared.sample_rate
        if self._passed >= self._window_end:
            self._window_end = self._passed + round(CLOCK_S * self._shared.sample_rate)
            self.readings.append((now, self._passed))
            self._least_late_s = late_s
        elif late_s < self._least_late_s:
            self.readings[-1] = (now, self._passed)
            self._least_late_s = late_s

    def flags(self) -> tuple[str, ...]:
        """The faults that PortAudio reported, the first of each kind with their positions."""
        flags, raised = dict(self._flags), dict(self._raised)  # the callback goes on
        told = [f"{flag} at {position}" for flag, positions in flags.items() for position in tuple(positions)]
        more = {flag: number - FLAG_POSITIONS for flag, number in raised.items() if number > FLAG_POSITIONS}
        return (*told, *(f"{flag} {number} more times" for flag, number in more.items()))


def clock_hz(readings: Sequence[tuple[float, int]], sample_rate: int) -> float | None:
    """Sample rate by the computer's clock, as the slope of samples over time.

    Parameters
    ----------
    readings : sequence of (float, int)
        Time in s and samples passed then.
    sample_rate : int
        Sample rate in Hz as it was asked for.

    Returns
    -------
    float or None
        In Hz; None when the stream was too short to tell, or did not run in real time.
    """
    if not readings or readings[-1][1] - readings[0][1] < LEAST_CLOCK_S * sample_rate:
        return None
    time_s, passed = np.array(readings, dtype=np.float64).T
    time_s -= time_s.mean()
    found = float(time_s @ (passed - passed.mean()) / (time_s @ time_s))
    return found if abs(found / sample_rate - 1.0) < LARGEST_CLOCK_ERROR else None


def run(pipe: Connection, shared: Shared, order: Order) -> None:
    """Play and record until the parent says ``end``; tell it every second, and in the end, what is known."""
    callback = Callback(shared, order)
    outputs, inputs = max(order.outputs) + 1, max(order.inputs) + 1
    stream = portaudio.start_stream(order.duplex, shared.sample_rate, outputs, inputs, callback)

    def known(final: bool) -> Told:
        return Told(callback.flags(), clock_hz(tuple(callback.readings), shared.sample_rate), final)

    told_s = time.monotonic()
    while not pipe.poll(LOOK_S):
        if callback.error is not None:
            raise callback.error
        if time.monotonic() - told_s > TELL_S:
            told_s = time.monotonic()
            tell(pipe, known(final=False))
    callback.ending = True
    tell(pipe, known(final=True))
    portaudio.end_stream(stream)


def _columns(channels: Sequence[int]) -> slice | list[int]:
    """Neighbouring channels as a slice, which is copied faster."""
    first, after = channels[0], channels[0] + len(channels)
    return slice(first, after) if tuple(channels) == tuple(range(first, after)) else list(channels)
