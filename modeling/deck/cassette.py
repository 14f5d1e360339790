"""The tape itself: recorded flux of every track, kept in temporary files so that length does not cost memory."""

import tempfile

import numpy as np
from scipy.signal import fftconvolve

from modeling.deck.convolution import BlockPlan
from modeling.deck.defects import play_gain
from modeling.deck.erasure import REACH, leave, left_over_filter
from modeling.deck.noise import TapeHiss
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.print_through import REACH as PRINT_REACH
from modeling.deck.print_through import print_filter, turn_samples
from modeling.deck.unevenness import Unevenness
from signals.errors import ModelError


class Cassette:
    """Four tracks of tape, blank at first: flux in units of saturation, on a uniform grid of tape position.

    Positions are in samples at nominal speed, 0 where the first recording begins. Blank tape hisses too, and reaches
    without end in both directions.
    """

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, seed: int) -> None:
        self._parameters = parameters
        self._plan = plan
        self._seed = seed
        faults = parameters.faults
        self._defective = faults.dropouts_per_minute > 0.0 or faults.stretch_db > 0.0
        self._left_over = left_over_filter(parameters, plan.sample_rate)
        self._overwritten = [np.zeros(REACH)] * TRACKS
        self._print = print_filter(parameters, plan.sample_rate)
        self._turn = turn_samples(parameters, plan.sample_rate)
        self._recordings = [0] * TRACKS
        # Unbuffered, so that a full disk shows when writing and not when closing.
        self._files = [tempfile.TemporaryFile(prefix="tape-track-", buffering=0) for _ in range(TRACKS)]  # noqa: SIM115
        self._hiss = [self._new_hiss(track) for track in range(TRACKS)]
        self._unevenness = [Unevenness(parameters, plan, (seed, track)) for track in range(TRACKS)]

    def begin(self, track: int) -> None:
        """Lay down new hiss, as a recording does, from position 0 on."""
        self._recordings[track] += 1
        self._hiss[track] = self._new_hiss(track)
        self._overwritten[track] = np.zeros(REACH)

    def write(self, track: int, start: int, flux: np.ndarray) -> None:
        """Record `flux` from position `start` on, over what the erase head leaves of what is there.

        Raises
        ------
        ModelError
            The temporary folder is full.
        """
        try:
            if self._left_over is not None and self._recordings[track] > 1:
                flux = flux + self._left_of(track, start, flux.size, self._left_over)
            self._files[track].seek(4 * start)
            rest = memoryview(flux.astype(np.float32).tobytes())
            while rest:
                rest = rest[self._files[track].write(rest) :]
        except OSError as error:
            folder = tempfile.gettempdir()
            raise ModelError(f"the virtual tape does not fit into {folder}: {error}; free space or set TMPDIR") from error

    def read(self, track: int, start: int, stop: int) -> np.ndarray:
        """Flux from `start` to `stop`: recording and echoes on the uneven coating, hiss, and the defects of the tape; float64."""
        out = self._hiss[track].read(start, stop)
        found = self._span(track, start, stop)
        if self._print is not None:
            found = found + self._echo(track, start, stop, self._print)
        if np.any(found):
            out += found * (1.0 + self._unevenness[track].read(start, stop))
        if self._defective:
            out *= play_gain(self._parameters, self._seed, track, start, stop, self._plan.sample_rate)
        return out

    def _left_of(self, track: int, start: int, samples: int, taps: np.ndarray) -> np.ndarray:
        """What erasure leaves of the earlier recording where the next flux goes; keeps the end of it for the flux after that."""
        ahead = self._recorded(track, start, samples + REACH)
        earlier = np.concatenate([self._overwritten[track], ahead, np.zeros(samples + REACH - ahead.size)])
        self._overwritten[track] = earlier[samples : samples + REACH]
        return leave(earlier, taps)

    def _echo(self, track: int, start: int, stop: int, taps: np.ndarray) -> np.ndarray:
        """What the layers a turn before and after have printed."""
        layers = [
            self._span(track, start + side - PRINT_REACH, stop + side + PRINT_REACH) for side in (-self._turn, self._turn)
        ]
        return np.asarray(fftconvolve(layers[0] + layers[1], taps, mode="valid"))

    def _span(self, track: int, start: int, stop: int) -> np.ndarray:
        """Recorded flux from `start` to `stop`, zero where there is none."""
        span = np.zeros(stop - start, np.float32)
        low = max(start, 0)
        if low < stop:
            found = self._recorded(track, low, stop - low)
            span[low - start : low - start + found.size] = found
        return span

    def _recorded(self, track: int, start: int, samples: int) -> np.ndarray:
        """Recorded flux from `start` on, as far as there is any."""
        self._files[track].seek(4 * start)
        return np.frombuffer(self._files[track].read(4 * samples), dtype=np.float32)

    def close(self) -> None:
        """Throw the tape away."""
        for file in self._files:
            file.close()

    def _new_hiss(self, track: int) -> TapeHiss:
        return TapeHiss(self._parameters, self._plan, (self._seed, track, self._recordings[track]))
