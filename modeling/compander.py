"""The compander of a deck about a core: the encoder before it, the decoder behind it.

``y = decode(core(encode(x)))``. The law is that of :mod:`modeling.deck.compander`, each half with constants of its own. A
decoder is undone exactly by an encoder of the same constants. So both halves are taken off a pair before anything is learnt from
it (:meth:`Companding.taken_off`): the core learns what lies between them, as it does from a deck without dbx. Where there are takes
without, it learns from those (:mod:`modeling.compander_plain`).

What is wrong with the constants the core learns as well, as far as it can. Where both halves are in that is nearly all, since one
undoes what the other does, right or wrong. What it cannot learn is a bend outside the halves: the amplifiers there see the whole
range of levels, the core half of it. Their trace of second harmonic, a square, is a part of its own behind the decoder.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from scipy.signal import lfilter

from modeling.cores.core import Stationary, Stream
from modeling.deck.compander import CompanderHalf
from modeling.deck.electronics import coupling_capacitor
from modeling.deck.parameters import Compander
from modeling.pairs import Pair

Process = Callable[[np.ndarray], np.ndarray]
MOST_ASYMMETRY = 0.05
ROUNDS = 8
"""Of the iteration that undoes it. Each divides what is left by more than two up to 13 dB over 0 VU, by fifty for a usual one."""


class Asymmetry:
    """``x + a x^2`` without the steady part of the square, as behind a coupling capacitor.

    Parameters
    ----------
    amount : float
        a, for x = 1 at `peak`.
    peak : float
        Peak of a sine at 0 VU.
    channels, sample_rate : int
    """

    def __init__(self, amount: float, peak: float, channels: int, sample_rate: int) -> None:
        self._factor = amount / peak
        self._b, self._a = coupling_capacitor(sample_rate)
        self._state = np.zeros((channels, 1))

    def process(self, block: np.ndarray) -> np.ndarray:
        """The next samples, shape ``(channels, n)``."""
        if self._factor == 0.0 or block.shape[1] == 0:  # of nothing, lfilter would forget its state
            return block
        square, self._state = lfilter(self._b, self._a, np.square(block), axis=1, zi=self._state)
        return np.asarray(block + self._factor * square)

    def undone(self, whole: np.ndarray) -> np.ndarray:
        """What a whole signal, shape ``(channels, n)``, was made of."""
        if self._factor == 0.0:
            return whole
        found = whole
        for _ in range(ROUNDS):
            found = whole - self._factor * lfilter(self._b, self._a, np.square(found), axis=1)
        return found


class Half:
    """An encoder or a decoder at work on channels that arrive in blocks; without constants it lets them pass.

    Parameters
    ----------
    constants : Compander or None
    decode : bool
        Which half.
    asymmetry : float
        Of the amplifier on the other side of the half than the core.
    channels, sample_rate : int
    reference_dbfs : float
        Level of a sine at 0 VU.
    """

    def __init__(
        self,
        constants: Compander | None,
        decode: bool,
        asymmetry: float,
        channels: int,
        sample_rate: int,
        reference_dbfs: float,
    ) -> None:
        self._peak = 10.0 ** (reference_dbfs / 20.0)
        self._decode = decode
        self._amplifier = Asymmetry(asymmetry, self._peak, channels, sample_rate)
        self._half = None if constants is None else CompanderHalf(constants, decode, channels, sample_rate)

    def process(self, block: np.ndarray) -> np.ndarray:
        """The next samples, shape ``(channels, n)``."""
        if self._decode:
            return self._amplifier.process(self._through(block))
        return self._through(self._amplifier.process(block))

    def _through(self, block: np.ndarray) -> np.ndarray:
        return block if self._half is None else self._peak * self._half.process(block / self._peak)


class Companding(BaseModel):
    """Which halves of a compander are in the way, and their constants.

    Attributes
    ----------
    encode, decode : Compander or None
        None where that half is out. Unity levels are dB re 0 VU before and behind the core; `mismatch_db` is not used.
    asymmetry : float
        Quadratic term ``x + a x^2`` of the amplifiers outside, x = 1 at the peak of 0 VU: behind the decoder, or before an encoder
        without one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    encode: Compander | None = None
    decode: Compander | None = None
    asymmetry: float = Field(default=0.0, ge=-MOST_ASYMMETRY, le=MOST_ASYMMETRY)

    def encoder(self, channels: int, sample_rate: int, reference_dbfs: float) -> Half:
        """The half before the core, at rest."""
        asymmetry = self.asymmetry if self.decode is None else 0.0
        return Half(self.encode, False, asymmetry, channels, sample_rate, reference_dbfs)

    def decoder(self, channels: int, sample_rate: int, reference_dbfs: float) -> Half:
        """The half behind it, at rest."""
        asymmetry = 0.0 if self.decode is None else self.asymmetry
        return Half(self.decode, True, asymmetry, channels, sample_rate, reference_dbfs)

    def unbent(self, pair: Pair, reference_dbfs: float) -> Pair:
        """A pair without the bend of the amplifiers outside, whether it was made with the halves in or without them."""
        amplifier = Asymmetry(self.asymmetry, 10.0 ** (reference_dbfs / 20.0), 1, pair.sample_rate)
        if self.decode is not None:
            return _returned_through(pair, amplifier.undone)
        return _sent_through(pair, amplifier.process)

    def taken_off(self, pair: Pair, reference_dbfs: float) -> Pair:
        """What went into the core and what came out of it, of a pair that was made with the halves in."""
        at = (1, pair.sample_rate, reference_dbfs)
        encoded = _sent_through(
            self.unbent(pair, reference_dbfs), lambda sound: Half(self.encode, False, 0.0, *at).process(sound)
        )
        return _returned_through(encoded, lambda sound: Half(self.decode, False, 0.0, *at).process(sound))


