"""The truth of a deck without bias against the running deck, and the preset that has this law."""

import numpy as np
import pytest

from modeling.deck.deck import VirtualDeck
from modeling.deck.parameters import load_parameters
from modeling.deck.steady_state import linear_response, response_delay_s, steady_sine, steady_wave
from tests.modeling.still_deck import MOTIONLESS, SILENT

RATE = 48_000
PEAK = 10.0 ** (-18.0 / 20.0)
PRESET = load_parameters("hysteresis")
STILL = PRESET.changed({**MOTIONLESS, **SILENT})
TIME_S = np.arange(2 * RATE) / RATE
SETTLED = slice(round(0.7 * RATE), round(1.7 * RATE))


def db(ratio):
    return 20.0 * np.log10(np.abs(ratio))


def heard(parameters, sent):
    """Two seconds on track 1 of the running deck, in units of 0 VU."""
    block = np.zeros((2 * RATE, 4))
    block[:, 0] = PEAK * sent
    deck = VirtualDeck(parameters, RATE, -18.0, 0)
    deck.arm([1])
    deck.process(block)
    deck.play(1)
    out = deck.process(np.zeros_like(block))[:, 0] / PEAK
    deck.close()
    return out


@pytest.mark.parametrize("speed", [9.5, 4.8])
@pytest.mark.parametrize(
    ("frequency_hz", "level_db"), [(40.0, -20), (315.0, 0), (1000.0, 10), (10_000.0, -20), (14_000.0, 0)]
)
def test_running_deck_returns_the_stated_sine(speed, frequency_hz, level_db):
    still = STILL.changed({"speed_cm_s": speed})
    sent = 10.0 ** (level_db / 20.0) * np.sin(2.0 * np.pi * frequency_hz * TIME_S)
    out = heard(still, sent)[SETTLED]
    found = [2.0 * np.mean(out * np.exp(-2j * np.pi * n * frequency_hz * TIME_S[SETTLED])) for n in range(4)]
    stated = steady_sine(still, frequency_hz, level_db, 0, {0})
    assert db(found[1] / stated[1]) == pytest.approx(0.0, abs=0.03)
    assert abs(np.angle(found[1] / stated[1])) / (2.0 * np.pi * frequency_hz) < 0.3e-6
    if frequency_hz <= 1000.0:
        assert db(found[3] / stated[3]) == pytest.approx(0.0, abs=0.1)
        assert db(found[2] / stated[2]) == pytest.approx(0.0, abs=0.2)


def test_running_deck_returns_the_stated_two_tones():
    sent = np.sin(2 * np.pi * 60.0 * TIME_S) + 0.25 * np.sin(2 * np.pi * 7000.0 * TIME_S)
    line = 2.0 / RATE * np.abs(np.fft.rfft(heard(STILL, sent)[SETTLED]))
    points = 1 << 13
    angle = 2.0 * np.pi * np.arange(points) / points
    stated = np.abs(steady_wave(STILL, np.sin(3 * angle) + 0.25 * np.sin(350 * angle), 20.0, 0, {0}))
    for order in (347, 353, 344, 356):
        assert line[20 * order] / line[7000] == pytest.approx(stated[order] / stated[350], rel=0.02)


def test_the_response_at_low_level_is_that_of_a_sine_there():
    """Not that of a smaller one: the law has no small signal."""
    for frequency_hz in (50.0, 1000.0, 12_000.0):
        f = np.array([frequency_hz])
        for level_db in (-20.0, -40.0):
            sine = steady_sine(PRESET, frequency_hz, level_db, 1, {0, 1})[1] / (-1j * 10.0 ** (level_db / 20.0))
            assert abs(sine / linear_response(f, PRESET, 1, {0, 1}, level_db=level_db)[0] - 1.0) < 1e-3


def test_response_delay_is_found_in_the_sweep_that_the_deck_returns():
    """PHAT cross-correlation, 400 Hz to 6 kHz, of a sweep of -20 dB through the running deck."""
    length_s = 1.5
    time_s = TIME_S[: round(length_s * RATE)]
    rising = np.minimum(1.0, np.minimum(time_s, length_s - time_s) / 0.05)
    sent = np.zeros(2 * RATE)
    sent[: time_s.size] = (
        0.1 * rising * np.sin(2.0 * np.pi * (200.0 * time_s + (8000.0 - 200.0) / (2.0 * length_s) * time_s**2))
    )
    out = heard(STILL, sent)
    f = np.fft.rfftfreq(out.size, 1.0 / RATE)
    used = (f >= 400.0) & (f <= 6000.0)
    response = (np.fft.rfft(out) / np.fft.rfft(sent))[used]
    tau = np.arange(-300e-6, 300e-6, 0.1e-6)
    fine = np.linspace(0, used.sum() - 1, 4000).astype(int)
    peak = np.abs(np.exp(2j * np.pi * np.outer(tau, f[used][fine])) @ (response / np.abs(response))[fine])
    assert tau[np.argmax(peak)] == pytest.approx(response_delay_s(STILL, 0, {0}), abs=0.3e-6)


def test_harmonics_hardly_fold_back():
    """5 kHz at 0 VU: nothing but the tone and its harmonics below 20 kHz above -70 dB, which is 1 of 3000."""
    still = STILL.changed({"electronics.asymmetry": 0.0})
    out = heard(still, np.sin(2.0 * np.pi * 5000.0 * TIME_S))[SETTLED]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(RATE)))
    tone = spectrum[5000]
    for harmonic_hz in range(0, 20_001, 5000):
        spectrum[max(0, harmonic_hz - 5) : harmonic_hz + 6] = 0.0
    assert db(spectrum[:20_000].max() / tone) < -70.0


@pytest.mark.parametrize("speed", [9.5, 4.8])
def test_the_preset_is_as_it_was_fitted(speed):
    """Flat within 0.5 dB from 40 Hz to 14 kHz, 3 % of third harmonic near +5 dB, 0 VU returned as 0 VU."""
    deck = PRESET.changed({"speed_cm_s": speed, "tracks.gain_db": (0.0, 0.0, 0.0, 0.0)})
    f = np.geomspace(40.0, 14_000.0, 25)
    level_db = np.array([db(steady_sine(deck, x, -20.0, 0, {0}, 256)[1]) for x in f])
    assert np.abs(level_db - np.interp(1000.0, f, level_db)).max() < 0.5
    assert db(steady_sine(deck, 315.0, 0.0, 0, {0}, 256)[1]) == pytest.approx(0.0, abs=0.05)
    levels = np.arange(4.0, 6.01, 0.25)
    sines = np.array([steady_sine(deck, 315.0, level, 0, {0}, 256)[:4] for level in levels])
    assert np.interp(0.03, np.abs(sines[:, 3] / sines[:, 1]), db(sines[:, 1])) == pytest.approx(5.0, abs=0.05)
