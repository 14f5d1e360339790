"""Delay trajectory from the programme alone: real tape against the pulses of its other track, and simulations with known truth."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, resample_poly, sosfilt

from analysis.alignment import align_channels
from analysis.dewarp import interpolate
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.errors import SignalError
from signals.music import compose

REAL = Path(__file__).parents[2].parent / "shared" / "real" / "reel_to_reel"
needs_tape = pytest.mark.skipif(not REAL.is_dir(), reason=f"no real recordings at {REAL}")


def align_pair(dry, wet, rate):
    return align_channels(ArrayAudio(dry[:, None], rate), ArrayAudio(wet[:, None], rate), 0, 0)


def pulse_delays(take: int) -> tuple[np.ndarray, np.ndarray]:
    """Sent times and delays in s of the 100 Hz pulses on the other track, each fitted to the mean returned pulse.

    The constant is arbitrary: what a pulse's moment is depends on its shape.
    """
    sent, rate = soundfile.read(REAL / f"take{take}_input_R.wav")
    returned, _ = soundfile.read(REAL / f"take{take}_target_R.wav")
    places = np.flatnonzero(sent > 0.7 * sent.max())
    head, half = round(0.1605 * rate), 60
    places = places[places + head + half < returned.size]
    spectra = np.fft.rfft([returned[p + head - half : p + head + half] for p in places], axis=1)
    cycles = np.fft.rfftfreq(2 * half)
    lag = np.zeros(places.size)
    for reach, step in ((25.0, 0.25), (25.0, 0.25), (0.5, 0.01), (0.5, 0.01), (0.5, 0.01)):
        template = np.mean(spectra * np.exp(2j * np.pi * cycles * lag[:, None]), axis=0)
        offsets = np.arange(-reach, reach, step)
        start = np.zeros(places.size) if reach > 1.0 else lag
        turned = spectra * np.conj(template) * np.exp(2j * np.pi * cycles * start[:, None])
        lag = start + offsets[np.argmax(np.real(turned @ np.exp(2j * np.pi * np.outer(cycles, offsets))), axis=1)]
    return places / rate, (head + lag) / rate


def pair(take: int) -> tuple[np.ndarray, np.ndarray, int]:
    dry, rate = soundfile.read(REAL / f"take{take}_input_L.wav")
    wet, _ = soundfile.read(REAL / f"take{take}_target_L.wav")
    return dry, wet, rate


def wander(error_s: np.ndarray) -> float:
    return float(np.sqrt(np.mean((error_s - np.median(error_s)) ** 2)))


@needs_tape
@pytest.mark.parametrize(("take", "limit_s"), [(1, 2.46e-6), (2, 4.7e-6)])
def test_music_from_real_tape_agrees_with_the_pulses_beside_it(take, limit_s):
    """2.5 us is the difference between the tracks themselves."""
    time, delay = pulse_delays(take)
    inside = (time > 0.3) & (time < 4.6)
    estimate = align_pair(*pair(take)).timebase
    error = estimate.delay(time)[inside] - delay[inside]
    assert wander(error) < limit_s
    assert np.median(estimate.delay(time)) == pytest.approx(0.1605, abs=0.5e-3)
    spread = np.hypot(estimate.sd(time)[inside], 2.25e-6)
    assert 0.9 < np.mean(np.abs(error - np.median(error)) < 1.96 * spread) < 0.99


@needs_tape
@pytest.mark.parametrize(("gap_s", "limit_s"), [(0.05, 14e-6), (0.1, 18e-6), (0.2, 32e-6)])
def test_where_real_tape_falls_silent_the_stated_deviation_is_that_of_the_error(gap_s, limit_s):
    """The recording falls by 60 dB while the music goes on: nothing of the trajectory there comes from what was sent."""
    time, delay = pulse_delays(1)
    dry, wet, rate = pair(1)
    rng = np.random.default_rng(5)
    found = []
    for start in (0.7, 2.3, 3.1, 3.9):
        gain = np.ones(wet.size)
        gain[round((start + 0.16) * rate) : round((start + 0.16 + gap_s) * rate)] = 1e-3
        gain = np.convolve(gain, np.hanning(131) / np.hanning(131).sum(), "same")
        hiss = 10 ** (-65 / 20) * np.sqrt(np.mean(wet**2)) * rng.standard_normal(wet.size)
        estimate = align_pair(dry, wet * gain + hiss, rate).timebase
        error = estimate.delay(time) - delay
        inside = (time > start) & (time < start + gap_s)
        found.append((error[inside] - np.median(error), np.hypot(estimate.sd(time)[inside], 2.25e-6)))
    error, spread = (np.concatenate(x) for x in zip(*found, strict=True))
    assert np.sqrt(np.mean(error**2)) < limit_s
    assert np.mean(np.abs(error) < 1.96 * spread) > 0.85


@needs_tape
@pytest.mark.parametrize("speed", [0.98, 1.004, 1.1])
def test_another_speed_and_a_late_start_change_nothing(speed):
    dry, wet, rate = pair(1)
    offset = 2.0
    moved = interpolate(wet, np.arange(int(wet.size / speed)) * speed)
    estimate = align_pair(dry, np.concatenate((np.zeros(round(offset * rate)), moved)), rate).timebase
    time, delay = pulse_delays(1)
    inside = (time > 0.3) & (time < 4.6)
    expected = offset + (time + delay) / speed - time
    assert wander((estimate.delay(time) - expected)[inside]) < 3e-6


def simulated(
    rate: int, seconds: float, wow_percent: float, hiss_db: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Music through a gentle filter, a fluttering tape and hiss; with output times and true delays."""
    dry = compose(4, seconds, 48_000, "band")
    if rate != 48_000:
        dry = interpolate(dry, np.arange(int(seconds * rate)) * 48_000 / rate)
    filtered = sosfilt(butter(1, [40.0, 0.38 * rate], "bandpass", fs=rate, output="sos"), dry)
    time = np.arange(int((seconds + 1.0) * rate)) / rate
    lines = ((0.6, wow_percent), (2.7, 0.05), (7.6, 0.04), (15.2, 0.03))
    delay = 0.4 + 0.002 * time + sum(p / 100.0 / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + f) for f, p in lines)
    wet = interpolate(filtered, (time - delay) * rate)
    rng = np.random.default_rng(2)
    wet += np.sqrt(np.mean(dry**2)) * 10.0 ** (hiss_db / 20.0) * rng.standard_normal(wet.size)
    return dry, wet, time, delay


