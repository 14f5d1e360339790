"""Playing times of cassettes: a C-60 has 30 minutes a side at 4.76 cm/s."""

import pytest

from signals.errors import StimulusError
from signals.tape_length import fits, running_time_s


@pytest.mark.parametrize(
    ("cassette", "speed_cm_s", "minutes"),
    [("C-60", 9.5, 15.0), ("C-90", 9.5, 22.5), ("C-60", 4.8, 30.0), ("C-60", 4.7625, 30.0), ("C-46", 9.525, 11.5)],
)
def test_one_side_lasts(cassette: str, speed_cm_s: float, minutes: float) -> None:
    # 9.5 and 4.8 are the rounded names of 9.525 and 4.7625 cm/s: 0.8 %.
    assert running_time_s(cassette, speed_cm_s) == pytest.approx(60.0 * minutes, rel=0.01)


def test_a_stimulus_needs_room_for_the_leader_too() -> None:
    assert fits(14.5 * 60.0, "C-60", 9.525)
    assert not fits(14.9 * 60.0, "C-60", 9.525)
    assert fits(14.9 * 60.0, "C-90", 9.525)


def test_an_unknown_cassette_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(StimulusError, match=r"'C-61' is not known; choose one of .*C-60.*C-120"):
        running_time_s("C-61", 9.5)
