"""The phase tracker against the Cramer-Rao bound and trajectories known in closed form."""

import numpy as np
import pytest

from analysis.phase import noise_bandwidth_hz, phase_law, resolve_cycles, track
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.cues import Cue
from signals.sweeps import Sweep

RATE = 48_000
SECONDS = 8.0
AMPLITUDE = 0.1
LINES = ((0.6, 3e-4, 0.3), (2.8, 1.5e-4, 1.0), (6.1, 1e-4, 2.0), (13.0, 1e-4, 0.5), (50.0, 3e-5, 0.2))


def delay_of(time: np.ndarray) -> np.ndarray:
    """Delay over output time: 0.16 s, 0.1 % slow, and flutter of a fair deck."""
    flutter = sum(peak / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + phase) for f, peak, phase in LINES)
    return 0.16 + 0.001 * time + flutter


def tone_cue(frequency_hz: float) -> Cue:
    samples = round(SECONDS * RATE)
    return Cue(
        name="p", kind="pilot", channel=0, start_samples=0, length_samples=samples, parameters={"frequency_hz": frequency_hz}
    )


def returned(frequency_hz: float, delay: np.ndarray, snr_db: float | None, seed: int = 0) -> np.ndarray:
    """Tone behind a delay over output time; noise `snr_db` below it in 20 kHz."""
    time = np.arange(delay.size) / RATE
    tone = AMPLITUDE * np.sin(2 * np.pi * frequency_hz * (time - delay))
    if snr_db is None:
        return tone
    noise = np.random.default_rng(seed).standard_normal(tone.size) * np.sqrt(RATE / 2 / 20_000)
    return tone + AMPLITUDE / np.sqrt(2) * 10 ** (-snr_db / 20) * noise


def over_time() -> np.ndarray:
    return np.arange(round(SECONDS * RATE)) / RATE


STRAIGHT = Timebase.line(0.0, SECONDS, 0.16, 0.16 + 0.001 * SECONDS)
SPAN = (0.3, SECONDS - 0.5)


def tracked(wave: np.ndarray, frequency_hz: float, timebase: Timebase = STRAIGHT, bandwidth_hz: float = 200.0):
    cue = tone_cue(frequency_hz)
    return track(ArrayAudio(wave[:, None], RATE), 0, phase_law(cue, RATE), timebase, SPAN, bandwidth_hz, 1e-3)


@pytest.mark.parametrize("frequency_hz", [1000.0, 3700.0, 6300.0])
@pytest.mark.parametrize("snr_db", [50.0, 40.0])
def test_the_pilot_is_read_at_the_bound_and_says_so(frequency_hz: float, snr_db: float) -> None:
    readings = tracked(returned(frequency_hz, delay_of(over_time()), snr_db), frequency_hz)
    error = readings.delay_s - delay_of(readings.time_s)
    error -= np.round(np.median(error) * frequency_hz) / frequency_hz
    density = 2 * AMPLITUDE**2 / 2 * 10 ** (-snr_db / 10) / 20_000 / 2
    bound = np.sqrt(2 * density * 200.0) / (2 * np.pi * frequency_hz * AMPLITUDE)  # Rife, Boorstyn 1974
    assert abs(np.median(error)) < bound
    assert np.std(error) < 2.0 * bound
    # The low-pass lets in less noise than a box of 200 Hz; the stated variance is that of the readings.
    assert np.std(error) > 0.8 * bound
    assert np.sqrt(np.median(readings.variance)) == pytest.approx(np.std(error), rel=0.1)
    assert np.median(readings.amplitude) == pytest.approx(AMPLITUDE, rel=0.01)


def test_white_noise_has_the_stated_bandwidth() -> None:
    readings = tracked(returned(3700.0, np.full(round(SECONDS * RATE), 0.16), 40.0), 3700.0, Timebase.line(0, 8, 0.16, 0.16))
    density = AMPLITUDE**2 / 2 * 1e-4 / 20_000
    variance = density * 2 * noise_bandwidth_hz(200.0, RATE) / (2 * np.pi * 3700.0 * AMPLITUDE) ** 2
    assert np.var(readings.delay_s) == pytest.approx(variance, rel=0.1)


@pytest.mark.parametrize("rate", [44_100, 88_200])
def test_readings_stand_a_whole_number_of_samples_apart(rate: int) -> None:
    wave = np.sin(2 * np.pi * 1000.0 * np.arange(2 * rate) / rate)[:, None]
    law = phase_law(tone_cue(1000.0), rate)
    readings = track(ArrayAudio(wave, rate), 0, law, Timebase.line(0, 2, 0, 0), (0.1, 1.9), 200.0, 1e-3)
    assert readings.step_s * rate == pytest.approx(round(1e-3 * rate), abs=1e-6)


