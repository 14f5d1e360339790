"""THD+N of a steady tone: harmonics from a steady sine; noise, that of its modulation too, and hum from their densities."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from modeling.deck.noise import hum_lines
from modeling.deck.parameters import DeckParameters
from modeling.deck.steady_state import steady_sine, thd_percent
from modeling.deck.true.echoes import TONE_EDGE_S, echoes
from modeling.deck.true.linearity import BY_SINE, DISTORTION_PURPOSES, HIGHEST_HZ, points_for
from modeling.deck.true.modulation import tone_density
from modeling.deck.true.noise import output_density
from modeling.deck.true.scrape import sidebands
from modeling.deck.true.session import TrueSession, tone_conditions
from sessions.results import Result
from signals.cues import Cue

LOWEST_HZ = 20.0
NOTCH_Q = 3.0
STEP_HZ = 1.0


def thd_n_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """THD+N of the tones of one channel whose third harmonic lies below 20 kHz; none beside an earlier recording."""
    if session.is_haunted:
        return
    for cue in session.sheet.of_kind("tone", channel=channel):
        frequency_hz = cue.number("frequency_hz")
        counted = cue.parameters.get("purpose") in DISTORTION_PURPOSES and 3.0 * frequency_hz <= HIGHEST_HZ
        if not counted or cue.level_db is None:
            continue
        heard, points = session.heard_with(track), points_for(frequency_hz)
        harmonics = steady_sine(session.parameters, frequency_hz, cue.level_db, track, heard, points, session.ratio)
        noise = _noise_power(session.parameters, track, heard, frequency_hz, cue.level_db, session.ratio)
        noise += _scrape_power(session, track, frequency_hz, cue.level_db) + _echo_power(session, track, channel, cue)
        noise /= abs(harmonics[1]) ** 2
        percent = float(np.hypot(thd_percent(harmonics, frequency_hz), 100.0 * np.sqrt(noise)))
        here = session.conditions(track, number, **tone_conditions(cue))
        yield Result(quantity="thd_n", value=percent, unit="%", conditions=here, method=f"{BY_SINE}; noise from its density")


@lru_cache(maxsize=256)
def _noise_power(
    parameters: DeckParameters, track: int, heard: frozenset[int], tone_hz: float, level_db: float, ratio: float
) -> float:
    """Noise and hum from 20 Hz to 20 kHz outside the notch, re the mean square of 0 VU; frequencies as the tone was sent."""
    f = np.arange(LOWEST_HZ, HIGHEST_HZ + STEP_HZ, STEP_HZ)
    pitch = parameters.pitch_ratio
    modulated = tone_density(pitch * f, parameters, track, heard, tone_hz, level_db, ratio)
    density = pitch * output_density(parameters, track, pitch * f, modulated)
    hum_hz, hum_peak = hum_lines(parameters)
    hum_hz = hum_hz / pitch
    half_hz = 0.5 * tone_hz / NOTCH_Q
    hum = np.sum(hum_peak[np.abs(hum_hz - tone_hz) > half_hz] ** 2)
    return float(np.trapezoid(np.where(np.abs(f - tone_hz) > half_hz, density, 0.0), f) + hum)


def _echo_power(session: TrueSession, track: int, channel: int, cue: Cue) -> float:
    """Echoes of other programme from 20 Hz to 20 kHz outside the notch, re the mean square of 0 VU."""
    tone_hz = cue.number("frequency_hz")
    f, power = echoes(session, track, channel, [cue], TONE_EDGE_S).lines
    return float(np.sum(power[(f >= LOWEST_HZ) & (f <= HIGHEST_HZ) & (np.abs(f - tone_hz) > 0.5 * tone_hz / NOTCH_Q)]))


def _scrape_power(session: TrueSession, track: int, tone_hz: float, level_db: float) -> float:
    """Sidebands of scrape flutter from 20 Hz to 20 kHz outside the notch, re the mean square of 0 VU."""
    f, power = sidebands(session, track, tone_hz, level_db)
    return float(np.sum(power[(f >= LOWEST_HZ) & (f <= HIGHEST_HZ) & (np.abs(f - tone_hz) > 0.5 * tone_hz / NOTCH_Q)]))
