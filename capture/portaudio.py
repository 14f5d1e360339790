"""The gate of PortAudio: which interfaces there are, what they can do, and a stream through one.

PortAudio sees what is there when it is initialised, and hangs for good when its server dies. So it is never loaded into the
process that holds the session: what it is asked here is asked in a process of its own, which sees what is there now.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from multiprocessing.connection import Connection
from types import ModuleType
from typing import Any

import numpy as np

from capture.child import Child, Ended, tell
from capture.interfaces import Duplex, Interface, choose
from signals.errors import DeviceError

RATES = (48_000, 88_200, 96_000, 192_000)
"""Sample rates in Hz that a session may have."""

BLOCK_SAMPLES = 1024
LEAST_LATENCY_S = 0.2
"""Latency is measured and taken off, so the safest is best: with the default of the host API, PulseAudio silently garbles."""

FLAGS = ("input underflow", "input overflow", "output underflow", "output overflow")
"""Faults that PortAudio reports with a block; it counts among them a block that is merely late."""

Callback = Callable[[np.ndarray, np.ndarray, int, tuple[bool, ...]], None]

ANSWER_S = 20.0
"""How long a question may take: every interface is opened once for each rate."""

_INVALID_RATE, _INVALID_CHANNELS = -9997, -9998


def interfaces(rates: bool = True) -> list[Interface]:
    """What PortAudio finds now.

    Parameters
    ----------
    rates : bool
        Ask each for the sample rates it can be opened at; takes a moment with real interfaces.

    Raises
    ------
    DeviceError
        The PortAudio library is missing, or does not answer.
    """
    found: list[Interface] = _ask(_interfaces, rates)
    return found


def find(device: str) -> Duplex:
    """The interface that a user means, among those that are there now.

    Raises
    ------
    DeviceError
        As :func:`capture.interfaces.choose` and :func:`interfaces`.
    """
    return choose(device, interfaces(rates=False))


def require_fit(duplex: Duplex, sample_rate: int, outputs: Sequence[int], inputs: Sequence[int]) -> None:
    """Refuse what an interface cannot do; channels count from 0 here and from 1 in what is said.

    Raises
    ------
    DeviceError
        With the value asked for, the limit and the remedy.
    """
    if sample_rate not in RATES:
        known = ", ".join(f"{rate}" for rate in RATES)
        raise DeviceError(f"{sample_rate} Hz is no sample rate of a session; use one of {known} Hz.")
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
    offered: list[int] = _ask(_rates, duplex, max(outputs) + 1, max(inputs) + 1)
    if sample_rate not in offered:
        limit = " and ".join(f"{rate}" for rate in offered) or "none of the rates of a session"
        raise DeviceError(
            f"'{duplex.name}' does not run at {sample_rate} Hz but at {limit} (now {duplex.recording.default_rate_hz:.0f} Hz);"
            " choose one of its rates with --rate, or set the interface or its server to another."
        )


def _ask(work: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of this module returns in a process of its own."""
    with Child(_answer, work, arguments) as child:
        try:
            answer = child.receive(ANSWER_S)
        except Ended:
            raise DeviceError(
                "The sound system ended the process that asked it; restart its server and try again."
            ) from None
        if answer is None:
            raise DeviceError(
                f"The sound system has not answered for {ANSWER_S:.0f} s; unplug the interface or restart the sound server,"
                " and try again."
            )
        child.end()
        return answer[0]


# What follows runs in a process of its own.


