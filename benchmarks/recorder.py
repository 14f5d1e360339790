"""What recording four channels at 96 kHz costs: processor time of both processes, and how much memory grows in ten minutes.

Run it as ``PYTHONPATH=. python benchmarks/recorder.py``; it takes about two minutes and needs jackd and /proc (Linux). The
interface is a JACK server without a sound card and a deck on it, whose own work is not counted. It prints and asserts nothing.
"""

import os
import time
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from capture.recorder import PortAudioDevice
from sessions.audio import open_audio
from sessions.wave import WaveWriter, write_wave
from signals.audio import ArrayAudio, AudioReader
from tests.capture.jack_server import DECK, JackServer

RATE = 96_000
CHANNELS = 4
REAL_TIME_S = 40.0
SETTLED_S = 10.0
"""By then both processes have gone once round the memory they share."""
LONG_S = 600.0
CPU_LIMIT_PERCENT = 10.0
MEMORY_LIMIT_MB = 20.0
_TICKS = os.sysconf("SC_CLK_TCK")


class Meter:
    """A sink that writes what it is given, and reads what both processes have used so far after every second of sound."""

    def __init__(self, writer: WaveWriter) -> None:
        self.readings: list[tuple[float, float, float, float, float]] = []
        """Time in s, processor time of stream and program in s, memory of both in MB."""
        self._writer = writer
        self._next = SETTLED_S * RATE

    def __call__(self, block: np.ndarray) -> None:
        """Write a block."""
        self._writer.write(block)
        if self._writer.samples >= self._next:
            self._next += RATE
            (child,) = active_children()
            stream, program = child.pid or 0, os.getpid()
            now = time.monotonic()
            self.readings.append((now, cpu_s(stream), cpu_s(program), memory_mb(stream), memory_mb(program)))


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mb(pid: int) -> float:
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def record(folder: Path, sent: AudioReader) -> tuple[np.ndarray, np.ndarray]:
    """First and last reading of a pass."""
    writer = WaveWriter(folder / "returned.wav", RATE, CHANNELS, "float32", sent.samples)
    meter = Meter(writer)
    facts = PortAudioDevice(DECK, RATE, range(CHANNELS), range(CHANNELS)).run(sent, meter, 0.0)
    writer.abandon()
    clock = "it ran free" if facts.clock_hz is None else f"clock {facts.clock_hz:.1f} Hz"
    print(f"{facts.samples / RATE:.0f} s recorded, {len(facts.lost)} gaps, flags {facts.flags or 'none'}, {clock}")
    return np.array(meter.readings[0]), np.array(meter.readings[-1])


class Repeated:
    """A sound, over and over, as the stimulus of a session is: read from a file."""

    def __init__(self, path: Path, seconds: float) -> None:
        self._file = open_audio(path)
        self.sample_rate, self.channels, self.samples = RATE, CHANNELS, round(seconds * RATE)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``."""
        at = start % (self._file.samples // 2)
        return self._file.read(at, at + stop - start)


def main() -> None:
    server = JackServer(RATE)
    os.environ.update(server.environment)
    try:
        deck = server.deck("unity")
        with TemporaryDirectory() as name:
            folder = Path(name)
            noise = 0.1 * np.random.default_rng(0).standard_normal((20 * RATE, CHANNELS))
            write_wave(folder / "sent.wav", ArrayAudio(noise, RATE), "pcm24")
            del noise

            first, last = record(folder, Repeated(folder / "sent.wav", REAL_TIME_S))
            stream, program = 100.0 * (last - first)[1:3] / (last - first)[0]
            print(f"processor, in % of one core: stream {stream:.1f}, program with sound file {program:.1f}")
            print(f"    together {stream + program:.1f} of at most {CPU_LIMIT_PERCENT:.0f}")

            deck.freewheel(True)
            first, last = record(folder, Repeated(folder / "sent.wav", LONG_S))
            stream, program = (last - first)[3:5]
            print(f"memory, growth in MB over {LONG_S / 60:.0f} minutes: stream {stream:.1f}, program {program:.1f}")
            print(f"    together {stream + program:.1f} of at most {MEMORY_LIMIT_MB:.0f}")
    finally:
        server.stop()


if __name__ == "__main__":
    main()
