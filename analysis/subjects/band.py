"""Limits of the band and ripple, from a response over frequency."""

import numpy as np
from scipy.ndimage import binary_dilation, median_filter
from scipy.signal import savgol_coeffs, savgol_filter

from analysis import response
from analysis.findings import result
from sessions.results import Conditions, Result

BAND = "frequency at which the response, smoothed over a sixth of an octave, is 3 dB below that at 1 kHz"
RIPPLE = "half the spread of the response, smoothed over a sixth of an octave, from 100 Hz to 10 kHz"
FIGURES = (("bandwidth_low", "Hz", BAND), ("bandwidth_high", "Hz", BAND), ("response_ripple", "dB", RIPPLE))
RIPPLE_HZ = (100.0, 10_000.0)
SYSTEMATIC_DB = 0.002  # dewarping, and what level drifts during a sweep
SIXTH_OCTAVE = response.POINTS_PER_OCTAVE // 6 + 1
SMOOTHED = float(np.linalg.norm(savgol_coeffs(SIXTH_OCTAVE, 2)))  # part of the chance in every point that smoothing leaves
MOST_DOUBT_DB = 1.5  # of a point that still tells of the response; a speed that is off by 12 % makes 1 dB
THIRD_OCTAVE = response.POINTS_PER_OCTAVE // 3 + 1
STRAY_DB, STRAY = 0.5, 6.0
"""How far a point lies off the median of a third of an octave that is a dropout or a line of hum: in dB, and re what is usual."""
BRIDGED = 0.1  # of the step across what is not known: how far a response may lie off the straight line there
MOST_UNKNOWN = 0.5  # of the band of the ripple
DRAWS = 200
REMEDY = "clean the heads, remove hum, raise the level or use a better tape, and play again"


def band_results(
    frequency: np.ndarray,
    level: np.ndarray,
    conditions: Conditions,
    doubt_db: np.ndarray | None = None,
    lasting_db: np.ndarray | float = SYSTEMATIC_DB,
) -> list[Result]:
    """Limits of the band and ripple, from a response in dB over frequency in Hz and its 95 % uncertainty.

    Frequencies that are missing, or at which the response is uncertain by more than 1.5 dB or strays from its neighbours as a
    dropout makes it, tell nothing. Of the uncertainty, `lasting_db` is what neighbouring points have in common, so that smoothing
    takes nothing off it.
    """
    if frequency.size < SIXTH_OCTAVE:
        return invalid(
            conditions, f"the response is known at {frequency.size} frequencies, {SIXTH_OCTAVE} are needed; {REMEDY}"
        )
    doubt = np.full(level.size, SYSTEMATIC_DB) if doubt_db is None else doubt_db
    points = _Points(frequency, level, doubt, np.broadcast_to(lasting_db, doubt.shape))
    return [*_edges(points, conditions), *_ripple(points, conditions)]


def invalid(conditions: Conditions, note: str) -> list[Result]:
    """All figures of a response that tells nothing."""
    return [Result.invalid(quantity, unit, conditions, method, note) for quantity, unit, method in FIGURES]


def smoothed(level: np.ndarray) -> np.ndarray:
    """A response without what is narrower than a sixth of an octave; its curvature stays."""
    return np.asarray(savgol_filter(level, SIXTH_OCTAVE, 2)) if level.size >= SIXTH_OCTAVE else level


