"""Response and distortion as a pass has them, from a steady sine through the law of the tape in full.

Record and play passes differ in speed. What was sent at one frequency is replayed, and equalised, at another.
"""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq

from modeling.deck.parameters import DeckParameters
from modeling.deck.steady_state import linear_response, response_delay_s, steady_sine, thd_percent
from modeling.deck.true.session import TrueSession, decibels, tone_conditions
from sessions.results import Axis, Curve, Result

RESPONSE_HZ = 1000.0 * 2.0 ** (np.arange(-68, 53) / 12.0)
"""Twelfth octaves around 1 kHz, 19.7 Hz to 20.2 kHz."""

RESPONSE_POINTS = 256
DISTORTION_PURPOSES = ("ladder", "distortion")
HIGHEST_HZ = 20_000.0
HARMONICS = (2, 3, 4, 5)
DEFAULT_SWEEP_DB = -20.0
MOL_HZ, MOL_PERCENT, MOL_SEARCH_DB = 315.0, 3.0, (-20.0, 25.0)
SOL_HZ, SOL_LEVELS_DB = 10_000.0, np.arange(-10.0, 30.1, 1.0)
BAND_DB = -3.0
BAND_ENDS_HZ = {"bandwidth_low": 10.0, "bandwidth_high": 22_000.0}
"""No limit of the band is sought beyond."""

RIPPLE_BAND_HZ = (100.0, 10_000.0)
POLARITY_HZ = (200.0, 2000.0)
BY_RESPONSE = "small-signal response in closed form"
BY_SINE = "steady sine through the law of the tape in full, harmonic balance"


def points_for(frequency_hz: float) -> int:
    """Samples of a period that hold its harmonics to 20 kHz, with as much again before they fold."""
    return max(RESPONSE_POINTS, 1 << int(np.ceil(np.log2(3.0 * HIGHEST_HZ / frequency_hz))))


def distortion_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """THD and harmonics of the tones of one channel whose third harmonic lies below 20 kHz."""
    heard = session.heard_with(track)
    for cue in session.sheet.of_kind("tone", channel=channel):
        frequency_hz = cue.number("frequency_hz")
        counted = cue.parameters.get("purpose") in DISTORTION_PURPOSES and 3.0 * frequency_hz <= HIGHEST_HZ
        if not counted or cue.level_db is None:
            continue
        harmonics = steady_sine(
            session.parameters, frequency_hz, cue.level_db, track, heard, points_for(frequency_hz), session.ratio
        )
        percent = thd_percent(harmonics, frequency_hz)
        here = session.conditions(track, number, **tone_conditions(cue))
        yield Result(quantity="thd", value=percent, unit="%", conditions=here, method=BY_SINE)
        for order in (n for n in HARMONICS if n * frequency_hz <= HIGHEST_HZ):
            value = decibels(abs(harmonics[order] / harmonics[1]))
            yield Result(quantity=f"harmonic_{order}", value=value, unit="dB", conditions=here, method=BY_SINE)


def thd_curves(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Curve]:
    """THD over the level of each ladder, and over frequency at 0 dB, of the tones that :func:`distortion_results` counts."""
    heard = session.heard_with(track)
    found: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for cue in session.sheet.of_kind("tone", channel=channel):
        frequency_hz, purpose, level_db = cue.number("frequency_hz"), cue.parameters.get("purpose"), cue.level_db
        if purpose not in DISTORTION_PURPOSES or 3.0 * frequency_hz > HIGHEST_HZ or level_db is None:
            continue
        harmonics = steady_sine(
            session.parameters, frequency_hz, level_db, track, heard, points_for(frequency_hz), session.ratio
        )
        percent = thd_percent(harmonics, frequency_hz)
        if purpose == "ladder":
            found.setdefault(("thd_vs_level", frequency_hz), []).append((level_db, percent))
        if level_db == 0.0:
            found.setdefault(("thd_vs_frequency", level_db), []).append((frequency_hz, percent))
    for (quantity, at), steps in found.items():
        over_level = quantity == "thd_vs_level"
        x, y = np.array(sorted(steps)).T
        yield Curve(
            quantity=quantity,
            conditions=session.conditions(track, number, **{"frequency_hz" if over_level else "level_db": at}),
            method=BY_SINE,
            x=Axis.of("level", "dB", x) if over_level else Axis.of("frequency", "Hz", x),
            y=Axis.of("THD", "%", y),
        )


