import pytest

from reports.numbers import in_words, number, unit_scale
from reports.wording import plain_number


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.08342, 0.0041, "0.083 ± 0.004"),
        (0.08342, 0.0012, "0.0834 ± 0.0012"),  # an uncertainty that begins with 1 or 2 keeps two figures
        (-55.14, 0.3, "−55.1 ± 0.3"),
        (15312.0, 180.0, "15312 ± 180"),
        (-0.0004, 0.01, "0.000 ± 0.010"),  # no minus sign before a zero
        (2.5, 0.0, "2.50"),
        (0.93, None, "0.930"),
        (0.0, None, "0.0"),
        (1234567.0, 1e-9, "1234567 ± 1"),
        (2.0, 0.096, "2.00 ± 0.10"),
        (0.0, 0.5, "0.0 ± 0.5"),
    ],
)
def test_decimals_follow_the_uncertainty(value, uncertainty, text):
    assert str(number(value, uncertainty)).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("value", "uncertainty", "text"),
    [
        (0.0, 15.0, "0 (below 15)"),
        (4.1, 18.0, "4 (below 22)"),
        (0.03, 0.05, "0.03 (below 0.08)"),
        (0.05, 0.03, "0.05 ± 0.03"),
        (2.0, None, "2.00"),
    ],
)
def test_a_doubt_that_reaches_beyond_what_is_possible_is_a_bound(value, uncertainty, text):
    assert str(number(value, uncertainty, least=0.0)).replace("\u202f", " ") == text


@pytest.mark.parametrize(
    ("values", "unit", "scaled"),
    [([28.0, 15300.0], "Hz", (1e-3, "kHz")), ([28.0], "Hz", (1.0, "Hz")), ([1.2e-5], "s", (1e6, "µs")),
     ([0.5], "s", (1e3, "ms")),
     ([0.0], "s", (1.0, "s")), ([-3.0], "s", (1.0, "s")), ([5000.0], "dB", (1.0, "dB")), ([], "Hz", (1.0, "Hz"))],
)  # fmt: skip
def test_units_that_read_well(values, unit, scaled):
    factor, name = unit_scale(unit, values)
    assert (pytest.approx(factor), name) == scaled


def test_in_words_gives_at_most_three_figures():
    assert in_words(0.13062, "%", 0.0004) == "0.131\u202f%"
    assert in_words(0.0231, "%", 0.002) == "0.023\u202f%"
    assert in_words(16249.0, "Hz", 180.0) == "16.2\u202fkHz"
    assert in_words(-61.04, "dB") == "−61.0\u202fdB"


@pytest.mark.parametrize(("value", "text"), [(-0.0, "0"), (0.0, "0"), (-2.50, "−2.5"), (3, "3")])
def test_a_condition_has_no_sign_before_zero(value, text):
    assert plain_number(value) == text
