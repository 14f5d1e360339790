"""Tapes with something wrong: what is affected is present, invalid, and says why; the rest is as on the tape without the fault.

The machine is a line with soft saturation, wow, flutter, hiss and a speed of its own, so that every fault stands alone.
"""

import numpy as np
import pytest

from analysis.dewarp import interpolate
from reports.measuring import measure_session
from sessions.manifest import Wiring
from sessions.store import Session
from signals.errors import SignalError
from signals.stimulus import Piece, Scope, StimulusAudio, plan
from tests.bad_input.material import RATE

SCOPE = Scope(
    wow_flutter_s=6.0,
    ladder_hz=(315.0,),
    levels_db=(-10.0, 0.0),
    step_s=0.8,
    sweep_levels_db=(-10.0,),
    sweep_s=4.0,
    silence_s=3.0,
    impulses_s=0.5,
    pieces=(Piece("band", 8.0, 0.0, "train"),),
    crosstalk_s=2.0,
)
TRACKS = {0: 1, 1: 2, 2: 4}
SPEED, START_S, HISS = 1.002, 0.7, 3e-4
MOTION = ("latency", "speed_error", "wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms", "wow_rms", "flutter_rms")
TONES = ("thd", "harmonic_3")
NOISE = ("noise_a", "noise_ccir_rms", "snr_a")
RESPONSE = ("response_ripple",)
OF_SWEEP = ("bandwidth_low", "bandwidth_high", "response_ripple")
OF_TONE = ("thd", "thd_n", "harmonic_2", "harmonic_3", "harmonic_4", "harmonic_5")
BESIDE = ("azimuth_delay", "channel_balance")
REST_S = {"s": 3e-6, "%": 5e-4, "dB": 0.1, "1": 0.5, "Hz": 1.0}
"""What two measurements may differ by beside their uncertainties."""


class Bench:
    """One stimulus for tracks 1 and 2 with a pilot on 4, and what a machine makes of it."""

    def __init__(self, folder):
        self.folder = folder
        self.measured = {}
        self.sheet = plan(session="bad", sample_rate=RATE, tracks=(1, 2), pilot_track=4, scope=SCOPE)
        self.sent = StimulusAudio(self.sheet).read(0, self.sheet.samples)

    def played(self, speed=SPEED, hiss=HISS):
        """The recording of a pass without faults, shape (samples, 3)."""
        time = np.arange(round(self.sheet.samples / speed) + 2 * RATE) / RATE
        wow = 40e-6 * np.sin(2.0 * np.pi * 1.1 * time) + 8e-6 * np.sin(2.0 * np.pi * 7.0 * time)
        out = np.tanh(0.8 * interpolate(self.sent, (speed * (time - START_S) + wow) * RATE)) / 0.8
        return out + hiss * np.random.default_rng(1).standard_normal(out.shape)

    def during(self, kind):
        """Samples of the recording in which the first segment of a kind sounds."""
        cue = self.sheet.of_kind(kind)[0]
        start, stop = (round(s / SPEED + START_S * RATE) for s in (cue.start_samples, cue.stop_samples))
        return slice(start, stop)

    def measure(self, returned, name):
        """Figures of a recording; made once for every name."""
        if name not in self.measured:
            self.measured[name] = self._measured(returned, name)
        return self.measured[name]

    def _measured(self, returned, name):
        """Of one recording, or of several passes."""
        wiring = Wiring(outputs=TRACKS, inputs=TRACKS)
        made = {"deck": "made", "speed_cm_s": 9.5, "reference_dbfs": -18.0, "wiring": wiring, "session_id": "bad"}
        session = Session.create(self.folder / name, **made)
        session.add_stimulus(self.sheet, StimulusAudio(self.sheet))
        for number, recording in enumerate(returned if isinstance(returned, tuple) else (returned,), 1):
            how = {"role": "play", "number": number, "conditions": {}, "sample_rate": RATE, "channels": 3, "inputs": TRACKS}
            with session.begin_take(f"play-{number}", stimulus="main", **how) as take:
                take.write(recording.astype(np.float32))
                take.finish()
        return measure_session(session)


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("tapes"))


@pytest.fixture(scope="module")
def whole(bench):
    return bench.measure(bench.played(), "whole")


def same(found, whole, *quantities):
    """Figures that the fault does not touch agree within their uncertainties."""
    for quantity in quantities:
        expected = [r for r in whole.find(quantity) if r.valid]
        assert expected, quantity
        for result in expected:
            (got,) = [r for r in found.find(quantity) if r.conditions == result.conditions]
            assert got.valid, got
            doubt = (got.uncertainty or 0.0) + (result.uncertainty or 0.0) + REST_S[result.unit]
            assert abs(got.value - result.value) < doubt, (got, result.value)


def refused(results, *words):
    """There are such figures, none has a value, and all say why."""
    assert results
    for result in results:
        assert not result.valid, result
        assert any(word in result.note for word in words), result


