"""``tape export``: the pair that it writes, judged without the program's own code."""

import hashlib
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
import soundfile
from scipy.linalg import solve_toeplitz
from scipy.signal import correlate, fftconvolve, firwin, lfilter

from analysis.alignment import align_channels
from analysis.dewarp import interpolate
from sessions.store import Session
from signals.music import compose
from tests.conftest import HEARING, environment

RATE = 16_000
DELAY_S, WOW, WOW_HZ = 0.4, 1e-3, 2.0


def deck(sound):
    """Saturation and two poles, without motion."""
    bent = np.tanh(2.5 * sound) / 2.5
    return lfilter([0.3], [1.0, -0.7], lfilter([1.0, -1.0], [1.0, -0.98], bent))


@pytest.fixture(scope="module")
def pair(command, tmp_path_factory):
    """A session of a pair that wows by 0.1 % and comes 0.4 s late, and a linear model of it."""
    folder = tmp_path_factory.mktemp("pair")
    dry = 0.5 * np.concatenate([compose(seed, 14.0, 48_000, style) for seed, style in ((1, "band"), (2, "beat"))])[::3]
    time = np.arange(dry.size + RATE) / RATE - DELAY_S
    positions = time + WOW / (2.0 * np.pi * WOW_HZ) * np.sin(2.0 * np.pi * WOW_HZ * time)
    wet = interpolate(deck(dry), positions * RATE) + 1e-4 * np.random.default_rng(0).standard_normal(time.size)
    soundfile.write(folder / "dry.wav", dry, RATE, subtype="PCM_24")
    soundfile.write(folder / "wet.wav", wet, RATE, subtype="PCM_24")
    session = folder / "session"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "wet.wav").status == 0
    done = command("train", session, "--core", "linear", "--json")
    assert done.status == 0, done.err
    return session, json.loads(done.out)["esr"]


