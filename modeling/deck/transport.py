"""Tape motion: one trajectory for all tracks in each pass.

The tape position at the head is s(t), in seconds of tape at nominal speed, t in seconds since the pass began:

    s(t) = s0 + (1 + e) t + d t^2 / 2 + sum_i a_i sin(2 pi f_i t + phi_i)

A finite sum of sinusoids and a polynomial, so that every property of it is known in closed form. The lines are those of the
parts that turn (f = v / (pi d) for a shaft, v / (2 pi r) for a reel); random flutter is a comb of sinusoids with random
phases and unevenly spaced frequencies. Track i lies ahead of the common position by lever_i * skew(t), a second such sum.
Two faults come on top, in closed form too: a slow start lacks b tau (1 - e^{-t/tau}) of tape, and what is read of a stretched
piece of tape was recorded before that place, by its lag.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numba
import numpy as np

from modeling.deck.defects import Stretch, stretch_of
from modeling.deck.parameters import DeckParameters
from modeling.deck.tracks import azimuth_delay_s, lever

GRID_HZ = 1000
"""Rate at which the trajectory is evaluated; a cubic through values and slopes joins the points, with an error below a
nanosecond for all flutter up to 200 Hz."""

RESIDUE_HZ = (0.15, 200.0)
RESIDUE_LINES = 240
SKEW_HZ = (0.05, 30.0)
SKEW_LINES = 60

PARTS = ("capstan", "pinch roller", "supply reel", "take-up reel", "belt")
"""The first lines of a trajectory's flutter, in this order; the belt's only where it wobbles."""

_GRID_BLOCK = 512
_TRANSPORT = 21
_RECORD, _PLAY = 0, 1


@dataclass(frozen=True)
class Comb:
    """A sum of sinusoids a sin(2 pi f t + phi); arrays of shape ``(lines,)``, amplitudes in seconds."""

    frequency_hz: np.ndarray
    amplitude_s: np.ndarray
    phase: np.ndarray

    def at(self, time_s: np.ndarray) -> np.ndarray:
        """Sum at the given times, shape ``(times,)``."""
        return self._sum(np.sin, self.amplitude_s, time_s)

    def slope(self, time_s: np.ndarray) -> np.ndarray:
        """Its derivative: deviation of speed as a plain ratio."""
        return self._sum(np.cos, 2.0 * np.pi * self.frequency_hz * self.amplitude_s, time_s)

    def _sum(self, wave: Callable[[np.ndarray], np.ndarray], amplitude: np.ndarray, time_s: np.ndarray) -> np.ndarray:
        # In parts, so that memory stays small for long times.
        parts = np.array_split(np.asarray(time_s, dtype=np.float64), time_s.size // 4096 + 1)
        angle = 2.0 * np.pi * self.frequency_hz
        return np.concatenate([wave(np.outer(part, angle) + self.phase) @ amplitude for part in parts])


@dataclass(frozen=True)
class Start:
    """How a pass comes up to speed: `lack` of it at the beginning, falling to 1/e in `constant_s`."""

    lack: float
    constant_s: float

    def lag(self, time_s: np.ndarray) -> np.ndarray:
        """Tape that has not come by for it, in seconds; before the pass the lack is what it is at its beginning."""
        late = -np.expm1(-np.maximum(time_s, 0.0) / self.constant_s)
        return self.lack * (self.constant_s * late + np.minimum(time_s, 0.0))

    def slope(self, time_s: np.ndarray) -> np.ndarray:
        """Lack of speed."""
        return self.lack * np.exp(-np.maximum(time_s, 0.0) / self.constant_s)


@dataclass(frozen=True)
class Trajectory:
    """Motion of one pass.

    Attributes
    ----------
    start_s : float
        Tape position s0 at which the pass begins.
    speed_error : float
        e, as a plain ratio.
    drift_per_s : float
        d, change of speed in a second.
    flutter : Comb
        Periodic and random flutter of the tape, common to all tracks.
    skew_s : float
        Constant delay of track 1 against track 4 (track 4 is ahead when positive).
    skew : Comb
        Wander of that delay.
    parts : int
        Lines of the flutter that stand for parts that turn, the first of :data:`PARTS`.
    start : Start, optional
        How the pass comes up to speed.
    stretch : Stretch, optional
        A stretched piece of the tape that is played.
    """

    start_s: float
    speed_error: float
    drift_per_s: float
    flutter: Comb
    skew_s: float
    skew: Comb
    parts: int = 4
    start: Start | None = None
    stretch: Stretch | None = None

    def advance(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """s(t) - t of track `track` (0-based), in closed form."""
        advance_s = self.without_stretch(time_s, track)
        return advance_s if self.stretch is None else advance_s - self.stretch.lag(time_s + advance_s)

    def without_stretch(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """The same on a tape that was never stretched."""
        t = np.asarray(time_s, dtype=np.float64)
        common = self.start_s + self.speed_error * t + 0.5 * self.drift_per_s * t**2 + self.flutter.at(t)
        advance_s = common + lever()[track] * (self.skew_s + self.skew.at(t))
        return advance_s if self.start is None else advance_s - self.start.lag(t)

    def rate(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """ds/dt of track `track` (0-based), in closed form."""
        t = np.asarray(time_s, dtype=np.float64)
        rate = 1.0 + self.speed_error + self.drift_per_s * t + self.flutter.slope(t) + lever()[track] * self.skew.slope(t)
        if self.start is not None:
            rate = rate - self.start.slope(t)
        return rate if self.stretch is None else rate * (1.0 - self.stretch.slope(t + self.without_stretch(t, track)))

    def first_guess(self, position_s: np.ndarray) -> tuple[np.ndarray, int]:
        """Where Newton's iteration for the time of a position begins, and how many steps it takes from there.

        A start is convex: from beyond the solution the iteration comes down to it, in more steps while it lasts.
        """
        t = (position_s - self.start_s) / (1.0 + self.speed_error)
        if self.start is None:
            return t, 0
        t = t + self.start.lack * self.start.constant_s / (1.0 + self.speed_error)
        return t, 12 if t.min() < 40.0 * self.start.constant_s else 0

    def time_at(self, position_s: np.ndarray, track: int) -> np.ndarray:
        """Solve s(t) = position to the last bits of double precision."""
        p = np.asarray(position_s, dtype=np.float64)
        t, more = self.first_guess(p)
        for _ in range(3 + more):  # Newton: the error is squared every time, and begins below half a second
            t = t - (t + self.advance(t, track) - p) / self.rate(t, track)
        return t


def record_trajectory(parameters: DeckParameters, seed: int, number: int) -> Trajectory:
    """Motion of record pass `number`; it begins at tape position 0."""
    pitch = 1.0 + parameters.transport.record_pitch_percent / 100.0
    return _trajectory(parameters, (seed, _TRANSPORT, _RECORD, number), 0.0, pitch)


def play_trajectory(parameters: DeckParameters, seed: int, number: int, rewound: bool = True) -> Trajectory:
    """Motion of play pass `number`; where `rewound`, it begins somewhere before position 0, as a rewind lands."""
    transport = parameters.transport
    generator = np.random.default_rng((seed, _TRANSPORT, _PLAY, number, 0))
    landing_s = -generator.uniform(transport.rewind_min_s, max(transport.rewind_min_s, transport.rewind_max_s))
    difference = generator.choice((-1.0, 1.0)) * generator.uniform(0.7, 1.3) * transport.pass_difference_percent / 100.0
    identity = (seed, _TRANSPORT, _PLAY, number)
    ratio = (1.0 + float(difference)) * (1.0 + transport.play_pitch_percent / 100.0)
    plain = _trajectory(parameters, identity, float(landing_s) if rewound else 0.0, ratio)
    return replace(plain, skew_s=plain.skew_s - azimuth_delay_s(parameters), stretch=stretch_of(parameters.faults))


def _trajectory(parameters: DeckParameters, identity: tuple[int, ...], start_s: float, ratio: float) -> Trajectory:
    """Motion of a pass that runs `ratio` times as fast as the machine does by itself."""
    transport = parameters.transport
    generator = np.random.default_rng((*identity, 1))
    error = (1.0 + transport.speed_error_percent / 100.0) * ratio - 1.0
    speed_mm_s = parameters.speed_um_s / 1000.0 * (1.0 + error)
    rate_hz = speed_mm_s / (
        2.0 * np.pi * np.array([transport.capstan_mm / 2, transport.pinch_mm / 2, transport.supply_mm, transport.takeup_mm])
    )
    percent = np.array(
        [transport.capstan_percent, transport.pinch_percent, transport.supply_percent, transport.takeup_percent]
    )
    parts = Comb(rate_hz, percent / 100.0 / (2.0 * np.pi * rate_hz), 2.0 * np.pi * generator.random(4))
    if transport.belt_percent > 0.0:
        belt_hz = np.array([speed_mm_s / transport.belt_mm])
        phase = 2.0 * np.pi * np.random.default_rng((*identity, 2)).random(1)
        parts = _joined(parts, Comb(belt_hz, transport.belt_percent / 100.0 / (2.0 * np.pi * belt_hz), phase))
    residue = _residue(transport.residue_percent / 100.0, transport.residue_corner_hz, generator)
    # Wander of record and play adds in power to the stated figure.
    wander_s = parameters.tracks.skew_wander_us * 1e-6 / np.sqrt(2.0)
    skew_s = parameters.tracks.skew_us * 1e-6 / np.sqrt(2.0) * generator.standard_normal()
    skew = _wander(wander_s, parameters.tracks.skew_corner_hz, generator)
    return Trajectory(
        start_s=start_s,
        speed_error=error,
        drift_per_s=transport.drift_percent_per_min / 100.0 / 60.0,
        flutter=_joined(parts, residue),
        skew_s=float(skew_s),
        skew=skew,
        parts=parts.phase.size,
        start=Start(transport.start_percent / 100.0, transport.start_ms / 1000.0) if transport.start_percent > 0.0 else None,
    )


def _joined(*combs: Comb) -> Comb:
    return Comb(
        np.concatenate([c.frequency_hz for c in combs]),
        np.concatenate([c.amplitude_s for c in combs]),
        np.concatenate([c.phase for c in combs]),
    )


def _random_lines(
    low_hz: float, high_hz: float, lines: int, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies, one drawn in each of `lines` bands of equal ratio, and the widths of the bands."""
    edges = np.geomspace(low_hz, high_hz, lines + 1)
    return edges[:-1] + np.diff(edges) * generator.random(lines), np.diff(edges)


