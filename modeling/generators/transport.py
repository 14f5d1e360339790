"""Wow and flutter: the measured motion of a deck, made anew.

The speed of a transport deviates by lines (capstan, pinch roller, reels turn at fixed rates) and a random residue. Both are
taken from a measured delay trajectory: lines with their amplitude, the residue as power in narrow bands. Lines are made again
as sinusoids of random phase, the residue as Gaussian noise of its spectrum. Below 0.3 Hz it is that of :mod:`wander`, down to what
the length of a pass tells. The mean speed and its slow drift are not made: a rendering keeps its length.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

import numpy as np
from scipy.signal import welch

from analysis.timebase import Timebase
from modeling.generators.lines import Lines, joined, take_out
from modeling.generators.shaped import WHITE, Shaped, Source, colour_at, evened, flattened, source_of, under
from modeling.generators.wander import HIGHEST_HZ, WANDER_HZ, Wander, at_grid, cubic, delay_density, lowest_hz

RATE_HZ = 1000.0
LOW_HZ = HIGHEST_HZ
HIGH_HZ = 200.0
BANDS = int(np.ceil(np.log2(HIGH_HZ / LOW_HZ) * 9))
"""Nine to the octave."""
GRID_HZ = 1000
MOST_SIGMA = 6.0
"""The residue of a delay is cut off here, in standard deviations, so that it has a bound."""
LEAST_S = 5.0
STEP_HZ = 0.1
"""Resolution of the spectrum that a net is given back."""
NET, WANDER = "diffusion", "wander"
NET_PLAN = (16, 5, 7, 5)
"""Channels, depth, steps, and one sample in five of the grid: the band below 100 Hz."""
_LINES, _RESIDUE, _WANDER = 1, 2, 3


@dataclass(frozen=True)
class TransportGenerator:
    """Parametric motion of a deck.

    Attributes
    ----------
    lines : Lines
        Speed deviation as a fraction (0.001 is 0.1 %).
    edges_hz : ndarray, shape (bands + 1,)
        Edges of the bands of the residue.
    variance : ndarray, shape (bands,)
        Variance of the speed deviation in each, if the source is white.
    source : Source
        Of what becomes the residue; Gaussian noise by default.
    wander : Wander
        The rest of what lies below these bands.
    """

    lines: Lines
    edges_hz: np.ndarray
    variance: np.ndarray
    source: Source = field(default=WHITE, compare=False)
    wander: Wander = field(default_factory=Wander.none)

    @classmethod
    def fit(cls, timebases: Sequence[Timebase]) -> Self | None:
        """Take the motion from measured trajectories; None when each is shorter than 5 s.

        The motions of recording and playing add, and a line of both in another phase at every pass. What many passes would tell is
        the mean of their power.

        Parameters
        ----------
        timebases : sequence of Timebase
            Of one play pass or several.
        """
        longest = [timebase for timebase in timebases if _seconds(timebase) >= LEAST_S]
        if not longest:
            return None
        edges = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (np.arange(BANDS + 1) / BANDS)
        lines, rests = zip(*(_parted(_speed(timebase)) for timebase in longest), strict=True)
        variance = np.mean([_variances(rest, edges) for rest in rests], axis=0)
        return cls(joined(lines), edges, variance, wander=Wander.fit(rests, RATE_HZ))

    @classmethod
    def diffused(
        cls, timebases: Sequence[Timebase], seed: int = 0, progress: Callable[[float], None] = lambda _: None
    ) -> Self | None:
        """As :meth:`fit`, with a residue that a net has learnt and that has the lines in it.

        The net makes what lies below 100 Hz, where nearly all of it lies; what is above follows it. What lies below the bands of a
        residue is made as ever. None as well where a net has too little to learn from.
        """
        from modeling.generators.diffusion import WINDOW, Plan, fit

        speeds = [_speed(timebase) for timebase in timebases if _seconds(timebase) >= LEAST_S]
        if not speeds:
            return None
        size = round(RATE_HZ / STEP_HZ)
        density = np.mean([welch(s, RATE_HZ, nperseg=min(s.size, size), nfft=size)[1] for s in speeds], axis=0)
        frequency = np.arange(density.size) * STEP_HZ
        density[(frequency < LOW_HZ) | (frequency > HIGH_HZ)] = 0.0
        plan = Plan(*NET_PLAN)
        flat = [flattened(speed, density, RATE_HZ, plan.every) for speed in speeds]
        if max(signal.size for signal in flat) <= WINDOW:
            return None
        net = fit(flat, plan, seed, progress=progress)
        edges = np.append(frequency - STEP_HZ / 2.0, frequency[-1] + STEP_HZ / 2.0)
        lines, rests = zip(*map(_parted, speeds), strict=True)
        slow = joined([part.between(0.0, LOW_HZ) for part in lines])
        return cls(slow, edges, evened(density, net) * STEP_HZ, net, Wander.fit(rests, RATE_HZ))

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Parameters by name."""
        return {
            "line_frequency_hz": self.lines.frequency_hz,
            "line_amplitude": self.lines.amplitude,
            "edges_hz": self.edges_hz,
            "variance": self.variance,
            **{f"{NET}.{name}": array for name, array in self.source.to_arrays().items()},
            **{f"{WANDER}.{name}": array for name, array in self.wander.to_arrays().items()},
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Inverse of :meth:`to_arrays`."""
        lines = Lines(arrays["line_frequency_hz"], arrays["line_amplitude"])
        slow = Wander.from_arrays(under(arrays, WANDER))
        return cls(lines, arrays["edges_hz"], arrays["variance"], source_of(under(arrays, NET)), slow)

    @property
    def rms_percent(self) -> float:
        """Speed deviation, unweighted RMS in %."""
        noise = np.sum(self._made) + np.sum(self.wander.variance)
        return float(100.0 * np.sqrt(np.sum(self.lines.amplitude**2) / 2.0 + noise))

    def motion(self, seed: int) -> "Motion":
        """Draw a motion."""
        f = self.lines.frequency_hz
        phase = np.random.default_rng([seed, _LINES]).uniform(0.0, 2.0 * np.pi, f.size)
        delays = Lines(f, self.lines.amplitude / (2.0 * np.pi * f))
        return Motion(delays, phase, self._residue, self._slow, seed)

    @cached_property
    def _made(self) -> np.ndarray:
        """Variance in each band of what the source is made into."""
        centre = (self.edges_hz[1:] + self.edges_hz[:-1]) / 2.0
        return self.variance * colour_at(self.source, centre / GRID_HZ)

    @cached_property
    def _residue(self) -> Shaped:
        """Noise of the delay on the grid: speed is its derivative."""
        return Shaped.of_density(delay_density(self.edges_hz, self.variance, GRID_HZ), GRID_HZ, self.source)

    @cached_property
    def _slow(self) -> Shaped | None:
        return self.wander.beside(self.edges_hz, self._made, self._residue, GRID_HZ)


@dataclass(frozen=True)
class Motion:
    """One motion: a delay around zero, known at every moment of output time.

    Attributes
    ----------
    lines : Lines
        Of the delay, in s.
    phase : ndarray, shape (lines,)
    residue : Shaped
        Of the delay, in s, on a grid of 1 ms.
    slow : Shaped or None
        What is added to it, on a grid of 20 ms.
    seed : int
        What both are drawn from.
    """

    lines: Lines
    phase: np.ndarray
    residue: Shaped
    slow: Shaped | None
    seed: int

    @property
    def bound_s(self) -> float:
        """The delay is never larger than this."""
        return float(np.sum(self.lines.amplitude)) + self._cut_s

    @property
    def _cut_s(self) -> float:
        slow = 0.0 if self.slow is None else self.slow.variance
        return MOST_SIGMA * float(np.sqrt(self.residue.variance + slow))

    def on_grid(self, first: int, stop: int, step: int = 1) -> np.ndarray:
        """Delay in seconds at every `step`-th point of the grid."""
        index = np.arange(first, stop, step)
        values = self.residue.read(first, stop, (self.seed, _RESIDUE))[::step]
        if self.slow is not None:
            values = values + at_grid(self.slow, index, GRID_HZ // WANDER_HZ, (self.seed, _WANDER))
        values = np.clip(values, -self._cut_s, self._cut_s)
        time = index / GRID_HZ
        for f, amplitude, phase in zip(self.lines.frequency_hz, self.lines.amplitude, self.phase, strict=True):
            values += amplitude * np.cos(2.0 * np.pi * np.mod(f * time, 1.0) + phase)
        return values

    def delay(self, start: int, stop: int, sample_rate: int) -> np.ndarray:
        """Delay in seconds at samples `start` to `stop` of the output."""
        # On a grid of absolute time, then through the cubic of the four points around: exact to 0.4 % of a 100 Hz component,
        # which is small itself, and the same whatever the block.
        position = np.arange(start, stop) * (GRID_HZ / sample_rate)
        first = int(np.floor(position[0])) - 1
        values = self.on_grid(first, int(np.floor(position[-1])) + 3)
        return cubic(values, np.floor(position).astype(int) - first, position - np.floor(position))


def deviation(delay_s: np.ndarray, rate_hz: float) -> np.ndarray:
    """Speed deviation of a delay on a uniform grid, without its mean and slow drift."""
    speed = -np.gradient(delay_s, 1.0 / rate_hz)
    time = np.arange(speed.size) / rate_hz
    return speed - np.polyval(np.polyfit(time, speed, 2), time)


def _seconds(timebase: Timebase) -> float:
    return timebase.step_s * (timebase.delay_s.size - 1)


def _speed(timebase: Timebase) -> np.ndarray:
    time = timebase.start_s + np.arange(0.0, _seconds(timebase), 1.0 / RATE_HZ)
    return deviation(timebase.delay(time), RATE_HZ)


def _parted(speed: np.ndarray) -> tuple[Lines, np.ndarray]:
    """Lines of one pass, and the rest."""
    return take_out(speed, RATE_HZ, min(lowest_hz(speed.size / RATE_HZ), LOW_HZ), HIGH_HZ)


def _variances(rest: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Variance of the rest of one pass between the edges."""
    frequency, density = welch(rest, RATE_HZ, nperseg=min(rest.size, round(16.0 * RATE_HZ)), detrend="linear")
    # The integral of the density between the edges, however few bins lie there.
    total = np.concatenate([[0.0], np.cumsum(density)]) * (frequency[1] - frequency[0])
    bounds = np.concatenate([frequency, [frequency[-1] + frequency[1]]]) - frequency[1] / 2.0
    return np.maximum(np.diff(np.interp(edges, bounds, total)), 0.0)
