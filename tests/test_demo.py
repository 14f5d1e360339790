"""``tape demo`` from beginning to end, held against what the virtual deck knows of itself."""

import json
import os
import re
import shutil
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

LONGEST_S = 180.0  # of one core: on a machine that does something else besides, the clock on the wall tells nothing
LARGEST_BYTES = 3e9
PASSES = (1, 2)


@pytest.fixture(scope="module")
def demo(process, tmp_path_factory):
    """The demo run once, as a newcomer runs it: its folder, what it said, and what it took."""
    folder = tmp_path_factory.mktemp("demo")
    before = os.times()
    done = process("demo", cwd=folder)
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    assert done.status == 0, done.err
    session = folder / "tape-demo"
    measured, true = (json.loads((session / f"{name}.json").read_text()) for name in ("measurements", "truth"))
    return SimpleNamespace(session=session, done=done, cpu_s=cpu_s, measured=measured, true=true)


def value(document, quantity, number, **conditions):
    wanted = {"track": 1, "pass": number, **conditions}
    found = [r for r in document["results"] if r["quantity"] == quantity and wanted.items() <= r["conditions"].items()]
    assert len(found) == 1, (quantity, wanted)
    assert found[0]["valid"]
    return found[0]["value"]


def response(document, number):
    wanted = {"track": 1, "pass": number, "level_db": -20.0}
    (found,) = (
        c for c in document["curves"] if c["quantity"] == "frequency_response" and wanted.items() <= c["conditions"].items()
    )
    return np.array(found["x"]["values"]), np.array(found["y"]["values"])


def test_it_stays_within_its_time_and_memory(demo):
    assert demo.cpu_s < LONGEST_S
    resource = pytest.importorskip("resource")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    assert 1e8 < peak < LARGEST_BYTES


def test_it_says_where_everything_lies(demo):
    for what, where in (("report", "report.pdf"), ("model", "models/hammerstein"), ("truth", "truth.json")):
        assert re.search(rf"^{what}: +tape-demo/{where}", demo.done.out, re.MULTILINE)
        assert (demo.session / where).exists()
    lines = demo.done.out.splitlines()
    filter_line = next(i for i, line in enumerate(lines) if line.startswith("linear filter (least squares): ESR"))
    assert lines[filter_line + 1].startswith("floor under the error of any model: about ESR")
    assert lines[filter_line + 2].startswith("hammerstein: ESR")
    assert "Traceback" not in demo.done.err
    assert "Warning" not in demo.done.err


def test_the_session_is_whole(demo, command):
    assert command("check", demo.session).out == f"{demo.session}: whole\n"
    manifest = json.loads((demo.session / "session.json").read_text())
    assert [(t["role"], t["state"]) for t in manifest["takes"]] == [
        ("record", "complete"),
        ("play", "complete"),
        ("play", "complete"),
    ]
    assert {"models/hammerstein/model.safetensors", "report.pdf", "measurements.json", "truth.json"} <= set(
        manifest["files"]
    )
    assert len(list((demo.session / "figures").glob("*.svg"))) >= 5
    assert len(list((demo.session / "curves").glob("*.csv"))) == len(demo.measured["curves"])


@pytest.mark.parametrize("number", PASSES)
def test_figures_against_the_truth(demo, number):
    def both(quantity, **conditions):
        return (value(document, quantity, number, **conditions) for document in (demo.measured, demo.true))

    found, true = both("latency")
    assert found == pytest.approx(true, abs=20e-6)
    found, true = both("speed_error")
    assert found == pytest.approx(true, abs=0.005)
    found, true = both("wow_flutter_weighted_2sigma")
    assert found == pytest.approx(true, rel=0.05)
    found, true = both("thd", frequency_hz=315.0, level_db=0.0)
    assert found == pytest.approx(true, rel=0.05)
    found, true = both("noise_a")
    assert found == pytest.approx(true, abs=0.5)


@pytest.mark.parametrize("number", PASSES)
def test_response_against_the_truth(demo, number):
    frequency, found = response(demo.measured, number)
    true = np.interp(np.log(frequency), np.log(response(demo.true, number)[0]), response(demo.true, number)[1])
    inside = (frequency >= 40.0) & (frequency <= 14_000.0)
    assert inside.sum() > 300
    assert np.max(np.abs(found - true)[inside]) < 0.3


def test_every_figure_has_method_and_doubt(demo):
    for found in demo.measured["results"]:
        assert found["method"]
        assert found["valid"] == (found["value"] is not None)
        assert found["valid"] or found["note"]
    doubtful = {
        "latency",
        "speed_error",
        "wow_flutter_weighted_2sigma",
        "thd",
        "noise_a",
        "snr_a",
        "mol_315",
        "bandwidth_high",
    }
    assert all(f["uncertainty"] > 0.0 for f in demo.measured["results"] if f["quantity"] in doubtful and f["valid"])


def test_the_model_is_three_times_better_than_a_filter(demo):
    evaluation = json.loads((demo.session / "models/hammerstein/model.json").read_text())["evaluation"]
    assert evaluation["seconds"] > 5.0
    assert all("+5 dB" in piece["name"] for piece in evaluation["pieces"])
    assert evaluation["floor_esr"] < evaluation["esr"] < evaluation["baseline_esr"] / 3.0


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs pdftotext: make system-deps")
def test_the_report_can_be_read(demo):
    text = subprocess.run(
        ["pdftotext", "-layout", demo.session / "report.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    pages = text.split("\f")[:-1]
    assert len(pages) >= 6
    assert all(len(page.split()) > 40 for page in pages)
    for word in ("Virtual 424 MkII (fresh)", "flutter", "response", "distortion", "noise", "315 Hz", "hammerstein"):
        assert word.lower() in text.lower()


def test_its_model_renders_a_sound_file(demo, command, tmp_path):
    rate = 44_100
    wave = 0.1 * np.sin(2.0 * np.pi * 1000.0 * np.arange(4 * rate) / rate)
    soundfile.write(tmp_path / "in.wav", np.stack([wave, 0.5 * wave], axis=1), rate, subtype="PCM_24")
    model = demo.session / "models/hammerstein"
    done = command("render", model, tmp_path / "in.wav", tmp_path / "out.wav", "--hiss", 0)
    assert (done.status, done.out) == (0, f"written: {tmp_path / 'out.wav'}\n")
    out, out_rate = soundfile.read(tmp_path / "out.wav")
    assert (out.shape, out_rate) == ((4 * rate, 2), rate)
    level_db = 10.0 * np.log10(2.0 * np.mean(out[rate : 3 * rate] ** 2, axis=0)) - 20.0 * np.log10([0.1, 0.05])
    frequency, gain_db = response(demo.true, 1)
    assert level_db == pytest.approx(np.interp(1000.0, frequency, gain_db), abs=0.5)