@pytest.mark.slow
def test_noise_12_db_below_the_tone(bench, whole):
    found = bench.measure(bench.played(hiss=100.0 * HISS), "noisy")
    same(found, whole, "speed_error", "polarity")
    for before, now in zip(whole.find("noise_a"), found.find("noise_a"), strict=True):
        assert now.value == pytest.approx(before.value + 40.0, abs=0.5)
    refused(found.find("azimuth_delay"), "15 dB above the noise")
    refused(found.find("thd"), "noise")
    for quantity in OF_TONE:
        refused(found.find(quantity, level_db=-10.0), "less than 9 dB above the noise")
    refused(found.find("crosstalk"), "above the noise")
    # The machine is straight within 0.02 dB: all that is read beyond is noise, and must be doubted.
    for ripple in found.find("response_ripple"):
        assert not ripple.valid or ripple.value < ripple.uncertainty + 0.02


@pytest.mark.slow
def test_ripple_in_noise_is_not_sure_of_itself(bench):
    """The machine is straight within 0.02 dB; in hiss 32 dB below a sweep in 0.1 s some 0.3 dB of ripple are read."""
    for ripple in bench.measure(bench.played(hiss=30.0 * HISS), "hissing").find("response_ripple"):
        assert 0.1 < ripple.value < 0.5
        assert ripple.value - 0.02 < ripple.uncertainty < 1.2


def without_sweep(bench):
    returned = bench.played()
    returned[bench.during("sweep")] = 0.0
    return bench.measure(returned, "gap")


@pytest.mark.slow
def test_a_missing_sweep(bench, whole):
    same(without_sweep(bench), whole, *MOTION, *TONES, *NOISE, *BESIDE)


@pytest.mark.slow
def test_of_a_missing_sweep_no_response_is_told(bench):
    found = without_sweep(bench)
    for quantity in OF_SWEEP:
        refused(found.find(quantity), "the sweep stands out of the noise at")
    assert not [c for c in found.curves if c.quantity in ("frequency_response", "phase_response", "group_delay")]


@pytest.mark.slow
def test_a_missing_sweep_turns_no_polarity(bench, whole):
    same(without_sweep(bench), whole, "polarity")


@pytest.mark.slow
def test_a_stopped_tape(bench, whole):
    returned = bench.played()
    returned[bench.during("sweep").start + RATE :] = 0.0
    found = bench.measure(returned, "stopped")
    same(found, whole, "latency", *MOTION[2:], *TONES, "channel_balance")
    for quantity in (*OF_SWEEP, *NOISE, "noise_itu468"):
        assert len(found.find(quantity)) == len(whole.find(quantity))
        refused(found.find(quantity), "the tape was stopped or cut", "the third harmonic stays below")
    refused(found.find("crosstalk"), "the tape was stopped or cut")
    figures = [(r.quantity, tuple(sorted(r.conditions.items()))) for r in found.results]
    assert len(set(figures)) == len(figures)
    assert {q for q, _ in figures} >= {r.quantity for r in whole.results} - {"flutter_line", "hum"}


@pytest.mark.slow
def test_a_tape_that_stops_at_once(bench, whole):
    """Stopped in the reference tone: nothing that the whole tape told is left out without a word."""
    returned = bench.played()
    returned[bench.during("tone").start + RATE :] = 0.0
    found = bench.measure(returned, "stopped at once")
    told = {(r.quantity, tuple(sorted(r.conditions.items()))) for r in found.results}
    expected = [r for r in whole.results if r.quantity not in ("flutter_line", "hum")]
    assert [r for r in expected if (r.quantity, tuple(sorted(r.conditions.items()))) not in told] == []
    refused(
        [r for r in found.results if r.quantity not in ("latency", "speed_error", "speed_drift", "erasure")],
        "play",
        "pilot",
        "tone is lost",
    )


@pytest.mark.slow
def test_garbage_in_the_middle(bench, whole):
    """Two seconds of white noise at full scale in the sweep: neither the pilot nor the azimuth is led astray."""
    returned = bench.played()
    start = bench.during("sweep").start + RATE
    returned[start : start + 2 * RATE] = np.random.default_rng(3).uniform(-1.0, 1.0, (2 * RATE, 3))
    found = bench.measure(returned, "garbage")
    same(found, whole, "latency", "speed_error", *MOTION[2:], *TONES, *NOISE, *BESIDE, "polarity")
    for quantity in OF_SWEEP:
        refused(found.find(quantity), "clipped")


@pytest.mark.slow
def test_an_offset(bench, whole):
    found = bench.measure(bench.played() + 0.2, "offset")
    same(found, whole, *MOTION, *TONES, *NOISE, *RESPONSE, *BESIDE, "polarity")


def test_one_second_of_tape_is_refused(bench):
    with pytest.raises(SignalError, match="no start marker"):
        bench.measure(bench.played()[10 * RATE : 11 * RATE], "second")


@pytest.mark.slow
def test_one_second_of_tape_beside_a_whole_pass(bench, whole):
    returned = bench.played()
    found = bench.measure((returned, returned[10 * RATE : 11 * RATE]), "two passes")
    for result in whole.find("latency") + whole.find("thd") + whole.find("noise_a"):
        (got,) = [r for r in found.find(result.quantity) if r.conditions == result.conditions]
        assert got.value == result.value
    refused([r for r in found.find("latency") if r.conditions["pass"] == 2], "no start marker")


