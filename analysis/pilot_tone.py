"""A channel that holds nothing but one steady tone: a pilot, in recordings of which no cue sheet tells."""

import numpy as np
from scipy.fft import rfft

from signals.audio import AudioReader

BLOCK_S = 1.0
LEAST_BLOCKS = 3
PURE = 0.999
"""Part of the power that lies in the line,"""
LINE_BINS = 4
"""so many bins to each side of its highest, which holds all of a Hann window's."""
LEAST_HZ = 500.0
"""A lower tone is a bad pilot, and may be music."""
SAME_DB = 1.0
WANDERS = 0.1
"""Level and frequency (in bins) stay the same from block to block."""


def frequency_of(audio: AudioReader, channel: int) -> float | None:
    """Frequency in Hz of the steady tone that a channel holds from beginning to end; None where it holds anything else.

    The first and the last block may be faded, or silent in part.
    """
    size = 1 << round(np.log2(BLOCK_S * audio.sample_rate))
    window = np.hanning(size)
    lines: list[tuple[float, float]] = []
    phases: list[float] = []
    blocks = audio.samples // size
    if blocks < LEAST_BLOCKS + 2:
        return None
    for number in range(1, blocks - 1):
        spectrum = rfft(window * audio.read(number * size, (number + 1) * size)[:, channel])
        power = np.abs(spectrum) ** 2
        top = int(np.argmax(power))
        low, high = max(0, top - LINE_BINS), top + LINE_BINS + 1
        line = float(np.sum(power[low:high]))
        if top * audio.sample_rate / size < LEAST_HZ or line < PURE * float(np.sum(power)):
            return None
        lines.append(
            (float(np.sum(np.arange(low, low + power[low:high].size) * power[low:high])) / line, 10.0 * np.log10(line))
        )
        phases.append(float(np.angle(spectrum[top]) + np.pi * top * (size - 1) / size))
        if np.ptp(lines, axis=0)[0] > WANDERS or np.ptp(lines, axis=0)[1] > SAME_DB:
            return None
    bins = float(np.mean([at for at, _ in lines]))
    # Phase from block to block tells the frequency far better than the place of the line does.
    turned = np.unwrap(np.array(phases) - 2.0 * np.pi * bins * np.arange(len(phases)))
    bins += float(np.polyfit(np.arange(len(phases)), turned, 1)[0]) / (2.0 * np.pi)
    return bins * audio.sample_rate / size
