"""Modulation noise in closed form: every line of a recorded flux has the density of the coating's unevenness on both its sides.

A line A cos(2 pi f_0 t) times 1 + m has sidebands of the one-sided density A^2 / 4 [S(f - f_0) + S(f + f_0)], a steady flux F
one of F^2 S(f). Tracks have coatings of their own and add in power.
"""

from collections.abc import Collection

import numpy as np

from modeling.deck.magnetics import particle_classes
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.steady_state import flux_lines
from modeling.deck.tracks import replay_matrix
from modeling.deck.unevenness import unevenness_density

LINES = 6
"""Harmonics of a tone whose sidebands are counted."""


def silent_density(frequency_hz: np.ndarray, parameters: DeckParameters, track: int) -> np.ndarray:
    """What the steady flux of a magnetised head makes at the replay amplifier, re the mean square of 0 VU per Hz."""
    if parameters.faults.magnetism_ka_m == 0.0:
        return np.zeros(np.shape(frequency_hz))
    classes = particle_classes(parameters.tape, parameters.record_head)
    flux = classes.weight @ classes.magnetisation(np.array(parameters.faults.magnetism_ka_m))
    return _replayed(frequency_hz, np.array([flux]), 0.0, parameters, track, range(TRACKS))


def tone_density(
    frequency_hz: np.ndarray,
    parameters: DeckParameters,
    track: int,
    heard: Collection[int],
    tone_hz: float,
    level_db: float,
    ratio: float = 1.0,
) -> np.ndarray:
    """What a tone sent at `level_db`, and the steady flux beside it, make at the replay amplifier.

    Parameters
    ----------
    heard : collection of int
        Tracks that carry the tone, 0-based.
    ratio : float
        Frequency heard over frequency sent, beside what pitch control does to it.
    """
    lines = flux_lines(parameters, tone_hz, level_db)[: LINES + 1]
    return _replayed(frequency_hz, lines, ratio * parameters.pitch_ratio * tone_hz, parameters, track, heard)


def _replayed(
    frequency_hz: np.ndarray,
    lines: np.ndarray,
    apart_hz: float,
    parameters: DeckParameters,
    track: int,
    heard: Collection[int],
) -> np.ndarray:
    """Density behind the replay head of lines at 0, 1, 2, ... times `apart_hz` on each of the tracks."""
    density = np.zeros(np.shape(frequency_hz))
    for order, peak in enumerate(lines):
        square = peak**2 * (2.0 if order == 0 else 1.0)
        beside = (unevenness_density(frequency_hz - side * order * apart_hz, parameters) for side in (1.0, -1.0))
        density += square / 4.0 * sum(beside)
    matrix = np.abs(replay_matrix(frequency_hz, parameters)[:, track, sorted(heard)]) ** 2
    return np.asarray(2.0 * density * matrix.sum(axis=-1))
