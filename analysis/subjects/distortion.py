"""The bench's distortion: tones of a level ladder and over frequency, and what they tell as a whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from analysis import distortion, intact
from analysis import reference as references
from analysis.findings import Measured, curve, result
from analysis.output_level import Level, maximum_output_level, saturated_output_level
from analysis.take import EDGE_S, Take
from sessions.results import Conditions, Curve, Result
from signals.cues import Cue

SATURATED_HZ = 10_000.0
MOL_HZ = 315.0
LOST = "it is not whole on the recording; play the tape again from start to end"
THD = "IEC 60268-3: RMS of the harmonics up to 20 kHz over the fundamental, least squares after dewarping"
THD_N = "AES17: all but the fundamental (notch of Q 3), 20 Hz to 20 kHz, over the fundamental, after dewarping"
FIGURES = (("thd", "%", THD), ("thd_n", "%", THD_N), *((f"harmonic_{n}", "dB", THD) for n in range(2, 6)))
LEVEL = "fundamental of the returned tone re that of the 1 kHz reference tone at 0 dB"
MOL = "output level at 315 Hz at which the third harmonic is 3 % of the fundamental, re the returned reference tone"
SOL = "highest output at 10 kHz over the ladder, re the returned reference tone"

OF_LADDER = {MOL_HZ: ("mol_315", MOL), SATURATED_HZ: ("sol_10k", SOL)}
"""Figure and method of all steps of a frequency together."""


@dataclass(frozen=True)
class Step:
    """One tone: level sent in dB, and what it was taken apart into."""

    level_db: float
    found: distortion.Harmonics


@dataclass
class Ladder:
    """Tones of one frequency: those that tell something, and of each of the others its level and why it tells nothing."""

    steps: list[Step] = field(default_factory=list)
    refused: list[tuple[float, str]] = field(default_factory=list)

    def reason(self) -> str | None:
        """What is said of a figure of the whole ladder that steps are missing to; None where none is."""
        if not self.refused:
            return None
        level_db, note = max(self.refused)
        return f"{len(self.refused)} of {len(self.refused) + len(self.steps)} steps tell nothing; that at {level_db:+g} dB: {note}"


def measure(take: Take, reference: float | None) -> Measured:
    """Distortion, compression, MOL and SOL of the tones of a take; of spot tones, which have few levels, the compression.

    Parameters
    ----------
    reference : float or None
        Peak amplitude of the returned reference tone; without it the ladder's own 0 dB step serves.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    ladders: dict[str, dict[float, Ladder]] = {"ladder": {}, "distortion": {}, "spot": {}}
    silence = max((take.silence(cue) for cue in take.cues("silence")), key=len, default=np.zeros(0))
    hum: dict[tuple[float, int], np.ndarray] = {}
    for purpose, by_frequency in ladders.items():
        for cue in take.cues("tone", purpose=purpose):
            frequency, level_db = cue.number("frequency_hz"), cue.level_db or 0.0
            tone = take.steady(cue)
            conditions = take.under(frequency_hz=frequency, level_db=level_db)
            rate = take.sheet.sample_rate
            if (frequency, tone.size) not in hum:
                heard_hz = frequency * take.speed(cue, EDGE_S)
                hum[frequency, tone.size] = distortion.silent_power(silence, heard_hz, tone.size, rate)
            found = distortion.analyse(tone, frequency, rate, hum[frequency, tone.size])
            ladder = by_frequency.setdefault(frequency, Ladder())
            note = intact.clipping(tone, "tone") or _drowned(found)
            if note is None and not take.companded:
                note = intact.flaw(tone, frequency, rate)
            if note is None:
                ladder.steps.append(Step(level_db, found))
            else:
                ladder.refused.append((level_db, note))
            if purpose != "spot" and 3.0 * frequency <= distortion.HIGHEST_HZ:
                results += _harmonic_results(found, conditions) if note is None else invalid(conditions, note)
            elif note is not None:
                results.append(Result.invalid("thd", "%", conditions, THD, note))
    unstated = take.reference.reason if reference is None and take.reference.planned else None
    for frequency, ladder in ladders["ladder"].items():
        ladder.refused += [(cue.level_db or 0.0, LOST) for cue in take.lost() if _is_step(cue, frequency)]
        more_results, more_curves = _ladder(take, frequency, ladder, reference, unstated)
        results += more_results
        curves += more_curves
    curves += _over_frequency(take, ladders["distortion"], ladders["ladder"])
    if unstated is None:
        spots = ((frequency, spot.steps) for frequency, spot in ladders["spot"].items() if spot.steps)
        curves += [_compression(take, frequency, steps, reference) for frequency, steps in spots]
    return results, curves


def invalid(conditions: Conditions, note: str) -> list[Result]:
    """All figures of a tone that tells nothing."""
    return [Result.invalid(quantity, unit, conditions, method, note) for quantity, unit, method in FIGURES]


def whole_ladder(conditions: Conditions, note: str) -> list[Result]:
    """Figures of all steps of a frequency together, where nothing is told by them."""
    quantity, method = OF_LADDER.get(float(conditions["frequency_hz"]), (None, ""))
    return [] if quantity is None else [Result.invalid(quantity, "dB", conditions, method, note)]


def _is_step(cue: Cue, frequency_hz: float) -> bool:
    return cue.parameters.get("purpose") == "ladder" and cue.number("frequency_hz") == frequency_hz


def _drowned(found: distortion.Harmonics) -> str | None:
    if found.fundamental >= 4.0 * found.residual_rms:
        return None
    return "the tone stands less than 9 dB above the noise and hum; raise the level or check the wiring"