def output_level_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """Maximum and saturated output level, where the channel has the ladders that they are read from."""
    tones = session.sheet.of_kind("tone", channel=channel)
    ladders = {c.number("frequency_hz") for c in tones if c.parameters.get("purpose") == "ladder"}
    heard = session.heard_with(track)
    reference_db = decibels(abs(steady_sine(session.parameters, 1000.0, 0.0, track, heard, ratio=session.ratio)[1]))
    if MOL_HZ in ladders:
        level = _mol_db(session.parameters, track, heard, session.ratio)
        here = session.conditions(track, number, frequency_hz=MOL_HZ)
        if level is not None:
            yield Result(quantity="mol_315", value=level - reference_db, unit="dB", conditions=here, method=BY_SINE)
    if SOL_HZ in ladders:
        level = _sol_db(session.parameters, track, heard, session.ratio)
        here = session.conditions(track, number, frequency_hz=SOL_HZ)
        yield Result(quantity="sol_10k", value=level - reference_db, unit="dB", conditions=here, method=BY_SINE)


def compression_curves(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Curve]:
    """Output over input of the ladders, re the returned level of 1 kHz sent at 0 dB."""
    heard = session.heard_with(track)
    reference_db = decibels(abs(steady_sine(session.parameters, 1000.0, 0.0, track, heard, ratio=session.ratio)[1]))
    ladders: dict[float, list[float]] = {}
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "ladder" and cue.level_db is not None:
            ladders.setdefault(cue.number("frequency_hz"), []).append(cue.level_db)
    for frequency_hz, levels_db in ladders.items():
        points = points_for(frequency_hz)
        sines = [
            steady_sine(session.parameters, frequency_hz, level, track, heard, points, session.ratio)
            for level in sorted(levels_db)
        ]
        yield Curve(
            quantity="compression",
            conditions=session.conditions(track, number, frequency_hz=frequency_hz),
            method=BY_SINE,
            x=Axis.of("input", "dB", sorted(levels_db)),
            y=Axis.of("output", "dB", [decibels(abs(sine[1])) - reference_db for sine in sines]),
        )


@lru_cache(maxsize=64)
def _mol_db(parameters: DeckParameters, track: int, heard: frozenset[int], ratio: float) -> float | None:
    """Output, dB re 0 VU, at which the third harmonic is 3 % of the fundamental; None where it never is."""

    def beyond(level_db: float) -> float:
        sine = steady_sine(parameters, MOL_HZ, level_db, track, heard, RESPONSE_POINTS, ratio)
        return 100.0 * float(abs(sine[3] / sine[1])) - MOL_PERCENT

    if not beyond(MOL_SEARCH_DB[0]) < 0.0 < beyond(MOL_SEARCH_DB[1]):
        return None
    level_db = float(brentq(beyond, *MOL_SEARCH_DB, xtol=1e-4))
    return decibels(abs(steady_sine(parameters, MOL_HZ, level_db, track, heard, RESPONSE_POINTS, ratio)[1]))


@lru_cache(maxsize=64)
def _sol_db(parameters: DeckParameters, track: int, heard: frozenset[int], ratio: float) -> float:
    """Highest output at 10 kHz over all levels, dB re 0 VU; the flat top of a saturated tape needs no search between levels."""
    outputs = [
        abs(steady_sine(parameters, SOL_HZ, float(level), track, heard, RESPONSE_POINTS, ratio)[1])
        for level in SOL_LEVELS_DB
    ]
    return decibels(max(outputs))


