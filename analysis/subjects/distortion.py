"""The bench's distortion: tones of a level ladder, and what the ladder tells as a whole."""

import numpy as np

from analysis import distortion
from analysis.findings import Measured, curve, result
from analysis.take import CLIPPED, Take
from sessions.results import Conditions, Curve, Result

SATURATED_HZ = 10_000.0
MOL_HZ = 315.0
THD = "IEC 60268-3: RMS of the harmonics up to 20 kHz over the fundamental, least squares after dewarping"
THD_N = "AES17: all but the fundamental, 20 Hz to 20 kHz, over the fundamental, after dewarping"
LEVEL = "fundamental of the returned tone re that of the 1 kHz reference tone at 0 dB"


def measure(take: Take, reference: float | None) -> Measured:
    """Distortion, compression, MOL and SOL of the ladder tones of a take; of spot tones, which have few levels, the compression.

    Parameters
    ----------
    reference : float or None
        Peak amplitude of the returned reference tone; without it the ladder's own 0 dB step serves.
    """
    results: list[Result] = []
    curves: list[Curve] = []
    ladders: dict[float, list[tuple[float, distortion.Harmonics]]] = {}
    spots: dict[float, list[tuple[float, distortion.Harmonics]]] = {}
    for cue in (*take.cues("tone", purpose="ladder"), *take.cues("tone", purpose="spot")):
        frequency, level_db = cue.number("frequency_hz"), cue.level_db or 0.0
        tone, _ = take.steady(cue)
        conditions = take.under(frequency_hz=frequency, level_db=level_db)
        if np.max(np.abs(tone)) >= CLIPPED:
            note = f"the returned tone reaches {np.max(np.abs(tone)):.3f} of full scale and is clipped; lower the input gain"
            results.append(Result.invalid("thd", "%", conditions, THD, note))
            continue
        found = distortion.analyse(tone, frequency, take.sheet.sample_rate)
        if found.fundamental < 4.0 * found.residual_rms:
            note = "the tone stands less than 9 dB above the noise; raise the level or check the wiring"
            results.append(Result.invalid("thd", "%", conditions, THD, note))
            continue
        if cue.parameters["purpose"] == "spot":
            spots.setdefault(frequency, []).append((level_db, found))
            continue
        ladders.setdefault(frequency, []).append((level_db, found))
        if 3.0 * frequency <= distortion.HIGHEST_HZ:
            results += _harmonic_results(found, conditions)
    for frequency, steps in ladders.items():
        more_results, more_curves = _ladder(take, frequency, steps, reference)
        results += more_results
        curves += more_curves
    curves += [_compression(take, frequency, steps, reference) for frequency, steps in spots.items()]
    return results, curves


def _harmonic_results(found: distortion.Harmonics, conditions: Conditions) -> list[Result]:
    results = [result("thd_n", found.thd_n(), "%", 0.02 * found.thd_n(), conditions, THD_N)]
    thd = found.thd()
    if thd is None:
        note = "the harmonics are below the noise in their bands; a longer or louder tone would show them"
        results.append(Result.invalid("thd", "%", conditions, THD, note))
    else:
        results.append(result("thd", thd[0], "%", thd[1], conditions, THD))
    for order in range(2, 6):
        level = found.harmonic_db(order)
        if level is None:
            note = f"harmonic {order} is below the noise in its band; a longer or louder tone would show it"
            results.append(Result.invalid(f"harmonic_{order}", "dB", conditions, THD, note))
        else:
            results.append(result(f"harmonic_{order}", level[0], "dB", level[1], conditions, THD))
    return results


def _ladder(
    take: Take, frequency: float, steps: list[tuple[float, distortion.Harmonics]], reference: float | None
) -> Measured:
    conditions = take.under(frequency_hz=frequency)
    compression = _compression(take, frequency, steps, reference)
    level, output = compression.x.array, compression.y.array
    results: list[Result] = []
    curves = [compression]
    if 3.0 * frequency <= distortion.HIGHEST_HZ:
        told = [(step, found.thd()) for step, found in steps]
        thd = np.array([(step, *figure) for step, figure in told if figure is not None])
        if thd.size:
            curves.append(
                curve("thd_vs_level", conditions, THD, thd[:, 0], thd[:, 1], "THD", "%", thd[:, 2], x=("level", "dB"))
            )
    if frequency == MOL_HZ:
        third = np.array([10.0 * np.log10(max(s[1].power[2] / s[1].power[0], 1e-12)) for s in steps])
        method = (
            "output level at 315 Hz at which the third harmonic is 3 % of the fundamental, re the returned reference tone"
        )
        mol = distortion.maximum_output_level(output, third)
        if mol is None:
            note = f"the third harmonic stays below 3 % up to {level[-1]:+g} dB; extend the ladder with --levels"
            results.append(Result.invalid("mol_315", "dB", conditions, method, note))
        else:
            results.append(result("mol_315", mol, "dB", 0.3, conditions, method))
    if frequency == SATURATED_HZ:
        method = "highest output at 10 kHz over the ladder, re the returned reference tone"
        if (
            output.size > 2
            and np.argmax(output) == output.size - 1
            and output[-1] - output[-2] > 0.2 * (level[-1] - level[-2])
        ):
            note = f"the output still rises at {level[-1]:+g} dB; extend the ladder with --levels"
            results.append(Result.invalid("sol_10k", "dB", conditions, method, note))
        else:
            results.append(result("sol_10k", float(np.max(output)), "dB", 0.2, conditions, method))
    return results, curves


def _compression(
    take: Take, frequency: float, steps: list[tuple[float, distortion.Harmonics]], reference: float | None
) -> Curve:
    """Output over input; without a reference tone re the step nearest to 0 dB."""
    level = np.array([step for step, _ in steps])
    zero = reference if reference is not None else steps[int(np.argmin(np.abs(level)))][1].fundamental
    output = np.array([20.0 * np.log10(found.fundamental / zero) for _, found in steps])
    conditions = take.under(frequency_hz=frequency)
    return curve("compression", conditions, LEVEL, level, output, "output", "dB", x=("input", "dB"))
