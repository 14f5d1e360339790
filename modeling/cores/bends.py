"""What bends a signal in the Hammerstein core: static curves, hysteretic states and envelopes, one row of output each.

These loops run at twice the sample rate on every block, so they are written for the compiler: one loop for each row, no branches
in it (a division that may raise an error is one, hence NumPy's error model), and no call of the mathematical library, which works
on one number at a time.

References
----------
P. Krejci, "Hysteresis, Convexity and Dissipation in Hyperbolic Equations" (1996), ch. II (stop and play operators).
"""

import numba
import numpy as np

GAINS = (0.5, 1.0, 2.0, 4.0)
"""Each twice the one before."""
CURVES = 1 + len(GAINS) + 2

THRESHOLDS = np.array([0.01, 0.04, 0.12, 0.35])
RELAXATION = 0.3
RELAXATIONS = (RELAXATION / 10.0, RELAXATION / 3.0, RELAXATION)
STATES = THRESHOLDS.size + len(RELAXATIONS)

TIMES_S = (0.01, 0.03, 0.1)
QUIETEST = 1e-6
"""Mean square, re that of a sine at 0 VU, below which an envelope does not fall."""
ENVELOPES = 2 * (len(TIMES_S) + 2)

MOST_BENT = 10.0
"""tanh of more is taken for that of this; it is 1 within 4e-9."""

_LOG_2 = float(np.log(2.0))
_ROOT_OF_HALF = int(np.float64(0.5**0.5).view(np.int64))
"""As bits. Taken off those of a number, it leaves the power of two above the 52 bits of the fraction."""


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def curves(p: np.ndarray, limit: float, wanted: np.ndarray, out: np.ndarray, first: int, phase: int, at: int) -> None:
    """Static curves of a signal, shape ``(n,)``.

    In order: p; p - tanh(g p)/g for each gain; p^2; p tanh(3 p) - p^2. Beyond `limit`, the largest level that was learnt from,
    each goes on along its tangent.

    Parameters
    ----------
    wanted : ndarray of int
        Which of them, in rising order.
    out : ndarray, shape (rows, phases, room)
        They go to rows `first` on of this phase, from sample `at` on.
    """
    n, gains, gain = p.size, len(GAINS), 0
    bent = np.empty(n)
    for i in range(n):
        bent[i] = _tanh(GAINS[0] * min(max(p[i], -limit), limit))
    for k in range(wanted.size):
        row, curve = out[first + k, phase, at : at + n], wanted[k]
        if curve == 0:
            for i in range(n):
                row[i] = p[i]
        elif curve <= gains:
            while gain < curve - 1:
                gain += 1
                for i in range(n):
                    bent[i] = 2.0 * bent[i] / (1.0 + bent[i] * bent[i])  # tanh(2x) from tanh(x)
            part, slope = 1.0 / GAINS[gain], np.tanh(GAINS[gain] * limit) ** 2
            for i in range(n):
                x = min(max(p[i], -limit), limit)
                row[i] = x - part * bent[i] + slope * (p[i] - x)
        elif curve == gains + 1:
            for i in range(n):
                x = min(max(p[i], -limit), limit)
                row[i] = x * x + 2.0 * limit * abs(p[i] - x)
        else:
            edge = np.tanh(3.0 * limit)
            slope = edge + 3.0 * limit * (1.0 - edge**2) - 2.0 * limit
            for i in range(n):
                x = min(max(p[i], -limit), limit)
                row[i] = x * _tanh(3.0 * x) - x * x + slope * abs(p[i] - x)


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def states(
    p: np.ndarray,
    n: int,
    limit: float,
    forget: float,
    memory: np.ndarray,
    wanted: np.ndarray,
    out: np.ndarray,
    first: int,
    at: int,
) -> None:
    """Hysteretic states of a signal, shape ``(phases, n or more)``, whose first n samples go through the phases in turn.

    In order: the stop operators, and t - m for each relaxation. Levels beyond `limit` count as that.

    Parameters
    ----------
    forget : float
        Part of a stop operator's offset that is left after a sample.
    memory : ndarray, shape (STATES + 1,)
        Where the states stand, and the last level; carried on in place.
    wanted, out, first, at
        As of :func:`curves`, for all phases.
    """
    phases = p.shape[0]
    stops, last = THRESHOLDS.size, memory.size - 1
    level, bent = np.empty((phases, n)), np.empty((phases, n))
    step, moved = np.empty((phases, n)), np.empty((len(RELAXATIONS), phases, n))
    row = np.full(last, -1)
    for k in range(wanted.size):
        row[wanted[k]] = first + k
    for phase in range(phases):
        for i in range(n):
            level[phase, i] = min(max(p[phase, i], -limit), limit)
    for phase in range(phases):
        for i in range(n):
            bent[phase, i] = _tanh(level[phase, i])
    if n:
        step[0, 0] = level[0, 0] - memory[last]
        memory[last] = level[phases - 1, n - 1]
    for i in range(1, n):
        step[0, i] = level[0, i] - level[phases - 1, i - 1]
    for phase in range(1, phases):
        for i in range(n):
            step[phase, i] = level[phase, i] - level[phase - 1, i]
    for phase in range(phases):
        for i in range(n):
            t = _tanh(abs(step[phase, i]) * (0.5 / RELAXATION))
            left = (1.0 - t) / (1.0 + t)  # exp(-|step| / RELAXATION); those of the others are powers of it
            cube = left * left * left
            moved[0, phase, i], moved[1, phase, i], moved[2, phase, i] = (
                1.0 - cube * cube * cube * left,
                1.0 - cube,
                1.0 - left,
            )
    for i in range(n):
        for phase in range(phases):
            for k in range(stops):
                r = THRESHOLDS[k]
                memory[k] = min(max(forget * memory[k] + step[phase, i], -r), r)
                if row[k] >= 0:
                    out[row[k], phase, at + i] = memory[k]
            t = bent[phase, i]
            for k in range(len(RELAXATIONS)):
                j = stops + k
                memory[j] += (t - memory[j]) * moved[k, phase, i]
                if row[j] >= 0:
                    out[row[j], phase, at + i] = t - memory[j]


