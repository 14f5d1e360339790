"""The electronics alone: a mixer made of textbook parts, and returns that are no electronics."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfreqz

from analysis import electronics
from modeling.deck.noise import a_weighting
from signals.audio import ArrayAudio
from signals.errors import SignalError
from signals.scope import Scope
from signals.stimulus import StimulusAudio, plan

RATE = 48_000
SHORT = Scope(0.5, (1000.0,), (-10.0, 0.0, 10.0), 0.6, (-20.0,), 6.0, 3.0, 0.2, ())
MIXER = np.concatenate([butter(1, 30.0, "highpass", output="sos", fs=RATE), butter(2, 12_000.0, output="sos", fs=RATE)])
DELAY, GAIN, BEND, NOISE = 137, -0.7, 0.05, 2e-5
TRACK = {"track": 2, "speed_cm_s": 9.5, "dbx": "off"}


@pytest.fixture(scope="module")
def sheet():
    return plan(session="mixer", sample_rate=RATE, tracks=(2,), pilot_track=4, scope=SHORT)


@pytest.fixture(scope="module")
def sent(sheet):
    return StimulusAudio(sheet).read(0, sheet.samples)


@pytest.fixture(scope="module")
def heard(sent):
    """What came back, by way of a square law, filters, an inversion, a delay and noise."""
    x = np.concatenate([sent[:, 0], np.zeros(RATE)])
    y = GAIN * sosfilt(MIXER, x + BEND * x**2)
    return np.concatenate([np.zeros(DELAY), y[:-DELAY]]) + NOISE * np.random.default_rng(1).standard_normal(y.size)


def find(sheet, sent, heard):
    """As a session has it: the track is on the second input."""
    returned = np.stack([np.zeros(heard.size), heard], axis=1)
    return electronics.find(ArrayAudio(sent, RATE), ArrayAudio(returned, RATE), sheet, 0, 1, TRACK)


@pytest.fixture(scope="module")
def measured(sheet, sent, heard):
    return electronics.measure(find(sheet, sent, heard))


def value(measured, quantity, **conditions):
    (found,) = (r for r in measured[0] if r.quantity == quantity and r.conditions.items() >= conditions.items())
    return found.value


def test_the_latency_is_the_delay_and_the_linear_phase_of_the_mixer(measured):
    f = np.linspace(400.0, 6000.0, 5601)
    _, h = sosfreqz(MIXER, worN=f, fs=RATE)
    lags = np.linspace(-4.0, 4.0, 8001)
    turned = [abs(np.sum(h / np.abs(h) * np.exp(2j * np.pi * f * lag / RATE))) for lag in lags]
    assert value(measured, "latency") * RATE == pytest.approx(DELAY + lags[int(np.argmax(turned))], abs=0.1)
    assert value(measured, "polarity") == -1.0


def test_the_response_is_that_of_the_mixer(measured):
    (curve,) = (c for c in measured[1] if c.quantity == "frequency_response")
    f = curve.x.array
    _, h = sosfreqz(MIXER, worN=f, fs=RATE)
    error = curve.y.array - 20.0 * np.log10(np.abs(GAIN * h))
    assert np.max(np.abs(error[(f > 25.0) & (f < 15_000.0)])) < 0.05
    assert value(measured, "bandwidth_low", level_db=-20.0) == pytest.approx(30.0, rel=0.02)
    assert value(measured, "bandwidth_high", level_db=-20.0) == pytest.approx(12_000.0, rel=0.01)


def test_the_second_harmonic_is_that_of_the_square_law(measured, sheet):
    """For x + a x^2 it is a A / 2 of the fundamental, A being its amplitude."""
    _, h = sosfreqz(MIXER, worN=[1000.0, 2000.0], fs=RATE)
    ratio = BEND * sheet.amplitude(0.0) / 2.0 * abs(h[1] / h[0])
    assert value(measured, "harmonic_2", level_db=0.0) == pytest.approx(20.0 * np.log10(ratio), abs=0.05)
    assert value(measured, "thd", level_db=0.0) == pytest.approx(100.0 * ratio, rel=0.01)


def test_the_noise_is_that_of_its_density(measured, sheet):
    f = np.arange(20.0, 20_001.0)
    power = NOISE**2 * np.trapezoid(a_weighting(f) ** 2, f) / (RATE / 2.0)
    _, h = sosfreqz(MIXER, worN=[1000.0], fs=RATE)
    reference = (abs(GAIN * h[0]) * sheet.amplitude(0.0)) ** 2 / 2.0
    assert value(measured, "noise_a") == pytest.approx(10.0 * np.log10(power / reference), abs=0.1)


def test_every_figure_says_that_it_is_of_the_electronics_and_none_is_of_a_tape(measured):
    results, curves = measured
    assert all(item.conditions.items() >= {**TRACK, "path": "electronics"}.items() for item in [*results, *curves])
    quantities = {item.quantity for item in [*results, *curves]}
    assert not {q for q in quantities if q.startswith(("speed", "wow", "flutter", "mol", "sol", "delay_trajectory"))}


@pytest.mark.parametrize(
    "cable",
    [lambda y: 0.0 * y, lambda y: 1e-3 * np.random.default_rng(2).standard_normal(y.size), lambda y: 1e-3 * y],
    ids=["silence", "hiss", "crosstalk of a neighbour's cable"],
)
def test_a_track_that_is_not_wired_back_is_passed_over(sheet, sent, heard, cable):
    assert find(sheet, sent, cable(heard)) is None


def test_a_return_that_ends_early_or_jumps_is_refused(sheet, sent, heard):
    half = heard.size // 2
    with pytest.raises(SignalError, match="stopped coming back on channel 2"):
        find(sheet, sent, np.where(np.arange(heard.size) < half, heard, 0.0))
    with pytest.raises(SignalError, match=r"2\.8\d\d and 4\.\d\d\d ms late"):
        find(sheet, sent, np.concatenate([heard[:half], np.zeros(64), heard[half:-64]]))
