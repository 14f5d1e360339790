"""What the interface itself puts into the figures of a deck: taken off where it can be, named where it cannot.

The response of output and input together was measured with a cable in place of the deck. Its shape re 1 kHz is taken off
responses in dB, phase and delay; the gain is not, since the gain controls may have moved. Noise and harmonics cannot be taken
off: what the converters add comes in unknown phase, and the noise of an input depends on what is plugged in. A figure to which
the interface comes closer than `NEAR_DB` says so in its note.
"""

from dataclasses import dataclass

import numpy as np

from analysis.findings import Measured, curve, result
from analysis.subjects.band import band_results
from sessions.calibration import Calibration, Pair
from sessions.results import Conditions, Curve, Result

NEAR_DB = 10.0
ALONE = "the interface alone has"
"""Words by which the note of a figure that the interface limits is known."""
LATENCY = "cross-correlation of a loop from output to input, linear phase from 400 Hz to 6 kHz"
TAKEN_OFF = "; the interface's own taken off"
BAND = ("bandwidth_low", "bandwidth_high", "response_ripple")
NOISE = ("noise_a", "noise_itu468", "noise_ccir_rms")
DISTORTION = ("thd", "thd_n", "harmonic_2", "harmonic_3", "harmonic_4", "harmonic_5")
BY_FREQUENCY = {"mol_315": 315.0, "sol_10k": 10_000.0}
FARTHEST_LEVEL_DB = 6.0
"""So far beyond the levels of the calibration its distortion at the nearest is taken to hold."""


@dataclass(frozen=True)
class Circumstances:
    """How a take went through the interface.

    Attributes
    ----------
    pair : (int, int)
        Output that the programme left by and input it came back to, from 1.
    straight : bool
        Whether input and output ran together, with no tape between, so that the interface's latency is part of the delay.
    reference_dbfs : float
        Level of a sine sent at 0 dB.
    returned_dbfs : float or None
        Level of the returned reference tone, which noise is stated against.
    """

    pair: Pair
    straight: bool
    reference_dbfs: float
    returned_dbfs: float | None


def corrected(measured: Measured, calibration: Calibration, by: Circumstances, conditions: Conditions) -> Measured:
    """Results and curves of one channel of a take with the interface taken off, or named where it limits them.

    Parameters
    ----------
    measured : tuple
        What the bench said.
    calibration : Calibration
        Of the interface, at the rate of the take.
    conditions : mapping
        Conditions of the take.
    """
    alone = Alone(calibration, by.pair)
    if alone.latency is None:
        output, input_ = by.pair
        note = (
            f"output {output} and input {input_} were not looped, so nothing is taken off; calibrate with "
            f"--outputs {output} --inputs {input_}"
        )
        missing = Result.invalid("interface_latency", "s", conditions, LATENCY, note)
        return [*measured[0], missing], measured[1]
    curves = [_without(c, alone, by) for c in measured[1]]
    results: list[Result] = []
    bands = {_key(r): r for c in curves if c.quantity == "frequency_response" for r in _bands(c)}
    for one in measured[0]:
        figure = _freed(bands.get(_key(one), one), alone, by)
        results.append(_limited(figure, alone, by))
    latency = alone.latency
    told = result("interface_latency", latency.value or 0.0, "s", latency.uncertainty, conditions, LATENCY)
    return [*results, told.model_copy(update={"note": latency.note})], curves


