"""The command ``tape calibrate``: leads from cable to cable, or plays the tone for a multimeter and asks for its reading."""

import sys
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from signals.errors import DeviceError, SessionError, UsageError

if TYPE_CHECKING:
    from capture.calibration import Loops
    from capture.terminal import Conversation
    from sessions.calibration import Calibration


def calibrate(
    device: Annotated[str, typer.Option(help="Audio interface by name or number; 'tape devices' lists them.")],
    outputs: Annotated[str, typer.Option(metavar="N,N", help="Outputs of the interface.")] = "1,2",
    inputs: Annotated[
        str, typer.Option(metavar="N,N", help="Input that each output is cabled to, in the same order.")
    ] = "1,2",
    rate: Annotated[int, typer.Option(help="Sample rate in Hz, 48000 or more.")] = 48_000,
    meter: Annotated[
        bool, typer.Option("--meter", help="Afterwards: play 1 kHz at -12 dBFS and ask for the volts at each output.")
    ] = False,
    volts: Annotated[
        str | None, typer.Option(metavar="V,V", help="Afterwards: RMS volts of that tone, read before.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: all cables are in place.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Measure the interface alone by a cable from each output to its input; later sessions take it off.

    Example: tape calibrate --device "Scarlett 2i2" --outputs 1,2 --inputs 1,2

    Example: tape calibrate --device "Scarlett 2i2" --meter
    """
    from capture import terminal
    from capture.calibration import read_channels, summary
    from capture.full_scale import read_volts, with_volts
    from sessions.calibration import keep
    from sessions.manifest import to_json

    sent, returned = read_channels(outputs, "outputs"), read_channels(inputs, "inputs")
    if len(sent) != len(returned):
        raise UsageError(f"--outputs {outputs} and --inputs {inputs} make no pairs; name an input for each output")
    reading = None if volts is None else read_volts(volts, len(sent))
    if reading is None and yes and meter:
        raise UsageError("--meter asks for the volts and --yes asks nothing; leave one out, or give the volts with --volts")
    if reading is None and not yes and not sys.stdin.isatty():
        raise UsageError("nobody can be asked here; run this in a terminal, or put all cables in and add --yes")
    loops = _open(device, rate, sent, returned)
    with terminal.Conversation(asking=not yes, quiet=as_json and yes) as talk:
        if reading is None and not meter:
            made = _looped(talk, loops)
        else:
            known = _known(loops)
            made = with_volts(known, reading or _read_meter(talk, loops))
    path = keep(made)
    if as_json:
        sys.stdout.write(to_json(made))
        return
    for line in summary(made):
        terminal.say(line)
    terminal.say(f"kept: {path}")


def _open(device: str, rate: int, outputs: tuple[int, ...], inputs: tuple[int, ...]) -> "Loops":
    from capture.calibration import Loops
    from capture.recorder import PortAudioDevice

    if device.partition(":")[0] == "virtual":
        raise DeviceError(
            f"'{device}' is no audio interface and has nothing to calibrate; 'tape devices' lists the interfaces."
        )
    opened = PortAudioDevice(device, rate, [number - 1 for number in outputs], [number - 1 for number in inputs])
    return Loops(opened, outputs, inputs)


def _looped(talk: "Conversation", loops: "Loops") -> "Calibration":
    from capture.calibration import calibrate as measured

    def connect(output: int, input_: int) -> None:
        talk.step(
            f"Output {output} to input {input_}",
            [
                f"Connect output {output} of '{loops.device.name}' to its input {input_} with a cable, and nothing else to either.",
                "Input at line level, direct monitoring off, no effects; gains as you will use them.",
                "Monitors and headphones down: a loud sweep is played.",
            ],
            "Press Enter when the cable is in.",
        )

    return measured(loops, connect, talk.progress)


def _known(loops: "Loops") -> "Calibration":
    from sessions.calibration import find_exact

    found = find_exact(loops.device.name, loops.device.sample_rate, loops.pairs)
    if found is None:
        raise SessionError(
            f"'{loops.device.name}' has not been calibrated at {loops.device.sample_rate} Hz with these outputs and inputs;"
            " run 'tape calibrate' with the cables first, then add the voltage."
        )
    return found


def _read_meter(talk: "Conversation", loops: "Loops") -> tuple[float, ...]:
    """Play the tone until the voltage at every output has been typed."""
    from capture.full_scale import LONGEST_S, TONE_DBFS, TONE_HZ, MeterTone, read_voltage

    typed: list[float] = []
    trouble: list[UsageError] = []

    def voltage(output: int) -> float:
        while True:
            said = talk.answer(f"Volts RMS at output {output}:").strip()
            try:
                return read_voltage(said)
            except UsageError as error:
                talk.say(str(error), "yellow")

    def ask() -> None:
        try:
            typed.extend(voltage(output) for output in loops.outputs)
        except UsageError as error:
            trouble.append(error)

    talk.step(
        "Full scale in volts",
        [
            "Take the cable off the outputs. Set a multimeter to AC volts.",
            f"Monitors and headphones down: every output plays {TONE_HZ:g} Hz at {TONE_DBFS:g} dBFS.",
            "Measure between tip and ring of a balanced output, between tip and sleeve of an unbalanced one.",
        ],
        "Press Enter for the tone.",
    )
    rate, wanted = loops.device.sample_rate, len(loops.outputs)
    tone = MeterTone(rate, wanted, round(LONGEST_S * rate))
    # The tone is played from this thread, so that Ctrl-C ends it; whoever types is waited for beside it.
    Thread(target=ask, daemon=True).start()
    loops.device.run(tone, lambda block: None, 0.0, lambda: bool(trouble) or len(typed) == wanted)
    if trouble:
        raise trouble[0]
    if len(typed) < wanted:
        raise UsageError(
            f"the tone has ended after {LONGEST_S / 60.0:g} minutes; read again, or give the volts with --volts"
        )
    return tuple(typed)
