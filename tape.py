"""The command ``tape``: parses, checks, calls, prints.

Every command imports what it needs when it runs, so that ``tape --help`` is quick and needs neither torch nor a sound card.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from signals.errors import TapeError, UsageError

if TYPE_CHECKING:
    from capture import flow
    from capture.flow import Plan
    from modeling.cores import core as cores
    from modeling.dataset import Dataset
    from modeling.training import Outcome
    from reports.terminal import Reporter
    from sessions.manifest import TakeRecord
    from sessions.store import Session

app = typer.Typer(
    help="Capture, measure and model cassette decks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DECK = "Tascam Portastudio 424 MkII"
DEMO_PASSES = 2
INTERRUPTED = 130  # what typer makes of Ctrl-C
CANNOT_PARSE: Any = typer.BadParameter.__mro__[1]  # UsageError, of the click that typer brings

SessionPath = Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of the session.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Track = Annotated[int | None, typer.Option(help="Track to learn; by default the first with programme.")]
Levels = Annotated[str | None, typer.Option(metavar="LO:HI:STEP", help="Level ladder in dB re 0 VU, such as -30:10:2.5.")]
Tracks = Annotated[str, typer.Option(help="Tracks that get programme, such as 1,2.")]
PilotTrack = Annotated[int | None, typer.Option(help="Track that gets the pilot alone.")]
Speed = Annotated[float, typer.Option(help="Tape speed in cm/s, 9.5 or 4.8.")]
Rate = Annotated[int, typer.Option(help="Sample rate in Hz, 48000 or more.")]
Reference = Annotated[float, typer.Option(help="Level of a sine at 0 dB (0 VU) in dBFS.")]
Quick = Annotated[bool, typer.Option("--quick", help="A stimulus half as long, with fewer levels.")]
Music = Annotated[list[Path] | None, typer.Option(help="Sound file to use as programme; may be given more than once.")]
Cassette = Annotated[str, typer.Option(help="Cassette, to see whether the stimulus fits.")]


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="New folder; by default tape-demo, or tape-demo-2 and so on.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Virtual deck: fresh, worn or a TOML file.")] = "fresh",
    as_json: Json = False,
) -> None:
    """Run the whole chain on the virtual deck: capture, measure, report, train.

    Example: tape demo my-first-session
    """
    from capture.flow import Plan
    from capture.planning import Wish, free_folder, plan_session
    from capture.virtual import deck_name
    from modeling.aligned import AlignedTake, aligned_takes
    from modeling.dataset import from_session
    from reports import measuring, terminal

    device = f"virtual:{preset}"
    with terminal.reporting(quiet=as_json) as reporter:
        path = folder or free_folder(Path("tape-demo"))
        session = plan_session(path, Wish(pilot_track=4, quick=True, deck=deck_name(device)), reporter.step)
        takes = _capture(reporter, session, device, Plan(passes=DEMO_PASSES))
        aligned = list(aligned_takes(session, reporter.step))
        measurements = measuring.measure_session(session, reporter.step, aligned)
        known = {item.record.id: item.alignments for item in aligned if isinstance(item, AlignedTake)}
        outcome = _train(reporter, session, from_session(session, known=known, progress=reporter.step), "hammerstein")
        reporter.step("writing the report")
        measuring.write_all(session, measurements)
    if as_json:
        terminal.say_json({"session": str(path), "takes": [t.id for t in takes], "model": str(outcome.folder)})
        return
    terminal.print_key_figures(measurements)
    for line in outcome.lines:
        terminal.say(line)
    terminal.say(f"report: {session.path / 'report.pdf'}")
    terminal.say(f"model:  {outcome.folder}")
    terminal.say(
        f"truth:  {session.path / 'truth.json'} (what the virtual deck knows of itself; measurement never reads it)"
    )


@app.command()
def stimulus(
    session: SessionPath,
    tracks: Tracks = "1",
    pilot_track: PilotTrack = None,
    speed: Speed = 9.5,
    rate: Rate = 48_000,
    reference_dbfs: Reference = -18.0,
    levels: Levels = None,
    quick: Quick = False,
    music: Music = None,
    cassette: Cassette = "C-60",
    deck: Annotated[str, typer.Option(help="Name of the deck, for the report.")] = DECK,
    as_json: Json = False,
) -> None:
    """Plan a session and write its stimulus, to be recorded by any other program.

    Example: tape stimulus my-deck --tracks 1 --pilot-track 4
    """
    from capture.planning import Wish, plan_session, read_ladder, read_tracks
    from reports import terminal

    ladder = read_ladder(levels)
    wish = Wish(read_tracks(tracks), pilot_track, speed, rate, reference_dbfs, ladder, quick, music or (), cassette, deck)
    with terminal.reporting(quiet=as_json) as reporter:
        planned = plan_session(session, wish, reporter.step)
    sheet, _ = planned.stimulus()
    file = planned.path / "stimuli" / "main.wav"
    if as_json:
        terminal.say_json(
            {"session": str(planned.path), "stimulus": str(file), "seconds": sheet.samples / sheet.sample_rate}
        )
        return
    outputs = ", ".join(f"channel {i + 1} to track {c.track} ({c.role})" for i, c in enumerate(sheet.channels))
    terminal.say(f"stimulus: {file}, {sheet.samples / sheet.sample_rate:.0f} s; {outputs}")
    terminal.say(f"Record it, play it back, and attach what returns: tape import {planned.path} RECORDING.wav")


@app.command()
def capture(
    session: SessionPath = Path("tape-session"),
    device: Annotated[str, typer.Option(help="virtual[:PRESET] or virtual:FILE.toml.")] = "virtual",
    levels: Levels = None,
    tracks: Tracks = "1",
    pilot_track: PilotTrack = None,
    speed: Speed = 9.5,
    rate: Rate = 48_000,
    reference_dbfs: Reference = -18.0,
    passes: Annotated[int, typer.Option(min=1, help="Play passes.")] = 3,
    quick: Quick = False,
    music: Music = None,
    cassette: Cassette = "C-60",
    as_json: Json = False,
) -> None:
    """Record a session through a device; a session that exists already goes on where it stopped.

    Example: tape capture my-session --device virtual:worn --pilot-track 4
    """
    from capture.flow import Plan
    from capture.planning import Wish, plan_session, read_ladder, read_tracks
    from capture.virtual import deck_name
    from reports import terminal
    from sessions.store import Session

    ladder, deck = read_ladder(levels), deck_name(device)
    wish = Wish(read_tracks(tracks), pilot_track, speed, rate, reference_dbfs, ladder, quick, music or (), cassette, deck)
    with terminal.reporting(quiet=as_json) as reporter:
        begun = (session / "session.json").exists()
        opened = Session.open(session) if begun else plan_session(session, wish, reporter.step)
        takes = _capture(reporter, opened, device, Plan(passes=passes))
    _say_takes(opened, takes, as_json)


@app.command("import")
def import_(
    session: SessionPath,
    recordings: Annotated[
        list[Path] | None, typer.Argument(metavar="WAV...", help="Recordings of the session's stimulus.")
    ] = None,
    dry: Annotated[Path | None, typer.Option(help="What was sent, any material.")] = None,
    wet: Annotated[Path | None, typer.Option(help="What came back.")] = None,
    speed: Annotated[float, typer.Option(help="Tape speed of a pair in cm/s, for the report.")] = 9.5,
    deck: Annotated[str, typer.Option(help="Name of the deck of a pair, for the report.")] = "not named",
    as_json: Json = False,
) -> None:
    """Attach recordings made elsewhere: of the session's stimulus, or a dry/wet pair of any material.

    Example: tape import my-deck take1.wav take2.wav

    Example: tape import my-pair --dry sent.wav --wet returned.wav
    """
    from capture.importing import attach_pair, import_recordings
    from reports import terminal
    from sessions.store import Session

    if (dry is None) != (wet is None) or bool(recordings) == (dry is not None):
        raise UsageError("give recordings of the session's stimulus, or both --dry and --wet")
    with terminal.reporting(quiet=as_json) as reporter:
        if dry is not None and wet is not None:
            reporter.step("attaching the pair")
            takes = [attach_pair(session, dry, wet, speed, deck)]
        else:
            reporter.step("looking for the markers")
            takes = import_recordings(Session.open(session), recordings or [])
    _say_takes(Session.open(session), takes, as_json)


@app.command()
def check(session: SessionPath, as_json: Json = False) -> None:
    """Verify files, digests and schema of a session.

    Example: tape check my-session
    """
    from reports import terminal
    from sessions.store import Session

    problems = Session.open(session).check()
    if as_json:
        terminal.say_json({"session": str(session), "problems": problems})
    else:
        terminal.say("\n".join(problems or [f"{session}: whole"]))
    if problems:
        raise typer.Exit(1)


@app.command()
def measure(session: SessionPath, as_json: Json = False) -> None:
    """Measure a session: measurements.json, curves, figures and report.pdf.

    Example: tape measure my-session
    """
    from reports import measuring, terminal
    from sessions.store import Session

    opened = Session.open(session)
    with terminal.reporting(quiet=as_json) as reporter:
        measurements = measuring.measure_session(opened, reporter.step)
        reporter.step("writing the report")
        measuring.write_all(opened, measurements)
    if as_json:
        terminal.say_json(measurements.model_dump(mode="json"))
        return
    terminal.print_key_figures(measurements)
    terminal.say(f"report: {opened.path / 'report.pdf'}")


@app.command()
def report(session: SessionPath, as_json: Json = False) -> None:
    """Write report.pdf and figures again from the measurements.

    Example: tape report my-session
    """
    from reports import measuring, terminal
    from sessions.store import Session

    opened = Session.open(session)
    with terminal.reporting(quiet=as_json) as reporter:
        reporter.step("writing the report")
        measuring.write_report(opened, opened.read_measurements())
    file = str(opened.path / "report.pdf")
    terminal.say_json({"report": file}) if as_json else terminal.say(f"report: {file}")


@app.command()
def train(
    session: SessionPath,
    core: Annotated[str, typer.Option(help="hammerstein, linear or tcn.")] = "hammerstein",
    minutes: Annotated[float, typer.Option(help="Longest time for a core that is trained step by step.")] = 1.0,
    name: Annotated[str | None, typer.Option(help="Name of the model; by default that of the core.")] = None,
    track: Track = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Train a model of the deck from a session, into SESSION/models/NAME.

    Example: tape train my-session --core tcn --minutes 5
    """
    from modeling.dataset import from_session
    from modeling.training import planned
    from reports import terminal
    from sessions.store import Session

    opened = Session.open(session)
    planned(opened.path / "models", core, name, minutes, resume)
    with terminal.reporting(quiet=as_json) as reporter:
        how = {"name": name, "minutes": minutes, "seed": seed, "resume": resume}
        outcome = _train(reporter, opened, from_session(opened, track, progress=reporter.step), core, **how)
    if as_json:
        terminal.say_json({"model": str(outcome.folder), **outcome.evaluation.model_dump(mode="json")})
        return
    for line in outcome.lines:
        terminal.say(line)
    terminal.say(f"model: {outcome.folder}")


