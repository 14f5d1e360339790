"""The signals that the Hammerstein core weighs: static curves, hysteretic states and envelopes of what was sent.

They are made of the signal on a scale where a sine at 0 VU peaks at REFERENCE_PEAK, behind a bass lift, and, in a second branch,
behind treble emphasis as well: a tape recorder is saturation between emphasis and losses.

* ``static``, in each branch: p; p - tanh(g p)/g; p^2; p tanh(3 p) - p^2. The last two are even, and second harmonics are made of
  them alone.
* ``states``, in each branch: stop operators, which follow p and slip at a threshold r (the elements of a Prandtl-Ishlinskii
  model), and t - m with t = tanh p and m relaxing towards t in |dp|, as magnetisation does. They remember.
* ``envelopes``: the signal times the logarithm of its RMS, and of that of its treble, over 10 to 100 ms.

Static curves and states are made at twice the rate. The tape does not fold what it makes above half the sample rate back into the
audible band; without the higher rate the model would, and the folded products were most of its error on loud treble.

References
----------
P. Krejci, "Hysteresis, Convexity and Dissipation in Hyperbolic Equations" (1996), ch. II (stop and play operators).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
from scipy.signal import bilinear, firwin

from modeling.cores.core import REFERENCE_PEAK, input_scale

BASS_HZ = 50.0
"""Where a cassette recorder begins to lift the bass: 3180 us (IEC 60094-1)."""

GAINS = (0.5, 1.0, 2.0, 4.0)
CURVES = 1 + len(GAINS) + 2
ODD = tuple(range(1 + len(GAINS)))
STATIC = 2 * CURVES

THRESHOLDS = np.array([0.01, 0.04, 0.12, 0.35])
RELAXATIONS = np.array([0.03, 0.1, 0.3])
STATES = THRESHOLDS.size + RELAXATIONS.size
FORGETTING_S = 1.0
"""A stop operator would keep its offset for ever in silence."""

TIMES_S = (0.01, 0.03, 0.1)
TREBLE_HZ = 2500.0
QUIETEST = 1e-6
"""Mean square, re that of a sine at 0 VU, below which an envelope does not fall."""
ENVELOPES = 2 * (len(TIMES_S) + 2)

GROUPS = {
    "static": range(STATIC),
    "states": range(STATIC, STATIC + 2 * STATES),
    "envelopes": range(STATIC + 2 * STATES, STATIC + 2 * STATES + ENVELOPES),
}
ROWS = STATIC + 2 * STATES + ENVELOPES

CACHED = 4096
"""Samples worked on at a time, so that the rows stay in the processor's cache."""

