"""Calibrate an interface: a cable from each output to its input, and what comes back measured on the bench of the decks.

One output plays at a time, so that one cable is enough, and a swapped one is noticed by where the sound comes back. The latency
is measured and never asked for; it must be the same from beginning to end of a pass. The beginning of the stimulus is played
by itself first: a cable that is missing is noticed at once, and the interface is opened anew for the whole, which tells by how
much the latency differs from one opening to the next.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from analysis import loopback
from analysis.loopback import Arrivals
from capture.device import Device, StreamFacts
from capture.recognition import SILENCE
from sessions.calibration import Calibration, Pair
from sessions.manifest import now, tool_version
from sessions.results import Curve, Result
from signals.audio import AudioReader
from signals.cues import CueSheet
from signals.errors import DeviceError, SignalError, UsageError
from signals.levels import peak_dbfs
from signals.scope import Scope
from signals.stimulus import StimulusAudio, plan

LOOP = Scope(
    wow_flutter_s=0.5,  # nothing flutters here; a stimulus has the tone all the same
    ladder_hz=(1000.0, 315.0),
    levels_db=(-18.0, -6.0, 0.0, 6.0, 12.0, 17.0),  # to -1 dBFS
    step_s=0.4,
    sweep_levels_db=(12.0,),  # a loud one stands clear of noise, and a line input is far from its limit
    sweep_s=6.0,  # a shorter one ripples below 30 Hz
    silence_s=2.5,
    impulses_s=0.2,
    pieces=(),
)
TAIL_S = 1.0
LEAST_MATCH = 0.5  # a loop reaches 0.8 with a few milliseconds of ringing, hum and hiss stay below 0.1
CLIPPED = 0.999
STEADY_SAMPLES = 0.25  # one clock: noise and the slopes of a response make a few hundredths
SETTLED_SAMPLES = 0.05
NOTHING_DBFS = -180.0
"""A loop in the digital domain returns zeros, which the bench states as -200 dB re the tone; 32-bit float has no noise there."""

Connect = Callable[[int, int], None]
Tell = Callable[[str, float | None], None]


@dataclass(frozen=True)
class OneOutput:
    """A stimulus of one channel, or its beginning, on one output; silence on the others."""

    audio: AudioReader
    channel: int
    channels: int
    samples: int

    @property
    def sample_rate(self) -> int:
        """Sample rate in Hz."""
        return self.audio.sample_rate

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``."""
        out = np.zeros((stop - start, self.channels))
        end = min(stop, self.samples)
        if start < end:
            out[: end - start, self.channel] = self.audio.read(start, end)[:, 0]
        return out


