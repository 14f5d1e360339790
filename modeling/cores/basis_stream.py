"""The rows of the Hammerstein core made of a signal that arrives in blocks.

At twice the rate a signal is held as two phases, its even and its odd samples, each contiguous: so the half-band filters between
the rates are sums of shifted rows.
"""

import numba
import numpy as np

from modeling.cores.basis import BASS_HZ, GROUPS, HALVING, RAISING, Basis
from modeling.cores.bends import CURVES, STATES, TIMES_S, curves, envelopes, states
from modeling.cores.convolution import add_filtered
from modeling.cores.core import REFERENCE_PEAK

CACHED = 1024
"""Samples worked on at a time, so that the rows stay in the processor's cache."""
BEFORE = 15
"""Samples of each phase that the filter back to the lower rate sees before the newest."""

_REACH = RAISING.size // 2
_MIDDLE = 2.0 * RAISING[_REACH]
_BESIDE = 2.0 * RAISING[::-2].copy()
_HALF_MIDDLE = HALVING[HALVING.size // 2]
_HALF_BESIDE = np.append(np.zeros(BEFORE + 1 - HALVING[::2].size), HALVING[::2])


class BasisStream:
    """A basis at work. What it gives is `after_samples` late."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        rows = basis.rows
        curved, stateful, self._enveloped = (
            rows[(rows >= group.start) & (rows < group.stop)] - group.start for group in GROUPS.values()
        )
        self._bent = curved.size + stateful.size
        self._curved = _of_branches(curved, CURVES)
        self._stateful = _of_branches(stateful, STATES)
        self._lifted = np.zeros(_REACH + CACHED)
        self._levels = np.zeros((2, basis.factor, CACHED))
        self._made = np.zeros((self._bent, basis.factor, BEFORE + CACHED))
        self._shelves = np.zeros(2)
        self._states = np.zeros((2, STATES + 1))
        self._late = np.zeros(basis.after_samples)
        self._high_pass, self._squares = np.zeros(1), np.zeros((2, len(TIMES_S)))

    def push(self, x: np.ndarray) -> np.ndarray:
        """Shape ``(n,)`` to ``(rows, n)``."""
        out = np.empty((self._basis.rows.size, x.size))
        for start in range(0, x.size, CACHED):
            self.give(x[start : start + CACHED], out, start)
        return out

    def give(self, x: np.ndarray, out: np.ndarray, at: int) -> None:
        """Put the rows of at most CACHED samples into `out`, shape ``(rows, room)``, from sample `at` on."""
        basis = self._basis
        if self._bent:
            self.lift(x)
            _bend(
                self._levels, x.size, *basis.limits, basis.forget, *self._curved, *self._stateful, self._states, self._made
            )
            _lower(self._made, x.size, out, at)
        if self._enveloped.size:
            out[self._bent :, at : at + x.size] = self._followed(x)

    def lift(self, x: np.ndarray) -> np.ndarray:
        """At most CACHED samples on the scale of the curves behind the bass lift, and with the treble lifted as well.

        Shape ``(2, phases, n)``; a view of what the next block overwrites.
        """
        basis = self._basis
        lifts = basis.emphasis.bass_floor_hz < BASS_HZ
        _lift(
            x,
            basis.scale,
            lifts,
            basis.bass[0],
            basis.bass[1],
            basis.treble[0],
            basis.treble[1],
            self._shelves,
            self._lifted,
            self._levels,
        )
        return self._levels[:, :, : x.size]

    def _followed(self, x: np.ndarray) -> np.ndarray:
        """Envelope rows, as late as the others."""
        basis = self._basis
        seen = np.concatenate([self._late, basis.scale * x])
        self._late = seen[x.size :]
        bands = np.empty((2, x.size))
        bands[0] = seen[: x.size]
        _shelve(basis.high_pass[0], basis.high_pass[1], bands[0], self._high_pass, 0, bands[1])
        unit = 0.5 * REFERENCE_PEAK**2
        return envelopes(bands, basis.pole, unit, self._squares)[self._enveloped]


def _of_branches(rows: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the plain and of the emphasised branch, each counted from the first of its branch."""
    return rows[rows < each], rows[rows >= each] - each


def levels_of(basis: Basis, x: np.ndarray) -> np.ndarray:
    """Some of the samples on the scale of the curves, and of their emphasised copy, shape ``(2, about n / 2)``."""
    stream = BasisStream(basis.of_rows([]) if basis.rows.size else basis)
    return np.concatenate([stream.lift(x[at : at + CACHED])[:, 0, ::2].copy() for at in range(0, x.size, CACHED)], axis=1)


@numba.njit(cache=True, nogil=True)
def _lift(
    x: np.ndarray,
    scale: float,
    lifts: bool,
    bass_b: np.ndarray,
    bass_a: np.ndarray,
    treble_b: np.ndarray,
    treble_a: np.ndarray,
    shelves: np.ndarray,
    lifted: np.ndarray,
    out: np.ndarray,
) -> None:
    """Both branches of the next samples, in phases; see :meth:`BasisStream.lift`."""
    n, phases = x.size, out.shape[1]
    signal = lifted[_REACH : _REACH + n]
    for i in range(n):
        signal[i] = scale * x[i]
    if lifts:
        _shelve(bass_b, bass_a, signal, shelves, 0, signal)
    if phases == 1:
        for i in range(n):
            out[0, 0, i] = signal[i]
    else:
        even, odd = out[0, 0, :n], out[0, 1, :n]
        for i in range(n):
            even[i] = 0.0
        add_filtered(lifted[: _REACH + n], _BESIDE, even)
        for i in range(n):
            odd[i] = _MIDDLE * lifted[i + _REACH - _REACH // 2]
        for i in range(_REACH):
            lifted[i] = lifted[i + n]
    state = shelves[1]
    for i in range(n):
        for phase in range(phases):
            p = out[0, phase, i]
            y = treble_b[0] * p + state
            state = treble_b[1] * p - treble_a[1] * y
            out[1, phase, i] = y
    shelves[1] = state


@numba.njit(cache=True, nogil=True)
def _bend(
    levels: np.ndarray,
    n: int,
    plain_limit: float,
    emphasised_limit: float,
    forget: float,
    plain_curves: np.ndarray,
    emphasised_curves: np.ndarray,
    plain_states: np.ndarray,
    emphasised_states: np.ndarray,
    memory: np.ndarray,
    out: np.ndarray,
) -> None:
    """Static curves and states of the next samples, behind the BEFORE samples that `out` begins with."""
    for phase in range(levels.shape[1]):
        first = plain_curves.size
        curves(levels[0, phase, :n], plain_limit, plain_curves, out, 0, phase, BEFORE)
        curves(levels[1, phase, :n], emphasised_limit, emphasised_curves, out, first, phase, BEFORE)
    first = plain_curves.size + emphasised_curves.size
    if plain_states.size:
        states(levels[0], n, plain_limit, forget, memory[0], plain_states, out, first, BEFORE)
    if emphasised_states.size:
        first += plain_states.size
        states(levels[1], n, emphasised_limit, forget, memory[1], emphasised_states, out, first, BEFORE)


@numba.njit(cache=True, nogil=True)
def _lower(made: np.ndarray, n: int, out: np.ndarray, at: int) -> None:
    """Back to the lower rate by a half-band filter; the last BEFORE samples of `made` become its first."""
    rows, phases, _ = made.shape
    for row in range(rows):
        lowered = out[row, at : at + n]
        even, odd = made[row, 0], made[row, phases - 1]
        if phases == 1:
            for i in range(n):
                lowered[i] = even[BEFORE + i]
            continue
        for i in range(n):
            lowered[i] = _HALF_MIDDLE * odd[i + BEFORE - HALVING.size // 4 - 1]
        add_filtered(even, _HALF_BESIDE, lowered)
        for i in range(BEFORE):
            even[i] = even[i + n]
            odd[i] = odd[i + n]


@numba.njit(cache=True, nogil=True)
def _shelve(b: np.ndarray, a: np.ndarray, x: np.ndarray, states: np.ndarray, which: int, out: np.ndarray) -> None:
    """A filter of first order with a[0] = 1 (transposed direct form II); one of the states is carried on in place."""
    state = states[which]
    for i in range(x.size):
        y = b[0] * x[i] + state
        state = b[1] * x[i] - a[1] * y
        out[i] = y
    states[which] = state
