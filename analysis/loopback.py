"""What a cable from an output of an interface to its input tells: the delay, whose sound it is, and what the bench says.

Sent and returned run on one clock, so segments from beginning to end of the stimulus must all be late by the same. The delay
of each is found by cross-correlation to the sample and then by the linear phase of the response from 400 Hz to 6 kHz, the rule
by which the bench states latency (see :mod:`analysis.programme`).
"""

from dataclasses import dataclass

import numpy as np

from analysis.alignment import Alignment
from analysis.bench import measure_take
from analysis.findings import Measured
from analysis.interface import LATENCY
from analysis.locate import FoundTake
from analysis.take import Take
from analysis.timebase import Timebase
from analysis.transfer import RECENTRE_HZ, linear_phase_delay
from sessions.calibration import Pair
from sessions.results import Axis, Condition, Curve, Result
from signals.audio import ArrayAudio
from signals.cues import CueSheet

REACH_S = 1.0
PAUSE_S = 0.05  # at least so long it is silent around a marker or sweep
CARRIED = 1e-3  # of the strongest bin: below, a segment has too little to say
BINS = 6000  # are plenty for one number
NOT_OF_AN_INTERFACE = {
    "latency",
    "speed_error",
    "speed_drift",
    "mol_315",
    "sol_10k",
    "delay_trajectory",
    "speed_deviation",
    "dropouts_per_minute",
}
IN_DBFS = {"noise_a", "noise_itu468", "noise_ccir_rms", "hum", "modulation_noise", "noise_spectrum"}
GAIN = "fundamental of the 1 kHz tone at 0 dB, returned over sent"


@dataclass(frozen=True)
class Arrivals:
    """When the segments of a stimulus came back.

    Attributes
    ----------
    start_s : ndarray, shape (segments,)
        When each was sent.
    delay_s : ndarray, shape (segments,)
        How much later it came back.
    match : float
        Least normalised correlation of a segment, 0 to 1: 1 when nothing else came back.
    """

    start_s: np.ndarray
    delay_s: np.ndarray
    match: float

    @property
    def delay(self) -> float:
        """Delay in seconds: the middle one of the segments."""
        return float(np.median(self.delay_s))

    @property
    def spread_s(self) -> float:
        """Largest difference of two segments."""
        return float(np.ptp(self.delay_s))


def arrivals(sent: np.ndarray, returned: np.ndarray, sheet: CueSheet) -> Arrivals:
    """Delays of markers and sweeps of a stimulus that ends before the recording.

    Parameters
    ----------
    sent, returned : ndarray, shape (samples,)
        One channel each; `sent` may be the beginning of the stimulus only.

    Returns
    -------
    Arrivals
    """
    rate = sheet.sample_rate
    cues = [c for c in sheet.of_kind("marker_start", "sweep", "marker_end", channel=0) if c.stop_samples <= sent.size]
    found = [_arrival(sent, returned, cue.start_samples, cue.stop_samples, rate) for cue in cues]
    delay, match = np.array(found).T
    return Arrivals(np.array([cue.start_samples / rate for cue in cues]), delay, float(match.min()))


