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
from scipy.signal import fftconvolve, get_window, resample_poly

from analysis.dewarp import interpolate
from analysis.smoother import Prior, smooth
from analysis.timebase import Timebase

WORKING_RATE_HZ = 22_050
FRAME_S = 0.0112
OVERLAP = 4  # hops a frame
RESPONSE_S = 0.090
BANDS_HZ = ((300.0, 1500.0), (300.0, 1500.0), (200.0, 4000.0), (150.0, 10_000.0), (150.0, 10_000.0))
FINE_BANDS_HZ = ((200.0, 4000.0), (150.0, 10_000.0), (150.0, 10_000.0))
RECENTRE_HZ = (400.0, 6000.0)
COARSE_WINDOW_S, COARSE_HOP_S, COARSE_REACH_S = 0.35, 0.10, 0.004
COARSE_HZ = (200.0, 4000.0)
COARSE_HEIGHT = 5.0  # peak over RMS of a correlation that tells something
COARSE_STEP_S = 3e-4  # change of delay from one window to the next: 0.3 % of speed
COARSE_NEAR_S = 4e-3  # standard deviation about a start value of which no more is known
UPSAMPLE = 4
FLUTTER_RANGE_S = (70e-6, 2e-3)
CERTAIN_CYCLES = 0.12  # standard deviation of the delay, in cycles of the band, up to which its phase is taken
CHUNK_FRAMES = 8192


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
    """

    timebase: Timebase
    response: np.ndarray
    coherence: np.ndarray
    frequency_hz: np.ndarray


def working_rate(sample_rate: int) -> tuple[int, int]:
    """Working rate in Hz and the whole divisor that leads to it."""
    divisor = max(1, sample_rate // WORKING_RATE_HZ)
    return sample_rate // divisor, divisor


def reduce_rate(signal: np.ndarray, divisor: int) -> np.ndarray:
    """Signal at the working rate, without delay, shape (ceil(samples / divisor),)."""
    return signal if divisor == 1 else resample_poly(signal, 1, divisor)


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
    warped = _warp(dry, wet.size, rate, timebase)
    shape = get_window("hann", window)
    size = 1 << int(np.ceil(np.log2(2 * window)))
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    band = ((frequency > COARSE_HZ[0]) & (frequency < COARSE_HZ[1])).astype(float)
    reach = round(COARSE_REACH_S * rate)
    heights = np.empty((count, 2 * UPSAMPLE * reach + 1))
    for k in range(count):
        part = slice(k * hop, k * hop + window)
        X, Y = (
            np.fft.rfft(warped[part] * shape[: warped[part].size], size),
            np.fft.rfft(wet[part] * shape[: wet[part].size], size),
        )
        scot = np.sqrt(_octave_mean(np.abs(X) ** 2, frequency, 0.3) * _octave_mean(np.abs(Y) ** 2, frequency, 0.3)) + 1e-30
        cross = np.zeros(size * UPSAMPLE // 2 + 1, dtype=complex)
        cross[: frequency.size] = Y * np.conj(X) / scot * band
        correlation = _envelope(cross)
        lags = np.concatenate((correlation[-reach * UPSAMPLE :], correlation[: reach * UPSAMPLE + 1]))
        heights[k] = lags / (np.sqrt(np.mean(correlation**2)) + 1e-30)
    times = (np.arange(count) * hop + window / 2) / rate
    chosen = _steady_path(heights, 1.0 / (rate * UPSAMPLE), near_s)
    delays = (chosen - reach * UPSAMPLE) / (rate * UPSAMPLE)
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
    frame = 2 * round(FRAME_S * rate / 2)
    hop = frame // OVERLAP
    gate = np.ones(wet.size) if mask is None else _soft_gate(mask, rate)
    wet = wet * gate
    for number, (low_hz, high_hz) in enumerate(bands_hz):
        warped = _warp(dry, wet.size, rate, timebase) * gate
        if response is not None:
            H = response
        else:
            H, coherence, frequency = transfer(warped, wet, rate)
            tau = linear_phase_delay(H, coherence, frequency)
            if abs(tau) > 1e-9:
                timebase = timebase.shifted(tau)
                H = H * np.exp(2j * np.pi * frequency * tau)
                warped = _warp(dry, wet.size, rate, timebase) * gate
        model = _filter(warped, H)
        time, step, J, centre_hz = _newton_step(model, wet, rate, frame, hop, low_hz, high_hz)
        delay = time - timebase.input_time(time) + step
        open_gate = gate[np.minimum((time * rate).astype(int), gate.size - 1)] == 1.0
        # Phase tells the delay up to whole cycles: where the doubt is a fair part of one, this band must not speak yet.
        certain = timebase.sd(timebase.input_time(time)) * centre_hz < CERTAIN_CYCLES
        variance = np.where((J > 0.0) & open_gate & certain, 1.0 / np.maximum(J, 1e-30), np.inf)
        if not np.isfinite(variance).any():
            break
        known = np.zeros(time.size) if about is None else time - about.input_time(time)
        delay = delay - known
        mean, sd = smooth(delay, variance, hop / rate, prior)
        residual = (delay - mean) / np.sqrt(np.where(np.isfinite(variance), variance, np.inf))
        spread = 1.4826 * np.median(np.abs(residual[np.isfinite(variance)])) + 1e-9
        doubt = np.maximum(np.abs(residual) / (3.0 * spread), 1.0) ** 2
        last = number == len(bands_hz) - 1
        mean, sd = smooth(delay, variance * doubt * (max(1.0, spread) ** 2 if last else 1.0), hop / rate, prior)
        timebase = Timebase.over_output(time, mean + known, sd)
    warped = _warp(dry, wet.size, rate, timebase) * gate
    H, coherence, frequency = transfer(warped, wet, rate)
    tau = 0.0 if response is not None else linear_phase_delay(H, coherence, frequency)
    return Estimate(timebase.shifted(tau), H * np.exp(2j * np.pi * frequency * tau), coherence, frequency)


def linear_phase_delay(H: np.ndarray, coherence: np.ndarray, frequency_hz: np.ndarray) -> float:
    """Delay in a response: argmax over tau of |sum W H/|H| exp(j 2 pi f tau)| from 400 Hz to 6 kHz.

    The modulus is taken because a constant phase, an inversion say, is not a delay. W is the information
    coherence / (1 - coherence), capped, so that bands with nothing in them do not count.
    """
    inside = (frequency_hz >= RECENTRE_HZ[0]) & (frequency_hz <= RECENTRE_HZ[1]) & (np.abs(H) > 0.0)
    if not inside.any():
        return 0.0
    gamma = np.clip(coherence[inside], 0.0, 0.999)
    unit = H[inside] / np.abs(H[inside]) * np.minimum(gamma / (1.0 - gamma), 20.0)
    f = frequency_hz[inside]
    centre, reach = 0.0, 2e-3
    while reach > 2e-9:
        taus = centre + np.linspace(-reach, reach, 81)
        centre = float(taus[np.argmax(np.abs(np.exp(2j * np.pi * np.outer(taus, f)) @ unit))])
        reach /= 10.0
    return centre


def transfer(warped: np.ndarray, wet: np.ndarray, rate: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Response from aligned programme, with coherence, over frequency; smoothed over 0.3 octave.

    Frames are weighted cell by cell by 1 / (|Y|^2 + a tenth of its mean), so that loud moments do not decide alone.

    Returns
    -------
    H : ndarray, complex, shape (bins,)
    coherence : ndarray, shape (bins,)
    frequency_hz : ndarray, shape (bins,)
    """
    size = 1 << round(np.log2(RESPONSE_S * rate))
    hop = size // 2
    window = get_window("hann", size)
    frequency = np.fft.rfftfreq(size, 1.0 / rate)
    firsts = np.arange(0, max(wet.size - size, 0) + 1, hop)
    mean_power = np.zeros(frequency.size)
    for first in firsts:
        mean_power += np.abs(np.fft.rfft(_frame(wet, first, size) * window)) ** 2 / firsts.size
    sums = np.zeros((3, frequency.size), dtype=complex)
    for first in firsts:
        X = np.fft.rfft(_frame(warped, first, size) * window)
        Y = np.fft.rfft(_frame(wet, first, size) * window)
        weight = 1.0 / (np.abs(Y) ** 2 + 0.1 * mean_power + 1e-30)
        sums += weight * np.array([Y * np.conj(X), np.abs(X) ** 2, np.abs(Y) ** 2])
    smoothed = [_octave_mean(s, frequency, 0.3) for s in sums]
    # A floor far below the programme keeps bands in which nothing was sent from dividing nothing by nothing.
    floor = 1e-9 * float(np.max(np.real(smoothed[1]))) + 1e-30
    power_in, power_out = np.real(smoothed[1]) + floor, np.real(smoothed[2]) + 1e-30
    H = smoothed[0] / power_in
    return H, np.clip(np.abs(smoothed[0]) ** 2 / (power_in * power_out), 0.0, 1.0), frequency


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


