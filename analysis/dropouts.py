"""Dropouts: how often a steady tone is lost for a moment."""

import numpy as np

from analysis.phase import phase_law, track
from analysis.timebase import Timebase
from signals.audio import AudioReader
from signals.cues import Cue

BANDWIDTH_HZ = 300.0
STEP_S = 1e-3
EDGE_S = 0.1
DEPTH_DB = 6.0
SHORTEST_S = 2e-3


def count(audio: AudioReader, channel: int, cue: Cue, sample_rate: int, coarse: Timebase) -> int:
    """Number of times that a tone falls to half its usual amplitude, or less, for 2 ms or longer.

    Parameters
    ----------
    audio : AudioReader
        The recording.
    channel : int
        Its channel.
    cue : Cue
        The tone.
    sample_rate : int
        Rate of stimulus and recording in Hz.
    coarse : Timebase
        Where the tone lies, within some milliseconds.
    """
    span = (cue.start_samples / sample_rate + EDGE_S, cue.stop_samples / sample_rate - EDGE_S)
    readings = track(audio, channel, phase_law(cue, sample_rate), coarse, span, BANDWIDTH_HZ, STEP_S)
    low = readings.amplitude < 10.0 ** (-DEPTH_DB / 20.0) * np.median(readings.amplitude)
    edges = np.diff(np.concatenate(([0], low.astype(int), [0])))
    lengths = (np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)) * readings.step_s
    return int(np.sum(lengths >= SHORTEST_S - 0.5 * readings.step_s))
