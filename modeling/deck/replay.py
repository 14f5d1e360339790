"""The play pass: from flux on the tape to the replay amplifier."""

import numpy as np
from scipy import fft

from modeling.deck.cassette import Cassette
from modeling.deck.convolution import BlockPlan, History, SampleQueue
from modeling.deck.moving_tape import TapeReader
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.tracks import replay_matrix
from modeling.deck.transport import Trajectory


class Player:
    """A play pass: hands out the replay amplifier's output at any block size, all tracks, without delay of its own."""

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, cassette: Cassette, trajectory: Trajectory) -> None:
        before = plan.taps // 4
        self._plan = plan
        self._tape = TapeReader(cassette, trajectory, plan.sample_rate)
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
        return self._ready.pop(samples)

    def _next_block(self) -> np.ndarray:
        spectrum = self._history.spectrum(self._tape.read(self._plan.block))
        filtered = np.einsum("oib,ib->ob", self._filter, spectrum)
        return fft.irfft(filtered, self._plan.size)[:, -self._plan.block :]
