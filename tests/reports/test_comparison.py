"""Two sessions beside each other: what is paired, what counts as a change, and what is said of it."""

import numpy as np
import pytest

from reports.comparison.comparable import comparable
from reports.comparison.differences import combined_doubt, compare
from reports.comparison.words import not_compared, tell
from reports.readings import pool
from sessions.results import Axis, Curve, Measurements, Result


def result(quantity, value, uncertainty=None, unit="dB", note="too much noise", **conditions):
    conditions = {"track": 1, "pass": 1, "speed_cm_s": 9.5, "dbx": "off", **conditions}
    conditions = {k: v for k, v in conditions.items() if v is not None}
    if value is None:
        return Result.invalid(quantity, unit, conditions, "m", note)
    return Result(quantity=quantity, value=value, unit=unit, uncertainty=uncertainty, conditions=conditions, method="m")


def session(*results, curves=()):
    return Measurements(session="s", tool_version="1", created="", results=list(results), curves=list(curves))


def response(shift_db, doubt=0.1, **conditions):
    f = np.geomspace(20, 20_000, 481)
    y = 1.5 + shift_db * np.log10(f / 1000.0)
    return Curve(
        quantity="frequency_response", conditions={"track": 1, "pass": 1, "level_db": -20.0, **conditions}, method="m",
        x=Axis.of("f", "Hz", f), y=Axis.of("m", "dB", y), uncertainty=[doubt] * f.size,
    )  # fmt: skip


def passes(quantity, values, uncertainty=None, **conditions):
    return [result(quantity, v, uncertainty, **{**conditions, "pass": i}) for i, v in enumerate(values, 1)]


@pytest.mark.parametrize(("second", "verdict"), [(-54.60, "same"), (-54.55, "changed"), (-55.4, "same"), (-55.5, "changed")])
def test_a_change_is_more_than_the_root_of_the_sum_of_squares(second, verdict):
    # sqrt(0.3^2 + 0.3^2) = 0.424 dB either way of -55 dB.
    (found,) = compare(session(result("noise_a", -55.0, 0.3)), session(result("noise_a", second, 0.3))).differences
    assert found.doubt == pytest.approx(0.3 * np.sqrt(2.0))
    assert found.difference == pytest.approx(second + 55.0)
    assert found.verdict == verdict


def test_spread_over_passes_counts_where_it_is_the_larger():
    # Means 1 and 3, s^2 = (2 * 0.1^2 + 2 * 0.1^2) / 2 = 0.02; t(0.975, 2) = 4.303; 4.303 * sqrt(0.02 * (1/2 + 1/2)) = 0.6085.
    first, second = (pool(passes("wow_rms", values, 0.01)) for values in ((0.9, 1.1), (2.9, 3.1)))
    assert combined_doubt(first[0], second[0]) == pytest.approx(0.6085, abs=1e-4)
    small = [pool(passes("wow_rms", values, 0.5)) for values in ((0.9, 1.1), (2.9, 3.1))]
    assert combined_doubt(small[0][0], small[1][0]) == pytest.approx(np.hypot(0.5, 0.5))


def test_one_pass_of_flutter_is_seldom_called_a_change_and_a_worn_deck_is():
    # Three lines alike, each adding in record and play with a phase of chance: power 1 + cos(phase), RMS over passes 1.
    rng = np.random.default_rng(3)
    readings = np.sqrt(np.mean(1.0 + np.cos(rng.uniform(0.0, 2.0 * np.pi, (1000, 2, 3))), axis=2))
    changed = 0
    for pair in readings:
        a, b = (pool([result("wow_rms", 0.1 * value, 0.001, "%", **{"pass": 1})]) for value in pair)
        changed += abs(a[0].mean - b[0].mean) > combined_doubt(a[0], b[0])
    assert changed / 1000 <= 0.05
    fresh, worn = (pool([result("wow_rms", value, 0.001, "%", **{"pass": 1})]) for value in (0.04, 0.2))
    assert worn[0].mean - fresh[0].mean > combined_doubt(fresh[0], worn[0])


