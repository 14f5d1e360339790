"""How close the output of a core is to what the deck returned: error on programme, harmonics of tones.

These are the figures by which fits are chosen; :mod:`modeling.evaluation` makes the whole account of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import hilbert

from modeling import losses
from modeling.pairs import Pair

Process = Callable[[np.ndarray], np.ndarray]
HARMONICS = 5
LOWEST_HARMONIC_DB = -70.0


def esr_of(process: Process, pairs: Sequence[Pair]) -> float:
    """Error-to-signal ratio of a core over pairs."""
    error = power = 0.0
    for pair in pairs:
        e = (pair.wet - process(pair.dry.astype(np.float64)))[pair.mask]
        error += float(e @ e)
        y = pair.wet[pair.mask].astype(np.float64)
        power += float(y @ y)
    return error / (power + losses.EPSILON)


@dataclass(frozen=True)
class ToneLevels:
    """Levels found in a tone.

    Attributes
    ----------
    fundamental_db : float
        Level re a sine at digital full scale.
    harmonic_db : ndarray, shape (HARMONICS - 1,)
        Levels of harmonics 2 and up re the fundamental.
    floor_db : float
        Level re the fundamental that noise alone would show at a harmonic.
    """

    fundamental_db: float
    harmonic_db: np.ndarray
    floor_db: float


class ToneReader:
    """Reads the harmonics of a tone in what is returned of it.

    The phase is that of the dry tone, which has been warped onto tape time, so that flutter does not smear the harmonics.

    Parameters
    ----------
    tone : Pair
        With ``frequency_hz`` in its conditions.
    """

    def __init__(self, tone: Pair) -> None:
        self._mask = tone.mask
        analytic = hilbert(tone.dry.astype(np.float64), next_fast_len(tone.samples))[: tone.samples]
        phase = np.unwrap(np.angle(analytic))[tone.mask]
        frequency_hz = float(tone.conditions["frequency_hz"])
        self._count = max(1, min(HARMONICS, int(0.45 * tone.sample_rate / frequency_hz)))
        turns = np.exp(1j * np.outer(np.arange(1, self._count + 1), phase))
        self._columns = np.concatenate([[np.ones_like(phase)], turns.real, turns.imag]).astype(np.float32)
        self._window = np.hanning(phase.size)
        # Nearly orthogonal, so that the normal equations lose nothing.
        self._normal = (self._columns * self._window**2) @ self._columns.T

    def phasors(self, returned: np.ndarray) -> tuple[np.ndarray, float]:
        """Complex amplitudes of the harmonics.

        Parameters
        ----------
        returned : ndarray, shape (samples,)
            Recorded, or made by a model.

        Returns
        -------
        phasors : ndarray, shape (harmonics,)
            From the fundamental on, at most HARMONICS and below 0.45 of the rate: c of ``Re(c exp(j n phase))``.
        floor : float
            Amplitude that noise alone would show.
        """
        y = returned[self._mask].astype(np.float64)
        solved = np.linalg.solve(self._normal, self._columns @ (self._window**2 * y))
        residue = (y - solved @ self._columns) * self._window
        # An amplitude estimated from n samples in white noise has variance 2 sigma^2 / n; twice the deviation is the floor.
        floor = 2.0 * np.sqrt(2.0 * np.sum(residue**2)) / np.sum(self._window)
        return solved[1 : 1 + self._count] - 1j * solved[1 + self._count :], float(floor)

    def levels(self, returned: np.ndarray) -> ToneLevels:
        """Levels of fundamental and harmonics; see :meth:`phasors`."""
        phasors, floor = self.phasors(returned)
        amplitude = np.abs(phasors)
        first = max(float(amplitude[0]), 1e-12)
        harmonic = np.full(HARMONICS - 1, np.nan)
        harmonic[: amplitude.size - 1] = 20.0 * np.log10(np.maximum(amplitude[1:] / first, 1e-12))
        floor_db = 20.0 * np.log10(max(floor / first, 1e-12))
        return ToneLevels(20.0 * np.log10(first), harmonic, max(floor_db, LOWEST_HARMONIC_DB))


class Tone:
    """A test tone with its levels as the deck returned them."""

    def __init__(self, tone: Pair) -> None:
        self._dry = tone.dry
        self._reader = ToneReader(tone)
        self.recorded = self._reader.levels(tone.wet)

    def made(self, process: Process) -> ToneLevels:
        """Its levels as a core makes them."""
        return self._reader.levels(process(self._dry.astype(np.float64)))


def harmonic_error_db(process: Process, tones: Sequence[Tone]) -> float | None:
    """RMS difference in dB between the second and third harmonics of a core and those recorded, over all tones.

    What lies below the noise of the recording counts as lying at it. None without tones.
    """
    return harmonic_difference_db([tone.made(process) for tone in tones], [tone.recorded for tone in tones])


def harmonic_difference_db(made: Sequence[ToneLevels], recorded: Sequence[ToneLevels]) -> float | None:
    """The same of levels that were read."""
    differences = []
    for model, deck in zip(made, recorded, strict=True):
        there = np.isfinite(deck.harmonic_db[:2])
        differences.append(
            np.maximum(model.harmonic_db[:2], deck.floor_db)[there] - np.maximum(deck.harmonic_db[:2], deck.floor_db)[there]
        )
    joined = np.concatenate(differences) if differences else np.zeros(0)
    return float(np.sqrt(np.mean(joined**2))) if joined.size else None
