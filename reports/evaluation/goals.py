"""How close a model has to come to its deck, and how close it came."""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from reports.comparison.differences import combined_doubt
from reports.readings import PooledCurve, Reading, number_or, pool, pool_curves
from reports.subjects.response import SMALL_SIGNAL_DB
from sessions.results import Condition, Conditions, Measurements

Verdict = Literal["within", "outside", "undecided", "not measured", "no goal"]

LOWEST_DB = -60.0
"""Products of distortion are compared down to here; what lies below, or drowns in noise, counts as lying here."""
DROWNED = "below the noise"
RESPONSE_HZ, RESPONSE_DB = (40.0, 14_000.0), 0.5
HARMONICS_DB = {0.0: 2.0, 5.0: 2.0, -10.0: 4.0}
ORDERS = range(2, 6)
OUTPUT_DB = 0.3
HIGHEST = ("mol_315", "sol_10k")
FLUTTER_PERCENT = 10.0
NOISE_DB = 1.0
SPURIOUS_DB = 3.0
BEYOND = 2.0 ** (1.0 / 3.0)
"""So far a curve of the deck goes on as it ends: a dropout may have taken the rest. Farther on its product drowns in noise."""
TWO_TONES = ("imd_smpte", "imd_difference")


VAGUE = 3.0
"""Doubt over limit from which on even a perfect model would lie beyond the limit every other time, by chance alone."""


class Deviation(BaseModel):
    """One figure of deck and model; `doubt` is the 95 % uncertainty of the difference, where it is known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    conditions: dict[str, Condition]
    deck: float
    model: float
    difference: float
    limit: float | None
    doubt: float | None

    @property
    def share(self) -> float:
        """Size of the difference, as a part of the limit where there is one."""
        return abs(self.difference) / (self.limit or 1.0)


class Goal(BaseModel):
    """What a model is held against.

    Attributes
    ----------
    subject, asked : str
        What is compared, and the limit in words; without a limit nothing is asked.
    unit : str
        Of the differences.
    deviations : tuple of Deviation
        Every figure; of a curve the worst point in each third of an octave.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    asked: str
    unit: str
    deviations: tuple[Deviation, ...]
    verdict: Verdict
    outside: int

    @property
    def worst(self) -> Deviation | None:
        """The deviation that takes up most of its limit."""
        return max(self.deviations, key=lambda d: d.share, default=None)

    @classmethod
    def of(cls, subject: str, asked: str, unit: str, deviations: Iterable[Deviation]) -> "Goal":
        """Judge deviations.

        A goal is missed where a difference exceeds its limit by more than its doubt; where one exceeds it by less, nobody can say.
        Neither can anybody where most differences are within, but in far greater doubt than that.
        """
        found = tuple(deviations)
        vague = [d for d in found if d.limit is not None and (d.doubt or 0.0) >= VAGUE * d.limit]
        beyond = [d for d in found if d.limit is not None and d.share > 1.0]
        surely = [d for d in beyond if d.limit is not None and abs(d.difference) > d.limit + (d.doubt or 0.0)]
        verdict: Verdict = "outside" if surely else "undecided" if beyond or 2 * len(vague) > len(found) else "within"
        if not found:
            verdict = "not measured"
        elif all(d.limit is None for d in found):
            verdict = "no goal"
        return cls(subject=subject, asked=asked, unit=unit, deviations=found, verdict=verdict, outside=len(surely))


def goals(deck: Measurements, model: Measurements) -> list[Goal]:
    """Hold a model against its deck: what is asked of it first, then what is told without being asked.

    Parameters
    ----------
    deck, model : Measurements
        Of one track and one position of the dbx switch (see :func:`of_track`).
    """
    low, high = RESPONSE_HZ
    band = f"within {RESPONSE_DB:g} dB, {low:g} Hz to {high / 1000:g} kHz"
    quiet, *louder = _responses(deck, model) or [(0.0, [])]
    return [
        Goal.of(f"Response at {quiet[0]:zg} dB", band, "dB", quiet[1]),
        Goal.of("Harmonics at 0 and +5 dB", "within 2 dB, down to -60 dB", "dB", _harmonics(deck, model, (0.0, 5.0))),
        Goal.of("Harmonics at -10 dB", "within 4 dB, down to -60 dB", "dB", _harmonics(deck, model, (-10.0,))),
        Goal.of("Highest output levels", f"MOL and SOL within {OUTPUT_DB:g} dB", "dB", _highest(deck, model)),
        Goal.of("Wow and flutter, weighted", f"within {FLUTTER_PERCENT:g} %", "%", _flutter(deck, model)),
        Goal.of("Noise in third octaves", f"within {NOISE_DB:g} dB", "dB", _noise(deck, model)),
        Goal.of("Spurious products", f"at most {SPURIOUS_DB:g} dB above the deck's", "dB", _spurious(deck, model)),
        *(Goal.of(f"Response at {level:zg} dB", "", "dB", _unasked(found)) for level, found in louder),
        Goal.of("Compression", "", "dB", _compression(deck, model)),
        Goal.of("Intermodulation", "", "dB", [d for q in TWO_TONES for d in _percentages(deck, model, q)]),
        Goal.of("Modulation noise", "", "dB", _figures(deck, model, "modulation_noise", None)),
    ]


