"""The bench: cues and a reader of the recording in, results and curves out.

It opens nothing. Every figure states its method, its conditions and its 95 % uncertainty; one that cannot be had is present,
invalid, and says why. A pair of recordings made with any material goes to :mod:`analysis.pair` instead.
"""

from collections.abc import Callable

from analysis.findings import Measured
from analysis.subjects import (
    distortion,
    intermodulation,
    missing,
    modulation_noise,
    noise,
    response,
    steadiness,
    time,
    wow_flutter,
)
from analysis.take import Take
from sessions.results import Curve, Result

SUBJECTS = (
    ("time", time.measure),
    ("wow and flutter", wow_flutter.measure),
    ("response", response.measure),
    ("distortion", distortion.measure),
    ("intermodulation", intermodulation.measure),
    ("noise", noise.measure),
    ("modulation noise", modulation_noise.measure),
    ("dropouts and level", steadiness.measure),
    ("what is missing", missing.measure),
)
"""Each reads a take, and the peak amplitude of its returned reference tone where there is one to rely on."""


def measure_take(take: Take, progress: Callable[[str], None] = lambda _: None) -> Measured:
    """Everything that the stimulus allows, for one programme channel."""
    results: list[Result] = []
    curves: list[Curve] = []
    reference = take.reference.amplitude
    for name, subject in SUBJECTS:
        progress(f"measuring {name} of track {take.conditions.get('track', '?')}")
        more_results, more_curves = subject(take, reference)
        results += more_results
        curves += more_curves
    return [*results, *noise.re_mol(results)], curves
