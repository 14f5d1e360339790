"""Names of flutter lines from sizes and speeds worked out by hand: f = v / (pi d)."""

import pytest

from analysis.rotating_parts import names


def named(*hertz: float, speed: float | None = 9.5, rms: tuple[float, ...] | None = None) -> list[str | None]:
    strengths = rms or tuple(0.05 / (i + 1) for i in range(len(hertz)))
    return names(list(zip(hertz, strengths, strict=True)), speed, 1.0 / 30.0)


@pytest.mark.parametrize(
    ("hertz", "speed", "name"),
    [
        (13.78, 9.5, "likely capstan, 2.20 mm"),  # 95.25 / (pi 2.2)
        (6.891, 4.8, "likely capstan, 2.20 mm"),
        (3.032, 9.5, "likely pinch roller, 10.0 mm"),
        (0.8422, 9.5, "likely supply or take-up reel, radius of the pack 18 mm"),  # 95.25 / (2 pi 18)
        (0.3032, 4.8, "likely supply or take-up reel, radius of the pack 25 mm"),
        (50.02, 9.5, "likely motor or mains, 50 Hz"),
        (120.0, 4.8, "likely motor or mains, 2 x 60 Hz"),
        (8.0, 9.5, None),
        (25.0, 9.5, None),
    ],
)
def test_a_line_alone(hertz: float, speed: float, name: str | None) -> None:
    assert named(hertz, speed=speed) == [name]


def test_rates_scale_with_tape_speed_and_mains_do_not() -> None:
    assert named(6.891, speed=9.5) == [None]
    assert named(100.0, speed=9.5) == named(100.0, speed=4.8) == ["likely motor or mains, 2 x 50 Hz"]


def test_two_reels_but_only_one_capstan() -> None:
    assert all(name and "reel" in name for name in named(0.76, 1.01))
    assert named(0.7, 0.9, 1.2, rms=(0.05, 0.04, 0.03)) == [None, None, None]
    assert named(13.0, 14.5) == [None, None]
    assert named(13.78, 14.5, rms=(0.05, 0.01)) == ["likely capstan, 2.20 mm", None]  # weak enough to be chance


def test_a_harmonic_is_told_and_what_could_be_two_things_is_not() -> None:
    assert named(13.78, 27.55)[1] == "likely harmonic 2 of the line at 13.8 Hz"
    assert named(13.78, 27.55, rms=(0.05, 0.001))[1] is None  # so weak that it may be chance
    # 2.68 Hz is a pinch roller of 11.3 mm or the second harmonic of a reel at 1.34 Hz.
    assert named(1.34, 2.68) == ["likely supply or take-up reel, radius of the pack 11 mm", None]


def test_without_a_speed_only_mains_are_known() -> None:
    assert named(13.78, 50.0, speed=None) == [None, "likely motor or mains, 50 Hz"]
