"""The virtual deck behind an interface with four inputs, worked by itself."""

from collections.abc import Sequence

import numpy as np

from capture.device import Listen, Sink, Stop, StreamFacts, Verdict, never
from capture.verification import Verification, automatic
from capture.virtual.cassettes import BLOCK_SAMPLES, Cassettes, StimulusOf
from modeling.deck.parameters import TRACKS, DeckParameters
from signals.audio import AudioReader
from signals.cues import CueSheet

LATEST_START_S = 1.5
PASSES_WITHOUT_DBX = 1000  # more than anybody makes
PASSES_OF_A_RECORDING = 2 * PASSES_WITHOUT_DBX


class VirtualDevice:
    """A :class:`modeling.deck.deck.VirtualDeck` behind an interface with four inputs, worked by itself.

    The interface starts recording a play pass some time before the tape starts, another time for every pass. Every stimulus has
    its own cassette, unless they are recorded over one another.

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
    over : bool
        Each recording is made over the one before it.
    recorded : sequence of str
        Stimuli that were recorded by earlier runs of the program, in this order.

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
        stimulus_of: StimulusOf,
        first: str,
        seed: int,
        *,
        over: bool = False,
        recorded: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.parameters = parameters
        self.seed = seed
        self.cassettes = Cassettes(parameters, stimulus_of, seed, over, recorded)
        self._put_in(first)
        self.sample_rate = self._sent.audio.sample_rate
        self._recorded_with_dbx = self._played_with_dbx = False
        self._late_samples = 0
        self.facts = StreamFacts(0)

    @property
    def inputs(self) -> dict[int, int]:
        """Track behind each input channel: all four tracks come back."""
        return {channel: channel + 1 for channel in range(TRACKS)}

    def start_offset_samples(self, stimulus: str, number: int) -> int:
        """By how much the interface starts recording before the tape starts in a pass as the deck counts it."""
        draw = np.random.default_rng((self.cassettes.seed(stimulus), number, 1)).uniform(0.0, LATEST_START_S)
        return round(draw * self.sample_rate)

    def pass_of_deck(self, stimulus: str, number: int, dbx: bool) -> int:
        """Number by which the deck counts a play pass: another recording, or dbx in, and the same tape moves otherwise."""
        return number + (PASSES_WITHOUT_DBX if dbx else 0) + PASSES_OF_A_RECORDING * self.cassettes.under(stimulus)

    def set_dbx(self, *, recording: bool, on: bool) -> None:
        """Set the dbx switch for the recording, or for the play passes, that come next."""
        if recording:
            self._recorded_with_dbx = on
        else:
            self._played_with_dbx = on

    def set_level(self, sheet: CueSheet, listen: Listen) -> None:
        """Put the cassette in; the level is right by construction."""
        self._put_in(sheet.stimulus)

    def has_tape(self, stimulus: str) -> bool:
        """Put the cassette in, and say whether the last recording on it is that of the stimulus."""
        self._put_in(stimulus)
        return self._tape.holds(stimulus)

    def judge(self, take: str, verification: Verification) -> Verdict:
        """Accept whatever can be used."""
        return automatic(verification)

    def arm(self, tracks: Sequence[int]) -> None:
        """Start recording on the given tracks."""
        self._tape.record(self._sent.sheet.stimulus, tracks, self._recorded_with_dbx)
        self._late_samples = 0

    def rewind(self) -> None:
        """Go back to before the start of the recording."""
        self._tape.deck.rewind()

    def play(self, tracks: Sequence[int], number: int) -> None:
        """Start play pass `number`; all tracks are heard."""
        self._tape.catch_up()
        self._tape.deck.set_dbx(play=self._played_with_dbx)
        stimulus = self._sent.sheet.stimulus
        passed = self.pass_of_deck(stimulus, number, self._played_with_dbx)
        self._tape.deck.play(passed)
        self._late_samples = self.start_offset_samples(stimulus, passed)

    def stop(self) -> None:
        """Stop the tape."""
        self._tape.deck.stop()

    def close(self) -> None:
        """Throw the tapes away."""
        self.cassettes.close()

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
            sink(self._tape.deck.process(self._sent.on_tracks(sent.read(done, end))))
            done = end
        return self.facts

    def _put_in(self, stimulus: str) -> None:
        """Put the cassette of a stimulus in."""
        self._sent, self._tape = self.cassettes.sent(stimulus), self.cassettes.tape(stimulus)
