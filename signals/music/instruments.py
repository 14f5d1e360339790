"""The orchestra: every instrument's name, how it is played and how loud it stands in the mix."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from signals.music import bells, drums, keys, strings, voice
from signals.music.score import Note
from signals.music.waveform import level

Play = Callable[[Note, np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class Instrument:
    """How a note is played, its level at full velocity in dB (loudest 50 ms), and the share of it that reaches the room."""

    play: Play
    level_db: float
    room: float


INSTRUMENTS: dict[str, Instrument] = {
    "nylon": Instrument(strings.pluck, -5.5, 0.35),
    "steel": Instrument(strings.pluck, -11.0, 0.3),
    "harpsichord": Instrument(strings.pluck, -9.0, 0.4),
    "bass": Instrument(strings.pluck, -4.0, 0.05),
    "double bass": Instrument(strings.pluck, -4.0, 0.2),
    "synth bass": Instrument(keys.synth_bass, -5.0, 0.0),
    "electric piano": Instrument(keys.electric_piano, -13.0, 0.25),
    "organ": Instrument(keys.organ, -18.0, 0.3),
    "glockenspiel": Instrument(bells.strike, -15.0, 0.5),
    "celesta": Instrument(bells.strike, -13.0, 0.5),
    "chimes": Instrument(bells.strike, -16.0, 0.5),
    "triangle": Instrument(bells.strike, -19.0, 0.4),
    "tenor": Instrument(voice.sing, -9.5, 0.4),
    "alto": Instrument(voice.sing, -9.5, 0.4),
    "kick": Instrument(drums.kick, 0.0, 0.05),
    "snare": Instrument(drums.snare, -3.5, 0.3),
    "rim": Instrument(drums.rim, -10.0, 0.3),
    "clap": Instrument(drums.clap, -9.0, 0.4),
    "tom": Instrument(drums.tom, -5.0, 0.25),
    "closed hat": Instrument(drums.closed_hat, -15.0, 0.1),
    "open hat": Instrument(drums.open_hat, -15.0, 0.15),
    "ride": Instrument(drums.ride, -17.0, 0.2),
    "crash": Instrument(drums.crash, -11.0, 0.3),
    "shaker": Instrument(drums.shaker, -16.0, 0.2),
    "tambourine": Instrument(drums.tambourine, -14.5, 0.3),
}


def play(note: Note, rng: np.random.Generator, sample_rate: int) -> np.ndarray:
    """Render one note at its level in the mix, shape ``(samples,)``."""
    instrument = INSTRUMENTS[note.instrument]
    gain = note.gain * 10.0 ** (instrument.level_db / 20.0)
    return level(instrument.play(note, rng, sample_rate), sample_rate) * gain
