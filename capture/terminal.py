"""What is said in the terminal: progress on standard error, results on standard output.

On a terminal progress is a live bar with the time left; in a log it is a line whenever a step begins, and every ten seconds. What
stands before a colon names a step that has parts.
"""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Self

from rich.console import Console
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from signals.errors import UsageError

LOG_EVERY_S = 10.0
MOST_COLUMNS = 200


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

    def warn(self, line: str) -> None:
        """Say what ought to be known before the work goes on."""
        self._bar.console.print(f"note: {line}", highlight=False, markup=False, soft_wrap=True)

    def result(self, line: str) -> None:
        """Print a result on standard output while the work goes on."""
        if self._bar.console.quiet:
            return
        drawn = self._bar.live.is_started
        if drawn:
            self._bar.stop()
        say(line)
        if drawn:
            self._bar.start()

    def fraction(self, what: str, part: float | None, remaining_s: float | None = None) -> None:
        """Say what is being done and which part of it, 0 to 1, has been done."""
        if self._bar.finished:
            self._bar.reset(self._task)  # its clock has stopped, and another step begins
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


def plain_table(*headings: str) -> Table:
    """A table without lines, for :func:`say_table`."""
    return Table(*headings, box=None, padding=(0, 2, 0, 0), header_style="bold")


def say_table(table: Table) -> None:
    """Print a table; where nobody looks at a terminal, as wide as it needs."""
    console = Console()
    if not console.is_terminal:
        console.width = MOST_COLUMNS
    console.print(table)


def say_json(value: Mapping[str, Any]) -> None:
    """Print a result for a program."""
    sys.stdout.write(json.dumps(value, indent=1) + "\n")


class Conversation:
    """Progress and questions that take turns: no bar is drawn while someone is asked. All of it goes to standard error.

    Parameters
    ----------
    asking : bool
        Whether somebody is there to answer.
    quiet : bool
        Say nothing but questions.
    """

    def __init__(self, *, asking: bool, quiet: bool = False) -> None:
        self.asking = asking
        self.console = Console(stderr=True)
        self._quiet = quiet
        self._bar = ExitStack()
        self._reporter: Reporter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.pause()

    def pause(self) -> None:
        """Take the bar away."""
        self._bar.close()
        self._reporter = None

    def progress(self, what: str, part: float | None = None) -> None:
        """Show what is being done and which part of it, 0 to 1, has been done."""
        if self._reporter is None:
            self._reporter = self._bar.enter_context(reporting(quiet=self._quiet))
        self._reporter.fraction(what, part)

    def say(self, text: str, style: str = "", indent: int = 0) -> None:
        """A line of words."""
        if not self._quiet:
            self.pause()
            self.console.print(Padding(Text(text, style), (0, 0, 0, indent)))

    def step(self, title: str, lines: Iterable[str] = (), question: str = "Press Enter when it is so.") -> None:
        """Something to do by hand: what, how, and wait until it has been done; nothing where nobody is there to do it."""
        if not self.asking:
            return
        self.pause()
        self.console.print()
        self.console.print(title, style="bold", highlight=False, markup=False)
        listed = Table.grid(padding=(0, 1))
        for line in lines:
            listed.add_row(" •", Text(line))
        self.console.print(listed)
        self.answer(question)

    def choose(self, question: str, choices: Mapping[str, str], default: str) -> str:
        """One of several answers, each by its first letter; Enter alone takes the default."""
        words = ", ".join(f"{key} {word}" for key, word in choices.items())
        while True:
            said = self.answer(f"{question} [{words}; Enter: {choices[default]}]").strip().lower()
            for key, word in choices.items():
                if said and (said == key or word.startswith(said)):
                    return key
            if not said:
                return default

    def answer(self, question: str) -> str:
        """What is typed after a question.

        Raises
        ------
        UsageError
            Standard input has come to its end.
        """
        self.pause()
        _forget_typed()
        self.console.print(question, end=" ", style="cyan", highlight=False, markup=False)
        try:
            return input()
        except KeyboardInterrupt:
            self.console.print()
            raise
        except EOFError as error:
            self.console.print()
            if sys.stdin.isatty():  # Ctrl-D: whoever types it wants to leave
                raise KeyboardInterrupt from error
            raise UsageError(
                "nothing can be typed here; run this in a terminal, or add --yes to be asked nothing"
            ) from error


def _forget_typed() -> None:
    """Throw away what was typed before a question: an Enter too many must not accept a pass that nobody has looked at."""
    try:
        import termios
    except ImportError:  # Windows
        import msvcrt

        while msvcrt.kbhit():  # type: ignore[attr-defined]
            msvcrt.getwch()  # type: ignore[attr-defined]
        return
    if sys.stdin.isatty():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)
