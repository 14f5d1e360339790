"""Erasure: what the erase head, and the bias of the record head after it, leave of an earlier recording.

A particle forgets where an alternating field that exceeds its coercivity dies away. At depth y those stay as they were whose
coercivity hc is above both H_e h_e(0, y) of the erase head and H_b h(0, y) of the bias. Each was recorded as in
:mod:`modeling.deck.magnetics`, so what is left of a small signal is a filter over the wavelength:

    L(k) = sum over those left of w e^{-ky + jkx_f} dM/dS / the same sum over all

The gap of the erase head is long against the coating, so that its field hardly falls with depth; the bias reaches the surface
best. What a weak erase head leaves lies deep and is long in wavelength. Real heads leave a rest at any strength of the field,
since the tape before the gap is recorded anew across it (McKnight): that is `faults.erasure_db`, of all wavelengths alike.

References
----------
J. G. McKnight, "The erase process", Ampex Research Division Bulletin 3 (1959).
"""

from functools import lru_cache

import numpy as np
from scipy.signal import fftconvolve
from scipy.special import ndtr, ndtri

from modeling.deck.convolution import band_edge
from modeling.deck.magnetics import ParticleClasses, centre_field, classes_of, layers, particle_classes
from modeling.deck.parameters import DeckParameters, EraseHead, RecordHead, Tape

LAYERS, COERCIVITIES = 70, 24
REACH = 256
"""Samples of the filter on either side."""

STATED_HZ = (250.0, 3250.0)
"""Band for which one figure of erasure is stated."""

NOTHING = 1e-7
"""What is left below this is not worth a filter: -140 dB."""


def classes_left(tape: Tape, erase: EraseHead, head: RecordHead) -> ParticleClasses:
    """Particles that both fields leave as they were, with their part of the whole coating as weight."""
    depth, weight = layers(tape, LAYERS)
    erased = erase.field_ka_m * centre_field(depth, erase.gap_um, erase.spacing_um)
    biased = head.bias_ka_m * centre_field(depth, head.gap_um, head.spacing_um)
    left = ndtr(-np.log(np.maximum(erased, biased) / tape.coercivity_ka_m) / tape.coercivity_spread)
    above = left[:, None] * (np.arange(COERCIVITIES) + 0.5) / COERCIVITIES
    coercivity = tape.coercivity_ka_m * np.exp(-tape.coercivity_spread * ndtri(np.maximum(above, 1e-300)))
    parts = np.repeat(weight * left / COERCIVITIES, COERCIVITIES)
    return classes_of(tape, head, np.repeat(depth, COERCIVITIES), coercivity.ravel(), parts)


def left_over(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    """Flux that is left of a weak recording re the flux it was, complex; at nominal speed."""
    rest = 0.0 if parameters.faults.erasure_db is None else 10.0 ** (parameters.faults.erasure_db / 20.0)
    return rest + _left(np.atleast_1d(frequency_hz), parameters)


def erasure_db(parameters: DeckParameters, times: int = 1) -> float:
    """True `erasure`: power left of an earlier recording, the mean over :data:`STATED_HZ` of what is left at each frequency.

    Parameters
    ----------
    times : int
        How often it was recorded over.
    """
    return float(10.0 * np.log10(np.mean(np.abs(left_over(np.geomspace(*STATED_HZ, 200), parameters)) ** (2 * times))))


def _left(frequency_hz: np.ndarray, parameters: DeckParameters) -> np.ndarray:
    tape, head, speed = parameters.tape, parameters.record_head, parameters.speed_um_s
    left, every = classes_left(tape, parameters.erase_head, head), particle_classes(tape, head)
    parts = np.array_split(frequency_hz, frequency_hz.size // 256 + 1)  # small in memory
    flux = []
    for classes in (left, every):
        permeability = classes.permeability()
        flux.append(np.concatenate([classes.propagation(part, speed) @ permeability for part in parts]))
    return np.asarray(flux[0] / flux[1])


@lru_cache(maxsize=8)
def left_over_filter(parameters: DeckParameters, sample_rate: int) -> np.ndarray | None:
    """The same as a filter of ``2 REACH + 1`` taps over tape position; None where nothing is left."""
    f = np.fft.rfftfreq(4 * REACH, 1.0 / sample_rate)
    response = _left(f, parameters) * band_edge(f, sample_rate)
    rest = left_over(np.zeros(1), parameters).real[0] - response.real[0]
    if max(np.max(np.abs(response)), rest) < NOTHING:
        return None
    response[0] = response[0].real
    taps = np.roll(np.fft.irfft(response), REACH)[: 2 * REACH + 1]
    taps[REACH] += rest
    return taps


def leave(earlier: np.ndarray, taps: np.ndarray) -> np.ndarray:
    """What is left of flux, without the REACH samples at either end that the filter looks into."""
    return np.asarray(fftconvolve(earlier, taps, mode="valid"))
