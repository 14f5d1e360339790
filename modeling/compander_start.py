"""Constants of a compander to model with: what the bench measured of this deck, and the usual ones for the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from modeling.compander import Companding
from modeling.compander_fit import NUMBERS
from modeling.deck.compander import emphasis, weighting
from modeling.deck.parameters import Compander, load_parameters
from sessions.results import Curve, Measurements, Result

HALVES = {"off": (), "on": ("encode", "decode"), "encode": ("encode",), "decode": ("decode",)}
"""Halves that are in, by position of the dbx switch."""
UNITY = "unity level"
AT_HZ = 1000.0
SMALL_SIGNAL_DB = -20.0
LEAST_DOUBT_DB = 0.05
FURTHEST = 4.0  # factor by which a corner may differ from the usual one


@dataclass(frozen=True)
class Start:
    """Halves that are in.

    Attributes
    ----------
    companding : Companding
    unknown : tuple of str
        Numbers that nothing measured, as :mod:`modeling.compander_fit` names them.
    told : str
        Where the constants come from, in words.
    """

    companding: Companding
    unknown: tuple[str, ...]
    told: str


def constants(dbx: str, measured: Measurements | None, track: int) -> Start:
    """Halves that a position of the dbx switch puts in.

    What only one half was measured for holds for the other too, but for the unity level: they are built alike.

    Parameters
    ----------
    dbx : str
        ``on``, ``encode`` or ``decode``.
    measured : Measurements, optional
        Of the session, takes with one half in and takes without among them.
    track : int
        Programme track, from 1.
    """
    usual = load_parameters("fresh").compander.model_copy(update={"mismatch_db": 0.0})
    found = {half: {} if measured is None else _half(usual, half, measured, track) for half in ("encode", "decode")}
    shared = {name: numbers for half in found.values() for name, numbers in half.items() if name != UNITY}
    made = {}
    for half in HALVES[dbx]:
        numbers = {**shared, **found[half]}
        made[half] = usual.model_copy(update={field: value for part in numbers.values() for field, value in part.items()})
    known = list(dict.fromkeys([*shared, *(name for half in HALVES[dbx] for name in found[half])]))
    told = f"measured {', '.join(known)}; the rest as usual" if known else "the usual constants"
    unknown = tuple(name for name in NUMBERS if name not in shared)
    return Start(Companding(encode=made.get("encode"), decode=made.get("decode")), unknown, told)


def _half(usual: Compander, half: str, measured: Measurements, track: int) -> dict[str, dict[str, float]]:
    """What was measured of one half, by its name: fields and values."""
    found: dict[str, dict[str, float]] = {}
    for name, field, results in (
        ("ratio", "ratio", measured.find(f"dbx_{half}_ratio", track=track, dbx=half, frequency_hz=AT_HZ)),
        ("time constant", "time_constant_s", measured.find("dbx_time_constant", track=track, dbx=half)),
        (UNITY, "unity_db", measured.find("dbx_unity_level", track=track, dbx=half)),
    ):
        value = _surest(results)
        if value is not None:
            # A unity level is measured as a level sent; a decoder gets it with the gain of the channel.
            late = _gain_db(measured, track) if field == "unity_db" and half == "decode" else 0.0
            found[name] = {field: value + late}
    for name, response in (("emphasis", emphasis), ("weighting", weighting)):
        curves = measured.find_curves(f"dbx_{name}", track=track, dbx=half)
        if curves:
            sign = -1.0 if half == "decode" and name == "emphasis" else 1.0
            found[name] = _corners(curves[0], response, sign, usual, name)
    return {name: numbers for name, numbers in found.items() if all(map(_allowed, numbers, numbers.values()))}


def _surest(results: Sequence[Result]) -> float | None:
    """The valid figure of least uncertainty."""
    there = [(np.inf if r.uncertainty is None else r.uncertainty, r.value) for r in results if r.value is not None]
    return min(there)[1] if there else None


def _gain_db(measured: Measurements, track: int) -> float:
    """Gain of the deck without dbx at 1 kHz, 0 dB where it is not known."""
    curves = measured.of_path(None).find_curves("frequency_response", track=track)
    there = [c for c in curves if c.conditions.get("dbx", "off") == "off"]
    if not there:
        return 0.0
    best = min(there, key=lambda c: abs(float(c.conditions.get("level_db", 0.0)) - SMALL_SIGNAL_DB))
    return float(np.interp(np.log(AT_HZ), np.log(best.x.array), best.y.array))


def _corners(
    curve: Curve, response: Callable[[np.ndarray, Compander], np.ndarray], sign: float, usual: Compander, part: str
) -> dict[str, float]:
    """Zero and pole of a shelf that come closest to a measured curve."""
    names = (f"{part}_zero_hz", f"{part}_pole_hz")
    frequency, gain = curve.x.array, sign * curve.y.array
    doubt = LEAST_DOUBT_DB if curve.uncertainty is None else np.maximum(np.array(curve.uncertainty), LEAST_DOUBT_DB)
    start = np.log([getattr(usual, name) for name in names])

    def left(logarithms: np.ndarray) -> np.ndarray:
        tried = usual.model_copy(update=dict(zip(names, np.exp(logarithms), strict=True)))
        return np.asarray((20.0 * np.log10(np.abs(response(frequency, tried))) - gain) / doubt)

    reach = np.log(FURTHEST)
    found = np.exp(least_squares(left, start, bounds=(start - reach, start + reach)).x)
    return dict(zip(names, found.tolist(), strict=True))


def _allowed(name: str, value: float) -> bool:
    """Whether a value is inside the limits of its field."""
    limits = Compander.model_fields[name].metadata
    return all(value >= getattr(limit, "ge", -np.inf) and value <= getattr(limit, "le", np.inf) for limit in limits)
