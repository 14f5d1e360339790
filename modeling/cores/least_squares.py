"""Ridge least squares for banks of FIR filters, from correlations that are summed once over any amount of material.

The model is ``y(t) = sum_k sum_i g_k(i) u_k(t + ahead - i)``. Its normal equations hold nothing of the signals but
``r_kl(m) = sum_t u_k(t) u_l(t + m)`` and ``p_l(m) = sum_t y(t) u_l(t + m)``, so that a bank behind a common filter h, or h
behind a bank, is solved again without going back to the signals.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import DTypeLike
from scipy.fft import irfft, next_fast_len, rfft
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_toeplitz
from scipy.signal import oaconvolve
from scipy.signal.windows import tukey

from modeling.pairs import Pair
from signals.errors import ModelError

FFT_SAMPLES = 65536
BLOCKS_AT_ONCE = 8
SHORT_S, EDGE_S = 12.0, 0.5
"""Of 5 s cut out of music, hard edges left 10 to 100 times the error of a window's, of 10 s up to 1.2 times, of 20 s no more."""
TOO_BROKEN = "the material is too short and broken to be solved for; give a longer recording without long pauses"


class Features(Protocol):
    """Signals made of the input."""

    @property
    def before_samples(self) -> int:
        """Input needed before the samples that are asked for."""
        ...

    @property
    def after_samples(self) -> int:
        """Input needed after them."""
        ...

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Shape ``(before + n + after,)`` to ``(signals, n)``; of a whole signal that is zero before and after."""
        ...


class Identity:
    """The input itself as only feature."""

    before_samples = 0
    after_samples = 0

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Shape ``(n,)`` to ``(1, n)``."""
        return x[None]


@dataclass(frozen=True)
class Correlations:
    """Sums over all material.

    Attributes
    ----------
    auto : ndarray, shape (signals, signals, 2 * reach + 1)
        ``r_kl(m)`` for lags m from -reach to reach.
    cross : ndarray, shape (signals, 2 * reach + 1)
        ``p_l(m)``.
    power : float
        Sum of the squared target.
    """

    auto: np.ndarray
    cross: np.ndarray
    power: float

    @property
    def reach(self) -> int:
        """Largest lag."""
        return self.cross.shape[1] // 2


