"""The figures of the compander, from the readings of all takes of a session."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.compander import ballistics, channel, emphasis, pairs, tracking
from analysis.compander.channel import Channel
from analysis.compander.law import Law, constant
from analysis.compander.pairs import Pairs
from analysis.compander.readings import MODULATING_HZ, Burst, Readings
from analysis.findings import Measured, curve, result
from sessions.results import Condition, Curve, Result

HALVES = ("encode", "decode")
REFERENCE_HZ = 1000.0
RATIO_SYSTEMATIC = {True: 0.0007, False: 0.003}  # where the take without dbx tells the compression, and where it does not
UNITY_SD_DB = 0.02
UNTOLD_TAU = 0.015  # of a time constant, where nothing tells what the tape compresses
OVERSHOOT_DB = 3.0  # by which a short overshoot may exceed where the channel is straight, and 0 dB

LAW = "settled steps of 5 dB against the takes without dbx; straight line in dB, with the noise that the detector hears"
UNITY = "level sent at which the gain is 0 dB: the same returns as without dbx"
TAU = "one-pole on the square, fitted to the envelope of bursts behind the same smoothing"
EMPHASIS = "weak tone beside a strong steady one, less the channel without dbx, re 1 kHz"
WEIGHTING = "shift of the static law with frequency, less the emphasis, re 1 kHz"
TRACKING = "returned level with dbx in record and play less that of a small signal without"
TRACKED = f"{TRACKING}; 95 % of the steps from -50 to 0 dB stay within"
REDUCTION = "A-weighted noise of silence without dbx over that with dbx in record and play"
MODULATION = "A-weighted noise beside the tone, its harmonics taken out, re the returned reference tone (1 kHz at 0 dB)"

NO_OFF = "there is no take without dbx to compare with; capture one with --dbx off"
HOW = {
    "encode": "recorded with dbx in and played with dbx out; capture one with --dbx encode",
    "decode": "recorded with dbx out and played with dbx in; capture one with --dbx decode",
    "on": "recorded and played with dbx in; capture one with --dbx on",
}


@dataclass(frozen=True)
class _Track:
    """One track's takes by position of the switch, and the channel that those without dbx make."""

    takes: dict[str, list[Readings]]
    channel: Channel | None
    reference_dbfs: float
    conditions: dict[str, Condition]

    def under(self, dbx: str, **more: Condition) -> dict[str, Condition]:
        return {**self.conditions, "dbx": dbx, **more}


