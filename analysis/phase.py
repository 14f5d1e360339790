"""Track the delay of a signal of one moving frequency: a pilot, a test tone, a sweep.

The recording is multiplied by the conjugate of the phase that the sent signal would have on the time base known so far. What
is left turns slowly; low-passed and unwrapped, its phase over the momentary frequency is the correction to the delay. A tone
gives its delay up to whole cycles, which :func:`resolve_cycles` settles with known moments.

References
----------
D. Rife, R. Boorstyn, "Single-tone parameter estimation from discrete-time observations", IEEE Trans. Inf. Theory 20(5), 1974:
the bound sd(d) = sqrt(2 N0 B) / (2 pi f A), which this tracker reaches.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np
from scipy.ndimage import binary_dilation
from scipy.signal import firwin

from analysis.pipeline import pipelined
from analysis.timebase import Timebase, on_samples
from signals.audio import AudioReader
from signals.cues import Cue
from signals.markers import GUARD
from signals.sweeps import Sweep

BLOCK_S = 20.0
FADED_DB = -20.0  # so far below its usual amplitude the tone counts as lost
USUAL_PERCENTILE = 90.0  # of the amplitude: the tone may be lost most of the time
BESIDE_LOSS_S = 0.02  # how much of either side tells the speed over a loss
DROWNED_S, DROWNED = (
    0.05,
    0.4,
)  # for so long the noise of the band has more than this share of the power in it: the tone is lost
LEAST_CYCLES = 1e-9  # of doubt: a trajectory that is a straight line by rule has none
LEAST_SD_S = 1e-6
RESPONSE_SD_RAD = 5e-3  # phase of the response as the programme tells it
Law = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Readings:
    """Readings of a delay trajectory.

    Attributes
    ----------
    time_s : ndarray, shape (points,)
        Output time.
    delay_s, variance : ndarray, shape (points,)
        Delay, and variance of each reading in s^2; infinite where the signal was lost.
    amplitude : ndarray, shape (points,)
        Amplitude of the signal in the recording.
    """

    time_s: np.ndarray
    delay_s: np.ndarray
    variance: np.ndarray
    amplitude: np.ndarray

    @property
    def step_s(self) -> float:
        """Spacing of readings on a uniform grid: whole samples, and so not quite what was asked for at every rate."""
        return float((self.time_s[-1] - self.time_s[0]) / (self.time_s.size - 1))


def phase_law(cue: Cue, sample_rate: int) -> tuple[Law, Law]:
    """Phase in radians and frequency in Hz of a tone, pilot, sweep or guard, as functions of input time in seconds."""
    start_s = cue.start_samples / sample_rate
    if cue.kind == "guard":
        return (lambda t: GUARD.phase(t - start_s)), (lambda t: GUARD.frequency_hz(t - start_s))
    if cue.kind == "sweep":
        sweep = Sweep(cue.number("low_hz"), cue.number("high_hz"), cue.number("rate_s"))
        return (lambda t: sweep.phase(t - start_s)), (lambda t: sweep.frequency_hz(t - start_s))
    frequency_hz = cue.number("frequency_hz")
    return (lambda t: 2.0 * np.pi * frequency_hz * (t - start_s)), (lambda t: np.full(np.shape(t), frequency_hz))


def track(
    audio: AudioReader,
    channel: int,
    law: tuple[Law, Law],
    timebase: Timebase,
    input_span_s: tuple[float, float],
    bandwidth_hz: float,
    step_s: float,
    harmonic: int = 1,
    faded_db: float = FADED_DB,
) -> Readings:
    """Readings of the delay over a span of input time.

    Parameters
    ----------
    law : tuple of callables
        Phase and frequency of the signal sent, from :func:`phase_law`.
    timebase : Timebase
        What is known of the delay; right within about ``bandwidth_hz / (3 f)`` in speed.
    input_span_s : tuple of float
        Where in the stimulus the signal stands.
    bandwidth_hz : float
        One-sided bandwidth of the tracker; flutter up to here is followed.
    step_s : float
        Spacing of the readings, rounded to whole samples; at most ``0.4 / bandwidth_hz``.
    harmonic : int
        Order of the harmonic to demodulate instead of the signal itself.
    faded_db : float
        So far below its usual amplitude the signal counts as lost.

    Returns
    -------
    Readings
        The delay is right up to a whole number of cycles.
    """
    rate = audio.sample_rate
    stride = max(1, round(step_s * rate))
    taps = _low_pass(bandwidth_hz, rate)
    half = taps.size // 2
    beside = _low_pass(2.0 * bandwidth_hz, rate, half) - taps
    first = round(float(timebase.output_time(input_span_s[0])) * rate)
    last = round(float(timebase.output_time(input_span_s[1])) * rate)
    block = max(stride, round(BLOCK_S * rate) // stride * stride)
    filters = np.stack((taps, beside))

    def read(start: int) -> tuple[int, np.ndarray]:
        return start, np.ascontiguousarray(audio.read(start - half, min(start + block, last) + half)[:, channel])

    def demodulate(heard: tuple[int, np.ndarray]) -> np.ndarray:
        start, signal = heard
        expected = on_samples(lambda t: law[0](timebase.input_time(t)), start - half, start - half + signal.size, rate)
        return _demodulated(signal, expected * harmonic, filters, stride)

    z, outside = np.concatenate(list(pipelined(range(first, last, block), read, demodulate)), axis=1)
    time = (first + stride * np.arange(z.size)) / rate
    amplitude = np.abs(z)
    # The noise just beside the band tells that inside; its power is exponentially distributed, and half is in quadrature.
    share = float(np.sum(taps**2) / np.sum(beside**2))
    quadrature = 0.5 * share * float(np.median(outside.real**2 + outside.imag**2)) / np.log(2.0)
    present = amplitude > 10.0 ** (faded_db / 20.0) * np.percentile(amplitude, USUAL_PERCENTILE)
    if (
        float(np.min(law[1](np.array(input_span_s)))) * harmonic > 2.0 * bandwidth_hz
    ):  # else its image stands beside the band
        present &= ~_drowned(amplitude**2, share * np.abs(outside) ** 2, stride / rate)
    angle = _unwrapped(time[present], np.angle(z[present]), stride / rate)
    phase = np.interp(time, time[present], angle) if angle.size else np.zeros(time.size)
    input_time = timebase.input_time(time)
    frequency = law[1](input_time) * harmonic
    # The phase says how much later in the stimulus we are than the time base thought; the delay is that much smaller.
    delay = time - input_time - phase / (2.0 * np.pi * frequency)
    variance = np.where(present, quadrature / (2.0 * np.pi * frequency * np.maximum(amplitude, 1e-12)) ** 2, np.inf)
    return Readings(time, delay, variance, amplitude)


@numba.njit(cache=True, fastmath=True, nogil=True)
def _demodulated(signal: np.ndarray, phase: np.ndarray, filters: np.ndarray, stride: int) -> np.ndarray:
    """Signal times the conjugate of exp(j (phase - pi/2)), twice, behind symmetric filters, at every stride-th sample.

    Returns
    -------
    ndarray, complex, shape (filters, points)
    """
    real, imaginary = np.empty(signal.size), np.empty(signal.size)
    for m in range(signal.size):
        real[m] = 2.0 * signal[m] * np.sin(phase[m])
        imaginary[m] = 2.0 * signal[m] * np.cos(phase[m])
    taps = filters.shape[1]
    points = (signal.size - taps + stride) // stride
    out = np.empty((filters.shape[0], points), dtype=np.complex128)
    for f in range(filters.shape[0]):
        for p in range(points):
            first = p * stride
            a, b = 0.0, 0.0
            for k in range(taps):
                a += filters[f, k] * real[first + k]
                b += filters[f, k] * imaginary[first + k]
            out[f, p] = complex(a, b)
    return out


def _drowned(inside: np.ndarray, noise: np.ndarray, step_s: float) -> np.ndarray:
    """Readings in or beside a stretch whose power is mostly that of noise, shape (points,): there cycles are lost."""
    length = min(inside.size, max(1, round(DROWNED_S / step_s)))
    count = inside.size // max(1, length)
    if not count:
        return np.zeros(inside.size, dtype=bool)
    heard, beside = (np.median(x[: count * length].reshape(count, length), axis=1) for x in (inside, noise))
    lost = binary_dilation(beside > DROWNED * heard)
    return np.asarray(lost[np.minimum(np.arange(inside.size) // length, count - 1)])


def _unwrapped(time_s: np.ndarray, angle: np.ndarray, step_s: float) -> np.ndarray:
    """Phase without jumps; over a loss in the cycle that the speed on both sides of it points to."""
    angle = np.unwrap(angle)
    count = max(2, round(BESIDE_LOSS_S / step_s))
    for i in np.flatnonzero(np.diff(time_s) > 1.5 * step_s):
        slopes = [
            np.polyfit(time_s[part], angle[part], 1)[0]
            for part in (slice(max(0, i + 1 - count), i + 1), slice(i + 1, i + 1 + count))
            if time_s[part].size > 1
        ]
        expected = np.mean(slopes or [0.0]) * (time_s[i + 1] - time_s[i])
        angle[i + 1 :] += 2.0 * np.pi * np.round((expected - angle[i + 1] + angle[i]) / (2.0 * np.pi))
    return angle


def resolve_cycles(readings: Readings, frequency_hz: float, known_time_s: np.ndarray, known_delay_s: np.ndarray) -> Readings:
    """Shift a tone's readings by the whole number of cycles that brings them nearest to delays known at some moments.

    Half cycles count too, as a deck may invert: the delay is then that of the inverted tone.
    """
    offset = np.median(known_delay_s - np.interp(known_time_s, readings.time_s, readings.delay_s))
    cycle = 0.5 / frequency_hz
    return Readings(
        readings.time_s, readings.delay_s + np.round(offset / cycle) * cycle, readings.variance, readings.amplitude
    )


def freed(
    found: Readings,
    frequency_law: Law,
    base: Timebase,
    response: tuple[np.ndarray, np.ndarray] | None,
    timed_hz: tuple[float, float] = (0.0, np.inf),
    sure_cycles: float = np.inf,
) -> Readings:
    """Readings without the delay of the response, in the whole cycle that a known trajectory points to.

    Parameters
    ----------
    frequency_law : callable
        Frequency of the signal sent, from :func:`phase_law`.
    base : Timebase
        What is known of the delay.
    response : (ndarray, ndarray) or None
        Frequencies in Hz, and the complex response at them.
    timed_hz : (float, float)
        Frequencies whose phase tells time; elsewhere the variance is infinite.
    sure_cycles : float
        Where the base is in doubt by more cycles all along, nothing is told: all variances are infinite.
    """
    input_time = base.input_time(found.time_s)
    frequency = frequency_law(input_time)
    delay = found.delay_s - (0.0 if response is None else _response_delay(*response, frequency))
    variance = found.variance + LEAST_SD_S**2 + (RESPONSE_SD_RAD / (2.0 * np.pi * frequency)) ** 2
    sure = np.isfinite(found.variance) & (frequency >= timed_hz[0]) & (frequency <= timed_hz[1])
    # Moments at which the trajectory is known well decide; in a sweep or chirp a cycle is longest where it is low.
    doubt = np.maximum(base.sd(input_time) * frequency, LEAST_CYCLES)
    if not sure.any() or np.min(doubt[sure]) > sure_cycles:
        return Readings(found.time_s, delay, np.full(delay.size, np.inf), found.amplitude)
    weight = sure / doubt**2
    apart = (found.time_s - input_time - delay) * frequency
    cycles = np.round(np.sum(weight * apart) / np.sum(weight))
    return Readings(found.time_s, delay + cycles / frequency, np.where(sure, variance, np.inf), found.amplitude)


def _response_delay(known_hz: np.ndarray, response: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Delay of a response at given frequencies, up to one number of whole cycles."""
    phase = np.interp(frequency_hz, known_hz, np.unwrap(np.angle(response)))
    return -phase / (2.0 * np.pi * frequency_hz)


def noise_bandwidth_hz(bandwidth_hz: float, sample_rate: int) -> float:
    """Bandwidth of white noise in the readings: variance over this is the one-sided power density of their error."""
    return 0.5 * sample_rate * float(np.sum(_low_pass(bandwidth_hz, sample_rate) ** 2))


def _low_pass(bandwidth_hz: float, rate: int, half: int | None = None) -> np.ndarray:
    """Linear-phase low-pass of unit gain; -6 dB at the bandwidth, without ringing that could swing a dropout through zero."""
    length = half if half is not None else round(1.6 * rate / bandwidth_hz)
    return firwin(2 * length + 1, bandwidth_hz, window=("kaiser", 6.0), fs=rate)
