"""The PDF as a reader gets it: its words, its pages, whatever is in the session."""

import io
import re
import shutil
import subprocess

import numpy as np
import pypdf
import pytest

from reports.header import ReportHeader
from reports.report import build_report
from reports.subjects.models import ModelSummary
from sessions.results import Axis, Curve, Measurements, Result
from tests.reports.full_session import everything, with_dbx

HOSTILE = "#let x = 1; $a^2$ @ref *bold* _it_ `raw` <tag> \\ \" ' {} [] // /* &amp; é Ω ≤ Ж"


def pages(pdf: bytes, *options: str) -> list[str]:
    """Text of every page, single-spaced, without the breaks allowed inside long words; "-layout" keeps table rows."""
    if shutil.which("pdftotext"):  # pypdf takes seconds over pages full of curves
        done = subprocess.run(["pdftotext", *options, "-", "-"], input=pdf, capture_output=True, check=True)
        texts = done.stdout.decode().split("\f")[:-1]
    else:
        texts = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    return [re.sub(r"\s+", " ", text.replace("\u200b", "")) for text in texts]


def page_of(report, title: str) -> str:
    return next(text for text in pages(report.pdf)[1:] if title in text[:200])


def measurements(results=(), curves=()) -> Measurements:
    return Measurements(session="s", tool_version="1", created="2025-11-21", results=list(results), curves=list(curves))


@pytest.fixture(scope="module")
def report(make_session, header):
    models = [ModelSummary("evening", "hammerstein", -21.3, -38.4, -44.1, "judged on 40 s of music held out")]
    return build_report(make_session(), header, models)


def test_first_page_says_what_was_measured_and_what_is_expected(report):
    first = pages(report.pdf)[0]
    for words in ("Tascam Portastudio 424 MkII", "21 November 2025", "TDK SA C-60, Type II", "Heads cleaned"):
        assert words in first
    # Speed is the mean of 0.121 and 0.124 %; half their spread is more than the ± 0.0004 % of each.
    table = pages(report.pdf, "-layout")[0]
    assert re.search(r"Speed, playback against recording 0\.1225 ± ?0\.0015 % 0\.0030", table)
    assert "≤ 0.05" in first
    assert "within" in first
    assert "homerecording.com/tas424specs.html" in first
    assert "hides absolute speed error and head azimuth" in first
    assert "second-hand" in first


def test_a_page_per_subject_with_method_and_conditions(report):
    assert "phase of the pilot on track 4" in page_of(report, "Time base and speed")
    wow = page_of(report, "Wow and flutter")
    for words in ("AES6-2008", "JIS (WRMS)", "below 6", "6–200", "capstan", "pinch roller"):
        assert words in wow
    response = page_of(report, "Frequency response")
    assert "sent at −20 to 0 dB" in response
    assert "Tracks 1 and 2" in response
    assert "Novak 2015" in response.replace("(", "").replace(")", "") or "Novak" in response
    assert "Fourth harmonic" in " ".join(pages(report.pdf))
    assert "a longer or louder tone would show it" in " ".join(pages(report.pdf))
    assert "hum line is −61.0 dB at 50 Hz on track 2" in page_of(report, "Noise")
    assert "−38.4" in page_of(report, "Models") or "−38.4" in pages(report.pdf)[-1]


def test_pages_are_a4(report):
    for page in pypdf.PdfReader(io.BytesIO(report.pdf)).pages:
        assert [float(v) for v in page.mediabox[2:]] == pytest.approx([210 / 25.4 * 72, 297 / 25.4 * 72], abs=0.1)


def test_summary_is_one_page_for_one_to_four_tracks(make_session, header):
    drawn = ("delay_trajectory", "frequency_response")  # that of the summary, and one for the page behind it
    for tracks in ((1,), (1, 2), (1, 2, 3, 4)):
        session = make_session(tracks, (1, 2, 3)[: len(tracks)])
        few = session.model_copy(update={"curves": [curve for curve in session.curves if curve.quantity in drawn]})
        texts = pages(build_report(few, header).pdf)
        assert "Heads cleaned" in texts[0]
        assert texts[1].find("Time base and speed") in range(200)
        for track in tracks:
            assert f"Track {track}" in texts[0]