def response_curves(session: TrueSession, track: int, number: int) -> Iterator[Curve]:
    """Response at the levels of the sweeps, magnitude, phase and harmonics."""
    heard = session.heard_with(track)
    delay_s = _delay_s(session.parameters, track, heard, session.ratio)
    for level_db in _sweep_levels(session):
        sines = _sines(session.parameters, level_db, track, heard, session.ratio)
        here = session.conditions(track, number, level_db=level_db)
        x = Axis.of("frequency", "Hz", RESPONSE_HZ)
        magnitude = Axis.of("magnitude", "dB", 20.0 * np.log10(np.abs(sines[:, 1])) - level_db)
        yield Curve(quantity="frequency_response", conditions=here, method=BY_SINE, x=x, y=magnitude)
        # A sine was sent; the delay of the response is counted as latency.
        phase = np.unwrap(np.angle(1j * sines[:, 1])) + 2.0 * np.pi * RESPONSE_HZ * delay_s
        phase -= 2.0 * np.pi * np.round(phase[RESPONSE_HZ.size // 2] / (2.0 * np.pi))
        yield Curve(
            quantity="phase_response", conditions=here, method=BY_SINE, x=x, y=Axis.of("phase", "deg", np.degrees(phase))
        )
        turn = 2.0 * np.pi * RESPONSE_HZ
        slope = CubicSpline(np.log(turn), np.unwrap(np.angle(sines[:, 1]))).derivative()(np.log(turn)) / turn
        group_delay = Axis.of("delay", "s", -slope - delay_s)
        yield Curve(quantity="group_delay", conditions=here, method=BY_SINE, x=x, y=group_delay)
        for order in HARMONICS:
            reach = order * RESPONSE_HZ <= HIGHEST_HZ
            ratio = 20.0 * np.log10(np.abs(sines[reach, order] / sines[reach, 1]) + 1e-15)
            yield Curve(
                quantity=f"harmonic_response_{order}",
                conditions=here,
                method=BY_SINE,
                x=Axis.of("frequency", "Hz", RESPONSE_HZ[reach]),
                y=Axis.of("harmonic", "dB", ratio),
            )


def polarity_results(session: TrueSession, track: int, number: int) -> Iterator[Result]:
    """Sign of the correlation of what returns with what was sent, from 200 Hz to 2 kHz, the delay taken off."""
    heard = session.heard_with(track)
    f = np.arange(*POLARITY_HZ)
    delay_s = _delay_s(session.parameters, track, heard, session.ratio)
    sent = linear_response(f, session.parameters, track, heard, session.ratio) * np.exp(2j * np.pi * f * delay_s)
    sign = float(np.sign(np.sum(sent.real)))
    yield Result(quantity="polarity", value=sign, unit="1", conditions=session.conditions(track, number), method=BY_RESPONSE)


def band_results(session: TrueSession, track: int, number: int) -> Iterator[Result]:
    """Limits of the band and ripple, of the responses at the levels of the sweeps."""
    heard = session.heard_with(track)
    for level_db in _sweep_levels(session):
        here = session.conditions(track, number, level_db=level_db)
        for quantity, unit, value in _band(session.parameters, level_db, track, heard, session.ratio):
            yield Result(quantity=quantity, value=value, unit=unit, conditions=here, method=BY_SINE)


def _sweep_levels(session: TrueSession) -> list[float]:
    return sorted({c.level_db for c in session.sheet.of_kind("sweep") if c.level_db is not None} or {DEFAULT_SWEEP_DB})


@lru_cache(maxsize=64)
def _delay_s(parameters: DeckParameters, track: int, heard: frozenset[int], ratio: float) -> float:
    """Delay of the response, which counts as latency."""
    return response_delay_s(parameters, track, heard, ratio=ratio)


@lru_cache(maxsize=64)
def _sines(parameters: DeckParameters, level_db: float, track: int, heard: frozenset[int], ratio: float) -> np.ndarray:
    """Harmonics 0 to 5 of a steady sine at every frequency, shape (frequencies, 6)."""
    sines = [steady_sine(parameters, float(f), level_db, track, heard, RESPONSE_POINTS, ratio)[:6] for f in RESPONSE_HZ]
    return np.array(sines)


@lru_cache(maxsize=64)
def _band(
    parameters: DeckParameters, level_db: float, track: int, heard: frozenset[int], ratio: float
) -> tuple[tuple[str, str, float], ...]:
    """Quantity, unit and value of the limits of the band and of the ripple, by root finding on the steady sine."""

    def beyond(frequency_hz: float) -> float:
        sine = steady_sine(parameters, frequency_hz, level_db, track, heard, RESPONSE_POINTS, ratio)
        return decibels(abs(sine[1])) - at_1k_db - BAND_DB

    coarse_db = 20.0 * np.log10(np.abs(_sines(parameters, level_db, track, heard, ratio)[:, 1]))
    centre = int(np.argmin(np.abs(np.log(RESPONSE_HZ / 1000.0))))
    at_1k_db = float(coarse_db[centre])
    found: list[tuple[str, str, float]] = []
    for quantity, out in (("bandwidth_low", range(centre, 0, -1)), ("bandwidth_high", range(centre, RESPONSE_HZ.size - 1))):
        below = [i for i in out if coarse_db[i + out.step] - at_1k_db < BAND_DB]
        inner, outer = RESPONSE_HZ[out.stop], BAND_ENDS_HZ[quantity]
        if below:
            inner, outer = RESPONSE_HZ[below[0]], RESPONSE_HZ[below[0] + out.step]
        if beyond(float(outer)) < 0.0:
            found.append((quantity, "Hz", float(brentq(beyond, float(inner), float(outer), xtol=1e-3))))
    low_hz, high_hz = RIPPLE_BAND_HZ
    inside = coarse_db[(low_hz <= RESPONSE_HZ) & (high_hz >= RESPONSE_HZ)]
    ends_db = [beyond(f) + at_1k_db + BAND_DB for f in RIPPLE_BAND_HZ]
    found.append(("response_ripple", "dB", 0.5 * float(np.ptp([*inside, *ends_db]))))
    return tuple(found)
