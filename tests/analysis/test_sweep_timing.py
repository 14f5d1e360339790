"""Responses of sweeps that time themselves, on tapes whose motion is known in closed form."""

import numpy as np
import pytest

from analysis import response
from analysis.dewarp import dewarp, interpolate
from analysis.sweep_timing import sweep_timebase
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.cues import Cue
from signals.sweeps import Sweep

RATE = 48_000
SWEEP = Sweep.design(10.0, 22_000.0, 4.0)
LEAD, TAIL = RATE // 2, round(1.5 * RATE)
CUE = Cue(
    name="sweep",
    kind="sweep",
    channel=0,
    start_samples=LEAD,
    length_samples=SWEEP.samples(RATE),
    level_db=0.0,
    parameters={"low_hz": SWEEP.low_hz, "high_hz": SWEEP.high_hz, "rate_s": SWEEP.rate_s},
)
TREBLE_HZ = 5000.0
BASS_HZ = 40.0
TIME = np.arange(-2.0, (LEAD + CUE.length_samples + TAIL) / RATE + 2.0, 1e-3)


def filtered(signal):
    """Through a first-order low-pass and high-pass."""
    f = np.fft.rfftfreq(1 << 19, 1.0 / RATE)
    return np.fft.irfft(np.fft.rfft(signal, 1 << 19) * passed(f))[: signal.size]


def passed(f):
    return 1.0 / (1.0 + 1j * f / TREBLE_HZ) * (1j * f / (BASS_HZ + 1j * f))


def wobbling(lines):
    """Delay of lines of (rate in Hz, peak deviation in %), 0.1 % off speed besides."""
    parts = [p / 100.0 / (2.0 * np.pi * f) * np.sin(2.0 * np.pi * f * TIME + f) for f, p in lines]
    return Timebase(TIME[0], 1e-3, 0.001 * TIME + sum(parts, 0.0 * TIME), np.zeros(TIME.size))


def error_db(lines, sign=1.0):
    """Frequencies, and the error of the response in dB, when only the mean speed is known."""
    sent = np.zeros(LEAD + CUE.length_samples + TAIL)
    sent[LEAD : LEAD + CUE.length_samples] = SWEEP.waveform(RATE, 0.1, 0.005)
    tape = wobbling(lines)
    times = np.arange(sent.size + 2000) / RATE
    returned = ArrayAudio(sign * interpolate(filtered(sent), tape.input_time(times) * RATE)[:, None], RATE)
    line = Timebase(TIME[0], 1e-3, 0.001 * TIME, np.full(TIME.size, 1e-4))
    timebase = sweep_timebase(returned, 0, CUE, RATE, line)
    lead = round(0.2 * RATE)
    got = dewarp(returned, 0, timebase, LEAD - lead, LEAD + CUE.length_samples + round(0.9 * RATE))
    found = response.measure(got, lead, SWEEP, 1.0, RATE)
    f = found.frequency_hz
    return f, 20.0 * np.log10(np.abs(found.transfer) / np.abs(passed(f)))


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("lines", [(), ((0.8, 0.1),), ((5.0, 0.1),), ((13.0, 0.1), (60.0, 0.03))])
def test_wow_and_flutter_ripple_nothing(lines, sign):
    """Left in, 0.1 % at 5 Hz would ripple by 4.34 L 2 pi 5 Hz 0.001 = 0.07 dB, and at 13 Hz by 0.18 dB."""
    f, error = error_db(lines, sign)
    assert np.abs(error[(f > 250.0) & (f < 16_000.0)]).max() < 0.02
    assert np.abs(error[(f > 100.0) & (f < 250.0)]).max() < 0.035
    assert np.abs(error[(f > 30.0) & (f < 100.0)]).max() < 0.12


@pytest.mark.parametrize("seed", [0, 1])  # what is followed in the hiss of the second turns faster than a tape can
def test_a_sweep_that_did_not_come_back_leaves_what_was_known(seed):
    wave = 1e-4 * np.random.default_rng(seed).standard_normal((LEAD + CUE.length_samples + TAIL, 1))
    line = Timebase(TIME[0], 1e-3, 0.001 * TIME, np.full(TIME.size, 1e-4))
    kept = sweep_timebase(ArrayAudio(wave, RATE), 0, CUE, RATE, line)
    assert np.all(np.diff(kept.output_time(TIME[2000:-2000])) > 0.0)