def test_a_dropout_slips_no_cycle() -> None:
    slips = 0
    for seed in range(12):
        delay = delay_of(over_time())
        wave = returned(3700.0, delay, 50.0, seed)
        for start_s in (2.0, 3.5, 5.0):
            dip = slice(round((start_s + 0.01 * seed) * RATE), round((start_s + 0.01 * seed + 0.01) * RATE))
            wave[dip] = 0.1 * wave[dip]
        readings = tracked(wave, 3700.0)
        error = readings.delay_s - delay_of(readings.time_s)
        slips += int(np.abs(error - np.median(error)).max() > 0.25 / 3700.0)
    assert slips == 0


def test_a_tone_that_is_gone_is_not_read() -> None:
    wave = returned(3700.0, delay_of(over_time()), 50.0)
    wave[3 * RATE : 4 * RATE] = 0.0
    readings = tracked(wave, 3700.0)
    gone = (readings.time_s > 3.01) & (readings.time_s < 3.99)
    assert np.all(np.isinf(readings.variance[gone]))
    there = (readings.time_s < 2.98) | (readings.time_s > 4.02)
    assert np.all(np.isfinite(readings.variance[there]))


def test_nothing_is_read_from_noise_as_loud_as_the_tone_in_its_band() -> None:
    wave = returned(3700.0, delay_of(over_time()), 50.0)
    wave[3 * RATE : 4 * RATE] = np.random.default_rng(1).uniform(-1.0, 1.0, RATE)
    readings = tracked(wave, 3700.0)
    drowned = (readings.time_s > 3.0) & (readings.time_s < 4.0)
    assert np.all(np.isinf(readings.variance[drowned]))
    there = (readings.time_s < 2.85) | (readings.time_s > 4.15)
    assert np.all(np.isfinite(readings.variance[there]))


def test_nothing_is_read_from_silence() -> None:
    readings = tracked(np.zeros(round(SECONDS * RATE)), 3700.0)
    assert np.all(np.isinf(readings.variance))
    assert np.all(np.isfinite(readings.delay_s))


@pytest.mark.parametrize("speed", [0.97, 1.03])
def test_three_per_cent_of_speed_are_followed_from_a_rough_line(speed: float) -> None:
    time = over_time()
    slope = 1.0 - speed
    truth = 0.16 + slope * time + delay_of(time) - 0.16 - 0.001 * time
    wave = returned(3700.0, truth, 50.0)
    # The markers give the speed to 0.1 % and better.
    end = SECONDS * (1 / speed - 1)
    rough = Timebase.line(0.0, SECONDS, 0.16 / speed, 0.16 / speed + end + 0.001 * SECONDS)
    readings = tracked(wave, 3700.0, rough)
    error = readings.delay_s - np.interp(readings.time_s, time, truth)
    assert np.std(error) < 0.03e-6


def test_an_inverted_tone_is_taken_half_a_cycle_off() -> None:
    known = np.array([1.0, 3.0, 6.0])
    for sign in (1.0, -1.0):
        wave = sign * returned(3700.0, delay_of(over_time()), 50.0)
        readings = resolve_cycles(tracked(wave, 3700.0), 3700.0, known, delay_of(known) + 20e-6)
        error = readings.delay_s - delay_of(readings.time_s)
        assert abs(np.median(error)) < 0.1e-6
        assert np.std(error) < 0.03e-6


@pytest.mark.parametrize("true_cycles", [-3, 0, 7])
def test_whole_cycles_are_settled_by_known_moments(true_cycles: int) -> None:
    readings = tracked(returned(3700.0, delay_of(over_time()), 50.0), 3700.0)
    known = np.linspace(1.0, 7.0, 9)
    offset = true_cycles / 3700.0
    # Known to 40 us each; half a cycle is 135 us.
    told = delay_of(known) + offset + 40e-6 * np.random.default_rng(0).standard_normal(9)
    settled = resolve_cycles(readings, 3700.0, known, told)
    assert np.median(settled.delay_s - delay_of(settled.time_s)) == pytest.approx(offset, abs=0.1e-6)


