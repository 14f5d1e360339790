"""Tape motion: one trajectory for all tracks in each pass.

The tape position at the head is s(t), in seconds of tape at nominal speed, t in seconds since the pass began:

    s(t) = s0 + (1 + e) t + d t^2 / 2 + sum_i a_i sin(2 pi f_i t + phi_i)

A finite sum of sinusoids and a polynomial, so that every property of it is known in closed form. The lines are those of the
parts that turn (f = v / (pi d) for a shaft, v / (2 pi r) for a reel); random flutter is a comb of sinusoids with random
phases and unevenly spaced frequencies. Track i lies ahead of the common position by lever_i * skew(t), a second such sum.
Scrape flutter is one more comb, in a narrow band around some kHz. Two faults come on top, in closed form too: a slow start lacks
b tau (1 - e^{-t/tau}) of tape, and what is read of a stretched piece of tape was recorded before that place, by its lag.

A pass that is stopped at t0 runs down: the friction of the flywheel brings it to rest after T, at an even rate. What turns then has
turned no farther than m(t) = t0 + u - u^2 / (2 T), u = t - t0 up to T, and the tape is at s(m(t)): all that flutters slows too.
"""

from dataclasses import dataclass, replace

import numpy as np

from modeling.deck.comb import Comb, joined, random_lines
from modeling.deck.defects import Stretch, stretch_of
from modeling.deck.parameters import DeckParameters
from modeling.deck.scrape import Scrape, scrape
from modeling.deck.tracks import azimuth_delay_s, lever

RESIDUE_HZ = (0.15, 200.0)
RESIDUE_LINES = 240
SKEW_HZ = (0.05, 30.0)
SKEW_LINES = 60

PARTS = ("capstan", "pinch roller", "supply reel", "take-up reel", "belt")
"""The first lines of a trajectory's flutter, in this order; the belt's only where it wobbles."""

