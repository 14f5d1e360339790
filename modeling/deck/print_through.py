"""Print-through: on the reel every layer of tape magnetises its neighbours a little, which is heard a turn before and after.

The field of a recorded layer of coating d falls with the distance as e^{-kz}; through a base b it reaches the next coating, and
over the depth of that its mean is M / 2 (1 - e^{-kd})^2 / (kd) e^{-kb}, against M. Printed flux re the flux that prints is

    P(k) = -p (1 - e^{-kd})^2 / (kd) e^{-kb} / max

which rises by 6 dB an octave, is largest near a wavelength of 2 pi (b + d), the thickness of the tape, and then falls off. Both
neighbours get the same, as of a magnetisation along the tape alone; the part across it, which makes one of the two stronger, is
left out. The pack is taken to have the radius r of the supply reel all through: a turn is 2 pi r of tape.

References
----------
E. D. Daniel and P. E. Axon, "Accidental printing in magnetic recording", BBC Quarterly 5 (1950) 241.
H. N. Bertram, M. Stafford and D. Mills, "The print-through phenomenon", J. Audio Eng. Soc. 28 (1980) 690.
"""

import numpy as np

from modeling.deck.convolution import band_edge
from modeling.deck.losses import spacing_loss, thickness_loss, wave_number
from modeling.deck.parameters import DeckParameters, Tape

REACH = 256
"""Samples of the filter on either side."""


def printed(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Flux printed on either neighbour re the flux that prints it, at nominal speed; 0 without print-through."""
    f = np.asarray(frequency_hz, dtype=np.float64)
    tape = parameters.tape
    if tape.print_db is None:
        return np.zeros(f.shape)
    grid = np.geomspace(0.1, 10.0, 2001) / (tape.base_um + tape.coating_um)
    strongest = np.max(_law(grid, tape))
    return -np.power(10.0, tape.print_db / 20.0) / strongest * _law(wave_number(f, parameters.speed_um_s), tape)


def _law(k: np.ndarray, tape: Tape) -> np.ndarray:
    return k * tape.coating_um * thickness_loss(k, tape.coating_um) ** 2 * spacing_loss(k, tape.base_um)


def turn_samples(parameters: DeckParameters, sample_rate: int) -> int:
    """Length of tape from one layer to the next, in samples at nominal speed."""
    return round(2.0 * np.pi * parameters.transport.supply_mm * 1000.0 / parameters.speed_um_s * sample_rate)


def print_filter(parameters: DeckParameters, sample_rate: int) -> np.ndarray | None:
    """The same as a filter of ``2 REACH + 1`` taps over tape position, single precision; None without print-through."""
    if parameters.tape.print_db is None:
        return None
    f = np.fft.rfftfreq(4 * REACH, 1.0 / sample_rate)
    taps = np.roll(np.fft.irfft(printed(f, parameters) * band_edge(f, sample_rate)), REACH)
    return taps[: 2 * REACH + 1].astype(np.float32)
