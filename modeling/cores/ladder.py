"""How the Hammerstein core is solved: rung by rung, each kept only where it pays.

``y = h * sum_k g_k * u_k`` is linear in the g_k when h is given, and in h when the g_k are. Both are ridge least-squares
problems on the same correlations, which are summed over the material once; the alternation itself costs nothing worth
mentioning. The rungs: ``linear`` (g_k a single tap on the signal itself), ``odd`` (curves that are odd functions, so that
only odd harmonics arise), ``even`` (even curves as well), ``states`` and ``envelopes``. A rung is kept if the error on validation
falls by more than its share and the harmonics of the test tones do not get worse, or if it gives next to nothing away and the
harmonics come closer. The rows of the last two are many, so that a short excerpt has to promise something of them first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.fft import next_fast_len

from modeling.cores.basis import BASS_HZ, GROUPS, ODD, ROWS, Basis, Emphasis
from modeling.cores.basis_stream import levels_of
from modeling.cores.bends import CURVES
from modeling.cores.core import Material, Progress, Run
from modeling.cores.hammerstein import HammersteinCore
from modeling.cores.least_squares import Correlations, Sums, behind, mixed, solve, spanned
from modeling.cores.linear import RIDGE as H_RIDGE
from modeling.cores.linear import LinearCore, filter_lengths
from modeling.cores.loudest import loudest
from modeling.cores.weighting import LONG_S, SHORT_S, of_harmonics, of_programme, shaping
from modeling.fidelity import Tone, esr_of, harmonic_error_db
from modeling.pairs import AFTER_S, Pair
from signals.errors import ModelError

G_LENGTH_S = 1e-3
G_AHEAD_S = 0.25e-3
G_RIDGE = 1e-5
ROUNDS = 3
"""Alternations between the g_k and h."""

FIRST_EMPHASIS = Emphasis(25.0, 2500.0, 14000.0)
EMPHASIS_STEPS = (("bass_floor_hz", 0.5), ("pole_hz", 2.0), ("zero_hz", 1.56))
"""Where the search for the emphasis begins, and by which factors it then tries others, up and down."""
MOST_STEPS = 3
"""In one direction."""
LIMIT_QUANTILE = 0.9999

TONE_SHARE = 0.003
"""Weight of TONE_S of a test tone, of any level, re all programme. Without them soft programme weighs so little that the harmonics
of low levels came out up to 25 dB wrong where the deck has hysteresis; with them error on programme grows by a few per cent."""
TONE_S = 0.5

MUCH = 0.005
MOST_AGAIN = 5
"""Part of the material in dropouts from which it is worth while to bridge them by what was solved and to solve again, and how often
at most. With 5 % of loud music lost, each time halves what the bridges spoil."""

HARMONICS_DB = 1.0
"""Change in the error of the harmonics that counts."""
GIVEN_AWAY = 1.02
"""Error that may be given away for them."""

ODD_ROWS = tuple(branch * CURVES + curve for branch in range(2) for curve in ODD)
EVEN_ROWS = tuple(curve for curve in range(CURVES) if curve not in ODD)
"""Of the plain branch alone: amplifiers make even harmonics before the emphasis, and the other branch made false ones of treble."""


@dataclass(frozen=True)
class Rung:
    """Rows that are added to those kept, and the part to which they have to bring the error down."""

    name: str
    rows: tuple[int, ...]
    share: float


RUNGS = (
    Rung("linear", (), 1.0),
    Rung("odd", ODD_ROWS, 0.9),
    Rung("even", EVEN_ROWS, 0.97),  # what they make is weak, so they have to save less
    Rung("states", tuple(GROUPS["states"]), 0.9),
    Rung("envelopes", tuple(GROUPS["envelopes"]), 0.9),
)
SURE = ("linear", "odd", "even")
"""Rungs that are always tried on everything."""


@dataclass(frozen=True)
class Filters:
    """What is solved for."""

    h: np.ndarray
    g: np.ndarray


class Problem:
    """The correlations of some rows of a basis over some pairs, and their solutions.

    Parameters
    ----------
    excerpt : bool
        Whether the pairs are so short that their edges would count; they are tapered then. With hard edges the equations of an
        excerpt were not positive definite, by up to half their diagonal, and what solved them hid what its states are worth.
    """

    def __init__(
        self, pairs: Sequence[Pair], basis: Basis, material: Material, tones: Sequence[Pair] = (), excerpt: bool = False
    ) -> None:
        self._material = material
        self.basis = basis
        rate = material.sample_rate
        self._h_taps, self._h_ahead = filter_lengths(rate)
        self._g_taps, self._g_ahead = round(G_LENGTH_S * rate), round(G_AHEAD_S * rate)
        reach = self._h_taps + self._g_taps
        weight = of_programme(pairs)
        short = shaping(weight, rate, SHORT_S)
        spread = short.size - 1
        # Of transforms that are just long enough for their reach, an excerpt has some forty.
        size = next_fast_len(4 * (reach + spread), real=True) if excerpt else None
        sums = Sums(basis, reach, spread, np.float32, size)
        sums.add(pairs, tapered=excerpt or None, shaping=short)
        self._found = sums.correlations()
        if tones:
            self._found += self._taught(tones, weight, reach)

    def _taught(self, tones: Sequence[Pair], weight: np.ndarray, reach: int) -> Correlations:
        """What tones give, each with its share of the power of the programme."""
        rate = self._material.sample_rate
        shapes = [shaping(of_harmonics(tone, weight), rate, LONG_S) for tone in tones]
        spans = [spanned(tone.mask) for tone in tones]
        size = next_fast_len(max(span.stop - span.start for span in spans) + reach + shapes[0].size, real=True)
        sums = Sums(self.basis, reach, 0, np.float32, size)
        for tone, shape in zip(tones, shapes, strict=True):
            sums.add_whole(tone, TONE_SHARE * tone.seconds / TONE_S * self._found.power, shape)
        return sums.correlations()

    def linear(self) -> Filters:
        """The linear filter alone."""
        g = np.zeros((ROWS, self._g_taps))
        g[0, self._g_ahead] = 1.0
        return Filters(solve(self._found.of([0]), self._h_taps, self._h_ahead, H_RIDGE)[0], g)

    def bent(self, rows: Sequence[int], rounds: int) -> Filters:
        """The g_k of some rows for the linear filter, then h for these g_k, and so on."""
        keep = np.flatnonzero(np.isin(self.basis.rows, rows)).tolist()
        found = self._found.of(keep)
        h = self.linear().h
        for _ in range(rounds):
            solved = solve(behind(found, h, self._h_ahead, self._g_taps), self._g_taps, self._g_ahead, G_RIDGE)
            h = solve(mixed(found, solved, self._g_ahead, self._h_taps), self._h_taps, self._h_ahead, H_RIDGE)[0]
        g = np.zeros((ROWS, self._g_taps))
        g[self.basis.rows[keep]] = solved
        return Filters(h, g)

    def core(self, filters: Filters) -> HammersteinCore:
        """A core of these filters."""
        aheads = (self._h_ahead, self._g_ahead)
        return HammersteinCore(filters.h, filters.g, aheads, self._material.reference_dbfs, self.basis)


def climb(material: Material, run: Run) -> HammersteinCore:
    """Fit the best rung."""
    basis, bent = _choose(material, run)
    material = _bridged(material, bent)
    rungs = [rung for rung in RUNGS if rung.name in SURE or _promises(rung, basis, material, run)]
    run.progress(Progress(0.5, None, "summing correlations"))
    basis = basis.of_rows(sorted(row for rung in rungs for row in rung.rows))
    tones = [Tone(tone) for tone in material.tones]
    lost = sum(sound.size for pair in material.train for _, sound in pair.bridges)
    much = lost >= MUCH * sum(pair.samples for pair in material.train)
    ends = (0.7, *np.linspace(0.8, 1.0, MOST_AGAIN + 1).tolist()) if much else (0.7, 1.0)
    core = _best(rungs, basis, material, tones, run, ends[:2])
    left = esr_of(core.process, material.validation) if much else 0.0
    for span in pairwise(ends[1:]):
        again = _best(rungs, basis, _bridged(material, core), tones, run, span)
        before, left = left, esr_of(again.process, material.validation)
        run.log({"rung": "dropouts bridged again", "kept": left < before, "validation_esr": left})
        if left >= before:
            break
        core = again
    return core


def _best(
    rungs: Sequence[Rung], basis: Basis, material: Material, tones: Sequence[Tone], run: Run, span: tuple[float, ...]
) -> HammersteinCore:
    """Climb some rungs as far as they pay, a part of the whole work from its first number to its second."""
    problem = Problem(material.train, basis, material, _taught(material.ladder))
    best: HammersteinCore | None = None
    best_esr, best_harmonics = np.inf, np.inf
    rows: tuple[int, ...] = ()
    for number, rung in enumerate(rungs):
        tried = (*rows, *rung.rows)
        try:
            core = problem.core(problem.bent(tried, ROUNDS) if rung.rows else problem.linear())
        except ModelError as error:
            if best is None:
                raise
            run.log({"rung": rung.name, "kept": False, "unsolved": str(error)})
            continue
        esr = esr_of(core.process, material.validation)
        harmonics = harmonic_error_db(core.process, tones) or 0.0
        pays = esr < rung.share * best_esr and harmonics <= best_harmonics + HARMONICS_DB
        truer = esr <= GIVEN_AWAY * best_esr and harmonics < best_harmonics - HARMONICS_DB
        kept = best is None or pays or truer
        run.log(
            {
                "rung": rung.name,
                "kept": kept,
                "validation_esr": esr,
                "harmonic_error_db": harmonics if tones else None,
            }
        )
        run.progress(Progress(span[0] + (span[1] - span[0]) * number / len(rungs), None, f"{rung.name}: ESR {esr:.5f}"))
        if kept:
            best, best_esr, best_harmonics, rows = core, esr, harmonics, tried
    assert best is not None
    return best


def _promises(rung: Rung, basis: Basis, material: Material, run: Run) -> bool:
    """Whether a rung pays on the loudest stretches there are."""
    static = (*ODD_ROWS, *EVEN_ROWS)
    problem = Problem(loudest(material.train), basis.of_rows(sorted((*static, *rung.rows))), material, excerpt=True)
    heard = loudest(material.validation)
    cores = (_bent(problem, rows) for rows in (static, (*static, *rung.rows)))
    without, with_it = (np.inf if core is None else esr_of(core.process, heard) for core in cores)
    run.log({"promise": rung.name, "excerpt_esr": [_told(without), _told(with_it)]})
    return with_it < rung.share * without


def _choose(material: Material, run: Run) -> tuple[Basis, HammersteinCore | None]:
    """Try one number of the emphasis after the other, up and down, on the loudest material; what that came to, if it bends."""
    loud = loudest(material.train)

    def attempt(emphasis: Emphasis) -> tuple[float, Emphasis, HammersteinCore | None]:
        problem = Problem(loud, _basis(material, emphasis, loud).of_rows(ODD_ROWS), material, excerpt=True)
        core = _bent(problem, ODD_ROWS)
        error = np.inf if core is None else esr_of(core.process, loud)
        run.log({"emphasis_hz": [emphasis.bass_floor_hz, emphasis.zero_hz, emphasis.pole_hz], "training_esr": _told(error)})
        return error, emphasis, core

    best = attempt(FIRST_EMPHASIS)
    learnt = [*material.train, *_taught(material.ladder)]
    if best[0] > RUNGS[1].share * esr_of(LinearCore.fit(replace(material, train=loud), Run()).process, loud):
        return _basis(material, FIRST_EMPHASIS, learnt), None  # nothing bends, so there is nothing to choose by
    for number, (name, factor) in enumerate(EMPHASIS_STEPS):
        run.progress(Progress(0.4 * number / len(EMPHASIS_STEPS), None, "choosing the emphasis"))
        for step in (factor, 1.0 / factor):
            before = best
            for _ in range(MOST_STEPS):
                value = getattr(best[1], name) * step
                tried = attempt(replace(best[1], **{name: min(value, BASS_HZ) if name == "bass_floor_hz" else value}))
                if tried[0] >= best[0]:
                    break
                best = tried
            if best is not before:
                break
    return _basis(material, best[1], learnt), best[2]


def _bent(problem: Problem, rows: Sequence[int]) -> HammersteinCore | None:
    """What some rows of an excerpt come to; None if they cannot be solved for."""
    try:
        return problem.core(problem.bent(rows, rounds=2))
    except ModelError:
        return None


def _bridged(material: Material, core: HammersteinCore | None) -> Material:
    """The same with dropouts bridged by a core. The linear filter that found them does not bend, and that would be learnt."""

    def bridged(pair: Pair, core: HammersteinCore) -> Pair:
        if not pair.bridges:
            return pair
        made = core.process(pair.dry.astype(np.float64)).astype(np.float32)
        return replace(pair, bridges=tuple((start, made[start : start + sound.size]) for start, sound in pair.bridges))

    return material if core is None else replace(material, train=[bridged(pair, core) for pair in material.train])


def _told(error: float) -> float | None:
    """As JSON has it."""
    return error if np.isfinite(error) else None


def _basis(material: Material, emphasis: Emphasis, pairs: Sequence[Pair]) -> Basis:
    """Basis whose limits are the largest levels of some pairs."""
    open_ended = Basis(material.sample_rate, material.reference_dbfs, emphasis, (np.inf, np.inf), ())
    levels = [
        np.quantile(np.abs(levels_of(open_ended, pair.dry.astype(np.float64))), LIMIT_QUANTILE, axis=1) for pair in pairs
    ]
    plain, emphasised = np.max(levels, axis=0)
    return Basis(material.sample_rate, material.reference_dbfs, emphasis, (float(plain), float(emphasised)))


def _taught(ladder: Sequence[Pair]) -> list[Pair]:
    """The beginning of each tone, which is all alike."""
    cut = []
    for tone in ladder:
        first, after = int(np.argmax(tone.mask)), round(AFTER_S * tone.sample_rate)
        stop = min(first + round(TONE_S * tone.sample_rate) + after, tone.samples)
        cut.append(tone.part(0, stop, first, after))
    return cut
