"""Cases side by side, each in a process of its own, with what was done kept when it is interrupted."""

import gc
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

from capture.child import Child, DefectError, GoneError, tell
from reports.selftest.cases import Case
from reports.selftest.running import Outcome, measure_case
from signals.errors import TapeError

MOST_WORKERS = 2
POLL_S = 0.2
LEAST_S = 20.0  # what is said of the time left before is a guess
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")

Done = Callable[[Outcome], None]
Failed = Callable[[Case, str], None]
Progress = Callable[[str, float, float | None], None]
"""Told what is being done, which part of all is done, and how many seconds are left where that is known."""


def workers() -> int:
    """How many processes are worth while here."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(MOST_WORKERS, count))


def run(cases: Sequence[Case], processes: int, done: Done, failed: Failed, progress: Progress) -> None:
    """Measure all cases; `done` or `failed` is told of each as it ends, so that an interruption loses only what is running.

    Parameters
    ----------
    processes : int
        How many at a time; with 1 all happens in this process.
    """
    started, part = time.monotonic(), [0.0] * len(cases)

    def at(number: int, share: float) -> None:
        part[number] = share
        whole = sum(part) / len(cases)
        spent = time.monotonic() - started
        left = spent * (1.0 - whole) / whole if spent > LEAST_S and whole > 0.0 else None
        progress(f"{sum(p >= 1.0 for p in part)} of {len(cases)} done", whole, left)

    with tempfile.TemporaryDirectory(prefix="tape-selftest-") as folder:
        if processes == 1:
            _one_by_one(cases, Path(folder), done, failed, at)
        else:
            _side_by_side(cases, Path(folder), processes, done, failed, at)


def _one_by_one(cases: Sequence[Case], folder: Path, done: Done, failed: Failed, at: Callable[[int, float], None]) -> None:
    for number, case in enumerate(cases):
        own = folder / str(number)
        own.mkdir()
        try:
            done(measure_case(case, own, lambda share, n=number: at(n, share)))  # type: ignore[misc]
        except TapeError as error:
            failed(case, str(error))
        shutil.rmtree(own, ignore_errors=True)
        at(number, 1.0)


def _side_by_side(
    cases: Sequence[Case],
    folder: Path,
    processes: int,
    done: Done,
    failed: Failed,
    at: Callable[[int, float], None],
) -> None:
    waiting = list(enumerate(cases))
    running: dict[int, Child] = {}
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))  # every process would start as many threads as there are cores
    try:
        while waiting or running:
            while waiting and len(running) < processes:
                number, case = waiting.pop(0)
                own = folder / str(number)
                own.mkdir()
                running[number] = Child(_work, case, own)
            for number, child in list(running.items()):
                ended = True
                try:
                    said = child.receive(POLL_S)
                    ended = isinstance(said, (Outcome, str))
                    if isinstance(said, Outcome):
                        done(said)
                    elif isinstance(said, str):
                        failed(cases[number], said)
                    elif said is not None:
                        at(number, said)
                except GoneError:
                    failed(cases[number], "its process was ended; there may have been too little memory")
                except DefectError as error:
                    failed(cases[number], f"a defect in tape: {error}")
                if ended:
                    running.pop(number).kill()
                    shutil.rmtree(folder / str(number), ignore_errors=True)
                    at(number, 1.0)
    finally:
        for child in running.values():
            child.kill()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _work(pipe: Connection, case: Case, folder: Path) -> None:
    """In the child."""
    gc.enable()
    told = [0.0]

    def share(part: float) -> None:
        if part - told[0] > 0.01:
            told[0] = part
            tell(pipe, part)

    try:
        tell(pipe, measure_case(case, folder, share))
    except TapeError as error:
        tell(pipe, str(error))
