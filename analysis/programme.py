"""Delay trajectory from the programme itself: any music, no pilot.

The recording is y(t) = (h * x)(t - d(t)). Both the response h and the trajectory d are unknown; each pass estimates one given
the other, and d by a Gauss-Newton step on the phase of y against h * x in short frames, smoothed by a prior on how tape moves
(:mod:`analysis.smoother`). Passes go from low to high frequencies, since a band catches only errors below half its period.
The noise that weights the cells of a frame is taken in quadrature, because tape's amplitude errors say nothing of time.

Everything works on one channel at a rate of about 22 to 24 kHz, found by :func:`working_rate`.

References
----------
G. C. Carter, "Coherence and time delay estimation", Proc. IEEE 75(2), 1987 (SCOT weighting; information of a frequency cell).
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft
from scipy.signal import get_window, oaconvolve

from analysis import cells
from analysis.bridging import bridge
from analysis.dewarp import interpolate_fast
from analysis.smoother import Prior, fitted, smooth
from analysis.timebase import Timebase, on_samples
from analysis.transfer import RESPONSE_S, SMOOTHED_OCTAVES, linear_phase_delay, octave_mean, transfer

BANDS_HZ = ((300.0, 1500.0), (300.0, 1500.0), (200.0, 4000.0), (150.0, 10_000.0), (150.0, 10_000.0))
FINE_BAND_HZ = (150.0, 10_000.0)
COARSE_WINDOW_S, COARSE_HOP_S, COARSE_REACH_S = 0.35, 0.10, 0.004
COARSE_HZ = (200.0, 4000.0)
COARSE_LAG_S = 2e-5
COARSE_HEIGHT = 5.0  # peak over RMS of a correlation that tells something
COARSE_STEP_S = 3e-4  # change of delay from one window to the next: 0.3 % of speed
COARSE_NEAR_S = 4e-3  # standard deviation about a start value of which no more is known
FLUTTER_RANGE_S = (70e-6, 2e-3)
BATCH = 64
WARP_SAMPLES = 1 << 20
CERTAIN_CYCLES = 0.12  # standard deviation of the delay, in cycles of the band, up to which its phase is taken


@dataclass(frozen=True)
class Estimate:
    """What the programme told.

    Attributes
    ----------
    timebase : Timebase
        Trajectory; its constant is such that the response has no linear phase from 400 Hz to 6 kHz.
    response : ndarray, complex, shape (bins,)
        Response h on ``frequency_hz``.
    coherence : ndarray, shape (bins,)
        Share of the returned power that h explains, 0 to 1.
    frequency_hz : ndarray, shape (bins,)
        Frequencies of the response.
    pilot_hz : float or None
        Frequency of the pilot beside it that was followed.
    """

    timebase: Timebase
    response: np.ndarray
    coherence: np.ndarray
    frequency_hz: np.ndarray
    pilot_hz: float | None = None


def coarse(
    dry: np.ndarray, wet: np.ndarray, rate: int, timebase: Timebase, prior: Prior, near_s: float = COARSE_NEAR_S
) -> Timebase:
    """Bring a time base that is right within 4 ms to within a fraction of 0.1 ms, by windowed cross-correlation.

    Parameters
    ----------
    dry, wet : ndarray, shape (samples,)
        Signal sent and returned, at the working rate.
    timebase : Timebase
        Start value.
    near_s : float
        Standard deviation of the start value: a held chord or a pause does not lead further away from it.
    """
    window = round(COARSE_WINDOW_S * rate) // 2 * 2
    hop = round(COARSE_HOP_S * rate)
    count = max(1, (wet.size - window) // hop + 1)
    lags = np.arange(-round(COARSE_REACH_S / COARSE_LAG_S), round(COARSE_REACH_S / COARSE_LAG_S) + 1) * COARSE_LAG_S
    heights = _correlations(_warp(dry, wet.size, rate, timebase), wet, rate, window, hop, lags)
    times = (np.arange(count) * hop + window / 2) / rate
    chosen = _steady_path(heights, COARSE_LAG_S, near_s)
    delays = lags[chosen]
    height = heights[np.arange(count), chosen]
    variances = np.where(height < COARSE_HEIGHT, np.inf, (4e-4 / np.maximum(height, 1e-9)) ** 2)
    if np.isfinite(variances).sum() < 3:
        return timebase
    base = times - timebase.input_time(times)
    reading = base + delays
    slow = replace(prior, fast_s=30e-6, fast_hz=2.0)
    mean, sd = smooth(reading, variances, COARSE_HOP_S, slow)
    for _ in range(3):
        excess = np.abs(reading - mean) / np.sqrt(np.where(np.isfinite(variances), variances, np.inf) + sd**2)
        kept = np.where(excess > 4.0, np.inf, variances)
        if np.isfinite(kept).sum() < 3:
            break
        mean, sd = smooth(reading, kept, COARSE_HOP_S, slow)
    return Timebase.over_output(times, mean, sd) if count > 3 else timebase


def prior_of(timebase: Timebase, prior: Prior) -> Prior:
    """The prior with wow and flutter as large as a first estimate shows them, so that pauses are bridged with honest doubt."""
    line = np.polyfit(timebase.input_times_s, timebase.delay_s, 1)
    wander = float(np.std(timebase.delay_s - np.polyval(line, timebase.input_times_s)))
    return replace(prior, flutter_s=float(np.clip(wander, *FLUTTER_RANGE_S)))


def refine(
    dry: np.ndarray,
    wet: np.ndarray,
    rate: int,
    timebase: Timebase,
    prior: Prior,
    bands_hz: tuple[tuple[float, float], ...] = BANDS_HZ,
    about: Timebase | None = None,
    mask: np.ndarray | None = None,
    response: np.ndarray | None = None,
) -> Estimate:
    """Trajectory and response from programme, started from a time base that is right within some 0.3 ms.

    Parameters
    ----------
    dry, wet : ndarray, shape (samples,)
        Signal sent and returned, at the working rate; both clocks start at their first sample.
    timebase : Timebase
        Start value.
    prior : Prior
        How tape moves.
    bands_hz : tuple of pairs
        Frequency band of each pass.
    about : Timebase, optional
        Trajectory that the prior is about, as when a pilot on another track is known and only the skew is sought.
    mask : ndarray of bool, shape (samples of wet,), optional
        Where the recording may be used.
    response : ndarray, complex, shape (bins,), optional
        Response that is known, on the frequencies of :func:`transfer`; it is found with the trajectory otherwise.

    Returns
    -------
    Estimate
    """
    gate = None if mask is None else _soft_gate(mask, rate)
    wet = wet if gate is None else wet * gate
    for number, band_hz in enumerate(bands_hz):
        warped = _gated(_warp(dry, wet.size, rate, timebase), gate)
        if response is not None:
            H = response
        else:
            H, coherence, frequency = transfer(warped, wet, rate)
            # The delay that is in the response counts for the trajectory; what is expected stays the same.
            timebase = timebase.shifted(linear_phase_delay(H, coherence, frequency))
        frames = cells.newton_step(filtered(warped, H), wet, rate, band_hz)
        time, hop_s = frames.time_s, cells.hop_samples(rate) / rate
        input_time = timebase.input_time(time)
        delay = time - input_time + frames.step_s
        variance = cells.readings(frames)
        # Phase tells the delay up to whole cycles: where the doubt is a fair part of one, this band must not speak yet.
        variance[timebase.sd(input_time) * frames.centre_hz >= CERTAIN_CYCLES] = np.inf
        if gate is not None:
            variance[gate[np.minimum((time * rate).astype(int), gate.size - 1)] < 1.0] = np.inf
        if not np.isfinite(variance).any():
            break
        known = np.zeros(time.size) if about is None else time - about.input_time(time)
        mean, sd = joined(delay - known, variance, hop_s, prior, number == len(bands_hz) - 1, about is None)
        timebase = Timebase.over_output(time, mean + known, sd)
    warped = _gated(_warp(dry, wet.size, rate, timebase), gate)
    H, coherence, frequency = transfer(warped, wet, rate)
    tau = 0.0 if response is not None else linear_phase_delay(H, coherence, frequency)
    return Estimate(timebase.shifted(tau), H * np.exp(2j * np.pi * frequency * tau), coherence, frequency)


def joined(
    delay_s: np.ndarray, variance: np.ndarray, step_s: float, prior: Prior, last: bool = True, bridged: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and deviation of a trajectory from the readings of frames, outliers told by their distance counting for less.

    Parameters
    ----------
    last : bool
        Make the deviation larger where the readings scatter more than they say.
    bridged : bool
        At the last, fit the prior to the readings, and join pauses by what the trajectory does elsewhere.
    """
    mean, _ = smooth(delay_s, variance, step_s, prior)
    residual = (delay_s - mean) / np.sqrt(variance)
    spread = 1.4826 * np.median(np.abs(residual[np.isfinite(variance)])) + 1e-9
    doubt = np.maximum(np.abs(residual) / (3.0 * spread), 1.0) ** 2
    doubtful = variance * doubt * (max(1.0, spread) ** 2 if last else 1.0)
    if not (last and bridged):
        return smooth(delay_s, doubtful, step_s, prior)
    return bridge(delay_s, doubtful, step_s, *smooth(delay_s, doubtful, step_s, fitted(delay_s, doubtful, step_s)))


