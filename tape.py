"""The command ``tape``: parses, checks, calls, prints.

Every command imports what it needs when it runs, so that ``tape --help`` is quick and needs neither torch nor a sound card.
"""

import contextlib
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from capture import process
from capture.cli import Json, SessionPath
from capture.cli import app as capture_commands
from reports.cli import app as report_commands
from sessions.disk import NO_ROOM, describe, require_writable
from signals.errors import TapeError, UsageError

if TYPE_CHECKING:
    from capture.terminal import Reporter
    from modeling.cores import core as cores
    from modeling.dataset import Dataset
    from modeling.training import Outcome
    from sessions.store import Session

app = typer.Typer(
    help="Capture, measure and model cassette decks.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
DEMO_PASSES = 2
INTERRUPTED = 130  # what typer makes of Ctrl-C
CANNOT_PARSE: Any = typer.BadParameter.__mro__[1]  # UsageError, of the click that typer brings

Track = Annotated[
    str | None, typer.Option(help="Track to learn, or several, such as 1,2; by default the first with programme.")
]


@app.command()
def demo(
    folder: Annotated[
        Path | None, typer.Argument(help="New folder; by default tape-demo, or tape-demo-2 and so on.")
    ] = None,
    preset: Annotated[
        str, typer.Option(help="Virtual deck: fresh, typical, worn, neglected, type1-wrong-tape, hysteresis or a TOML file.")
    ] = "fresh",
    as_json: Json = False,
) -> None:
    """Run the whole chain on the virtual deck: capture, measure, report, train.

    Example: tape demo my-first-session
    """
    from capture import terminal
    from capture.cli import capture_with_progress
    from capture.planning import Wish, free_folder, plan_session
    from capture.recordings import Plan
    from capture.virtual.opening import deck_name
    from modeling.aligned import AlignedTake, aligned_takes
    from modeling.config import Config
    from modeling.pooling import gather
    from reports import measuring
    from reports.key_figures import print_key_figures

    device = f"virtual:{preset}"
    with terminal.reporting(quiet=as_json) as reporter:
        path = folder or free_folder(Path("tape-demo"))
        session = plan_session(path, Wish(pilot_track=4, quick=True, deck=deck_name(device)), reporter.step)
        takes = capture_with_progress(reporter, session, device, Plan.of(DEMO_PASSES))
        aligned = list(aligned_takes(session, reporter.step))
        measurements = measuring.measure_session(session, reporter.step, aligned)
    if not as_json:
        print_key_figures(measurements)
    with terminal.reporting(quiet=as_json) as reporter:
        known: dict[str, Any] = {item.record.id: item.alignments for item in aligned if isinstance(item, AlignedTake)}
        datasets = gather([session], Config(), reporter.step, {session.manifest.id: known})
        outcome = _train(reporter, session, datasets, Config().core)
        reporter.step("writing the report")
        measuring.write_all(session, measurements)
    if as_json:
        terminal.say_json({"session": str(path), "takes": [t.id for t in takes], "model": str(outcome.folder)})
        return
    terminal.say(f"report: {session.path / 'report.pdf'}")
    terminal.say(f"model:  {outcome.folder}")
    terminal.say(
        f"truth:  {session.path / 'truth.json'} (what the virtual deck knows of itself; measurement never reads it)"
    )


app.registered_commands += capture_commands.registered_commands  # so that they are listed in the order of use


@app.command()
def check(session: SessionPath, as_json: Json = False) -> None:
    """Verify files, digests and schema of a session.

    Example: tape check my-session
    """
    from capture import terminal
    from sessions.store import Session

    problems = Session.open(session).check()
    if as_json:
        terminal.say_json({"session": str(session), "problems": problems})
    else:
        terminal.say("\n".join(problems or [f"{session}: whole"]))
    if problems:
        raise typer.Exit(1)


@app.command()
def measure(
    path: Annotated[Path, typer.Argument(metavar="SESSION|WAV", help="Folder of a session, or a recording of a test tone.")],
    tone: Annotated[
        float | None, typer.Option(metavar="HZ", help="Of a recording: frequency of the tone; by default the strongest.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a session (measurements.json, curves, figures and report.pdf), or a bare recording of a test tone.

    Example: tape measure my-session, or: tape measure tone.wav --tone 3150
    """
    from capture import terminal
    from reports import measuring, measuring_tone
    from reports.key_figures import print_key_figures
    from sessions.store import Session

    if path.is_file():
        with terminal.reporting(quiet=as_json) as reporter:
            measurements = measuring_tone.measure_tone(path, tone, reporter.step)
        terminal.say_json(measurements.model_dump(mode="json")) if as_json else measuring_tone.print_tone(measurements)
        return
    if not path.exists() and (tone is not None or path.suffix.lower() == ".wav"):
        raise UsageError(f"{path} does not exist; name the recording of a test tone")
    if tone is not None:
        raise UsageError(f"--tone {tone:g} is for a recording, and {path} is none; name a sound file, or leave --tone out")
    opened = Session.open(path)
    require_writable(opened.path)
    with terminal.reporting(quiet=as_json) as reporter:
        measurements = measuring.measure_session(opened, reporter.step)
        reporter.step("writing the report")
        measuring.write_all(opened, measurements, reporter.warn)
    if as_json:
        terminal.say_json(measurements.model_dump(mode="json"))
        return
    print_key_figures(measurements)
    terminal.say(f"report: {opened.path / 'report.pdf'}")


@app.command()
def report(
    sessions: Annotated[list[Path], typer.Argument(metavar="SESSION...", help="Folder of the session; more are compared.")],
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Of a comparison: the new PDF; by default comparison.pdf beside the first session."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write report.pdf and figures again from the measurements, or compare two sessions and more.

    Example: tape report my-session

    Example: tape report last-year my-session --output what-changed.pdf
    """
    from capture import terminal
    from reports import measuring
    from reports.comparison.files import compare_sessions
    from sessions.store import Session

    if len(sessions) == 1 and output is not None:
        raise UsageError(f"--output {output} is for two sessions or more; the report of one goes into its folder.")
    found: Mapping[str, Any]
    with terminal.reporting(quiet=as_json) as reporter:
        if len(sessions) > 1:
            reporter.step("comparing")
            found = compare_sessions(sessions, output)
        else:
            reporter.step("writing the report")
            opened = Session.open(sessions[0])
            measuring.write_report(opened, opened.read_measurements(), reporter.warn)
            found = {"report": str(opened.path / "report.pdf")}
    if as_json:
        terminal.say_json(found)
        return
    for line in found.get("headlines", ()):
        terminal.say(line)
    terminal.say(f"report: {found['report']}")


@app.command()
def train(
    sessions: Annotated[
        list[Path] | None,
        typer.Argument(metavar="SESSION...", help="Folder of the session, or of several; by default those of --config."),
    ] = None,
    core: Annotated[
        str | None,
        typer.Option(help="hammerstein (the default), linear, ja, or a network: tcn, wavenet, gru, lstm, s4, stn."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Longest time for a core that is trained step by step; by default 1.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="So many steps instead, however long they take.")] = None,
    batch: Annotated[
        int | None, typer.Option(help="Windows of half a second in a step of a network; by default 1 in each process.")
    ] = None,
    units: Annotated[int | None, typer.Option(help="Units of a gru (64 by default) or lstm (40; 24 are faster).")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model; by default that of the core.")] = None,
    track: Track = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    dbx: Annotated[
        str | None, typer.Option(help="Takes to learn from: dbx off (the default), on, encode or decode, or several.")
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(help="What may differ, some of speed_cm_s,level_db,dbx,tape; by default whatever does."),
    ] = None,
    loss: Annotated[str | None, typer.Option(help="What a network is to lower, as weights: esr=1,stft=0.1.")] = None,
    scheme: Annotated[
        str | None,
        typer.Option(help="A network hears the sound warped as the tape was (I, the default), or is warped (II)."),
    ] = None,
    augment: Annotated[
        str | None, typer.Option(help="How a network's windows are varied: some of polarity,speed,noise; by default not.")
    ] = None,
    device: Annotated[str | None, typer.Option(help="Where networks are trained, cpu or cuda.")] = None,
    transport: Annotated[
        str | None, typer.Option(help="What makes wow and flutter: parametric (the default) or diffusion.")
    ] = None,
    noise: Annotated[str | None, typer.Option(help="What makes noise: parametric (the default) or diffusion.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Of convolutions: single, mixed (bfloat16), or auto (the default): mixed on a GPU.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Train as a model was trained: its config.json; other options change it."),
    ] = None,
    residual: Annotated[
        bool, typer.Option("--residual", help="End hammerstein with a small network for what it leaves, in --minutes.")
    ] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was interrupted.")] = False,
    as_json: Json = False,
) -> None:
    """Train a model of the deck from a session or from several, into SESSION/models/NAME of the first.

    Example: tape train my-session --core tcn --minutes 5

    Example: tape train at-9.5 at-4.8 --track 1,2

    Example: tape train --config my-session/models/tcn/config.json --seed 2
    """
    from capture import terminal
    from modeling.config import Config, read
    from modeling.losses import read_weights
    from modeling.pooling import gather
    from modeling.processes import rank
    from modeling.underway import idle, interrupted, planned
    from sessions.store import Session

    if resume and config is not None:
        raise UsageError("a training goes on with the choices that it was begun with; leave out --config or --resume")
    chosen = Config() if config is None else read(config)
    paths = list(sessions or map(Path, chosen.sessions))
    if not paths:
        raise UsageError("no session to learn from; name its folder, or the config.json of a model")
    if resume:
        name, chosen = interrupted(paths[0] / "models", name, core)
        begun = [paths[0], *map(Path, chosen.sessions[1:])]
        if len(paths) > 1 and [path.resolve() for path in paths] != [path.resolve() for path in begun]:
            raise UsageError(f"that training was begun with {', '.join(map(str, begun))}; name these, or the first alone")
        paths = begun
        if minutes is not None and minutes > chosen.minutes:
            raise UsageError(f"that training was planned for {chosen.minutes:g} minutes; it can end sooner, but not later")
        if steps not in (None, chosen.steps):
            raise UsageError(f"the steps of that training were planned when it began; leave out --steps {steps}")
    opened = [Session.open(path) for path in paths]
    options: dict[str, Any] = {"core": core, "minutes": minutes, "steps": steps, "batch": batch, "track": track}
    options |= {"seed": seed, "dbx": dbx, "loss": None if loss is None else read_weights(loss), "scheme": scheme}
    options |= {"augment": None if augment is None else augment.split(","), "device": device, "precision": precision}
    options |= {"transport": transport, "noise": noise, "residual": residual or None, "condition": condition, "units": units}
    chosen = chosen.with_(options)
    planned(opened[0].path / "models", chosen, name, resume)
    with terminal.reporting(quiet=as_json or rank() > 0) as reporter:
        for option in idle(chosen, options):
            reporter.warn(f"{option} makes no difference to core '{chosen.core}'")
        datasets = gather(opened, chosen, reporter.step)
        how = {**chosen.model_dump(exclude={"core"}), "name": name, "resume": resume, "sessions": paths}
        outcome = _train(reporter, opened[0], datasets, chosen.core, **how)
    if rank() > 0:
        return
    if as_json:
        said = {"model": str(outcome.folder), "doubts": outcome.doubts}
        terminal.say_json({**said, **outcome.evaluation.model_dump(mode="json")})
        return
    terminal.say(f"model: {outcome.folder}")


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
    setting: Annotated[
        str | None, typer.Option(help="Of a model of several settings: speed_cm_s=4.8,dbx=on; by default its first.")
    ] = None,
    reference_dbfs: Annotated[
        float | None, typer.Option(help="Level of a sine at 0 dB (0 VU) in dBFS, for the virtual deck; by default -18.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Apply a model, or the virtual deck, to a sound file.

    Example: tape render my-session/models/hammerstein mix.wav mix-on-tape.wav --drive 3
    """
    from capture import terminal
    from modeling import rendering

    with terminal.reporting(quiet=as_json) as reporter:
        settings = rendering.Settings(wow, hiss, drive, mix, seed)
        rendering.render_file(model, source, target, settings, reference_dbfs, reporter.fraction, setting, reporter.warn)
    terminal.say_json({"output": str(target)}) if as_json else terminal.say(f"written: {target}")


app.registered_commands += report_commands.registered_commands


def _train(reporter: "Reporter", session: "Session", datasets: Sequence["Dataset"], core: str, **how: Any) -> "Outcome":
    from modeling.processes import rank
    from modeling.training import train as train_model

    def tell(progress: "cores.Progress") -> None:
        reporter.fraction(f"training: {progress.note}", progress.fraction, progress.remaining_s)

    outcome = train_model(
        datasets, session.path / "models", core, progress=tell, warn=reporter.warn, say=reporter.result, **how
    )
    if rank() == 0:
        session.list_files([file.relative_to(session.path).as_posix() for file in sorted(outcome.folder.iterdir())])
    return outcome


def main() -> None:
    """Entry point: every failure is one line on standard error."""
    process.print_any_text()
    with process.sigterm_as_interrupt() as ended:
        try:
            process.require_text(sys.argv[1:])
            status = app(sys.argv[1:] or ["--help"], prog_name="tape", standalone_mode=False)
            process.flush_output()
        except CANNOT_PARSE as error:
            command = error.ctx.command_path if error.ctx else "tape"
            _fail(f"{error.format_message().rstrip('.')}; see '{command} --help'", 2)
        except TapeError as error:
            _fail(str(error), 2 if isinstance(error, UsageError) else 1)
        except MemoryError as error:
            why = f": {error}" if str(error) else ""
            _fail(f"there is not enough memory{why}; close other programs, or give less material")
        except KeyboardInterrupt:  # before or after what typer looks after
            status = INTERRUPTED
        except BrokenPipeError:  # whoever reads has seen enough
            status = 1
        except Exception as error:
            _fail(_untold(error))
        if status == INTERRUPTED:
            what = "ended by SIGTERM" if ended() else "interrupted"
            _fail(f"{what}; what had been finished is kept", process.ENDED if ended() else 1)
    sys.exit(status)


def _untold(error: Exception) -> str:
    """One line for an error that no command has told in its own words."""
    if os.environ.get("TAPE_TRACEBACK"):
        raise error
    if isinstance(error, OSError) and isinstance(error.filename, str):
        return describe(error, Path(error.filename))
    if isinstance(error, OSError) and error.errno in NO_ROOM:  # of files the commands tell
        return f"standard output cannot be written: {error.strerror}; send it elsewhere; what had been finished is kept"
    return f"a defect in tape: {type(error).__name__}: {error}; set TAPE_TRACEBACK=1 to see where, and report it"


def _fail(message: str, status: int = 1) -> NoReturn:
    with contextlib.suppress(OSError):
        process.flush_output()  # a status of its own would follow from what is left for the end
    typer.echo(f"tape: {' '.join(message.split())}", err=True)
    sys.exit(status)


if __name__ == "__main__":
    main()
