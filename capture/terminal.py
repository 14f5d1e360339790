"""What is said in the terminal: progress on standard error, results on standard output.

On a terminal progress is a live bar with the time left; in a log it is a line whenever a step begins, and every ten seconds. What
stands before a colon names a step that has parts.
"""

import json
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

LOG_EVERY_S = 10.0


class Reporter:
    """Tells how far a piece of work has come."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar = bar
        self._task = task
        self._started = self._told = time.monotonic()
        self._what = ""

    def step(self, what: str) -> None:
        """Begin a step of unknown length."""
        self.fraction(what, None)

    def fraction(self, what: str, part: float | None, remaining_s: float | None = None) -> None:
        """Say what is being done and which part of it, 0 to 1, has been done."""
        self._bar.update(self._task, description=what, total=None if part is None else 1.0, completed=part or 0.0)
        now = time.monotonic()
        going_on = what == self._what or (part is not None and what.partition(":")[0] == self._what.partition(":")[0])
        if self._bar.console.is_terminal or (going_on and now - self._told < LOG_EVERY_S):
            return
        share = "" if part is None else f", {100.0 * part:.0f} %"
        left = "" if remaining_s is None else f", {remaining_s:.0f} s left"
        self._bar.console.print(f"{now - self._started:6.1f} s  {what}{share}{left}", highlight=False, markup=False)
        self._what, self._told = what, now


@contextmanager
def reporting(quiet: bool = False) -> Iterator[Reporter]:
    """Progress for as long as the context lasts."""
    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task("", total=None)
    if not console.is_terminal:
        yield Reporter(bar, task)
        return
    with bar:
        yield Reporter(bar, task)


def say(text: str) -> None:
    """Print a line for the user."""
    Console(soft_wrap=True).print(text, highlight=False, markup=False)


def say_json(value: Mapping[str, Any]) -> None:
    """Print a result for a program."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")
