"""An evaluation in words."""

from reports.evaluation.goals import Deviation, Goal
from reports.evaluation.summary import goal_row, lead, where


def goal(subject, difference, limit=1.0, doubt=0.1, **conditions):
    found = Deviation(
        conditions={"frequency_hz": 1000.0, "level_db": -10.0, **conditions},
        deck=-40.0, model=-40.0 + difference, difference=difference, limit=limit, doubt=doubt,
    )  # fmt: skip
    return Goal.of(subject, "within 1 dB", "dB", [found])


def test_the_sentence_names_what_is_not_met():
    goals = [goal("Response", 0.5), goal("Noise", 1.05), goal("Harmonics", 3.0), Goal.of("Flutter", "within 10 %", "%", [])]
    said = "The model meets 1 of 4 goals; outside: harmonics; undecided: noise; not measured: flutter."
    assert lead(goals) == said
    assert lead(goals[:1]) == "The model meets 1 of 1 goals."


def test_a_row_says_the_worst_with_its_sign_doubt_and_place():
    row = goal_row(goal("Harmonics", 3.0, order=3))
    assert row["found"] == "+3.00\u202f±\u202f0.10\u202fdB"
    assert row["beside"] == "\u221240.00 → \u221237.00"
    assert row["where"] == "third harmonic, 1\u202fkHz, \u221210\u202fdB"
    assert (row["count"], row["verdict"]) == ("1 of 1", "outside")


def test_an_intermodulation_product_is_called_by_its_name():
    found = goal("Intermodulation", 3.0, of="imd_smpte").deviations[0]
    assert where(found).startswith("Intermodulation, SMPTE, ")
