"""How the Hammerstein core is solved: rung by rung, each kept only where it pays.

``y = h * sum_k g_k * phi_k`` is linear in the g_k when h is given, and in h when the g_k are. Both are ridge least-squares
problems on the same correlations, which are summed over the material once; the alternation itself costs nothing worth
mentioning. The rungs: ``linear`` (g_k a single tap on the signal itself), ``odd`` (curves that are odd functions, so that
only odd harmonics arise), ``static`` (even curves as well). A rung is kept if the error on validation falls by more than its
share and the harmonics of the test tones do not get worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modeling.cores.core import Material, Progress, Run
from modeling.cores.hammerstein import CURVES, G_AHEAD, G_TAPS, ODD, Basis, HammersteinCore
from modeling.cores.least_squares import Correlations, behind, correlate, mixed, solve
from modeling.cores.linear import AHEAD as H_AHEAD
from modeling.cores.linear import RIDGE as H_RIDGE
from modeling.cores.linear import TAPS as H_TAPS
from modeling.evaluation import esr_of, harmonic_error_db
from modeling.pairs import AFTER_S, BEFORE_S, Pair

G_RIDGE = 1e-5
ROUNDS = 3
"""Alternations between the g_k and h."""
REACH = H_TAPS + G_TAPS

FIRST_CORNERS_HZ = (2500.0, 10000.0)
CORNER_STEPS = ((1.0, 2.0), (0.64, 1.0), (1.0, 1.4))
"""Where the search for the corners of zero and pole of the emphasis begins, and the factors by which it tries others."""
STRETCH_S = 5.0
STRETCHES = 2
"""The emphasis is chosen on the loudest stretches there are."""
LIMIT_QUANTILE = 0.9999

RUNGS = (("odd", 0.9), ("static", 0.97))
"""Part to which each rung has to bring the error down. The products of even curves are weak, so they have to save less."""
HARMONICS_MAY_WORSEN_DB = 1.0


@dataclass(frozen=True)
class Solution:
    """Filters of one rung."""

    h: np.ndarray
    g: np.ndarray


def climb(material: Material, run: Run) -> tuple[np.ndarray, np.ndarray, tuple[float, float], tuple[float, float]]:
    """Solve for the best rung.

    Returns
    -------
    h, g, corners_hz, limits
        As :class:`~modeling.cores.hammerstein.HammersteinCore` takes them.
    """
    basis = _choose(material, run)
    found = correlate(material.train, basis, REACH)
    run.progress(Progress(0.7, None, "solving the rungs"))
    best = _linear(found)
    best_esr, best_harmonics = _judge(best, basis, material)
    run.log({"rung": "linear", "kept": True, "validation_esr": best_esr, "harmonic_error_db": best_harmonics})
    for number, (rung, share) in enumerate(RUNGS, start=1):
        curves = ODD if rung == "odd" else range(CURVES)
        tried = _alternate(found, [branch * CURVES + curve for branch in range(2) for curve in curves], ROUNDS)
        esr, harmonics = _judge(tried, basis, material)
        worse = best_harmonics is not None and harmonics is not None and harmonics > best_harmonics + HARMONICS_MAY_WORSEN_DB
        kept = esr < share * best_esr and not worse
        run.log({"rung": rung, "kept": kept, "validation_esr": esr, "harmonic_error_db": harmonics})
        run.progress(Progress(0.7 + 0.3 * number / len(RUNGS), None, f"{rung}: ESR {esr:.5f}"))
        if kept:
            best, best_esr, best_harmonics = tried, esr, harmonics
    return best.h, best.g, basis.corners_hz, basis.limits


def _choose(material: Material, run: Run) -> Basis:
    """Try the corners of the emphasis one step after the other, up and down, on the loudest material."""
    loudest = _loudest(material.train)
    odd = [branch * CURVES + curve for branch in range(2) for curve in ODD]

    def attempt(corners_hz: tuple[float, float]) -> tuple[float, Basis]:
        basis = _basis(material, corners_hz)
        solution = _alternate(correlate(loudest, basis, REACH), odd, rounds=2)
        error = esr_of(_core(solution, basis, material).process, loudest)
        run.log({"emphasis_hz": list(corners_hz), "training_esr": error})
        return error, basis

    best = attempt(FIRST_CORNERS_HZ)
    for number, step in enumerate(CORNER_STEPS):
        run.progress(Progress(0.5 * number / len(CORNER_STEPS), None, "choosing the emphasis"))
        zero_hz, pole_hz = best[1].corners_hz
        tried = attempt((zero_hz * step[0], pole_hz * step[1]))
        if tried[0] >= best[0]:
            other = attempt((zero_hz / step[0], pole_hz / step[1]))
            tried = min(tried, other, key=lambda pair: pair[0])
        best = min(best, tried, key=lambda pair: pair[0])
    return best[1]


def _basis(material: Material, corners_hz: tuple[float, float]) -> Basis:
    open_ended = Basis(material.sample_rate, material.reference_dbfs, corners_hz, (np.inf, np.inf))
    levels = [
        np.quantile(np.abs(open_ended.branches(pair.dry.astype(np.float64))), LIMIT_QUANTILE, axis=1)
        for pair in material.train
    ]
    plain, emphasised = np.max(levels, axis=0)
    return Basis(material.sample_rate, material.reference_dbfs, corners_hz, (float(plain), float(emphasised)))


def _linear(found: Correlations) -> Solution:
    g = np.zeros((2 * CURVES, G_TAPS))
    g[0, G_AHEAD] = 1.0
    plain = Correlations(found.auto[:1, :1], found.cross[:1], found.power)
    return Solution(solve(plain, H_TAPS, H_AHEAD, H_RIDGE)[0], g)


def _alternate(found: Correlations, keep: Sequence[int], rounds: int) -> Solution:
    """Solve the g_k for the linear filter, then h for the g_k, and so on."""
    h = _linear(found).h
    for _ in range(rounds):
        filtered = behind(found, h, H_AHEAD, G_TAPS)
        g = solve(filtered, G_TAPS, G_AHEAD, G_RIDGE, keep)
        h = solve(mixed(found, g, G_AHEAD, H_TAPS), H_TAPS, H_AHEAD, H_RIDGE)[0]
    return Solution(h, g)


def _core(solution: Solution, basis: Basis, material: Material) -> HammersteinCore:
    return HammersteinCore(
        solution.h, solution.g, material.sample_rate, material.reference_dbfs, basis.corners_hz, basis.limits
    )


def _judge(solution: Solution, basis: Basis, material: Material) -> tuple[float, float | None]:
    core = _core(solution, basis, material)
    return esr_of(core.process, material.validation), harmonic_error_db(core.process, material.tones)


def _loudest(pairs: Sequence[Pair]) -> list[Pair]:
    """Cut the loudest stretches out, with their context."""
    stretches = []
    for pair in pairs:
        length, before, after = (round(s * pair.sample_rate) for s in (STRETCH_S, BEFORE_S, AFTER_S))
        for start in range(before, pair.samples - after, length):
            stop = min(start + length, pair.samples - after)
            cut = slice(start - before, stop + after)
            mask = pair.mask[cut].copy()
            mask[:before] = mask[mask.size - after :] = False
            y = pair.wet[cut][mask].astype(np.float64)
            stretches.append((float(y @ y), Pair(pair.dry[cut], pair.wet[cut], mask, pair.sample_rate, pair.split)))
    stretches.sort(key=lambda stretch: stretch[0], reverse=True)
    return [pair for _, pair in stretches[:STRETCHES]]
