"""Stimuli that SoX has recorded: a program that is not ours, with effects whose answer is known in closed form.

Every expected value here follows from the manual and the formulas of SoX's effects: biquads after R. Bristow-Johnson's "Cookbook
formulae for audio EQ biquad filter coefficients" at the rate of the stimulus, and the polynomial of ``overdrive``, which is
first held against SoX itself.
"""

import json
import shutil
import subprocess
from functools import cache

import numpy as np
import pytest
import soundfile
from scipy.optimize import brentq
from scipy.signal import freqz, lfilter

pytestmark = pytest.mark.skipif(not shutil.which("sox"), reason="needs SoX: make system-deps")

RATE = 48000
REFERENCE = 10.0 ** (-18.0 / 20.0)  # peak of a sine at 0 dB
START_S = 2.0  # where a stimulus has its start marker
PAD_SAMPLES = 59259
WHITE = 1e-4  # peak of SoX's white noise, which is uniform

FILTERED = "vol -0.5 highpass 60 equalizer 2500 1.2q 4 treble -4 7000 0.6 lowpass -1 12000"
DRIVEN = "overdrive 5 20 speed 0.985 rate -v 48000 pad 0.25 3"
FAST = "overdrive 5 0 speed 1.007 vol 0.8"


def sox(*arguments):
    subprocess.run(["sox", "-D", *map(str, arguments)], check=True)


# What SoX computes


def low_pass(frequency_hz):
    pole = -np.exp(-2.0 * np.pi * frequency_hz / RATE)  # one pole: "lowpass -1"
    return [1.0 + pole], [1.0, pole]


def high_pass(frequency_hz, q):
    w = 2.0 * np.pi * frequency_hz / RATE
    alpha, c = np.sin(w) / (2.0 * q), np.cos(w)
    return [(1 + c) / 2, -(1 + c), (1 + c) / 2], [1 + alpha, -2 * c, 1 - alpha]


def peaking(frequency_hz, q, gain_db):
    w, A = 2.0 * np.pi * frequency_hz / RATE, 10.0 ** (gain_db / 40.0)
    alpha, c = np.sin(w) / (2.0 * q), np.cos(w)
    return [1 + alpha * A, -2 * c, 1 - alpha * A], [1 + alpha / A, -2 * c, 1 - alpha / A]


def high_shelf(frequency_hz, slope, gain_db):
    w, A = 2.0 * np.pi * frequency_hz / RATE, 10.0 ** (gain_db / 40.0)
    alpha, c = np.sin(w) / 2.0 * np.sqrt((A + 1.0 / A) * (1.0 / slope - 1.0) + 2.0), np.cos(w)
    root = 2.0 * np.sqrt(A) * alpha
    b = [A * ((A + 1) + (A - 1) * c + root), -2 * A * ((A - 1) + (A + 1) * c), A * ((A + 1) + (A - 1) * c - root)]
    return b, [(A + 1) - (A - 1) * c + root, 2 * ((A - 1) - (A + 1) * c), (A + 1) - (A - 1) * c - root]


def filtered(frequency_hz):
    """Transfer function of FILTERED."""
    H = np.full(np.shape(frequency_hz), -0.5 + 0j)
    for b, a in (
        high_pass(60.0, np.sqrt(0.5)),
        peaking(2500.0, 1.2, 4.0),
        high_shelf(7000.0, 0.6, -4.0),
        low_pass(12_000.0),
    ):
        H = H * freqz(b, a, 2.0 * np.pi * np.asarray(frequency_hz) / RATE)[1]
    return H


