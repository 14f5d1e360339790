"""What a law of magnetisation is to the deck: one face that runs, and one by which the truth is had.

Around it everything stays the same. The record pass makes the field of a law from the signal, oversampled, puts a filter
behind each of the curves that the law makes of it and adds them up; the truth takes one period of the field. Fields are in
kA/m, deep in the gap, magnetisation and flux in units of saturation.
"""

from typing import Protocol

import numpy as np

from modeling.deck.law_with_bias import Biased, SteadyBiased
from modeling.deck.law_without_bias import SteadyUnbiased, Unbiased
from modeling.deck.parameters import DeckParameters, Magnetics, RecordHead, Tape


class RunningLaw(Protocol):
    """One track on its way, demagnetised at first. It does not delay; what the block size is changes nothing."""

    curves: int
    """How many curves of the field the flux is the sum of, each behind a filter of its own."""

    def magnetise(self, field_ka_m: np.ndarray, out: np.ndarray) -> None:
        """Put the curves ``(curves, samples)`` of the next samples of the field into `out`, at any sample rate."""

    def propagation(self, frequency_hz: np.ndarray, speed_um_s: float) -> np.ndarray:
        """Filter behind every curve, complex, shape ``(frequencies, curves)``; the same at all times."""


class SteadyLaw(Protocol):
    """The same law in double precision for what has gone on for ever, by another road than the running one."""

    def flux(self, field_ka_m: np.ndarray, period_hz: float, speed_um_s: float) -> np.ndarray:
        """Spectrum ``(points // 2 + 1,)`` of the flux of one period ``(points,)`` of the field."""

    def gain(self, frequency_hz: np.ndarray, peak_ka_m: np.ndarray, steady_ka_m: float, speed_um_s: float) -> np.ndarray:
        """Complex flux per kA/m at the frequency of a sine of that peak on a steady field, shape ``(frequencies,)``.

        A law that is linear at low level gives its slope there, whatever the peak.
        """


def running_law(magnetics: Magnetics, tape: Tape, head: RecordHead) -> RunningLaw:
    """The law of a deck, for one track."""
    return Biased(tape, head) if magnetics.law == "bias" else Unbiased(magnetics, tape)


def steady_law(parameters: DeckParameters) -> SteadyLaw:
    """The law of a deck as the truth has it."""
    if parameters.magnetics.law == "bias":
        return SteadyBiased(parameters.tape, parameters.record_head)
    return SteadyUnbiased(parameters.magnetics, parameters.tape)