RAISING = firwin(47, 0.5, window=("kaiser", 5.0))
HALVING = firwin(27, 0.5, window=("kaiser", 5.0))
DELAY = (RAISING.size // 2 + HALVING.size // 2) // 2
"""Of both half-band filters together, in samples at the lower rate."""


@dataclass(frozen=True)
class Emphasis:
    """What a record amplifier does before the tape bends the signal.

    Attributes
    ----------
    bass_floor_hz : float
        The bass is lifted below BASS_HZ down to this frequency; BASS_HZ itself means no lift.
    zero_hz, pole_hz : float
        The treble is lifted from the one to the other, in the emphasised copy alone.
    """

    bass_floor_hz: float
    zero_hz: float
    pole_hz: float


@numba.njit(cache=True, nogil=True)
def curves(p: np.ndarray, limit: float) -> np.ndarray:
    """Static curves of a signal, shape ``(n,)`` to ``(CURVES, n)``.

    In order: p; p - tanh(g p)/g for each gain; p^2; p tanh(3 p) - p^2. Beyond `limit`, the largest level that was learnt from,
    each goes on along its tangent.
    """
    gains = len(GAINS)
    out = np.empty((gains + 3, p.size))
    slope = np.empty(gains + 2)
    for k in range(gains):
        slope[k] = np.tanh(GAINS[k] * limit) ** 2
    edge = np.tanh(3.0 * limit)
    slope[gains] = 2.0 * limit
    slope[gains + 1] = edge + 3.0 * limit * (1.0 - edge**2) - 2.0 * limit
    for i in range(p.size):
        x = min(max(p[i], -limit), limit)
        bent = np.tanh(GAINS[0] * x)
        one = three = 0.0
        out[0, i] = p[i]
        for k in range(gains):
            out[1 + k, i] = x - bent / GAINS[k]
            if GAINS[k] == 1.0:
                one = bent
            elif GAINS[k] == 2.0:
                three = (one + bent) / (1.0 + one * bent)
            bent = 2.0 * bent / (1.0 + bent * bent)  # tanh(2x) from tanh(x): each gain is twice the one before
        out[gains + 1, i] = x * x
        out[gains + 2, i] = x * three - x * x
        beyond = p[i] - x
        if beyond != 0.0:
            for k in range(gains):
                out[1 + k, i] += slope[k] * beyond
            out[gains + 1, i] += slope[gains] * abs(beyond)
            out[gains + 2, i] += slope[gains + 1] * abs(beyond)
    return out


@numba.njit(cache=True, nogil=True)
def states(p: np.ndarray, limit: float, forget: float, memory: np.ndarray) -> np.ndarray:
    """Hysteretic states of a signal, shape ``(n,)`` to ``(STATES, n)``; levels beyond `limit` count as that.

    Parameters
    ----------
    forget : float
        Part of a stop operator's offset that is left after a sample.
    memory : ndarray, shape (STATES + 1,)
        Where the states stand, and the last level; carried on in place.
    """
    stops, all_states = THRESHOLDS.size, memory.size - 1
    out = np.empty((all_states, p.size))
    last = memory[all_states]
    for i in range(p.size):
        now = min(max(p[i], -limit), limit)
        step = now - last
        last = now
        for k in range(stops):
            r = THRESHOLDS[k]
            memory[k] = min(max(forget * memory[k] + step, -r), r)
            out[k, i] = memory[k]
        t = np.tanh(now)
        for k in range(stops, all_states):
            memory[k] += (t - memory[k]) * (1.0 - np.exp(-abs(step) / RELAXATIONS[k - stops]))
            out[k, i] = t - memory[k]
    memory[all_states] = last
    return out


@numba.njit(cache=True, nogil=True)
def envelopes(u: np.ndarray, pole: np.ndarray, unit: float, memory: np.ndarray) -> np.ndarray:
    """The signal times the logarithm of its RMS over each time, shape ``(2, n)`` (signal and treble) to ``(ENVELOPES, n)``.

    For the middle time also times its square, and the signal's bend times it.

    Parameters
    ----------
    pole : ndarray
        Of each mean square.
    unit : float
        Mean square whose envelope is zero.
    memory : ndarray, shape (2, times)
        Mean squares, carried on in place.
    """
    times = pole.size
    middle = times // 2
    out = np.empty((2 * (times + 2), u.shape[1]))
    for i in range(u.shape[1]):
        x = u[0, i]
        for band in range(2):
            row = band * (times + 2)
            power = u[band, i] ** 2
            for k in range(times):
                memory[band, k] = power + pole[k] * (memory[band, k] - power)
                e = 0.125 * np.log(memory[band, k] / unit + QUIETEST)
                out[row + k, i] = x * e
                if k == middle:
                    out[row + times, i] = x * e * e
                    out[row + times + 1, i] = (x - 0.5 * np.tanh(2.0 * x)) * e
    return out


class Basis:
    """How the rows are made.

    Attributes
    ----------
    emphasis : Emphasis
    limits : tuple of float
        Largest level learnt from, of the signal and of its emphasised copy, on the scale of the curves.
    rows : ndarray of int
        Which rows to make, in rising order.
    """

    before_samples = 0
    """Input needed before the samples that are asked for: none, since the states begin at rest."""

    def __init__(
        self,
        sample_rate: int,
        reference_dbfs: float,
        emphasis: Emphasis,
        limits: tuple[float, float],
        rows: Sequence[int] = range(ROWS),
    ) -> None:
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self.emphasis = emphasis
        self.limits = limits
        self.rows = np.asarray(rows, dtype=int)
        self.factor = 2 if sample_rate < 80000 else 1
        self.scale = input_scale(reference_dbfs)
        w = 2.0 * np.pi
        self.bass = bilinear([1.0, w * BASS_HZ], [1.0, w * emphasis.bass_floor_hz], sample_rate)
        rate = self.factor * sample_rate
        # Above 0.45 of the rate the bilinear transform makes no shelf.
        zero, pole = (2.0 * rate * np.tan(np.pi * min(f / rate, 0.45)) for f in (emphasis.zero_hz, emphasis.pole_hz))
        self.treble = bilinear([1.0 / zero, 1.0], [1.0 / pole, 1.0], rate)
        self.forget = 1.0 - 1.0 / (FORGETTING_S * rate)
        self.high_pass = bilinear([1.0, 0.0], [1.0, w * TREBLE_HZ], sample_rate)
        self.pole = np.exp(-1.0 / (np.array(TIMES_S) * sample_rate))

    @property
    def after_samples(self) -> int:
        """Input needed after the samples that are asked for."""
        return DELAY if self.factor == 2 else 0

    def of_rows(self, rows: Sequence[int]) -> "Basis":
        """The same with other rows."""
        return Basis(self.sample_rate, self.reference_dbfs, self.emphasis, self.limits, rows)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows of a whole signal, shape ``(n + after,)`` to ``(rows, n)``."""
        return BasisStream(self).push(x)[:, self.after_samples :]

    def levels(self, x: np.ndarray) -> np.ndarray:
        """The signal on the scale of the curves, and its emphasised copy, shape ``(2, factor * n)``."""
        return BasisStream(self).branches(x)


class BasisStream:
    """A basis at work on a signal that arrives in blocks. What it gives is `after_samples` late."""

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        rows = basis.rows
        self._curved, self._stateful, self._enveloped = (
            rows[(rows >= group.start) & (rows < group.stop)] - group.start for group in GROUPS.values()
        )
        self._bass, self._treble, self._high_pass = np.zeros(1), np.zeros(1), np.zeros(1)
        self._raising = np.zeros(RAISING.size // 2)
        self._halving = np.zeros((self._curved.size + self._stateful.size, HALVING.size - 1))
        self._states = np.zeros((2, STATES + 1))
        self._late = np.zeros(basis.after_samples)
        self._squares = np.zeros((2, len(TIMES_S)))

    def branches(self, x: np.ndarray) -> np.ndarray:
        """`x` on the scale of the curves behind the bass lift, and the same with its treble lifted."""
        basis = self._basis
        signal = basis.scale * x
        if basis.emphasis.bass_floor_hz < BASS_HZ:
            signal = _shelve(basis.bass, signal, self._bass)
        if basis.factor == 2:
            seen = np.concatenate([self._raising, signal])
            self._raising = seen[x.size :]
            signal = _raise(seen)
        return np.stack([signal, _shelve(basis.treble, signal, self._treble)])

    def push(self, x: np.ndarray) -> np.ndarray:
        """Shape ``(n,)`` to ``(rows, n)``."""
        out = np.empty((self._basis.rows.size, x.size))
        bent = self._halving.shape[0]
        for start in range(0, x.size, CACHED):
            block = x[start : start + CACHED]
            if bent:
                self._bend(self.branches(block), out[:bent, start : start + CACHED])
            if self._enveloped.size:
                out[bent:, start : start + CACHED] = self._followed(block)
        return out

    def _bend(self, branches: np.ndarray, out: np.ndarray) -> None:
        """Static curves and states, back at the rate of the signal."""
        basis = self._basis
        past = self._halving.shape[1]
        seen = np.empty((self._halving.shape[0], past + branches.shape[1]))
        seen[:, :past] = self._halving
        made = seen[:, past:]
        at = 0
        for branch, (p, limit) in enumerate(zip(branches, basis.limits, strict=True)):
            wanted = self._curved[self._curved // CURVES == branch] % CURVES
            if wanted.size:
                made[at : at + wanted.size] = curves(p, limit)[wanted]
            at += wanted.size
        for branch, (p, limit) in enumerate(zip(branches, basis.limits, strict=True)):
            wanted = self._stateful[self._stateful // STATES == branch] % STATES
            if wanted.size:
                made[at : at + wanted.size] = states(p, limit, basis.forget, self._states[branch])[wanted]
            at += wanted.size
        self._halving = seen[:, branches.shape[1] :].copy()
        if basis.factor == 1:
            out[:] = made
        else:
            _halve(seen, out)

    def _followed(self, x: np.ndarray) -> np.ndarray:
        """Envelope rows, as late as the others."""
        basis = self._basis
        seen = np.concatenate([self._late, basis.scale * x])
        self._late = seen[x.size :]
        signal = seen[: x.size]
        treble = _shelve(basis.high_pass, signal, self._high_pass)
        unit = 0.5 * REFERENCE_PEAK**2
        return envelopes(np.stack([signal, treble]), basis.pole, unit, self._squares)[self._enveloped]


@numba.njit(cache=True, nogil=True)
def _shelve(ba: tuple[np.ndarray, np.ndarray], x: np.ndarray, state: np.ndarray) -> np.ndarray:
    """A filter of first order with a[0] = 1 (transposed direct form II); its state is carried on in place."""
    b, a = ba
    out = np.empty(x.size)
    for i in range(x.size):
        out[i] = b[0] * x[i] + state[0]
        state[0] = b[1] * x[i] - a[1] * out[i]
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def _raise(seen: np.ndarray) -> np.ndarray:
    """Twice the rate by a half-band filter, from a signal with the samples of half the filter before it."""
    reach = RAISING.size // 2
    n = seen.size - reach
    out = np.empty(2 * n)
    for i in range(n):
        total = 0.0
        for k in range(reach + 1):  # the even taps from the outside; the odd ones are zero but the middle one
            total += RAISING[2 * k] * seen[i + reach - k]
        out[2 * i] = 2.0 * total
        out[2 * i + 1] = 2.0 * RAISING[reach] * seen[i + reach - reach // 2]
    return out


@numba.njit(cache=True, fastmath=True, nogil=True)
def _halve(seen: np.ndarray, out: np.ndarray) -> None:
    """Half the rate by a half-band filter, of rows with the samples of the filter but one before them."""
    middle = HALVING.size // 2
    for row in range(out.shape[0]):
        for m in range(out.shape[1]):
            centre = middle + 2 * m
            total = HALVING[middle] * seen[row, centre]
            for lag in range(1, middle + 1, 2):  # the even lags of a half-band filter are zero
                total += HALVING[middle + lag] * (seen[row, centre - lag] + seen[row, centre + lag])
            out[row, m] = total