def test_crosstalk_below_the_noise_of_both_is_one_reason():
    notes = ("not above the noise: below -92.5 dB; send louder", "not above the noise: below -81.0 dB; send louder")
    sides = [session(Result.invalid("crosstalk", "dB", {"from": 1, "to": 4}, "m", note)) for note in notes]
    (lost,) = compare(*sides).not_compared
    assert lost.reason == "not had in either: not above the noise; send louder"


@pytest.mark.parametrize("passes_each", [1, 2, 3])
def test_chance_alone_is_called_a_change_at_most_one_time_in_twenty(passes_each):
    rng = np.random.default_rng(7)
    draws = 2000
    changed = 0
    for _ in range(draws):
        a, b = (pool(passes("noise_a", rng.normal(-50.0, 0.2, passes_each), 1.96 * 0.2)) for _ in range(2))
        doubt = combined_doubt(a[0], b[0])
        changed += abs(a[0].mean - b[0].mean) > doubt
    assert changed / draws <= 0.05 + 2.0 * np.sqrt(0.05 * 0.95 / draws)
    if passes_each == 1:
        assert changed / draws >= 0.05 - 2.0 * np.sqrt(0.05 * 0.95 / draws)


def test_without_any_uncertainty_nothing_is_claimed():
    (found,) = compare(session(result("hum", -60.0)), session(result("hum", -40.0))).differences
    assert (found.doubt, found.verdict) == (None, "open")
    (sign,) = compare(session(result("polarity", 1.0, unit="1")), session(result("polarity", -1.0, unit="1"))).differences
    assert sign.verdict == "changed"
    assert tell(compare(session(result("hum", -60.0)), session(result("hum", -40.0)))).open == "Hum"


def test_tones_speeds_and_flutter_lines_are_paired_when_they_are_nearly_the_same():
    first = [result("thd", 1.0, 0.1, "%", frequency_hz=315.0), result("flutter_line", 0.05, None, "%", frequency_hz=13.8)]
    second = [
        result("thd", 1.1, 0.1, "%", frequency_hz=315, speed_cm_s=9.53),
        result("flutter_line", 0.06, None, "%", frequency_hz=13.6, track=2),
        result("flutter_line", 0.05, None, "%", frequency_hz=3.0, track=2),
        result("flutter_line", 0.005, None, "%", frequency_hz=30.0, track=2),
    ]
    found = compare(session(*first), session(*second))
    assert {(d.quantity, d.conditions["frequency_hz"], d.conditions["speed_cm_s"]) for d in found.differences} == {
        ("thd", 315.0, 9.5),
        ("flutter_line", 13.8, 9.5),
    }
    (alone,) = found.not_compared  # the line below a fifth of the strongest is not worth a word
    assert alone.conditions[0]["frequency_hz"] == 3.0
    assert alone.reason == "only B has such a line"


def test_the_transport_is_one_whatever_tracks_it_was_read_on():
    first = [result("wow_rms", v, 0.01, "%", track=t, **{"pass": p}) for t, p, v in ((1, 1, 0.1), (2, 1, 0.2), (1, 2, 0.3))]
    (found,) = compare(session(*first), session(result("wow_rms", 0.2, 0.01, "%", track=4))).differences
    assert found.first.values == pytest.approx((0.15, 0.3))  # pass 1 is the mean of its two tracks
    assert "track" not in found.conditions


def test_responses_are_compared_re_1_khz():
    # A slope of 3 dB a decade against none: +3 dB at 10 kHz, -3 dB at 100 Hz, and the same level at 1 kHz.
    found = compare(session(curves=[response(0.0)]), session(curves=[response(3.0)]))
    at = {d.conditions["frequency_hz"]: d for d in found.find("response")}
    assert at[10_000.0].difference == pytest.approx(3.0, abs=1e-3)
    assert at[100.0].difference == pytest.approx(-3.0, abs=1e-3)
    assert at[100.0].doubt == pytest.approx(0.2)  # four uncertainties of 0.1 dB: two points of two curves
    (level,) = found.find("level_1k")
    assert (level.first.mean, level.difference) == (pytest.approx(1.5, abs=1e-3), pytest.approx(0.0, abs=1e-3))


