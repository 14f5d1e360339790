"""The gate of PortAudio: which interfaces there are, what they can do, and a stream through one.

PortAudio sees what is there when it is initialised, and hangs for good when its server dies. So it is never loaded into the
process that holds the session: what it is asked here is asked in a process of its own, which sees what is there now.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import numpy as np

from capture.child import Child, GoneError, tell
from capture.interfaces import Duplex, Interface, choose
from signals.errors import DeviceError

RATES = (44_100, 48_000, 88_200, 96_000, 192_000)
"""Sample rates in Hz that an interface is asked for."""
SESSION_RATES = RATES[1:]
"""Those that a session may have: 44.1 kHz leaves no room above 20 kHz for what a deck does there."""

BLOCK_SAMPLES = 1024
LEAST_LATENCY_S = 0.2
"""Latency is measured and taken off, so the safest is best: with the default of the host API, PulseAudio silently garbles."""

ANSWER_S = 20.0
"""How long a question may take: every interface is opened once for each rate."""

NOT_SO = (-9997, -9998)
"""What PortAudio answers when it can be asked for something else: invalid sample rate, invalid number of channels. Whatever else it
says (the interface is in use, or gone) is no answer to the question."""

Callback = Callable[[np.ndarray, np.ndarray, int, str], None]


def interfaces() -> list[Interface]:
    """What PortAudio finds now, each asked for the rates it can be opened at.

    Raises
    ------
    DeviceError
        The PortAudio library is missing, or does not answer.
    """
    found: list[Interface] = _ask(_with_rates)
    return found


def settle(device: str, sample_rate: int, outputs: Sequence[int], inputs: Sequence[int]) -> Duplex:
    """Find the interface that a user means, and see that it can do what is asked of it.

    Parameters
    ----------
    device : str
        As :func:`capture.interfaces.choose` takes it.
    sample_rate : int
        One of :data:`SESSION_RATES`.
    outputs, inputs : sequence of int
        Channels of the interface, from 0.

    Raises
    ------
    DeviceError
        There is no such interface, or it cannot do that: value, limit, remedy.
    """
    if sample_rate not in SESSION_RATES:
        known = ", ".join(f"{rate}" for rate in SESSION_RATES)
        raise DeviceError(f"{sample_rate} Hz is no sample rate of a session; use one of {known} Hz with --rate.")
    found: Duplex = _ask(_settle, device, sample_rate, tuple(outputs), tuple(inputs))
    return found


def _ask(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of this module returns in a process of its own."""
    with Child(_answer, work, arguments) as child:
        try:
            answer = child.receive(ANSWER_S)
        except GoneError:
            raise DeviceError(
                "The sound system ended the process that asked it; restart its server and try again."
            ) from None
    if answer is None:
        raise DeviceError(
            f"The sound system has not answered for {ANSWER_S:.0f} s; unplug the interface or restart the sound server,"
            " and try again."
        )
    return answer


# What follows runs in a process of its own.


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        tell(pipe, work(*arguments))
    finally:
        if "sounddevice" in sys.modules:  # say goodbye: a sound server may wait for a client that is merely gone
            _library()._terminate()


def _library() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            f"The PortAudio library, by which interfaces are reached, cannot be loaded ({error}); install it:"
            " apt-get install libportaudio2"
        ) from error
    except Exception as error:  # its own kind, which is not there when the import fails
        raise DeviceError(
            f"The sound system cannot be reached ({_line(error)}); restart the sound server, and mend what is wrong in"
            " .asoundrc where there is one."
        ) from error
    module: ModuleType = sounddevice
    return module


def _listed() -> list[Interface]:
    sd = _library()
    apis = sd.query_hostapis()
    default_input, default_output = sd.default.device
    return [
        Interface(
            index=index,
            name=entry["name"],
            host_api=apis[entry["hostapi"]]["name"],
            inputs=entry["max_input_channels"],
            outputs=entry["max_output_channels"],
            default_input=index == default_input,
            default_output=index == default_output,
            default_rate_hz=entry["default_samplerate"],
        )
        for index, entry in enumerate(sd.query_devices())
    ]


def _with_rates() -> list[Interface]:
    return [_with_its_rates(entry) for entry in _listed()]


def _with_its_rates(entry: Interface) -> Interface:
    try:
        return replace(entry, rates=_rates(Duplex(entry, entry), entry.outputs, entry.inputs))
    except DeviceError as error:  # one that is in use does not hide the others
        return replace(entry, refusal=_line(error.__cause__ or error))


def _rates(duplex: Duplex, outputs: int, inputs: int) -> tuple[int, ...]:
    """The rates at which so many channels can be opened."""
    return tuple(rate for rate in RATES if _opens(duplex, outputs, inputs, rate))


