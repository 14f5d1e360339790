"""The compander on the bench: drawn companders with hiss and flutter found again, and takes that are missing or drowned."""

import numpy as np
import pytest

from analysis.alignment import Alignment
from analysis.compander import bench as compander
from analysis.compander import readings
from analysis.compander.lines import line_power
from analysis.locate import FoundTake
from analysis.take import Take
from analysis.timebase import Timebase
from modeling.deck.compander import emphasis, weighting
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue
from tests.analysis.companded_takes import FRESH, RATE, REFERENCE_DBFS, Bench, drawn, stimulus

LEVELS = tuple(float(x) for x in range(-60, 1, 5))
FULL = stimulus(
    {1000.0: LEVELS, 10_000.0: LEVELS[:-2]},
    bursts=((1000.0, -12.0, -20.0),),
    probes=(100.0, 3150.0, 10_000.0),
    silence_s=3.0,
)


def valid(results, quantity, **conditions):
    (found,) = [r for r in results if r.quantity == quantity and conditions.items() <= r.conditions.items()]
    assert found.valid, found.note
    return found


def decibels(response, f, settings):
    return 20.0 * np.log10(np.abs(response(np.asarray(f, dtype=float), settings)))


@pytest.mark.parametrize("seed", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4, 5))])
def test_a_drawn_compander_is_found_again(seed):
    rng = np.random.default_rng(seed)
    settings = drawn(rng)
    made = Bench(settings, FULL, gain_db=rng.uniform(-1.0, 1.0), flutter_percent=rng.uniform(0.05, 0.2), seed=seed)
    results, curves = compander.measure(made.read("off", "encode", "decode", "on"), REFERENCE_DBFS)
    for dbx in ("encode", "decode"):
        for f in (1000.0, 10_000.0):
            ratio = valid(results, f"dbx_{dbx}_ratio", frequency_hz=f)
            assert ratio.value == pytest.approx(settings.ratio, rel=0.01)
            assert abs(ratio.value - settings.ratio) < ratio.uncertainty
        tape_db = float(made.gain_of_tape_db(1000.0))
        true_unity = settings.unity_db + (0.0 if dbx == "encode" else settings.mismatch_db - tape_db)
        unity = valid(results, "dbx_unity_level", dbx=dbx)
        assert unity.value == pytest.approx(true_unity, abs=0.2)
        release = valid(results, "dbx_time_constant", dbx=dbx, edge="release")
        assert release.value == pytest.approx(settings.time_constant_s, rel=0.05)
    for quantity, response in (("dbx_emphasis", emphasis), ("dbx_weighting", weighting)):
        for curve in (c for c in curves if c.quantity == quantity):
            sign = -1.0 if quantity == "dbx_emphasis" and curve.conditions["dbx"] == "decode" else 1.0
            wrong = curve.y.array - sign * decibels(response, curve.x.array, settings)
            assert np.all(np.abs(wrong) <= 1.6 * np.asarray(curve.uncertainty) + 1e-9), (quantity, curve.conditions, wrong)
    (tracking,) = [c for c in curves if c.quantity == "dbx_tracking_error" and c.conditions["frequency_hz"] == 1000.0]
    # The tape's gain error and the mismatch of the halves come out (r - 1) fold; noise is heard at the quietest steps only.
    true_error = (settings.ratio - 1.0) * (tape_db - settings.mismatch_db)
    middle = (tracking.x.array >= -35.0) & (tracking.x.array <= -10.0)
    assert tracking.y.array[middle] == pytest.approx(true_error, abs=0.2)


def test_noise_reduction_is_the_difference_in_silence():
    made = Bench(FRESH, FULL)
    results, _ = compander.measure(made.read("off", "on"), REFERENCE_DBFS)
    found = valid(results, "dbx_noise_reduction", dbx="on")
    # White hiss through the weighting sets the gain, and the emphasis is taken off again; beside it the recorder's own noise.
    f = np.arange(1.0, 24_000.0, 5.0)
    density = 2.0 * made.hiss_sd**2 / 24_000.0
    seen = np.sum(10.0 ** (decibels(weighting, f, FRESH) / 10.0)) * 5.0 * density + 10.0 ** (FRESH.floor_db / 10.0)
    audible = f[(f >= 20.0) & (f <= 20_000.0)]
    a = 10.0 ** (np.array([a_db(x) for x in audible]) / 10.0)
    left = np.sum(a * density * seen * 10.0 ** (-decibels(emphasis, audible, FRESH) / 10.0)) * 5.0
    own = 2.0 * 1e-8 / 24_000.0 * np.sum(a) * 5.0
    expected = 10.0 * np.log10((np.sum(a) * density * 5.0 + own) / (left + own))
    assert found.value == pytest.approx(expected, abs=0.3)


