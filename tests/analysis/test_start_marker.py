"""The moment of the start marker without a pilot, through a bent phase and flutter that are known in closed form."""

import numpy as np
import pytest

from analysis import chirps
from analysis.alignment import align_take
from analysis.dewarp import interpolate
from analysis.subjects import time as subject
from analysis.take import Take
from analysis.timebase import Timebase
from signals import markers
from signals.audio import ArrayAudio
from signals.stimulus import Piece, Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(4.0, (315.0,), (0.0,), 0.5, (-20.0,), 3.0, 2.0, 0.5, (Piece("band", 6.0, 0.0, "train"),))
LINES = ((0.7, 1.5e-3), (2.5, 1.5e-3), (14.0, 6e-4), (31.0, 2e-4))  # flutter: Hz, peak
BEND_HZ = 2500.0
HISS = 3e-4  # re a marker of 0.09


def all_pass(frequency_hz: np.ndarray) -> np.ndarray:
    return (1.0 - 1j * frequency_hz / BEND_HZ) / (1.0 + 1j * frequency_hz / BEND_HZ)


def linear_phase_s() -> float:
    """What of it counts as latency: the delay that straightens its phase best from 400 Hz to 6 kHz, every hertz alike."""
    f = np.arange(400.0, 6001.0)
    lags = np.arange(0.0, 200e-6, 0.05e-6)
    return float(lags[np.argmax([np.abs(np.sum(all_pass(f) * np.exp(2j * np.pi * f * lag))) for lag in lags])])


def motion(time: np.ndarray, seed: int) -> np.ndarray:
    """Place on the stimulus that is heard at a time of the recording."""
    phases = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, len(LINES))
    wow = (p / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + a) for (f, p), a in zip(LINES, phases, strict=True))
    return 1.004 * time - 0.7 + sum(wow)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2, 3))])
def test_latency_without_a_pilot_is_right_within_what_it_states(seed: int) -> None:
    sheet = plan(session="start", sample_rate=RATE, tracks=[1], pilot_track=None, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    time = np.arange(sheet.samples + RATE) / RATE
    behind = np.fft.irfft(np.fft.rfft(sent[:, 0]) * all_pass(np.fft.rfftfreq(sheet.samples, 1.0 / RATE)), sheet.samples)
    heard = interpolate(behind, motion(time, seed) * RATE)
    heard += HISS * np.random.default_rng(seed).standard_normal(heard.size)
    returned = ArrayAudio(heard[:, None], RATE)
    (found,) = align_take(ArrayAudio(sent, RATE), returned, sheet, {0: 0})
    results, _ = subject.measure(Take(returned, sheet, found, {}), None)
    (latency,) = (r for r in results if r.quantity == "latency")
    marker_s = sheet.of_kind("marker_start")[0].start_samples / RATE
    true = float(np.interp(marker_s, motion(time, seed), time)) - marker_s + linear_phase_s()
    assert latency.uncertainty < 9e-6
    assert abs(latency.value - true) < min(latency.uncertainty, 4e-6)


def test_a_chirp_whose_cycle_is_in_doubt_tells_nothing() -> None:
    """A millisecond is 0.4 cycles even where the chirp is lowest."""
    wave = np.zeros(RATE)
    chirp = markers.RISING.waveform(RATE)
    wave[4800 : 4800 + chirp.size] = chirp
    placed = chirps.Placed(markers.RISING, 0.1)
    told = {}
    for sd_s in (1e-4, 1e-3):
        base = Timebase(0.0, 0.5, np.full(3, 5e-5), np.full(3, sd_s))
        told[sd_s] = placed.readings(ArrayAudio(wave[:, None], RATE), 0, base, None)
    assert np.isfinite(told[1e-4].variance).all()
    assert np.max(np.abs(told[1e-4].delay_s)) < 1e-6
    assert not np.isfinite(told[1e-3].variance).any()
