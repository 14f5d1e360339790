"""Markers: the chirps' law, what a change of speed does to them, and the code they carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import correlate, resample_poly

from signals import markers
from signals.markers import BIT_ONE, BIT_ZERO, FALLING, GUARD, RISING, Chirp

RATE = 48_000
CHIRPS = (FALLING, RISING, GUARD, BIT_ONE, BIT_ZERO)


def phase(chirp: Chirp, time_s: np.ndarray) -> np.ndarray:
    """Phase of a chirp whose period runs linearly from 1/first to 1/last, integrated numerically at 16 times the rate."""
    fine = np.linspace(0.0, time_s[-1], 16 * time_s.size)
    frequency = 1.0 / (1.0 / chirp.first_hz + (1.0 / chirp.last_hz - 1.0 / chirp.first_hz) * fine / chirp.duration_s)
    total = np.concatenate(([0.0], np.cumsum(0.5 * (frequency[1:] + frequency[:-1]) * np.diff(fine))))
    return 2.0 * np.pi * np.interp(time_s, fine, total)


@pytest.mark.parametrize("chirp", CHIRPS)
def test_the_period_of_a_chirp_runs_linearly(chirp: Chirp) -> None:
    wave = chirp.waveform(RATE)
    assert wave.size == chirp.samples(RATE) == round(chirp.duration_s * RATE)
    inside = slice(wave.size // 10, wave.size - wave.size // 10)
    want = np.sin(phase(chirp, np.arange(wave.size) / RATE))
    assert np.abs(wave[inside] - want[inside]).max() < 2e-3
    assert abs(wave[0]) < 1e-3
    assert abs(wave[-1]) < 1e-2


@given(speed=st.floats(0.8, 1.25), which=st.sampled_from(CHIRPS))
def test_another_speed_only_shifts_a_chirp(speed: float, which: Chirp) -> None:
    # The phase at `speed` times the time is the phase of the same law some moment later, but for a constant.
    time = np.linspace(0.1, 0.9, 2000) * which.duration_s
    shift = which.apparent_shift_s(speed)
    law = 1.0 / which.first_hz + (1.0 / which.last_hz - 1.0 / which.first_hz) * (time - shift) / which.duration_s
    played = 1.0 / which.first_hz + (1.0 / which.last_hz - 1.0 / which.first_hz) * time * speed / which.duration_s
    assert np.allclose(speed / played, 1.0 / law, rtol=1e-9, atol=0.0)


@pytest.mark.parametrize("chirp", [FALLING, RISING])
@pytest.mark.parametrize(("up", "down"), [(10, 11), (9, 8), (50, 49)])
def test_a_matched_filter_finds_the_chirp_at_another_speed_where_the_shift_says(chirp: Chirp, up: int, down: int) -> None:
    speed = down / up
    tape = resample_poly(np.pad(chirp.waveform(RATE), (down * 480, RATE // 4)), up, down)
    found = int(np.argmax(np.abs(correlate(tape, chirp.waveform(RATE), mode="valid")))) / RATE
    assert found == pytest.approx(0.01 * up + chirp.apparent_shift_s(speed), abs=0.3e-3)


def test_a_falling_chirp_is_shifted_twelve_times_less_than_a_rising_one() -> None:
    # Shift is (1 - 1/a) T / (first/last - 1): 12.5 times the frequency range makes 11.5 against 0.92.
    for speed in (0.9, 1.1):
        ratio = RISING.apparent_shift_s(speed) / FALLING.apparent_shift_s(speed)
        assert ratio == pytest.approx(-5000.0 / 400.0)


def test_the_code_is_the_head_of_a_sha256() -> None:
    # printf tape/main | sha256sum
    assert markers.identity_code("tape", "main") == 0xDE248A
    assert markers.identity_code("tape", "main") != markers.identity_code("tape", "dbx")


@given(code=st.integers(0, 2**24 - 1))
def test_bits_make_the_code_again(code: int) -> None:
    bits = markers.code_bits(code)
    assert len(bits) == 24
    assert int("".join(map(str, bits)), 2) == code


def test_a_code_marker_is_its_bits_as_chirps() -> None:
    code = 0b101100111000111100001111
    wave = markers.code_marker(code, RATE)
    assert wave.size == round(1.2 * RATE)
    for place in range(24):
        slot = wave[round(place * 0.05 * RATE) : round((place + 1) * 0.05 * RATE)]
        rising = slot[: BIT_ONE.samples(RATE)] @ BIT_ONE.waveform(RATE)
        falling = slot[: BIT_ZERO.samples(RATE)] @ BIT_ZERO.waveform(RATE)
        assert (rising > 2.0 * abs(falling)) == bool(code >> (23 - place) & 1)
        assert np.all(slot[BIT_ONE.samples(RATE) :] == 0.0)


def test_start_and_end_are_the_same_chirps_at_other_distances() -> None:
    start, end = markers.start_marker(RATE), markers.end_marker(RATE)
    falling, rising = FALLING.waveform(RATE), RISING.waveform(RATE)
    for wave, spacing_s in ((start, 0.40), (end, 1.70)):
        assert np.array_equal(wave[: falling.size], falling)
        at = round(spacing_s * RATE)
        assert np.array_equal(wave[at : at + rising.size], rising)
        assert np.all(wave[falling.size : at] == 0.0)
        assert wave.size == at + rising.size
