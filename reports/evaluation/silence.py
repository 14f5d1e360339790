"""The noise of a model from a silence of its own.

What a few seconds of silence say of low third octaves is in doubt by decibels, of the deck and of the model alike. The deck has no
more silence than its stimulus; but a model draws as much as one likes, so that the doubt of the deck alone is left.
"""

import numpy as np

from analysis.noise import spectrum
from analysis.subjects.noise import spectra
from modeling.model import Model
from modeling.render import Settings, render
from sessions.results import Measurements

SILENCE_S = 120.0
REFERENCE_HZ, REFERENCE_S = 1000.0, 2.0
SPECTRUM = "noise_spectrum"


def with_long_silence(measured: Measurements, model: Model, seed: int) -> Measurements:
    """The same with every spectrum of noise read over two minutes.

    Parameters
    ----------
    measured : Measurements
        What the bench said of the model.
    seed : int
        Of the hiss.
    """
    if not any(curve.quantity == SPECTRUM for curve in measured.curves):
        return measured
    rate = model.core.sample_rate
    silence = render(model, np.zeros(round(SILENCE_S * rate)), rate, Settings(wow=0.0, seed=seed))
    settled = silence[round(REFERENCE_S * rate) :]
    curves_of_it = spectra(spectrum([settled], rate), rate, reference_peak(model), {})
    long = {(c.quantity, c.conditions.get("bandwidth")): c for c in curves_of_it}
    curves = [
        c
        if (own := long.get((c.quantity, c.conditions.get("bandwidth")))) is None
        else own.model_copy(update={"conditions": c.conditions})
        for c in measured.curves
    ]
    return measured.model_copy(update={"curves": curves})


def reference_peak(model: Model) -> float:
    """Peak at which a model returns the reference tone, 1 kHz at 0 dB."""
    rate = model.core.sample_rate
    turns = REFERENCE_HZ * np.arange(round(REFERENCE_S * rate)) / rate
    sent = 10.0 ** (model.core.reference_dbfs / 20.0) * np.sin(2.0 * np.pi * turns)
    last = slice(round(0.25 * sent.size), round(0.75 * sent.size))  # settled, and a whole number of turns
    return float(2.0 * np.abs(np.mean(model.still.process(sent)[last] * np.exp(-2.0j * np.pi * turns[last]))))