def _correlations(warped: np.ndarray, wet: np.ndarray, rate: int, window: int, hop: int, lags_s: np.ndarray) -> np.ndarray:
    """Height over RMS of the envelope of the SCOT correlation in windows, shape (windows, lags)."""
    size = fft.next_fast_len(window + 2 * round(COARSE_REACH_S * rate), real=True)
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    band = slice(*np.searchsorted(frequency, COARSE_HZ))
    turns = np.exp(2j * np.pi * np.outer(frequency[band], lags_s)).astype(np.complex64)
    shape = get_window("hann", window).astype(np.float32)
    spans = [
        np.lib.stride_tricks.sliding_window_view(np.pad(s, (0, max(0, window - s.size))), window)[::hop]
        for s in (warped, wet)
    ]
    parts = []
    for first in range(0, spans[0].shape[0], BATCH):
        X, Y = (fft.rfft(s[first : first + BATCH] * shape, size, axis=1) for s in spans)
        powers = [octave_mean(S.real**2 + S.imag**2, frequency, SMOOTHED_OCTAVES) for S in (X, Y)]
        scot = np.sqrt(powers[0] * powers[1])
        scot += 1e-6 * np.mean(scot, axis=1, keepdims=True) + 1e-20
        cross = (Y * np.conj(X) / scot)[:, band].astype(np.complex64)
        # Parseval: the mean square of the envelope over all lags.
        level = np.sqrt(np.sum(np.abs(cross) ** 2, axis=1)) + 1e-30
        parts.append(np.abs(cross @ turns) / level[:, None])
    return np.concatenate(parts)