@dataclass(frozen=True)
class Loops:
    """A device and the numbers, from 1 as on the box, of the outputs and inputs behind its channels."""

    device: Device
    outputs: tuple[int, ...]
    inputs: tuple[int, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """Output and input of every loop."""
        return tuple(zip(self.outputs, self.inputs, strict=True))


def read_channels(text: str, what: str) -> tuple[int, ...]:
    """Channel numbers from a text such as ``1,2``.

    Raises
    ------
    UsageError
        It cannot be read so, or names a channel twice or one below 1.
    """
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError(f"--{what} '{text}' is no list of channels; write it as 1,2") from error
    if min(numbers) < 1 or len(set(numbers)) != len(numbers):
        raise UsageError(f"--{what} '{text}': channels are numbered from 1, each once; write it as 1,2")
    return numbers


def calibrate(loops: Loops, connect: Connect = lambda o, i: None, tell: Tell = lambda what, part: None) -> Calibration:
    """Measure an interface by loops from its outputs to its inputs.

    Parameters
    ----------
    loops : Loops
        The open device.
    connect : callable
        Is called with the numbers of output and input before each loop, and returns when the cable is in.
    tell : callable
        Is told in words what is being done, and which part of it has been done.

    Raises
    ------
    SignalError
        No cable, the wrong one, clipping, a latency that moves.
    DeviceError
        The device cannot be opened, was lost, or lost samples.
    StimulusError
        The rate is below 48 kHz.
    """
    sheet = plan(session="calibration", sample_rate=loops.device.sample_rate, tracks=(1,), scope=LOOP)
    audio = StimulusAudio(sheet)
    beginning = sheet.of_kind("marker_start")[0].stop_samples
    results: list[Result] = []
    curves: list[Curve] = []
    for number, pair in enumerate(loops.pairs):
        connect(*pair)
        _, first = _loop(loops, sheet, number, beginning, tell)
        heard, arrived = _loop(loops, sheet, number, audio.samples, tell)
        tell(f"measuring output {pair[0]} to input {pair[1]}", None)
        more_results, more_curves = loopback.measure(heard, sheet, number, arrived, pair)
        results += [_told_of_openings(r, arrived.delay - first.delay, sheet.sample_rate) for r in more_results]
        curves += more_curves
    return Calibration(
        session="calibration",
        tool_version=tool_version(),
        created=now(),
        results=results,
        curves=curves,
        interface=loops.device.name,
        sample_rate=sheet.sample_rate,
        outputs=loops.outputs,
        inputs=loops.inputs,
        reference_dbfs=sheet.reference_dbfs,
    )


def _loop(loops: Loops, sheet: CueSheet, number: int, samples: int, tell: Tell) -> tuple[np.ndarray, Arrivals]:
    """Play the stimulus, or its beginning, to one output; what all inputs heard, shape (samples, inputs), and when."""
    output, input_ = loops.pairs[number]
    what = "trying" if samples < sheet.samples else "playing"
    audio = OneOutput(StimulusAudio(sheet), number, len(loops.outputs), samples)
    total = samples + round(TAIL_S * sheet.sample_rate)
    blocks: list[np.ndarray] = []
    arrived = 0

    def sink(block: np.ndarray) -> None:
        nonlocal arrived
        blocks.append(np.array(block, dtype=np.float32))
        arrived += block.shape[0]
        tell(f"{what}: output {output} to input {input_}", min(1.0, arrived / total))

    facts = loops.device.run(audio, sink, TAIL_S)
    _require_whole(facts, loops.device.name, sheet.sample_rate)
    heard = np.concatenate(blocks)
    return heard, _examined(audio, heard, sheet, loops, number)


def _require_whole(facts: StreamFacts, name: str, rate: int) -> None:
    if facts.lost:
        lost = sum(gap.length_samples for gap in facts.lost)
        raise DeviceError(
            f"'{name}' lost {lost} samples, the first at {facts.lost[0].start_samples / rate:.1f} s; close other programs, or "
            "give the interface a larger buffer, and calibrate again"
        )


def _delays(audio: OneOutput, heard: np.ndarray, sheet: CueSheet, input_channel: int) -> Arrivals:
    sent = audio.read(0, audio.samples)[:, audio.channel]
    return loopback.arrivals(sent, heard[:, input_channel].astype(float), sheet)


def _examined(audio: OneOutput, heard: np.ndarray, sheet: CueSheet, loops: Loops, number: int) -> Arrivals:
    """Arrivals of a loop that is fit to be measured."""
    output, input_ = loops.pairs[number]
    arrived = _delays(audio, heard, sheet, number)
    peak = float(np.max(np.abs(heard[:, number])))
    if peak >= CLIPPED:
        raise SignalError(
            f"input {input_} reaches {20.0 * np.log10(peak):+.1f} dBFS and is clipped; turn its gain down, so that a sine of "
            "full scale comes back below full scale, and calibrate again"
        )
    if arrived.match < LEAST_MATCH:
        raise SignalError(_missing(audio, heard, sheet, loops, number))
    rate = sheet.sample_rate
    if arrived.spread_s * rate > STEADY_SAMPLES:
        least, most = arrived.delay_s.min() * rate, arrived.delay_s.max() * rate
        raise SignalError(
            f"the latency from output {output} to input {input_} moves from {least:.1f} to {most:.1f} samples within a pass, "
            f"{STEADY_SAMPLES:g} are allowed; let output and input run on one clock, with no effect between, and calibrate again"
        )
    return arrived


def _missing(audio: OneOutput, heard: np.ndarray, sheet: CueSheet, loops: Loops, number: int) -> str:
    """Why what was sent did not come back where it should."""
    output, input_ = loops.pairs[number]
    others = [k for k in range(heard.shape[1]) if k != number]
    elsewhere = [k for k in others if _delays(audio, heard, sheet, k).match >= LEAST_MATCH]
    if elsewhere:
        found = loops.inputs[elsewhere[0]]
        return (
            f"what output {output} plays comes back at input {found} and not at input {input_}; swap the cables, or name the "
            f"inputs in the order of the outputs with --inputs"
        )
    peak = peak_dbfs(heard[:, number])
    if peak < 20.0 * np.log10(SILENCE):
        return (
            f"input {input_} is silent ({peak:.0f} dBFS at most) while output {output} plays; put a cable from output {output} "
            f"to input {input_} and turn the gain up"
        )
    return (
        f"input {input_} hears something ({peak:.0f} dBFS at most), but not what output {output} plays; put a cable from output "
        f"{output} to input {input_}, turn direct monitoring off and the levels up"
    )


def _told_of_openings(figure: Result, apart_s: float, rate: int) -> Result:
    """A latency that says by how much another opening of the interface changed it."""
    if figure.quantity != "interface_latency" or abs(apart_s) * rate <= SETTLED_SAMPLES:
        return figure
    note = f"differed by {abs(apart_s) * rate:.2f} samples when the interface was opened again"
    return figure.model_copy(update={"uncertainty": (figure.uncertainty or 0.0) + abs(apart_s), "note": note})


def summary(calibration: Calibration) -> list[str]:
    """What a calibration says, two or three lines for each loop."""
    return [line for pair in calibration.pairs for line in _lines(calibration, pair)]


def _lines(calibration: Calibration, pair: Pair) -> Iterator[str]:
    of_pair = [r for r in calibration.results if (r.conditions["output"], r.conditions["input"]) == pair]
    figures = {r.quantity: r for r in of_pair if "level_db" not in r.conditions}
    values = {quantity: r.value for quantity, r in figures.items() if r.value is not None}
    latency, noise_dbfs = values["interface_latency"], values.get("noise_a")
    in_time = f"latency {latency * calibration.sample_rate:.2f} samples ({1e3 * latency:.3f} ms)"
    yield f"output {pair[0]} to input {pair[1]}: {in_time}, gain {values['gain']:+.2f} dB"
    loudest = max((r for r in of_pair if r.quantity == "thd" and r.conditions["frequency_hz"] == 1000.0), key=_level)
    noise = "no noise at all" if noise_dbfs is None or noise_dbfs < NOTHING_DBFS else f"noise {noise_dbfs:.1f} dBFS (A)"
    thd = "below the noise" if loudest.value is None else f"{loudest.value:.2g} %"
    full_scale = ""
    if "output_full_scale" in values:
        full_scale = f", full scale {values['output_full_scale']:+.1f} dBu out, {values['input_full_scale']:+.1f} dBu in"
    yield f"  {noise}, THD {thd} at {_level(loudest) + calibration.reference_dbfs:g} dBFS{full_scale}"
    if figures["interface_latency"].note:
        yield f"  latency {figures['interface_latency'].note}"


def _level(figure: Result) -> float:
    return float(figure.conditions["level_db"])
