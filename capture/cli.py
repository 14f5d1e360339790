"""The commands that make sessions: plan, capture, import."""

import re
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from capture.calibrate_command import calibrate
from signals.errors import StimulusError, UsageError

if TYPE_CHECKING:
    from capture import flow
    from capture.planning import Wish
    from capture.recordings import Plan
    from capture.terminal import Conversation, Reporter
    from sessions.manifest import TakeRecord
    from sessions.store import Session

app = typer.Typer()
DECK = "Tascam Portastudio 424 MkII"
PASSES = 3  # the flutter of record and play adds in another phase in every pass
USUAL_LADDER = "usual"
TRACKS_OF_DECK = 4
HOW_RECORDED = {
    "main": "; record and play it with dbx out",
    "encoded": "; record it with dbx in",
    "plain": "; record it with dbx out, play it with dbx in",
}

SessionPath = Annotated[Path, typer.Argument(metavar="SESSION", help="Folder of the session.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Levels = Annotated[str | None, typer.Option(metavar="LO:HI:STEP", help="Level ladder in dB re 0 VU, such as -30:10:2.5.")]
Tracks = Annotated[str, typer.Option(help="Tracks that get programme, such as 1,2.")]
PilotTrack = Annotated[int | None, typer.Option(help="Track that gets the pilot alone.")]
Speed = Annotated[float, typer.Option(help="Tape speed in cm/s, 9.5 or 4.8.")]
Rate = Annotated[int, typer.Option(help="Sample rate in Hz, 48000 or more.")]
Reference = Annotated[float, typer.Option(help="Level of a sine at 0 dB (0 VU) in dBFS.")]
Quick = Annotated[bool, typer.Option("--quick", help="A stimulus half as long, with fewer levels.")]
Music = Annotated[list[Path] | None, typer.Option(help="Sound file to use as programme; may be given more than once.")]
Cassette = Annotated[str, typer.Option(help="Cassette, to see whether the stimulus fits.")]
Dbx = Annotated[
    str | None,
    typer.Option(
        help="Positions of the dbx switch: some of off,on,encode,decode (encode: recorded with it, played without)."
    ),
]


@app.command()
def devices(as_json: Json = False) -> None:
    """List the audio interfaces: host API, channels, and the sample rates that they can be opened at.

    Example: tape devices
    """
    from capture import terminal
    from capture.portaudio import SESSION_RATES, interfaces

    found = interfaces()
    if as_json:
        terminal.say_json({"devices": [asdict(entry) for entry in found]})
        return
    if not found:
        terminal.say("No audio interface is there; plug one in, or start the sound server it belongs to, and look again.")
        return
    table = terminal.plain_table("number", "name", "host API", "in", "out", "sample rates in Hz", "default")
    for entry in found:
        default = " and ".join(w for w, is_it in (("in", entry.default_input), ("out", entry.default_output)) if is_it)
        rates = ", ".join(f"{rate}" for rate in entry.rates) or entry.refusal or "none of those that are known here"
        table.add_row(str(entry.index), entry.name, entry.host_api, str(entry.inputs), str(entry.outputs), rates, default)
    terminal.say_table(table)
    if not any(entry.duplex and set(entry.rates) & set(SESSION_RATES) for entry in found):
        terminal.say("None of them both plays and records at 48000 Hz or more by itself; see the README on interfaces.")


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
    dbx: Dbx = None,
    as_json: Json = False,
) -> None:
    """Plan a session and write its stimulus, to be recorded by any other program.

    Example: tape stimulus my-deck --tracks 1 --pilot-track 4
    """
    from capture import terminal
    from capture.planning import Wish, plan_session, read_dbx, read_ladder, read_tracks

    ladder, modes = read_ladder(levels), read_dbx(dbx or "off")
    wish = Wish(
        read_tracks(tracks), pilot_track, speed, rate, reference_dbfs, ladder, quick, music or (), cassette, deck, dbx=modes
    )
    with terminal.reporting(quiet=as_json) as reporter:
        planned = plan_session(session, wish, reporter.step)
    made = [planned.stimulus(known.id)[0] for known in planned.manifest.stimuli]
    files = [str(planned.path / "stimuli" / f"{sheet.stimulus}.wav") for sheet in made]
    if as_json:
        each = [{"stimulus": f, "seconds": sheet.samples / sheet.sample_rate} for f, sheet in zip(files, made, strict=True)]
        terminal.say_json({"session": str(planned.path), **each[0], "stimuli": each})
        return
    for file, sheet in zip(files, made, strict=True):
        outputs = ", ".join(f"channel {i + 1} to track {c.track} ({c.role})" for i, c in enumerate(sheet.channels))
        kind = HOW_RECORDED[sheet.stimulus] if made[-1].stimulus != "main" else ""
        terminal.say(f"stimulus: {file}, {sheet.samples / sheet.sample_rate:.0f} s; {outputs}{kind}")
    terminal.say(f"Record it, play it back, and attach what returns: tape import {planned.path} RECORDING.wav")


app.command()(calibrate)


class LevelsAlone(TyperCommand):
    """Lets ``--levels`` stand alone, for the usual ladder, or before a ladder that begins with a minus sign."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give ``--levels`` its value."""
        given: list[str] = []
        for argument in args:
            if given and given[-1] == "--levels":
                given.pop()
                ladder = ":" in argument and not re.search(r"[/\\]", argument)
                given.append(f"--levels={argument}" if ladder else f"--levels={USUAL_LADDER}")
                if ladder:
                    continue
            given.append(argument)
        if given and given[-1] == "--levels":
            given[-1] = f"--levels={USUAL_LADDER}"
        return super().parse_args(ctx, given)


@app.command(cls=LevelsAlone)
def capture(
    context: typer.Context,
    session: SessionPath = Path("tape-session"),
    device: Annotated[
        str,
        typer.Option(
            help="Audio interface by name or number ('tape devices' lists them), virtual[:PRESET|:FILE.toml], or model:PATH."
        ),
    ] = "virtual",
    levels: Levels = None,
    tracks: Tracks = "1",
    pilot_track: PilotTrack = None,
    outputs: Annotated[
        str | None, typer.Option(metavar="N,N", help="Outputs of the interface: one a track, then one for the pilot.")
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="N,N", help="Inputs of the interface, in the same order as the outputs.")
    ] = None,
    speed: Speed = 9.5,
    dbx: Dbx = None,
    rate: Rate = 48_000,
    reference_dbfs: Reference = -18.0,
    passes: Annotated[
        int | None, typer.Option(min=1, help="Play passes in each position of the dbx switch.", show_default="3")
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="One pass: what is played comes straight back.")] = False,
    quick: Quick = False,
    music: Music = None,
    cassette: Cassette = "C-60",
    record_over: Annotated[
        bool,
        typer.Option("--record-over", help="Make each recording of --dbx over the one before it, on one cassette: erasure."),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: the deck works itself.")] = False,
    as_json: Json = False,
) -> None:
    """Record a session through a device; a session that exists already goes on where it stopped.

    Example: tape capture my-deck --device "Scarlett 2i2" --levels --pilot-track 4

    Example: tape capture my-session --device virtual:worn --pilot-track 4

    Example: tape capture my-erasure --device virtual:neglected --dbx off,encode --record-over
    """
    from capture import terminal
    from capture.planning import Wish, read_dbx, read_ladder, read_tracks, require_plan
    from sessions.store import Session

    named = [*read_tracks(tracks), *([] if pilot_track is None else [pilot_track])]
    if max(named) > TRACKS_OF_DECK:
        raise StimulusError(f"there is no track {max(named)} on a {DECK}; its tracks are 1 to {TRACKS_OF_DECK}")
    if loop and dbx is not None:
        raise UsageError("--loop has no tape, and so no recording and playing with the dbx switch; leave --dbx out")
    if loop and record_over:
        raise UsageError("--loop has no tape that could be recorded over; leave --record-over out")
    ladder = None if levels == USUAL_LADDER else read_ladder(levels)
    modes = None if dbx is None else read_dbx(dbx)
    wish = Wish(
        read_tracks(tracks),
        pilot_track,
        speed,
        rate,
        reference_dbfs,
        ladder,
        quick,
        music or (),
        cassette,
        DECK,
        dbx=modes or ("off",),
    )
    given = {name for name in context.params if str(context.get_parameter_source(name)).endswith("COMMANDLINE")}
    if (session / "session.json").exists():
        require_plan(Session.open(session), wish, given)
    if device.partition(":")[0] in ("virtual", "model"):
        opened, takes = _capture_computed(
            session, device, wish, modes, passes or PASSES, loop=loop, over=record_over, quiet=as_json
        )
    else:
        asking = not yes
        if asking and not sys.stdin.isatty():
            raise UsageError("nobody can be asked here to work the deck; run this in a terminal, or add --yes")
        with terminal.Conversation(asking=asking, quiet=as_json and yes) as talk:
            opened, takes = _capture_attended(
                talk, session, device, wish, modes, passes, (outputs, inputs), loop=loop, over=record_over
            )
    _say_takes(opened, takes, as_json)


