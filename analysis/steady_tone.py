"""Find a steady test tone in a recording of which nothing else is known.

Short frames tell frequency, level and purity of the strongest line near the frequency asked for. The longest run of frames that
agree is the tone; a dropout does not end it, leader, silence and data before and after it do.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import get_window

from analysis import peak
from signals.audio import AudioReader

FRAME_S, HOP_S = 0.064, 0.05
NEAR = 0.15  # of the nominal frequency to either side
LOWEST_HZ = 200.0  # without a nominal frequency; below lies hum
HIGHEST = 0.45  # of the sample rate
WIDE = (0.4, 2.5)  # band, re the line, in which its purity is judged: leaves hum out
PURE = 0.5
LOBE_BINS = 2.5
QUIETER_DB = 6.0
FREQUENCY_SHARE = 0.03
LONGEST_GAP_S = 0.15
CALM_S, CALM_SHARE = 0.5, 0.2  # a tone begins and ends with so long without loss, unless that cost so much of it
LEAST_S = 0.3
EDGE_S = 0.05
SILENT = 10.0 ** (-100.0 / 20.0)
LONGEST_BLOCK_S = 30.0
NOMINAL_HZ = (315.0, 400.0, 1000.0, 3000.0, 3150.0, 6300.0, 8000.0, 10_000.0)


@dataclass(frozen=True)
class Found:
    """Where the tone stands, in seconds of the recording, and its mean frequency."""

    start_s: float
    stop_s: float
    frequency_hz: float


@dataclass(frozen=True)
class Frames:
    """What short frames say, arrays of shape (frames,)."""

    time_s: np.ndarray
    frequency_hz: np.ndarray
    level_db: np.ndarray
    purity: np.ndarray
    loudest: float


def find(audio: AudioReader, channel: int, nominal_hz: float | None) -> Found | str:
    """The longest steady stretch of the tone, or in words why there is none.

    Parameters
    ----------
    nominal_hz : float or None
        Frequency that the tone should have; None takes the strongest line above 200 Hz.
    """
    rate = audio.sample_rate
    if nominal_hz is not None and not 20.0 < nominal_hz * (1.0 + NEAR) < 0.5 * rate:
        return (
            f"a tone of {nominal_hz:g} Hz does not fit a sample rate of {rate} Hz, which reaches {0.5 * rate:g} Hz; record at a "
            "higher rate or name another tone"
        )
    if audio.samples < LEAST_S * rate:
        return f"the recording is {audio.samples / rate:.2f} s long, {LEAST_S:g} s are needed; record more of the tone"
    band = (LOWEST_HZ, HIGHEST * rate) if nominal_hz is None else _near(nominal_hz, rate)
    seen = _frames(audio, channel, band)
    if seen.loudest < SILENT:
        return f"channel {channel + 1} is silent; check which channel holds the tone"
    pure = seen.purity > PURE
    if nominal_hz is None and pure.any():
        # The line that is strong for most of the time decides, and everything else is judged by it.
        strongest = float(np.median(seen.frequency_hz[pure & (seen.level_db > np.percentile(seen.level_db[pure], 50))]))
        seen = _frames(audio, channel, _near(strongest, rate))
        pure = seen.purity > PURE
    where = "there" if nominal_hz is None else f"within {100 * NEAR:g} % of {nominal_hz:g} Hz"
    missing = f"no steady tone stands out {where} for {LEAST_S:g} s; name its frequency with --tone and check the level"
    if not pure.any():
        return missing
    usual_db = np.percentile(seen.level_db[pure], 90)
    good = pure & (seen.level_db > usual_db - QUIETER_DB)
    middle = float(np.median(seen.frequency_hz[good]))
    good &= np.abs(seen.frequency_hz / middle - 1.0) < FREQUENCY_SHARE
    run = _longest_run(good)
    if run is None or (run[1] - run[0]) * HOP_S < LEAST_S:
        return missing
    first, last = run
    inside = slice(first, last)
    frequency = float(np.median(seen.frequency_hz[inside][good[inside]]))
    start = float(seen.time_s[first]) - 0.5 * FRAME_S + EDGE_S
    stop = float(seen.time_s[last - 1]) + 0.5 * FRAME_S - EDGE_S
    return Found(max(start, 0.0), min(stop, audio.samples / rate), frequency)


def guessed_nominal(frequency_hz: float) -> float | None:
    """The usual test frequency that a tone is likely to stand for, None where none is within 15 %."""
    nearest = min(NOMINAL_HZ, key=lambda f: abs(np.log(frequency_hz / f)))
    return nearest if abs(frequency_hz / nearest - 1.0) < NEAR else None


def _near(frequency_hz: float, rate: int) -> tuple[float, float]:
    return frequency_hz * (1.0 - NEAR), min(frequency_hz * (1.0 + NEAR), 0.49 * rate)


def _frames(audio: AudioReader, channel: int, band_hz: tuple[float, float]) -> Frames:
    rate = audio.sample_rate
    size, hop = round(FRAME_S * rate), round(HOP_S * rate)
    padded = 4 * size
    window = get_window("hann", size)
    f = np.fft.rfftfreq(padded, 1.0 / rate)
    inside = np.flatnonzero((f >= band_hz[0]) & (f <= band_hz[1]))
    block = max(1, int(LONGEST_BLOCK_S / HOP_S))
    count = (audio.samples - size) // hop + 1
    parts, loudest = [], 0.0
    for begin in range(0, count, block):
        frames = range(begin, min(begin + block, count))
        wave = audio.read(begin * hop, (frames[-1]) * hop + size)[:, channel]
        loudest = max(loudest, float(np.max(np.abs(wave))))
        cut = np.lib.stride_tricks.sliding_window_view(wave, size)[::hop]
        parts.append(np.array([_peak(np.fft.rfft(x * window, padded), f, inside, rate / size) for x in cut]))
    frequency, power, purity = np.concatenate(parts).T
    time = (np.arange(count) * hop + 0.5 * size) / rate
    return Frames(time, frequency, 10.0 * np.log10(power + 1e-30), purity, loudest)


def _peak(values: np.ndarray, f: np.ndarray, inside: np.ndarray, bin_hz: float) -> tuple[float, float, float]:
    """Frequency, power, and share in the power around it, of the strongest line among some bins."""
    power = np.abs(values) ** 2
    i = int(inside[np.argmax(power[inside])])
    exact = peak.of_line(power, i) * float(f[1])
    cumulative = np.cumsum(power)
    line = _between(cumulative, f, exact - LOBE_BINS * bin_hz, exact + LOBE_BINS * bin_hz)
    around = _between(cumulative, f, WIDE[0] * exact, WIDE[1] * exact)
    return exact, line, line / max(around, 1e-300)


def _between(cumulative: np.ndarray, f: np.ndarray, low_hz: float, high_hz: float) -> float:
    first, last = (min(int(i), f.size - 1) for i in np.searchsorted(f, (low_hz, high_hz)))
    return float(cumulative[last] - cumulative[max(first - 1, 0)])


def _longest_run(good: np.ndarray) -> tuple[int, int] | None:
    """First frame and the one after the last of the longest run with small gaps, its ragged ends cut."""
    places = np.flatnonzero(good)
    if places.size == 0:
        return None
    breaks = np.flatnonzero(np.diff(places) - 1 > LONGEST_GAP_S / HOP_S)
    firsts = places[np.concatenate(([0], breaks + 1))]
    lasts = places[np.concatenate((breaks, [places.size - 1]))] + 1
    longest = int(np.argmax(lasts - firsts))
    first, last = int(firsts[longest]), int(lasts[longest])
    calm, most = round(CALM_S / HOP_S), round(CALM_SHARE * (last - first))
    for cut in range(most):
        if np.all(good[first + cut : first + cut + calm]):
            first += cut
            break
    for cut in range(most):
        if np.all(good[last - cut - calm : last - cut]):
            last -= cut
            break
    return first, last
