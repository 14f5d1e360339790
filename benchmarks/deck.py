"""How fast the whole virtual deck is with four tracks, how much memory it takes, and whether both stay so as the tape grows longer.

Run it as ``PYTHONPATH=. python benchmarks/deck.py [PRESET...]``; it takes some minutes for each preset, by default `fresh`
and `hysteresis`, the one law and the other. Each length is recorded and played in a process of its own, for its memory. These
machines are noisy, so it prints and asserts nothing.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from modeling.deck.deck import VirtualDeck, transfer
from modeling.deck.parameters import load_parameters
from signals.music import compose

RATE = 48_000
REFERENCE_DBFS = -18.0
BLOCK = 8192
MINUTES = (5, 15)
PRESETS = ("fresh", "hysteresis")


def blocks(piece: np.ndarray, minutes: int) -> Iterator[np.ndarray]:
    """Music on four tracks, no two of them in step, over and over."""
    offset = piece.size // 4 * np.arange(4)
    for start in range(0, 60 * minutes * RATE, BLOCK):
        yield piece[(np.arange(start, start + BLOCK)[:, None] + offset) % piece.size]


def run(preset: str, minutes: int) -> None:
    """Record and play so many minutes; print times, and the cost of a minute of sound."""
    transfer(load_parameters(preset), np.zeros((RATE, 1)), RATE, REFERENCE_DBFS, 0)  # compiles
    deck = VirtualDeck(load_parameters(preset), RATE, REFERENCE_DBFS, 1)
    piece, seconds = compose(1, 60.0, RATE, "band"), 60.0 * minutes
    spent: list[tuple[float, float]] = []
    for work in ("record", "play"):
        began, used = time.perf_counter(), time.process_time()
        if work == "record":
            deck.arm([1, 2, 3, 4])
        else:
            deck.play(1)
        for block in blocks(piece, minutes):
            deck.process(block)
        deck.stop()
        spent.append((time.perf_counter() - began, time.process_time() - used))
    deck.close()
    (record_s, record_cpu_s), (play_s, play_cpu_s) = spent
    spent.append((record_s + play_s, record_cpu_s + play_cpu_s))
    for what, (wall_s, cpu_s) in zip(("record", "play", "together"), spent, strict=True):
        print(
            f"{what:10s} {wall_s:8.1f} s {seconds / wall_s:7.1f} x real time, {seconds / cpu_s:7.1f} x by CPU time;"
            f" {1000.0 * cpu_s / seconds:6.1f} ms of CPU a second of sound"
        )
    print(f"peak memory {peak_memory_mb():.0f} MB", flush=True)


def peak_memory_mb() -> float:
    """Largest resident memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e3


def main() -> None:
    if len(sys.argv) > 2 and sys.argv[2].isdigit():
        run(sys.argv[1], int(sys.argv[2]))
        return
    for preset in sys.argv[1:] or PRESETS:
        for minutes in MINUTES:
            print(f"--- {preset}, four tracks, {minutes} minutes at {RATE} Hz", flush=True)
            subprocess.run([sys.executable, __file__, preset, str(minutes)], check=True)


if __name__ == "__main__":
    main()
