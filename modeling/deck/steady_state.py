"""A steady sine through the deck, without streaming: the road by which the truth of response and distortion is had.

Nothing here shares a filter, a table or a sample rate with the running deck. Harmonic balance: one period is taken through
the amplifier, each harmonic through the record equaliser in closed form, the period through the law of the tape in full (every
particle class of the Preisach sum, or the loop of Jiles-Atherton that has closed), each harmonic through what the law has
behind it, and so on to the output. There is no noise and no flutter, and no reduction to a few curves.
"""

from collections.abc import Callable, Collection
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.signal import czt

from modeling.deck.electronics import COUPLING_HZ, amplify, small_signal_gain
from modeling.deck.law import steady_law
from modeling.deck.losses import coupling
from modeling.deck.parameters import DeckParameters
from modeling.deck.record import record_field
from modeling.deck.tracks import replay_matrix

POINTS = 1024
"""Samples of one period; harmonics up to half of it."""

DELAY_BAND_HZ = (400.0, 6000.0)
DELAY_SEARCH_S = 2e-3


LOW_LEVEL_DB = -20.0
"""Level of what is called a small signal where the law of the tape knows none: that of the sweeps."""


def linear_response(
    frequency_hz: np.ndarray,
    parameters: DeckParameters,
    track: int,
    driven: Collection[int],
    ratio: float = 1.0,
    level_db: float = LOW_LEVEL_DB,
) -> np.ndarray:
    """Complex small-signal response of the whole deck, output over input.

    Without bias there is no level at which the tape is linear: there it is the fundamental of a sine sent at `level_db`,
    whatever the frequency.

    Parameters
    ----------
    frequency_hz : ndarray, shape (frequencies,)
    track : int
        Track that is listened to, 0-based.
    driven : collection of int
        Tracks that carry the same signal, 0-based; neighbours among them are heard through crosstalk.
    ratio : float
        Frequency heard over frequency sent, beside what pitch control does to it: replay works on what is heard.
    level_db : float
        What counts as low, re 0 VU, under a law that is not linear there.
    """
    f = np.asarray(frequency_hz, dtype=np.float64)
    electronics = parameters.electronics
    sent = 10.0 ** (level_db / 20.0) * small_signal_gain(electronics.input_gain_db) * coupling(f, COUPLING_HZ)
    peak_ka_m = np.abs(sent * record_field(f, parameters))
    magnetised = steady_law(parameters).gain(f, peak_ka_m, parameters.faults.magnetism_ka_m, parameters.record_speed_um_s)
    gain = small_signal_gain(electronics.input_gain_db) * small_signal_gain(electronics.output_gain_db)
    heard = ratio * parameters.pitch_ratio * f
    replayed = replay_matrix(heard, parameters)[:, track, sorted(driven)].sum(axis=-1) * coupling(heard, COUPLING_HZ)
    return gain * coupling(f, COUPLING_HZ) * record_field(f, parameters) * magnetised * replayed


def response_delay_s(
    parameters: DeckParameters,
    track: int,
    driven: Collection[int],
    beside: Callable[[np.ndarray], np.ndarray] = np.ones_like,
    ratio: float = 1.0,
    speed: float = 1.0,
) -> float:
    """Delay of the linear response: argmax over tau of |integral of H/|H| e^{j 2 pi f tau} df|, 400 Hz to 6 kHz.

    Parameters
    ----------
    track, driven, ratio
        As in :func:`linear_response`.
    beside : callable
        Response over frequency in Hz of what stands in the way besides, such as half a compander.
    speed : float
        Frequency heard over frequency sent, where band and delay are to be those of what is heard: latency is.
    """
    f = np.arange(DELAY_BAND_HZ[0], DELAY_BAND_HZ[1] + 1.0) / speed
    response = linear_response(f, parameters, track, driven, ratio) * beside(f)
    unit = response / np.abs(response)

    def concentration(tau_s: float) -> float:
        return -float(np.abs(np.sum(unit * np.exp(2j * np.pi * f * tau_s))))

    coarse, step = np.linspace(-DELAY_SEARCH_S, DELAY_SEARCH_S, 401, retstep=True)
    turns = (f[1] - f[0]) * np.array([step, coarse[0]])  # between one frequency and the next
    chirped = czt(unit, coarse.size, *np.exp(2j * np.pi * turns * (1.0, -1.0)))
    best = coarse[np.argmax(np.abs(chirped))]
    found = minimize_scalar(concentration, bounds=(best - step, best + step), method="bounded", options={"xatol": 1e-10})
    return float(found.x) / speed


