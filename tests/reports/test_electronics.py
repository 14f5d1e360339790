"""The electronics alone in report and key figures: beside the tape, and never in its place."""

import re

import pytest

from reports.key_figures import print_key_figures
from reports.readings import by_setup
from reports.report import build_report
from reports.subjects import SUBJECTS, electronics
from reports.subjects.electronics import QUANTITIES
from reports.summary import rows
from sessions.results import Axis
from tests.reports.test_report import pages

WHERE = {"speed_cm_s": 9.5, "dbx": "off", "path": "electronics"}


def of_electronics(item):
    """The same figure as if the tape were not there: flat, 20 dB quieter, a tenth of the distortion."""
    kept = {key: value for key, value in item.conditions.items() if key not in ("pass", "speed_cm_s", "dbx")}
    update = {"conditions": {**kept, **WHERE}}
    match item.quantity:
        case "frequency_response":
            update["y"] = Axis.of(item.y.name, item.y.unit, 0.0 * item.y.array)
        case "latency":
            update |= {"value": 3.21e-4, "uncertainty": 2e-6}
        case "thd" | "thd_n":
            update["value"] = item.value / 10.0
        case "noise_a" | "noise_ccir_rms":
            update["value"] = item.value - 20.0
    return item.model_copy(update=update)


@pytest.fixture(scope="module", params=[(1,), (1, 2)], ids=["one track", "two tracks"])
def sessions(make_session, request):
    """A session of the tape, and the same with its electronics."""
    tape = make_session(request.param, (1, 2))
    own = {*QUANTITIES, "noise_spectrum", "compression", "thd_vs_level", "snr_a", "hum", "phase_response"}
    results = [of_electronics(r) for r in tape.results if r.conditions["pass"] == 1 and r.quantity in own]
    curves = [of_electronics(c) for c in tape.curves if c.conditions["pass"] == 1 and c.quantity in own]
    both = tape.model_copy(update={"results": [*tape.results, *results], "curves": [*tape.curves, *curves]})
    return tape, both


def test_a_page_shows_the_electronics_beside_the_tape(sessions, header):
    tape, both = sessions
    (text,) = (t for t in pages(build_report(both, header).pdf, "-layout") if "Electronics alone" in t)
    noise = [sum(r.value for r in m.find("noise_a", track=1)) for m in (tape, both)]
    alone, of_tape = noise[1] - noise[0], noise[0] / 2.0
    assert re.search(rf"Noise, A-weighted dB 1 −{-alone:.1f} ?± ?0\.3 −{-of_tape:.1f} ?± ?0\.3", text)
    assert re.search(r"Latency, interface included µs 1 321\.0 ?± ?2\.0", text)
    assert re.search(r"Without the tape the signal returns 321 µs late \(interface included\), with 0\.\d+ % THD", text)
    assert "through mixer and interface, but not through the tape" in text


def test_all_other_pages_and_the_summary_are_those_of_the_tape(sessions):
    (without,), (with_electronics,) = (by_setup(m) for m in sessions)
    assert rows([with_electronics], ()) == rows([without], ())
    for subject in SUBJECTS:
        if subject is electronics.page:
            assert subject(without) is None
            continue
        one, other = (subject(setup) for setup in (without, with_electronics))
        if one is not None:
            assert (other.lead, other.conditions, other.missing) == (one.lead, one.conditions, one.missing)
            assert other.methods == one.methods


def test_the_key_figures_in_the_terminal_are_those_of_the_tape(sessions, capsys):
    printed = []
    for measurements in sessions:
        print_key_figures(measurements)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert "noise, A-weighted" in printed[0]