def _newton_step(
    model: np.ndarray, wet: np.ndarray, rate: int, frame: int, hop: int, low_hz: float, high_hz: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Correction to the delay in every frame: times, steps in s, information J in 1/s^2, and the frequency that it rests on."""
    window = get_window("hann", frame)
    frequency = np.fft.rfftfreq(frame, 1.0 / rate)
    used = (frequency >= low_hz) & (frequency <= min(high_hz, 0.45 * rate))
    omega = 2.0 * np.pi * frequency[used]
    count = max(1, (wet.size - frame) // hop + 1)
    around = max(1, round(0.05 * rate / hop))  # V is averaged over 0.1 s
    steps, information, centre = np.zeros(count), np.zeros(count), np.zeros(count)
    for first in range(0, count, CHUNK_FRAMES):
        low, high = max(0, first - around), min(count, first + CHUNK_FRAMES + around)
        Y, Yh = (_stft(s, low, high, frame, hop, window)[:, used] for s in (wet, model))
        power = np.abs(Yh) ** 2
        q = np.imag((Yh - Y) * np.conj(Yh))
        V = 2.0 * _third_octave_mean(_time_mean(q**2 / (power + 1e-30), around), frequency[used])
        V = np.maximum(V, power * 10.0**-3.5) + 1e-24
        J = np.sum(2.0 * omega**2 * power / V, axis=1)
        step = np.sum(2.0 * omega * q / V, axis=1) / np.maximum(J, 1e-30)
        kept = slice(first - low, first - low + min(CHUNK_FRAMES, count - first))
        steps[first : first + CHUNK_FRAMES] = np.clip(step, -0.35 / high_hz, 0.35 / high_hz)[kept]
        information[first : first + CHUNK_FRAMES] = J[kept]
        centre[first : first + CHUNK_FRAMES] = np.sqrt(J / (2.0 * np.sum(power / V, axis=1) + 1e-30))[kept] / (2.0 * np.pi)
    time = (np.arange(count) * hop + (frame - 1) / 2.0) / rate
    loudest = np.percentile(information, 95)
    # Overlapping frames repeat the same samples: hop / frame of the information is new.
    return time, steps, np.where(information > 1e-7 * loudest, information / OVERLAP, 0.0), centre


def _soft_gate(mask: np.ndarray, rate: int) -> np.ndarray:
    """Mask with soft edges inside it, as long as half the response, so that no edge looks like a signal; 1 in the open."""
    edge = round(0.5 * RESPONSE_S * rate)
    window = np.hanning(2 * edge + 1)
    blurred = fftconvolve(mask.astype(float), window / window.sum(), mode="same")
    return np.where(blurred > 1.0 - 1e-6, 1.0, np.clip(2.0 * blurred - 1.0, 0.0, 1.0))


def _stft(signal: np.ndarray, first: int, stop: int, frame: int, hop: int, window: np.ndarray) -> np.ndarray:
    span = np.lib.stride_tricks.sliding_window_view(_frame(signal, first * hop, (stop - first - 1) * hop + frame), frame)[
        ::hop
    ]
    return np.fft.rfft(span * window, axis=1)


def _frame(signal: np.ndarray, first: int, size: int) -> np.ndarray:
    part = signal[first : first + size]
    return part if part.size == size else np.pad(part, (0, size - part.size))


def _warp(dry: np.ndarray, samples: int, rate: int, timebase: Timebase) -> np.ndarray:
    """The signal sent, moved onto the clock of the recording."""
    return interpolate(dry, timebase.input_time(np.arange(samples) / rate) * rate)


def _filter(signal: np.ndarray, H: np.ndarray) -> np.ndarray:
    taps = np.fft.fftshift(np.fft.irfft(H))
    taps *= get_window("hann", taps.size, fftbins=True)
    return fftconvolve(signal, taps, mode="full")[taps.size // 2 : taps.size // 2 + signal.size]


def _envelope(spectrum: np.ndarray) -> np.ndarray:
    full = np.zeros(2 * (spectrum.size - 1), dtype=complex)
    full[: spectrum.size] = spectrum
    return np.abs(np.fft.ifft(full))


def _time_mean(values: np.ndarray, around: int) -> np.ndarray:
    """Mean over 2 around + 1 frames, fewer at the ends."""
    total = np.concatenate((np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)))
    index = np.arange(values.shape[0])
    low, high = np.maximum(index - around, 0), np.minimum(index + around + 1, values.shape[0])
    return (total[high] - total[low]) / (high - low)[:, None]


def _third_octave_mean(values: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    low = np.searchsorted(frequency_hz, frequency_hz * 2.0 ** (-1 / 6))
    high = np.searchsorted(frequency_hz, frequency_hz * 2.0 ** (1 / 6), side="right")
    total = np.concatenate((np.zeros((values.shape[0], 1)), np.cumsum(values, axis=1)), axis=1)
    return (total[:, high] - total[:, low]) / (high - low)


def _octave_mean(values: np.ndarray, frequency_hz: np.ndarray, octaves: float) -> np.ndarray:
    ratio = 2.0 ** (octaves / 2.0)
    low = np.searchsorted(frequency_hz, frequency_hz / ratio)
    high = np.searchsorted(frequency_hz, frequency_hz * ratio, side="right")
    total = np.concatenate((np.zeros(1, dtype=values.dtype), np.cumsum(values)))
    return (total[high] - total[low]) / np.maximum(high - low, 1)