def steady_sine(
    parameters: DeckParameters,
    frequency_hz: float,
    level_db: float,
    track: int,
    driven: Collection[int],
    points: int = POINTS,
    ratio: float = 1.0,
) -> np.ndarray:
    """Harmonics of the output for a steady sine sent at `level_db` re 0 VU.

    Parameters
    ----------
    track, driven, ratio
        As in :func:`linear_response`.
    points : int
        Samples of one period.

    Returns
    -------
    ndarray, complex, shape (points // 2,)
        Amplitudes of harmonics 0, 1, 2, ... in units of the peak of 0 VU.
    """
    flux = _steady_flux(parameters, frequency_hz, level_db, points)
    return _replayed(flux, parameters, ratio * frequency_hz, track, driven)


def steady_wave(
    parameters: DeckParameters,
    sent: np.ndarray,
    period_hz: float,
    track: int,
    driven: Collection[int],
    ratio: float = 1.0,
) -> np.ndarray:
    """Lines of the output for any periodic wave.

    Parameters
    ----------
    sent : ndarray, shape (points,)
        One period of what is sent, 0 VU having a peak of 1.
    period_hz : float
        How often it is sent in a second.
    track, driven, ratio
        As in :func:`linear_response`.

    Returns
    -------
    ndarray, complex, shape (points // 2,)
        Amplitudes at 0, 1, 2, ... times `period_hz` in units of the peak of 0 VU.
    """
    return _replayed(_flux(parameters, sent, period_hz), parameters, ratio * period_hz, track, driven)


def flux_lines(parameters: DeckParameters, frequency_hz: float, level_db: float, points: int = POINTS) -> np.ndarray:
    """Peaks of harmonics 0, 1, 2, ... of the flux on tape, re saturation, of a sine sent at `level_db`; shape (points // 2,)."""
    lines = 2.0 / points * np.abs(_steady_flux(parameters, frequency_hz, level_db, points))[:-1]
    lines[0] *= 0.5
    return lines


def _replayed(
    flux: np.ndarray, parameters: DeckParameters, period_hz: float, track: int, driven: Collection[int]
) -> np.ndarray:
    """Amplitudes of the output lines of one period of flux."""
    f = np.arange(flux.size) * period_hz * parameters.pitch_ratio
    points = 2 * (flux.size - 1)
    replayed = np.fft.irfft(flux * replay_matrix(f, parameters)[:, track, sorted(driven)].sum(axis=-1))
    out = np.fft.rfft(amplify(replayed, parameters.electronics.output_gain_db, parameters.electronics))
    return (2.0 / points * out * coupling(f, COUPLING_HZ))[:-1]


@lru_cache(maxsize=2048)
def _steady_flux(parameters: DeckParameters, frequency_hz: float, level_db: float, points: int) -> np.ndarray:
    """Spectrum of one period of the flux on tape of a sine, the same for every track."""
    sent = 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * np.arange(points) / points)
    return _flux(parameters, sent, frequency_hz)


def _flux(parameters: DeckParameters, sent: np.ndarray, period_hz: float) -> np.ndarray:
    """Spectrum of one period of the flux on tape."""
    electronics = parameters.electronics
    f = np.arange(sent.size // 2 + 1) * period_hz
    amplified = np.fft.rfft(amplify(sent, electronics.input_gain_db, electronics)) * coupling(f, COUPLING_HZ)
    field = np.fft.irfft(amplified * record_field(f, parameters)) + parameters.faults.magnetism_ka_m
    return steady_law(parameters).flux(field, period_hz, parameters.record_speed_um_s)


def thd_percent(harmonics: np.ndarray, frequency_hz: float) -> float:
    """RMS of harmonics 2 and up, to 20 kHz, over the fundamental."""
    last = int(20000.0 / frequency_hz)
    return float(100.0 * np.linalg.norm(harmonics[2 : last + 1]) / abs(harmonics[1]))