def test_what_has_no_partner_is_named_with_the_reason():
    first = session(
        result("thd", 1.0, 0.1, "%", level_db=0.0, frequency_hz=315.0),
        result("noise_a", -50.0, 0.1, dbx="on"),
        result("bandwidth_high", None, None, "Hz", "the sweep is clipped; lower the gain"),
        result("crosstalk", -60.0, 0.5, track=None, **{"from": 1, "to": 2}),
        result("latency", 1.0, 1e-6, "s"),
    )
    second = session(
        result("thd", 1.0, 0.1, "%", level_db=-6.0, frequency_hz=315.0),
        result("noise_a", -50.0, 0.1, dbx="off"),
        result("bandwidth_high", 14_000.0, 100.0, "Hz"),
        result("latency", 1.5, 1e-6, "s"),
    )
    reasons = {n.quantity: n.reason for n in compare(first, second).not_compared if n.conditions[0].get("level_db") != -6.0}
    assert reasons["thd"] == "B has −6\u202fdB only"
    assert reasons["bandwidth_high"] == "not had in A: the sweep is clipped; lower the gain"
    assert reasons["crosstalk"] == "B does not hold it"
    assert reasons["latency"] == "it says when the tape was started, and that is chance"
    assert {n.reason for n in compare(first, second).not_compared if n.quantity == "noise_a"} == {
        "B has dbx off only",
        "A has dbx on only",
    }
    loop = compare(first, second, own_tape=False)
    assert loop.find("latency")[0].difference == 0.5
    slow = compare(session(result("noise_a", -50.0)), session(result("noise_a", -50.0, speed_cm_s=4.8)))
    assert {n.reason for n in slow.not_compared} == {"B has 4.8\u202fcm/s only", "A has 9.5\u202fcm/s only"}


def test_what_neither_has_is_told_once_and_not_first():
    lost = session(result("harmonic_5", None, note="below the noise"))
    comparison = compare(lost, lost)
    assert [n.reason for n in comparison.not_compared] == ["not had in either: below the noise"]
    assert tell(comparison).lost == ()
    assert not_compared(comparison)[0][0].startswith("Fifth harmonic")


def test_the_verdict_says_what_changed_by_how_much_and_what_did_not():
    first = session(*passes("noise_a", [-55.0], 0.1), result("noise_a", -55.0, 0.1, track=2), result("sol_10k", -6.0, 0.2))
    second = session(*passes("noise_a", [-52.0], 0.1), result("noise_a", -50.9, 0.1, track=2), result("sol_10k", -6.1, 0.2))
    told = tell(compare(first, second), ("A", "B"))
    assert told.headline == "B differs from A in noise; distortion is the same within doubt."
    assert told.changes == (
        (
            "Noise, A-weighted",
            "−55.00 to −50.90\u202fdB, higher by 4.10\u202f±\u202f0.14\u202fdB (track 2; changed on 2 of 2)",
        ),
    )
    assert told.same == "Saturated output level, 10 kHz"
    assert told.count.startswith("3 figures were compared; 2 differ")


def test_nothing_in_common_is_said():
    told = tell(compare(session(result("noise_a", -55.0)), session(result("sol_10k", -6.0))))
    assert told.headline == "A and B have no figure in common."


def test_the_same_session_twice_shows_no_change():
    own = session(*passes("noise_a", [-55.0, -54.9], 0.1), result("thd", 1.0, 0.1, "%"), curves=[response(1.0)])
    found = compare(own, own)
    assert found.not_compared == ()
    assert {d.verdict for d in found.differences} == {"same"}


def test_a_mean_over_passes_stands_for_the_single_ones():
    own = session(result("noise_a", -55.0, 0.1), result("noise_a", -54.0, 0.05, **{"pass": None, "passes": 3}))
    (mine,), _ = ([r for r in part if r.quantity == "noise_a"][:1] for part in comparable(own, own))
    assert mine.value == -55.0
    (found,) = compare(own, session(result("noise_a", -54.0, 0.05))).differences
    assert found.difference == 0.0
    assert found.first.passes == 3