def _gated(signal: np.ndarray, gate: np.ndarray | None) -> np.ndarray:
    return signal if gate is None else signal * gate


def _steady_path(heights: np.ndarray, lag_s: float, near_s: float) -> np.ndarray:
    """Lag of each window along the path that is high and steady at once (Viterbi): a held chord has many equal peaks.

    Parameters
    ----------
    heights : ndarray, shape (windows, lags)
        Correlation over its RMS; the middle lag is the start value.
    lag_s, near_s : float
        Distance of the lags, and standard deviation of the start value.

    Returns
    -------
    ndarray of int, shape (windows,)
    """
    lags = (np.arange(heights.shape[1]) - heights.shape[1] // 2) * lag_s
    thin = max(1, round(4e-5 / lag_s))
    kept = np.arange(0, lags.size, thin)
    near = -0.5 * (lags[kept] / near_s) ** 2
    change = -0.5 * ((lags[kept][:, None] - lags[kept][None, :]) / COARSE_STEP_S) ** 2
    score = heights[0, kept] + near
    came_from = np.zeros((heights.shape[0], kept.size), dtype=int)
    for k in range(1, heights.shape[0]):
        options = score[None, :] + change
        came_from[k] = np.argmax(options, axis=1)
        score = options[np.arange(kept.size), came_from[k]] + heights[k, kept] + near
    path = np.empty(heights.shape[0], dtype=int)
    path[-1] = int(np.argmax(score))
    for k in range(heights.shape[0] - 1, 0, -1):
        path[k - 1] = came_from[k, path[k]]
    # The path was found on every few lags; the peak next to it is the reading.
    fine = np.empty(path.size, dtype=int)
    for k, p in enumerate(kept[path]):
        low = max(0, p - 2 * thin)
        fine[k] = low + int(np.argmax(heights[k, low : p + 2 * thin + 1]))
    return fine


def _soft_gate(mask: np.ndarray, rate: int) -> np.ndarray:
    """Mask with soft edges inside it, as long as half the response, so that no edge looks like a signal; 1 in the open."""
    edge = round(0.5 * RESPONSE_S * rate)
    window = np.hanning(2 * edge + 1)
    blurred = oaconvolve(mask.astype(float), window / window.sum(), mode="same")
    return np.where(blurred > 1.0 - 1e-6, 1.0, np.clip(2.0 * blurred - 1.0, 0.0, 1.0)).astype(np.float32)


def _warp(dry: np.ndarray, samples: int, rate: int, timebase: Timebase) -> np.ndarray:
    """The signal sent, moved onto the clock of the recording, block by block; float32."""
    out = np.empty(samples, dtype=np.float32)
    for first in range(0, samples, WARP_SAMPLES):
        stop = min(first + WARP_SAMPLES, samples)
        position = on_samples(timebase.input_time, first, stop, rate) * rate
        low, high = int(np.floor(position.min())) - 64, int(np.ceil(position.max())) + 64
        part = dry[max(low, 0) : max(high, 0)]
        out[first:stop] = interpolate_fast(part, position - max(low, 0))
    return out


def filtered(signal: np.ndarray, H: np.ndarray) -> np.ndarray:
    """A signal behind a response given on the frequencies of :func:`analysis.transfer.transfer`."""
    taps = np.fft.fftshift(np.fft.irfft(H))
    taps *= get_window("hann", taps.size, fftbins=True)
    return oaconvolve(signal, taps.astype(np.float32), mode="full")[taps.size // 2 : taps.size // 2 + signal.size]
