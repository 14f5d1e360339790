"""Four tracks side by side: crosstalk, gain errors, and where each lies when the tape skews."""

import numpy as np

from modeling.deck.losses import azimuth_loss, replay_equaliser, replay_head, spacing_loss, thickness_loss, wave_number
from modeling.deck.parameters import TRACKS, DeckParameters, ReplayHead, Tracks

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


def azimuth_delay_s(parameters: DeckParameters) -> float:
    """By how much track 4 is late re track 1 at nominal speed for the angle of the head, D tan(theta) / v over the stack."""
    tracks = parameters.tracks
    height_um = 1000.0 * (TRACKS - 1) * (tracks.width_mm + tracks.guard_mm)
    return float(height_um * np.tan(np.radians(parameters.faults.azimuth_arcmin / 60.0)) / parameters.speed_um_s)


def aligned_chain(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """From flux on tape (part of saturation) to the replay amplifier's output (peak of 0 VU) as the machine was aligned."""
    return _chain(frequency_hz, parameters, parameters.replay_head, parameters.speed_um_s)


def replay_chain(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """The same, one track by itself, with the faults that have come since."""
    speed, faults = parameters.play_speed_um_s, parameters.faults
    askew = azimuth_loss(wave_number(frequency_hz, speed), parameters.tracks.width_mm, faults.azimuth_arcmin)
    return askew * _chain(frequency_hz, parameters, parameters.replay_head_now, speed)


def _chain(frequency_hz: np.ndarray, parameters: DeckParameters, head: ReplayHead, speed_um_s: float) -> np.ndarray:
    def chain(f: np.ndarray, head: ReplayHead, speed_um_s: float) -> np.ndarray:
        return replay_head(f, speed_um_s, head) * replay_equaliser(f, parameters.alignment.replay_us)

    at_calibration = chain(np.array([CALIBRATION_HZ]), parameters.replay_head, parameters.speed_um_s)[0]
    aligned = abs(at_calibration) * parameters.alignment.flux_at_0_vu
    return chain(np.asarray(frequency_hz, dtype=np.float64), head, speed_um_s) / aligned


def replay_matrix(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Replay of all tracks with crosstalk and gain errors, shape ``(frequencies, tracks out, tracks in)``."""
    own = replay_chain(frequency_hz, parameters)
    leak = own * crosstalk(frequency_hz, parameters.play_speed_um_s, parameters.tracks)
    gain = 10.0 ** (np.asarray(parameters.tracks.gain_db) / 20.0)
    if parameters.faults.dead_track:
        gain[parameters.faults.dead_track - 1] = 0.0
    neighbour = np.eye(TRACKS, k=1) + np.eye(TRACKS, k=-1)
    return gain[:, None] * (own[:, None, None] * np.eye(TRACKS) + leak[:, None, None] * neighbour)