def test_a_sweep_is_tracked() -> None:
    sweep = Sweep.design(20.0, 20_000.0, 6.0)
    start_s = 0.5
    parameters = {"low_hz": sweep.low_hz, "high_hz": sweep.high_hz, "rate_s": sweep.rate_s}
    cue = Cue(
        name="s", kind="sweep", channel=0, start_samples=round(start_s * RATE), length_samples=sweep.samples(RATE),
        parameters=parameters,
    )  # fmt: skip
    time = over_time()
    moment = time - delay_of(time) - start_s
    wave = np.where(
        (moment > 0) & (moment < sweep.duration_s), np.sin(sweep.phase(np.clip(moment, 0, sweep.duration_s))), 0.0
    )
    rng = np.random.default_rng(0)
    noisy = AMPLITUDE * wave + AMPLITUDE / np.sqrt(2) * 10 ** (-45 / 20) * rng.standard_normal(wave.size)
    span = (start_s + float(sweep.time_s(np.array(300.0))), start_s + float(sweep.time_s(np.array(12_000.0))))
    readings = track(ArrayAudio(noisy[:, None], RATE), 0, phase_law(cue, RATE), STRAIGHT, span, 60.0, 2.5e-3)
    error = readings.delay_s - delay_of(readings.time_s)
    # 300 Hz at the start is read to 1 us, and better in proportion to the frequency.
    assert np.sqrt(np.mean((error / np.sqrt(readings.variance)) ** 2)) < 2.2
    assert np.std(error[readings.time_s - 0.66 > float(sweep.time_s(np.array(2000.0)))]) < 0.3e-6


def bound_s(frequency_hz: float, snr_db: float, bandwidth_hz: float) -> float:
    """Cramer-Rao bound of the delay of a tone over one-sided noise, sqrt(2 N0 B) / (2 pi f A) (Rife, Boorstyn 1974)."""
    density = AMPLITUDE**2 / 2 * 10 ** (-snr_db / 10) / 20_000
    return np.sqrt(2 * density * bandwidth_hz) / (2 * np.pi * frequency_hz * AMPLITUDE)


def test_the_trajectory_of_a_pilot_at_50_db_is_within_twice_the_bound() -> None:
    """Twelve draws of noise; flutter to 50 Hz, 1 dB of amplitude modulation, and ten dropouts of 20 dB that are passed by."""
    errors, in_dips, claimed = [], [], []
    for seed in range(12):
        delay = delay_of(over_time())
        wave = returned(3700.0, delay, 50.0, seed)
        time = over_time()
        wave *= 1.0 + 0.06 * np.sin(2 * np.pi * 4.0 * time) + 0.06 * np.sin(2 * np.pi * 11.0 * time + seed)
        dips = np.linspace(0.6, SECONDS - 0.8, 10) + 0.02 * seed
        for start_s in dips:
            wave[round(start_s * RATE) : round((start_s + 0.01) * RATE)] *= 0.1
        readings = tracked(wave, 3700.0)
        error = readings.delay_s - delay_of(readings.time_s)
        error -= np.round(np.median(error) * 3700.0) / 3700.0
        beside = np.min(np.abs(readings.time_s[:, None] - dips[None, :] - 0.005), axis=1) < 0.015
        errors.append(error[~beside])
        claimed.append(np.abs(error[~beside]) < 1.96 * np.sqrt(readings.variance[~beside]))
        in_dips.append(error[beside])
    assert np.sqrt(np.mean(np.concatenate(errors) ** 2)) < 2.0 * bound_s(3700.0, 50.0, 200.0)
    assert np.max(np.abs(np.concatenate(in_dips))) < 1.5e-6
    assert 0.9 < np.mean(np.concatenate(claimed)) < 0.99


@pytest.mark.parametrize(("dips", "limit_s"), [(0, 5e-9), (10, 1.5e-6)])
def test_amplitude_modulation_and_dropouts_are_no_flutter(dips: int, limit_s: float) -> None:
    """A tone that does not move: half its amplitude swings, and 20 dB fall out for 20 ms with edges as hard as can be."""
    time = over_time()
    wave = returned(3700.0, np.full(time.size, 0.16), None)
    wave *= 1.0 + 0.5 * np.sin(2 * np.pi * 6.0 * time)
    for start_s in np.linspace(0.6, SECONDS - 0.8, dips):
        wave[round(start_s * RATE) : round((start_s + 0.02) * RATE)] *= 0.1
    readings = tracked(wave, 3700.0, Timebase.line(0.0, SECONDS, 0.16, 0.16))
    away = np.abs(readings.delay_s - np.median(readings.delay_s))
    assert np.max(away) < limit_s
    assert np.sqrt(np.mean(away**2)) < 0.1e-6
