"""How fast a session of four tracks is measured, how much memory that takes, and whether both stay so as it grows longer.

Run it as ``python benchmarks/measuring.py``; it takes some minutes, most of them to make the recordings. Each is measured as
``tape measure`` does, in a process of its own, for its memory; kernels that were never compiled are compiled in the first. These
machines are noisy, so it prints and asserts nothing. Ratios are seconds of session, all tracks at once, to one second of measuring;
those of CPU time are what one core would reach.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from analysis.dewarp import interpolate
from modeling.aligned import aligned_takes
from reports.measuring import measure_session
from sessions.store import Session
from signals.music import compose
from signals.stimulus import StimulusAudio, plan

T = TypeVar("T")

RATE = 48_000
MINUTES = (5, 15)
BESIDE_MUSIC_S = 195.0  # length of the stimulus without its music
LINES = ((0.7, 5e-4), (2.8, 3e-4), (6.1, 2e-4), (9.3, 1e-4))  # of flutter, Hz and peak
BLOCK = 10 * RATE
INPUTS = {"pilot": {0: 1, 1: 2, 2: 3, 3: 4}, "no pilot": {0: 1, 1: 2, 2: 3}}  # channel of the recording to track


def make(folder: Path, minutes: int) -> None:
    """Sessions of tracks 1 to 3 with a pilot on 4, heard or not, and what a tape makes of them: late, fast, flutter and hiss."""
    piece = compose(1, 60.0, RATE, "band")
    samples = round((60.0 * minutes - BESIDE_MUSIC_S) * RATE)
    music = {"band": np.tile(piece, samples // piece.size + 1)[:samples]}
    sheet = plan(session="benchmark", sample_rate=RATE, tracks=[1, 2, 3], pilot_track=4, music=music)
    sent = StimulusAudio(sheet, music)
    rng = np.random.default_rng(0)
    with ExitStack() as stack:
        takes = []
        for kind, inputs in INPUTS.items():
            session = Session.create(
                folder / kind, deck="d", speed_cm_s=9.5, reference_dbfs=sheet.reference_dbfs, session_id="benchmark"
            )
            session.add_stimulus(sheet, sent)
            take = session.begin_take(
                "play-1", stimulus="main", role="play", number=1, conditions={}, sample_rate=RATE, channels=4, inputs=inputs
            )
            takes.append(stack.enter_context(take))
        for start in range(0, sheet.samples + RATE, BLOCK):
            at = np.arange(start, start + BLOCK) / RATE
            at = 1.002 * at - 0.4 + sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * at) for f, p in LINES)
            low, high = int(at[0] * RATE) - 40, int(at[-1] * RATE) + 40
            heard = interpolate(sent.read(low, high), at * RATE - low)
            heard += 2e-4 * rng.standard_normal(heard.shape)
            for take in takes:
                take.write(heard)
        for take in takes:
            take.finish()


def measure(folder: Path) -> None:
    """Measure one session as ``tape measure`` does, and print what it took."""
    session = Session.open(folder)
    sheet = session.sheet()
    seconds = sheet.samples / sheet.sample_rate
    began, used = time.perf_counter(), time.process_time()
    items = timed(f"time base of {seconds:.0f} s", seconds, lambda: list(aligned_takes(session)))
    timed("bench, all tracks", seconds, lambda: measure_session(session, aligned=items))
    report("all of it", seconds, time.perf_counter() - began, time.process_time() - used)
    print(f"{'peak memory':46s} {peak_memory_gb():8.2f} GB", flush=True)


def peak_memory_gb() -> float:
    """Largest resident memory of this process; getrusage would count the parent's at the moment of the start with it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1e6


def timed(what: str, seconds: float, work: Callable[[], T]) -> T:
    """Do some work and print what it took."""
    began, used = time.perf_counter(), time.process_time()
    done = work()
    report(what, seconds, time.perf_counter() - began, time.process_time() - used)
    return done


def report(what: str, seconds: float, wall_s: float, cpu_s: float) -> None:
    print(
        f"{what:46s} {wall_s:8.2f} s {seconds / wall_s:8.1f} x real time, {seconds / cpu_s:8.1f} x by CPU time", flush=True
    )


def main() -> None:
    if len(sys.argv) > 1:
        measure(Path(sys.argv[1]))
        return
    with TemporaryDirectory() as place:
        for minutes in MINUTES:
            folder = Path(place) / str(minutes)
            folder.mkdir()
            make(folder, minutes)
            for kind in INPUTS:
                print(f"--- {minutes} minutes, tracks 1 to 3, {kind}", flush=True)
                subprocess.run([sys.executable, __file__, str(folder / kind)], check=True)


if __name__ == "__main__":
    main()
