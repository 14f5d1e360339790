"""Response and distortion, from a steady sine through the full sum of particle classes."""

from collections.abc import Iterator

import numpy as np

from modeling.deck.steady_state import steady_sine, thd_percent
from modeling.deck.true.session import TrueSession, decibels, tone_conditions
from sessions.results import Axis, Curve, Result

RESPONSE_HZ = 1000.0 * 2.0 ** (np.arange(-68, 53) / 12.0)
"""Twelfth octaves around 1 kHz, 19.7 Hz to 20.2 kHz."""

RESPONSE_POINTS = 256
DISTORTION_HZ = (315.0, 1000.0)
HARMONICS = (2, 3, 4, 5)
DEFAULT_SWEEP_DB = -20.0
BY_SINE = "steady sine through the full Preisach sum, harmonic balance"


def distortion_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """THD and harmonics of the tones of one channel."""
    for cue in session.sheet.of_kind("tone", channel=channel):
        frequency_hz = cue.number("frequency_hz")
        if frequency_hz not in DISTORTION_HZ or cue.level_db is None:
            continue
        harmonics = steady_sine(session.parameters, frequency_hz, cue.level_db, track, session.heard_with(track))
        here = session.conditions(track, number, **tone_conditions(cue))
        percent = thd_percent(harmonics, frequency_hz)
        yield Result(quantity="thd", value=percent, unit="%", conditions=here, method=BY_SINE)
        for order in HARMONICS:
            value = decibels(abs(harmonics[order] / harmonics[1]))
            yield Result(quantity=f"harmonic_{order}", value=value, unit="dB", conditions=here, method=BY_SINE)


def response_curves(session: TrueSession, track: int, number: int) -> Iterator[Curve]:
    """Response at the levels of the sweeps."""
    levels = {c.level_db for c in session.sheet.of_kind("sweep") if c.level_db is not None} or {DEFAULT_SWEEP_DB}
    for level_db in sorted(levels):
        heard = [
            steady_sine(session.parameters, float(f), level_db, track, session.heard_with(track), RESPONSE_POINTS)[1]
            for f in RESPONSE_HZ
        ]
        yield Curve(
            quantity="frequency_response",
            conditions=session.conditions(track, number, level_db=level_db),
            method=BY_SINE,
            x=Axis.of("frequency", "Hz", RESPONSE_HZ),
            y=Axis.of("magnitude", "dB", 20.0 * np.log10(np.abs(heard)) - level_db),
        )
