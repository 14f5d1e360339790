"""Ridge least squares for banks of FIR filters, from correlations that are summed once over any amount of material.

The model is ``y(t) = sum_k sum_i g_k(i) u_k(t + ahead - i)``. Its normal equations hold nothing of the signals but
``r_kl(m) = sum_t u_k(t) u_l(t + m)`` and ``p_l(m) = sum_t y(t) u_l(t + m)``, so that a bank behind a common filter h, or h
behind a bank, is solved again without going back to the signals.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numba
import numpy as np
from numpy.typing import DTypeLike
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_toeplitz
from scipy.signal import oaconvolve
from scipy.signal.windows import tukey

from modeling.pairs import Pair
from signals.errors import ModelError

FFT_SAMPLES = 65536
BLOCKS_AT_ONCE, BINS_AT_ONCE = 8, 512
SHORT_S, EDGE_S = 12.0, 0.5
"""Of 5 s cut out of music, hard edges left 10 to 100 times the error of a window's, of 10 s up to 1.2 times, of 20 s no more."""
LEAST_SHARE = 1e-20
"""Of the power that a sound is weighed to: what came back as less is nothing."""
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

    def __add__(self, other: "Correlations") -> "Correlations":
        """Over the material of both."""
        return Correlations(self.auto + other.auto, self.cross + other.cross, self.power + other.power)

    def of(self, signals: Sequence[int]) -> "Correlations":
        """Of some of the signals alone."""
        some = list(signals)
        return Correlations(self.auto[some][:, some], self.cross[some], self.power)

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
        Twice the reach of the longest filter that shapes what is added in blocks.
    dtype : numpy dtype
        In which transforms and products are made; sums are double. Single precision takes half the time and errs by 1e-7 of
        the loudest, which a ridge of 1e-6 and more does not feel.
    size : int, optional
        Of the transforms; more than twice the reach and spread. What they sum up into grows with it, and suits long material.

    Attributes
    ----------
    power : float
        Sum of the squared target.

    Notes
    -----
    A block of the weighted features is correlated with the features of a stretch longer by `reach` on both sides, so every
    lag is summed in full. The weight sits at one of the two times of each product, which differs from the weighted
    least-squares sum only within `reach` of the edges of the mask. A few dropouts masked within loud music are edges enough to
    double the error of a fit, which is why they are bridged here.
    """

    def __init__(
        self, features: Features, reach: int, spread: int = 0, dtype: DTypeLike = np.float64, size: int | None = None
    ) -> None:
        self._features = features
        self._reach, self._spread = reach, spread
        self._dtype = np.dtype(dtype)
        self._context = (features.before_samples, features.after_samples)
        self._size = size or FFT_SAMPLES
        signals = features(np.zeros(sum(self._context) + 1)).shape[0]
        bins = self._size // 2 + 1
        self.power = 0.0
        # Real and imaginary parts apart, of features and of the target behind them: what waits, and what is summed.
        self._inner = np.zeros((2, BLOCKS_AT_ONCE, signals + 1, bins), dtype=self._dtype)
        self._outer = np.zeros((2, BLOCKS_AT_ONCE, signals, bins), dtype=self._dtype)
        self._waiting = 0
        self._summed = np.zeros((2, signals + 1, signals, bins))

    def add(self, pairs: Sequence[Pair], tapered: bool | None = None, shaping: np.ndarray | None = None) -> None:
        """Add what pairs give, block by block.

        Parameters
        ----------
        pairs : sequence of Pair
            Samples with a false mask do not count as target.
        tapered : bool, optional
            Weigh both times of each product, by a window over the target. For sounds so short that the edges of the mask would
            count: the sums stay those of real signals, and their equations solvable. By default that is done to short music.
        shaping : ndarray, shape (2 * n + 1,), optional
            Filter without delay that the error, weighed, goes through before it is squared.
        """
        if shaping is not None and shaping.size - 1 > self._spread:
            raise ValueError(f"a filter of {shaping.size} taps spreads further than {self._spread} samples")
        reach = self._reach + self._spread
        length = self._size - 2 * reach
        gain = self._gain(shaping)
        for pair in pairs:
            u, wet, mask = self._weighed(pair, _is_short(pair) if tapered is None else tapered)
            shaped = wet if shaping is None else oaconvolve(wet, shaping, "same")
            self.power += float(shaped @ shaped)
            u = np.pad(u, ((0, 0), (reach, reach)))
            for start in range(0, pair.samples, length):
                counts, y = mask[start : start + length], wet[start : start + length]
                if counts.any():
                    inner = np.vstack([u[:, start + reach : start + reach + y.size] * counts, y[None].astype(self._dtype)])
                    outer = u[:, start : start + length + 2 * reach]
                    self._take(rfft(inner, self._size) * gain, rfft(outer, self._size))

    def add_whole(self, pair: Pair, power: float, shaping: np.ndarray | None = None) -> None:
        """Add a steady sound that fits in one transform, tapered.

        Parameters
        ----------
        power : float
            It is weighed so that its target, shaped, has this.
        shaping : ndarray, shape (2 * n + 1,), optional
            As in :meth:`add`, of any length: together with the samples that count and `reach` no longer than a transform.
        """
        heard = spanned(pair.mask)
        needed = heard.stop - heard.start + self._reach + (0 if shaping is None else shaping.size)
        if needed > self._size:
            raise ValueError(f"a sound that needs {needed} samples does not fit in a transform of {self._size}")
        u, wet, _ = self._weighed(pair, tapered=True)
        gain = self._gain(shaping)
        spectra = rfft(np.vstack([u, wet[None].astype(self._dtype)])[:, heard], self._size)
        own = float(np.sum(irfft(spectra[-1] * np.sqrt(gain), self._size).astype(float) ** 2))
        if own > LEAST_SHARE * power:
            late = np.exp(-2j * np.pi * (self._reach + self._spread) * rfftfreq(self._size)).astype(spectra.dtype)
            self._take(spectra * (power / own * gain).astype(self._dtype), spectra[:-1] * late)
            self.power += power

    def _gain(self, shaping: np.ndarray | None) -> np.ndarray:
        if shaping is None:
            return np.ones(self._size // 2 + 1, dtype=self._dtype)
        return (np.abs(rfft(shaping, self._size)) ** 2).astype(self._dtype)

    def _weighed(self, pair: Pair, tapered: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features, target and where it counts; the features of the whole pair at once, since they may remember."""
        wet, mask = pair.bridged()
        u = self._features(np.pad(pair.dry.astype(np.float64), self._context)).astype(self._dtype, copy=False)
        if not tapered:
            return u, wet * mask.astype(float), mask
        window = _window(mask, pair.sample_rate)
        return u * window.astype(self._dtype), wet * window, mask

    def _take(self, inner: np.ndarray, outer: np.ndarray) -> None:
        """Spectra of weighed features and target, and of features from `reach` and `spread` before them on."""
        for spectra, waiting in ((inner, self._inner), (outer, self._outer)):
            waiting[0, self._waiting], waiting[1, self._waiting] = spectra.real, spectra.imag
        self._waiting += 1
        if self._waiting == BLOCKS_AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Multiply what waits; a few blocks at once cost little more than one."""
        _add_products(self._inner[:, : self._waiting], self._outer[:, : self._waiting], self._summed)
        self._waiting = 0

    def correlations(self) -> Correlations:
        """What has been summed."""
        self._settle()
        signals, reach = self._summed.shape[2], self._reach + self._spread
        wanted = slice(self._spread, self._spread + 2 * self._reach + 1)
        r = np.empty((signals, signals, 2 * self._reach + 1))
        turned = np.exp(-4j * np.pi * reach * rfftfreq(self._size))
        for k in range(signals):
            # r_kl(m) = r_lk(-m) but for the edges of the mask; the normal equations need it exactly.
            row, column = _complex(self._summed[:, k, k:]), _complex(self._summed[:, k:signals, k])
            r[k, k:] = irfft(0.5 * (row + column.conj() * turned), self._size)[:, wanted]
            r[k:, k] = r[k, k:, ::-1]
        return Correlations(r, irfft(_complex(self._summed[:, signals]), self._size)[:, wanted], self.power)


def _complex(parts: np.ndarray) -> np.ndarray:
    return np.asarray(parts[0] + 1j * parts[1])


@numba.njit(cache=True, nogil=True, fastmath=True)
def _add_products(inner: np.ndarray, outer: np.ndarray, out: np.ndarray) -> None:
    """Add ``sum_b conj(inner[b, k]) outer[b, m]``, from shapes ``(2, blocks, signals, bins)``, to ``(2, signals, signals, bins)``.

    Real and imaginary parts lie apart, so that the compiler takes several bins at once.
    """
    blocks, bins = inner.shape[1], inner.shape[3]
    real, imag = np.empty(BINS_AT_ONCE, inner.dtype), np.empty(BINS_AT_ONCE, inner.dtype)
    for start in range(0, bins, BINS_AT_ONCE):
        n = min(BINS_AT_ONCE, bins - start)
        for k in range(out.shape[1]):
            for m in range(out.shape[2]):
                real[:] = 0.0
                imag[:] = 0.0
                for b in range(blocks):
                    a, c = inner[0, b, k, start : start + n], inner[1, b, k, start : start + n]
                    d, e = outer[0, b, m, start : start + n], outer[1, b, m, start : start + n]
                    for i in range(n):
                        real[i] += a[i] * d[i] + c[i] * e[i]
                        imag[i] += a[i] * e[i] - c[i] * d[i]
                for i in range(n):
                    out[0, k, m, start + i] += real[i]
                    out[1, k, m, start + i] += imag[i]


def correlate(pairs: Sequence[Pair], features: Features, reach: int) -> Correlations:
    """Correlations of features and target over pairs; see :class:`Sums`."""
    sums = Sums(features, reach)
    sums.add(pairs)
    return sums.correlations()


def spanned(mask: np.ndarray) -> slice:
    """From the first sample that counts to the last."""
    where = np.flatnonzero(mask)
    return slice(int(where[0]), int(where[-1]) + 1) if where.size else slice(0, 0)


def _window(mask: np.ndarray, sample_rate: int) -> np.ndarray:
    """A window over the samples that count, with edges of half a second, or of all there is."""
    window = np.zeros(mask.size)
    count = int(np.count_nonzero(mask))
    window[mask] = tukey(count, min(1.0, 2.0 * EDGE_S * sample_rate / max(1, count)))
    return window


def _is_short(pair: Pair) -> bool:
    """Whether it is music whose edges would count; what is made for measuring begins and ends in silence."""
    return pair.conditions.get("kind", "music") == "music" and pair.seconds < SHORT_S


def solve(found: Correlations, taps: int, ahead: int, ridge: float) -> np.ndarray:
    """Filters of least squared error.

    Parameters
    ----------
    found : Correlations
        Of reach ``taps - 1`` at least, and `ahead` at least.
    taps, ahead : int
        Length of each filter, and how many of its taps are look-ahead.
    ridge : float
        Added to the diagonal of the normal equations after that was scaled to 1.

    Returns
    -------
    ndarray, shape (signals, taps)

    Raises
    ------
    ModelError
        The equations cannot be solved: the input is zero.
    """
    signals, reach = found.cross.shape[0], found.reach
    tap = np.arange(taps)
    if not (np.all(np.isfinite(found.cross)) and found.auto[:, :, reach].diagonal().max() > 0.0):
        raise ModelError("the sent signal of the pairs is silent; check that the right channel and take were given")
    if signals == 1:
        # One signal alone: the equations are Toeplitz, and Levinson's recursion solves them.
        column = found.auto[0, 0, reach : reach + taps]
        return _levinson_solve(column, found.cross[0, reach + ahead - tap], found.power, ridge)[None]
    lags = reach + tap[:, None] - tap[None, :]
    # R[k, i, l, j] = sum_t u_k(t + ahead - i) u_l(t + ahead - j) = r_kl(i - j)
    matrix = found.auto[:, :, lags].transpose(0, 2, 1, 3).reshape(signals * taps, -1)
    right = found.cross[:, reach + ahead - tap].reshape(-1)
    diagonal = np.diag(matrix)
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-12 * diagonal.max()))
    matrix = matrix * scale[:, None] * scale[None, :]
    return np.asarray((_cholesky_solve(matrix, right * scale, ridge) * scale).reshape(signals, taps))


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
    signals = found.cross.shape[0]
    auto = np.empty((signals, signals, 2 * reach + 1))
    for k in range(signals):
        auto[k, k:] = _filtered(found.auto[k, k:], c, found.reach + h.size - 1, reach)
        auto[k:, k] = auto[k, k:, ::-1]
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
