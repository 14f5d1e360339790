"""The quasi-peak meter against the burst tables of ITU-R BS.468-4, and against a second road to its reading of noise."""

import numpy as np
import pytest

from analysis import quasi_peak
from analysis.weighting import itu468_network
from modeling.deck.true import quasi_peak as second

RATE = 192_000

# Length of a single 5 kHz burst in ms, reading in % of the steady tone's, lower and upper limit (table 2).
SINGLE = [
    (1, 17.0, 13.5, 21.4), (2, 26.6, 22.4, 31.6), (5, 40.0, 34.0, 46.0), (10, 48.0, 41.0, 55.0), (20, 52.0, 44.0, 60.0),
    (50, 59.0, 50.0, 68.0), (100, 68.0, 58.0, 78.0), (200, 80.0, 68.0, 92.0),
]  # fmt: skip
# Bursts of 5 ms a second, reading, limits (table 3).
REPEATED = [(2, 48.0, 43.0, 53.0), (10, 77.0, 72.0, 82.0), (100, 97.0, 94.0, 100.0)]


def tone(seconds: float, frequency_hz: float = 5000.0, rate: int = RATE) -> np.ndarray:
    return np.sqrt(2.0) * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)


@pytest.mark.parametrize(("length_ms", "percent", "low", "high"), SINGLE)
def test_single_bursts(length_ms: int, percent: float, low: float, high: float) -> None:
    burst = np.concatenate((tone(length_ms / 1000.0), np.zeros(RATE // 2)))
    got = 100.0 * quasi_peak.readings(burst, RATE).max()
    assert low < got < high
    assert got == pytest.approx(percent, abs=0.25 * (high - low))


@pytest.mark.parametrize(("per_second", "percent", "low", "high"), REPEATED)
def test_repeated_bursts(per_second: int, percent: float, low: float, high: float) -> None:
    gate = np.mod(np.arange(4 * RATE) / RATE, 1.0 / per_second) < 5e-3
    got = 100.0 * quasi_peak.readings(tone(4.0) * gate, RATE)[RATE:].max()
    assert low < got < high
    assert got == pytest.approx(percent, abs=0.25 * (high - low))


@pytest.mark.parametrize("rate", [44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize(("frequency_hz", "weight_db"), [(1000.0, 0.0), (3150.0, 9.0), (6300.0, 12.2), (12_500.0, 0.0)])
def test_a_steady_sine_reads_its_weighted_rms_value(rate: int, frequency_hz: float, weight_db: float) -> None:
    """ITU-R BS.468-4, table 1 and clause 2.6."""
    got = 20.0 * np.log10(quasi_peak.level(tone(2.0, frequency_hz, rate), rate))
    assert got == pytest.approx(weight_db, abs=0.15)


def test_a_reading_does_not_depend_on_the_level_or_the_sign() -> None:
    burst = np.concatenate((tone(0.01), np.zeros(RATE // 4)))
    for factor in (-1.0, 1e-4):
        assert np.allclose(quasi_peak.readings(factor * burst, RATE), abs(factor) * quasi_peak.readings(burst, RATE))


def test_the_network_is_that_of_figure_1a() -> None:
    """The rational function against the ladder of the recommendation's parts; a network that can be built is causal."""
    f = np.geomspace(20.0, 30_000.0, 60)
    assert np.allclose(20 * np.log10(np.abs(itu468_network(f)) / second.network(f)), 0.0, atol=0.01)
    impulse = np.fft.irfft(itu468_network(np.fft.rfftfreq(1 << 15, 1.0 / RATE)), 1 << 15)
    assert np.sum(impulse[1 << 14 :] ** 2) < 1e-6 * np.sum(impulse**2)


def test_noise_reads_what_the_meter_of_the_virtual_deck_reads() -> None:
    """White noise, 20 Hz to 20 kHz: two programs of the meter, fed by two syntheses at two rates. 4 dB above its RMS value."""
    f = np.array([20.0, 20_000.0])
    expected = second.reading_db(f, np.full(2, 1.0 / 19_980.0), np.zeros(0), np.zeros(0))
    values = np.fft.rfft(np.random.default_rng(3).standard_normal(20 * 48_000))
    frequency = np.fft.rfftfreq(20 * 48_000, 1.0 / 48_000)
    values[(frequency < 20.0) | (frequency > 20_000.0)] = 0.0
    noise = np.fft.irfft(values) / np.sqrt(19_980.0 / 24_000.0)
    assert 20.0 * np.log10(quasi_peak.level(noise, 48_000)) == pytest.approx(expected, abs=0.06)
    fine = np.linspace(20.0, 20_000.0, 20_001)
    rms_db = 10.0 * np.log10(np.mean(second.network(fine) ** 2))
    assert expected - rms_db == pytest.approx(4.0, abs=0.1)


def test_short_and_long_noise_read_alike() -> None:
    noise = np.random.default_rng(0).standard_normal(10 * 48_000)
    whole = quasi_peak.level(noise, 48_000)
    assert quasi_peak.level(noise[:48_000], 48_000) == pytest.approx(whole, rel=0.03)
