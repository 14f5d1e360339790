"""Measurements that nobody foresaw: conditions missing, strange or as text, curves of no point or one. All can be reported."""

import random

import numpy as np
import pytest

from reports import exports
from reports.comparison.figures import Member
from reports.comparison.report import build_comparison
from reports.header import ReportHeader
from reports.report import build_report
from reports.sources import SOURCES
from sessions.results import Axis, Curve, Measurements, Result

QUANTITIES = [*SOURCES, "dropouts", "dropout_lengths", "strange"]
CONDITIONS = {
    "track": [1, 2, 4, "x"], "track_to": [2, 4], "from": [1, 2], "to": [2, 4], "pass": [1, 2, "p"], "passes": [2, 3],
    "frequency_hz": [50.0, 315.0, 1000, 0.0, "odd"], "level_db": [-20.0, 0.0, 5, "loud"], "dbx": ["off", "on", "encode", "new"],
    "speed_cm_s": [9.5, 4.8], "re": ["mol_315"], "path": ["electronics"], "bandwidth": ["1/3 octave"], "depth_db": [6.0],
}  # fmt: skip
USUAL = ("track", "pass", "level_db", "frequency_hz")


def conditions(rng):
    return {k: rng.choice(v) for k, v in CONDITIONS.items() if rng.random() < (0.8 if k in USUAL else 0.3)}


def result(rng):
    quantity, unit = rng.choice(QUANTITIES), rng.choice(["dB", "%", "Hz", "s", "1"])
    if rng.random() < 0.2:
        return Result.invalid(quantity, unit, conditions(rng), "m", "gone $x$ #y")
    return Result(
        quantity=quantity, value=rng.choice([0.0, -50.0, 1e-9, 1e6, 3.2]), unit=unit, conditions=conditions(rng), method="#m",
        uncertainty=rng.choice([None, 0.0, 0.1, 1e5]), note=rng.choice([None, "likely capstan, 2.2 mm"]),
    )  # fmt: skip


def curve(rng):
    points = rng.choice([0, 1, 2, 3, 200])
    x = np.geomspace(20.0, rng.choice([300.0, 20_000.0]), points) if rng.random() < 0.8 else np.linspace(-20.0, 10.0, points)
    y = [rng.gauss(0.0, rng.choice([0.0, 1.0, 50.0])) for _ in range(points)]
    return Curve(
        quantity=rng.choice(QUANTITIES), conditions=conditions(rng), method="m", uncertainty=rng.choice([None, [0.1] * points]),
        x=Axis.of("x", "Hz", x), y=Axis.of("y", rng.choice(["dB", "deg", "%", "s"]), y),
    )  # fmt: skip


def measurements(rng, results, curves):
    return Measurements(
        session="s", tool_version="1", created="",
        results=[result(rng) for _ in range(results)], curves=[curve(rng) for _ in range(curves)],
    )  # fmt: skip


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("seed", "results", "curves"), [(1, 40, 25), (2, 60, 0), (3, 0, 25), (4, 3, 3)])
def test_a_report_and_a_comparison_can_be_made(seed, results, curves):
    rng = random.Random(seed)
    header = ReportHeader(session="s", created="", deck="Tascam 424 MkII $x$ #y")
    first, second = (measurements(rng, results, curves) for _ in range(2))
    assert build_report(first, header).pdf.startswith(b"%PDF")
    compared = build_comparison([Member("A", "a #let", header, first), Member("B", "b", header, second)])
    assert compared.pdf.startswith(b"%PDF")
    assert all(data for data in exports.files(first).values())