def _stray(level: np.ndarray) -> np.ndarray:
    """Points that lie apart from those on both their sides, shape (points,)."""
    away = np.abs(level - median_filter(level, THIRD_OCTAVE))
    away[: THIRD_OCTAVE // 2] = away[-(THIRD_OCTAVE // 2) :] = 0.0
    return np.asarray(away > max(STRAY_DB, STRAY * 1.4826 * float(np.median(away))))


class _Points:
    """A response on an even grid, straight across what is not known of it."""

    def __init__(self, frequency: np.ndarray, level: np.ndarray, doubt: np.ndarray, lasting: np.ndarray) -> None:
        octave = np.log2(frequency)
        step = float(np.median(np.diff(octave)))
        at = np.linspace(octave[0], octave[-1], round((octave[-1] - octave[0]) / step) + 1)
        nearest = np.abs(octave[np.clip(np.searchsorted(octave, at - 0.5 * step), 0, octave.size - 1)] - at)
        told = (doubt <= MOST_DOUBT_DB) & ~_stray(level)
        known = np.interp(at, octave, told.astype(float)) > 0.5
        self.unknown = binary_dilation((nearest > step) | ~known, iterations=SIXTH_OCTAVE // 2)
        self.frequency = 2.0**at
        kept = told if told.any() else np.ones(told.size, dtype=bool)
        self.level = smoothed(np.interp(at, octave[kept], level[kept]))
        by_chance = np.sqrt(np.maximum(doubt**2 - lasting**2, 0.0)) * (SMOOTHED if at.size >= SIXTH_OCTAVE else 1.0)
        self.by_chance, self.lasting = (np.interp(at, octave[kept], part[kept]) for part in (by_chance, lasting))
        self.doubt = np.hypot(self.by_chance, self.lasting)

    def at(self, frequency_hz: float) -> int:
        return int(np.argmin(np.abs(np.log(self.frequency / frequency_hz))))

    def bridged(self) -> np.ndarray:
        """95 % uncertainty in dB of going straight across what is not known; infinite where nothing is known beyond."""
        doubt = np.zeros(self.level.size)
        for first, last in _runs(self.unknown):
            beyond = first == 0 or last == self.level.size - 1
            doubt[first : last + 1] = np.inf if beyond else BRIDGED * abs(self.level[last + 1] - self.level[first - 1])
        return doubt


def _edges(points: _Points, conditions: Conditions) -> list[Result]:
    results = []
    frequency, at_1k = points.frequency, points.at(1000.0)
    slope = np.abs(np.gradient(points.level, np.log(frequency)))
    edges = response.band_edges(frequency, points.level)
    for name, edge, end in zip(("bandwidth_low", "bandwidth_high"), edges, (0, -1), strict=True):
        at = end if edge is None else points.at(edge)
        if points.unknown[at] or points.unknown[at_1k]:
            where = 1000.0 if points.unknown[at_1k] else frequency[at]
            note = f"the response is not known to {MOST_DOUBT_DB:g} dB about {where:.0f} Hz: noise, hum or a hole; {REMEDY}"
            results.append(Result.invalid(name, "Hz", conditions, BAND, note))
        elif edge is None:
            note = f"the response stays within 3 dB of 1 kHz to the end of the sweep ({frequency[0]:.0f} to {frequency[-1]:.0f} Hz)"
            results.append(Result.invalid(name, "Hz", conditions, BAND, note))
        else:
            off = float(np.hypot(points.doubt[at], points.doubt[at_1k])) / max(float(slope[at]), 0.5)
            results.append(result(name, edge, "Hz", edge * off, conditions, BAND))
    return results


def _ripple(points: _Points, conditions: Conditions) -> list[Result]:
    inside = (points.frequency >= RIPPLE_HZ[0]) & (points.frequency <= RIPPLE_HZ[1])
    if not inside.any():
        return []
    unknown = float(np.mean(points.unknown[inside]))
    if unknown > MOST_UNKNOWN:
        note = (
            f"the response is not known to {MOST_DOUBT_DB:g} dB over {100.0 * unknown:.0f} % of 100 Hz to 10 kHz, "
            f"{100.0 * MOST_UNKNOWN:g} % are allowed: noise, hum or holes in the sweep; {REMEDY}"
        )
        return [Result.invalid("response_ripple", "dB", conditions, RIPPLE, note)]
    bridged = points.bridged()
    used = inside & np.isfinite(bridged)
    # A response that falls is lowest at the very end of the band, which lies between two points.
    ends = np.array(
        [f for f in RIPPLE_HZ if points.frequency[0] <= f <= points.frequency[-1] and np.isfinite(bridged[points.at(f)])]
    )
    at = np.log(np.sort(np.concatenate((points.frequency[used], ends))))
    known = np.isfinite(bridged)
    level, doubt, by_chance = (
        np.interp(at, np.log(points.frequency[known]), values[known])
        for values in (points.level, np.hypot(points.doubt, bridged), points.by_chance)
    )
    highest, lowest = int(np.argmax(level)), int(np.argmin(level))
    ripple = 0.5 * float(level[highest] - level[lowest])
    off = 0.5 * float(np.hypot(doubt[highest], doubt[lowest]))
    figure = result("response_ripple", ripple, "dB", off + _raised(level, by_chance), conditions, RIPPLE)
    if not unknown:
        return [figure]
    bands = _bands(points.frequency[inside], points.unknown[inside])
    note = f"straight across {bands}, where noise, hum or a hole disturbs the sweep"
    return [figure.model_copy(update={"note": note})]


def _raised(level: np.ndarray, by_chance: np.ndarray) -> float:
    """By how much chance raises a ripple, since it is the highest and lowest of many points that count; in dB.

    Told by raising it once more: the same chance is drawn upon the response again, for every point and smoothed as it was. Of a
    response that is nothing but chance, two draws reach sqrt 2 times as far as one.
    """
    random = np.random.default_rng(0)
    spread = by_chance / 1.96 / SMOOTHED
    drawn = random.standard_normal((DRAWS, level.size))
    smooth = savgol_filter(drawn, SIXTH_OCTAVE, 2, axis=1) if level.size >= SIXTH_OCTAVE else SMOOTHED * drawn
    redrawn = level + spread * smooth
    once_more = 0.5 * float(np.mean(np.ptp(redrawn, axis=1)) - np.ptp(level))
    return max(0.0, once_more / (np.sqrt(2.0) - 1.0))


def _bands(frequency: np.ndarray, unknown: np.ndarray) -> str:
    return ", ".join(f"{frequency[first]:.0f} to {frequency[last]:.0f} Hz" for first, last in _runs(unknown))


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """First and last index of each run of true values."""
    edges = np.diff(np.concatenate(([0], flags.astype(int), [0])))
    return list(zip(np.flatnonzero(edges == 1).tolist(), (np.flatnonzero(edges == -1) - 1).tolist(), strict=True))