_TRANSPORT = 21
_RECORD, _PLAY = 0, 1


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
class RunDown:
    """How a pass that is stopped at `begin_s` comes to rest, after `length_s`."""

    begin_s: float
    length_s: float

    def turned(self, time_s: np.ndarray) -> np.ndarray:
        """m(t), when the machine at full speed would have turned as far."""
        u = np.clip(time_s - self.begin_s, 0.0, self.length_s)
        return np.asarray(np.minimum(time_s, self.begin_s) + u * (1.0 - 0.5 * u / self.length_s))

    def rate(self, time_s: np.ndarray) -> np.ndarray:
        """dm/dt, the share of speed that is left."""
        return np.asarray(1.0 - np.clip((time_s - self.begin_s) / self.length_s, 0.0, 1.0))

    def time_at(self, turned_s: np.ndarray) -> np.ndarray:
        """The t of m(t), at the latest that of standstill."""
        m = np.clip(turned_s - self.begin_s, 0.0, 0.5 * self.length_s)
        late = 2.0 * m / (1.0 + np.sqrt(1.0 - 2.0 * m / self.length_s))
        return np.asarray(np.minimum(turned_s, self.begin_s) + late)


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
    scrape : Scrape, optional
        Scrape flutter, common to all tracks.
    stop_s : float
        Time that the tape takes to come to rest.
    run_down : RunDown, optional
        How it does so, once the pass is stopped.
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
    scrape: Scrape | None = None
    stop_s: float = 0.0
    run_down: RunDown | None = None

    def stopped(self, time_s: float) -> "Trajectory":
        """The same motion, stopped at a time."""
        return replace(self, run_down=RunDown(time_s, self.stop_s))

    @property
    def running(self) -> "Trajectory":
        """The same motion as if nobody had stopped it."""
        return self if self.run_down is None else replace(self, run_down=None)

    @property
    def smooth(self) -> "Trajectory":
        """The same motion without scrape flutter: what can be told of it below some hundred hertz."""
        return self if self.scrape is None else replace(self, scrape=None)

    def advance(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """s(t) - t of track `track` (0-based), in closed form."""
        if self.run_down is not None:
            turned_s = self.run_down.turned(time_s)
            return turned_s - time_s + self.running.advance(turned_s, track)
        advance_s = self.without_stretch(time_s, track)
        return advance_s if self.stretch is None else advance_s - self.stretch.lag(time_s + advance_s)

    def without_stretch(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """The same on a tape that was never stretched, while it runs."""
        t = np.asarray(time_s, dtype=np.float64)
        common = self.start_s + self.speed_error * t + 0.5 * self.drift_per_s * t**2 + self.flutter.at(t)
        advance_s = common + lever()[track] * (self.skew_s + self.skew.at(t))
        if self.scrape is not None:
            advance_s = advance_s + self.scrape.comb.at(t)
        return advance_s if self.start is None else advance_s - self.start.lag(t)

    def rate(self, time_s: np.ndarray, track: int) -> np.ndarray:
        """ds/dt of track `track` (0-based), in closed form."""
        if self.run_down is not None:
            return self.run_down.rate(time_s) * self.running.rate(self.run_down.turned(time_s), track)
        t = np.asarray(time_s, dtype=np.float64)
        rate = 1.0 + self.speed_error + self.drift_per_s * t + self.flutter.slope(t) + lever()[track] * self.skew.slope(t)
        if self.scrape is not None:
            rate = rate + self.scrape.comb.slope(t)
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
        if self.run_down is not None:
            return self.run_down.time_at(self.running.time_at(position_s, track))
        p = np.asarray(position_s, dtype=np.float64)
        t, more = self.first_guess(p)
        smooth = self.smooth
        for _ in range(3 + more):  # Newton: the error is squared every time, and begins below half a second
            t = t - (t + smooth.advance(t, track) - p) / smooth.rate(t, track)
        for _ in range(0 if self.scrape is None else 2):  # from within its wavelength, where it begins below a microsecond
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
        parts = joined(parts, Comb(belt_hz, transport.belt_percent / 100.0 / (2.0 * np.pi * belt_hz), phase))
    residue = _residue(transport.residue_percent / 100.0, transport.residue_corner_hz, generator)
    # Wander of record and play adds in power to the stated figure.
    wander_s = parameters.tracks.skew_wander_us * 1e-6 / np.sqrt(2.0)
    skew_s = parameters.tracks.skew_us * 1e-6 / np.sqrt(2.0) * generator.standard_normal()
    skew = _wander(wander_s, parameters.tracks.skew_corner_hz, generator)
    return Trajectory(
        start_s=start_s,
        speed_error=error,
        drift_per_s=transport.drift_percent_per_min / 100.0 / 60.0,
        flutter=joined(parts, residue),
        skew_s=float(skew_s),
        skew=skew,
        parts=parts.phase.size,
        start=Start(transport.start_percent / 100.0, transport.start_ms / 1000.0) if transport.start_percent > 0.0 else None,
        scrape=scrape(transport, np.random.default_rng((*identity, 3))),
        stop_s=transport.stop_ms / 1000.0,
    )


def _residue(rms: float, corner_hz: float, generator: np.random.Generator) -> Comb:
    """Random flutter: speed deviation of spectral density 1 / (1 + (f/fc)^2), of the given RMS."""
    f, width = random_lines(*RESIDUE_HZ, RESIDUE_LINES, generator)
    power = width / (1.0 + (f / corner_hz) ** 2)
    deviation = np.sqrt(2.0 * power / power.sum()) * rms
    return Comb(f, deviation / (2.0 * np.pi * f), 2.0 * np.pi * generator.random(f.size))


def _wander(rms_s: float, corner_hz: float, generator: np.random.Generator) -> Comb:
    """Slow random delay of spectral density 1 / (1 + (f/fc)^2)^2, of the given RMS."""
    f, width = random_lines(*SKEW_HZ, SKEW_LINES, generator)
    power = width / (1.0 + (f / corner_hz) ** 2) ** 2
    return Comb(f, np.sqrt(2.0 * power / power.sum()) * rms_s, 2.0 * np.pi * generator.random(f.size))