@pytest.mark.parametrize(
    ("rate", "speed"), [(8000, 0.88), (22_050, 1.12), pytest.param(96_000, 1.0, marks=pytest.mark.slow)]
)
def test_every_rate_and_speed_is_followed(rate, speed):
    dry = resample_poly(compose(4, 16.0, 48_000, "band"), rate // 50, 48_000 // 50)
    time = np.arange(int((16.0 / speed + 1.0) * rate)) / rate
    lines = ((0.6, 1.5e-3), (2.7, 5e-4), (7.6, 4e-4), (15.2, 3e-4), (19.5, 2e-4))
    position = speed * (time - 0.4) - sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + f) for f, p in lines)
    wet = interpolate(dry, position * rate)
    wet += 10 ** (-45 / 20) * np.sqrt(np.mean(dry**2)) * np.random.default_rng(2).standard_normal(wet.size)
    estimate = align_pair(dry, wet, rate).timebase
    grid = np.arange(1.0, 15.0, 0.01)
    error = estimate.delay(grid) - (np.interp(grid, position, time) - grid)
    heard = estimate.sd(grid) < 8e-6
    assert heard.mean() > 0.65
    assert wander(error[heard]) < 5e-6
    within = np.abs(error - np.median(error[heard])) < 1.96 * np.hypot(estimate.sd(grid), 0.3e-6)
    assert within.mean() > 0.9


@pytest.mark.parametrize("rate", [44_100, pytest.param(16_000, marks=pytest.mark.slow)])
def test_a_simulated_tape_is_followed_through_wow_and_hiss(rate):
    dry, wet, time, delay = simulated(rate, 40.0, 0.2, -45.0)
    estimate = align_pair(dry, wet, rate).timebase
    grid = np.arange(1.0, 38.0, 0.01)
    expected = np.interp(grid, time - delay, delay)
    error = estimate.delay(grid) - expected
    sure = estimate.sd(grid) < 1e-6
    assert sure.mean() > 0.5
    assert wander(error[sure]) < 1e-6
    # Where little sounds the trajectory is less sure, and says so; it never takes one cycle for another unawares.
    heard = estimate.sd(grid) < 50e-6
    assert wander(error[heard]) < 10e-6
    within = np.abs(error - np.median(error[sure])) < 2.0 * np.hypot(estimate.sd(grid), 0.3e-6)
    assert within.mean() > 0.95


def test_two_recordings_that_do_not_belong_together_are_refused():
    rng = np.random.default_rng(5)
    with pytest.raises(SignalError, match="nothing in common"):
        align_pair(compose(1, 20.0, 48_000, "band"), 0.1 * rng.standard_normal(20 * 48_000), 48_000)


def test_an_inverted_recording_has_an_inverted_response():
    dry, wet, _, _ = simulated(48_000, 15.0, 0.1, -50.0)
    for sign in (1.0, -1.0):
        found = align_pair(dry, sign * wet, 48_000)
        middle = (found.frequency_hz > 300.0) & (found.frequency_hz < 2000.0)
        assert np.sign(np.sum(found.response[middle].real)) == sign


def test_a_pilot_beside_the_programme_of_a_pair_tells_what_music_does_not():
    """Music that pauses for two seconds, on a tape that wows and flutters; the pilot begins at any phase."""
    rate, seconds = 48000, 16
    rng = np.random.default_rng(1)
    dry = 0.3 * compose(3, seconds, rate, "chamber")
    dry[8 * rate : 10 * rate] = 0.0
    pilot = 0.1 * np.sin(2.0 * np.pi * 3147.3 * np.arange(dry.size) / rate + 1.1)
    grid = np.arange(-0.5, seconds + 0.5, 1e-3)
    delay = 0.3 + 1e-3 * grid
    for frequency, amplitude in ((0.9, 6e-5), (9.0, 1e-5), (37.0, 2e-6)):
        delay += amplitude * np.sin(2.0 * np.pi * frequency * grid)
    truth = Timebase(-0.5, 1e-3, delay, np.full(grid.size, 1e-9))
    place = truth.input_time(np.arange(dry.size + rate) / rate)
    wet = np.stack([interpolate(wave, place * rate) for wave in (np.tanh(2.0 * dry), 0.8 * pilot)], axis=1)
    wet += 3e-4 * rng.standard_normal(wet.shape)
    time = np.arange(0.5, seconds - 1.0, 1e-3)
    errors = []
    for count in (1, 2):
        sent, returned = np.stack([dry, pilot], axis=1)[:, :count], wet[:, :count]
        found = align_channels(ArrayAudio(sent, rate), ArrayAudio(returned, rate), 0, 0)
        errors.append(wander(found.timebase.delay(time) - truth.delay(time)))
    assert errors[1] < 0.6e-6
    assert errors[1] < 0.1 * errors[0]
