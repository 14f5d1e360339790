"""Noise of the silent tape and beside a tone, from the densities of its sources."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from modeling.deck.electronics import COUPLING_HZ, small_signal_gain
from modeling.deck.losses import coupling
from modeling.deck.noise import BAND_HZ, a_weighting, electronics_density, heard_hiss_density, hum_lines
from modeling.deck.parameters import DeckParameters
from modeling.deck.steady_state import steady_sine
from modeling.deck.tracks import replay_matrix
from modeling.deck.true import modulation, quasi_peak
from modeling.deck.true.echoes import TONE_EDGE_S, Echoes, echoes
from modeling.deck.true.linearity import RESPONSE_HZ
from modeling.deck.true.scrape import sidebands
from modeling.deck.true.session import TrueSession, decibels, tone_conditions
from sessions.results import Axis, Curve, Result
from signals.cues import Cue

BY_DENSITY = "noise density in closed form"
BY_METER = "quasi-peak meter run over Gaussian noise of the density in closed form"
CCIR_OFFSET_DB = -5.63
"""AES17-2020, 5.2.7."""

THIRD_OCTAVE_HZ = 1000.0 * 10.0 ** (np.arange(-16, 14) / 10.0)
"""25 Hz to 20 kHz, IEC 61260-1, base ten."""

SILENCE_EDGE_S = 0.3
"""At either end of a silence: what sounded before dies away."""

NOTCH_HZ = 4.0
"""Hum so near to a harmonic of a tone is not told from it."""


def _noise_density(parameters: DeckParameters, track: int, frequency_hz: np.ndarray) -> np.ndarray:
    """One-sided power density of the silent tape at the output, re the mean square of 0 VU per Hz."""
    return output_density(parameters, track, frequency_hz, modulation.silent_density(frequency_hz, parameters, track))


def output_density(parameters: DeckParameters, track: int, frequency_hz: np.ndarray, modulated: np.ndarray) -> np.ndarray:
    """The same of hiss, electronics and what is `modulated` at the replay amplifier."""
    heard = np.sum(np.abs(replay_matrix(frequency_hz, parameters)[:, track, :]) ** 2, axis=-1)
    amplifier = small_signal_gain(parameters.electronics.output_gain_db) * np.abs(coupling(frequency_hz, COUPLING_HZ))
    hiss = 2.0 * heard_hiss_density(frequency_hz, parameters) * heard
    return np.asarray((hiss + modulated) * amplifier**2 + 2.0 * electronics_density(parameters))


def reference_db(session: TrueSession, track: int) -> float:
    """Returned level of a 1 kHz sine sent at 0 dB."""
    heard = session.heard_with(track)
    return decibels(abs(steady_sine(session.parameters, 1000.0, 0.0, track, heard, ratio=session.ratio)[1]))


@lru_cache(maxsize=8)
def _levels(parameters: DeckParameters, track: int, echo: Echoes) -> dict[str, float]:
    """Weighted levels of noise with hum and echoes, dB re a sine at 0 VU."""
    f = np.linspace(*BAND_HZ, 19981)
    density = _noise_density(parameters, track, f)
    hum_hz, hum_peak = hum_lines(parameters)
    level = {}
    for name, weight in (("noise_a", a_weighting), ("noise_ccir_rms", quasi_peak.network)):
        power = np.trapezoid(density * weight(f) ** 2, f) + np.sum((hum_peak * weight(hum_hz)) ** 2)
        level[name] = 10.0 * np.log10(power + echo.power(*BAND_HZ, weight))
    level["noise_ccir_rms"] += CCIR_OFFSET_DB
    # The meter is fed with volts of RMS value 1 at 0 VU.
    volts = np.sqrt(2.0)
    level["noise_itu468"] = quasi_peak.reading_db(f, density, hum_hz, volts * hum_peak, volts * echo.wave, echo.sample_rate)
    return {name: float(value) for name, value in level.items()}


def noise_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """Weighted noise, signal to noise, hum, and the noise beside the tones of a channel that are there for it.

    Of a tape with a rest of an earlier recording the hum alone: what is heard of that is no noise of the tape.
    """
    here = session.conditions(track, number)
    zero_db = reference_db(session, track)
    for hertz, peak in zip(*hum_lines(session.parameters), strict=True):
        line = {**here, "frequency_hz": float(hertz)}
        yield Result(quantity="hum", value=decibels(peak) - zero_db, unit="dB", conditions=line, method=BY_DENSITY)
    if session.is_haunted:
        return
    levels = _levels(session.parameters, track, in_silence(session, track, channel))
    for quantity, level_db in levels.items():
        method = BY_METER if quantity == "noise_itu468" else BY_DENSITY
        yield Result(quantity=quantity, value=level_db - zero_db, unit="dB", conditions=here, method=method)
    snr_db = zero_db - levels["noise_a"]
    yield Result(quantity="snr_a", value=snr_db, unit="dB", conditions=here, method=BY_DENSITY)
    for cue in session.sheet.of_kind("tone", channel=channel):
        if cue.parameters.get("purpose") == "modulation_noise":
            power = _power_beside(session, track, cue.number("frequency_hz"), cue.level_db or 0.0)
            power += _scrape_power(session, track, cue) + _echo_power(session, track, channel, cue)
            beside = 10.0 * np.log10(power) - zero_db
            tone = session.conditions(track, number, **tone_conditions(cue))
            yield Result(quantity="modulation_noise", value=float(beside), unit="dB", conditions=tone, method=BY_DENSITY)


def snr_re_mol(results: list[Result]) -> list[Result]:
    """Signal to noise re the maximum output level, where both are stated for the same track and pass."""
    mol = {(r.conditions["track"], r.conditions["pass"]): r.value for r in results if r.quantity == "mol_315"}
    found = []
    for floor in (r for r in results if r.quantity == "noise_a"):
        highest = mol.get((floor.conditions["track"], floor.conditions["pass"]))
        if highest is not None and floor.value is not None:
            here = {**floor.conditions, "re": "mol_315"}
            found.append(
                Result(quantity="snr_a", value=highest - floor.value, unit="dB", conditions=here, method=BY_DENSITY)
            )
    return found


def in_silence(session: TrueSession, track: int, channel: int) -> Echoes:
    """What print-through lets one hear in the silent stretches of a channel."""
    return echoes(session, track, channel, session.sheet.of_kind("silence", channel=channel), SILENCE_EDGE_S)


def noise_curves(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Curve]:
    """Density of the noise without its hum, and levels in third octaves with it.

    None where dropouts break up the steady flux that a magnetised head leaves, or an earlier recording is still heard: neither
    has a density.
    """
    faults = session.parameters.faults
    if (faults.dropouts_per_minute and faults.magnetism_ka_m) or session.is_haunted:
        return
    zero_db = reference_db(session, track)
    echo = in_silence(session, track, channel)
    density = _noise_density(session.parameters, track, RESPONSE_HZ)
    narrow = RESPONSE_HZ * (2.0 ** (1.0 / 24.0) - 2.0 ** (-1.0 / 24.0))
    density += [echo.power(f * 2.0 ** (-1.0 / 24.0), f * 2.0 ** (1.0 / 24.0)) for f in RESPONSE_HZ] / narrow
    yield Curve(
        quantity="noise_spectrum",
        conditions=session.conditions(track, number),
        method=BY_DENSITY,
        x=Axis.of("frequency", "Hz", RESPONSE_HZ),
        y=Axis.of("density", "dB/Hz", 10.0 * np.log10(density) - zero_db),
    )
    hum_hz, hum_peak = hum_lines(session.parameters)
    powers = []
    for low, high in zip(THIRD_OCTAVE_HZ * 10.0**-0.05, THIRD_OCTAVE_HZ * 10.0**0.05, strict=True):
        f = np.linspace(low, high, 65)
        inside = (hum_hz >= low) & (hum_hz < high)
        hiss = np.trapezoid(_noise_density(session.parameters, track, f), f)
        powers.append(hiss + np.sum(hum_peak[inside] ** 2) + echo.power(low, high))
    yield Curve(
        quantity="noise_spectrum",
        conditions=session.conditions(track, number, bandwidth="1/3 octave"),
        method=BY_DENSITY,
        x=Axis.of("frequency", "Hz", THIRD_OCTAVE_HZ),
        y=Axis.of("level", "dB", 10.0 * np.log10(powers) - zero_db),
    )


def _power_beside(session: TrueSession, track: int, tone_hz: float, level_db: float) -> float:
    """A-weighted noise beside a tone and its harmonics, re the mean square of 0 VU; frequencies as the tone was sent."""
    f, parameters = np.linspace(*BAND_HZ, 19981), session.parameters
    heard, pitch = session.heard_with(track), session.parameters.pitch_ratio
    modulated = modulation.tone_density(pitch * f, parameters, track, heard, tone_hz, level_db, session.ratio)
    power = np.trapezoid(pitch * output_density(parameters, track, pitch * f, modulated) * a_weighting(f) ** 2, f)
    hum_hz, hum_peak = hum_lines(parameters)
    hum_hz = hum_hz / pitch
    apart = np.abs(hum_hz - np.maximum(np.round(hum_hz / tone_hz), 1.0) * tone_hz) > NOTCH_HZ
    return float(power + np.sum((hum_peak * a_weighting(hum_hz))[apart] ** 2))


def _echo_power(session: TrueSession, track: int, channel: int, cue: Cue) -> float:
    """A-weighted echoes beside a tone and its harmonics, re the mean square of 0 VU; frequencies as they were sent."""
    tone_hz = cue.number("frequency_hz")
    f, power = echoes(session, track, channel, [cue], TONE_EDGE_S).lines
    apart = np.abs(f - np.maximum(np.round(f / tone_hz), 1.0) * tone_hz) > NOTCH_HZ
    return float(np.sum((power * a_weighting(f) ** 2)[apart & (f >= BAND_HZ[0]) & (f <= BAND_HZ[1])]))


def _scrape_power(session: TrueSession, track: int, cue: Cue) -> float:
    """A-weighted sidebands of scrape flutter beside a tone, re the mean square of 0 VU."""
    f, power = sidebands(session, track, cue.number("frequency_hz"), cue.level_db or 0.0)
    return float(np.sum((power * a_weighting(f) ** 2)[(f >= BAND_HZ[0]) & (f <= BAND_HZ[1])]))