@numba.njit(cache=True, nogil=True, error_model="numpy")
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
    times, n = pole.size, u.shape[1]
    middle = times // 2
    out = np.empty((2 * (times + 2), n))
    square, log, bend = np.empty(n), np.empty(n), np.empty(n)
    for i in range(n):
        bend[i] = u[0, i] - 0.5 * _tanh(2.0 * u[0, i])
    for band in range(2):
        row = band * (times + 2)
        for k in range(times):
            mean = memory[band, k]
            for i in range(n):
                power = u[band, i] * u[band, i]
                mean = power + pole[k] * (mean - power)
                square[i] = mean / unit + QUIETEST
            memory[band, k] = mean
            _logarithm(square, log)
            for i in range(n):
                log[i] *= 0.125
                out[row + k, i] = u[0, i] * log[i]
            if k == middle:
                for i in range(n):
                    out[row + times, i] = u[0, i] * log[i] * log[i]
                    out[row + times + 1, i] = bend[i] * log[i]
    return out


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _tanh(x: float) -> float:
    """Hyperbolic tangent within 1e-9: of a sixteenth by five parts of Lambert's continued fraction, then doubled four times."""
    y = min(max(x, -MOST_BENT), MOST_BENT) * 0.0625
    s = y * y
    above = y * (1.0 + s * (1.0 / 9.0 + s * (1.0 / 945.0)))
    below = 1.0 + s * (4.0 / 9.0 + s * (1.0 / 63.0))
    for _ in range(4):
        above, below = 2.0 * above * below, above * above + below * below
    return above / below


@numba.njit(cache=True, nogil=True, fastmath={"contract"}, error_model="numpy")
def _logarithm(x: np.ndarray, out: np.ndarray) -> None:
    """Natural logarithm of positive numbers within 1e-11.

    That of a power of two, and of what is left by seven parts of the series of artanh.
    """
    bits, left = x.view(np.int64), np.empty(x.size, np.int64)
    for i in range(x.size):
        power = (bits[i] - _ROOT_OF_HALF) >> 52
        left[i] = bits[i] - (power << 52)  # from the root of 1/2 to that of 2
        out[i] = power * _LOG_2
    rest = left.view(np.float64)
    for i in range(x.size):
        s = (rest[i] - 1.0) / (rest[i] + 1.0)
        z = s * s
        parts = 1.0 / 7.0 + z * (1.0 / 9.0 + z * (1.0 / 11.0 + z * (1.0 / 13.0)))
        out[i] += 2.0 * s * (1.0 + z * (1.0 / 3.0 + z * (1.0 / 5.0 + z * parts)))