def _answer(pipe: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    try:
        tell(pipe, (work(*arguments),))
    finally:
        terminate()


def _library() -> ModuleType:
    try:
        import sounddevice
    except OSError as error:
        raise DeviceError(
            f"The PortAudio library, by which interfaces are reached, cannot be loaded ({error}); install it:"
            " apt-get install libportaudio2"
        ) from error
    module: ModuleType = sounddevice
    return module


def terminate() -> None:
    """Say goodbye to the sound server, which may wait for a client that is merely gone."""
    if "sounddevice" in sys.modules:
        _library()._terminate()


def _interfaces(rates: bool) -> list[Interface]:
    sd = _library()
    apis = sd.query_hostapis()
    found = []
    for index, entry in enumerate(sd.query_devices()):
        api = apis[entry["hostapi"]]
        interface = Interface(
            index=index,
            name=entry["name"],
            host_api=api["name"],
            inputs=entry["max_input_channels"],
            outputs=entry["max_output_channels"],
            default_input=index == sd.default.device[0],
            default_output=index == sd.default.device[1],
            default_rate_hz=entry["default_samplerate"],
        )
        offered = tuple(_offered(interface, interface, interface.outputs, interface.inputs)) if rates else ()
        found.append(replace(interface, rates=offered))
    return found


def _rates(duplex: Duplex, outputs: int, inputs: int) -> list[int]:
    recording, playing = _now(duplex)
    return _offered(recording, playing, outputs, inputs)


def _offered(recording: Interface, playing: Interface, outputs: int, inputs: int) -> list[int]:
    """The rates at which so many channels can be opened."""
    sd = _library()
    offered = []
    for rate in RATES:
        try:
            for check, entry, channels in (
                (sd.check_input_settings, recording, inputs),
                (sd.check_output_settings, playing, outputs),
            ):
                if channels:
                    how = {"dtype": "float32", "samplerate": rate, "extra_settings": _settings(entry)}
                    check(device=entry.index, channels=channels, **how)
            offered.append(rate)
        except (sd.PortAudioError, ValueError):
            continue
    return offered


def _settings(entry: Interface) -> Any:
    """Core Audio would resample where the interface is set to another rate, and say nothing."""
    if entry.host_api != "Core Audio":
        return None
    return _library().CoreAudioSettings(change_device_parameters=True, fail_if_conversion_required=True)


def _now(duplex: Duplex) -> tuple[Interface, Interface]:
    """The same entries in this process's list, where they may have other numbers."""
    here = _interfaces(rates=False)
    found = []
    for entry in (duplex.recording, duplex.playing):
        same = [e for e in here if (e.name, e.host_api) == (entry.name, entry.host_api) and e.inputs >= entry.inputs]
        same = [e for e in same if e.outputs >= entry.outputs]
        if not same:
            raise DeviceError(f"'{entry.name}' is no longer there; plug it in or start its server, and try again.")
        found.append(min(same, key=lambda e: abs(e.index - entry.index)))
    return found[0], found[1]


def open_stream(
    duplex: Duplex, sample_rate: int, outputs: int, inputs: int, callback: Callback, finished: Callable[[], None]
) -> Any:
    """Open a stream of 32-bit floats, not yet started.

    Parameters
    ----------
    duplex : Duplex
        What to open.
    sample_rate : int
        Sample rate in Hz.
    outputs, inputs : int
        Number of channels, from the first on.
    callback : callable
        Is given input and output, shape ``(samples, channels)``, the number of samples, and which of :data:`FLAGS` are raised.
    finished : callable
        Is called when the stream ends, by whatever cause PortAudio notices.

    Raises
    ------
    DeviceError
        PortAudio refuses.
    """
    sd = _library()
    recording, playing = _now(duplex)

    def relay(indata: np.ndarray, outdata: np.ndarray, frames: int, time: Any, status: Any) -> None:
        raised = (status.input_underflow, status.input_overflow, status.output_underflow, status.output_overflow)
        callback(indata, outdata, frames, raised)

    try:
        high = [
            sd.query_devices(e.index)[f"default_high_{w}_latency"] for e, w in ((recording, "input"), (playing, "output"))
        ]
        return sd.Stream(
            samplerate=sample_rate,
            blocksize=BLOCK_SAMPLES,
            device=(recording.index, playing.index),
            channels=(inputs, outputs),
            dtype="float32",
            latency=max(LEAST_LATENCY_S, *high),
            extra_settings=(_settings(recording), _settings(playing)),
            callback=relay,
            finished_callback=finished,
        )
    except (sd.PortAudioError, ValueError) as error:
        code = error.args[1] if len(error.args) > 1 else None
        why = {_INVALID_RATE: f"it does not run at {sample_rate} Hz", _INVALID_CHANNELS: "it has fewer channels"}
        raise DeviceError(
            f"'{duplex.name}' cannot be opened for {inputs} input(s) and {outputs} output(s) at {sample_rate} Hz:"
            f" {why.get(code) or ' '.join(str(error).split())}; see 'tape devices', and close other programs that use it."
        ) from error
