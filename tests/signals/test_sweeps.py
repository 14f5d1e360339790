"""The synchronised sweep against Novak's definitions, scipy's chirp and the property that an inverse must have."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import chirp

from signals.errors import StimulusError
from signals.sweeps import Sweep

RATE = 48_000


@pytest.fixture(scope="module")
def sweep() -> Sweep:
    return Sweep.design(20.0, 22_000.0, 4.0)


@given(low_hz=st.floats(5.0, 500.0), octaves=st.floats(1.0, 10.0), duration_s=st.floats(0.5, 60.0))
def test_first_frequency_times_rate_is_whole_and_the_length_nearly_as_asked(
    low_hz: float, octaves: float, duration_s: float
) -> None:
    high_hz = low_hz * 2.0**octaves
    if low_hz * duration_s / (octaves * np.log(2.0)) < 1.0:
        return
    sweep = Sweep.design(low_hz, high_hz, duration_s)
    cycles = sweep.low_hz * sweep.rate_s
    assert cycles == pytest.approx(round(cycles), abs=1e-9 * cycles)
    # Rounding f1 L to a whole number moves L by half a cycle of f1 at most.
    assert abs(sweep.duration_s - duration_s) <= 0.5 / low_hz * np.log(high_hz / low_hz) * (1 + 1e-9)
    assert sweep.frequency_hz(np.array([0.0, sweep.duration_s])) == pytest.approx([low_hz, high_hz])
    assert sweep.time_s(np.array([low_hz, high_hz])) == pytest.approx([0.0, sweep.duration_s], abs=1e-9)


def test_the_waveform_is_that_of_scipy(sweep: Sweep) -> None:
    # scipy counts the phase from zero at t = 0; with f1 L whole that is the same sine. phi turns its cosine into a sine.
    wave = sweep.waveform(RATE, 0.0, 0.0)
    time = np.arange(wave.size) / RATE
    want = chirp(time, 20.0, sweep.duration_s, 22_000.0, method="logarithmic", phi=-90)
    assert np.abs(wave - want).max() < 1e-6


def test_the_ends_are_faded_and_the_middle_is_not(sweep: Sweep) -> None:
    plain, faded = sweep.waveform(RATE, 0.0, 0.0), sweep.waveform(RATE, 0.1, 0.005)
    inside = slice(round(0.1 * RATE), plain.size - round(0.005 * RATE))
    assert np.array_equal(plain[inside], faded[inside])
    ratio = faded[1 : round(0.1 * RATE)] / plain[1 : round(0.1 * RATE)]
    assert np.all(np.diff(ratio[np.isfinite(ratio)]) > 0)
    assert abs(faded[-1]) < 1e-4
    assert plain.size == int(sweep.duration_s * RATE) == sweep.samples(RATE)


def deconvolved(sweep: Sweep, wave: np.ndarray) -> np.ndarray:
    """Impulse response seen between 60 Hz and 15 kHz with wide soft band edges, which keep their own ringing short."""
    size = 1 << int(np.ceil(np.log2(2 * wave.size)))
    frequency = np.fft.rfftfreq(size, 1.0 / RATE)
    octave = np.log2(np.maximum(frequency, 1e-9))
    rise = np.clip((octave - np.log2(60.0)) / 3.0, 0.0, 1.0)
    fall = np.clip((np.log2(15_000.0) - octave) / 1.5, 0.0, 1.0)
    band = np.sin(np.pi / 2 * rise) ** 2 * np.sin(np.pi / 2 * fall) ** 2
    spectrum = np.fft.rfft(wave, size) * sweep.inverse_spectrum(frequency) / RATE
    return np.fft.irfft(spectrum * band, size)


def test_sweep_times_inverse_is_an_impulse(sweep: Sweep) -> None:
    impulse = deconvolved(sweep, sweep.waveform(RATE, 0.1, 0.005))
    assert np.argmax(impulse) == 0
    # Aside from the band edges' own ringing, 50 ms to either side, nothing stands above -60 dB.
    aside = np.roll(impulse, impulse.size // 2)[: impulse.size // 2 - round(0.05 * RATE)]
    later = impulse[round(0.05 * RATE) : impulse.size // 2]
    for part in (aside, later):
        assert np.abs(part).max() < 1e-3 * impulse[0]


def test_sweep_times_inverse_is_flat_in_the_band(sweep: Sweep) -> None:
    wave = sweep.waveform(RATE, 0.1, 0.005)
    size = 1 << int(np.ceil(np.log2(2 * wave.size)))
    frequency = np.fft.rfftfreq(size, 1.0 / RATE)
    product = np.fft.rfft(wave, size) * sweep.inverse_spectrum(frequency) / RATE
    inside = (frequency > 100.0) & (frequency < 20_000.0)
    # Eq. 43 is the stationary-phase approximation: what is left is the ripple of the ends, 0.1 dB here.
    assert np.abs(20 * np.log10(np.abs(product[inside]))).max() < 0.1
    assert np.abs(np.angle(product[inside])).max() < 0.015
    assert sweep.inverse_spectrum(np.array([0.0]))[0] == 0.0


@pytest.mark.parametrize("order", [2, 3, 5])
def test_a_harmonic_is_the_sweep_advanced(sweep: Sweep, order: int) -> None:
    advance = sweep.harmonic_advance_s(order)
    assert advance == pytest.approx(sweep.rate_s * np.log(order), rel=1e-12)
    # The n-th harmonic of the sweep, sin(n phase), comes out of the deconvolution as an impulse at -L ln n.
    time = np.arange(sweep.samples(RATE)) / RATE
    harmonic = np.sin(order * sweep.phase(time)) * (time < sweep.time_s(np.array(22_000.0 / order)))
    impulse = deconvolved(sweep, harmonic)
    assert np.argmax(impulse) == pytest.approx(impulse.size - advance * RATE, abs=0.6)


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "duration_s", "message"),
    [
        (20.0, 20.0, 4.0, "from 20 to 20 Hz: frequencies must be positive and rising"),
        (0.0, 20.0, 4.0, "from 0 to 20 Hz"),
        (20.0, 22_000.0, 0.1, "0.1 s is too short for a start at 20 Hz; make it longer"),
    ],
)
def test_impossible_sweeps_are_refused(low_hz: float, high_hz: float, duration_s: float, message: str) -> None:
    with pytest.raises(StimulusError, match=message):
        Sweep.design(low_hz, high_hz, duration_s)
