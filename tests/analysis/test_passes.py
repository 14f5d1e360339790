"""What several passes tell together, against sums worked by hand and against drawn passes."""

import numpy as np
import pytest

from analysis.passes import combined, with_combined
from sessions.results import Axis, Curve, Measurements, Result


def figure(quantity, value, number, uncertainty=None, unit="%", **more):
    return Result(
        quantity=quantity,
        value=value,
        unit=unit,
        uncertainty=uncertainty,
        conditions={"track": 1, "pass": number, "dbx": "off", **more},
        method="m",
    )


def only(results, quantity, **conditions):
    (found,) = [r for r in results if r.quantity == quantity and conditions.items() <= r.conditions.items()]
    return found


def test_flutter_is_averaged_as_rms_and_a_single_pass_has_its_root_half():
    values = (0.06, 0.08, 0.10)
    results, _ = combined([figure("wow_flutter_weighted_2sigma", v, n + 1, 0.001) for n, v in enumerate(values)], [])
    assert len(results) == 2
    both = next(r for r in results if "of" not in r.conditions)
    single = only(results, "wow_flutter_weighted_2sigma", of="single pass")
    assert both.value == pytest.approx(np.sqrt((0.0036 + 0.0064 + 0.01) / 3.0))
    assert single.value == pytest.approx(both.value / np.sqrt(2.0))
    assert both.conditions == {"track": 1, "dbx": "off", "passes": 3}
    # Student's 4.30 times 0.02 over the root of 3, less what one line could do at worst: 1.96 / sqrt 6 of the power.
    assert both.uncertainty == pytest.approx(4.303 * 0.02 / np.sqrt(3.0), rel=0.01)


def test_noise_is_averaged_as_power_and_ratios_the_other_way_round():
    results, _ = combined(
        [figure("noise_a", v, n, 0.1, "dB") for n, v in ((1, -50.0), (2, -47.0))]
        + [figure("snr_a", -v, n, 0.1, "dB") for n, v in ((1, -50.0), (2, -47.0))],
        [],
    )
    expected = 10.0 * np.log10((1e-5 + 10.0**-4.7) / 2.0)
    assert only(results, "noise_a").value == pytest.approx(expected)
    assert only(results, "snr_a").value == pytest.approx(-expected)


def test_passes_that_agree_are_as_uncertain_as_one_and_others_more():
    """Hiss lies in the tape and disturbs every pass alike: what one is uncertain by, the mean is."""
    agree, _ = combined([figure("thd", v, n, 0.02) for n, v in ((1, 1.00), (2, 1.01))], [])
    assert only(agree, "thd").uncertainty == pytest.approx(0.02)
    apart, _ = combined([figure("thd", v, n, 0.02) for n, v in ((1, 1.0), (2, 1.3), (3, 1.15))], [])
    # Spread 0.15, less 0.01 of each pass, times 4.30 over the root of 3.
    assert only(apart, "thd").uncertainty == pytest.approx(
        4.303 * np.sqrt(0.15**2 - (0.02 / 1.96) ** 2) / np.sqrt(3.0), rel=0.01
    )


def test_the_mean_of_two_passes_reaches_both_and_the_single_pass_of_flutter_further():
    """Half of 0.12, with 0.001 of each; Student's 12.7 stays with what no pass has shown."""
    results, _ = combined([figure("speed_error", v, n, 0.001) for n, v in ((1, 0.46), (2, 0.58))], [])
    assert only(results, "speed_error").uncertainty == pytest.approx(0.06, rel=0.01)
    results, _ = combined([figure("wow_rms", v, n, 0.001) for n, v in ((1, 0.08), (2, 0.09))], [])
    both, single = (r for r in results)
    assert both.uncertainty == pytest.approx(0.005, rel=0.03)
    assert single.uncertainty == pytest.approx(12.706 * 0.005 / np.sqrt(2.0), rel=0.03)


def test_nothing_is_combined_that_is_not_one_thing():
    single = [figure("thd", 1.0, 1, 0.02), figure("thd", 2.0, 2, 0.02, frequency_hz=315.0)]
    per_pass = [figure("latency", v, n, 1e-6, "s") for n, v in ((1, 0.2), (2, 1.1))]
    invalid = [Result.invalid("thd_n", "%", {"track": 1, "pass": n}, "m", "no") for n in (1, 2)]
    twice = [figure("hum", v, n, 0.1, "dB") for n, v in ((1, -70.0), (1, -71.0), (2, -70.0))]
    assert combined([*single, *per_pass, *invalid, *twice], []) == ([], [])
    measurements = Measurements(session="s", tool_version="0", created="now", results=single, curves=[])
    assert with_combined(measurements) == measurements


def test_an_invalid_pass_is_left_out():
    passes = [figure("thd", v, n, 0.02) for n, v in ((1, 1.0), (2, 1.0))]
    third = Result.invalid("thd", "%", {"track": 1, "pass": 3, "dbx": "off"}, "m", "drowned")
    results, _ = combined([*passes, third], [])
    assert only(results, "thd").conditions["passes"] == 2


def test_responses_are_averaged_as_power_with_a_band_that_holds_the_truth():
    """Three passes that are 0.2 dB apart in a slow ripple of random phase, each claiming 0.05 dB."""
    rng = np.random.default_rng(6)
    frequency = np.geomspace(20.0, 20_000.0, 480)
    hits = []
    for _ in range(60):
        curves = []
        for number in (1, 2, 3):
            ripple = 0.2 * np.sin(2 * np.pi * (np.log2(frequency) * 2.0 + rng.random()))
            curves.append(
                Curve(
                    quantity="frequency_response",
                    conditions={"track": 1, "pass": number, "level_db": -20.0},
                    method="m",
                    x=Axis.of("frequency", "Hz", frequency),
                    y=Axis.of("magnitude", "dB", ripple),
                    uncertainty=[0.05] * frequency.size,
                )
            )
        _, (together,) = combined([], curves)
        assert together.uncertainty is not None
        hits.append(np.mean(np.abs(together.y.array) <= together.uncertainty))
    assert together.conditions == {"track": 1, "level_db": -20.0, "passes": 3}
    assert 0.90 <= np.mean(hits) <= 0.999
    level = [c.y.array[100] for c in curves]
    assert together.y.array[100] == pytest.approx(10.0 * np.log10(np.mean(10.0 ** (np.array(level) / 10.0))))


def test_single_pass_flutter_is_right_on_the_average_when_lines_meet_at_random():
    """Recording and playing each 0.05 %, one line: the root of two takes the mean of many passes to one's own."""
    rng = np.random.default_rng(7)
    one, found, held = 0.05, [], []
    for _ in range(400):
        phase = 2.0 * np.pi * rng.random(4)
        readings = one * np.sqrt(2.0 + 2.0 * np.cos(phase))
        results, _ = combined([figure("flutter_rms", float(v), n, 0.0005) for n, v in enumerate(readings)], [])
        single = only(results, "flutter_rms", of="single pass")
        found.append(single.value**2)
        held.append(abs(single.value - one) <= single.uncertainty)
    assert np.sqrt(np.mean(found)) == pytest.approx(one, rel=0.04)
    assert np.mean(held) >= 0.88
