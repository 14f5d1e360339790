"""The cassettes that a session on the virtual deck is recorded on, and what is recorded on each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from capture.passes import RECORD_TAIL_S
from capture.seeds import seed_from
from modeling.deck.compander import Positions
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import TRACKS, DeckParameters
from signals.audio import AudioReader
from signals.companded import ENCODED
from signals.cues import CueSheet
from signals.stimulus import MAIN

BLOCK_SAMPLES = 1 << 15
StimulusOf = Callable[[str], tuple[CueSheet, AudioReader]]


@dataclass(frozen=True)
class Sent:
    """A stimulus on its way to the deck."""

    sheet: CueSheet
    audio: AudioReader

    @property
    def tracks(self) -> tuple[int, ...]:
        """Track that each channel of the stimulus goes to."""
        return tuple(channel.track for channel in self.sheet.channels)

    def on_tracks(self, block: np.ndarray) -> np.ndarray:
        """A block of the stimulus' channels where the deck has them, shape ``(samples, 4)``."""
        out = np.zeros((block.shape[0], TRACKS))
        out[:, [track - 1 for track in self.tracks]] = block
        return out


class Tape:
    """A cassette in a deck of its own.

    What an earlier run of the program recorded on it is recorded again when it is needed: the same seed makes it the same.

    Parameters
    ----------
    deck : VirtualDeck
        A deck with a blank cassette in it.
    stimulus_of : callable
        Cue sheet and sound of a stimulus by its name.
    recorded : sequence of str
        Stimuli that were recorded on it, each over the one before it.
    """

    def __init__(self, deck: VirtualDeck, stimulus_of: StimulusOf, recorded: Sequence[str]) -> None:
        self.deck = deck
        self._stimulus_of = stimulus_of
        self._recorded = list(recorded)

    def holds(self, stimulus: str) -> bool:
        """Whether a stimulus was recorded, and nothing over it."""
        return self._recorded[-1:] == [stimulus]

    def number(self, stimulus: str) -> int:
        """Which recording on this cassette a stimulus is, from 1: the last one made of it, or else the next."""
        made = [number for number, name in enumerate(self._recorded, 1) if name == stimulus]
        return made[-1] if made else len(self._recorded) + 1

    def record(self, stimulus: str, tracks: Sequence[int], dbx: bool) -> None:
        """Start recording a stimulus."""
        self.catch_up()
        self.deck.set_dbx(record=dbx)
        self.deck.arm(tracks)
        self._recorded.append(stimulus)

    def catch_up(self) -> None:
        """Have everything on the tape that was recorded on it."""
        for stimulus in self._recorded[self.deck.recordings :]:
            sent = Sent(*self._stimulus_of(stimulus))
            self.deck.set_dbx(record=stimulus == ENCODED)
            self.deck.arm(sent.tracks)
            total = sent.audio.samples + round(RECORD_TAIL_S * sent.sheet.sample_rate)
            for start in range(0, total, BLOCK_SAMPLES):
                self.deck.process(sent.on_tracks(sent.audio.read(start, min(start + BLOCK_SAMPLES, total))))
            self.deck.stop()
            self.deck.rewind()


class Cassettes:
    """The cassettes of a session: one for each stimulus, or one for all.

    Parameters
    ----------
    parameters, seed
        Those of the decks.
    stimulus_of : callable
        Cue sheet and sound of a stimulus by its name.
    over : bool
        There is one cassette, and each recording is made over the one before it.
    recorded : sequence of str
        Stimuli that were recorded by earlier runs of the program, in this order.
    """

    def __init__(
        self, parameters: DeckParameters, stimulus_of: StimulusOf, seed: int, over: bool, recorded: Sequence[str]
    ) -> None:
        self._parameters = parameters
        self._stimulus_of = stimulus_of
        self._seed = seed
        self._over = over
        self._recorded = recorded
        self._tapes: dict[str, Tape] = {}

    def sent(self, stimulus: str) -> Sent:
        """A stimulus."""
        return Sent(*self._stimulus_of(stimulus))

    def tape(self, stimulus: str) -> Tape:
        """The cassette of a stimulus, blank at first."""
        cassette = MAIN if self._over else stimulus
        if cassette not in self._tapes:
            sheet, audio = self._stimulus_of(stimulus)
            # In the position SYNC a pilot on track 4 stays out of the dbx.
            sync = [c.role for c in sheet.channels if c.track == TRACKS] == ["pilot"]
            dbx = Positions(sync=sync)
            deck = VirtualDeck(self._parameters, audio.sample_rate, sheet.reference_dbfs, self.seed(stimulus), dbx)
            own = self._recorded if self._over else [stimulus] * (stimulus in self._recorded)
            self._tapes[cassette] = Tape(deck, self._stimulus_of, own)
        return self._tapes[cassette]

    def seed(self, stimulus: str) -> int:
        """Seed of the cassette of a stimulus, and of the passes over it."""
        return self._seed if self._over or stimulus == MAIN else seed_from(f"{self._seed} {stimulus}")

    def under(self, stimulus: str) -> int:
        """How many other recordings that of a stimulus was made over."""
        return self.tape(stimulus).number(stimulus) - 1 if self._over else 0

    def close(self) -> None:
        """Throw them away."""
        for tape in self._tapes.values():
            tape.deck.close()
