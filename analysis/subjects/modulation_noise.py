"""Modulation noise of the tones that the stimulus holds for it."""

import numpy as np

from analysis import intact, modulation
from analysis import reference as references
from analysis.findings import Measured, curve, result
from analysis.take import Take
from sessions.results import Curve, Result

MODULATION = (
    "A-weighted noise, 20 Hz to 20 kHz, beside a dewarped low tone and its harmonics, re the returned reference tone"
)
LEFT_DB = -130.0  # A-weighted, re the tone: what dewarping may leave of it beside its notches


def measure(take: Take, reference: float | None) -> Measured:
    """Noise beside each tone, and over its level where there are several."""
    results: list[Result] = []
    told: dict[float, list[tuple[float, float, float]]] = {}
    for cue in take.cues("tone", purpose="modulation_noise"):
        frequency, level_db = cue.number("frequency_hz"), cue.level_db or 0.0
        here = take.under(frequency_hz=frequency, level_db=level_db)
        tone = take.steady(cue)
        reason = take.reference.reason if reference is None else intact.flaw(tone, frequency, take.sheet.sample_rate)
        if reason is not None or reference is None:
            results.append(Result.invalid("modulation_noise", "dB", here, MODULATION, str(reason)))
            continue
        power, spread = modulation.residue(tone, frequency, take.sheet.sample_rate)
        value = float(10.0 * np.log10(2.0 * power / reference**2 + 1e-20))
        left = 4.343 * float(np.log1p(10.0 ** ((LEFT_DB + level_db - value) / 10.0)))
        doubt = float(np.linalg.norm((1.96 * 4.343 * spread, left, references.DOUBT_DB)))
        results.append(result("modulation_noise", value, "dB", doubt, here, MODULATION))
        told.setdefault(frequency, []).append((level_db, value, doubt))
    return results, [_over_level(take, frequency, steps) for frequency, steps in told.items() if len(steps) > 1]


def _over_level(take: Take, frequency_hz: float, steps: list[tuple[float, float, float]]) -> Curve:
    level, value, doubt = np.array(sorted(steps)).T
    here = take.under(frequency_hz=frequency_hz)
    return curve("modulation_noise", here, MODULATION, level, value, "noise", "dB", doubt, x=("level", "dB"))
