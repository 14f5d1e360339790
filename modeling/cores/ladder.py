"""How the Hammerstein core is solved: rung by rung, each kept only where it pays.

``y = h * sum_k g_k * phi_k`` is linear in the g_k when h is given, and in h when the g_k are. Both are ridge least-squares
problems on the same correlations, which are summed over the material once; the alternation itself costs nothing worth
mentioning. The rungs: ``linear`` (g_k a single tap on the signal itself), ``odd`` (curves that are odd functions, so that
only odd harmonics arise), ``static`` (even curves as well). A rung is kept if the error on validation falls by more than its
share and the harmonics of the test tones do not get worse, or if it gives nothing away and the harmonics come closer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from modeling.cores.core import Material, Progress, Run
from modeling.cores.hammerstein import BASS_HZ, CURVES, ODD, Basis, Emphasis, HammersteinCore
from modeling.cores.least_squares import Correlations, behind, correlate, mixed, solve
from modeling.cores.linear import RIDGE as H_RIDGE
from modeling.cores.linear import LinearCore, filter_lengths
from modeling.cores.loudest import loudest
from modeling.fidelity import esr_of, harmonic_error_db
from modeling.pairs import Pair

G_LENGTH_S = 1e-3
G_AHEAD_S = 0.25e-3
G_RIDGE = 1e-5
ROUNDS = 3
"""Alternations between the g_k and h."""

FIRST_EMPHASIS = Emphasis(25.0, 2500.0, 14000.0)
EMPHASIS_STEPS = (("bass_floor_hz", 0.5), ("pole_hz", 2.0), ("zero_hz", 1.56))
"""Where the search for the emphasis begins, and by which factors it then tries others, up and down."""
LIMIT_QUANTILE = 0.9999

RUNGS = (("odd", 0.9), ("static", 0.97))
"""Part to which each rung has to bring the error down. The products of even curves are weak, so they have to save less."""
HARMONICS_DB = 1.0
"""Change in the error of the harmonics that counts."""


@dataclass(frozen=True)
class Filters:
    """What is solved for."""

    h: np.ndarray
    g: np.ndarray


class Problem:
    """The correlations of some curves over some pairs, and their solutions."""

    def __init__(
        self, pairs: Sequence[Pair], basis: Basis, material: Material, curves: Sequence[int] = range(CURVES)
    ) -> None:
        self._material = material
        self.basis = basis
        self._rows = [branch * CURVES + curve for branch in range(2) for curve in curves]
        basis.rows = np.array(self._rows)
        rate = material.sample_rate
        self._h_taps, self._h_ahead = filter_lengths(rate)
        self._g_taps, self._g_ahead = round(G_LENGTH_S * rate), round(G_AHEAD_S * rate)
        self._found = correlate(pairs, basis, self._h_taps + self._g_taps)

    def linear(self) -> Filters:
        """The linear filter alone."""
        g = np.zeros((2 * CURVES, self._g_taps))
        g[0, self._g_ahead] = 1.0
        plain = Correlations(self._found.auto[:1, :1], self._found.cross[:1], self._found.power)
        return Filters(solve(plain, self._h_taps, self._h_ahead, H_RIDGE)[0], g)

    def static(self, curves: Sequence[int], rounds: int) -> Filters:
        """The g_k of some curves for the linear filter, then h for these g_k, and so on."""
        keep = [index for index, row in enumerate(self._rows) if row % CURVES in curves]
        h = self.linear().h
        for _ in range(rounds):
            solved = solve(behind(self._found, h, self._h_ahead, self._g_taps), self._g_taps, self._g_ahead, G_RIDGE, keep)
            mix = mixed(self._found, solved, self._g_ahead, self._h_taps)
            h = solve(mix, self._h_taps, self._h_ahead, H_RIDGE)[0]
        g = np.zeros((2 * CURVES, self._g_taps))
        g[self._rows] = solved
        return Filters(h, g)

    def core(self, filters: Filters) -> HammersteinCore:
        """A core of these filters."""
        return HammersteinCore(
            filters.h,
            filters.g,
            (self._h_ahead, self._g_ahead),
            self._material.sample_rate,
            self._material.reference_dbfs,
            self.basis.emphasis,
            self.basis.limits,
        )


def climb(material: Material, run: Run) -> HammersteinCore:
    """Fit the best rung."""
    basis = _choose(material, run)
    run.progress(Progress(0.5, None, "summing correlations"))
    problem = Problem(material.train, basis, material)
    best, best_esr, best_harmonics = None, np.inf, np.inf
    for number, (rung, share) in enumerate((("linear", 1.0), *RUNGS)):
        if rung == "linear":
            core = problem.core(problem.linear())
        else:
            core = problem.core(problem.static(ODD if rung == "odd" else range(CURVES), ROUNDS))
        esr, harmonics = esr_of(core.process, material.validation), harmonic_error_db(core.process, material.tones) or 0.0
        pays = esr < share * best_esr and harmonics <= best_harmonics + HARMONICS_DB
        truer = esr <= 1.005 * best_esr and harmonics < best_harmonics - HARMONICS_DB
        kept = best is None or pays or truer
        run.log(
            {"rung": rung, "kept": kept, "validation_esr": esr, "harmonic_error_db": harmonics if material.tones else None}
        )
        run.progress(Progress(0.8 + 0.2 * number / len(RUNGS), None, f"{rung}: ESR {esr:.5f}"))
        if kept:
            best, best_esr, best_harmonics = core, esr, harmonics
    assert best is not None
    return best


def _choose(material: Material, run: Run) -> Basis:
    """Try one number of the emphasis after the other, up and down, on the loudest material."""
    loud = loudest(material.train)

    def attempt(emphasis: Emphasis) -> tuple[float, Basis]:
        problem = Problem(loud, _basis(material, emphasis, loud), material, ODD)
        error = esr_of(problem.core(problem.static(ODD, rounds=2)).process, loud)
        run.log({"emphasis_hz": [emphasis.bass_floor_hz, emphasis.zero_hz, emphasis.pole_hz], "training_esr": error})
        return error, problem.basis

    best = attempt(FIRST_EMPHASIS)
    if best[0] > RUNGS[0][1] * esr_of(LinearCore.fit(replace(material, train=loud), Run()).process, loud):
        return _basis(material, FIRST_EMPHASIS, material.train)  # nothing bends, so there is nothing to choose by
    for number, (name, factor) in enumerate(EMPHASIS_STEPS):
        run.progress(Progress(0.5 * number / len(EMPHASIS_STEPS), None, "choosing the emphasis"))
        start = best[1].emphasis
        for step in (factor, 1.0 / factor):
            value = getattr(start, name) * step
            tried = attempt(replace(start, **{name: min(value, BASS_HZ) if name == "bass_floor_hz" else value}))
            if tried[0] < best[0]:
                best = tried
                break
    return _basis(material, best[1].emphasis, material.train)


def _basis(material: Material, emphasis: Emphasis, pairs: Sequence[Pair]) -> Basis:
    """Basis whose limits are the largest levels of some pairs."""
    open_ended = Basis(material.sample_rate, material.reference_dbfs, emphasis, (np.inf, np.inf))
    levels = [
        np.quantile(np.abs(open_ended.branches(pair.dry.astype(np.float64))[:, ::4]), LIMIT_QUANTILE, axis=1)
        for pair in pairs
    ]
    plain, emphasised = np.max(levels, axis=0)
    return Basis(material.sample_rate, material.reference_dbfs, emphasis, (float(plain), float(emphasised)))