class Overdrive:
    """SoX's ``overdrive GAIN COLOUR``: d - d^3/3 of d = gain x + colour / 200 behind a DC blocker, mixed with x."""

    POLE = 0.995

    def __init__(self, gain_db, colour):
        self.gain, self.offset = 10.0 ** (gain_db / 20.0), colour / 200.0

    def apply(self, x):
        d = np.clip(self.gain * x + self.offset, -1.0, 1.0)
        return 0.5 * x + 0.75 * lfilter([1.0, -1.0], [1.0, -self.POLE], d - d**3 / 3.0)

    def blocker(self, frequency_hz):
        z = np.exp(-2j * np.pi * frequency_hz / RATE)
        return (1.0 - z) / (1.0 - self.POLE * z)

    def tone(self, frequency_hz, level_db):
        """Amplitudes of fundamental, second and third harmonic of a sine that stays inside the polynomial."""
        A = REFERENCE * 10.0 ** (level_db / 20.0)
        a, c = self.gain * A, self.offset
        assert a + c < 1.0
        # d = a sin + c: d - d^3/3 has a(1 - c^2) - a^3/4 at f, a^2 c/2 at 2f, a^3/12 at 3f.
        first = abs(0.5 * A + 0.75 * (a * (1.0 - c**2) - a**3 / 4.0) * self.blocker(frequency_hz))
        second = 0.75 * a**2 * c / 2.0 * abs(self.blocker(2.0 * frequency_hz))
        third = 0.75 * a**3 / 12.0 * abs(self.blocker(3.0 * frequency_hz))
        return first, second, third


def a_weight_db(frequency_hz):
    """IEC 61672-1, annex E."""
    f2 = frequency_hz**2
    f1, f2_, f3, f4 = 20.598997**2, 107.65265**2, 737.86223**2, 12194.217**2
    return 20.0 * np.log10(f4 * f2**2 / ((f2 + f1) * np.sqrt((f2 + f2_) * (f2 + f3)) * (f2 + f4))) + 2.0


def decibels(ratio):
    return 20.0 * np.log10(np.abs(ratio))


# What tape measures


class Measured:
    """One play pass in measurements.json."""

    def __init__(self, document, number):
        self.results = [r for r in document["results"] if r["conditions"].get("pass") == number]
        self.curves = [c for c in document["curves"] if c["conditions"].get("pass") == number]

    def result(self, quantity, **conditions):
        found = [r for r in self.results if r["quantity"] == quantity and conditions.items() <= r["conditions"].items()]
        found = [r for r in found if "re" in conditions or "re" not in r["conditions"]]
        assert len(found) == 1, (quantity, conditions, found)
        return found[0]

    def value(self, quantity, **conditions):
        found = self.result(quantity, **conditions)
        assert found["valid"], found
        return found["value"]

    def curve(self, quantity, **conditions):
        found = [c for c in self.curves if c["quantity"] == quantity and conditions.items() <= c["conditions"].items()]
        assert len(found) == 1, (quantity, conditions)
        return np.array(found[0]["x"]["values"]), np.array(found[0]["y"]["values"]), np.array(found[0]["uncertainty"] or 0.0)


def recorded(command, folder, channels, recipes):
    """Plan a session, let SoX record its stimulus in several ways, import and measure: one Measured a recording."""
    session = folder / f"{channels}-channel"
    pilot = ("--pilot-track", 4) if channels == 2 else ()
    assert command("stimulus", session, "--quick", *pilot).status == 0
    stimulus, files = session / "stimuli/main.wav", []
    for number, effects in enumerate(recipes):
        files.append(folder / f"{channels}-{number}.wav")
        sox(stimulus, "-b", 24, files[-1], *effects.split())
        if effects == FILTERED:
            clean, noise = folder / "clean.wav", folder / "noise.wav"
            files[-1].rename(clean)
            sox("-R", "-n", "-r", RATE, "-c", channels, "-b", 24, noise, "synth", 140, "whitenoise", "vol", WHITE)
            sox(clean, "-b", 24, folder / "late.wav", "pad", f"{PAD_SAMPLES}s")
            sox("-m", "-v", 1, folder / "late.wav", "-v", 1, noise, "-b", 24, files[-1])
    done = command("import", session, *files)
    assert done.status == 0, done.err
    done = command("measure", session)
    assert done.status == 0, done.err
    assert (session / "report.pdf").read_bytes()[:4] == b"%PDF"
    for file in files:
        file.unlink()
    document = json.loads((session / "measurements.json").read_text())
    return [Measured(document, number + 1) for number in range(len(recipes))]


@pytest.fixture(scope="module")
def takes(command, tmp_path_factory):
    """A recording by its name, made and measured when it is first asked for."""
    folder = tmp_path_factory.mktemp("sox")
    recipes = {
        2: {"filtered": FILTERED, "driven": DRIVEN},
        1: {"filtered, no pilot": FILTERED, "fast, no pilot": FAST},
    }

    @cache
    def made(channels):
        return dict(zip(recipes[channels], recorded(command, folder, channels, [*recipes[channels].values()]), strict=True))

    return lambda name: made(1 if "no pilot" in name else 2)[name]


