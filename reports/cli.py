"""The commands that hold one thing against another (``tape evaluate`` a model, ``tape selftest`` the measuring), and ``export``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from capture.cli import Json, SessionPath
from signals.errors import SessionError, UsageError

if TYPE_CHECKING:
    from reports.evaluation.running import Evaluated
    from reports.selftest.cases import Case
    from reports.selftest.running import Outcome
    from reports.selftest.verdict import Verdict

app = typer.Typer()
INTERRUPTED = 130


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model.")],
    session: SessionPath,
    track: Annotated[int | None, typer.Option(help="Track of the deck; by default the one that the model learnt.")] = None,
    listening: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="New folder for the files for listening; by default MODEL/listening."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the model's motion and hiss.")] = 0,
    as_json: Json = False,
) -> None:
    """Hold a model against the deck: on held-out material, and on the bench that measured the deck.

    Writes evaluation.json, evaluation.pdf and a listening test into the folder of the model.

    Example: tape evaluate my-session/models/hammerstein my-session
    """
    from capture import terminal
    from reports.evaluation.running import evaluate_model
    from sessions.store import Session

    with terminal.reporting(quiet=as_json) as reporter:
        done = evaluate_model(model, Session.open(session), track, listening, seed, reporter.step)
    if as_json:
        terminal.say_json(
            {"report": str(done.report), "listening": str(done.listening), **done.found.model_dump(mode="json")}
        )
    else:
        _say_evaluation(done)


def _say_evaluation(done: "Evaluated") -> None:
    from capture import terminal
    from reports.evaluation.summary import goal_row
    from reports.numbers import MINUS

    found, error = done.found, done.found.held_out.evaluation
    if found.goals:
        printed = terminal.plain_table("", "asked", "largest difference", "at", "")
        for row in (goal_row(goal) for goal in found.goals if goal.asked or goal.deviations):
            cells = [row[key] for key in ("subject", "asked", "found", "where", "verdict")]
            printed.add_row(*(cell.replace(MINUS, "-") for cell in cells))
        terminal.say_table(printed)
    else:
        terminal.say(f"not on the bench: {found.no_bench}")
    floor = "" if error.floor_esr is None else f", floor {error.floor_esr:.2g}"
    filtered = "" if error.baseline_esr is None else f", plain filter {error.baseline_esr:.2g}"
    terminal.say(f"{found.model}: ESR {error.esr:.2g} on {error.seconds:.0f} s of held-out material{filtered}{floor}")
    if error.harmonic_error_db is not None:
        terminal.say(f"test tones: second and third harmonic within {error.harmonic_error_db:.1f} dB RMS")
    pace = found.held_out.pace
    terminal.say(f"the core runs {pace.whole:.0f} times real time, {pace.block_256:.1f} times in blocks of 256")
    terminal.say(f"report: {done.report}")
    terminal.say(f"listening: {done.listening}")


@app.command()
def export(
    session: SessionPath,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="New folder for input.wav, output.wav and snapshot.json.")
    ],
    track: Annotated[int | None, typer.Option(help="Track to export; by default the first with programme.")] = None,
    dbx: Annotated[str, typer.Option(help="Takes to export: dbx off, on, encode or decode.")] = "off",
    rate: Annotated[int | None, typer.Option(metavar="HZ", help="Sample rate; by default that of the session.")] = None,
    direction: Annotated[
        str,
        typer.Option(
            help="Whose time both files keep: dry, that of the sound that was sent, or tape, that of the recording."
        ),
    ] = "dry",
    floats: Annotated[bool, typer.Option("--float", help="32-bit float instead of 24 bit.")] = False,
    as_json: Json = False,
) -> None:
    """Write aligned sound files for other trainers: what was sent, and what came back without latency, wow and flutter.

    Example: tape export my-session for-nam --rate 48000
    """
    from capture import terminal
    from modeling import snapshot

    with terminal.reporting(quiet=as_json) as reporter:
        made = snapshot.export(
            session,
            folder,
            track=track,
            dbx=dbx,
            direction=direction,
            sample_rate=rate,
            encoding="float32" if floats else "pcm24",
            progress=reporter.step,
            warn=reporter.warn,
        )
    if as_json:
        terminal.say_json({"folder": str(folder), **made.model_dump(mode="json")})
        return
    for split in snapshot.SPLITS:
        parts = [segment for segment in made.segments if segment.split == split]
        seconds = sum(s.stop_samples - s.start_samples for s in parts) / made.sample_rate
        terminal.say(f"{split}: {seconds:.1f} s from sample {parts[0].start_samples} on")
    terminal.say(f"floor under the error of any model: about ESR {made.floor['esr']:.2g}")
    terminal.say(f"written: {folder}")


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
