"""The comparison as a reader and a program get it: PDF, JSON, and where it is written."""

import io
import json
import re
from dataclasses import replace

import pypdf
import pytest

from reports.comparison.figures import Member, beside
from reports.comparison.report import build_comparison
from sessions.manifest import Wiring
from sessions.results import Measurements
from sessions.store import Session
from tests.reports.full_session import everything, with_dbx


def text_of(pdf: bytes) -> list[str]:
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
    return [re.sub(r"\s+", " ", page.replace("\u200b", "")) for page in pages]


def louder(measurements: Measurements, db: float) -> Measurements:
    """The same session with more noise."""
    results = [
        r.model_copy(update={"value": r.value + db}) if r.quantity == "noise_a" and r.value is not None else r
        for r in measurements.results
    ]
    return measurements.model_copy(update={"results": results})


@pytest.fixture(scope="module")
def members(make_session, header):
    own = everything(make_session((1, 2), (1, 2)), (1, 2))
    other = replace(header, tape="Maxell XL II", created="2026-11-20T20:00:00+00:00")
    return [Member("A", "last-year", header, own), Member("B", "now", other, louder(own, 3.0))]


@pytest.fixture(scope="module")
def report(members):
    return build_comparison(members)


def test_first_page_says_what_changed_what_differs_and_what_cannot_be_compared(report):
    first = text_of(report.pdf)[0]
    assert "B differs from A in noise" in first
    assert re.search(r"Noise, A-weighted −55\.[01] to −52\.[01] dB, higher by 3\.0 ?± ?0\.\d+ dB", first)
    assert "The same within doubt: Speed, playback against recording" in first
    assert re.search(r"Tape TDK SA C-60, Type II Maxell XL II differs", first)
    assert re.search(r"Recorded 21 November 2025 20 November 2026 differs", first)
    assert "Delay at the start marker" in first
    assert "hides absolute speed" in first


def test_every_family_is_laid_over_each_other_with_the_same_look(report):
    text = " ".join(text_of(report.pdf))
    for title in ("Response", "Distortion", "Noise", "Wow, flutter and speed", "Tracks", "Differences, B against A"):
        assert title in text
    assert "95 % uncertainty of the difference" in text
    assert "● changed" in text
    assert "A: last-year · B: now" in text


def test_programs_get_all_differences(report):
    data = json.loads(json.dumps(report.data))
    (against,) = data["comparisons"]
    noise = [d for d in against["differences"] if d["quantity"] == "noise_a"]
    assert [d["verdict"] for d in noise] == ["changed", "changed"]
    assert noise[0]["difference"] == pytest.approx(3.0)
    assert 0.3 * 2**0.5 <= noise[0]["uncertainty"] < 3.0  # at least what the figures state
    assert {c["what"] for c in data["conditions"] if c["differs"]} == {"Tape", "Recorded"}
    assert [s["letter"] for s in data["sessions"]] == ["A", "B"]


def test_same_input_same_bytes(members, report):
    assert build_comparison(members).pdf == report.pdf


def test_three_sessions_and_one_that_holds_little(members, header, make_session):
    little = Measurements(
        session="x", tool_version="1", created="", curves=[],
        results=[r for r in make_session((1,), (1,)).results if r.quantity == "noise_a"],
    )  # fmt: skip
    first = text_of(build_comparison([*members, Member("C", "a friend's", header, little)]).pdf)
    assert "C is the same as A within doubt in noise" in " ".join(first)
    assert "Differences, C against A" in " ".join(first)


def test_speeds_that_differ_stand_beside_each_other_but_are_not_subtracted(make_session, header):
    fast, slow = (make_session((1,), (1,), (speed,)) for speed in (9.5, 4.8))
    members = [Member("A", "fast", header, fast), Member("B", "slow", header, slow)]
    (group,) = beside(members)
    assert list(group.setups) == ["A, 9.5\u202fcm/s", "B, 4.8\u202fcm/s"]
    first = text_of(build_comparison(members).pdf)[0]
    assert "A and B have no figure in common" in first
    assert "B has 4.8 cm/s only" in first


def test_positions_of_the_dbx_switch_are_compared_each_with_its_own(make_session, header):
    own = with_dbx(make_session((1,), (1,)), ("off", "on"))
    data = build_comparison([Member("A", "a", header, own), Member("B", "b", header, louder(own, 2.0))]).data
    noise = [d for d in data["comparisons"][0]["differences"] if d["quantity"] == "noise_a"]
    assert {d["conditions"]["dbx"] for d in noise} == {"off", "on"}
    assert all(d["difference"] == pytest.approx(2.0) for d in noise)


@pytest.fixture
def on_disk(tmp_path, make_session, monkeypatch):
    """Two measured sessions in the working folder."""
    monkeypatch.chdir(tmp_path)
    for i, name in enumerate(("one", "two")):
        session = Session.create(tmp_path / name, deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, wiring=Wiring())
        session.write_measurements(louder(make_session((1,), (1,)), float(i)))
    return tmp_path


def test_the_command_writes_a_new_file_and_nothing_else(command, on_disk, monkeypatch):
    def files():
        return {p.relative_to(on_disk).as_posix(): p.read_bytes() for p in on_disk.rglob("*") if p.is_file()}

    before = files()
    done = command("report", "one", "two")
    assert done.status == 0
    headline, written = done.out.splitlines()
    same = "speed, wow and flutter, response, distortion and polarity"
    assert headline == f"B differs from A in noise; {same} are the same within doubt."
    assert written == f"report: {on_disk / 'comparison.pdf'}"
    (on_disk / "two" / "inside").mkdir()
    monkeypatch.chdir(on_disk / "two" / "inside")  # wherever one is, it lands beside the first session
    said = command("report", "../../one", "..", "--json")
    monkeypatch.chdir(on_disk)
    (on_disk / "two" / "inside").rmdir()
    assert json.loads(said.out)["report"] == str(on_disk / "comparison-2.pdf")
    assert set(files()) - set(before) == {"comparison.pdf", "comparison-2.pdf"}
    assert {k: v for k, v in files().items() if k in before} == before
    made = command("report", "one", "two", "--output", "sub/what.pdf")
    assert made.out.endswith("report: sub/what.pdf\n")
    assert (on_disk / "sub/what.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (("one", "one"), 2, "named twice"),
        (("one", "three"), 1, "There is no session at three"),
        (("one", "two", "--output", "taken.pdf"), 2, "taken.pdf exists already and is never overwritten"),
        (("one", "--output", "x.pdf"), 2, "is for two sessions or more"),
        (("one", "two", "--output", "taken.pdf/x.pdf"), 1, "taken.pdf"),
        (("one", "bare"), 1, "has not been measured; run 'tape measure"),
    ],
)
def test_what_cannot_be_compared_is_refused_in_a_line(command, on_disk, arguments, status, said):
    (on_disk / "taken.pdf").write_bytes(b"mine")
    Session.create(on_disk / "bare", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, wiring=Wiring())
    done = command("report", *arguments)
    assert done.status == status
    assert said in done.refusal
    assert (on_disk / "taken.pdf").read_bytes() == b"mine"