@pytest.fixture(params=["filtered", pytest.param("filtered, no pilot", marks=pytest.mark.slow)])
def filtered_take(takes, request):
    return takes(request.param)


@pytest.fixture(params=["driven", pytest.param("fast, no pilot", marks=pytest.mark.slow)])
def driven_take(takes, request):
    return (
        takes(request.param),
        {"driven": Overdrive(5, 20), "fast, no pilot": Overdrive(5, 0)}[request.param],
        request.param,
    )


@pytest.mark.parametrize(("gain_db", "colour"), [(5, 20), (5, 0)])
def test_overdrive_is_the_polynomial_it_is_taken_for(tmp_path, gain_db, colour):
    ramp = np.concatenate([np.linspace(-0.5, 0.5, 5000), 0.2 * np.random.default_rng(0).uniform(-1, 1, 5000)])
    soundfile.write(tmp_path / "ramp.wav", ramp, RATE, subtype="PCM_24")
    sox(tmp_path / "ramp.wav", "-b", 24, tmp_path / "driven.wav", "overdrive", gain_db, colour)
    found = soundfile.read(tmp_path / "driven.wav")[0]
    assert np.max(np.abs(found - Overdrive(gain_db, colour).apply(ramp))) < 1e-6


def test_latency_is_that_of_the_pause_and_the_filters(filtered_take):
    frequency = np.linspace(400.0, 6000.0, 1000)  # where linear phase counts as delay
    filters_s = -np.polyfit(2.0 * np.pi * frequency, np.unwrap(np.angle(filtered(frequency))), 1)[0]
    assert filtered_take.value("latency") == pytest.approx(PAD_SAMPLES / RATE + filters_s, abs=20e-6)


def test_inverted_polarity_is_told(filtered_take, driven_take):
    assert filtered_take.value("polarity") == -1.0
    assert driven_take[0].value("polarity") == 1.0


def test_nothing_moves_where_no_tape_runs(filtered_take):
    assert filtered_take.value("speed_error") == pytest.approx(0.0, abs=2e-4)
    assert filtered_take.value("speed_drift") == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize(("level_db", "within_db"), [(0.0, 0.1), (-20.0, 0.3)])
def test_response_of_biquads(filtered_take, level_db, within_db):
    frequency, level, doubt = filtered_take.curve("frequency_response", level_db=level_db)
    inside = (frequency >= 30.0) & (frequency <= 16_000.0)
    assert inside.sum() > 400
    error = (level - decibels(filtered(frequency)))[inside]
    # Without a pilot the bent phase of the high-pass passes for wow at the low end; the uncertainty says so.
    assert np.max(np.abs(error[frequency[inside] >= 60.0])) < within_db
    assert np.max(np.abs(error)) < 0.5
    assert np.mean(np.abs(error) < doubt[inside]) > 0.85  # the uncertainty is one of 95 %


def test_phase_of_biquads(takes):
    """But for a constant delay, which is the latency, and some microseconds of hiss in the time base."""
    frequency, phase, _ = takes("filtered").curve("phase_response", level_db=-20.0)
    inside = (frequency >= 100.0) & (frequency <= 14_000.0)
    frequency = frequency[inside]
    error = np.unwrap(np.angle(np.exp(1j * np.radians(phase[inside])) / filtered(frequency)))
    delay_s = np.median(error / (2.0 * np.pi * frequency))
    assert abs(delay_s) < 40e-6
    left = np.degrees(error) - 360.0 * frequency * delay_s
    assert np.max(np.abs(left) - 360.0 * frequency * 3e-6) < 1.0


def test_band_edges_of_biquads(filtered_take):
    def drop(log_frequency):
        return decibels(filtered(np.array([np.exp(log_frequency)])) / filtered(np.array([1000.0])))[0] + 3.0

    for quantity, low, high in (("bandwidth_low", 20.0, 1000.0), ("bandwidth_high", 3000.0, 20_000.0)):
        true_hz = np.exp(brentq(drop, np.log(low), np.log(high)))
        assert filtered_take.value(quantity, level_db=0.0) == pytest.approx(true_hz, rel=0.02)