def of_track(measurements: Measurements, track: int | None, dbx: str) -> Measurements:
    """What was measured on tape of one track and one position of the dbx switch, and of no track in particular."""
    whole = measurements.of_path(None)

    def wanted(conditions: Conditions) -> bool:
        return conditions.get("dbx", dbx) == dbx and (track is None or conditions.get("track", track) == track)

    return whole.model_copy(
        update={
            "results": [r for r in whole.results if wanted(r.conditions)],
            "curves": [c for c in whole.curves if wanted(c.conditions)],
        }
    )


# What is compared.


def _responses(deck: Measurements, model: Measurements) -> list[tuple[float, list[Deviation]]]:
    """Deviations of the response at each level, that of a small signal first."""
    found = []
    for one, other in _curves(deck, model, "frequency_response"):
        x, y, modelled, doubt = _on_grid(one, other)
        inside = (x >= RESPONSE_HZ[0]) & (x <= RESPONSE_HZ[1])
        points = zip(x[inside], y[inside], modelled[inside], doubt[inside], strict=True)
        level_db = number_or(one.conditions.get("level_db"), 0.0)
        found.append((level_db, _worst_of_thirds([_at(f, one, a, b, RESPONSE_DB, d) for f, a, b, d in points])))
    return sorted(found, key=lambda own: abs(own[0] - SMALL_SIGNAL_DB))


def _harmonics(deck: Measurements, model: Measurements, levels_db: Sequence[float]) -> list[Deviation]:
    found = []
    for order in ORDERS:
        for one, other in _readings(deck, model, f"harmonic_{order}"):
            level_db = number_or(one.conditions.get("level_db"), math.nan)
            if level_db in levels_db and _told(one) and _told(other):
                where = {"order": order, **one.conditions}
                found.append(_product(where, _floored(one), _floored(other), HARMONICS_DB[level_db], (one, other)))
    return found


def _highest(deck: Measurements, model: Measurements) -> list[Deviation]:
    """Levels beyond which the tape gives no more, where the ladder holds their tones."""
    found = []
    for quantity in HIGHEST:
        found += [_of(d, quantity) for d in _figures(deck, model, quantity, OUTPUT_DB)]
    return found


def _flutter(deck: Measurements, model: Measurements) -> list[Deviation]:
    found = []
    for one, other in _readings(deck, model, "wow_flutter_weighted_2sigma"):
        if one.values and other.values and "of" not in one.conditions:
            doubt = combined_doubt(one, other)
            percent = None if doubt is None else 100.0 * doubt / one.mean
            difference = 100.0 * (other.mean / one.mean - 1.0)
            found.append(_deviation(one.conditions, one.mean, other.mean, difference, FLUTTER_PERCENT, percent))
    return found


def _noise(deck: Measurements, model: Measurements) -> list[Deviation]:
    found = []
    for one, other in _curves(deck, model, "noise_spectrum"):
        if "bandwidth" in one.conditions:
            points = zip(*_on_grid(one, other), strict=True)
            found += [_at(f, one, a, b, NOISE_DB, d) for f, a, b, d in points]
    return found


def _spurious(deck: Measurements, model: Measurements) -> list[Deviation]:
    """Products of the model above those of the deck; lower ones are no matter here."""
    found = []
    for order in ORDERS:
        name = f"harmonic_response_{order}"
        of_deck = {_key(c.conditions): c for c in pool_curves(deck.find_curves(name))}
        for curve in pool_curves(model.find_curves(name)):
            one = of_deck.get(_key(curve.conditions))
            y = np.full(curve.x.size, LOWEST_DB)
            if one is not None:
                there = (curve.x >= one.x[0] / BEYOND) & (curve.x <= one.x[-1] * BEYOND)
                y[there] = np.interp(np.log(curve.x[there]), np.log(one.x), one.y)
            doubt = np.hypot(_half(curve, curve.x), 0.0 if one is None else _half(one, curve.x))
            points = zip(curve.x, np.maximum(y, LOWEST_DB), np.maximum(curve.y, LOWEST_DB), doubt, strict=True)
            found += _worst_of_thirds([_above(_at(f, curve, a, b, SPURIOUS_DB, d, order=order)) for f, a, b, d in points])
        for one_, other in _readings(deck, model, f"harmonic_{order}"):
            if _told(one_) and _told(other):
                where = {"order": order, **one_.conditions}
                found.append(_above(_product(where, _floored(one_), _floored(other), SPURIOUS_DB, (one_, other))))
    for quantity in ("thd_n", *TWO_TONES):
        found += [_above(d) for d in _percentages(deck, model, quantity, SPURIOUS_DB)]
    return found


def _compression(deck: Measurements, model: Measurements) -> list[Deviation]:
    """Output against input, each re its own lowest level."""
    found = []
    for one, other in _curves(deck, model, "compression"):
        x, y, modelled, _ = _on_grid(one, other)
        pairs = zip(x, y - y[0], modelled - modelled[0], strict=True)
        found += [_deviation({**one.conditions, "level_db": float(v)}, float(a), float(b), None) for v, a, b in pairs]
    return found


