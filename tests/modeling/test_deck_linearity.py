"""The truth of distortion against the running deck and against a search by hand."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import linear_response, response_delay_s, steady_sine, steady_wave
from modeling.deck.truth import truth
from signals.cues import Channel, Cue, CueSheet
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
FRESH = load_parameters("fresh")
STILL = FRESH.changed({**MOTIONLESS, **SILENT})
PAIRS = {"imd_smpte": (60.0, 7000.0, -12.04, -2.0), "imd_difference": (9500.0, 10_500.0, 0.0, -6.0)}


def cue(kind, number, level_db, **parameters):
    return Cue(
        name=f"{kind} {number}",
        kind=kind,
        channel=0,
        start_samples=(2 + number) * RATE,
        length_samples=RATE // 2,
        level_db=level_db,
        parameters=parameters,
    )


@pytest.fixture(scope="module")
def stated():
    ladder = [(f, level) for f in (315.0, 10_000.0) for level in (-10.0, 0.0)]
    cues = [cue("tone", i, level, frequency_hz=f, purpose="ladder") for i, (f, level) in enumerate(ladder)]
    cues.append(cue("tone", 5, 0.0, frequency_hz=4000.0, purpose="distortion"))
    cues += [
        cue("two_tone", 6 + i, level, first_hz=first, second_hz=second, second_db=second_db, purpose=purpose)
        for i, (purpose, (first, second, second_db, level)) in enumerate(PAIRS.items())
    ]
    cues.append(cue("sweep", 8, -20.0))
    cues += [
        Cue(name=kind, kind=kind, channel=0, start_samples=at * RATE, length_samples=4800, level_db=-3.0)
        for kind, at in (("marker_start", 1), ("marker_end", 11))
    ]
    sheet = CueSheet(
        stimulus="main",
        session="test",
        code=1,
        sample_rate=RATE,
        samples=12 * RATE,
        reference_dbfs=-18.0,
        channels=(Channel(role="programme", track=1),),
        cues=tuple(cues),
    )
    return truth(STILL, sheet, 1, passes=[1], tool_version="0", created="now")


def heard(sent):
    """What track 1 of the running deck makes of two seconds, in units of 0 VU; its second second, from 0.7 s on."""
    block = np.zeros((2 * RATE, 4))
    block[:, 0] = PEAK * sent
    deck = VirtualDeck(STILL, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(block)
    deck.play(1)
    out = deck.process(np.zeros_like(block))[round(0.7 * RATE) : round(1.7 * RATE), 0] / PEAK
    deck.close()
    return out


@pytest.mark.parametrize("quantity", list(PAIRS))
def test_intermodulation_is_what_the_running_deck_returns(stated, quantity):
    first, second, second_db, level_db = PAIRS[quantity]
    time = np.arange(2 * RATE) / RATE
    sent = np.sin(2 * np.pi * first * time) + 10.0 ** (second_db / 20.0) * np.sin(2 * np.pi * second * time)
    # One second: every product is a bin of the spectrum.
    line = 2.0 / RATE * np.abs(np.fft.rfft(heard(10.0 ** (level_db / 20.0) * sent)))
    low, high = int(first), int(second)
    if quantity == "imd_smpte":
        orders = (line[high + low] + line[high - low], line[high + 2 * low] + line[high - 2 * low])
        expected = 100.0 * np.hypot(*orders) / line[high]
    else:
        expected = 100.0 * np.hypot(line[high - low], line[2 * low - high] + line[2 * high - low]) / (line[low] + line[high])
    (found,) = stated.find(quantity, first_hz=first, second_hz=second, level_db=level_db)
    assert found.unit == "%"
    assert found.value == pytest.approx(expected, rel=0.02)


def test_one_sine_as_a_wave_is_the_steady_sine():
    angle = 2.0 * np.pi * np.arange(1024) / 1024
    as_wave = steady_wave(STILL, 10.0 ** (3.0 / 20.0) * np.sin(7 * angle), 100.0, 0, {0})
    sine = steady_sine(STILL, 700.0, 3.0, 0, {0}, 1024)
    assert np.abs(as_wave[[7, 14, 21]]) == pytest.approx(np.abs(sine[[1, 2, 3]]), rel=2e-3)


def test_maximum_and_saturated_output_are_where_a_fine_ladder_puts_them(stated):
    reference = abs(steady_sine(STILL, 1000.0, 0.0, 0, {0})[1])
    levels = np.arange(3.0, 8.0, 0.1)
    sines = np.array([steady_sine(STILL, 315.0, level, 0, {0})[:4] for level in levels])
    percent = 100.0 * np.abs(sines[:, 3] / sines[:, 1])
    output = 20.0 * np.log10(np.abs(sines[:, 1]) / reference)
    (mol,) = stated.find("mol_315", frequency_hz=315.0)
    assert mol.value == pytest.approx(np.interp(3.0, percent, output), abs=0.005)
    (sol,) = stated.find("sol_10k", frequency_hz=10_000.0)
    highest = max(abs(steady_sine(STILL, 10_000.0, level, 0, {0})[1]) for level in (18.0, 24.0))
    assert sol.value == pytest.approx(20.0 * np.log10(highest / reference), abs=0.02)


def test_thd_n_is_distortion_and_noise_together(stated):
    """Of a still deck without noise it is THD; with hiss what the running deck's silence adds."""
    for frequency, level in ((315.0, -10.0), (4000.0, 0.0)):
        (thd_n,) = stated.find("thd_n", frequency_hz=frequency, level_db=level)
        (thd,) = stated.find("thd", frequency_hz=frequency, level_db=level)
        assert thd_n.value == pytest.approx(thd.value, rel=0.01)
        assert thd_n.value > thd.value
    assert not stated.find("thd", frequency_hz=10_000.0)
    assert not stated.find("harmonic_5", frequency_hz=4500.0)