def _residue(rms: float, corner_hz: float, generator: np.random.Generator) -> Comb:
    """Random flutter: speed deviation of spectral density 1 / (1 + (f/fc)^2), of the given RMS."""
    f, width = _random_lines(*RESIDUE_HZ, RESIDUE_LINES, generator)
    power = width / (1.0 + (f / corner_hz) ** 2)
    deviation = np.sqrt(2.0 * power / power.sum()) * rms
    return Comb(f, deviation / (2.0 * np.pi * f), 2.0 * np.pi * generator.random(f.size))


def _wander(rms_s: float, corner_hz: float, generator: np.random.Generator) -> Comb:
    """Slow random delay of spectral density 1 / (1 + (f/fc)^2)^2, of the given RMS."""
    f, width = _random_lines(*SKEW_HZ, SKEW_LINES, generator)
    power = width / (1.0 + (f / corner_hz) ** 2) ** 2
    return Comb(f, np.sqrt(2.0 * power / power.sum()) * rms_s, 2.0 * np.pi * generator.random(f.size))


class GridTrajectory:
    """A trajectory at audio rate: evaluated on a fixed grid of absolute time, joined by cubics.

    The grid is worked out in blocks at fixed absolute times, so the result does not depend on how it is asked for.
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self._lever = lever()
        self._block = lru_cache(maxsize=8)(self._evaluate_block)
        offset_s = np.arange(_GRID_BLOCK) / GRID_HZ
        self._tables = [_rotation(comb, offset_s) for comb in (trajectory.flutter, trajectory.skew)]

    def advance(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """s(t) - t of track `track` (0-based) at ascending times."""
        return self._evaluate(time_s, track)[0]

    def time_at(self, position_s: np.ndarray, track: int) -> np.ndarray:
        """Solve s(t) = position for ascending positions."""
        trajectory = self._trajectory
        t, more = trajectory.first_guess(position_s)
        for _ in range(4 + more):
            advance, slope = self._evaluate(t, track)
            t = t - (t + advance - position_s) / (1.0 + slope)
        return t

    def _evaluate(self, time_s: np.ndarray, track: int) -> tuple[np.ndarray, np.ndarray]:
        trajectory = self._trajectory
        first = int(np.floor(time_s.min() * GRID_HZ)) // _GRID_BLOCK
        last = (int(np.floor(time_s.max() * GRID_HZ)) + 1) // _GRID_BLOCK
        nodes = np.concatenate([self._block(b) for b in range(first, last + 1)], axis=1)
        lever_track = self._lever[track]
        value = nodes[0] + lever_track * nodes[2]
        slope = nodes[1] + lever_track * nodes[3]
        value_out = np.empty_like(time_s)
        slope_out = np.empty_like(time_s)
        _join(time_s, first * _GRID_BLOCK, value, slope, value_out, slope_out)
        constant = trajectory.start_s + lever_track * trajectory.skew_s
        polynomial = constant + (trajectory.speed_error + 0.5 * trajectory.drift_per_s * time_s) * time_s
        advance, slope = polynomial + value_out, trajectory.speed_error + trajectory.drift_per_s * time_s + slope_out
        if trajectory.start is not None:
            advance = advance - trajectory.start.lag(time_s)
            slope = slope - trajectory.start.slope(time_s)
        if trajectory.stretch is not None:
            slope = (1.0 + slope) * (1.0 - trajectory.stretch.slope(time_s + advance)) - 1.0
            advance = advance - trajectory.stretch.lag(time_s + advance)
        return advance, slope

    def _evaluate_block(self, block: int) -> np.ndarray:
        """Value and slope of flutter, then of skew, at the grid points of a block; shape (4, points)."""
        start_s = block * _GRID_BLOCK / GRID_HZ
        rows = []
        for comb, (value, slope) in zip((self._trajectory.flutter, self._trajectory.skew), self._tables, strict=True):
            angle = 2.0 * np.pi * comb.frequency_hz * start_s + comb.phase
            phasor = np.concatenate([np.sin(angle), np.cos(angle)])
            rows += [value @ phasor, slope @ phasor]
        return np.array(rows)


def _rotation(comb: Comb, offset_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Matrices that turn (sin, cos) of the phases at a block's start into values and slopes over the block.

    sin(p + wt) = sin p cos wt + cos p sin wt, so a block costs one small matrix product in place of many sines.
    """
    w = 2.0 * np.pi * comb.frequency_hz
    cos, sin = np.cos(np.outer(offset_s, w)), np.sin(np.outer(offset_s, w))
    value = np.hstack([cos * comb.amplitude_s, sin * comb.amplitude_s])
    slope = np.hstack([-sin * comb.amplitude_s * w, cos * comb.amplitude_s * w])
    return value, slope


@numba.njit(cache=True, nogil=True)
def _join(
    time_s: np.ndarray, first_node: int, value: np.ndarray, slope: np.ndarray, value_out: np.ndarray, slope_out: np.ndarray
) -> None:
    """Cubic Hermite interpolation and its derivative."""
    step = 1.0 / GRID_HZ
    for i in range(time_s.size):
        x = time_s[i] * GRID_HZ - first_node
        j = min(max(int(np.floor(x)), 0), value.size - 2)
        u = x - j
        p0, p1 = value[j], value[j + 1]
        m0, m1 = slope[j] * step, slope[j + 1] * step
        c2 = 3.0 * (p1 - p0) - 2.0 * m0 - m1
        c3 = 2.0 * (p0 - p1) + m0 + m1
        value_out[i] = p0 + u * (m0 + u * (c2 + u * c3))
        slope_out[i] = (m0 + u * (2.0 * c2 + 3.0 * u * c3)) * GRID_HZ
