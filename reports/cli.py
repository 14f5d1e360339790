"""The command that proves the measuring: ``tape selftest``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.cli import Json
from signals.errors import SessionError, UsageError

if TYPE_CHECKING:
    from reports.selftest.cases import Case
    from reports.selftest.running import Outcome
    from reports.selftest.verdict import Verdict

app = typer.Typer()
INTERRUPTED = 130


@app.command()
def selftest(
    decks: Annotated[int, typer.Option(min=1, max=1000, help="How many decks to draw.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first deck; the next ones follow.")] = 1,
    only: Annotated[str | None, typer.Option(metavar="QUANTITY", help="Show and judge one quantity, such as thd.")] = None,
    full: Annotated[bool, typer.Option("--full", help="The whole stimulus instead of the quick one.")] = False,
    dbx: Annotated[bool, typer.Option("--dbx/--no-dbx", help="Measure the compander of every fourth deck too.")] = True,
    passes: Annotated[int, typer.Option(min=1, max=9, help="Play passes of each deck.")] = 1,
    processes: Annotated[
        int | None, typer.Option(min=1, max=16, help="Decks at a time; by default 2 where there are two cores.")
    ] = None,
    write: Annotated[Path | None, typer.Option(metavar="FILE.md", help="Write the table for the documentation.")] = None,
    as_json: Json = False,
) -> None:
    """Draw virtual decks at random, measure them, and print the errors against their truth.

    Exit status 1 means that a quantity missed its goal, or that a stated uncertainty is not honest.

    Example: tape selftest

    Example: tape selftest --seed 7 --decks 1 --only thd
    """
    from capture import terminal
    from reports.selftest import table
    from reports.selftest.cases import cases
    from reports.selftest.page import markdown
    from reports.selftest.verdict import judge
    from reports.selftest.workers import run, workers

    if write is not None and not write.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {write.absolute().parent} to write {write.name} to; make it, or name another")
    wanted = cases(seed, decks, quick=not full, passes=passes, dbx=dbx)
    command = table.command_of(seed, decks, quick=not full, passes=passes, dbx=dbx)
    outcomes: list[Outcome] = []
    failed: list[tuple[Case, str]] = []
    interrupted = False
    with terminal.reporting(quiet=as_json) as reporter:
        try:
            run(
                wanted,
                processes or workers(),
                outcomes.append,
                lambda case, why: failed.append((case, why)),
                lambda what, part, left: reporter.fraction(f"measuring decks: {what}", part, left),
            )
        except KeyboardInterrupt:
            interrupted = True
    outcomes.sort(key=lambda o: wanted.index(o.case))
    if interrupted and not outcomes:
        raise KeyboardInterrupt
    verdict = judge(outcomes, failed, only)
    if only is not None and not verdict.lines:
        raise UsageError(f"nothing was measured of '{only}', or no truth is known of it; tape selftest names what there is")
    if as_json:
        terminal.say_json(table.as_json(verdict, outcomes, failed, len(wanted)))
    else:
        _say(verdict, command)
    if write is not None and not interrupted:
        _write(write, markdown(verdict, outcomes, command))
    if interrupted:
        raise typer.Exit(INTERRUPTED)
    if verdict.failures:
        raise typer.Exit(1)


def _say(verdict: "Verdict", command: str) -> None:
    from capture import terminal
    from reports.selftest import table

    printed = terminal.plain_table(*table.HEADINGS)
    for line in verdict.lines:
        printed.add_row(*table.cells(line))
    terminal.say_table(printed)
    if verdict.untold:
        terminal.say(f"measured, but of no known truth: {', '.join(verdict.untold)}")
    for text in verdict.failures:
        terminal.say(f"not right: {text}")
    terminal.say(f"again: {command}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SessionError(f"cannot write {path}: {error.strerror}; name another file") from error
