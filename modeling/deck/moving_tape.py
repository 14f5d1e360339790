"""Tape moving past the head: where the time base of a pass is put into the signal, and nowhere else.

Recording, the flux u(t) at the gap lands at tape position s_r(t): on the uniform grid of the tape, m[k] = u(s_r^-1(k / fs)).
Playing, the gap sees y(t) = m(s_p(t)). Both read between samples with a windowed sinc.
"""

from collections.abc import Sequence

import numpy as np

from analysis.dewarp import HALF_TAPS, interpolate
from modeling.deck.cassette import Cassette
from modeling.deck.grid import GridTrajectory
from modeling.deck.parameters import TRACKS
from modeling.deck.transport import Trajectory


class TapeWriter:
    """Writes flux, given in blocks over time, on the tape over position.

    Parameters
    ----------
    tracks : sequence of int
        Tracks to write, 0-based; they get new hiss.
    """

    def __init__(self, cassette: Cassette, trajectory: Trajectory, tracks: Sequence[int], sample_rate: int) -> None:
        self._cassette = cassette
        self._trajectory = trajectory
        self._motion = GridTrajectory(trajectory)
        self._tracks = tuple(tracks)
        self._rate = sample_rate
        self._flux = np.zeros((len(self._tracks), HALF_TAPS))  # what the interpolator still needs
        self._start = -HALF_TAPS  # time of its first sample, in samples
        self._written = [0] * len(self._tracks)
        for track in self._tracks:
            cassette.begin(track)

    def stop(self, time_s: float) -> None:
        """Let the tape run down from a time that nothing has been written for yet."""
        self._motion = GridTrajectory(self._trajectory.stopped(time_s))

    def write(self, flux: np.ndarray, stop_samples: int) -> None:
        """Take the next flux ``(tracks, samples)`` and write all that can be, none of it later than `stop_samples`."""
        self._flux = np.concatenate([self._flux, flux], axis=1)
        known = self._start + self._flux.shape[1]
        end_s = np.array([min(known - HALF_TAPS, stop_samples) / self._rate])
        needed = known
        for channel, track in enumerate(self._tracks):
            start = self._written[channel]
            stop = int(np.floor((end_s + self._motion.advance(end_s, track))[0] * self._rate))
            if stop > start:
                time = self._motion.time_at(np.arange(start, stop) / self._rate, track) * self._rate
                self._cassette.write(track, start, interpolate(self._flux[channel], time - self._start))
                self._written[channel] = stop
                needed = min(needed, int(time[-1]) - HALF_TAPS - 1)
        if needed < known:
            self._flux = self._flux[:, needed - self._start :]
            self._start = needed


class TapeReader:
    """Reads the flux that passes the gaps.

    Parameters
    ----------
    tracks : sequence of int
        Tracks to read, 0-based.
    """

    def __init__(
        self, cassette: Cassette, trajectory: Trajectory, sample_rate: int, tracks: Sequence[int] = range(TRACKS)
    ) -> None:
        self._cassette = cassette
        self._trajectory = trajectory
        self._motion = GridTrajectory(trajectory)
        self._tracks = tuple(tracks)
        self._rate = sample_rate

    def stop(self, time_s: float) -> None:
        """Let the tape run down from a time on."""
        self._motion = GridTrajectory(self._trajectory.stopped(time_s))

    def read(self, start: int, stop: int) -> np.ndarray:
        """What passes from sample `start` to `stop` of the pass, shape ``(4, samples)``, 0 where no track is read."""
        time_s = np.arange(start, stop) / self._rate
        flux = np.zeros((TRACKS, stop - start))
        for track in self._tracks:
            position = (time_s + self._motion.advance(time_s, track)) * self._rate
            first = int(np.floor(position[0])) - HALF_TAPS
            tape = self._cassette.read(track, first, int(np.floor(position[-1])) + HALF_TAPS + 2)
            flux[track] = interpolate(tape, position - first)
        return flux
