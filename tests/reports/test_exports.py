"""Exports read back by other programs: FRD by numpy, sound files by libsndfile, both against the filter they were made of."""

import io

import numpy as np
import pytest
import soundfile
from scipy import signal

from reports import exports
from sessions.manifest import Wiring
from sessions.results import Axis, Curve, Measurements
from sessions.store import Session

GRID = 16.0 * 2.0 ** (np.arange(498) / 48.0)  # 48 points to the octave, 16 Hz to 21 kHz
# A band-pass of a tape's order with a presence peak: analogue, so that its response is known at every frequency.
B, A = signal.butter(2, [2 * np.pi * 40.0, 2 * np.pi * 15_000.0], "bandpass", analog=True)
TURN = 360.0


def truth(frequency_hz):
    return signal.freqs(B, A, 2 * np.pi * np.asarray(frequency_hz))[1]


def curve(quantity, values, unit, **conditions):
    return Curve(
        quantity=quantity, conditions={"track": 1, "level_db": -20.0, **conditions}, method="m",
        x=Axis.of("frequency", "Hz", GRID), y=Axis.of("y", unit, values),
    )  # fmt: skip


def measured(with_phase=True):
    """Two passes: 0.2 dB and 2 degrees either side of the truth, the second unwrapped from another turn."""
    h = truth(GRID)
    level, phase = 20 * np.log10(np.abs(h)), np.degrees(np.unwrap(np.angle(h)))
    curves = []
    for number, sign in ((1, 1.0), (2, -1.0)):
        curves.append(curve("frequency_response", level + 0.2 * sign, "dB", **{"pass": number}))
        if with_phase:
            curves.append(curve("phase_response", phase + 2.0 * sign + TURN * (number - 1), "deg", **{"pass": number}))
    return Measurements(session="s", tool_version="1", created="", results=[], curves=curves)


def test_impulse_response_has_the_response_it_was_made_of():
    found = exports.files(measured())
    name = "curves/impulse_response.track=1,level_db=-20.0.wav"
    info = soundfile.info(io.BytesIO(found[name]))
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "FLOAT")
    wave, rate = soundfile.read(io.BytesIO(found[name]))
    f = np.geomspace(25.0, 19_000.0, 60)  # between the points of the curve
    late = (np.arange(wave.size) - 0.25 * rate) / rate  # time zero stands at 0.25 s
    h = np.exp(-2j * np.pi * np.outer(f, late)) @ wave
    ratio = h / truth(f)
    assert np.abs(20 * np.log10(np.abs(ratio))).max() < 0.02
    assert np.abs(np.degrees(np.angle(ratio))).max() < 0.3
    assert abs(np.argmax(np.abs(wave)) - 12_000) < 5


def test_frd_says_level_and_phase_and_how_they_were_found():
    found = exports.files(measured())
    text = found["curves/frequency_response.track=1,level_db=-20.0.frd"].decode()
    assert all(line.startswith("* ") for line in text.splitlines()[:4])
    assert "mean of 2 passes" in text
    assert "latency" in text
    table = np.loadtxt(io.StringIO(text), comments="*")
    assert table.shape == (GRID.size, 3)
    np.testing.assert_allclose(table[:, 0], GRID, rtol=1e-6)
    h = 10 ** (table[:, 1] / 20) * np.exp(1j * np.radians(table[:, 2]))
    np.testing.assert_allclose(h, truth(GRID), atol=2e-5)
    assert np.abs(table[:, 2]).max() <= 180.0


def test_without_phase_no_impulse_is_invented_and_the_file_says_so():
    found = exports.files(measured(with_phase=False))
    assert list(found) == ["curves/frequency_response.track=1,level_db=-20.0.frd"]
    text = next(iter(found.values())).decode()
    assert "phase: not measured" in text
    assert np.loadtxt(io.StringIO(text), comments="*").shape == (GRID.size, 2)


def test_exports_are_part_of_the_session_and_are_renewed(tmp_path):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0, wiring=Wiring())
    whole = measured()
    session.write_measurements(whole, exports.files(whole))
    names = {p.name for p in (session.path / "curves").iterdir()}
    assert {n.rsplit(".", 1)[1] for n in names} == {"csv", "frd", "wav"}
    assert {f"curves/{n}" for n in names} <= set(session.manifest.files)
    assert session.check() == []
    less = measured(with_phase=False)
    session.write_measurements(less, exports.files(less))
    assert not list((session.path / "curves").glob("*.wav"))
    assert session.check() == []


@pytest.mark.parametrize("points", [0, 1])
def test_a_curve_too_short_to_be_a_response_is_left_out(points):
    short = (
        measured()
        .curves[0]
        .model_copy(update={"x": Axis.of("f", "Hz", GRID[:points]), "y": Axis.of("y", "dB", GRID[:points])})
    )
    assert exports.files(Measurements(session="s", tool_version="1", created="", results=[], curves=[short])) == {}
