"""Goals against measurements made by hand: what is above a limit, and by how much, is known."""

import numpy as np
import pytest

from reports.evaluation.goals import Deviation, Goal, goals, of_track
from sessions.results import Axis, Curve, Measurements, Result

WHERE = {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off"}
BELOW = "harmonic 2 is below the noise in its band; a longer or louder tone would show it"


def figure(quantity, value, unit="dB", doubt=0.1, note=None, **more):
    conditions = {**WHERE, **more}
    if value is None:
        return Result.invalid(quantity, unit, conditions, "", note or BELOW)
    return Result(quantity=quantity, value=value, unit=unit, uncertainty=doubt, conditions=conditions, method="")


def curve(quantity, x, y, doubt=0.05, **more):
    uncertainty = [doubt] * len(x)
    axes = {"x": Axis.of("x", "Hz", x), "y": Axis.of("y", "dB", y)}
    return Curve(quantity=quantity, conditions={**WHERE, **more}, method="", uncertainty=uncertainty, **axes)


HZ = np.geomspace(20, 20_000, 301)


def machine(*, third_db=-40.0, mol_db=5.0, flutter=0.05, response_db=None, noise_db=-70.0, sweep_db=-40.0, more=()):
    response = np.zeros(HZ.size) if response_db is None else response_db
    results = [
        figure("harmonic_2", None, frequency_hz=1000.0, level_db=0.0),
        figure("harmonic_3", third_db, frequency_hz=1000.0, level_db=0.0),
        figure("harmonic_3", third_db - 20.0, frequency_hz=1000.0, level_db=-10.0),
        figure("mol_315", mol_db, frequency_hz=315.0),
        figure("wow_flutter_weighted_2sigma", flutter, "%", 0.001, frequency_hz=3150.0, level_db=0.0, passes=2),
        *more,
    ]
    curves = [
        curve("frequency_response", HZ, response, level_db=-20.0),
        curve("noise_spectrum", [100.0, 1000.0, 10_000.0], [noise_db] * 3, bandwidth="1/3 octave"),
        curve("harmonic_response_3", HZ[HZ < 7000], np.full(np.sum(HZ < 7000), sweep_db), level_db=0.0),
    ]
    return Measurements(session="s", tool_version="", created="", results=results, curves=curves)


def judged(deck, model) -> dict[str, Goal]:
    return {goal.subject: goal for goal in goals(deck, model)}


def test_the_deck_meets_every_goal_against_itself():
    found = judged(machine(), machine())
    asked = [goal for goal in found.values() if goal.asked]
    assert len(asked) == 7
    assert {goal.verdict for goal in asked} == {"within"}
    assert all(deviation.difference == 0.0 for goal in asked for deviation in goal.deviations)


@pytest.mark.parametrize(
    ("subject", "within", "outside", "worst"),
    [
        ("Response at -20 dB", {"response_db": np.where(HZ > 14_500, 3.0, 0.4)}, {"response_db": -0.8 * (HZ > 5000)}, -0.8),
        ("Harmonics at 0 and +5 dB", {"third_db": -41.9}, {"third_db": -37.0}, 3.0),
        ("Highest output levels", {"mol_db": 5.25}, {"mol_db": 4.2}, -0.8),
        ("Wow and flutter, weighted", {"flutter": 0.054}, {"flutter": 0.08}, 60.0),
        ("Noise in third octaves", {"noise_db": -69.2}, {"noise_db": -72.0}, -2.0),
        ("Spurious products", {"sweep_db": -37.5}, {"sweep_db": -35.0}, 5.0),
        ("Spurious products", {"sweep_db": -90.0, "third_db": -90.0}, {"third_db": -30.0}, 10.0),
    ],
)
def test_a_goal_is_met_up_to_its_limit(subject, within, outside, worst):
    assert judged(machine(), machine(**within))[subject].verdict == "within"
    missed = judged(machine(), machine(**outside))[subject]
    assert missed.verdict == "outside"
    assert missed.outside >= 1
    assert missed.worst.difference == pytest.approx(worst)


def test_a_difference_beyond_the_limit_by_less_than_its_doubt_decides_nothing():
    found = judged(machine(), machine(mol_db=5.35))["Highest output levels"]  # 0.1 dB each: 0.14 dB together
    assert (found.verdict, found.outside) == ("undecided", 0)
    assert found.worst.doubt == pytest.approx(np.hypot(0.1, 0.1))


def test_what_is_known_far_less_well_than_is_asked_decides_nothing():
    """The doubt of a difference of two figures of 15 % each is 21 %, of 30 % each 42 %; 10 % are asked."""

    def of(percent):
        more = [figure("wow_flutter_weighted_2sigma", 0.05, "%", 0.0005 * percent, frequency_hz=315.0, passes=2)]
        measurements = machine(more=more)
        return measurements.model_copy(update={"results": more})

    assert judged(of(15), of(15))["Wow and flutter, weighted"].verdict == "within"
    found = judged(of(30), of(30))["Wow and flutter, weighted"]
    assert (found.verdict, found.outside) == ("undecided", 0)
    assert (found.worst.difference, found.worst.doubt) == (0.0, pytest.approx(30 * np.sqrt(2)))


@pytest.mark.parametrize(("vague", "verdict"), [(2, "within"), (3, "undecided")])
def test_a_goal_of_many_figures_is_met_by_most_of_them(vague, verdict):
    """Of four figures."""
    found = [
        Deviation(conditions={}, deck=0.0, model=0.1, difference=0.1, limit=1.0, doubt=4.0 if k < vague else 0.5)
        for k in range(4)
    ]
    assert Goal.of("Noise", "within 1 dB", "dB", found).verdict == verdict


def test_the_saturated_level_of_treble_is_held_as_the_highest_of_bass_is():
    found = judged(
        machine(more=[figure("sol_10k", -4.0, frequency_hz=10_000.0)]),
        machine(more=[figure("sol_10k", -3.0, frequency_hz=10_000.0)]),
    )["Highest output levels"]
    assert found.verdict == "outside"
    assert found.worst.difference == pytest.approx(1.0)
    assert found.worst.conditions["of"] == "sol_10k"


def test_products_below_sixty_decibels_or_in_the_noise_count_as_minus_sixty():
    deck = machine(third_db=-45.0)  # at -10 dB it is at -65
    assert judged(deck, machine(third_db=-90.0))["Harmonics at -10 dB"].worst.difference == 0.0
    risen = machine(more=[figure("harmonic_2", -50.0, frequency_hz=315.0, level_db=0.0)])
    silent = machine(more=[figure("harmonic_2", None, frequency_hz=315.0, level_db=0.0)])
    found = judged(silent, risen)
    assert found["Harmonics at 0 and +5 dB"].worst.difference == pytest.approx(10.0)
    assert found["Spurious products"].worst.difference == pytest.approx(10.0)


def test_what_could_not_be_measured_is_no_product_in_the_noise():
    clipped = machine(more=[figure("harmonic_2", None, note="the tone is clipped", frequency_hz=315.0, level_db=0.0)])
    risen = machine(more=[figure("harmonic_2", -50.0, frequency_hz=315.0, level_db=0.0)])
    assert judged(clipped, risen)["Harmonics at 0 and +5 dB"].verdict == "within"


def test_a_product_of_the_sweep_that_the_deck_has_not_is_held_against_sixty_decibels():
    deck = machine()
    without = deck.model_copy(update={"curves": [c for c in deck.curves if not c.quantity.startswith("harmonic")]})
    found = judged(without, machine(sweep_db=-50.0))["Spurious products"]
    assert found.worst.difference == pytest.approx(10.0)


def test_the_flutter_of_one_pass_says_little():
    """Two passes of one tape differ by up to the root of two, so that half as much again may be chance."""

    def of_one_pass(measurements):
        once = [r.model_copy(update={"conditions": {**r.conditions, "passes": 1}}) for r in measurements.results]
        return measurements.model_copy(update={"results": once})

    found = judged(of_one_pass(machine()), of_one_pass(machine(flutter=0.07)))["Wow and flutter, weighted"]
    assert found.verdict == "undecided"


def test_nothing_measured_is_said():
    nothing = Measurements(session="s", tool_version="", created="", results=[], curves=[])
    found = judged(nothing, nothing)
    assert {goal.verdict for goal in found.values()} == {"not measured"}
    assert found["Highest output levels"].worst is None


def test_one_track_and_position_of_the_switch_is_compared():
    measurements = machine(more=[figure("mol_315", 9.0, track=2), figure("mol_315", 9.0, dbx="on")])
    assert [r.value for r in of_track(measurements, 1, "off").find("mol_315")] == [5.0]


@pytest.mark.parametrize(("first_hz", "worst"), [(24.0, 0.0), (30.0, 30.0)])
def test_an_end_of_a_sweep_that_a_dropout_took_is_no_product_of_the_model(first_hz, worst):
    """The model's product begins at 20 Hz; a third of an octave is 5 Hz there."""
    deck = machine(sweep_db=-30.0)
    there = HZ[(first_hz < HZ) & (HZ < 7000)]
    short = curve("harmonic_response_3", there, np.full(there.size, -30.0), level_db=0.0)
    cut = deck.model_copy(update={"curves": [*deck.curves[:2], short]})
    found = judged(cut, machine(sweep_db=-30.0))["Spurious products"]
    assert found.worst.difference == pytest.approx(worst)