def _capture_computed(
    path: Path,
    device: str,
    wish: "Wish",
    dbx: Sequence[str] | None,
    passes: int,
    *,
    loop: bool,
    over: bool,
    quiet: bool,
) -> "tuple[Session, list[TakeRecord]]":
    """Capture through a deck that is computed: the virtual one, or a trained model."""
    from capture import terminal, trained
    from capture.attended import dbx_of, over_of
    from capture.planning import plan_session, recordings, require_second
    from capture.recordings import Plan
    from capture.virtual import opening
    from sessions.store import Session

    begun = (path / "session.json").exists()
    if device.partition(":")[0] == opening.KIND:
        wish = replace(wish, deck=opening.deck_name(device))
    elif not begun:
        wish = replace(wish, deck=trained.deck_name(device, wish.sample_rate, wish.speed_cm_s))
    with terminal.reporting(quiet=quiet) as reporter:
        require_second(wish, over and not begun)
        opened = Session.open(path) if begun else plan_session(path, wish, reporter.step)
        modes = dbx_of(opened, dbx) if begun else wish.dbx
        plan = Plan(recordings(modes, passes), loop, over=over_of(opened, over))
        return opened, capture_with_progress(reporter, opened, device, plan)


def _capture_attended(
    talk: "Conversation",
    path: Path,
    device: str,
    wish: "Wish",
    dbx: Sequence[str] | None,
    passes: int | None,
    ports: tuple[str | None, str | None],
    *,
    loop: bool,
    over: bool,
) -> "tuple[Session, list[TakeRecord]]":
    """See that the interface can do what is asked of it before anything is written."""
    from capture.attended import capture_attended, dbx_of, kept_ports, over_of, read_ports
    from capture.planning import plan_session, require_second
    from capture.recorder import PortAudioDevice
    from sessions.store import Session

    begun = Session.open(path) if (path / "session.json").exists() else None
    if begun is None:
        require_second(wish, over)
        channels, rate = len(wish.tracks) + (wish.pilot_track is not None), wish.sample_rate
    else:
        known = begun.manifest.stimuli[0]
        channels, rate = known.channels, known.sample_rate
        dbx, passes = dbx_of(begun, dbx), passes or int(begun.manifest.interface.settings.get("passes", PASSES))
        ports = ports[0] or kept_ports(begun, "outputs"), ports[1] or kept_ports(begun, "inputs")
        over = over_of(begun, over)
    outputs, inputs = (
        [n - 1 for n in read_ports(text, channels, what)] for text, what in zip(ports, ("outputs", "inputs"), strict=True)
    )
    opened = PortAudioDevice(device, rate, outputs, inputs)
    session = begun or plan_session(path, wish, talk.progress)
    talk.pause()
    taken = capture_attended(talk, session, opened, dbx=dbx or wish.dbx, passes=passes or PASSES, loop=loop, over=over)
    return session, taken