def a_db(f):
    """A-weighting after IEC 61672-1, E.6, written out."""
    ra = 12194.0**2 * f**4 / ((f**2 + 20.6**2) * np.sqrt((f**2 + 107.7**2) * (f**2 + 737.9**2)) * (f**2 + 12194.0**2))
    return 20.0 * np.log10(ra) + 2.0


def test_a_session_without_dbx_says_nothing_of_it():
    assert compander.measure(Bench(FRESH, stimulus({1000.0: LEVELS[-5:]})).read("off"), REFERENCE_DBFS) == ([], [])


def test_missing_takes_are_named_with_their_remedy():
    short = Bench(FRESH, stimulus({1000.0: LEVELS[4:]}, bursts=((1000.0, -12.0, -25.0),)))
    results, _ = compander.measure(short.read("encode"), REFERENCE_DBFS)
    notes = {(r.quantity, r.conditions["dbx"]): r.note for r in results if not r.valid}
    assert "--dbx decode" in notes["dbx_decode_ratio", "decode"]
    assert "--dbx off" in notes["dbx_unity_level", "encode"]
    assert "--dbx on" in notes["dbx_tracking_error", "on"]
    assert "--dbx on" in notes["dbx_noise_reduction", "on"]
    ratio = valid(results, "dbx_encode_ratio")  # a slope needs no comparison, but says what is in it
    assert ratio.value == pytest.approx(2.0, rel=0.01)
    assert "compresses" in ratio.note


def test_a_tape_of_nothing_but_noise_gives_no_figure_and_no_error():
    made = Bench(FRESH, FULL)
    noise = 0.01 * np.random.default_rng(5).standard_normal(FULL.samples)
    takes = [compander_readings(made, dbx, noise) for dbx in ("off", "encode", "decode", "on")]
    results, _ = compander.measure(takes, REFERENCE_DBFS)
    assert not [r for r in results if r.valid and r.quantity != "dbx_noise_reduction"]
    assert all(r.note for r in results if not r.valid)


def compander_readings(made, dbx, returned):
    from analysis.compander.readings import read

    return read(made.take(dbx, returned=returned))


def test_clipped_steps_are_left_out():
    made = Bench(FRESH, stimulus({1000.0: LEVELS}), gain_db=0.0)
    clipped = np.clip(made.returned("decode"), -0.4, 0.4) * 1.0 / 0.4 / 10.0 ** (REFERENCE_DBFS / 20.0)
    found = compander_readings(made, "decode", clipped)
    assert max(line.level_db for line in found.steps) <= -5.0


def test_a_line_is_read_through_flutter_and_noise():
    rng = np.random.default_rng(0)
    time = np.arange(12_000) / 48_000
    wobbling = np.sin(2.0 * np.pi * 1000.0 * time + 0.3 * np.sin(2.0 * np.pi * 9.0 * time))
    for hiss in (0.0, 0.02):
        power, spread = line_power(wobbling + hiss * rng.standard_normal(time.size), 1000.0, 48_000)
        assert power == pytest.approx(0.5, rel=max(0.004, 3.0 * spread))
    assert line_power(rng.standard_normal(time.size), 1000.0, 48_000) is None


def test_a_pilot_that_leaks_into_silence_is_taken_out_though_the_tape_runs_fast():
    """White hiss and, 60 dB above its bins, the pilot of 3700 Hz at the 3 % more that the tape runs fast by."""
    cues = (
        Cue(name="silence", kind="silence", channel=0, start_samples=0, length_samples=6 * RATE, level_db=None),
        Cue(
            name="pilot", kind="pilot", channel=1, start_samples=0, length_samples=6 * RATE, level_db=0.0,
            parameters={"frequency_hz": 3700.0},
        ),
    )  # fmt: skip
    sheet = stimulus({}).model_copy(
        update={
            "cues": cues,
            "channels": (Channel(role="programme", track=1), Channel(role="pilot", track=4)),
            "samples": 6 * RATE,
        }
    )
    hiss = 1e-3 * np.random.default_rng(0).standard_normal(6 * RATE)
    leak = 0.01 * np.sin(2.0 * np.pi * 3700.0 * 1.03 * np.arange(6 * RATE) / RATE)
    base = Timebase.line(0.0, 6.0, 0.0, 6.0 / 1.03 - 6.0)
    noise = []
    for heard in (hiss, hiss + leak):
        alignment = Alignment(0, 0, FoundTake(0, 0.0, 1.03, 0, 6.0 / 1.03), base, "known")
        noise.append(readings.read(Take(ArrayAudio(heard[:, None], RATE), sheet, alignment, {"dbx": "off"})).silence.power)
    assert 10.0 * np.log10(noise[1] / noise[0]) == pytest.approx(0.0, abs=0.05)
