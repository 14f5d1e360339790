"""How the numbers of the Jiles-Atherton core are found: Gauss-Newton steps, the filter solved anew for each point.

One iteration takes the error's derivatives by running the law six more times, a little beside, and then a damped step
(Levenberg-Marquardt). It depends on nothing but where it begins, so that the checkpoint holds that.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from modeling.cores.core import Material, Progress, Run
from modeling.cores.ja import JaCore, Magnetised, Numbers
from modeling.cores.least_squares import behind, correlate, mixed, solve
from modeling.cores.linear import RIDGE, LinearCore
from modeling.cores.loudest import loudest
from modeling.fidelity import esr_of
from modeling.pairs import Pair, fingerprint
from sessions.disk import write_together
from signals.errors import ModelError

G_LENGTH_S = 1e-3
G_AHEAD_S = 0.25e-3
G_RIDGE = 1e-5
ROUNDS = 3
"""Alternations between g and h."""
FIRST = Numbers(drive=2.0, pinning=1.2, reversible=0.3, coupling=0.02, zero_hz=2500.0, pole_hz=14000.0)
BESIDE = 1e-3
"""Difference of a number, on the scale of the search, by which derivatives are taken."""
FIRST_DAMPING = 1e-2
DAMPINGS = 4
"""How many dampings are tried before no step is taken to pay."""
MOST_ITERATIONS = 12
POINTS_AN_ITERATION = 9
ENOUGH = 0.99
"""An iteration that leaves more of the error than this is the last."""
SHARE = 0.8
"""Part of the time for the search; the rest is for the filters."""


def coordinates(numbers: Numbers) -> np.ndarray:
    """Numbers without bounds, on which the search works, shape ``(6,)``."""
    c = numbers.reversible / 0.99
    coupling = numbers.coupling / _most_coupling(numbers.pinning)
    return np.array(
        [
            np.log(numbers.drive),
            np.log(numbers.pinning),
            np.log(c / (1.0 - c)),
            np.log(coupling / (1.0 - coupling)),
            np.log(numbers.zero_hz),
            np.log(numbers.pole_hz / numbers.zero_hz),
        ]
    )


def numbers_at(place: np.ndarray) -> Numbers:
    """Inverse of :func:`coordinates`; far out it stays within what can be run."""
    drive, pinning, c, coupling, zero, ratio = np.clip(place, -12.0, 12.0)
    k = float(np.exp(np.clip(pinning, -4.0, 4.0)))
    return Numbers(
        drive=float(np.exp(np.clip(drive, -4.0, 4.0))),
        pinning=k,
        reversible=float(0.99 / (1.0 + np.exp(-c))),
        coupling=float(_most_coupling(k) / (1.0 + np.exp(-coupling))),
        zero_hz=float(np.exp(np.clip(zero, 4.0, 11.0))),
        pole_hz=float(np.exp(np.clip(zero, 4.0, 11.0) + np.clip(ratio, -3.0, 3.0))),
    )


def _most_coupling(pinning: float) -> float:
    """The law has finite slopes below this, with some room."""
    return 0.95 * min(3.0, pinning / 2.0)


def search(material: Material, run: Run) -> JaCore:
    """Find the numbers on the loudest stretches, then solve the filters on all material."""
    linear = LinearCore.fit(material, run)
    stretches = loudest(material.train)
    power = sum(float(np.sum(pair.wet[pair.mask].astype(np.float64) ** 2)) for pair in stretches)

    def residual(place: np.ndarray) -> np.ndarray:
        core = _solved(numbers_at(place), stretches, linear, rounds=0)
        errors = [(pair.wet - core.process(pair.dry.astype(np.float64)))[pair.mask] for pair in stretches]
        return np.concatenate(errors) / np.sqrt(power)

    record = _Record(material, run)
    try:
        numbers = numbers_at(_descended(residual, record, run))
    except KeyboardInterrupt:
        raise ModelError(f"training was interrupted at iteration {record.state.iteration}; go on with --resume") from None
    run.progress(Progress(0.9, None, "solving the filters"))
    flat = np.zeros((2, linear.h.size))
    flat[0] = linear.h
    best = JaCore(numbers, flat, linear.ahead, linear.sample_rate, linear.reference_dbfs)
    best_esr = esr_of(best.process, material.validation)
    for rounds in (0, ROUNDS):
        core = _solved(numbers, material.train, linear, rounds)
        error = esr_of(core.process, material.validation)
        run.log({"rung": "ja", "rounds": rounds, "kept": error < best_esr, "validation_esr": error, **asdict(numbers)})
        if error < best_esr:
            best, best_esr = core, error
    return best


class _State(NamedTuple):
    """Where a search stands."""

    place: list[float]
    damping: float = FIRST_DAMPING
    iteration: int = 0
    iterations: int = 0


def _descended(residual: Callable[[np.ndarray], np.ndarray], record: "_Record", run: Run) -> np.ndarray:
    """Lower the sum of squares of a residual as far as iterations allow."""
    r = residual(np.array(record.state.place))
    began = time.perf_counter()
    if not record.state.iterations:
        residual(np.array(record.state.place))  # the first may have compiled the law
        affordable = SHARE * 60.0 * run.minutes / (POINTS_AN_ITERATION * (time.perf_counter() - began))
        iterations = run.steps or int(np.clip(affordable, 1, MOST_ITERATIONS))
        record.keep(
            record.state._replace(iterations=iterations), {"iteration": 0, "steps": iterations, "training_esr": float(r @ r)}
        )
    while record.state.iteration < record.state.iterations:
        state, before = record.state, float(r @ r)
        place = np.array(state.place)
        slopes = np.stack([(residual(place + BESIDE * axis) - r) / BESIDE for axis in np.eye(place.size)])
        normal, right = slopes @ slopes.T, slopes @ r
        damping = state.damping
        for _ in range(DAMPINGS):
            lifted = normal + np.diag(damping * np.diag(normal) + 1e-9 * before)
            tried = place - np.linalg.solve(lifted, right)
            fresh = residual(tried)
            if fresh @ fresh < before:
                place, r = tried, fresh
                break
            damping *= 10.0
        after = float(r @ r)
        iteration = state.iteration + 1 if after < ENOUGH * before else state.iterations
        record.keep(
            _State(place.tolist(), 0.1 * damping, iteration, state.iterations),
            {"iteration": state.iteration + 1, "training_esr": after},
        )
        share = iteration / state.iterations
        elapsed = time.perf_counter() - began
        run.progress(Progress(0.9 * share, elapsed * (1.0 / share - 1.0), f"iteration {iteration}, ESR {after:.5f}"))
    return np.array(record.state.place)


def _solved(numbers: Numbers, pairs: Sequence[Pair], linear: LinearCore, rounds: int) -> JaCore:
    """Filters for the numbers: h for the magnetisation alone, then g for this h, h for this g, and so on."""
    rate, taps, ahead = linear.sample_rate, linear.h.size, linear.ahead
    g_taps, g_ahead = round(G_LENGTH_S * rate), round(G_AHEAD_S * rate)
    signals = Magnetised(numbers, rate, linear.reference_dbfs)
    found = correlate(pairs, signals, taps + g_taps)
    g = np.zeros((2, g_taps))
    g[1, g_ahead] = 1.0
    h = solve(mixed(found, g, g_ahead, taps), taps, ahead, RIDGE)[0]
    for _ in range(rounds):
        g = solve(behind(found, h, ahead, g_taps), g_taps, g_ahead, G_RIDGE)
        h = solve(mixed(found, g, g_ahead, taps), taps, ahead, RIDGE)[0]
    filters = np.stack([np.convolve(h, part) for part in g])
    return JaCore(numbers, filters, ahead + g_ahead, rate, linear.reference_dbfs)


class _Record:
    """The state of a search, and the checkpoint that holds it."""

    def __init__(self, material: Material, run: Run) -> None:
        self._path = run.checkpoint
        self._facts = {"material": fingerprint(material.train), "seed": run.seed}
        self._log = run.log
        self._records: list[dict[str, Any]] = []
        self.state = _State(coordinates(FIRST).tolist())
        if self._path is not None and self._path.exists():
            self._restore(self._path)

    def keep(self, state: _State, record: dict[str, Any]) -> None:
        """Log how the search came here, and go on from here, also after a kill."""
        self.state = state
        self._tell(record)
        if self._path is not None:
            write_together({self._path: json.dumps({**self._facts, **state._asdict(), "log": self._records}).encode()})

    def _tell(self, record: dict[str, Any]) -> None:
        self._records.append(record)
        self._log(record)

    def _restore(self, path: Path) -> None:
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            log = [dict(record) for record in facts.pop("log")]
            place, damping, *counts = (facts.pop(name) for name in _State._fields)
            state = _State([float(number) for number in place], float(damping), *(int(count) for count in counts))
        except (OSError, KeyError, AttributeError, TypeError, ValueError) as error:
            raise ModelError(f"{path} is no checkpoint of this core: {error}; train without --resume") from error
        if facts != self._facts or len(state.place) != coordinates(FIRST).size:
            raise ModelError(f"{path} belongs to a run on other material or with another seed; train without --resume")
        self.state = state
        for record in log:
            self._tell(record)