def measure(readings: Sequence[Readings], reference_dbfs: float) -> Measured:
    """All figures of the compander, of every track; nothing where no take has dbx in.

    Parameters
    ----------
    readings : sequence of Readings
        Of all takes and tracks.
    reference_dbfs : float
        Level of a sine at 0 dB.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    speeds = dict.fromkeys((r.conditions.get("track"), r.conditions.get("speed_cm_s")) for r in readings)
    for which in speeds:
        mine = [r for r in readings if (r.conditions.get("track"), r.conditions.get("speed_cm_s")) == which]
        takes = {dbx: [r for r in mine if r.dbx == dbx] for dbx in ("off", "on", *HALVES)}
        if not any(takes[dbx] for dbx in HOW):
            continue
        named = {key: value for key, value in zip(("track", "speed_cm_s"), which, strict=True) if value is not None}
        track = _Track(takes, channel.of_takes(takes["off"], reference_dbfs), reference_dbfs, named)
        for more_results, more_curves in (*(_half(track, dbx) for dbx in HALVES), _both(track)):
            results += more_results
            curves += more_curves
    return results, curves


def _half(track: _Track, dbx: str) -> Measured:
    quantity, encode = f"dbx_{dbx}_ratio", dbx == "encode"
    takes = track.takes[dbx]
    if not takes:
        note = f"no take was {HOW[dbx]}"
        units = ((quantity, "1", LAW), ("dbx_unity_level", "dB", UNITY), ("dbx_time_constant", "s", TAU))
        return [Result.invalid(q, unit, track.under(dbx), method, note) for q, unit, method in units], []
    found = pairs.of_takes(takes, encode, track.channel, track.reference_dbfs)
    laws = {p.frequency_hz: p.fitted(encode) for p in found}
    results: list[Result] = []
    curves: list[Curve] = []
    for p in found:
        conditions = track.under(dbx, frequency_hz=p.frequency_hz)
        results.append(_ratio(quantity, laws[p.frequency_hz], p, conditions, track.channel is None))
        shown = p.told()
        if not shown.any():
            continue
        x, y = (p.high_db, p.low_db) if encode else (p.low_db, p.high_db)
        doubt = 1.96 * p.law_sd(encode)
        curves.append(
            curve(f"dbx_{dbx}_law", conditions, LAW, x[shown], y[shown], "output", "dB", doubt[shown], ("input", "dB"))
        )
    law = laws.get(REFERENCE_HZ)
    results.append(_unity(law, track, dbx))
    results += _time_constants(takes, laws, track, dbx)
    curves += _filters(found, laws, track, dbx)
    return results, curves


def _ratio(quantity: str, law: Law | None, p: Pairs, conditions: dict[str, Condition], alone: bool) -> Result:
    if law is None:
        note = (
            f"{np.count_nonzero(p.straight)} of {p.straight.size} steps can be used, too few or too close for a slope: "
            "the tape bends the others, and what is missing was clipped or hidden in noise; check the level"
        )
        return Result.invalid(quantity, "1", conditions, LAW, note)
    made = result(
        quantity,
        law.ratio,
        "1",
        1.96 * float(np.hypot(law.ratio_sd, RATIO_SYSTEMATIC[p.compared] * law.ratio)),
        conditions,
        LAW,
    )
    if alone:
        return made.model_copy(update={"note": f"what the tape compresses is in it: {NO_OFF}"})
    return made


def _unity(law: Law | None, track: _Track, dbx: str) -> Result:
    conditions = track.under(dbx, frequency_hz=REFERENCE_HZ)
    unity = None if law is None else law.unity_db()
    if track.channel is None or law is None or unity is None:
        note = (
            NO_OFF
            if track.channel is None
            else "there is no static law at 1 kHz to find it from; check the level of the steps"
        )
        return Result.invalid("dbx_unity_level", "dB", conditions, UNITY, note)
    return result("dbx_unity_level", unity[0], "dB", 1.96 * float(np.hypot(unity[1], UNITY_SD_DB)), conditions, UNITY)


def _time_constants(takes: Sequence[Readings], laws: dict[float, Law | None], track: _Track, dbx: str) -> list[Result]:
    bursts = [burst for take in takes for burst in take.bursts]
    usable = [law for law in laws.values() if law is not None]
    results = []
    for frequency_hz in dict.fromkeys(b.frequency_hz for b in bursts):
        law = laws.get(frequency_hz) or laws.get(REFERENCE_HZ) or (usable[0] if usable else None)
        own = [b for b in bursts if b.frequency_hz == frequency_hz]
        edges = [] if law is None else [e for b in own for e in _edges(b, law, track, dbx)]
        for kind in ("release", "attack"):
            conditions = track.under(dbx, frequency_hz=frequency_hz, edge=kind)
            mine = [e for e in edges if e.kind == kind]
            if mine:
                tau, doubt = ballistics.combined(mine, frequency_hz, dbx == "encode")
                if track.channel is None or not track.channel.tells_compression(frequency_hz):
                    doubt = float(np.hypot(doubt, UNTOLD_TAU * tau))
                results.append(result("dbx_time_constant", tau, "s", doubt, conditions, TAU))
            else:
                why = (
                    "there is no static law to read the gain by"
                    if law is None
                    else "their rest drowns in noise, or the gain moves too little at their edges"
                )
                note = f"0 of {len(own)} bursts can be read: {why}; check that dbx was in and the level right"
                results.append(Result.invalid("dbx_time_constant", "s", conditions, TAU, note))
    if not results:
        note = "there are no bursts that can be read; use a planned stimulus, and check that nothing clips"
        results.append(Result.invalid("dbx_time_constant", "s", track.under(dbx), TAU, note))
    return results


def _edges(burst: Burst, law: Law, track: _Track, dbx: str) -> Iterator[ballistics.Edge]:
    encode, between, f = dbx == "encode", track.channel, burst.frequency_hz
    if between is None:
        path = ballistics.Path(lambda level: level, burst.rest_db, OVERSHOOT_DB)
    else:
        lost = between.compression_db(f, np.array([burst.level_db, burst.level_db + burst.rest_db]))
        rest_db = burst.rest_db + (0.0 if encode else float(lost[0] - lost[1]))
        highest_db = min(OVERSHOOT_DB, between.straight_to_db(f) + OVERSHOOT_DB)
        path = ballistics.Path(lambda level: between.as_sent_db(f, level), rest_db, highest_db)
    return ballistics.edges(burst, encode, law.ratio, path, track.reference_dbfs)


def _filters(found: Sequence[Pairs], laws: dict[float, Law | None], track: _Track, dbx: str) -> list[Curve]:
    """Emphasis and weighting as curves, where the channel is known."""
    law = laws.get(REFERENCE_HZ)
    if track.channel is None:
        return []
    shaped = emphasis.curve([p for take in track.takes[dbx] for p in take.probes], track.channel)
    if shaped is None:
        return []
    curves = [curve("dbx_emphasis", track.under(dbx), EMPHASIS, *shaped[:2], "gain", "dB", shaped[2])]
    if law is None:
        return curves
    constants = {
        p.frequency_hz: constant(own, p.low_db[p.straight], p.high_db[p.straight], p.sd_db[p.straight], law.ratio)
        for p in found
        if (own := laws[p.frequency_hz]) is not None
    }
    zero = track.channel.gain_db(REFERENCE_HZ) or 0.0
    heard = {f: (track.channel.gain_db(f) or 0.0) - zero if dbx == "decode" else 0.0 for f in constants}
    sign = -1.0 if dbx == "decode" else 1.0
    weighted = emphasis.weighting(constants, law.ratio, (shaped[0], sign * shaped[1], shaped[2]), heard)
    if weighted is not None:
        curves.append(curve("dbx_weighting", track.under(dbx), WEIGHTING, *weighted[:2], "gain", "dB", weighted[2]))
    return curves


def _both(track: _Track) -> Measured:
    """Tracking, noise reduction and noise modulation of the takes with dbx in record and play."""
    takes = track.takes["on"]
    conditions = track.under("on")
    results: list[Result] = []
    curves: list[Curve] = []
    if not takes or track.channel is None:
        note = NO_OFF if takes else f"no take was {HOW['on']}"
        results.append(Result.invalid("dbx_tracking_error", "dB", conditions, TRACKED, note))
    else:
        errors = tracking.errors(takes, track.channel, track.reference_dbfs)
        for frequency_hz, (level, error, sd) in errors.items():
            where = track.under("on", frequency_hz=frequency_hz)
            curves.append(
                curve("dbx_tracking_error", where, TRACKING, level, error, "error", "dB", 1.96 * sd, ("level", "dB"))
            )
            results.append(_tracked(tracking.worst([(level, error, sd)]), where))
        results.append(_tracked(tracking.worst(list(errors.values())), conditions))
    results.append(_reduction(track, conditions))
    moving = tracking.modulation(takes)
    if moving is not None:
        where = track.under("on", frequency_hz=MODULATING_HZ)
        curves.append(curve("modulation_noise", where, MODULATION, *moving[:2], "noise", "dB", moving[2], ("level", "dB")))
    return results, curves


def _tracked(found: tuple[float, float] | None, conditions: dict[str, Condition]) -> Result:
    if found is None:
        note = "no step between -50 and 0 dB can be read with dbx in and without; check the level and the noise"
        return Result.invalid("dbx_tracking_error", "dB", conditions, TRACKED, note)
    return result("dbx_tracking_error", found[0], "dB", 1.96 * found[1], conditions, TRACKED)


def _reduction(track: _Track, conditions: dict[str, Condition]) -> Result:
    noise = {dbx: tracking.mean_noise([r.silence for r in track.takes[dbx] if r.silence]) for dbx in ("off", "on")}
    off, on = noise["off"], noise["on"]
    if off is None or on is None:
        if not track.takes["on"]:
            note = f"no take was {HOW['on']}"
        else:
            note = NO_OFF if not track.takes["off"] else "a take has no silence in it; use a planned stimulus"
        return Result.invalid("dbx_noise_reduction", "dB", conditions, REDUCTION, note)
    value = float(10.0 * np.log10(off.power / max(on.power, 1e-20)))
    doubt = 1.96 * 4.343 * float(np.hypot(off.spread, on.spread)) + 0.05
    return result("dbx_noise_reduction", value, "dB", doubt, conditions, REDUCTION)
