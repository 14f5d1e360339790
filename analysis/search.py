"""Where in a recording a known signal lies, when there are no markers.

Band energies, taken a hundred times a second and differentiated, survive equalisation, saturation, noise and a wrong speed well
enough for windows of a few seconds to be found by correlation. A robust line through what the windows say gives start and speed;
a dozen milliseconds are left for :func:`analysis.programme.coarse` and a cross-correlation between the two.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import fftconvolve, get_window

from analysis.dewarp import interpolate
from analysis.timebase import Timebase

FEATURE_HZ = 200.0
EDGES_HZ = np.geomspace(120.0, 8000.0, 13)
WINDOW_S, HOP_S = 3.0, 1.5
SPEEDS = np.concatenate(([1.0], 1.0 + np.array([s * k / 100.0 for k in range(1, 13) for s in (1, -1)])))
GOOD_MATCH = 6.0  # peak over RMS of the correlation of a window
REACH_S = 0.04
TILT_LENGTH_S = 30.0
TILTS = np.linspace(-0.0125, 0.0125, 11)


@dataclass(frozen=True)
class Match:
    """A line d(t) through what the windows said, and the share of windows that lie on it."""

    timebase: Timebase
    agreement: float


def find(dry: np.ndarray, wet: np.ndarray, rate: int) -> Match | None:
    """Coarse time base of a pair, right within some 20 ms, or None when the two do not belong together.

    Parameters
    ----------
    dry, wet : ndarray, shape (samples,)
        Signal sent and returned at the working rate.
    """
    sent = _features(dry, rate)
    best: Match | None = None
    for speed in SPEEDS:
        # A wrong speed smears a window; those near nominal are tried first and a clear answer ends the search.
        stretched = wet if speed == 1.0 else interpolate(wet, np.arange(int(wet.size * speed)) / speed)
        match = _line(sent, _features(stretched, rate), float(speed), dry.size / rate)
        if match is not None and (best is None or match.agreement > best.agreement):
            best = match
        if best is not None and best.agreement > 0.7:
            break
    return None if best is None else _sharpen(dry, wet, rate, best)


def _features(signal: np.ndarray, rate: int) -> np.ndarray:
    """Rises of the log band energies, each band of unit RMS, shape (frames, bands)."""
    hop = round(rate / FEATURE_HZ)
    frame = 4 * hop
    padded = np.pad(signal, (frame // 2, frame))
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[::hop]
    frequency = np.fft.rfftfreq(frame, 1.0 / rate)
    bands = np.empty((frames.shape[0], EDGES_HZ.size - 1))
    window = get_window("hann", frame)
    for first in range(0, frames.shape[0], 4096):
        power = np.abs(np.fft.rfft(frames[first : first + 4096] * window, axis=1)) ** 2
        for b, (low, high) in enumerate(pairwise(EDGES_HZ)):
            inside = (frequency >= low) & (frequency < high)
            if not inside.any():
                inside = np.arange(frequency.size) == np.argmin(np.abs(frequency - np.sqrt(low * high)))
            bands[first : first + 4096, b] = power[:, inside].sum(axis=1)
    # A floor 50 dB under the mean keeps hiss in the pauses from counting as music.
    level = np.log(bands + 1e-5 * bands.mean(axis=0) + 1e-20)
    rise = np.diff(level, axis=0, prepend=level[:1])
    return rise / (np.sqrt(np.mean(rise**2, axis=0)) + 1e-12)


def _line(sent: np.ndarray, got: np.ndarray, speed: float, dry_s: float) -> Match | None:
    step = 1.0 / FEATURE_HZ
    window = min(round(WINDOW_S / step), sent.shape[0] // 3, got.shape[0])
    hop = max(1, min(round(HOP_S / step), window // 2))
    if window < round(0.5 / step):
        return None
    times, delays = [], []
    size = 1 << int(np.ceil(np.log2(sent.shape[0] + window)))
    spectrum = np.fft.rfft(sent, size, axis=0)
    for first in range(0, got.shape[0] - window + 1, hop):
        part = got[first : first + window]
        correlation = np.fft.irfft(np.sum(spectrum * np.conj(np.fft.rfft(part, size, axis=0)), axis=1), size)
        valid = correlation[: sent.shape[0] - window // 2]
        at = int(np.argmax(valid))
        if valid[at] > GOOD_MATCH * np.sqrt(np.mean(valid**2)):
            times.append((first + window / 2) * step / speed)
            delays.append(times[-1] - (at + window / 2) * step)
    if len(times) < 1:
        return None
    t, d = np.array(times), np.array(delays)
    slope, offset, near = _robust_line(t, d, 1.0 - speed)
    agreement = near.sum() / max(1, len(range(0, min(got.shape[0], sent.shape[0]) - window + 1, hop)))
    # d(t_out) = offset + slope t_out; over input time the same line is steeper by 1 / (1 - slope).
    over_input = slope / (1.0 - slope)
    start = offset / (1.0 - slope)
    return Match(Timebase.line(0.0, dry_s, start, start + over_input * dry_s), float(agreement))


def _robust_line(t: np.ndarray, d: np.ndarray, slope: float) -> tuple[float, float, np.ndarray]:
    """Line that most points lie near (within 30 ms): of the given slope, or through any two points far enough apart."""
    best = (slope, float(np.median(d - slope * t)))
    near = np.abs(d - best[1] - slope * t) < 0.03
    index = np.linspace(0, t.size - 1, min(t.size, 60)).astype(int)
    for i in index:
        for j in index:
            if t[j] - t[i] < max(6.0, 0.3 * (t[-1] - t[0])):
                continue
            slope = (d[j] - d[i]) / (t[j] - t[i])
            if abs(slope) > 0.2:
                continue
            close = np.abs(d - d[i] - slope * (t - t[i])) < 0.03
            if close.sum() > near.sum():
                near, best = close, (slope, d[i] - slope * t[i])
    if near.sum() >= 3 and np.ptp(t[near]) > 5.0:
        slope, offset = np.polyfit(t[near], d[near], 1)
        best = (float(slope), float(offset))
    return best[0], best[1], near


def _sharpen(dry: np.ndarray, wet: np.ndarray, rate: int, match: Match) -> Match:
    """Straighten the line by whole-band cross-correlation of windows near it: right within a few milliseconds.

    A recording too short for the windows to tell the speed is tried at speeds around the one found.
    """
    line = match.timebase
    long_enough = wet.size / rate > TILT_LENGTH_S
    best: tuple[float, Timebase] = (-1.0, line)
    for tilt in (0.0,) if long_enough else TILTS:
        middle = 0.5 * (line.start_s + line.input_times_s[-1])
        delay = line.delay_s + tilt * (line.input_times_s - middle)
        height, tried = _correlate_windows(dry, wet, rate, Timebase(line.start_s, line.step_s, delay, line.sd_s))
        if height > best[0]:
            best = (height, tried)
    return Match(best[1], match.agreement)


def _correlate_windows(dry: np.ndarray, wet: np.ndarray, rate: int, line: Timebase) -> tuple[float, Timebase]:
    """Mean height of the correlation peaks of windows along a line, and the line straightened by them."""
    window = min(round(0.7 * rate), wet.size, dry.size)
    count = int(np.clip(wet.size / rate, 1, 60))
    firsts = np.linspace(0, wet.size - window, count).astype(int)
    time, correction, height = np.array([_correlate(dry, wet, rate, line, int(f), window) for f in firsts]).T
    good = height > max(6.0, 0.3 * float(np.max(height)))
    if not good.any():
        return float(np.mean(height)), line
    residual = correction[good]
    slope, offset = 0.0, float(np.median(residual))
    if good.sum() >= 4:
        for _ in range(3):
            away = np.abs(residual - offset - slope * time[good])
            keep = away <= max(3e-3, 3.0 * float(np.median(away)))
            slope, offset = (float(v) for v in np.polyfit(time[good][keep], residual[keep], 1))
    delay = line.delay_s + offset + slope * line.output_time(line.input_times_s)
    return float(np.mean(height)), Timebase(line.start_s, line.step_s, delay, line.sd_s)


def _correlate(
    dry: np.ndarray, wet: np.ndarray, rate: int, line: Timebase, first: int, window: int
) -> tuple[float, float, float]:
    """Output time of a window's middle, how much later than the line it lies, and the height of its peak over the RMS."""
    reach = round(REACH_S * rate)
    shape = get_window("hann", window)
    size = 1 << int(np.ceil(np.log2(window + 2 * reach)))
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    ends = line.input_time(np.array([first, first + window - 1]) / rate) * rate
    positions = ends[0] + np.arange(-reach, window + reach) * (ends[1] - ends[0]) / max(window - 1, 1)
    smoothing = np.hanning(round(30.0 * size / rate) * 2 + 1)
    inside = np.flatnonzero((frequency > 200.0) & (frequency < 4000.0))
    around = slice(max(0, inside[0] - smoothing.size // 2), inside[-1] + 1 + smoothing.size // 2)
    X = np.fft.rfft(interpolate(dry, positions), size)[around]
    Y = np.fft.rfft(wet[first : first + window] * shape, size)[around]
    power = [fftconvolve(np.abs(S) ** 2, smoothing, "same").clip(0.0) for S in (X, Y)]
    scot = np.sqrt(power[0] * power[1])
    cross = np.zeros(size, dtype=complex)
    kept = inside - around.start
    cross[inside] = (X * np.conj(Y) / (scot + 1e-9 * scot[kept].max() + 1e-30))[kept]
    # X holds the sent signal `reach` samples early, so a window in place peaks at lag `reach`, a late one before it.
    correlation = np.abs(np.fft.ifft(cross))
    at = int(np.argmax(correlation[: 2 * reach + 1]))
    height = correlation[at] / (np.sqrt(np.mean(correlation**2)) + 1e-30)
    return (first + window / 2.0) / rate, (reach - at) / rate, float(height)