def _opens(duplex: Duplex, outputs: int, inputs: int, rate: int) -> bool:
    sd = _library()
    for check, entry, channels in (
        (sd.check_input_settings, duplex.recording, inputs),
        (sd.check_output_settings, duplex.playing, outputs),
    ):
        with _refusals(sd, duplex.name, rate):
            try:
                if channels:
                    check(entry.index, channels, "float32", _settings(entry), rate)
            except sd.PortAudioError as error:
                if error.args[1:] and error.args[1] in NOT_SO:
                    return False
                raise
    return True


def _settle(device: str, sample_rate: int, outputs: Sequence[int], inputs: Sequence[int]) -> Duplex:
    duplex = choose(device, _listed())
    for what, wanted, has in (
        ("output", outputs, duplex.playing.outputs),
        ("input", inputs, duplex.recording.inputs),
    ):
        if not wanted or min(wanted) < 0 or len(set(wanted)) < len(wanted):
            said = ", ".join(str(channel + 1) for channel in wanted) or "none"
            raise DeviceError(f"Channels {said} cannot be the {what}s; name one or more from 1 on, each once.")
        if max(wanted) >= has:
            raise DeviceError(
                f"'{duplex.name}' has {has} {what}(s) and {what} {max(wanted) + 1} was asked for; name others with --{what}s"
                " or choose another interface with --device."
            )
    channels = max(outputs) + 1, max(inputs) + 1
    if not _opens(duplex, *channels, sample_rate):
        offered = _rates(duplex, *channels)
        runs = "at " + ", ".join(f"{rate}" for rate in offered) + " Hz" if offered else "at no rate that is known here"
        raise DeviceError(
            f"'{duplex.name}' does not run at {sample_rate} Hz but {runs}; choose one of its rates with --rate, or set the"
            " interface or its server to another."
        )
    return duplex


def _settings(entry: Interface) -> Any:
    """Core Audio would resample where the interface is set to another rate, and say nothing."""
    if entry.host_api != "Core Audio":
        return None
    return _library().CoreAudioSettings(change_device_parameters=True, fail_if_conversion_required=True)


def start_stream(duplex: Duplex, sample_rate: int, outputs: int, inputs: int, callback: Callback) -> Any:
    """Start a stream of 32-bit floats.

    Parameters
    ----------
    duplex : Duplex
        What to open.
    sample_rate : int
        Sample rate in Hz.
    outputs, inputs : int
        Number of channels, from the first on.
    callback : callable
        Is given input and output, shape ``(samples, channels)``, the number of samples, and the faults that PortAudio reports
        with the block, in words; it counts among them a block that is merely late.

    Raises
    ------
    DeviceError
        The interface is no longer there, or PortAudio refuses.
    """
    sd = _library()
    recording, playing = _now(duplex.recording), _now(duplex.playing)

    def relay(indata: np.ndarray, outdata: np.ndarray, frames: int, time: Any, status: Any) -> None:
        callback(indata, outdata, frames, str(status) if status else "")

    slow = (
        sd.query_devices(recording.index)["default_high_input_latency"],
        sd.query_devices(playing.index)["default_high_output_latency"],
    )
    with _refusals(sd, duplex.name, sample_rate):
        stream = sd.Stream(
            samplerate=sample_rate,
            blocksize=BLOCK_SAMPLES,
            device=(recording.index, playing.index),
            channels=(inputs, outputs),
            dtype="float32",
            latency=max(LEAST_LATENCY_S, *slow),
            extra_settings=(_settings(recording), _settings(playing)),
            callback=relay,
        )
        stream.start()
    return stream


def end_stream(stream: Any) -> None:
    """Stop a stream and say goodbye to the sound server; neither returns when the server is dead."""
    stream.close()
    _library()._terminate()


def _now(known: Interface) -> Interface:
    """The same entry in this process's list, where it may have another number."""

    def identity(entry: Interface) -> tuple[object, ...]:
        return entry.name, entry.host_api, entry.inputs, entry.outputs

    same = [entry for entry in _listed() if identity(entry) == identity(known)]
    if not same:
        raise DeviceError(f"'{known.name}' is no longer there; plug it in or start its server, and try again.")
    return min(same, key=lambda entry: abs(entry.index - known.index))


@contextlib.contextmanager
def _refusals(sd: ModuleType, name: str, sample_rate: int) -> Iterator[None]:
    try:
        yield
    except (sd.PortAudioError, ValueError) as error:
        raise DeviceError(
            f"'{name}' cannot be opened at {sample_rate} Hz ({_line(error)}); close other programs that use it,"
            " and see what it offers with 'tape devices'."
        ) from error


def _line(error: BaseException) -> str:
    """What an error says, in one line."""
    return " ".join(str(error).split())
