"""Noise of the silent stretches of a take."""

import numpy as np

from analysis import noise
from analysis.findings import Measured, curve, result
from analysis.take import Take
from sessions.results import Curve, Result

NOISE = "power of what returns in silence, from 20 Hz to 20 kHz, re the returned reference tone (1 kHz at 0 dB)"


def measure(take: Take, reference: float | None) -> Measured:
    """Weighted levels, hum, spectrum and third octaves of the silent stretches."""
    results: list[Result] = []
    curves: list[Curve] = []
    conditions = take.under()
    for cue in take.cues("silence"):
        if reference is None or reference <= 0.0:
            results.append(
                Result.invalid("noise_a", "dB", conditions, NOISE, "there is no reference tone; use a planned stimulus")
            )
            continue
        rate = take.sheet.sample_rate
        first, last = take.alignment.base.output_time(np.array([cue.start_samples, cue.stop_samples]) / rate) * rate
        edge = round(0.3 * rate)
        silence = take.returned.read(int(first) + edge, int(last) - edge)[:, take.alignment.returned]
        spectrum = noise.spectrum(silence, rate)
        for pilot in take.sheet.of_kind("pilot"):
            spectrum = noise.without_line(spectrum, pilot.number("frequency_hz"), 40.0)
        zero = reference**2 / 2.0
        for quantity, weighting in (("noise_a", "A"), ("noise_ccir_rms", "CCIR-RMS")):
            power, spread = noise.weighted_power(spectrum, weighting)
            value = 10.0 * np.log10(power / zero + 1e-20)
            doubt = 1.96 * 4.343 * spread + 0.02
            results.append(result(quantity, value, "dB", doubt, conditions, f"{NOISE}, {weighting}-weighted RMS"))
            if quantity == "noise_a":
                results.append(result("snr_a", -value, "dB", doubt, conditions, f"{NOISE}, A-weighted, sign reversed"))
        for frequency, power in noise.hum_lines(spectrum):
            level = 10.0 * np.log10(power / zero)
            results.append(
                result("hum", level, "dB", None, take.under(frequency_hz=frequency), "line of the noise spectrum")
            )
        inside = (spectrum.frequency_hz >= 20.0) & (spectrum.frequency_hz <= min(22_000.0, 0.48 * rate))
        density = 10.0 * np.log10(spectrum.density[inside] / zero + 1e-20)
        curves.append(curve("noise_spectrum", conditions, NOISE, spectrum.frequency_hz[inside], density, "density", "dB/Hz"))
        centre, power_bands = noise.third_octaves(spectrum)
        bands = 10.0 * np.log10(power_bands / zero + 1e-20)
        thirds = take.under(bandwidth="1/3 octave")
        curves.append(curve("noise_spectrum", thirds, f"{NOISE}, third octaves", centre, bands, "level", "dB"))
    return results, curves