def _arrival(sent: np.ndarray, returned: np.ndarray, start: int, stop: int, rate: int) -> tuple[float, float]:
    """Delay of one segment in seconds, and how much of what came back is that segment."""
    part, heard = sent[start:stop], returned[start : stop + round(REACH_S * rate)]
    if not np.any(part) or heard.size < part.size or not np.any(heard):
        return 0.0, 0.0
    size = 1 << int(np.ceil(np.log2(part.size + heard.size)))
    product = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(part, size)), size)
    correlation = np.abs(product[: heard.size - part.size + 1])
    lag = int(np.argmax(correlation))
    energy = np.sum(part**2) * np.sum(heard[lag : lag + part.size] ** 2)
    pause = round(PAUSE_S * rate)
    low, high = max(0, start - pause), min(stop + pause, returned.size - lag)
    alone = np.zeros(high - low)
    alone[start - low : stop - low] = part
    X = np.fft.rfft(alone)
    Y = np.fft.rfft(returned[low + lag : high + lag])
    frequency = np.fft.rfftfreq(high - low, 1.0 / rate)
    power = np.abs(X) ** 2
    inside = (frequency >= RECENTRE_HZ[0]) & (frequency <= RECENTRE_HZ[1])
    kept = np.flatnonzero(inside & (power > CARRIED * np.max(power[inside])))
    kept = kept[:: max(1, kept.size // BINS)]
    response = Y[kept] / X[kept]
    fraction = linear_phase_delay(response, np.full(kept.size, 0.9), frequency[kept])
    return lag / rate + fraction, float(correlation[lag] / np.sqrt(energy)) if energy > 0.0 else 0.0


def measure(heard: np.ndarray, sheet: CueSheet, channel: int, arrived: Arrivals, pair: Pair) -> Measured:
    """One loop on the bench of the decks, in the terms of a calibration.

    Parameters
    ----------
    heard : ndarray, shape (samples, inputs)
        What came back while the stimulus was sent.
    channel : int
        Channel of it that belongs to this loop.
    arrived : Arrivals
        What :func:`arrivals` said of it.
    pair : (int, int)
        Output and input, from 1.
    """
    rate = sheet.sample_rate
    steady = Timebase.line(0.0, sheet.samples / rate, arrived.delay, arrived.delay)
    found = FoundTake(channel, float(arrived.start_s[0] + arrived.delay), 1.0, sheet.code, None)
    alignment = Alignment(0, channel, found, steady, "one clock, constant delay")
    conditions: dict[str, Condition] = {"output": pair[0], "input": pair[1]}
    without = tuple(cue for cue in sheet.cues if cue.parameters.get("purpose") != "wow_flutter")
    take = Take(ArrayAudio(heard, rate), sheet.model_copy(update={"cues": without}), alignment, conditions)
    results, curves = measure_take(take)
    zero_dbfs = 20.0 * np.log10(take.reference.heard or 1.0)
    gain_db = zero_dbfs - sheet.reference_dbfs
    doubt_s = arrived.spread_s + 0.01 / rate
    figures = [
        Result(
            quantity="interface_latency",
            value=arrived.delay,
            unit="s",
            uncertainty=doubt_s,
            conditions=conditions,
            method=LATENCY,
        ),
        Result(quantity="gain", value=gain_db, unit="dB", uncertainty=0.01, conditions=conditions, method=GAIN),
    ]
    own = (r for r in results if r.quantity not in NOT_OF_AN_INTERFACE and r.conditions.get("re") != "mol_315")
    figures += [_in_dbfs(r, zero_dbfs) for r in own]
    return figures, [_of_interface(c, zero_dbfs) for c in curves if c.quantity not in NOT_OF_AN_INTERFACE]


def _in_dbfs(figure: Result, zero_dbfs: float) -> Result:
    if figure.quantity not in IN_DBFS or figure.value is None:
        return figure
    return figure.model_copy(update={"value": figure.value + zero_dbfs, "unit": "dBFS"})


def _of_interface(one: Curve, zero_dbfs: float) -> Curve:
    """Noise in dBFS; the response re 1 kHz, and its phase without whole turns or an inversion, which `polarity` tells."""
    y = one.y.array
    if one.quantity in IN_DBFS:
        return one.model_copy(update={"y": Axis.of(one.y.name, one.y.unit.replace("dB", "dBFS"), y + zero_dbfs)})
    if one.quantity == "frequency_response":
        return one.model_copy(update={"y": Axis.of(one.y.name, one.y.unit, y - np.interp(1000.0, one.x.array, y))})
    if one.quantity == "phase_response":
        turned = 180.0 * np.round(np.interp(1000.0, one.x.array, y) / 180.0)
        return one.model_copy(update={"y": Axis.of(one.y.name, one.y.unit, y - turned)})
    return one
