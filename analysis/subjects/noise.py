"""Noise of the silent stretches of a take, and signal to noise."""

from collections.abc import Sequence

import numpy as np

from analysis import hum, intact, noise, quasi_peak
from analysis import reference as references
from analysis.findings import Measured, curve, result
from analysis.take import Take
from sessions.results import Conditions, Curve, Result

NOISE = "power of what returns in silence, from 20 Hz to 20 kHz, re the returned reference tone (1 kHz at 0 dB)"
QUASI_PEAK = (
    "ITU-R BS.468-4: weighting network and quasi-peak meter, mean reading over the silence, re the returned reference tone"
)
HUM = "power of the line beyond the noise on either side, re the returned reference tone"
SNR_MOL = "maximum output level at 315 Hz less the A-weighted noise, both re the returned reference tone"
SHORTEST_S = 1.0
PART_S, MOST_RISE_DB = 0.25, 20.0  # a part of the silence that is so much louder than the others is no noise of the tape
FIGURES = (("noise_a", NOISE), ("noise_ccir_rms", NOISE), ("noise_itu468", QUASI_PEAK), ("snr_a", NOISE))


def measure(take: Take, reference: float | None) -> Measured:
    """Weighted levels, hum, spectrum and third octaves of all silent stretches together."""
    rate, silences = take.sheet.sample_rate, take.hiss()
    if not silences:
        return [], []
    unusable = [_unusable(silence, rate) for silence in silences]
    sound = [silence for silence, reason in zip(silences, unusable, strict=True) if reason is None]
    if reference is None or not sound:
        reason = take.reference.reason if reference is None else unusable[0]
        return [Result.invalid(q, "dB", take.under(), method, str(reason)) for q, method in FIGURES], []
    return levels(sound, rate, reference, take.under())


def levels(silences: Sequence[np.ndarray], sample_rate: int, reference: float, conditions: Conditions) -> Measured:
    """Every figure and curve of stretches of the same noise, re a tone of peak amplitude `reference`.

    Parameters
    ----------
    silences : sequence of ndarray, shape (samples,)
    """
    zero = reference**2 / 2.0
    lines = hum.lines(silences, sample_rate)
    spectrum = noise.spectrum(silences, sample_rate)
    results: list[Result] = []
    for quantity, weighting in (("noise_a", "A"), ("noise_ccir_rms", "CCIR-RMS")):
        power, spread = noise.weighted_power(spectrum, weighting, [line.frequency_hz for line in lines])
        value, doubt = _decibels(power / zero), _doubt(spread)
        method = f"{NOISE}, {weighting}-weighted RMS"
        results.append(result(quantity, value, "dB", doubt, conditions, method))
        if quantity == "noise_a":
            method = f"{NOISE}, A-weighted, sign reversed"
            results.append(result("snr_a", -value, "dB", doubt, conditions, method))
    _, spread = noise.weighted_power(spectrum, "ITU-R 468", [line.frequency_hz for line in lines])
    readings = [quasi_peak.level(silence, sample_rate) for silence in silences]
    reading = float(np.average(readings, weights=[silence.size for silence in silences]))
    doubt = _doubt(quasi_peak.WANDER * spread)
    results.append(result("noise_itu468", _decibels(reading**2 / zero), "dB", doubt, conditions, QUASI_PEAK))
    for line in lines:
        here = {**conditions, "frequency_hz": line.frequency_hz}
        results.append(result("hum", _decibels(line.power / zero), "dB", _doubt(line.spread), here, HUM))
    return results, spectra(spectrum, sample_rate, reference, conditions)


def spectra(spectrum: noise.NoiseSpectrum, sample_rate: int, reference: float, conditions: Conditions) -> list[Curve]:
    """Density and third octaves of noise, re a tone of peak amplitude `reference`."""
    zero = reference**2 / 2.0
    frequency, density, spread = noise.thinned(spectrum, 20.0, min(22_000.0, 0.48 * sample_rate))
    centre, power, wander = noise.third_octaves(spectrum)
    fine = curve("noise_spectrum", conditions, NOISE, frequency, _log(density / zero), "density", "dB/Hz", _doubts(spread))
    thirds = {**conditions, "bandwidth": "1/3 octave"}
    method = f"{NOISE}, third octaves (IEC 61260-1)"
    return [fine, curve("noise_spectrum", thirds, method, centre, _log(power / zero), "level", "dB", _doubts(wander))]


def re_mol(results: Sequence[Result]) -> list[Result]:
    """Signal to noise re the maximum output level, where a take has both; conditions those of the noise, and ``re``."""
    found: list[Result] = []
    mol = next((r for r in results if r.quantity == "mol_315"), None)
    for floor in (r for r in results if r.quantity == "noise_a"):
        here = {**floor.conditions, "re": "mol_315"}
        if mol is None:
            continue
        if mol.value is None or floor.value is None:
            note = str((mol if mol.value is None else floor).note)
            found.append(Result.invalid("snr_a", "dB", here, SNR_MOL, note))
            continue
        doubt = float(np.hypot(mol.uncertainty or 0.0, floor.uncertainty or 0.0))
        found.append(result("snr_a", mol.value - floor.value, "dB", doubt, here, SNR_MOL))
    return found


def _unusable(silence: np.ndarray, sample_rate: int) -> str | None:
    """Why nothing can be said of a silence."""
    if silence.size < SHORTEST_S * sample_rate:
        return (
            f"the silence is {silence.size / sample_rate:.1f} s long without its edges, {SHORTEST_S:g} s are needed; plan a "
            "longer one"
        )
    if not np.any(silence):
        return "the recording holds nothing but zeros there; record without a gate, to the end of the stimulus"
    clipped = intact.clipping(silence, "silence")
    if clipped is not None:
        return clipped
    parts = np.array_split(silence, max(1, round(silence.size / sample_rate / PART_S)))
    power = np.array([np.mean(part**2) for part in parts])
    if float(np.max(power)) > 10.0 ** (MOST_RISE_DB / 10.0) * float(np.median(power)):
        rise = 10.0 * np.log10(np.max(power) / max(float(np.median(power)), 1e-20))
        return (
            f"something sounds in the silence, {rise:.0f} dB above the rest of it, {MOST_RISE_DB:g} dB are allowed; listen to it "
            "and play the tape again"
        )
    return None


def _decibels(power: float) -> float:
    return float(_log(np.array(power)))


def _log(power: np.ndarray) -> np.ndarray:
    return 10.0 * np.log10(power + 1e-20)


def _doubt(spread: float) -> float:
    """95 % of a level in dB whose power has a relative standard deviation."""
    return float(_doubts(np.array(spread)))


def _doubts(spread: np.ndarray) -> np.ndarray:
    # The larger of both sides: a power read too low by 1.96 spreads is wrong by more decibels than one read too high.
    low = np.maximum(1.0 - 1.96 * spread, 0.1)
    return np.hypot(np.minimum(-10.0 * np.log10(low), 1.96 * 4.343 * spread * 1.3), references.DOUBT_DB)