@app.command()
def evaluate(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model.")],
    session: SessionPath,
    track: Track = None,
    as_json: Json = False,
) -> None:
    """Hold a model against the deck on a session's held-out material.

    Example: tape evaluate my-session/models/hammerstein my-session
    """
    from modeling.dataset import from_session
    from modeling.evaluation import evaluate as evaluate_core
    from modeling.model import load
    from reports import terminal
    from sessions.store import Session

    loaded, opened = load(model), Session.open(session)
    with terminal.reporting(quiet=as_json) as reporter:
        dataset = from_session(opened, track, progress=reporter.step)
        reporter.step("comparing")
        found = evaluate_core(loaded.core, dataset.pairs, dataset.floor)
    if as_json:
        terminal.say_json(found.model_dump(mode="json"))
        return
    terminal.say(
        f"{loaded.card.name}: ESR {found.esr:.2g} on {found.seconds:.0f} s of held-out material, floor {found.floor_esr:.2g}"
    )
    if found.harmonic_error_db is not None:
        terminal.say(f"test tones: second and third harmonic within {found.harmonic_error_db:.1f} dB RMS")


@app.command()
def render(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Folder of a model, or virtual[:PRESET].")],
    source: Annotated[Path, typer.Argument(metavar="IN", help="Sound file.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="New WAV file, 32-bit float.")],
    wow: Annotated[float, typer.Option(help="Amount of wow and flutter, 1 as the deck.")] = 1.0,
    hiss: Annotated[float, typer.Option(help="Amount of noise, 1 as the deck.")] = 1.0,
    drive: Annotated[float, typer.Option(metavar="DB", help="Level into the deck.")] = 0.0,
    mix: Annotated[float, typer.Option(help="Share of the deck, 1 is all.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    reference_dbfs: Reference = -18.0,
    as_json: Json = False,
) -> None:
    """Apply a model, or the virtual deck, to a sound file.

    Example: tape render my-session/models/hammerstein mix.wav mix-on-tape.wav --drive 3
    """
    from modeling import rendering
    from reports import terminal

    with terminal.reporting(quiet=as_json) as reporter:
        settings = rendering.Settings(wow, hiss, drive, mix, seed)
        rendering.render_file(model, source, target, settings, reference_dbfs, reporter.fraction)
    terminal.say_json({"output": str(target)}) if as_json else terminal.say(f"written: {target}")


def _capture(reporter: "Reporter", session: "Session", device: str, plan: "Plan") -> "list[TakeRecord]":
    from capture.virtual import capture_virtual

    def tell(progress: "flow.Progress") -> None:
        part = progress.done_samples / progress.total_samples if progress.total_samples else None
        reporter.fraction(f"pass {progress.state.number or 1}: {progress.state.step.value}", part)

    return capture_virtual(session, device, plan, tell)


def _train(reporter: "Reporter", session: "Session", dataset: "Dataset", core: str, **how: Any) -> "Outcome":
    from modeling.training import train as train_model

    def tell(progress: "cores.Progress") -> None:
        reporter.fraction(f"training: {progress.note}", progress.fraction, progress.remaining_s)

    outcome = train_model(dataset, session.path / "models", core, progress=tell, **how)
    session.list_files([file.relative_to(session.path).as_posix() for file in sorted(outcome.folder.iterdir())])
    return outcome


def _say_takes(session: "Session", takes: "list[TakeRecord]", as_json: bool) -> None:
    from reports import terminal

    if as_json:
        terminal.say_json({"session": str(session.path), "takes": [take.model_dump(mode="json") for take in takes]})
        return
    for take in takes:
        terminal.say(f"{take.id}: {take.samples / take.sample_rate:.1f} s, {'; '.join((take.state, *take.faults))}")
    terminal.say(f"next: tape measure {session.path}")


def main() -> None:
    """Entry point: every failure is one line on standard error."""
    try:
        status = app(sys.argv[1:] or ["--help"], prog_name="tape", standalone_mode=False)
    except CANNOT_PARSE as error:
        command = error.ctx.command_path if error.ctx else "tape"
        _fail(f"{error.format_message().rstrip('.')}; see '{command} --help'", 2)
    except TapeError as error:
        _fail(str(error), 2 if isinstance(error, UsageError) else 1)
    except Exception as error:
        if os.environ.get("TAPE_TRACEBACK"):
            raise
        _fail(f"a defect in tape: {type(error).__name__}: {error}; set TAPE_TRACEBACK=1 to see where, and report it")
    if status == INTERRUPTED:
        _fail("interrupted; what had been finished is kept")
    sys.exit(status)


def _fail(message: str, status: int = 1) -> NoReturn:
    typer.echo(f"tape: {' '.join(message.split())}", err=True)
    sys.exit(status)
