"""The page of dbx: what it shows of a session in all positions of the switch, and that it stays away from any other."""

import numpy as np
import pytest

from reports.readings import by_setup
from reports.report import build_report
from reports.subjects import dbx, others
from sessions.results import Axis, Curve, Measurements, Result

STEPS_DB = np.arange(-60.0, 6.0, 5.0)
SETUP = {"track": 1, "speed_cm_s": 9.5}


def figure(quantity, value, unit, **conditions):
    return Result(
        quantity=quantity,
        value=value,
        unit=unit,
        uncertainty=abs(value) / 500,
        conditions={**SETUP, **conditions},
        method="m",
    )


def line(quantity, x, y, x_name=("input", "dB"), **conditions):
    return Curve(
        quantity=quantity, conditions={**SETUP, **conditions}, method="m",
        x=Axis.of(*x_name, x), y=Axis.of("output", "dB", y),
    )  # fmt: skip


def halves():
    results, curves = [], []
    f = np.array([100.0, 1000.0, 10_000.0])
    for half, slope in (("encode", 0.5), ("decode", 2.0)):
        for tone in (100.0, 1000.0):
            results.append(figure(f"dbx_{half}_ratio", 2.01, "1", dbx=half, frequency_hz=tone))
            curves.append(line(f"dbx_{half}_law", STEPS_DB, slope * STEPS_DB, dbx=half, frequency_hz=tone))
        results.append(figure("dbx_unity_level", -3.2, "dB", dbx=half, frequency_hz=1000.0))
        results += [
            figure("dbx_time_constant", 0.0347, "s", dbx=half, frequency_hz=1000.0, edge=edge)
            for edge in ("release", "attack")
        ]
        shape = np.log10(f / 1000.0)
        curves += [line(q, f, shape, ("frequency", "Hz"), dbx=half) for q in ("dbx_emphasis", "dbx_weighting")]
    return results, curves


def both():
    error = 0.02 * STEPS_DB
    results = [
        figure("dbx_tracking_error", 1.3, "dB", dbx="on"),
        figure("dbx_tracking_error", 0.9, "dB", dbx="on", frequency_hz=1000.0),
        figure("dbx_noise_reduction", 29.4, "dB", dbx="on"),
    ]
    curves = [
        line("dbx_tracking_error", STEPS_DB, error, ("level", "dB"), dbx="on", frequency_hz=1000.0),
        line("modulation_noise", STEPS_DB, STEPS_DB / 2 - 50.0, ("level", "dB"), dbx="on", frequency_hz=100.0),
    ]
    return results, curves


@pytest.fixture
def session():
    results, curves = ([*a, *b] for a, b in zip(halves(), both(), strict=True))
    off = figure("noise_a", -52.0, "dB", dbx="off")
    return Measurements(session="s", tool_version="1", created="2026-01-01", results=[off, *results], curves=curves)


def cells(table):
    return {row[0]: [str(c) for c in row[1:]] for row in table.rows}


def test_laws_filters_tracking_and_noise_are_drawn_and_the_halves_stand_side_by_side(session):
    page = dbx.page(by_setup(session))
    names = [block.name for block in page.blocks if hasattr(block, "name")]
    assert names == ["dbx_laws", "dbx_filters", "dbx_tracking", "dbx_noise_modulation"]
    table, whole = (block for block in page.blocks if hasattr(block, "rows"))
    rows = cells(table)
    assert rows["Ratio, 1\u202fkHz"] == ["", "1", "2.010\u202f±\u202f0.004", "2.010\u202f±\u202f0.004", "2 (V)"]
    assert rows["Time constant, release, 1\u202fkHz"][0] == "ms"
    assert rows["Time constant, release, 1\u202fkHz"][2].startswith("34.7")
    # 4.343 (r - 1) / tau
    assert float(rows["Slope of a long release"][2]) == pytest.approx(4.343 * 1.01 / 0.0347, abs=0.3)
    assert cells(whole)["dbx noise reduction"][1].startswith("29.4")
    assert "34.7" in page.lead
    assert "29.4" in page.lead


def test_only_the_ratio_is_published_and_the_source_is_named(session):
    page = dbx.page(by_setup(session))
    published = [
        row[-1] for block in page.blocks if hasattr(block, "rows") for row in block.rows if block.columns[-1] == "Published"
    ]
    assert set(published) == {"2 (V)", ""}
    assert "414 MkII owner's manual" in page.remark


def test_what_was_not_had_is_told_with_its_reason(session):
    lost = Result.invalid("dbx_unity_level", "dB", {**SETUP, "dbx": "decode"}, "m", "no take without dbx; capture one")
    page = dbx.page(by_setup(session.model_copy(update={"results": [*session.results, lost]})))
    assert any("no take without dbx" in why for _, why in page.missing)


def test_a_session_without_dbx_has_no_such_page(session):
    plain = session.model_copy(update={"results": session.results[:1], "curves": []})
    assert dbx.page(by_setup(plain)) is None


def test_nothing_of_dbx_is_told_twice(session):
    assert all(others.page(setup) is None for setup in by_setup(session))


def test_the_page_is_typeset(session, header):
    report = build_report(session, header)
    assert report.pdf.startswith(b"%PDF")
    assert {"dbx_laws", "dbx_filters", "dbx_tracking", "dbx_noise_modulation"} <= set(report.figures)
