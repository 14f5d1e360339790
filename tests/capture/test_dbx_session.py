"""Takes with dbx in the way, made with a textbook compander: what the bench tells of them, and how the report names them."""

import numpy as np
import pytest
from scipy.signal import lfilter

from analysis.alignment import Alignment
from analysis.locate import FoundTake
from analysis.timebase import Timebase
from modeling.aligned import AlignedTake, aligned_takes
from modeling.dataset import from_session
from modeling.deck.noise import a_weighting
from reports.measuring import measure_session
from reports.readings import by_setup
from reports.subjects import distortion, noise
from sessions.manifest import Wiring
from sessions.store import Session
from signals import companded
from signals.companded import LAW_HZ, STEPS_DB, plan_companded
from signals.errors import ModelError
from signals.scope import Piece
from signals.stimulus import StimulusAudio

RATE = 48_000
REFERENCE_DBFS = -18.0
DELAY = 4800
HISS = 3e-5
TIME_S = 0.02
STIMULUS = {"encode": "encoded", "on": "encoded", "decode": "plain"}


def level_db(x):
    """Of an RMS detector with one pole, dB re a sine at the reference level."""
    k = 1.0 - np.exp(-1.0 / (TIME_S * RATE))
    power = lfilter([k], [1.0, k - 1.0], x**2)
    return 10.0 * np.log10(2.0 * power + 1e-12) - REFERENCE_DBFS


def deck(x, dbx):
    """2:1 before the tape, 1:2 after it; the tape is a delay with hiss."""
    if dbx in ("on", "encode"):
        x = x * 10.0 ** (-level_db(x) / 40.0)
    y = np.concatenate([np.zeros(DELAY), x, np.zeros(RATE)])
    y += HISS * np.random.default_rng(3).standard_normal(y.size)
    return y * 10.0 ** (level_db(y) / 20.0) if dbx in ("on", "decode") else y


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A session of three play passes with dbx and none without, of a stimulus with little music in it."""
    patch = pytest.MonkeyPatch()
    patch.setattr(companded, "PIECES", (Piece("band", 3.0, 0.0, "train"),))
    patch.setattr(companded, "BURSTS", ())
    patch.setattr(companded, "LAW_DB", (-25, -20, 0))
    patch.setattr(companded, "PROBES_HZ", (400.0, 3150.0))
    made = Session.create(
        tmp_path_factory.mktemp("dbx") / "session",
        deck="compander",
        speed_cm_s=9.5,
        reference_dbfs=REFERENCE_DBFS,
        wiring=Wiring(outputs={0: 1}, inputs={0: 1}),
        session_id="dbx",
    )
    for stimulus in ("encoded", "plain"):
        sheet = plan_companded(session="dbx", stimulus=stimulus, sample_rate=RATE, tracks=(1,), pilot_track=4)
        made.add_stimulus(sheet, StimulusAudio(sheet))
    for dbx, stimulus in STIMULUS.items():
        _, audio = made.stimulus(stimulus)
        sent = audio.read(0, audio.samples)
        pilot = np.concatenate([np.zeros(DELAY), sent[:, 1], np.zeros(RATE)])
        settings = {"stimulus": stimulus, "role": "play", "number": 1, "sample_rate": RATE, "channels": 2}
        with made.begin_take(f"{dbx}-play-1", **settings, conditions={"dbx": dbx}, inputs={0: 1, 1: 4}) as take:
            take.write(np.stack([deck(sent[:, 0], dbx), pilot], axis=1).astype(np.float32))
            take.finish()
    patch.undo()
    return made


@pytest.fixture(scope="module")
def measured(session):
    """The first take joined to what was played by its own signals, the others on a time base that is known."""
    items = [next(aligned_takes(session))]
    for record in session.takes("play")[1:]:
        sheet, sent = session.stimulus(record.stimulus)
        end_s = sheet.samples / RATE
        base = Timebase(0.0, end_s, np.full(2, DELAY / RATE), np.full(2, 1e-8))
        alignment = Alignment(0, 0, FoundTake(0, 2.0, 1.0, sheet.code, end_s), base, "known")
        items.append(AlignedTake(record, sheet, sent, session.take(record.id)[1], (alignment,)))
    return measure_session(session, aligned=items)


@pytest.mark.parametrize(("dbx", "slope"), [("encode", 0.5), ("on", 1.0), ("decode", 2.0)])
def test_steps_follow_the_law_of_the_compander(measured, dbx, slope):
    (steps,) = measured.find_curves("compression", dbx=dbx, frequency_hz=1000.0)
    x = steps.x.array
    assert set(x) >= {level for level in STEPS_DB if -30 <= level <= 5}  # beyond, the expander clips
    inside = x >= -40.0  # below, the expander hears hiss and not the tone alone
    assert steps.y.array[inside] == pytest.approx(slope * x[inside], abs=0.1)
    for frequency_hz in LAW_HZ:
        (spots,) = measured.find_curves("compression", dbx=dbx, frequency_hz=frequency_hz)
        inside = (spots.x.array >= -25.0) & (spots.x.array <= 0.0)
        assert spots.y.array[inside] == pytest.approx(slope * spots.x.array[inside], abs=0.15)


def test_wow_and_flutter_speed_and_noise_are_those_of_the_tape(measured):
    f = np.arange(20.0, 20_001.0)
    power = HISS**2 * np.trapezoid(a_weighting(f) ** 2, f) / (RATE / 2.0)
    hiss_db = 10.0 * np.log10(2.0 * power) - REFERENCE_DBFS
    (of_tape,) = measured.find("noise_a", dbx="encode")
    assert of_tape.value == pytest.approx(hiss_db, abs=0.1)
    (expanded,) = measured.find("noise_a", dbx="decode")
    full_band_db = 10.0 * np.log10(2.0 * HISS**2) - REFERENCE_DBFS
    assert expanded.value == pytest.approx(hiss_db + full_band_db, abs=0.3)  # its gain in dB is the level that it hears
    for dbx in STIMULUS:
        (speed,) = measured.find("speed_error", dbx=dbx)
        assert abs(speed.value) < 1e-4
        (flutter,) = measured.find("wow_flutter_weighted_2sigma", dbx=dbx)
        assert flutter.value < 0.002


def test_the_report_takes_the_positions_apart_in_words(measured):
    setups = by_setup(measured)
    assert [s.label for s in setups] == ["dbx on", "dbx only while recording", "dbx only while playing"]
    for setup in setups:
        assert setup.label in noise.page(setup).conditions
        assert "compression" in [block.name for block in distortion.page(setup).blocks if hasattr(block, "name")]


def test_a_companded_take_is_joined_to_what_was_played(measured):
    """Markers, pilot and programme say when, the compander notwithstanding."""
    (latency,) = measured.find("latency", dbx="encode")
    assert latency.value == pytest.approx(DELAY / RATE, abs=5e-6)


def test_no_model_is_trained_on_takes_with_dbx_unless_they_are_asked_for(session):
    with pytest.raises(
        ModelError, match="none with dbx off; train with --dbx encode or on or decode, or capture with dbx off"
    ):
        from_session(session)
