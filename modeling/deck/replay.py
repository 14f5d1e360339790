"""The play pass: from flux on the tape to the replay amplifier."""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from modeling.deck.cassette import Cassette
from modeling.deck.convolution import BlockPlan, History, SampleQueue
from modeling.deck.moving_tape import TapeReader
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.tracks import replay_matrix
from modeling.deck.transport import Trajectory


class Player:
    """A play pass: hands out the replay amplifier's output at any block size, all tracks, without delay of its own.

    Parameters
    ----------
    tracks : sequence of int
        Tracks that are heard, 0-based; of the others not even crosstalk is.
    """

    def __init__(
        self,
        parameters: DeckParameters,
        plan: BlockPlan,
        cassette: Cassette,
        trajectory: Trajectory,
        tracks: Sequence[int] = range(TRACKS),
    ) -> None:
        before = plan.taps // 4
        self._plan = plan
        self._stop_s = trajectory.stop_s
        self._before = before
        self._read = self._heard = 0
        self._tape = TapeReader(cassette, trajectory, plan.sample_rate, tracks)
        self._filter = plan.filter(lambda f: replay_matrix(f, parameters), before)  # (out, in, bins)
        self._history = History(TRACKS, plan.size, plan.block)
        self._ready = SampleQueue(TRACKS)
        # The filter looks ahead along the tape by `before` samples: run it that far in before the first sample is due.
        self._ready.push(self._next_block())
        self._ready.pop(before)

    def read(self, samples: int) -> np.ndarray:
        """The next samples, shape ``(tracks, samples)``."""
        while len(self._ready) < samples:
            self._ready.push(self._next_block())
        self._heard += samples
        return self._ready.pop(samples)

    def stop(self) -> int:
        """Let the tape run down from the next sample on; how many samples it takes until the last of it has been heard.

        What was read ahead of that is read again. It follows from the samples handed out, however they were asked for.
        """
        if self._stop_s == 0.0:
            return 0
        plan = self._plan
        self._tape.stop(self._heard / plan.sample_rate)
        first = max(0, self._read - plan.size)
        tape = np.pad(self._tape.read(first, self._read), ((0, 0), (plan.size - self._read + first, 0)))
        again = self._filtered(self._history.restart(tape))
        due = self._heard + self._before - (self._read - plan.block)
        self._ready = SampleQueue(TRACKS)
        self._ready.push(again[:, due:])
        return int(np.ceil(self._stop_s * plan.sample_rate)) + plan.taps

    def _next_block(self) -> np.ndarray:
        tape = self._tape.read(self._read, self._read + self._plan.block)
        self._read += self._plan.block
        return self._filtered(self._history.spectrum(tape))

    def _filtered(self, spectrum: np.ndarray) -> np.ndarray:
        filtered = np.einsum("oib,ib->ob", self._filter, spectrum)
        return fft.irfft(filtered, self._plan.size)[:, -self._plan.block :]
