"""Four tracks side by side: crosstalk, gain errors, and where each lies when the tape skews."""

import numpy as np

from modeling.deck.losses import replay_equaliser, replay_head, spacing_loss, thickness_loss, wave_number
from modeling.deck.parameters import TRACKS, DeckParameters, Tracks

CALIBRATION_HZ = 315.0
"""Frequency at which levels are aligned."""


def lever() -> np.ndarray:
    """Part of the delay between tracks 1 and 4 that each track sees: the tape turns about the middle of the head."""
    return np.linspace(-0.5, 0.5, TRACKS)


def crosstalk(frequency_hz: np.ndarray, speed_um_s: float, tracks: Tracks) -> np.ndarray:
    """What a track picks up of its neighbour's flux: V-shaped over frequency.

    Long wavelengths fringe over the guard band s into the track width W, e^{-ks} (1 - e^{-kW}) / (kW); above that the
    windings of the head couple, rising by 6 dB an octave up to a corner.
    """
    f = np.asarray(frequency_hz, dtype=np.float64)
    k = wave_number(f, speed_um_s)
    fringing = spacing_loss(k, 1000.0 * tracks.guard_mm) * thickness_loss(k, 1000.0 * tracks.width_mm)
    corner = tracks.crosstalk_corner_hz
    coupled = 1j * f / (1.0 + 1j * f / corner)
    at_1_khz = abs(1000.0 / (1.0 + 1000.0j / corner))
    return fringing + 10.0 ** (tracks.crosstalk_db / 20.0) / at_1_khz * coupled


def replay_chain(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """From flux on tape (part of saturation) to the replay amplifier's output (peak of 0 VU), one track by itself."""

    def chain(f: np.ndarray) -> np.ndarray:
        losses = replay_head(f, parameters.speed_um_s, parameters.replay_head)
        return losses * replay_equaliser(f, parameters.alignment.replay_us)

    aligned = abs(chain(np.array([CALIBRATION_HZ]))[0]) * parameters.alignment.flux_at_0_vu
    return chain(np.asarray(frequency_hz, dtype=np.float64)) / aligned


def replay_matrix(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Replay of all tracks with crosstalk and gain errors, shape ``(frequencies, tracks out, tracks in)``."""
    own = replay_chain(frequency_hz, parameters)
    leak = own * crosstalk(frequency_hz, parameters.speed_um_s, parameters.tracks)
    gain = 10.0 ** (np.asarray(parameters.tracks.gain_db) / 20.0)
    neighbour = np.eye(TRACKS, k=1) + np.eye(TRACKS, k=-1)
    return gain[:, None] * (own[:, None, None] * np.eye(TRACKS) + leak[:, None, None] * neighbour)