def _figures(deck: Measurements, model: Measurements, quantity: str, limit: float | None) -> list[Deviation]:
    pairs = [(one, other) for one, other in _readings(deck, model, quantity) if one.values and other.values]
    return [_deviation(a.conditions, a.mean, b.mean, None, limit, combined_doubt(a, b)) for a, b in pairs]


def _percentages(deck: Measurements, model: Measurements, quantity: str, limit: float | None = None) -> list[Deviation]:
    """Figures in % of the signal, in dB and not below the lowest level that counts."""
    found = []
    for one, other in _readings(deck, model, quantity):
        if one.values and other.values:
            a, b = (max(20.0 * math.log10(max(r.mean, 1e-9) / 100.0), LOWEST_DB) for r in (one, other))
            doubt = combined_doubt(one, other)
            decibels = None if doubt is None else 8.686 * doubt / max(one.mean, other.mean)
            found.append(_deviation({"of": quantity, **one.conditions}, a, b, None, limit, decibels))
    return found


def _of(deviation: Deviation, quantity: str) -> Deviation:
    return deviation.model_copy(update={"conditions": {"of": quantity, **deviation.conditions}})


def _unasked(found: Iterable[Deviation]) -> list[Deviation]:
    return [d.model_copy(update={"limit": None}) for d in found]


# How.


def _readings(deck: Measurements, model: Measurements, quantity: str) -> list[tuple[Reading, Reading]]:
    """Readings of both under the same conditions, passes pooled."""
    of_model = {_key(r.conditions): r for r in pool(model.find(quantity))}
    pairs = [(r, of_model.get(_key(r.conditions))) for r in pool(deck.find(quantity))]
    return [(one, other) for one, other in pairs if other is not None]


def _curves(deck: Measurements, model: Measurements, quantity: str) -> list[tuple[PooledCurve, PooledCurve]]:
    of_model = {_key(c.conditions): c for c in pool_curves(model.find_curves(quantity))}
    pairs = [(c, of_model.get(_key(c.conditions))) for c in pool_curves(deck.find_curves(quantity))]
    return [(one, other) for one, other in pairs if other is not None]


def _key(conditions: Conditions) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((k, str(v)) for k, v in conditions.items() if k != "pass"))


def _on_grid(one: PooledCurve, other: PooledCurve) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Abscissa, deck, model and doubt of the difference, where both have a value."""
    inside = (one.x >= other.x[0]) & (one.x <= other.x[-1])
    x = one.x[inside]
    modelled = np.interp(x, other.x, other.y)
    return x, one.y[inside], modelled, np.hypot(_half(one, x), _half(other, x))


def _half(curve: PooledCurve, x: np.ndarray) -> np.ndarray:
    """Half the width between a curve's limits."""
    if curve.low is None or curve.high is None:
        return np.zeros(x.size)
    return np.interp(x, curve.x, (curve.high - curve.low) / 2.0)


def _told(reading: Reading) -> bool:
    """Whether a product has a value, or is known to drown in the noise."""
    return bool(reading.values) or any(DROWNED in note for _, note in reading.notes)


def _floored(reading: Reading) -> float:
    return max(reading.mean, LOWEST_DB) if reading.values else LOWEST_DB


def _product(
    where: Conditions, deck_db: float, model_db: float, limit: float, readings: tuple[Reading, Reading]
) -> Deviation:
    known = [r.doubt for r in readings if r.doubt is not None and r.values and r.mean > LOWEST_DB]
    return _deviation(where, deck_db, model_db, None, limit, math.hypot(*known))


def _at(f: float, curve: PooledCurve, deck: float, model: float, limit: float, doubt: float, **more: int) -> Deviation:
    where = {**more, **curve.conditions, "frequency_hz": float(f"{f:.3g}")}
    return _deviation(where, float(deck), float(model), None, limit, float(doubt))


def _deviation(
    where: Conditions,
    deck: float,
    model: float,
    difference: float | None,
    limit: float | None = None,
    doubt: float | None = None,
) -> Deviation:
    shown = {k: v for k, v in where.items() if k not in ("speed_cm_s", "dbx", "track", "bandwidth")}
    apart = model - deck if difference is None else difference
    return Deviation(conditions=shown, deck=deck, model=model, difference=apart, limit=limit, doubt=doubt)


def _above(deviation: Deviation) -> Deviation:
    return deviation.model_copy(update={"difference": max(deviation.difference, 0.0)})


def _worst_of_thirds(
    deviations: Sequence[Deviation], size: Callable[[Deviation], float] = lambda d: d.share
) -> list[Deviation]:
    """The worst of every third of an octave, ten to the decade."""
    thirds: dict[int, Deviation] = {}
    for deviation in deviations:
        third = round(10.0 * math.log10(float(deviation.conditions["frequency_hz"])))
        if third not in thirds or size(deviation) > size(thirds[third]):
            thirds[third] = deviation
    return list(thirds.values())
