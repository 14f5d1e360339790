"""What a cable from an output of an interface to its input tells: the delay, to a fraction of a sample, and whose sound it is.

Sent and returned run on one clock, so segments from beginning to end of the stimulus must all be late by the same. The delay
of each is found by cross-correlation to the sample and then by the linear phase of the response from 400 Hz to 6 kHz, the rule
by which the bench states latency (see :mod:`analysis.programme`).
"""

from dataclasses import dataclass

import numpy as np

from analysis.programme import RECENTRE_HZ, linear_phase_delay
from signals.cues import CueSheet

REACH_S = 1.0
PAUSE_S = 0.05  # at least so long it is silent around a marker or sweep
CARRIED = 1e-3  # of the strongest bin: below, a segment has too little to say
BINS = 6000  # are plenty for one number


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
    X = np.fft.rfft(_within(sent[low:high], start - low, stop - low))
    Y = np.fft.rfft(returned[low + lag : high + lag])
    frequency = np.fft.rfftfreq(high - low, 1.0 / rate)
    power = np.abs(X) ** 2
    inside = (frequency >= RECENTRE_HZ[0]) & (frequency <= RECENTRE_HZ[1])
    kept = np.flatnonzero(inside & (power > CARRIED * np.max(power[inside])))
    kept = kept[:: max(1, kept.size // BINS)]
    response = Y[kept] / X[kept]
    fraction = linear_phase_delay(response, np.full(kept.size, 0.9), frequency[kept])
    return lag / rate + fraction, float(correlation[lag] / np.sqrt(energy)) if energy > 0.0 else 0.0


def _within(signal: np.ndarray, start: int, stop: int) -> np.ndarray:
    """The signal from start to stop, and silence around it."""
    out = np.zeros(signal.size)
    out[start:stop] = signal[start:stop]
    return out
