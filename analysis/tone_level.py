"""Level of a steady tone in a recording that has not been dewarped: its power within some percent of its frequency."""

import numpy as np

from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue

EDGE_S = 0.3
WIDTH = 0.08
LONGEST_S = 10.0


def tone_dbfs(audio: AudioReader, channel: int, cue: Cue, speed: float, coarse: Timebase) -> float:
    """Level of a tone in dBFS, a sine at full scale being 0.

    Parameters
    ----------
    audio : AudioReader
        The recording.
    channel : int
        Its channel.
    cue : Cue
        The tone (or pilot), at the sample rate of the recording; of a long one the middle is looked at.
    speed : float
        Returned over sent frequency.
    coarse : Timebase
        Where the tone lies, within some milliseconds.
    """
    rate = audio.sample_rate
    first, last = (float(coarse.output_time(s / rate)) for s in (cue.start_samples, cue.stop_samples))
    edge = max(min(EDGE_S, 0.25 * (last - first)), 0.5 * (last - first - LONGEST_S))
    wave = audio.read(round((first + edge) * rate), round((last - edge) * rate))[:, channel]
    window = np.hanning(wave.size)
    power = 2.0 * np.abs(np.fft.rfft(wave * window)) ** 2 / (wave.size * np.sum(window**2))
    frequency = np.fft.rfftfreq(wave.size, 1.0 / rate)
    inside = np.abs(frequency / (cue.number("frequency_hz") * speed) - 1.0) < WIDTH
    return float(10.0 * np.log10(2.0 * np.sum(power[inside]) + 1e-20))