@app.command("import")
def import_(
    session: SessionPath,
    recordings: Annotated[
        list[Path] | None, typer.Argument(metavar="WAV...", help="Recordings of the session's stimulus.")
    ] = None,
    dry: Annotated[Path | None, typer.Option(help="What was sent, any material.")] = None,
    wet: Annotated[Path | None, typer.Option(help="What came back.")] = None,
    dbx: Annotated[
        str | None,
        typer.Option(help="Position of the dbx switch, where the tape cannot tell: encode, if it was played with dbx out."),
    ] = None,
    speed: Annotated[float, typer.Option(help="Tape speed of a pair in cm/s, for the report.")] = 9.5,
    deck: Annotated[str, typer.Option(help="Name of the deck of a pair, for the report.")] = "not named",
    as_json: Json = False,
) -> None:
    """Attach recordings made elsewhere: of the session's stimulus, or a dry/wet pair of any material.

    Example: tape import my-deck take1.wav take2.wav

    Example: tape import my-pair --dry sent.wav --wet returned.wav
    """
    from capture import terminal
    from capture.importing import attach_pair, import_recordings
    from capture.planning import read_dbx
    from sessions.store import Session

    if (dry is None) != (wet is None) or bool(recordings) == (dry is not None):
        raise UsageError("give recordings of the session's stimulus, or both --dry and --wet")
    modes = read_dbx(dbx) if dbx is not None else ()
    if len(modes) > 1 or (modes and dry is not None):
        raise UsageError(
            "--dbx names one position for all recordings of an import, and none for a pair; import others apart"
        )
    with terminal.reporting(quiet=as_json) as reporter:
        if dry is not None and wet is not None:
            reporter.step("attaching the pair")
            takes = [attach_pair(session, dry, wet, speed, deck)]
        else:
            reporter.step("looking for the markers")
            conditions = {"dbx": modes[0]} if modes else {}
            takes = import_recordings(Session.open(session), recordings or [], conditions=conditions)
    _say_takes(Session.open(session), takes, as_json)


def capture_with_progress(reporter: "Reporter", session: "Session", device: str, plan: "Plan") -> "list[TakeRecord]":
    """Capture through a virtual deck or a trained model, telling how far it is."""
    from capture import trained
    from capture.virtual.session import capture_virtual

    def tell(progress: "flow.Progress") -> None:
        part = progress.done_samples / progress.total_samples if progress.total_samples else None
        reporter.fraction(f"pass {progress.state.number or 1}: {progress.state.step.value}", part)

    if device.partition(":")[0] == trained.KIND:
        return trained.capture_trained(session, device, plan, tell)
    return capture_virtual(
        session, device, plan, tell, of_truth=lambda part: reporter.fraction("working out what is true of the deck", part)
    )


def _say_takes(session: "Session", takes: "list[TakeRecord]", as_json: bool) -> None:
    from capture import terminal

    if as_json:
        terminal.say_json({"session": str(session.path), "takes": [take.model_dump(mode="json") for take in takes]})
        return
    for take in takes:
        terminal.say(f"{take.id}: {take.samples / take.sample_rate:.1f} s, {'; '.join((take.state, *take.faults))}")
    terminal.say(f"next: tape measure {session.path}")