def exported(command, session, folder, *options):
    """What an export said, with its two sounds."""
    done = command("export", session, folder, *options, "--json")
    assert (done.status, done.err) == (0, ""), done
    said = json.loads(done.out)
    kept = json.loads((folder / "snapshot.json").read_text())
    assert {**kept, "folder": str(folder)} == said
    assert sorted(f.name for f in folder.iterdir()) == ["input.wav", "output.wav", "snapshot.json"]
    sounds = []
    for name, sha256 in kept["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
        sound, rate = soundfile.read(folder / name)
        assert (rate, sound.shape) == (kept["sample_rate"], (kept["samples"],))
        sounds.append(sound)
    edges = [0] + [segment["stop_samples"] for segment in kept["segments"]]
    assert [segment["start_samples"] for segment in kept["segments"]] == edges[:-1]
    assert edges[-1] == kept["samples"]
    return kept, *sounds


@pytest.fixture(scope="module")
def plain(command, pair, tmp_path_factory):
    """The pair exported as it is by default: where, and what."""
    folder = tmp_path_factory.mktemp("plain") / "new"
    return folder, *exported(command, pair[0], folder)


def parts(kept, split):
    return [slice(s["start_samples"], s["stop_samples"]) for s in kept["segments"] if s["split"] == split]


def least_squares_esr(kept, sent, returned):
    """Error on the held-out part of the filter of 64 ms, a third of it look-ahead, that fits the first part best."""
    taps, ahead = round(0.064 * kept["sample_rate"]), round(0.064 * kept["sample_rate"] / 3)
    auto, cross = np.zeros(taps), np.zeros(taps)
    for part in parts(kept, "train"):
        x, y = sent[part], returned[part]
        auto += correlate(x, x, method="fft")[x.size - 1 : x.size - 1 + taps]
        cross += correlate(y, x, method="fft")[x.size - 1 - ahead : x.size - 1 - ahead + taps]
    auto[0] *= 1.0 + 1e-6
    h = solve_toeplitz(auto, cross)
    error = power = 0.0
    for part in parts(kept, "test"):
        guess = fftconvolve(sent[part], h)[ahead : ahead + sent[part].size]
        inside = slice(taps, -taps)  # what came before a segment is not in the files
        error += np.sum((returned[part] - guess)[inside] ** 2)
        power += np.sum(returned[part][inside] ** 2)
    return error / power


def test_another_least_squares_comes_to_the_same_error(plain, pair):
    folder, kept, sent, returned = plain
    assert (kept["direction"], soundfile.info(folder / "input.wav").subtype) == ("dry", "PCM_24")
    assert least_squares_esr(kept, sent, returned) == pytest.approx(pair[1], rel=0.15)
    assert kept["floor"]["esr"] < 0.1 * pair[1]
    assert [segment["split"] for segment in kept["segments"]] == ["train", "validation", "test"]


def test_so_it_does_in_the_direction_that_is_trained_on(command, pair, tmp_path):
    session, esr = pair
    kept, sent, returned = exported(command, session, tmp_path / "new", "--direction", "tape", "--float")
    assert (kept["direction"], soundfile.info(tmp_path / "new/input.wav").subtype) == ("tape", "FLOAT")
    assert least_squares_esr(kept, sent, returned) == pytest.approx(esr, rel=0.15)


def test_the_sent_sound_is_untouched_and_the_returned_one_free_of_motion(plain, pair):
    session, _ = pair
    _, kept, sent, returned = plain
    dry, _ = soundfile.read(session / "takes/pair/sent.wav")
    part = parts(kept, "train")[0]
    first = int(np.argmax(correlate(dry, sent[part], "valid", "fft")))
    assert np.abs(dry[first : first + sent[part].size] - sent[part]).max() < 2.0**-22
    # The device without motion differs by hiss, a mean, and a constant delay of a few microseconds.
    true = deck(dry)[first : first + sent[part].size]
    X, Y = (np.fft.rfft(x - x.mean()) for x in (true, returned[part]))
    angle = 2.0 * np.pi * np.fft.rfftfreq(true.size)
    errors = [np.sum(np.abs(Y - X * np.exp(-1j * angle * d)) ** 2) for d in np.arange(-3.0, 3.0, 0.02)]
    assert min(errors) / np.sum(np.abs(X) ** 2) < 1e-3


def test_an_exported_pair_is_a_pair_without_delay(command, plain, tmp_path):
    again = tmp_path / "again"
    files = ("--dry", plain[0] / "input.wav", "--wet", plain[0] / "output.wav")
    assert command("import", again, *files).status == 0
    _, dry, wet = Session.open(again).pair("pair")
    found = align_channels(dry, wet, 0, 0).timebase
    assert np.abs(found.delay_s).max() < 10e-6
    assert np.std(found.delay_s) < 3e-6


def test_another_rate(command, pair, plain, tmp_path):
    session, _ = pair
    _, lower, sent, _ = plain
    kept, upper, _ = exported(command, session, tmp_path / "upper", "--rate", 48_000)
    assert kept["samples"] == pytest.approx(3 * lower["samples"], abs=20)
    assert len(kept["masked"]) == len(lower["masked"])
    for one, other in zip(kept["masked"], lower["masked"], strict=True):
        assert one == pytest.approx([3 * edge for edge in other], abs=4)
    part, same = parts(kept, "test")[0], parts(lower, "test")[0]
    assert np.std((upper[part][::3][: sent[same].size] - sent[same])[100:-100]) < 0.01 * np.std(sent[same])


def test_a_captured_session(command, captured, tmp_path):
    kept, sent, returned = exported(command, captured, tmp_path / "new")
    # Below 4 kHz: of the treble in this music an error of a microsecond leaves a tenth, and one of a sample everything.
    error = fftconvolve(returned - 0.5 * sent, firwin(255, 4000.0, fs=48_000), "same")
    masked = np.zeros(error.size, dtype=bool)
    for start, stop in kept["masked"]:
        masked[start:stop] = True
    assert masked.mean() < 0.2
    assert np.std(error[~masked]) < 4e-4  # hiss of 0.4e-4, and what is left of the motion
    assert kept["source"]["track"] == 1
    assert kept["source"]["files"]["stimuli/main.wav"]
    assert all(segment["conditions"]["kind"] in ("music", "noise") for segment in kept["segments"])
    assert any("one pass alone" in doubt for doubt in kept["doubts"])


# Refusals


def test_what_cannot_be_exported(command, pair, tmp_path):
    session, _ = pair
    taken = tmp_path / "taken"
    taken.mkdir()
    for said, *arguments in (
        ("taken exists already and is never overwritten; name a new folder", session, taken),
        ("is the folder of a model; name that of a session", session / "models/linear", tmp_path / "new"),
        ("direction 'wet' is unknown; choose one of dry, tape", session, tmp_path / "new", "--direction", "wet"),
        ("4000 Hz is outside 16000 to 192000 Hz; choose a rate inside", session, tmp_path / "new", "--rate", 4000),
        ("'maybe' is no position of the dbx switch", session, tmp_path / "new", "--dbx", "maybe"),
        ("has no track 3; it has 1", session, tmp_path / "new", "--track", 3),
        ("There is no session at", tmp_path / "none", tmp_path / "new"),
    ):
        done = command("export", *arguments)
        assert said in done.refusal
        assert done.out == ""
        assert [f.name for f in tmp_path.iterdir()] == ["taken"]


def test_what_lies_beside_is_nobody_elses(command, pair, tmp_path):
    (tmp_path / "new.part").mkdir()
    (tmp_path / "new.part/thesis.txt").write_text("mine")
    assert command("export", pair[0], tmp_path / "new").status == 0
    assert sorted(f.relative_to(tmp_path).as_posix() for f in tmp_path.glob("*")) == ["new", "new.part"]
    assert (tmp_path / "new.part/thesis.txt").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process alone")
@pytest.mark.parametrize(
    ("asking", "status", "said_of_it"), [(signal.SIGINT, 1, "interrupted"), (signal.SIGTERM, 143, "ended by SIGTERM")]
)
def test_being_ended_leaves_nothing_behind(start, pair, tmp_path, asking, status, said_of_it):
    session, _ = pair
    running = start("export", session, tmp_path / "new")
    said = []
    for line in running.stderr:
        said.append(line)
        if "writing" in line:
            running.send_signal(asking)
            break
    out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err.splitlines()[-1:]) == (
        status,
        "",
        [f"tape: {said_of_it}; what had been finished is kept"],
    ), said
    assert list(tmp_path.iterdir()) == []


def test_without_memory_one_line_is_said(pair, tmp_path):
    pytest.importorskip("resource")
    session, _ = pair
    # What the command imports is there before the limit is set: 60 MB are not enough for the material.
    script = (
        f"{HEARING}; import resource, sys, tape, modeling.snapshot, capture.terminal\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 60_000_000,) * 2)\n"
        f"sys.argv = ['tape', 'export', {str(session)!r}, {str(tmp_path / 'new')!r}]\n"
        "tape.main()"
    )
    if sys.platform != "linux":
        pytest.skip("the size of a process is limited on Linux alone")
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**environment(), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 1, done
    assert done.stderr.splitlines()[-1].startswith("tape: there is not enough memory"), done.stderr
    assert "close other programs" in done.stderr
    assert list(tmp_path.iterdir()) == []
