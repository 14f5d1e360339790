import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from signals.audio import ArrayAudio
from signals.errors import SignalError
from signals.levels import Metered, dbfs, meter_level, peak_dbfs

SAMPLE_RATE = 48_000


def sine(duration_s: float, frequency_hz: float = 1000.0) -> np.ndarray:
    return np.sin(2 * np.pi * frequency_hz * np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE)


def test_a_full_scale_sine_reads_zero_on_every_scale() -> None:
    tone = sine(1.0)
    assert dbfs(tone) == pytest.approx(0.0, abs=1e-9)
    assert peak_dbfs(tone) == pytest.approx(0.0, abs=1e-9)
    assert meter_level(tone, SAMPLE_RATE) == pytest.approx(0.0, abs=1e-9)


def test_a_full_scale_square_wave_reads_three_decibels_more() -> None:
    assert dbfs(np.sign(sine(1.0, 997.0))) == pytest.approx(10 * np.log10(2), abs=1e-3)


@pytest.mark.parametrize("length_s", [0.15, 2.0])
def test_a_burst_of_half_the_window_reads_three_decibels_less(length_s: float) -> None:
    audio = np.zeros(round(length_s * SAMPLE_RATE))
    burst = sine(0.15)
    audio[-len(burst) :] = burst
    assert meter_level(audio, SAMPLE_RATE) == pytest.approx(10 * np.log10(0.5), abs=1e-6)


def test_the_meter_finds_the_loudest_stretch() -> None:
    quiet, loud = 0.1 * sine(2.0), 0.5 * sine(0.3)
    audio = np.concatenate([quiet, loud, quiet])
    assert meter_level(audio, SAMPLE_RATE) == pytest.approx(20 * np.log10(0.5), abs=1e-6)


def test_the_loudest_channel_counts() -> None:
    audio = np.stack([0.25 * sine(1.0), 0.5 * sine(1.0)], axis=1)
    for reading in (dbfs(audio), peak_dbfs(audio), meter_level(audio, SAMPLE_RATE)):
        assert reading == pytest.approx(20 * np.log10(0.5), abs=1e-9)


def test_silence_has_no_level_and_nothing_is_refused() -> None:
    assert dbfs(np.zeros(10)) == peak_dbfs(np.zeros(10)) == meter_level(np.zeros(10), SAMPLE_RATE) == -np.inf
    for reading in (dbfs, peak_dbfs):
        with pytest.raises(SignalError, match="0 samples"):
            reading(np.zeros(0))
    with pytest.raises(SignalError, match="0 samples"):
        meter_level(np.zeros(0), SAMPLE_RATE)


@pytest.mark.skipif(shutil.which("sox") is None, reason="needs SoX (make system-deps)")
def test_sox_reads_the_same_levels(tmp_path) -> None:
    audio = 0.2 * np.random.default_rng(1).standard_normal(SAMPLE_RATE)
    path = tmp_path / "noise.wav"
    soundfile.write(path, audio, SAMPLE_RATE, subtype="DOUBLE")
    told = subprocess.run(["sox", str(path), "-n", "stats"], capture_output=True, text=True, check=True).stderr
    stats = {line[:12].strip(): float(line.split()[-1]) for line in told.splitlines() if "lev dB" in line}
    # SoX states RMS re full scale: a sine reads -3.01 dB.
    assert dbfs(audio) == pytest.approx(stats["RMS lev dB"] + 10 * np.log10(2), abs=0.01)
    assert peak_dbfs(np.clip(audio, -1, 1)) == pytest.approx(stats["Pk lev dB"], abs=0.01)


@pytest.mark.parametrize("block", [1000, 14_399, 14_400, 65_536])
def test_a_meter_read_in_passing_reads_what_the_whole_reads(block: int) -> None:
    burst = sine(1.3) * np.hanning(62_400)
    sound = np.stack([burst, 0.1 * burst], axis=1)
    metered = Metered(ArrayAudio(sound, SAMPLE_RATE))
    parts = [metered.read(start, min(start + block, 62_400)) for start in range(0, 62_400, block)]
    assert np.array_equal(np.concatenate(parts), sound)
    assert metered.highest == pytest.approx(meter_level(sound, SAMPLE_RATE), abs=1e-9)
