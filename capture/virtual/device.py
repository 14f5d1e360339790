"""The virtual deck behind an interface with four inputs, worked by itself."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.passes import RECORD_TAIL_S
from capture.verification import Verification, automatic
from modeling.deck.compander import Positions
from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import TRACKS, DeckParameters
from signals.audio import AudioReader
from signals.companded import ENCODED
from signals.cues import CueSheet
from signals.stimulus import MAIN

BLOCK_SAMPLES = 1 << 15
LATEST_START_S = 1.5
PASSES_WITHOUT_DBX = 1000  # more than anybody makes


@dataclass(frozen=True)
class Tape:
    """A cassette in a deck of its own, and what is recorded on it."""

    sheet: CueSheet
    audio: AudioReader
    deck: VirtualDeck

    @property
    def tracks(self) -> tuple[int, ...]:
        """Track that each channel of the stimulus goes to."""
        return tuple(channel.track for channel in self.sheet.channels)


class VirtualDevice:
    """A :class:`modeling.deck.deck.VirtualDeck` behind an interface with four inputs, worked by itself.

    The interface starts recording a play pass some time before the tape starts, another time for every pass. Every stimulus has
    its own cassette. One that is asked for and not there, since an earlier run of the program recorded it, is recorded again:
    the same seed makes it the same.

    Parameters
    ----------
    name : str
        Name as the session keeps it.
    parameters : DeckParameters
        The deck.
    stimulus_of : callable
        Cue sheet and sound of a stimulus by its name.
    first : str
        The stimulus that is recorded first.
    seed : int
        Everything random follows from it.

    Raises
    ------
    ModelError
        The deck does not run at the rate or level of the stimulus.
    """

    input_channels = TRACKS

    def __init__(
        self,
        name: str,
        parameters: DeckParameters,
        stimulus_of: Callable[[str], tuple[CueSheet, AudioReader]],
        first: str,
        seed: int,
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.seed = seed
        self._stimulus_of = stimulus_of
        self._tapes: dict[str, Tape] = {}
        self._tape = self.tape(first)
        self.sample_rate = self._tape.audio.sample_rate
        self._recorded_with_dbx = self._played_with_dbx = False
        self._late_samples = 0
        self.facts = StreamFacts(0)

    @property
    def inputs(self) -> dict[int, int]:
        """Track behind each input channel: all four tracks come back."""
        return {channel: channel + 1 for channel in range(TRACKS)}

    def seed_of(self, stimulus: str) -> int:
        """Seed of the cassette of a stimulus, and of the passes over it."""
        return self.seed if stimulus == MAIN else number_of(f"{self.seed} {stimulus}")

    def tape(self, stimulus: str) -> Tape:
        """The cassette of a stimulus, blank at first."""
        if stimulus not in self._tapes:
            sheet, audio = self._stimulus_of(stimulus)
            seed = self.seed_of(stimulus)
            # In the position SYNC a pilot on track 4 stays out of the dbx.
            sync = [c.role for c in sheet.channels if c.track == TRACKS] == ["pilot"]
            deck = VirtualDeck(
                self.parameters, audio.sample_rate, sheet.reference_dbfs, seed, Positions(stimulus == ENCODED, sync=sync)
            )
            self._tapes[stimulus] = Tape(sheet, audio, deck)
        return self._tapes[stimulus]

    def start_offset_samples(self, stimulus: str, number: int) -> int:
        """By how much the interface starts recording before the tape starts in a pass as the deck counts it."""
        draw = np.random.default_rng((self.seed_of(stimulus), number, 1)).uniform(0.0, LATEST_START_S)
        return round(draw * self.sample_rate)

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Set the dbx switch for the recording, or for the play passes, that come next."""
        if recording:
            self._recorded_with_dbx = on
        else:
            self._played_with_dbx = on

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Put the cassette in; the level is right by construction."""
        self._tape = self.tape(sheet.stimulus)

    def has_tape(self, stimulus: str) -> bool:
        """Put the cassette in and say yes: a recording that is not there is made again, and is the same."""
        self._tape = self.tape(stimulus)
        return True

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)

    def arm(self, tracks: Sequence[int]) -> None:
        """Start recording on the given tracks."""
        self._tape.deck.set_dbx(record=self._recorded_with_dbx)
        self._tape.deck.arm(tracks)
        self._late_samples = 0

    def rewind(self) -> None:
        """Go back to before the start of the recording."""
        self._tape.deck.rewind()

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Start play pass `number`; all tracks are heard."""
        tape = self._tape
        if tape.deck.recordings == 0:
            tape.deck.arm(tracks)
            total = tape.audio.samples + round(RECORD_TAIL_S * self.sample_rate)
            for start in range(0, total, BLOCK_SAMPLES):
                tape.deck.process(self._on_tracks(tape.audio.read(start, min(start + BLOCK_SAMPLES, total))))
            tape.deck.rewind()
        tape.deck.set_dbx(play=self._played_with_dbx)
        passed = pass_of_deck(number, self._played_with_dbx)
        tape.deck.play(passed)
        self._late_samples = self.start_offset_samples(tape.sheet.stimulus, passed)

    def stop(self) -> None:
        """Stop the tape."""
        self._tape.deck.stop()

    def close(self) -> None:
        """Throw the tapes away."""
        for tape in self._tapes.values():
            tape.deck.close()

    def run(self, sent: AudioReader, sink: Sink, tail_s: float, stop: Stop = never) -> StreamFacts:
        """Play `sent` and hand over what the four tracks return, for `tail_s` longer or until `stop` says yes."""
        total = sent.samples + round(tail_s * self.sample_rate)
        late = min(self._late_samples, total)
        self.facts = StreamFacts(late)
        if late:
            sink(np.zeros((late, TRACKS)))
        done = 0
        while done < total - late and not stop():
            end = min(done + BLOCK_SAMPLES, total - late)
            self.facts = StreamFacts(late + end)
            sink(self._tape.deck.process(self._on_tracks(sent.read(done, end))))
            done = end
        return self.facts

    def _on_tracks(self, block: np.ndarray) -> np.ndarray:
        out = np.zeros((block.shape[0], TRACKS))
        out[:, [track - 1 for track in self._tape.tracks]] = block
        return out


def pass_of_deck(number: int, dbx: bool) -> int:
    """Number by which the deck counts a play pass: with dbx in, the same tape moves otherwise than without."""
    return number + (PASSES_WITHOUT_DBX if dbx else 0)


def number_of(text: str) -> int:
    """A seed made from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
