"""Weighting curves against the tables of their standards and against independent realisations."""

import numpy as np
import pytest

from analysis.weighting import CCIR_RMS_OFFSET_DB, a_weight_db, flutter_weight_db, itu468_weight_db

# IEC 60386 / AES6-2008: frequency of the fluctuation, weight re 4 Hz, tolerance below and above.
FLUTTER = [
    (0.1, -48.0, 4, 10), (0.2, -30.6, 4, 10), (0.315, -19.7, 4, 4), (0.4, -15.0, 4, 4), (0.63, -8.4, 2, 2),
    (0.8, -6.0, 2, 2), (1.0, -4.2, 2, 2), (1.6, -1.8, 2, 2), (2.0, -0.9, 2, 2), (4.0, 0.0, 0.01, 0.01), (6.3, -0.9, 2, 2),
    (10.0, -2.1, 2, 2), (20.0, -5.9, 2, 2), (40.0, -10.4, 2, 2), (63.0, -14.2, 4, 4), (100.0, -17.3, 4, 4), (200.0, -23.0, 4, 4),
]  # fmt: skip

# ITU-R BS.468-4, table 1.
ITU468 = [
    (31.5, -29.9, 2.0), (63.0, -23.9, 1.4), (100.0, -19.8, 1.0), (200.0, -13.8, 0.85), (400.0, -7.8, 0.7), (800.0, -1.9, 0.55),
    (1000.0, 0.0, 0.5), (2000.0, 5.6, 0.5), (3150.0, 9.0, 0.5), (4000.0, 10.5, 0.5), (5000.0, 11.7, 0.5), (6300.0, 12.2, 0.05),
    (7100.0, 12.0, 0.2), (8000.0, 11.4, 0.4), (9000.0, 10.1, 0.6), (10_000.0, 8.1, 0.8), (12_500.0, 0.0, 1.2),
    (14_000.0, -5.3, 1.4), (16_000.0, -11.7, 1.6), (20_000.0, -22.2, 2.0), (31_500.0, -42.7, 2.8),
]  # fmt: skip


@pytest.mark.parametrize(("frequency_hz", "weight_db", "below", "above"), FLUTTER)
def test_flutter_weight_is_inside_the_tolerance(frequency_hz: float, weight_db: float, below: float, above: float) -> None:
    got = float(flutter_weight_db(np.array([frequency_hz]))[0])
    assert -below <= got - weight_db <= above
    assert got == pytest.approx(weight_db, abs=0.1)  # offline there is no need to use the tolerance


def test_flutter_weight_follows_a_filter_between_the_points() -> None:
    # A rational fit to the table, zeros at 0 (three), 0.1194, 27.374, 587.9 Hz, poles at 0.3157 (three), 1.272, 8.939 and
    # 35.918 Hz: 0.70 dB off at 0.2 Hz and 0.34 dB from 0.63 Hz on.
    f = np.geomspace(0.2, 200.0, 400)

    def rational(x: np.ndarray) -> np.ndarray:
        s = 1j * x
        zeros = s**3 * (s + 0.1194) * (s + 27.374) * (s + 587.9)
        return 20 * np.log10(np.abs(zeros / ((s + 0.3157) ** 3 * (s + 1.272) * (s + 8.939) * (s + 35.918))))

    difference = flutter_weight_db(f) - (rational(f) - rational(np.array([4.0])))
    assert np.abs(difference[f < 0.63]).max() < 1.0
    assert np.abs(difference[f >= 0.63]).max() < 0.5


def test_flutter_weight_goes_on_falling_outside_the_table() -> None:
    low, high = flutter_weight_db(np.array([0.0, 0.05, 0.1])), flutter_weight_db(np.array([200.0, 400.0]))
    assert low[0] == -np.inf
    assert low[1] == pytest.approx(-48.0 - 17.4)  # 17.4 dB to the octave from 0.2 to 0.1 Hz
    assert high[1] == pytest.approx(-23.0 - 5.7)


@pytest.mark.parametrize(
    ("frequency_hz", "weight_db"), [(31.5, -39.4), (100.0, -19.1), (1000.0, 0.0), (3150.0, 1.2), (10_000.0, -2.5)]
)
def test_a_weight_is_that_of_iec_61672(frequency_hz: float, weight_db: float) -> None:
    # The table is for exact frequencies 1000 * 10^(n/10); at a nominal 31.5 Hz (exactly 31.62) the curve reads -39.5.
    exact = 1000.0 * 10.0 ** (round(10.0 * np.log10(frequency_hz / 1000.0)) / 10.0)
    assert float(a_weight_db(np.array([exact]))[0]) == pytest.approx(weight_db, abs=0.06)


def test_a_weight_is_the_analogue_filter() -> None:
    # IEC 61672-1: four zeros at 0, double poles at 20.6 and 12194 Hz, single poles at 107.7 and 737.9 Hz.
    f = np.geomspace(10.0, 20_000.0, 50)
    s = 2j * np.pi * f
    pole = 2.0 * np.pi * np.array([20.598997, 107.65265, 737.86223, 12194.217])
    H = s**4 / ((s + pole[0]) ** 2 * (s + pole[1]) * (s + pole[2]) * (s + pole[3]) ** 2) * pole[3] ** 2
    want = 20 * np.log10(np.abs(H))
    at_1k = np.interp(np.log(1000.0), np.log(f), want)
    assert np.allclose(a_weight_db(f), want - at_1k, atol=0.02)
    assert a_weight_db(np.array([0.0]))[0] == -np.inf


@pytest.mark.parametrize(("frequency_hz", "weight_db", "tolerance_db"), ITU468)
def test_itu468_is_inside_its_tolerance(frequency_hz: float, weight_db: float, tolerance_db: float) -> None:
    assert float(itu468_weight_db(np.array([frequency_hz]))[0]) == pytest.approx(weight_db, abs=tolerance_db)


def test_ccir_rms_has_unity_at_2_khz() -> None:
    # AES17-2020, 5.2.7.
    assert float(itu468_weight_db(np.array([2000.0]))[0]) + CCIR_RMS_OFFSET_DB == pytest.approx(0.0, abs=0.05)