def _sent_through(pair: Pair, process: Process) -> Pair:
    unwarped = pair.unwarped
    if unwarped is not None:
        unwarped = replace(unwarped, sound=_through(unwarped.sound, process))
    return replace(pair, dry=_through(pair.dry, process), unwarped=unwarped)


def _returned_through(pair: Pair, process: Process) -> Pair:
    """Dropouts are bridged, since a compander remembers them."""
    wet = _through(pair.bridged()[0], process)
    return replace(pair, wet=wet, bridges=tuple((start, wet[start : start + sound.size]) for start, sound in pair.bridges))


def _through(sound: np.ndarray, process: Process) -> np.ndarray:
    return process(sound.astype(np.float64)[None])[0].astype(np.float32)


class CompandedCore:
    """A core between the halves of a compander, and like a core itself.

    A decoder hears a signal from its first sample on, not what the core answers ahead of that.

    Parameters
    ----------
    core : Stationary
        What lies between.
    companding : Companding
    """

    def __init__(self, core: Stationary, companding: Companding) -> None:
        self.core = core
        self.companding = companding
        self.sample_rate = core.sample_rate
        self.reference_dbfs = core.reference_dbfs

    @property
    def look_ahead_samples(self) -> int:
        """How far into the future the core looks; a compander looks no further."""
        return self.core.look_ahead_samples

    @property
    def bends(self) -> bool:
        """Always: a gain that follows the level is no linear filter."""
        return True

    def process(self, x: np.ndarray) -> np.ndarray:
        """Response to a whole signal; see :meth:`Core.process`."""
        at = (1, self.sample_rate, self.reference_dbfs)
        encoded = self.companding.encoder(*at).process(x[None])[0]
        return self.companding.decoder(*at).process(self.core.process(encoded)[None])[0]

    def stream(self) -> Stream:
        """Start on a signal that arrives in blocks; see :meth:`Core.stream`."""
        return _Stream(self)


class _Stream:
    def __init__(self, model: CompandedCore) -> None:
        at = (1, model.sample_rate, model.reference_dbfs)
        self._encoder = model.companding.encoder(*at)
        self._core = model.core.stream()
        self._decoder = model.companding.decoder(*at)

    def push(self, block: np.ndarray) -> np.ndarray:
        """Take input, give the output settled by it; see :meth:`Stream.push`."""
        return self._decode(self._core.push(self._encoder.process(block[None])[0]))

    def flush(self) -> np.ndarray:
        """Give the rest; see :meth:`Stream.flush`."""
        return self._decode(self._core.flush())

    def _decode(self, block: np.ndarray) -> np.ndarray:
        return self._decoder.process(block[None])[0]
