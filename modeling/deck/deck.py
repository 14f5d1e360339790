"""The machine: four tracks, one head, worked like a two-head cassette deck."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from modeling.deck.cassette import Cassette
from modeling.deck.compander import Positions, decoder, encoder
from modeling.deck.convolution import BlockPlan
from modeling.deck.electronics import Amplifier
from modeling.deck.noise import ElectronicsNoise
from modeling.deck.parameters import TRACKS, DeckParameters
from modeling.deck.record import Recorder
from modeling.deck.replay import Player
from modeling.deck.routing import Faders, Function, routed, routing
from modeling.deck.transport import play_trajectory, record_trajectory
from signals.errors import ModelError

SAMPLE_RATES = (48000, 88200, 96000, 192000)
_RECORD, _PLAY = 0, 1


class VirtualDeck:
    """A cassette deck with a blank cassette in it.

    A sine at `reference_dbfs` is 0 VU. Recording and every play pass begin where the tape was rewound to; the tape runs
    while :meth:`process` is called, one sample of it for each sample of the block.

    Parameters
    ----------
    parameters : DeckParameters
    sample_rate : int
        One of 48000, 88200, 96000, 192000 Hz.
    reference_dbfs : float
        Level of a sine at 0 VU.
    seed : int
        Everything random follows from it; the same seed gives the same samples, whatever the block size.
    dbx : Positions
        How the dbx switches stand; see :meth:`set_dbx`.

    Raises
    ------
    ModelError
        Any of them is out of range.
    """

    tracks = TRACKS

    def __init__(
        self,
        parameters: DeckParameters,
        sample_rate: int,
        reference_dbfs: float,
        seed: int,
        dbx: Positions = Positions(),  # noqa: B008 - frozen
    ) -> None:
        if sample_rate not in SAMPLE_RATES:
            rates = ", ".join(str(r) for r in SAMPLE_RATES)
            raise ModelError(f"the virtual deck does not run at {sample_rate} Hz; use one of {rates}")
        if not -60.0 <= reference_dbfs <= 0.0:
            raise ModelError(f"reference level {reference_dbfs} dBFS is outside -60 to 0; choose one inside, -18 is usual")
        if seed < 0:
            raise ModelError(f"seed {seed} is negative; use 0 or more")
        self.parameters = parameters
        self.sample_rate = sample_rate
        self.seed = seed
        self.recordings = 0
        self.dbx = dbx
        self._plan = BlockPlan.at(sample_rate)
        self._cassette = Cassette(parameters, self._plan, seed)
        self._peak = 10.0 ** (reference_dbfs / 20.0)
        self._recorder: Recorder | None = None
        self._player: Player | None = None
        self._armed: tuple[int, ...] = ()
        self._rest: int | None = None  # samples until a tape that runs down has come to rest

    def arm(
        self,
        tracks: Sequence[int] | Mapping[int, Function],
        faders: Faders = Faders(),  # noqa: B008 - frozen
        *,
        overdub: bool = False,
    ) -> None:
        """Start recording on `tracks` (1 to 4); the others are SAFE and keep what is on them.

        Parameters
        ----------
        tracks : sequence of int, or mapping of int to Function
            Tracks that record the channel of their number (DIRECT), or the record function of each.
        faders : Faders
            How the mixer stands.
        overdub : bool
            Whether SAFE tracks are heard while the others record.

        Raises
        ------
        ModelError
            No such track, or none to record on.
        """
        functions = tracks if isinstance(tracks, Mapping) else dict.fromkeys(tracks, Function.DIRECT)
        armed = tuple(sorted(track - 1 for track, function in functions.items() if function is not Function.SAFE))
        wrong = [t for t in functions if not 1 <= t <= TRACKS]
        if wrong or not armed:
            raise ModelError(f"cannot record on track {wrong[0] if wrong else 'none'}; the deck has tracks 1 to {TRACKS}")
        self._halt()
        self.recordings += 1
        self._armed = armed
        self._routing = routing(functions, faders, self.parameters.mixer.pan_centre_db)[list(armed)]
        trajectory = record_trajectory(self.parameters, self.seed, self.recordings)
        self._recorder = Recorder(self.parameters, self._plan, self._cassette, trajectory, self._armed)
        self._encoder = encoder(self.parameters.compander, self.dbx, self._armed, self.sample_rate)
        safe = tuple(track for track in range(TRACKS) if track not in armed)
        if overdub and safe:
            self._player = Player(self.parameters, self._plan, self._cassette, trajectory, safe)
            self._decoder = decoder(self.parameters.compander, self.dbx, self.sample_rate)
        self._start_electronics((self.seed, _RECORD, self.recordings))

    def set_dbx(self, *, record: bool | None = None, play: bool | None = None, sync: bool | None = None) -> None:
        """Set the dbx switches for the passes that come next; None leaves one as it stands.

        Recording and playing are set apart, as an owner does who turns the switch in between. With `sync`, track 4 stays out.
        """
        asked = {"record": record, "play": play, "sync": sync}
        self.dbx = replace(self.dbx, **{name: on for name, on in asked.items() if on is not None})

    def rewind(self) -> None:
        """Stop and go back to before the start of the recording."""
        self._halt()

    def play(self, number: int) -> None:
        """Start play pass `number` (from 1); its motion follows from seed and number.

        Raises
        ------
        ModelError
            `number` is less than 1.
        """
        if number < 1:
            raise ModelError(f"play pass {number} does not exist; passes count from 1")
        self._start_play(number, rewound=True)

    def stop(self) -> None:
        """Stop the tape: from the next sample on it runs down, if it takes time to, and is heard or recorded on as it does.

        The next key to be pressed waits for it to come to rest, with silence at the inputs.
        """
        if self._rest is None:
            self._rest = max((part.stop() for part in (self._recorder, self._player) if part is not None), default=0)
        if self._rest == 0:
            self._halt()

    def process(self, block: np.ndarray) -> np.ndarray:
        """Run the tape for one block.

        Parameters
        ----------
        block : ndarray, shape (samples, 4)
            Input of the four channels, full scale = 1.

        Returns
        -------
        ndarray, shape (samples, 4), float64
            While recording, the armed tracks carry their own input through the electronics, as on a deck with one head, and
            the others nothing, or in an overdub the tape; while playing, the tape; all until it has come to rest; while
            stopped, silence.
        """
        if self._rest is None:
            return self._roll(block)
        last = self._roll(block[: self._rest])
        self._rest -= last.shape[0]
        if self._rest == 0:
            self._halt()
        return np.pad(last, ((0, block.shape[0] - last.shape[0]), (0, 0)))

    def _roll(self, block: np.ndarray) -> np.ndarray:
        """Output for a block while the tape is in one state."""
        samples = block.shape[0]
        out = np.zeros((TRACKS, samples))
        if self._recorder is not None:
            if self._player is not None:
                out = self._decoder.process(self._player.read(samples))
            sent = routed(self._routing, np.asarray(block, dtype=np.float64).T / self._peak)
            amplified = self._input.process(sent)
            self._recorder.process(self._encoder.process(amplified))
            out[list(self._armed)] = amplified
        elif self._player is not None:
            out = self._decoder.process(self._player.read(samples))
        else:
            return out.T
        return self._peak * (self._output.process(out) + self._noise.read(samples)).T

    def close(self) -> None:
        """Throw the cassette away."""
        self._cassette.close()

    def _halt(self) -> None:
        """Have the tape at rest."""
        if self._recorder is not None:
            self._roll(np.zeros((self._rest or 0, TRACKS)))
            self._recorder.finish()
        self._recorder = self._player = self._rest = None

    def _start_play(self, number: int, rewound: bool) -> None:
        self._halt()
        trajectory = play_trajectory(self.parameters, self.seed, number, rewound)
        self._player = Player(self.parameters, self._plan, self._cassette, trajectory)
        self._decoder = decoder(self.parameters.compander, self.dbx, self.sample_rate)
        self._start_electronics((self.seed, _PLAY, number))

    def _start_electronics(self, identity: tuple[int, ...]) -> None:
        electronics, rate = self.parameters.electronics, self.sample_rate
        self._input = Amplifier(electronics.input_gain_db, electronics, len(self._armed), rate)
        self._output = Amplifier(electronics.output_gain_db, electronics, TRACKS, rate)
        self._noise = ElectronicsNoise(self.parameters, self._plan, identity)


def transfer(
    parameters: DeckParameters, audio: np.ndarray, sample_rate: int, reference_dbfs: float, seed: int
) -> np.ndarray:
    """Record and play in one go, the play pass beginning exactly where the recording began.

    Parameters
    ----------
    audio : ndarray, shape (samples, channels)
        One to four channels, on tracks 1 to 4; full scale = 1.

    Returns
    -------
    ndarray, shape (samples, channels), float64

    Raises
    ------
    ModelError
        More channels than tracks, or a sample rate out of range.
    """
    samples, channels = audio.shape
    if not 1 <= channels <= TRACKS:
        raise ModelError(f"{channels} channels do not fit on {TRACKS} tracks; give 1 to {TRACKS}")
    deck = VirtualDeck(parameters, sample_rate, reference_dbfs, seed)
    try:
        deck.arm(range(1, channels + 1))
        for start in range(0, samples, sample_rate):
            deck.process(np.pad(audio[start : start + sample_rate], ((0, 0), (0, TRACKS - channels))))
        deck._start_play(1, rewound=False)
        heard = np.empty((samples, channels))
        for start in range(0, samples, sample_rate):
            part = heard[start : start + sample_rate]
            part[:] = deck.process(np.zeros((part.shape[0], TRACKS)))[:, :channels]
        return heard
    finally:
        deck.close()
