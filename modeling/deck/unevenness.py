"""Modulation noise: what lies in the coating is not quite even, so what is recorded on it is louder here and softer there.

The flux of a recording is multiplied by 1 + m(x), m a Gaussian process over the tape position x. Its density over the wave
number is that of the coating's clusters and of the surface, flat at long wavelengths and falling by 6 dB an octave below a
length of lambda_c; over frequency, at a speed v,

    S(f) = (2 / pi) s^2 / f_c / (1 + (f / f_c)^2),  f_c = v / lambda_c,

with s the RMS value of m. It is the coating's own: the same in every pass, on blank tape nothing, and no recording renews it.
All wavelengths are modulated alike, as by a coating that is unevenly dense; a varying distance from the head would modulate
the short ones more.

References
----------
D. F. Eldridge, "DC and modulation noise in magnetic tape", IEEE Trans. Commun. Electron. 83 (1964) 585.
H. N. Bertram, "Theory of Magnetic Recording" (1994), ch. 12.
"""

import numpy as np
from scipy.signal import lfilter

from modeling.deck.convolution import BlockPlan
from modeling.deck.parameters import DeckParameters
from modeling.deck.placed import PlacedNoise

ALIASING = 1.0 / 3.0
"""4b / (1+b)^2 of the zero that takes off what sampling folds back, to second order in f."""

_UNEVENNESS = 13


def corner_hz(parameters: DeckParameters, speed_um_s: float) -> float:
    """Frequency at which a tape of that speed brings by the length above which the unevenness does not grow."""
    return speed_um_s / (1000.0 * parameters.tape.modulation_mm)


def unevenness_density(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """One-sided power density of m as it passes the head while playing, in 1/Hz; even in frequency."""
    corner = corner_hz(parameters, parameters.play_speed_um_s)
    power = 10.0 ** (parameters.tape.modulation_db / 10.0)
    return 2.0 / np.pi * power / corner / (1.0 + (np.asarray(frequency_hz) / corner) ** 2)


class Unevenness(PlacedNoise):
    """The process m of one track as a function of tape position, by one pole and one zero.

    A pole alone has the density of m with what sampling folds back; with the zero it stays within 0.1 dB to a quarter of the
    sample rate.

    Parameters
    ----------
    parameters : DeckParameters
    plan : BlockPlan
    identity : tuple of int
        Seed and track.
    """

    def __init__(self, parameters: DeckParameters, plan: BlockPlan, identity: tuple[int, ...]) -> None:
        super().__init__(plan, (*identity, _UNEVENNESS))
        pole = np.exp(-2.0 * np.pi * corner_hz(parameters, parameters.speed_um_s) / plan.sample_rate)
        zero = 2.0 / ALIASING - 1.0 - np.sqrt((2.0 / ALIASING - 1.0) ** 2 - 1.0)
        rms = 10.0 ** (parameters.tape.modulation_db / 20.0)
        self._over = rms * np.sqrt(1.0 - pole**2) / (1.0 + zero) * np.array([1.0, zero])
        self._under = np.array([1.0, -pole])

    def colour(self, white: np.ndarray) -> np.ndarray:
        """Through pole and zero; what came before the taps has died away."""
        return np.asarray(lfilter(self._over, self._under, white)[-self._plan.block :])
