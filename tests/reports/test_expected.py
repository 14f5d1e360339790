import re

import pytest

from reports.expected import CONFIDENCE, PORTASTUDIO_424_MKII, Expected, Range, expectations, find, judge


@pytest.mark.parametrize(
    "deck", ["Tascam Portastudio 424 MkII", "tascam 424 mkii", "424 Mk II", "TASCAM 424-MK2", "virtual:fresh"]
)
def test_the_deck_is_known_by_its_names(deck):
    assert expectations(deck) is PORTASTUDIO_424_MKII


@pytest.mark.parametrize("deck", ["Tascam 424 MkIII", "Tascam 424", "Nakamichi Dragon", ""])
def test_other_decks_are_not(deck):
    assert len(expectations(deck)) == 0


def test_every_statement_names_its_source_and_how_sure_it_is():
    for expected in PORTASTUDIO_424_MKII:
        assert expected.confidence in CONFIDENCE
        assert re.search(r"homerecording|Tascam 122|data sheet|BASF|owner's manual", expected.source)


def test_nothing_is_expected_from_memory():
    """Distortion, signal to noise, erasure and limits at ±3 dB of this deck are known only from memory."""
    assert {e.quantity for e in PORTASTUDIO_424_MKII}.isdisjoint({"thd", "snr_a", "erasure", "bandwidth_low"})
    assert not any(e.within and e.within.high == 16_000 for e in PORTASTUDIO_424_MKII)


def test_figures_of_other_machines_judge_nothing():
    others = [e for e in PORTASTUDIO_424_MKII if re.search("Tascam 122|TDK|BASF|414", e.source)]
    assert others
    assert all(judge(e, 1e9) is None for e in others)


@pytest.mark.parametrize(
    ("value", "uncertainty", "verdict"),
    [(0.04, 0.005, "within"), (0.049, 0.005, "undecided"), (0.07, 0.001, "undecided"), (0.11, 0.02, "undecided"),
     (0.13, 0.02, "outside")],
)  # fmt: skip
def test_one_pass_figure_against_a_reading_of_two(value, uncertainty, verdict):
    # 0.05 % WRMS of one pass: up to twice that can come from the sum of record and play, so only more is certainly outside.
    expected = find(PORTASTUDIO_424_MKII, "wow_flutter_weighted_rms", "%", {"speed_cm_s": 9.525, "dbx": "off"})
    assert expected is not None
    assert judge(expected, value, uncertainty) == verdict


def test_a_range_with_two_ends():
    expected = Expected("q", "dB", "", "", "V", Range(-1.0, 1.0))
    assert [judge(expected, v) for v in (-1.1, -1.0, 0.0, 1.0, 1.1)] == ["outside", "within", "within", "within", "outside"]


def test_speed_and_unit_must_fit():
    assert find(PORTASTUDIO_424_MKII, "bandwidth_high", "Hz", {"speed_cm_s": 4.8}) is None
    assert find(PORTASTUDIO_424_MKII, "bandwidth_high", "kHz", {"speed_cm_s": 9.5}) is None
    assert find(PORTASTUDIO_424_MKII, "bandwidth_high", "Hz", {}) is None
    slow = find(PORTASTUDIO_424_MKII, "wow_flutter_weighted_rms", "%", {"speed_cm_s": 4.76})
    assert slow is not None
    assert slow.text == "≤ 0.06"