class Sums:
    """Correlations of features and target, summed over pairs in the frequency domain.

    Parameters
    ----------
    features : callable
        Signals made of the input.
    reach : int
        Largest lag.
    spread : int
        Twice the reach of the longest filter that shapes pairs which are not tapered.
    dtype : numpy dtype
        In which transforms and products are made; sums are double. Single precision takes half the time and errs by 1e-7 of
        the loudest, which a ridge of 1e-6 and more does not feel.

    Notes
    -----
    A block of the weighted features is correlated with the features of a stretch longer by `reach` on both sides, so every
    lag is summed in full. The weight sits at one of the two times of each product, which differs from the weighted
    least-squares sum only within `reach` of the edges of the mask. A few dropouts masked within loud music are edges enough to
    double the error of a fit, which is why they are bridged here.
    """

    def __init__(self, features: Features, reach: int, spread: int = 0, dtype: DTypeLike = np.float64) -> None:
        self._features = features
        self._reach, self._spread = reach, spread
        self._dtype = np.dtype(dtype)
        self._context = (features.before_samples, features.after_samples)
        signals = features(np.zeros(sum(self._context) + 1)).shape[0]
        bins = FFT_SAMPLES // 2 + 1
        self._auto = np.zeros((bins, signals, signals), dtype=complex)
        self._cross = np.zeros((signals, bins), dtype=complex)
        self._power = 0.0
        self._batch: list[tuple[np.ndarray, np.ndarray]] = []

    def add(
        self,
        pairs: Sequence[Pair],
        share: float | None = None,
        tapered: bool | None = None,
        shaping: np.ndarray | None = None,
    ) -> None:
        """Add what pairs give.

        Parameters
        ----------
        pairs : sequence of Pair
            Samples with a false mask do not count as target.
        share : float, optional
            Weigh them so that their target has this share of the power of all that was added before; None for as they are.
        tapered : bool, optional
            Weigh both times of each product, by a window over the target. For sounds so short that the edges of the mask would
            count: the sums stay those of real signals, and their equations solvable. By default that is done to short music.
        shaping : ndarray, shape (2 * n + 1,), optional
            Filter without delay that the error goes through before it is squared. What is not tapered is shaped by its spectrum,
            after the mask.
        """
        windowed = [_is_short(pair) if tapered is None else tapered for pair in pairs]
        powers = [_power(pair, taper, shaping) for pair, taper in zip(pairs, windowed, strict=True)]
        weight = 1.0 if share is None else share * self._power / max(sum(powers), 1e-30)
        self._power += weight * sum(powers)
        reach = self._reach + self._spread
        length = FFT_SAMPLES - 2 * reach
        if shaping is not None and not all(windowed) and shaping.size - 1 > self._spread:
            raise ValueError(f"a filter of {shaping.size} taps spreads further than {self._spread} samples")
        flat = np.ones(FFT_SAMPLES // 2 + 1, dtype=self._dtype)
        shaped = flat if shaping is None else (np.abs(rfft(shaping, FFT_SAMPLES)) ** 2).astype(self._dtype)
        for pair, taper in zip(pairs, windowed, strict=True):
            gain = flat if taper else shaped
            wet, mask = _target(pair, taper, shaping if taper else None)
            # The whole pair at once: features may remember.
            u = self._features(np.pad(pair.dry.astype(np.float64), self._context)).astype(self._dtype, copy=False)
            if taper:
                if shaping is not None:
                    u = oaconvolve(u, shaping[None].astype(self._dtype), "same", axes=1)
                u = u * _window(mask, pair.sample_rate).astype(self._dtype)
            u = np.pad(u, ((0, 0), (reach, reach)))
            for start in range(0, pair.samples, length):
                counts, y = mask[start : start + length], wet[start : start + length]
                if not counts.any():
                    continue
                outer = rfft(u[:, start : start + length + 2 * reach], FFT_SAMPLES)
                inner = rfft(
                    u[:, start + reach : start + reach + y.size] * (weight * counts).astype(self._dtype), FFT_SAMPLES
                )
                np.conjugate(inner, out=inner)
                inner *= gain
                self._cross += rfft(weight * y, FFT_SAMPLES).conj() * gain * outer
                self._batch.append((inner, outer))
                if len(self._batch) == BLOCKS_AT_ONCE:
                    self._settle()

    def _settle(self) -> None:
        """Multiply what waits; a few blocks at once cost little more than one."""
        if self._batch:
            inner, outer = (np.stack(part) for part in zip(*self._batch, strict=True))
            self._auto += inner.transpose(2, 1, 0) @ outer.transpose(2, 0, 1)
            self._batch.clear()

    def correlations(self) -> Correlations:
        """What has been summed."""
        self._settle()
        signals, reach = self._auto.shape[1], self._reach + self._spread
        wanted = slice(self._spread, self._spread + 2 * self._reach + 1)
        r = np.empty((signals, signals, 2 * self._reach + 1))
        turned = np.exp(-4j * np.pi * reach / FFT_SAMPLES * np.arange(FFT_SAMPLES // 2 + 1))[:, None]
        for k in range(signals):
            # r_kl(m) = r_lk(-m) but for the edges of the mask; the normal equations need it exactly.
            both = 0.5 * (self._auto[:, k, k:] + self._auto[:, k:, k].conj() * turned)
            r[k, k:] = irfft(both.T, FFT_SAMPLES)[:, wanted]
            r[k:, k] = r[k, k:, ::-1]
        return Correlations(r, irfft(self._cross, FFT_SAMPLES)[:, wanted], self._power)


def correlate(pairs: Sequence[Pair], features: Features, reach: int) -> Correlations:
    """Correlations of features and target over pairs; see :class:`Sums`."""
    sums = Sums(features, reach)
    sums.add(pairs)
    return sums.correlations()


def _target(pair: Pair, tapered: bool, shaping: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The returned sound, weighed, and where it counts."""
    bridged, mask = pair.bridged()
    wet = bridged.astype(np.float64)
    if shaping is not None:
        wet = oaconvolve(wet, shaping, "same")
    return wet * (_window(mask, pair.sample_rate) if tapered else mask), mask


def _power(pair: Pair, tapered: bool, shaping: np.ndarray | None) -> float:
    """Sum of the squared target."""
    wet, _ = _target(pair, tapered, shaping)
    return float(wet @ wet)


def _window(mask: np.ndarray, sample_rate: int) -> np.ndarray:
    """A window over the samples that count, with edges of half a second, or of all there is."""
    window = np.zeros(mask.size)
    count = int(np.count_nonzero(mask))
    window[mask] = tukey(count, min(1.0, 2.0 * EDGE_S * sample_rate / max(1, count)))
    return window


def _is_short(pair: Pair) -> bool:
    """Whether it is music whose edges would count; what is made for measuring begins and ends in silence."""
    return pair.conditions.get("kind", "music") == "music" and pair.seconds < SHORT_S


def solve(found: Correlations, taps: int, ahead: int, ridge: float, keep: Sequence[int] | None = None) -> np.ndarray:
    """Filters of least squared error.

    Parameters
    ----------
    found : Correlations
        Of reach ``taps - 1`` at least, and `ahead` at least.
    taps, ahead : int
        Length of each filter, and how many of its taps are look-ahead.
    ridge : float
        Added to the diagonal of the normal equations after that was scaled to 1.
    keep : sequence of int, optional
        Signals to use; the filters of the others are zero.

    Returns
    -------
    ndarray, shape (signals, taps)

    Raises
    ------
    ModelError
        The equations cannot be solved: the input is zero.
    """
    signals, reach = found.cross.shape[0], found.reach
    used = np.arange(signals) if keep is None else np.asarray(keep)
    tap = np.arange(taps)
    if not (np.all(np.isfinite(found.cross)) and found.auto[used, used, reach].max() > 0.0):
        raise ModelError("the sent signal of the pairs is silent; check that the right channel and take were given")
    if used.size == 1:
        # One signal alone: the equations are Toeplitz, and Levinson's recursion solves them.
        column = found.auto[used[0], used[0], reach : reach + taps]
        filters = np.zeros((signals, taps))
        filters[used[0]] = _levinson_solve(column, found.cross[used[0], reach + ahead - tap], found.power, ridge)
        return filters
    lags = reach + tap[:, None] - tap[None, :]
    # R[k, i, l, j] = sum_t u_k(t + ahead - i) u_l(t + ahead - j) = r_kl(i - j)
    matrix = found.auto[np.ix_(used, used)][:, :, lags].transpose(0, 2, 1, 3).reshape(used.size * taps, -1)
    right = found.cross[used][:, reach + ahead - tap].reshape(-1)
    diagonal = np.diag(matrix)
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-12 * diagonal.max()))
    matrix = matrix * scale[:, None] * scale[None, :]
    solved = _cholesky_solve(matrix, right * scale, ridge) * scale
    filters = np.zeros((signals, taps))
    filters[used] = solved.reshape(used.size, taps)
    return filters


def _levinson_solve(column: np.ndarray, right: np.ndarray, power: float, ridge: float) -> np.ndarray:
    """As :func:`_cholesky_solve`, of Toeplitz equations given by their first column.

    Levinson's recursion says nothing of a matrix that is not positive definite; a solution that explains less than nothing or
    more than all of the target's power does.
    """
    for total in (ridge, *(ridge * 10.0**power_of_ten for power_of_ten in range(2, 6))):
        lifted = column.copy()
        lifted[0] *= 1.0 + total
        with contextlib.suppress(LinAlgError):
            h = np.asarray(solve_toeplitz(lifted, right))
            if 0.0 <= h @ right <= 1.01 * power:
                return h
    raise ModelError(TOO_BROKEN)


def _cholesky_solve(matrix: np.ndarray, right: np.ndarray, ridge: float) -> np.ndarray:
    """Solve with a ridge, larger where little material with many gaps leaves the sums short of positive definite.

    Raises
    ------
    ModelError
        They are so even with a ridge as large as the diagonal.
    """
    diagonal = np.diag_indices_from(matrix)
    added = 0.0
    for total in (ridge, *(ridge * 10.0**power for power in range(2, 6))):
        matrix[diagonal] += total - added
        added = total
        with contextlib.suppress(LinAlgError):
            return np.asarray(cho_solve(cho_factor(matrix, lower=True), right))
    raise ModelError(TOO_BROKEN)


def behind(found: Correlations, h: np.ndarray, ahead: int, reach: int) -> Correlations:
    """Correlations of the signals filtered by h (`ahead` of its taps being look-ahead), for lags up to `reach`."""
    # u = h * v: r_u(m) = sum_n c(n) r_v(m - n) with c the autocorrelation of h; p_u(m) = sum_i h(i) p_v(m + ahead - i)
    c = np.correlate(h, h, mode="full")
    auto = _filtered(found.auto, c, found.reach + h.size - 1, reach)
    cross = _filtered(found.cross, h, found.reach + ahead, reach)
    return Correlations(auto, cross, found.power)


def mixed(found: Correlations, g: np.ndarray, ahead: int, reach: int) -> Correlations:
    """Correlations of the one signal ``sum_k g_k * u_k``, for lags up to `reach`."""
    taps = g.shape[1]
    auto = np.zeros(2 * reach + 1)
    cross = np.zeros(2 * reach + 1)
    used = np.flatnonzero(g.any(axis=1))
    for at, k in enumerate(used):
        cross += _filtered(found.cross[k], g[k], found.reach + ahead, reach)
        for other in used[at:]:
            # r_z(m) = sum_kl sum_ij g_k(i) g_l(j) r_kl(m + i - j), and what l and k give is what k and l give, turned over.
            both = np.correlate(g[other], g[k], mode="full")
            part = _filtered(found.auto[k, other], both, found.reach + taps - 1, reach)
            auto += part if other == k else part + part[::-1]
    return Correlations(auto[None, None], cross[None], found.power)


def _filtered(sequence: np.ndarray, taps: np.ndarray, centre: int, reach: int) -> np.ndarray:
    """Convolve along the last axis and keep `reach` to both sides of `centre`."""
    size = next_fast_len(sequence.shape[-1] + taps.size - 1, real=True)
    full = irfft(rfft(sequence, size) * rfft(taps, size), size)
    return full[..., centre - reach : centre + reach + 1]
