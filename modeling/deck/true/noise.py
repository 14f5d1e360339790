"""Noise of the silent tape, from the densities of its sources."""

from collections.abc import Iterator

import numpy as np

from modeling.deck.electronics import COUPLING_HZ, small_signal_gain
from modeling.deck.losses import coupling
from modeling.deck.noise import BAND_HZ, a_weighting, electronics_density, hiss_density, hum_lines
from modeling.deck.steady_state import steady_sine
from modeling.deck.tracks import replay_matrix
from modeling.deck.true.linearity import RESPONSE_HZ
from modeling.deck.true.session import TrueSession, decibels
from sessions.results import Axis, Curve, Result

BY_DENSITY = "noise density in closed form"


def _noise_density(session: TrueSession, track: int, frequency_hz: np.ndarray) -> np.ndarray:
    """One-sided power density at the output, re the mean square of 0 VU per Hz."""
    parameters = session.parameters
    heard = np.sum(np.abs(replay_matrix(frequency_hz, parameters)[:, track, :]) ** 2, axis=-1)
    amplifier = small_signal_gain(parameters.electronics.output_gain_db) * np.abs(coupling(frequency_hz, COUPLING_HZ))
    return 2.0 * (hiss_density(frequency_hz, parameters) * heard * amplifier**2 + electronics_density(parameters))


def reference_db(session: TrueSession, track: int) -> float:
    """Returned level of a 1 kHz sine sent at 0 dB."""
    return decibels(abs(steady_sine(session.parameters, 1000.0, 0.0, track, session.heard_with(track))[1]))


def noise_results(session: TrueSession, track: int, number: int) -> Iterator[Result]:
    """Weighted noise, and signal to noise."""
    f = np.linspace(*BAND_HZ, 19981)
    power = np.trapezoid(_noise_density(session, track, f) * a_weighting(f) ** 2, f)
    hum_hz, hum_peak = hum_lines(session.parameters)
    power += np.sum((hum_peak * a_weighting(hum_hz)) ** 2)
    level_db = 10.0 * np.log10(power) - reference_db(session, track)
    here = session.conditions(track, number)
    yield Result(quantity="noise_a", value=level_db, unit="dB", conditions=here, method=BY_DENSITY)
    yield Result(quantity="snr_a", value=-level_db, unit="dB", conditions=here, method=BY_DENSITY)


def noise_curve(session: TrueSession, track: int, number: int) -> Curve:
    """Density of the noise."""
    density = _noise_density(session, track, RESPONSE_HZ)
    return Curve(
        quantity="noise_spectrum",
        conditions=session.conditions(track, number),
        method=BY_DENSITY,
        x=Axis.of("frequency", "Hz", RESPONSE_HZ),
        y=Axis.of("density", "dB/Hz", 10.0 * np.log10(density) - reference_db(session, track)),
    )
