"""Noise of a model over a long silence, where it is known what is drawn."""

import numpy as np
import pytest

from modeling.model import load
from reports.evaluation.silence import reference_peak, with_long_silence
from sessions.results import Axis, Curve, Measurements
from tests.modeling.known_model import RATE, known_model

GAIN, HISS = 0.5, 1e-4
THIRDS = {"track": 1, "pass": 2, "bandwidth": "1/3 octave"}


@pytest.fixture
def model(tmp_path):
    return load(known_model(tmp_path / "known", taps=(GAIN,), hiss=HISS))


def test_the_reference_tone_comes_back_with_the_gain_of_the_model(model):
    assert reference_peak(model) == pytest.approx(GAIN * 10 ** (-18 / 20), rel=1e-9)


def test_third_octaves_of_white_hiss_are_told_to_a_fraction_of_a_decibel_down_to_25_hz(model):
    """Their power is that of the band, 10^0.05 - 10^-0.05 of its middle wide (IEC 61260-1), re the tone of 0 dB."""
    axes = {"x": Axis.of("frequency", "Hz", [25.0, 1000.0]), "y": Axis.of("level", "dB", [-60.0, -60.0])}
    short = Curve(quantity="noise_spectrum", conditions=THIRDS, method="", uncertainty=[3.0, 1.0], **axes)
    other = short.model_copy(update={"quantity": "frequency_response"})
    measured = Measurements(session="s", tool_version="", created="", results=[], curves=[short, other])
    found, kept = with_long_silence(measured, model, 3).curves
    assert kept == other
    assert found.conditions == THIRDS
    centre, level = found.x.array, found.y.array
    power = HISS**2 * centre * (10**0.05 - 10**-0.05) / (RATE / 2)
    expected = 10 * np.log10(power / (0.5 * reference_peak(model) ** 2))
    assert centre[0] < 26
    assert level == pytest.approx(expected, abs=0.7)
    assert np.max(found.uncertainty) < 0.6


def test_a_model_without_noise_on_the_bench_gets_none(model):
    nothing = Measurements(session="s", tool_version="", created="", results=[], curves=[])
    assert with_long_silence(nothing, model, 0) == nothing