class Alone:
    """The interface by itself, from one output to one input."""

    def __init__(self, calibration: Calibration, pair: Pair) -> None:
        where = {"output": pair[0], "input": pair[1]}
        self.reference_dbfs = calibration.reference_dbfs
        self.curves = {c.quantity: c for c in calibration.curves if c.conditions.items() >= where.items()}
        self.results = [r for r in calibration.results if r.valid and r.conditions.items() >= where.items()]

    @property
    def latency(self) -> Result | None:
        """Round trip; None where this output and input were not looped."""
        return next((r for r in self.results if r.quantity == "interface_latency"), None)

    def value(self, quantity: str) -> float | None:
        """A figure that there is once a pair."""
        return next((r.value for r in self.results if r.quantity == quantity), None)

    def at(self, quantity: str, frequency_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """A curve and its uncertainty at other frequencies (zero where it does not reach, or is not there)."""
        known = self.curves.get(quantity)
        if known is None:
            return np.zeros(frequency_hz.size), np.zeros(frequency_hz.size)
        x = np.log(known.x.array)
        wanted = np.log(np.maximum(frequency_hz, 1e-9))
        doubt = np.zeros(x.size) if known.uncertainty is None else np.asarray(known.uncertainty)
        return np.interp(wanted, x, known.y.array), np.interp(wanted, x, doubt)

    def response_db(self, frequency_hz: float) -> float:
        """Response re 1 kHz at one frequency."""
        return float(self.at("frequency_response", np.array([frequency_hz]))[0][0])

    def distortion(self, quantity: str, frequency_hz: float, sent_dbfs: float) -> float | None:
        """A distortion figure at a level sent, between the steps of the ladder of the nearest frequency; None if unknown."""
        ladder = [r for r in self.results if r.quantity == quantity and "frequency_hz" in r.conditions]
        if not ladder:
            return None
        steps = np.array([(r.conditions["frequency_hz"], r.conditions["level_db"], r.value) for r in ladder], dtype=float)
        apart = np.abs(np.log(steps[:, 0] / frequency_hz))
        steps = steps[apart == apart.min()]
        steps = steps[np.argsort(steps[:, 1])]
        level = sent_dbfs - self.reference_dbfs
        if not steps[0, 1] - FARTHEST_LEVEL_DB <= level <= steps[-1, 1] + FARTHEST_LEVEL_DB:
            return None
        return float(np.interp(level, steps[:, 1], steps[:, 2]))


def _key(figure: Result) -> tuple[str, tuple[tuple[str, str | int | float], ...]]:
    return figure.quantity, tuple(sorted(figure.conditions.items()))


def _bands(response: Curve) -> list[Result]:
    """Limits and ripple of a corrected response."""
    doubt = None if response.uncertainty is None else np.asarray(response.uncertainty)
    found = band_results(response.x.array, response.y.array, response.conditions, doubt)
    return [r.model_copy(update={"method": r.method + TAKEN_OFF}) for r in found]


def _without(one: Curve, alone: Alone, by: Circumstances) -> Curve:
    """A curve with the interface taken off, where it is one that the interface shapes."""
    y, doubt = one.y.array, None if one.uncertainty is None else np.asarray(one.uncertainty)
    match one.quantity:
        case "frequency_response" | "phase_response" | "group_delay":
            own, own_doubt = alone.at(one.quantity, one.x.array)
        case "compression":
            frequency = np.array([float(one.conditions.get("frequency_hz", 1000.0))])
            own, own_doubt = alone.at("frequency_response", frequency)
        case "delay_trajectory" if by.straight and alone.latency is not None:
            own, own_doubt = np.array([alone.latency.value or 0.0]), np.array([alone.latency.uncertainty or 0.0])
        case _:
            return one
    doubt = None if doubt is None else np.hypot(doubt, own_doubt)
    names = (one.x.name, one.x.unit)
    method = one.method + TAKEN_OFF
    return curve(one.quantity, one.conditions, method, one.x.array, y - own, one.y.name, one.y.unit, doubt, names)


def _freed(figure: Result, alone: Alone, by: Circumstances) -> Result:
    """A figure with the interface taken off, where that can be done."""
    if figure.value is None:
        return figure
    value, doubt = figure.value, figure.uncertainty
    if figure.quantity == "latency" and by.straight and alone.latency is not None:
        value -= alone.latency.value or 0.0
        doubt = float(np.hypot(doubt or 0.0, alone.latency.uncertainty or 0.0))
    elif figure.quantity in BY_FREQUENCY:
        value -= alone.response_db(BY_FREQUENCY[figure.quantity])
    elif figure.quantity == "polarity":
        value *= alone.value("polarity") or 1.0
    else:
        return figure
    return figure.model_copy(update={"value": value, "uncertainty": doubt, "method": figure.method + TAKEN_OFF})


def _limited(figure: Result, alone: Alone, by: Circumstances) -> Result:
    """A figure with a note when the interface by itself comes near it."""
    if figure.value is None:
        return figure
    if figure.quantity in (*NOISE, "snr_a") and "re" not in figure.conditions:
        said = _noise_note(figure, alone, by)
    elif figure.quantity in DISTORTION:
        said = _distortion_note(figure, alone, by)
    else:
        return figure
    return figure if said is None else figure.model_copy(update={"note": "; ".join(filter(None, (figure.note, said)))})


def _noise_note(figure: Result, alone: Alone, by: Circumstances) -> str | None:
    own = alone.value("noise_a" if figure.quantity == "snr_a" else figure.quantity)
    if own is None or by.returned_dbfs is None or figure.value is None:
        return None
    level = by.returned_dbfs + (-figure.value if figure.quantity == "snr_a" else figure.value)
    margin = level - own
    if margin >= NEAR_DB:
        return None
    says = f"{ALONE} {own:.1f} dBFS of the {level:.1f} dBFS here"
    if margin <= 0.5:
        return f"{says}: this is the noise of the interface, the deck's is lower"
    raised_db = -10.0 * np.log10(1.0 - 10.0 ** (-margin / 10.0))
    return f"{says}, {margin:.1f} dB below, and raises the figure by about {raised_db:.1f} dB"


def _distortion_note(figure: Result, alone: Alone, by: Circumstances) -> str | None:
    frequency, level = figure.conditions.get("frequency_hz"), figure.conditions.get("level_db")
    if figure.value is None or isinstance(frequency, str | None) or isinstance(level, str | None):
        return None
    own = alone.distortion(figure.quantity, float(frequency), by.reference_dbfs + float(level))
    if own is None:
        return None
    margin = figure.value - own if figure.unit == "dB" else 20.0 * np.log10(max(figure.value, 1e-12) / max(own, 1e-12))
    if margin >= NEAR_DB:
        return None
    shown = f"{own:.1f} dB" if figure.unit == "dB" else f"{own:.2g} %"
    if margin <= 0.5:
        return f"{ALONE} {shown} here: this is the distortion of the interface"
    return f"{ALONE} {shown} here, {margin:.1f} dB below, and may be part of the figure"