@pytest.mark.slow
def test_a_response_that_does_not_fall_has_no_upper_edge(takes):
    found = takes("fast, no pilot").result("bandwidth_high", level_db=-20.0)
    assert not found["valid"]
    assert "stays within 3 dB" in found["note"]
    frequency, level, doubt = takes("fast, no pilot").curve("frequency_response", level_db=-20.0)
    flat = level - level[np.argmin(np.abs(frequency - 1000.0))]
    assert np.all(np.abs(flat[frequency > 5000.0]) < doubt[frequency > 5000.0])


def test_noise_of_known_level(filtered_take):
    frequency = np.arange(20.0, 20_000.0, 1.0)
    density = WHITE**2 / 3.0 / (RATE / 2.0)  # uniform noise of peak p has the power p^2/3
    power = np.sum(density * 10.0 ** (a_weight_db(frequency) / 10.0))
    returned = REFERENCE * abs(filtered(np.array([1000.0]))[0])
    noise_db = 10.0 * np.log10(power / (returned**2 / 2.0))
    assert filtered_take.value("noise_a") == pytest.approx(noise_db, abs=0.15)
    assert filtered_take.value("snr_a") == pytest.approx(-noise_db, abs=0.15)


def test_speed(driven_take):
    take, _, name = driven_take
    speed, pad_s = {"driven": (0.985, 0.25), "fast, no pilot": (1.007, 0.0)}[name]
    assert take.value("speed_error") == pytest.approx(100.0 * (speed - 1.0), abs=2e-4 if name == "driven" else 5e-4)
    assert take.value("latency") == pytest.approx(pad_s + START_S / speed - START_S, abs=20e-6)
    time, delay, _ = take.curve("delay_trajectory")
    error = delay - (pad_s + time / speed - time)
    assert np.sqrt(np.mean(error**2)) < (3e-6 if name == "driven" else 5e-6)


def test_a_steady_speed_has_no_wow_and_flutter(filtered_take, driven_take):
    for take in (filtered_take, driven_take[0]):
        for quantity in ("wow_flutter_weighted_2sigma", "wow_flutter_weighted_rms", "wow_rms", "flutter_rms"):
            assert take.value(quantity) < 0.003


def test_distortion_of_a_polynomial(driven_take):
    take, overdrive, _ = driven_take
    checked = 0
    for result in take.results:
        if result["quantity"] != "thd" or not result["valid"]:
            continue
        frequency, level_db = result["conditions"]["frequency_hz"], result["conditions"]["level_db"]
        first, second, third = overdrive.tone(frequency, level_db)
        where = {"frequency_hz": frequency, "level_db": level_db}
        loud = level_db > -15.0  # below, the steps of 24 bits are some of a distortion of -90 dB
        assert result["value"] == pytest.approx(100.0 * np.hypot(second, third) / first, rel=0.002 if loud else 0.03)
        assert take.value("harmonic_3", **where) == pytest.approx(decibels(third / first), abs=0.02 if loud else 0.3)
        if second:
            assert take.value("harmonic_2", **where) == pytest.approx(decibels(second / first), abs=0.02 if loud else 0.3)
        else:
            assert (take.result("harmonic_2", **where)["value"] or -200.0) < -120.0
        checked += 1
    assert checked == 16


def test_compression_and_maximum_output_level_of_a_polynomial(driven_take):
    take, overdrive, _ = driven_take
    reference = overdrive.tone(1000.0, 0.0)[0]
    for frequency in (315.0, 1000.0):
        level, output, _ = take.curve("compression", frequency_hz=frequency)
        expected = [decibels(overdrive.tone(frequency, x)[0] / reference) for x in level]
        assert np.max(np.abs(output - expected)) < 0.01

    def excess(level_db):
        first, _, third = overdrive.tone(315.0, level_db)
        return third / first - 0.03

    reached = overdrive.tone(315.0, brentq(excess, 0.0, 10.0))[0]
    assert take.value("mol_315") == pytest.approx(decibels(reached / reference), abs=0.2)
