"""The bench's intermodulation: the pairs of tones of a take."""

from analysis import intact, intermodulation
from analysis.findings import Measured, result
from analysis.intermodulation import Pair
from analysis.take import Take
from sessions.results import Result

SMPTE = (
    "SMPTE RP 120, IEC 60268-3 14.12.7: products f2 +- f1 and f2 +- 2 f1, each pair added as amplitudes both as "
    "powers, over f2; least squares after dewarping"
)
DIFFERENCE = (
    "IEC 60268-3 14.12.8: products f2 - f1 and, added as amplitudes, 2 f1 - f2 and 2 f2 - f1, both as powers, "
    "over the sum of the two tones; least squares after dewarping"
)
FIGURES = {"imd_smpte": (intermodulation.smpte, SMPTE), "imd_difference": (intermodulation.difference, DIFFERENCE)}


def measure(take: Take, reference: float | None) -> Measured:
    """Modulation and difference-frequency distortion of every pair."""
    results: list[Result] = []
    for cue in take.cues("two_tone"):
        quantity = str(cue.parameters.get("purpose"))
        if quantity not in FIGURES:
            continue
        figure, method = FIGURES[quantity]
        pair = Pair(cue.number("first_hz"), cue.number("second_hz"))
        conditions = take.under(first_hz=pair.first_hz, second_hz=pair.second_hz, level_db=cue.level_db or 0.0)
        signal = intermodulation.steady(take.returned, take.alignment.returned, cue, take.alignment.base)
        note = intact.flaw(signal, pair.first_hz, take.sheet.sample_rate, "pair of tones")
        if note is not None:
            results.append(Result.invalid(quantity, "%", conditions, method, note))
            continue
        found = figure(signal, pair, take.sheet.sample_rate)
        if found is None:
            note = "the products are below the noise in their bands; a longer or louder pair of tones would show them"
            results.append(Result.invalid(quantity, "%", conditions, method, note))
        else:
            results.append(result(quantity, found[0], "%", found[1], conditions, method))
    return results, []