def test_same_input_same_bytes(make_session, header):
    once, again = (build_report(make_session((1,), (1,)), header) for _ in range(2))
    assert once.pdf == again.pdf
    assert once.figures == again.figures


def test_two_speeds_are_kept_apart(make_session, header):
    report = build_report(make_session((1,), (1,), (9.5, 4.8)), header)
    text = " ".join(pages(report.pdf))
    assert "Noise, 9.5 cm/s" in text
    assert "Noise, 4.8 cm/s" in text
    assert "≤ 0.06" in text  # the 4.8 cm/s figure
    assert "frequency_response_speed_cm_s_4.8" in report.figures


def test_hostile_text_is_printed_not_run():
    conditions = {"track": HOSTILE, "pass": "p$1", "weird_$key": "@" + "y" * 300}
    results = [
        Result.invalid("thd", "%", conditions, HOSTILE, "first " + HOSTILE + " last"),
        Result(quantity=HOSTILE, value=1.5, unit="%", conditions=conditions, method=HOSTILE),
        Result(quantity="noise_a", value=-50.0, unit="dB", conditions=conditions, method="m\x00\x07\ud800\u202e"),
    ]
    f = np.geomspace(20, 20_000, 50)
    curve = Curve(
        quantity="frequency_response", conditions={**conditions, "level_db": "loud $"}, method=HOSTILE,
        x=Axis.of("f", "Hz", f), y=Axis.of("m", "dB", np.zeros(50)),
    )  # fmt: skip
    header = ReportHeader(session=HOSTILE, created=HOSTILE, deck=HOSTILE, notes="long " * 400 + "x" * 500, wiring=HOSTILE)
    report = build_report(measurements(results, [curve, curve.model_copy(update={"conditions": {}})]), header)
    text = " ".join(pages(report.pdf))
    assert "#let x = 1; $a^2$ @ref *bold* _it_ `raw` <tag>" in text
    assert "é Ω ≤ Ж" in text
    assert "first #let" in text


def test_foreign_scripts_do_not_stop_it(make_session):
    report = build_report(make_session((1,), (1,)), ReportHeader(session="テープ", created="", deck="カセット 📼 جهاز"))
    assert report.pdf.startswith(b"%PDF")


def test_everything_invalid_still_gives_a_report(make_session, header):
    measured = make_session((1,), (1,))
    broken = [
        Result.invalid(r.quantity, r.unit, r.conditions, r.method, f"no {r.quantity}: check the wiring")
        for r in measured.results
    ]
    texts = pages(build_report(measurements(broken), header).pdf)
    assert "not measured" in texts[0]
    assert "no speed_error: check the wiring" in texts[0]
    text = " ".join(texts)
    for quantity in {r.quantity for r in measured.results}:
        assert f"no {quantity}: check the wiring" in text


def test_an_empty_session_says_so(header):
    (only,) = pages(build_report(measurements(), header).pdf)
    assert "Not part of this session: speed, wow and flutter, response, distortion and noise." in only


def test_a_pair_made_elsewhere_with_a_trajectory_and_a_response_only():
    t, f = np.linspace(0, 30, 500), np.geomspace(100, 800, 60)  # does not reach 1 kHz
    curves = [
        Curve(
            quantity="delay_trajectory",
            method="programme",
            x=Axis.of("time", "s", t),
            y=Axis.of("delay", "s", 1e-3 * np.sin(t)),
        ),
        Curve(quantity="frequency_response", method="programme", x=Axis.of("f", "Hz", f), y=Axis.of("m", "dB", -3 + 0 * f)),
    ]
    header = ReportHeader(session="pair", created="2025-11-21", deck="somebody's deck", own_tape=False)
    report = build_report(measurements(curves=curves), header)
    texts = pages(report.pdf)
    assert "hides absolute speed" not in " ".join(texts)
    assert "does not reach 1 kHz" in " ".join(texts)
    assert "No published figures are known of this deck" in texts[0]
    assert set(report.figures) == {"delay_trajectory", "frequency_response", "frequency_response_small"}