def _harmonic_results(found: distortion.Harmonics, conditions: Conditions) -> list[Result]:
    results = [result("thd_n", found.thd_n()[0], "%", found.thd_n()[1], conditions, THD_N)]
    thd = found.thd()
    if thd is None:
        note = "the harmonics are below the noise in their bands; a longer or louder tone would show them"
        results.append(Result.invalid("thd", "%", conditions, THD, note))
    else:
        results.append(result("thd", thd[0], "%", thd[1], conditions, THD))
    for order in range(2, 6):
        level = found.harmonic_db(order)
        if level is not None:
            results.append(result(f"harmonic_{order}", level[0], "dB", level[1], conditions, THD))
        elif order * conditions["frequency_hz"] > distortion.HIGHEST_HZ:  # type: ignore[operator]
            note = f"harmonic {order} would be above 20 kHz, where distortion is not counted; use a lower tone"
            results.append(Result.invalid(f"harmonic_{order}", "dB", conditions, THD, note))
        else:
            note = f"harmonic {order} is below the noise in its band; a longer or louder tone would show it"
            results.append(Result.invalid(f"harmonic_{order}", "dB", conditions, THD, note))
    return results


def _ladder(take: Take, frequency: float, ladder: Ladder, reference: float | None, unstated: str | None) -> Measured:
    """Curves and figures of all steps of a frequency; without those re the reference tone where `unstated` says why."""
    conditions = take.under(frequency_hz=frequency)
    steps = sorted(ladder.steps, key=lambda s: s.level_db)
    curves: list[Curve] = []
    if 3.0 * frequency <= distortion.HIGHEST_HZ:
        curves += _thd_curve("thd_vs_level", conditions, [(s.level_db, s) for s in steps], ("level", "dB"))
    missing = ladder.reason()
    if unstated is not None or not steps:
        return whole_ladder(conditions, unstated or str(missing)), curves
    compression = _compression(take, frequency, steps, reference)
    output, doubt = compression.y.array, np.asarray(compression.uncertainty)
    level = np.array([s.level_db for s in steps])
    results: list[Result] = []
    if frequency == MOL_HZ:
        results.append(_mol(conditions, steps, level, output, missing))
    if frequency == SATURATED_HZ:
        sol = saturated_output_level(level, output, doubt)
        note = missing or f"the output still rises at {level[-1]:+g} dB; extend the ladder with --levels"
        results.append(_level_result("sol_10k", sol, conditions, SOL, note))
    return results, [compression, *curves]


def _mol(
    conditions: Conditions, steps: Sequence[Step], level: np.ndarray, output: np.ndarray, missing: str | None
) -> Result:
    third = [s.found.harmonic_db(3) for s in steps]
    heard = np.array([t is not None for t in third])
    told = np.array([t for t in third if t is not None]).reshape(-1, 2)
    mol = maximum_output_level(level[heard], output[heard], told[:, 0], told[:, 1])
    note = f"the third harmonic stays below 3 % up to {level[-1]:+g} dB; extend the ladder with --levels"
    if told.size and np.all(told[:, 0] > 20.0 * np.log10(0.03)):
        note = f"the third harmonic is above 3 % from {level[heard][0]:+g} dB on; begin the ladder lower with --levels"
    return _level_result("mol_315", mol, conditions, MOL, missing or note)


def _level_result(quantity: str, found: Level | None, conditions: Conditions, method: str, note: str) -> Result:
    if found is None:
        return Result.invalid(quantity, "dB", conditions, method, note)
    # The third harmonic rises 2 dB a dB: what is uncertain of it counts half.
    systematic = float(np.hypot(references.DOUBT_DB, 0.5 * 8.686 * distortion.SYSTEMATIC))
    return result(quantity, found.db, "dB", float(np.hypot(found.doubt_db, systematic)), conditions, method)


def _over_frequency(
    take: Take, tones: dict[float, Ladder], ladders: dict[float, Ladder], level_db: float = 0.0
) -> list[Curve]:
    """THD over frequency at one level, from the tones for it and the steps of the ladders."""
    steps = [
        (frequency, step)
        for by_frequency in (tones, ladders)
        for frequency, found in by_frequency.items()
        for step in found.steps
        if step.level_db == level_db and 3.0 * frequency <= distortion.HIGHEST_HZ
    ]
    if len(steps) < 2:
        return []
    steps.sort(key=lambda s: s[0])
    return _thd_curve("thd_vs_frequency", take.under(level_db=level_db), steps, ("frequency", "Hz"))


def _thd_curve(
    quantity: str, conditions: Conditions, steps: Sequence[tuple[float, Step]], x: tuple[str, str]
) -> list[Curve]:
    """THD over level or frequency, where it is above the noise."""
    told = [(at, step.found.thd()) for at, step in steps]
    thd = np.array([(at, *figure) for at, figure in told if figure is not None])
    return [curve(quantity, conditions, THD, thd[:, 0], thd[:, 1], "THD", "%", thd[:, 2], x=x)] if thd.size else []


def _compression(take: Take, frequency: float, steps: Sequence[Step], reference: float | None) -> Curve:
    """Output over input; without a reference tone re the step nearest to 0 dB."""
    level = np.array([s.level_db for s in steps])
    zero = reference if reference is not None else steps[int(np.argmin(np.abs(level)))].found.fundamental
    output = np.array([20.0 * np.log10(s.found.fundamental / zero) for s in steps])
    doubt = np.array([np.hypot(s.found.fundamental_doubt_db(), references.DOUBT_DB) for s in steps])
    return curve(
        "compression", take.under(frequency_hz=frequency), LEVEL, level, output, "output", "dB", doubt, ("input", "dB")
    )
