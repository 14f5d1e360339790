"""How fast a session of four tracks is measured, how much memory that takes, and whether both stay so as it grows longer.

Run it as ``python benchmarks/measuring.py``; it takes some minutes, most of them to make the recordings. Each length is measured in
a process of its own, for its memory. These machines are noisy, so it prints and asserts nothing. Ratios are seconds of session, all
tracks at once, to one second of measuring; those of CPU time are what one core would reach.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
import soundfile

from analysis.alignment import join_take
from analysis.bench import measure_take
from analysis.dewarp import interpolate
from analysis.take import Take
from sessions.audio import open_audio
from signals.cues import CueSheet
from signals.music import compose
from signals.stimulus import StimulusAudio, plan

T = TypeVar("T")

RATE = 48_000
MINUTES = (5, 15)
BESIDE_MUSIC_S = 195.0  # length of the stimulus without its music
LINES = ((0.7, 5e-4), (2.8, 3e-4), (6.1, 2e-4), (9.3, 1e-4))  # of flutter, Hz and peak
BLOCK = 10 * RATE
INPUTS = {True: {0: 0, 1: 1, 2: 2, 3: 3}, False: {0: 0, 1: 1, 2: 2}}


def make(folder: Path, minutes: int) -> None:
    """Write a stimulus for tracks 1 to 3 with a pilot on 4, and what a tape makes of it: late, 0.2 % fast, flutter and hiss."""
    piece = compose(1, 60.0, RATE, "band")
    samples = round((60.0 * minutes - BESIDE_MUSIC_S) * RATE)
    music = {"band": np.tile(piece, samples // piece.size + 1)[:samples]}
    sheet = plan(session="benchmark", sample_rate=RATE, tracks=[1, 2, 3], pilot_track=4, music=music)
    (folder / "sheet.json").write_text(sheet.model_dump_json())
    sent = StimulusAudio(sheet, music)
    rng = np.random.default_rng(0)
    with (
        soundfile.SoundFile(folder / "sent.wav", "w", RATE, 4, "PCM_24") as stimulus,
        soundfile.SoundFile(folder / "returned.wav", "w", RATE, 4, "PCM_24") as recording,
    ):
        for start in range(0, sheet.samples + RATE, BLOCK):
            if start < sheet.samples:
                stimulus.write(sent.read(start, min(start + BLOCK, sheet.samples)))
            at = np.arange(start, start + BLOCK) / RATE
            at = 1.002 * at - 0.4 + sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * at) for f, p in LINES)
            low, high = int(at[0] * RATE) - 40, int(at[-1] * RATE) + 40
            heard = interpolate(sent.read(low, high), at * RATE - low)
            recording.write(heard + 2e-4 * rng.standard_normal(heard.shape))


def measure(folder: Path, pilot: bool) -> None:
    """Measure one session and print what it took."""
    sheet = CueSheet.model_validate_json((folder / "sheet.json").read_text())
    seconds = sheet.samples / sheet.sample_rate
    sent, returned = open_audio(folder / "sent.wav"), open_audio(folder / "returned.wav")
    # The first time the kernels are compiled, or read from where they were kept.
    beginning = {0: 0, 3: 3} if pilot else {0: 0}
    join_take(sent, returned, sheet, beginning) if seconds < 400.0 else None
    began, used = time.perf_counter(), time.process_time()
    alignments, _ = timed(f"time base of {seconds:.0f} s", seconds, lambda: join_take(sent, returned, sheet, INPUTS[pilot]))
    for alignment in alignments:
        take = Take(returned, sheet, alignment, {"track": alignment.channel + 1, "pass": 1})
        timed(f"bench, track {alignment.channel + 1}", seconds, lambda take=take: measure_take(take))
    report("all of it", seconds, time.perf_counter() - began, time.process_time() - used)
    print(f"{'peak memory':46s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:8.2f} GB", flush=True)


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
        measure(Path(sys.argv[1]), sys.argv[2] == "pilot")
        return
    with TemporaryDirectory() as place:
        for minutes in MINUTES:
            folder = Path(place) / str(minutes)
            folder.mkdir()
            make(folder, minutes)
            for pilot in ("pilot", "no pilot"):
                print(f"--- {minutes} minutes, tracks 1 to 3, {pilot}", flush=True)
                subprocess.run([sys.executable, __file__, str(folder), pilot], check=True)


if __name__ == "__main__":
    main()
