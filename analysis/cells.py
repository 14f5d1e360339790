"""How late a recording is in short frames: a Gauss-Newton step on the phase between it and what is expected.

Every cell of time and frequency says by how much the recording Y is late against the expected Yh, with the information
w^2 |Yh|^2 / (V/2). V is the noise in quadrature to Yh around the cell, because tape's errors of amplitude say nothing of time; it
holds the error of the present trajectory too, so that bands in which that is large switch themselves off.

References
----------
G. C. Carter, "Coherence and time delay estimation", Proc. IEEE 75(2), 1987 (information of a frequency cell).
"""

from dataclasses import dataclass

import numba
import numpy as np
from scipy import fft
from scipy.signal import get_window

FRAME_S = 0.0107
OVERLAP = 4  # hops a frame
NOISE_S = 0.05  # V is averaged over so long before and after
FINEST_DB = -35.0  # V is taken to be no smaller than this re |Yh|^2
LEAST_GAIN = 0.05  # of what is expected: below, nothing came
HIGHEST = 0.4  # of the rate: as far as the fast interpolation is right
CHUNK_FRAMES = 4096


@dataclass(frozen=True)
class Frames:
    """What frames say.

    Attributes
    ----------
    time_s : ndarray, shape (frames,)
        Middle of each, from the first sample.
    step_s : ndarray, shape (frames,)
        How much later the recording is than expected.
    information : ndarray, shape (frames,)
        Inverse variance of the step in 1/s^2; frames that overlap share it.
    centre_hz : ndarray, shape (frames,)
        Frequency that the step rests on.
    """

    time_s: np.ndarray
    step_s: np.ndarray
    information: np.ndarray
    centre_hz: np.ndarray


def hop_samples(rate: int) -> int:
    """Distance of the frames."""
    return fft.next_fast_len(int(FRAME_S * rate / OVERLAP))


def frame_samples(rate: int) -> int:
    """Length of a frame."""
    return OVERLAP * hop_samples(rate)


def around_frames(rate: int) -> int:
    """Frames to either side over which the noise is averaged: so many a part of a recording needs beside it."""
    return max(1, round(NOISE_S * rate / hop_samples(rate)))


def newton_step(expected: np.ndarray, wet: np.ndarray, rate: int, band_hz: tuple[float, float]) -> Frames:
    """Gauss-Newton step in every frame.

    Parameters
    ----------
    expected, wet : ndarray, shape (samples,)
        What is expected and what came, sample by sample.
    band_hz : (float, float)
        Frequencies used.
    """
    frame, hop, around = frame_samples(rate), hop_samples(rate), around_frames(rate)
    window = get_window("hann", frame).astype(np.float32)
    frequency = np.fft.rfftfreq(frame, 1.0 / rate)
    used = slice(*np.searchsorted(frequency, (band_hz[0], min(band_hz[1], HIGHEST * rate))))
    f = frequency[used]
    low, high = np.searchsorted(f, f * 2.0 ** (-1 / 6)), np.searchsorted(f, f * 2.0 ** (1 / 6), side="right")
    if wet.size < frame:
        expected, wet = (np.pad(s, (0, frame - s.size)) for s in (expected, wet))
    count = (wet.size - frame) // hop + 1
    out = np.zeros((3, count))
    spans = [np.lib.stride_tricks.sliding_window_view(s.astype(np.float32), frame)[::hop] for s in (expected, wet)]
    for first in range(0, count, CHUNK_FRAMES):
        begin, stop = max(0, first - around), min(count, first + CHUNK_FRAMES + around)
        Yh, Y = (np.ascontiguousarray(fft.rfft(s[begin:stop] * window, axis=1)[:, used]) for s in spans)
        kept = slice(first - begin, first - begin + min(CHUNK_FRAMES, count - first))
        out[:, first : first + CHUNK_FRAMES] = _steps(Y, Yh, 2.0 * np.pi * f, low, high, around)[:, kept]
    limit = 0.35 / band_hz[1]
    time = (np.arange(count) * hop + (frame - 1) / 2.0) / rate
    return Frames(time, np.clip(out[0], -limit, limit), out[1], out[2])


@numba.njit(cache=True, fastmath=True, nogil=True)
def _steps(Y: np.ndarray, Yh: np.ndarray, omega: np.ndarray, low: np.ndarray, high: np.ndarray, around: int) -> np.ndarray:
    """Step, information and centre frequency of every frame; V over 2 around + 1 frames, fewer at the ends, and 1/3 octave."""
    frames, bins = Y.shape
    power, q, noise = np.empty((frames, bins)), np.empty((frames, bins)), np.empty((frames, bins))
    for t in range(frames):
        for k in range(bins):
            a, b = Yh[t, k].real, Yh[t, k].imag
            p = float(a) * a + float(b) * b
            c = float(a) * Y[t, k].imag - float(b) * Y[t, k].real
            power[t, k] = p
            q[t, k] = -c
            noise[t, k] = c * c / (p + 1e-30)
    total, running = np.zeros(bins), np.zeros(bins + 1)
    out = np.zeros((3, frames))
    least = 10.0 ** (FINEST_DB / 10.0)
    for t in range(min(around, frames)):
        for k in range(bins):
            total[k] += noise[t, k]
    for t in range(frames):
        for k in range(bins):
            if t + around < frames:
                total[k] += noise[t + around, k]
            if t - around - 1 >= 0:
                total[k] -= noise[t - around - 1, k]
        share = 2.0 / (min(t + around, frames - 1) - max(t - around, 0) + 1)
        for k in range(bins):
            running[k + 1] = running[k] + max(total[k], 0.0) * share
        J, pull, flat, there = 0.0, 0.0, 0.0, 0.0
        for k in range(bins):
            V = (running[high[k]] - running[low[k]]) / (high[k] - low[k])
            V = max(V, power[t, k] * least) + 1e-24
            certain = power[t, k] / V
            J += omega[k] * omega[k] * certain
            flat += certain
            pull += omega[k] * q[t, k] / V
            there += omega[k] * omega[k] * (Yh[t, k].real * Y[t, k].real + Yh[t, k].imag * Y[t, k].imag) / V
        # In a dropout little of what is expected came: its phase says as much less.
        gain = min(max(there / max(J, 1e-30), LEAST_GAIN), 1.0)
        out[0, t] = pull / max(gain * J, 1e-30)
        out[1, t] = 2.0 * gain * gain * J if gain > LEAST_GAIN else 0.0
        out[2, t] = np.sqrt(J / (flat + 1e-30)) / (2.0 * np.pi)
    return out


def readings(frames: Frames) -> np.ndarray:
    """Variance of the steps as independent readings; infinite where nothing was heard."""
    loudest = np.percentile(frames.information, 95)
    # Overlapping frames repeat the same samples: hop / frame of the information is new.
    J = np.where(frames.information > 1e-7 * loudest, frames.information / OVERLAP, 0.0)
    return np.where(J > 0.0, 1.0 / np.maximum(J, 1e-30), np.inf)