@pytest.mark.slow
@pytest.mark.parametrize("speed", [0.88, 1.12])
def test_speed_off_by_twelve_percent(bench, whole, speed):
    found = bench.measure(bench.played(speed), f"speed {speed}")
    for result in found.find("speed_error"):
        assert result.value == pytest.approx(100.0 * (speed - 1.0), abs=0.001)
    same(found, whole, *TONES, *NOISE, *BESIDE, *RESPONSE, "polarity")
    # The machine moves to and fro by as much in the same time: its deviation is that part of the speed.
    for before, now in zip(whole.find("flutter_rms"), found.find("flutter_rms"), strict=True):
        assert now.value == pytest.approx(before.value * SPEED / speed, rel=0.04)


def with_dropouts(bench):
    """Fifty of 5 to 50 ms, by 34 dB; none in the tones of the ladder, which last no longer than a second each."""
    returned = bench.played()
    random = np.random.default_rng(4)
    tones = bench.during("tone")
    ladder = [c for c in bench.sheet.of_kind("tone") if c.parameters["purpose"] == "ladder"]
    left = 50
    while left:
        start = round(random.uniform(tones.stop / RATE, returned.shape[0] / RATE - 6.0) * RATE)
        stop = start + round(random.uniform(0.005, 0.05) * RATE)
        if all(abs(start / RATE - START_S - c.start_samples / RATE / SPEED - 0.4) > 0.6 for c in ladder):
            returned[start:stop] *= 0.02
            left -= 1
    return bench.measure(returned, "dropouts")


@pytest.mark.slow
def test_fifty_dropouts(bench, whole):
    same(with_dropouts(bench), whole, *MOTION, *TONES, *BESIDE, "polarity")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["dropouts", "hum"])
def test_what_disturbs_a_sweep_is_no_ripple(bench, fault):
    found = with_dropouts(bench) if fault == "dropouts" else with_hum(bench)
    ripple = found.find("response_ripple")
    assert all(r.valid and r.value < r.uncertainty + 0.02 and "hum or a hole" in r.note for r in ripple), ripple


def with_hum(bench):
    returned = bench.played()
    time = np.arange(returned.shape[0]) / RATE
    returned += (0.3 * np.sin(2.0 * np.pi * 50.0 * time) + 0.05 * np.sin(2.0 * np.pi * 150.0 * time))[:, None]
    return bench.measure(returned, "hum")


@pytest.mark.slow
def test_hum_louder_than_the_tone(bench, whole):
    found = with_hum(bench)
    same(found, whole, *MOTION, *BESIDE, "polarity")
    for track in (1, 2):
        (line,) = found.find("hum", track=track, frequency_hz=50.0)
        assert line.value == pytest.approx(20.0 * np.log10(0.3 / 10.0 ** (-18.0 / 20.0)), abs=0.2)
    for quantity in OF_TONE:
        refused(found.find(quantity), "noise and hum")
    refused(found.find("mol_315"), "noise and hum")


def clipped(bench):
    return bench.measure(np.clip(12.0 * bench.played(), -1.0, 1.0), "clipped")


@pytest.mark.slow
def test_clipping(bench, whole):
    found = clipped(bench)
    same(found, whole, "speed_error", "flutter_rms", "polarity")
    for quantity in OF_TONE:
        refused(found.find(quantity, level_db=0.0), "clipped")
    for quantity in OF_SWEEP:
        refused(found.find(quantity), "sweep reaches 1.0")
    refused(found.find("channel_balance"), "clipped")
    refused([r for r in found.find("crosstalk") if r.conditions["from"] != 4], "clipped")


@pytest.mark.slow
def test_noise_is_not_told_against_a_clipped_reference(bench):
    for quantity in ("noise_a", "noise_ccir_rms", "noise_itu468", "snr_a", "mol_315"):
        refused(clipped(bench).find(quantity), "reference tone reaches 1.0")


@pytest.mark.slow
def test_an_inverted_track(bench, whole):
    found = bench.measure(bench.played() * [1.0, -1.0, 1.0], "inverted")
    assert [r.value for r in found.find("polarity")] == [1.0, -1.0]
    same(found, whole, *MOTION, *TONES, *NOISE, *RESPONSE, *BESIDE)
    assert "track 2 is inverted against track 1" in found.find("azimuth_delay")[0].note


@pytest.mark.slow
def test_swapped_tracks(bench):
    found = bench.measure(bench.played()[:, [1, 0, 2]], "swapped")
    for quantity in ("azimuth_delay", "channel_balance"):
        refused(found.find(quantity), "tracks 1 and 2 are exchanged")
    refused([r for r in found.find("crosstalk") if r.conditions["from"] != 4], "tracks 1 and 2 are exchanged")
    for quantity in ("latency", "thd", "noise_a"):
        assert all("tracks 1 and 2 are exchanged" in r.note for r in found.find(quantity))