def test_quantities_without_a_page_are_listed(header):
    result = Result(
        quantity="head_bump",
        value=1.23,
        unit="dB",
        uncertainty=0.02,
        conditions={"track": 2, "frequency_hz": 75},
        method="x",
    )
    text = " ".join(pages(build_report(measurements([result]), header).pdf))
    assert re.search(r"Head bump, 75 Hz dB 1\.230 ?± ?0\.020", text)


def test_every_quantity_of_four_tracks_has_its_place(make_session, header):
    report = build_report(everything(make_session((1, 2, 3, 4), (1, 2))), header)
    texts = pages(report.pdf)
    assert "Further figures" not in " ".join(texts)
    assert texts[1].find("Time base and speed") in range(200)  # the summary is one page
    tracks = page_of(report, "Tracks Crosstalk")
    # From the formula: |1 - 4| = 3 tracks apart at 1 kHz is 10 log10(10^-6.0 + 10^-8.0 (80/1000)^2) = -60.0 dB.
    assert "Crosstalk at 1 kHz is at most −60.0 dB (from track 1 into track 4)" in tracks
    assert "the tracks lie within 6.3 µs and 0.60 dB of each other" in tracks
    assert re.search(r"1 and 4 6\.30 ?± ?0\.20 22\.7 −0\.60", tracks)  # 360 * 10 kHz * 6.3 us = 22.7 degrees
    assert "the azimuth of the head cancels" in " ".join(texts)
    assert "Intermodulation, SMPTE, is 1.40 %" in page_of(report, "Distortion over frequency")
    assert "MOL 5.1 dB" in page_of(report, "Distortion")
    assert "re MOL" in " ".join(texts)
    assert "up to 4 dropouts a minute" in " ".join(texts)
    assert {"crosstalk", "phase_and_delay", "thd_vs_frequency", "intermodulation", "modulation_noise"} <= set(report.figures)
    assert "capstan" in report.figures["flutter_spectrum"].decode()  # lines bear the names of parts
    assert len(texts) <= 15


def test_positions_of_the_dbx_switch_share_a_page(make_session, header):
    report = build_report(with_dbx(make_session((1, 2), (1, 2))), header)
    texts = pages(report.pdf)
    assert len(texts) <= 12
    assert sum("Wow and flutter, dbx off" in text[:200] for text in texts) == 1
    assert not any("dbx on" in text[:120] for text in texts)
    positions = page_of(report, "Positions of the dbx switch")
    assert "A-weighted noise is −55.0 dB with dbx off, −83.0 dB with dbx on" in positions
    assert "A-weighted noise is −55.0 dB with dbx off" in texts[0]
    law = report.figures["dbx_levels"].decode()
    for label in ("off", "on", "recording only", "playing only"):
        assert f">{label}<" in law
    table = pages(report.pdf, "-layout")
    row = next(re.search(r"Noise, A-weighted dB 1 ([^N]*) 2", t) for t in table if "Recording only" in t)
    assert row is not None
    assert [float(v.replace("−", "-")) for v in re.findall(r"−\d+\.\d", row[1])] == [-55.0, -83.0, -55.0, -85.0]


def test_two_speeds_with_dbx_have_a_page_of_positions_each(make_session, header):
    report = build_report(with_dbx(make_session((1,), (1,), (9.5, 4.8)), ("off", "on")), header)
    titles = [text for text in pages(report.pdf) if "Positions of the dbx switch" in text]
    assert any("Positions of the dbx switch, 9.5 cm/s" in t for t in titles)
    assert any("Positions of the dbx switch, 4.8 cm/s" in t for t in titles)


def test_partly_valid_tracks_stand_beside_the_reason(make_session, header):
    measured = make_session((1, 2), (1,))
    results = [
        Result.invalid(r.quantity, r.unit, r.conditions, r.method, "silence on track 2; check its cable")
        if r.quantity == "noise_a" and r.conditions["track"] == 2
        else r
        for r in measured.results
    ]
    first = pages(build_report(measured.model_copy(update={"results": results}), header).pdf, "-layout")[0]
    assert re.search(r"Noise, A-weighted( ?a)? −5\d\.\d ± ?0\.3 –", first)
    assert "silence on track 2; check its cable" in first
