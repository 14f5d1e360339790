"""How fast each stage of the chain is: seconds of one channel's sound handled per second, and ratios to a peer in the same run.

Run it as ``python benchmarks/chain.py``; it takes about two minutes. These machines are noisy, so it prints and asserts nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np
from scipy.signal import correlate, resample_poly

from analysis.bench import measure_take
from analysis.dewarp import interpolate
from analysis.locate import take_on_channel
from analysis.take import Take
from capture.planning import Wish, plan_session
from capture.recordings import Plan
from capture.virtual.session import capture_virtual
from modeling.aligned import AlignedTake, aligned_takes
from modeling.cores import DEFAULT
from modeling.dataset import from_session
from modeling.render import render
from modeling.training import train
from signals import markers

T = TypeVar("T")


@dataclass
class Clock:
    """Times a stage and prints it."""

    sound_s: float

    def __call__(self, what: str, work: Callable[[], T], sound_s: float | None = None) -> T:
        """Do some work; `sound_s` is how much sound it handles, where that is not the usual length."""
        began = time.perf_counter()
        result = work()
        spent = time.perf_counter() - began
        print(f"{what:58s} {spent:7.2f} s {(sound_s or self.sound_s) / spent:8.1f} x real time")
        return result


def ratio(what: str, ours: Callable[[], object], peer: Callable[[], object]) -> None:
    """Print how long ours takes against a peer, the best of three each."""
    spent = [min(_seconds(work) for _ in range(3)) for work in (ours, peer)]
    print(f"{what:58s} {spent[0] / spent[1]:7.2f} times the peer's time")


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    with TemporaryDirectory() as folder:
        began = time.perf_counter()
        session = plan_session(Path(folder) / "session", Wish(pilot_track=4, quick=True))
        sheet, _ = session.stimulus()
        clock = Clock(sheet.samples / sheet.sample_rate)
        print(
            f"stimulus of {clock.sound_s:.0f} s, two tracks, four returned; composed in {time.perf_counter() - began:.1f} s"
        )
        clock(
            "virtual deck: record pass and one play pass, checked",
            lambda: capture_virtual(session, "virtual", Plan.of(1)),
        )
        (item,) = clock("time base from the pilot and the programme", lambda: list(aligned_takes(session)))
        assert isinstance(item, AlignedTake)
        conditions = {"track": 1, "pass": 1}
        clock("bench", lambda: measure_take(Take(item.returned, item.sheet, item.alignments[0], conditions)))
        dataset = from_session(session, known={item.record.id: item.alignments})
        outcome = clock("training, default core", lambda: train(dataset, Path(folder) / "models", DEFAULT))
        music = np.random.default_rng(0).standard_normal((10 * sheet.sample_rate, 1)) * 0.05
        clock("render with wow and hiss", lambda: render(outcome.model, music, sheet.sample_rate), 10.0)

        signal = item.returned.read(0, 20 * sheet.sample_rate)[:, 0]
        positions = np.arange(signal.size) * 1.0003
        ratio(
            "dewarping (64-tap sinc) against polyphase resampling",
            lambda: interpolate(signal, positions),
            lambda: resample_poly(signal, 160, 147),
        )
        chirp = markers.RISING.waveform(sheet.sample_rate)
        whole = item.returned.read(0, item.returned.samples)[:, 0]
        ratio(
            "markers, code and end found, against one plain correlation",
            lambda: take_on_channel(item.returned, sheet, 0),
            lambda: correlate(whole, chirp, mode="valid", method="fft"),
        )


if __name__ == "__main__":
    main()