def test_phase_is_that_of_a_sine_through_the_running_deck(stated):
    (curve,) = stated.find_curves("phase_response", level_db=-20.0)
    time = np.arange(2 * RATE) / RATE
    for frequency in (62.5, 1000.0, 8000.0):
        out = heard(0.1 * np.sin(2 * np.pi * frequency * time))
        used = time[round(0.7 * RATE) : round(1.7 * RATE)]
        turned = np.angle(1j * np.mean(out * np.exp(-2j * np.pi * frequency * used)), deg=True)
        turned += 360.0 * frequency * response_delay_s(STILL, 0, {0})
        apart = np.interp(frequency, curve.x.array, curve.y.array) - turned
        assert abs((apart + 180.0) % 360.0 - 180.0) < 0.5


def test_group_delay_is_the_slope_of_the_phase(stated):
    (curve,) = stated.find_curves("group_delay", level_db=-20.0)
    for frequency in (30.0, 100.0, 1000.0, 10_000.0):
        close = frequency * np.array([1.0 - 1e-4, 1.0 + 1e-4])
        below, above = linear_response(close, STILL, 0, {0})
        slope = -np.angle(above / below) / (2.0 * np.pi * np.diff(close)[0])
        told = np.interp(np.log(frequency), np.log(curve.x.array), curve.y.array)
        assert told == pytest.approx(slope - response_delay_s(STILL, 0, {0}), abs=0.002 / frequency)


def test_polarity_is_that_of_a_raised_cosine_that_the_running_deck_returns(stated):
    time = np.arange(2 * RATE) / RATE
    sent = np.where(np.abs(time - 1.2) < 5e-4, 0.1 * (1.0 + np.cos(2.0 * np.pi * 1000.0 * (time - 1.2))), 0.0)
    out = heard(sent)
    assert [r.value for r in stated.find("polarity")] == [np.sign(out[np.argmax(np.abs(out))])]


def test_a_band_that_reaches_beyond_the_curve_has_its_limit_there(stated):
    """The response is that of the bass as the tape gives it back, 3 dB below 1 kHz under 19.7 Hz, where the curve begins."""
    (low,) = stated.find("bandwidth_low", level_db=-20.0)
    edge, at_1k = np.abs(linear_response(np.array([low.value, 1000.0]), STILL, 0, {0}))
    assert 20.0 * np.log10(edge / at_1k) == pytest.approx(-3.0, abs=0.02)
