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


def phasors_of(tone: Pair, returned: np.ndarray) -> tuple[np.ndarray, float]:
    """Complex amplitudes of the harmonics of a returned tone.

    The phase is that of the dry tone, which has been warped onto tape time, so that flutter does not smear the harmonics.

    Parameters
    ----------
    tone : Pair
        With ``frequency_hz`` in its conditions.
    returned : ndarray, shape (samples,)
        Recorded, or made by a model.

    Returns
    -------
    phasors : ndarray, shape (harmonics,)
        From the fundamental on, at most HARMONICS and below 0.45 of the rate: c of ``Re(c exp(j n phase))``.
    floor : float
        Amplitude that noise alone would show.
    """
    analytic = hilbert(tone.dry.astype(np.float64), next_fast_len(tone.samples))[: tone.samples]
    phase = np.unwrap(np.angle(analytic))[tone.mask]
    y = returned[tone.mask].astype(np.float64)
    frequency_hz = float(tone.conditions["frequency_hz"])
    count = max(1, min(HARMONICS, int(0.45 * tone.sample_rate / frequency_hz)))
    order = np.arange(1, count + 1)
    turns = np.exp(1j * np.outer(order, phase))
    columns = np.concatenate([[np.ones_like(phase)], turns.real, turns.imag])
    window = np.hanning(phase.size)
    # Nearly orthogonal, so that the normal equations lose nothing.
    weighted = columns * window**2
    solved = np.linalg.solve(weighted @ columns.T, weighted @ y)
    residue = (y - solved @ columns) * window
    # An amplitude estimated from n samples in white noise has variance 2 sigma^2 / n; twice the deviation is the floor.
    floor = 2.0 * np.sqrt(2.0 * np.sum(residue**2)) / np.sum(window)
    return solved[1 : 1 + count] - 1j * solved[1 + count :], float(floor)


def tone_levels(tone: Pair, returned: np.ndarray) -> ToneLevels:
    """Levels of fundamental and harmonics of a returned tone; see :func:`phasors_of`."""
    phasors, floor = phasors_of(tone, returned)
    amplitude = np.abs(phasors)
    first = max(float(amplitude[0]), 1e-12)
    harmonic = np.full(HARMONICS - 1, np.nan)
    harmonic[: amplitude.size - 1] = 20.0 * np.log10(np.maximum(amplitude[1:] / first, 1e-12))
    return ToneLevels(20.0 * np.log10(first), harmonic, max(20.0 * np.log10(max(floor / first, 1e-12)), LOWEST_HARMONIC_DB))


def harmonic_error_db(process: Process, tones: Sequence[Pair], recorded: Sequence[ToneLevels] | None = None) -> float | None:
    """RMS difference in dB between the second and third harmonics of a core and those recorded, over all tones.

    What lies below the noise of the recording counts as lying at it. None without tones.

    Parameters
    ----------
    recorded : sequence of ToneLevels, optional
        Levels of the tones as recorded, where they are known already.
    """
    differences = []
    for tone, deck in zip(tones, recorded or levels_recorded(tones), strict=True):
        model = tone_levels(tone, process(tone.dry.astype(np.float64)))
        there = np.isfinite(deck.harmonic_db[:2])
        differences.append(
            np.maximum(model.harmonic_db[:2], deck.floor_db)[there] - np.maximum(deck.harmonic_db[:2], deck.floor_db)[there]
        )
    joined = np.concatenate(differences) if differences else np.zeros(0)
    return float(np.sqrt(np.mean(joined**2))) if joined.size else None


def levels_recorded(tones: Sequence[Pair]) -> list[ToneLevels]:
    """Levels of tones as the deck returned them."""
    return [tone_levels(tone, tone.wet) for tone in tones]
