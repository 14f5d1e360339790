"""The command ``tape calibrate``: leads through the loops, or plays the tone for a multimeter and keeps its reading."""

import sys
from contextlib import ExitStack
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from signals.errors import DeviceError, SessionError, UsageError

if TYPE_CHECKING:
    from capture.calibration import Loops
    from capture.terminal import Reporter
    from sessions.calibration import Calibration

TONE_S = 20.0
"""How long the tone plays where nobody can type the reading."""


def calibrate(
    device: Annotated[str, typer.Option(help="Audio interface, by name or number; 'tape devices' lists them.")],
    outputs: Annotated[str, typer.Option(help="Outputs to calibrate, such as 1,2.")] = "1,2",
    inputs: Annotated[str, typer.Option(help="Input that each output is cabled to, in their order.")] = "1,2",
    rate: Annotated[int, typer.Option(help="Sample rate in Hz, 48000 or more.")] = 48_000,
    meter: Annotated[
        bool, typer.Option("--meter", help="Play 1 kHz at -12 dBFS and ask for the voltage at the outputs.")
    ] = False,
    volts: Annotated[str | None, typer.Option(metavar="V[,V]", help="RMS volts of that tone, read before.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: all cables are in place.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure the interface alone by a cable from each output to its input, for later sessions to take off.

    Example: tape calibrate --device "Scarlett 2i2" --outputs 1,2 --inputs 1,2

    Example: tape calibrate --device "Scarlett 2i2" --meter
    """
    from capture import calibration as calibrating
    from capture import terminal
    from capture.full_scale import read_volts, with_volts
    from sessions.calibration import keep
    from sessions.manifest import to_json

    sent, returned = calibrating.read_channels(outputs, "outputs"), calibrating.read_channels(inputs, "inputs")
    if len(sent) != len(returned):
        raise UsageError(f"{len(sent)} outputs and {len(returned)} inputs make no pairs; name an input for each output")
    reading = None if volts is None else read_volts(volts, len(sent))
    asking = not (yes or as_json)
    if asking and reading is None and not sys.stdin.isatty():
        raise UsageError("nobody can be asked here to put the cables in; put them all in and add --yes")
    loops = open_loops(device, rate, sent, returned)
    if meter and reading is None:
        known = _known(loops)
        reading = _read_meter(loops, asking)
        if reading is None:
            terminal.say(
                f"read? tape calibrate --device '{device}' --outputs {outputs} --inputs {inputs} --rate {rate} --volts V"
            )
            return
        made = with_volts(known, reading)
    elif reading is not None:
        made = with_volts(_known(loops), reading)
    else:
        with _Screen(as_json, asking) as screen:
            made = calibrating.calibrate(loops, screen.connect, screen.tell)
    path = keep(made)
    if as_json:
        sys.stdout.write(to_json(made))
        return
    for line in calibrating.summary(made):
        terminal.say(line)
    terminal.say(f"kept: {path}")


def open_loops(device: str, rate: int, outputs: tuple[int, ...], inputs: tuple[int, ...]) -> "Loops":
    """The interface, with the numbers from 1 of what is looped.

    Raises
    ------
    DeviceError
        There is no such interface, or it lacks the rate or the channels.
    """
    from capture.calibration import Loops

    if device.partition(":")[0] == "virtual":
        raise DeviceError(
            f"'{device}' is no audio interface and has nothing to calibrate; 'tape devices' lists the interfaces."
        )
    from capture.recorder import PortAudioDevice

    opened = PortAudioDevice(device, rate, [number - 1 for number in outputs], [number - 1 for number in inputs])
    return Loops(opened, outputs, inputs)


def _known(loops: "Loops") -> "Calibration":
    from sessions.calibration import find_exact

    found = find_exact(loops.device.name, loops.device.sample_rate, loops.pairs)
    if found is None:
        raise SessionError(
            f"'{loops.device.name}' has not been calibrated at {loops.device.sample_rate} Hz with these outputs and inputs;"
            " run 'tape calibrate' with the cables in place first, then add the voltage."
        )
    return found


def _read_meter(loops: "Loops", asking: bool) -> tuple[float, ...] | None:
    """Play the tone until the voltage at every output has been typed; None where nobody is asked."""
    from capture import terminal
    from capture.full_scale import LONGEST_S, TONE_DBFS, TONE_HZ, MeterTone, read_volts

    rate = loops.device.sample_rate
    tone = MeterTone(rate, len(loops.outputs), round((LONGEST_S if asking else TONE_S) * rate))
    terminal.say(f"{TONE_HZ:g} Hz at {TONE_DBFS:g} dBFS: read the RMS volts between signal and ground of each output")
    typed: list[float] = []
    trouble: list[BaseException] = []

    def ask() -> None:
        try:
            for output in loops.outputs:
                typed.extend(read_volts(input(f"volts at output {output}: "), 1))
        except (UsageError, EOFError, OSError) as error:
            trouble.append(error)

    if asking:
        # The tone is played from here, so that Ctrl-C ends it; whoever types is waited for beside it.
        Thread(target=ask, daemon=True).start()
    loops.device.run(tone, lambda block: None, 0.0, lambda: bool(trouble) or len(typed) == len(loops.outputs))
    if trouble:
        raise trouble[0] if isinstance(trouble[0], UsageError) else UsageError("no voltage was given; use --volts")
    if asking and len(typed) < len(loops.outputs):
        raise UsageError(f"no voltage was given within {LONGEST_S / 60.0:g} minutes; read it again, or use --volts")
    return tuple(typed) or None


class _Screen:
    """Progress between the questions: no bar is drawn while someone types."""

    def __init__(self, quiet: bool, asking: bool) -> None:
        self._quiet = quiet
        self._asking = asking
        self._bar = ExitStack()
        self._reporter: Reporter | None = None

    def __enter__(self) -> "_Screen":
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def _close(self) -> None:
        self._bar.close()
        self._reporter = None

    def connect(self, output: int, input_: int) -> None:
        """Ask for a cable."""
        from capture import terminal

        if not self._asking:
            return
        self._close()
        terminal.say(
            f"Connect output {output} to input {input_}: line level, direct monitoring off, no effects. Then press Enter."
        )
        try:
            input()
        except EOFError as error:
            raise UsageError("nobody can be asked here to put the cables in; put them all in and add --yes") from error

    def tell(self, what: str, part: float | None) -> None:
        """Show what is being done."""
        from capture import terminal

        if self._reporter is None:
            self._reporter = self._bar.enter_context(terminal.reporting(quiet=self._quiet))
        self._reporter.fraction(what, part)
