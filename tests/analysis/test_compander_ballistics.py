"""Time constants from bursts: the closed form against an integration of the detector, and estimates of drawn detectors."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from analysis.compander.ballistics import Path, combined, edges, gain_change_db
from analysis.compander.readings import read
from tests.analysis.companded_takes import FRESH, Bench, stimulus

STRAIGHT = {"hiss_dba": -50.0, "flutter_percent": 0.1}


@pytest.mark.parametrize("ratio", [1.6, 2.0])
@pytest.mark.parametrize("step_db", [-30.0, 20.0])
@pytest.mark.parametrize("encode", [False, True])
def test_the_closed_form_solves_the_detectors_equation(ratio, step_db, encode):
    tau, time = 0.03, np.linspace(0.0, 0.2, 50)
    square = 10.0 ** (step_db / 10.0)

    def change(t, p):
        seen = square * p ** (1.0 - ratio) if encode else square
        return (seen - p) / tau

    power = solve_ivp(change, (0.0, 0.2), [1.0], t_eval=time, rtol=1e-10, atol=1e-14).y[0]
    gain = (-1.0 if encode else 1.0) * (ratio - 1.0) * 10.0 * np.log10(power)
    final = (-(ratio - 1.0) / ratio if encode else ratio - 1.0) * step_db
    assert gain_change_db(time, tau, final, encode, ratio) == pytest.approx(gain, abs=1e-3)


@pytest.mark.parametrize(("encode", "sign"), [(False, -1.0), (True, 1.0)])
def test_far_from_its_end_a_release_runs_at_4_343_over_tau(encode, sign):
    gain = gain_change_db(np.array([0.01, 0.02]), 0.0347, sign * 40.0, encode, 2.0)
    assert (gain[1] - gain[0]) / 0.01 == pytest.approx(sign * 4.343 / 0.0347, rel=2e-3)


def edges_of(bench: Bench, dbx: str):
    (burst,) = read(bench.take(dbx)).bursts
    path = Path(lambda level: level, burst.rest_db, 3.0)
    return list(edges(burst, dbx == "encode", bench.settings.ratio, path, -18.0))


@pytest.mark.parametrize("tau", [0.012, 0.0347])
@pytest.mark.parametrize("dbx", ["encode", "decode"])
def test_release_and_attack_tell_the_time_constant(dbx, tau):
    settings = FRESH.model_copy(update={"time_constant_s": tau, "unity_db": -3.0})
    bench = Bench(settings, stimulus({}, bursts=((1000.0, -12.0, -25.0),)), **STRAIGHT)
    found = edges_of(bench, dbx)
    for kind, count in (("release", 3), ("attack", 2)):
        own = [e for e in found if e.kind == kind]
        assert len(own) == count
        value, doubt = combined(own, 1000.0, dbx == "encode")
        assert value == pytest.approx(tau, rel=0.05)
        assert abs(value - tau) < doubt


def test_the_smoothing_of_the_reading_drops_out():
    """At 100 Hz the window is 20 ms long, twice the time constant."""
    settings = FRESH.model_copy(update={"time_constant_s": 0.01})
    bench = Bench(settings, stimulus({}, bursts=((100.0, -12.0, -25.0),)), **STRAIGHT)
    value, doubt = combined([e for e in edges_of(bench, "decode") if e.kind == "release"], 100.0, False)
    assert value == pytest.approx(0.01, rel=0.05)
    assert abs(value - 0.01) < doubt


def test_what_does_not_change_its_gain_has_no_edges():
    bench = Bench(FRESH, stimulus({}, bursts=((1000.0, -12.0, -25.0),)), **STRAIGHT)
    (burst,) = read(bench.take("decode", returned=bench.sent)).bursts
    assert list(edges(burst, False, 2.0, Path(lambda level: level, burst.rest_db, 3.0), -18.0)) == []


@pytest.mark.slow
def test_the_time_constant_lies_within_its_uncertainty_95_times_in_100():
    rng = np.random.default_rng(3)
    sheet = stimulus({}, bursts=((1000.0, -12.0, -25.0),))
    inside = []
    for seed in range(40):
        tau = float(np.exp(rng.uniform(np.log(0.012), np.log(0.05))))
        settings = FRESH.model_copy(update={"time_constant_s": tau, "ratio": rng.uniform(1.7, 2.3)})
        bench = Bench(settings, sheet, seed=seed, **STRAIGHT)
        for dbx in ("encode", "decode"):
            found = edges_of(bench, dbx)
            for kind in ("release", "attack"):
                value, doubt = combined([e for e in found if e.kind == kind], 1000.0, dbx == "encode")
                inside.append(abs(value - tau) <= doubt)
    assert np.mean(inside) >= 0.90
