"""Full scale of an interface in volts: a steady tone for a multimeter, and what its reading says.

A digital level means a voltage only once someone has measured it. The output's follows from one reading, the input's from that
and the gain of the loop: 0 dBu is 0.7746 V RMS, 1 mW in 600 ohms.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sessions.calibration import Calibration
from sessions.manifest import now, tool_version
from sessions.results import Result
from signals.errors import UsageError

TONE_HZ = 1000.0
TONE_DBFS = -12.0
LONGEST_S = 600.0
ZERO_DBU_V = float(np.sqrt(0.6))
PLAUSIBLE_DBU = (-40.0, 40.0)
METHOD = f"RMS voltage of a {TONE_HZ:g} Hz sine at {TONE_DBFS:g} dBFS, by multimeter, re 0.7746 V"
BY_LOOP = "full scale of the output less the gain of the loop"


@dataclass(frozen=True)
class MeterTone:
    """A steady tone on every channel, as :class:`signals.audio.AudioReader`: made as it is read."""

    sample_rate: int
    channels: int
    samples: int

    def read(self, start: int, stop: int) -> np.ndarray:
        """Samples ``start`` to ``stop``, shape ``(stop - start, channels)``."""
        # One second holds whole cycles, so the phase stays exact however long the tone lasts.
        phase = 2.0 * np.pi * TONE_HZ / self.sample_rate * (np.arange(start, stop) % self.sample_rate)
        wave = 10.0 ** (TONE_DBFS / 20.0) * np.sin(phase)
        return np.repeat(wave[:, None], self.channels, axis=1)


def read_volts(text: str, outputs: int) -> tuple[float, ...]:
    """Volts from a text such as ``1.23`` (for all outputs) or ``1.23,1.22``.

    Raises
    ------
    UsageError
        It cannot be read so, or a voltage cannot be that of a line output.
    """
    volts = tuple(read_voltage(part) for part in text.split(","))
    if len(volts) not in (1, outputs):
        raise UsageError(f"'{text}' holds {len(volts)} voltages for {outputs} output(s); give one for all or one each")
    return volts * outputs if len(volts) == 1 else volts


def read_voltage(text: str) -> float:
    """Volts from a text such as ``1.23``.

    Raises
    ------
    UsageError
        It cannot be read so, or cannot be that of a line output.
    """
    try:
        volts = float(text)
    except ValueError as error:
        raise UsageError(f"'{text}' is no voltage; write it in volts, such as 1.23") from error
    if not (volts > 0.0 and PLAUSIBLE_DBU[0] <= full_scale_dbu(volts) <= PLAUSIBLE_DBU[1]):
        raise UsageError(
            f"{volts:g} V at {TONE_DBFS:g} dBFS is beyond any line output; give the RMS volts read there, such as 1.23"
        )
    return volts


def full_scale_dbu(volts: float) -> float:
    """Level in dBu of a sine at full scale, from the RMS voltage of the tone."""
    return float(20.0 * np.log10(volts / ZERO_DBU_V)) - TONE_DBFS


def with_volts(calibration: Calibration, volts: Sequence[float]) -> Calibration:
    """The calibration with the full-scale levels of its outputs and inputs, in dBu.

    Parameters
    ----------
    volts : sequence of float
        RMS voltage of the tone at each output of the calibration, in its order.
    """
    known = [r for r in calibration.results if r.quantity not in {"output_full_scale", "input_full_scale"}]
    for (output, input_), one in zip(calibration.pairs, volts, strict=True):
        conditions: dict[str, str | int | float] = {"output": output, "input": input_}
        level = full_scale_dbu(one)
        known.append(Result(quantity="output_full_scale", value=level, unit="dBu", conditions=conditions, method=METHOD))
        gain = next(r.value or 0.0 for r in calibration.find("gain", output=output, input=input_))
        known.append(
            Result(quantity="input_full_scale", value=level - gain, unit="dBu", conditions=conditions, method=BY_LOOP)
        )
    return calibration.model_copy(update={"results": known, "created": now(), "tool_version": tool_version()})
