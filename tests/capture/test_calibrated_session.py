"""A session through an interface that colours, hums along and bends: with its calibration the deck's own figures are found."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfreqz

from capture.calibration import Loops, calibrate
from reports.header import ReportHeader
from reports.measuring import measure_session
from reports.readings import by_setup
from reports.subjects import electronics, noise
from sessions.calibration import adopt, keep, of_session
from sessions.manifest import Interface as InterfaceRecord
from sessions.manifest import Wiring
from sessions.store import Session
from signals.scope import Scope
from signals.stimulus import StimulusAudio, plan
from tests.capture.interface_by_parts import RATE, Interface, shelf

DECK = butter(2, 9000.0, output="sos", fs=RATE)
DECK_DELAY = 20  # samples
SHORT = Scope(0.5, (1000.0, 10_000.0), (-10.0, 0.0, 10.0), 0.6, (-10.0,), 8.0, 3.0, 0.2, ())
NOISE = 2e-5
CONVERTERS = {"noise": NOISE, "drive": 0.1, "filters": shelf(RATE)}


class WithDeck(Interface):
    """The interface with a deck in place of the cable: a low-pass of 9 kHz, inverted, with tanh and hiss."""

    deck_drive, hiss = 0.8, 4e-5

    def loop(self, x):
        rng = np.random.default_rng(99)
        deck = -sosfilt(DECK, np.tanh(self.deck_drive * x) / self.deck_drive)
        deck = np.concatenate([np.zeros(DECK_DELAY), deck[:-DECK_DELAY]]) + self.hiss * rng.standard_normal(x.size)
        return super().loop(deck)


def session_through(path, interface, role="loop", settings=None):
    """A session of one take."""
    session = Session.create(
        path,
        deck="filter",
        speed_cm_s=9.5,
        reference_dbfs=-18.0,
        wiring=Wiring(outputs={0: 1}, inputs={0: 1}),
        interface=InterfaceRecord(name=interface.name, sample_rate=RATE, settings=settings or {}),
    )
    sheet = plan(session=session.manifest.id, sample_rate=RATE, tracks=(1,), scope=SHORT)
    session.add_stimulus(sheet, StimulusAudio(sheet))
    _, audio = session.stimulus()
    with session.begin_take(
        f"{role}-1", stimulus="main", role=role, number=1, conditions={}, sample_rate=RATE, channels=1, inputs={0: 1}
    ) as take:
        interface.run(audio, take.write, 1.0)
        take.finish()
    return session


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """One session measured without and with the calibration of its interface."""
    folder = tmp_path_factory.mktemp("calibrated")
    patch = pytest.MonkeyPatch()
    patch.setenv("TAPE_CONFIG", str(folder / "configuration"))
    session = session_through(folder / "session", WithDeck(**CONVERTERS))
    before = measure_session(session)
    calibration = calibrate(Loops(Interface(**CONVERTERS), (1,), (1,)))
    keep(calibration)
    assert adopt(session) == calibration
    yield session, before, measure_session(session), calibration
    patch.undo()


def error_db(measurements):
    """Largest departure from the deck's own response re 1 kHz, 30 Hz to 18 kHz."""
    (curve,) = measurements.find_curves("frequency_response")
    f = curve.x.array
    _, h = sosfreqz(DECK, worN=[1000.0, *f], fs=RATE)
    truth = 20.0 * np.log10(np.abs(h[1:] / h[0]))
    got = curve.y.array - np.interp(1000.0, f, curve.y.array)
    return float(np.max(np.abs(got - truth)[(f >= 30.0) & (f <= 18_000.0)]))


def value(measurements, quantity, **conditions):
    (found,) = measurements.find(quantity, **conditions)
    return found.value


def test_the_response_of_the_deck_alone_is_found(measured):
    _, before, after, _ = measured
    assert error_db(before) > 1.0
    assert error_db(after) < 0.05
    _, h = sosfreqz(DECK, worN=np.linspace(5000.0, 12_000.0, 7001), fs=RATE)
    _, zero = sosfreqz(DECK, worN=[1000.0], fs=RATE)
    edge = 5000.0 + int(np.argmax(20.0 * np.log10(np.abs(h / zero[0])) < -3.0))
    assert value(after, "bandwidth_high") == pytest.approx(edge, rel=0.003)
    assert value(before, "bandwidth_high") < 0.95 * edge
    (curve,) = after.find_curves("frequency_response")
    assert curve.method.endswith("the interface's own taken off")


def latency_of_deck():
    """In samples: the linear phase of the low-pass between 400 Hz and 6 kHz counts as its delay."""
    f = np.linspace(400.0, 6000.0, 5601)
    _, h = sosfreqz(DECK, worN=f, fs=RATE)
    unit = h / np.abs(h)
    lags = np.linspace(0.0, 4.0, 4001)
    return DECK_DELAY + lags[np.argmax([abs(np.sum(unit * np.exp(2j * np.pi * f * lag / RATE))) for lag in lags])]


def test_the_latency_of_the_deck_alone_is_found(measured):
    _, before, after, calibration = measured
    own = calibration.find("interface_latency")[0].value
    assert value(after, "interface_latency") == own
    assert value(after, "latency") == pytest.approx(value(before, "latency") - own, abs=1e-9)
    assert value(after, "latency") * RATE == pytest.approx(latency_of_deck(), abs=0.1)
    (one,), (two,) = before.find_curves("delay_trajectory"), after.find_curves("delay_trajectory")
    assert np.allclose(one.y.array - two.y.array, own, atol=1e-12)


def test_compression_at_10_khz_is_freed_of_the_shelf(measured):
    _, before, after, _ = measured
    (one,), (two,) = (m.find_curves("compression", frequency_hz=10_000.0) for m in (before, after))
    _, h = sosfreqz(shelf(RATE), worN=[1000.0, 10_000.0], fs=RATE)
    assert two.y.array - one.y.array == pytest.approx(-20.0 * np.log10(np.abs(h[1] / h[0])), abs=0.02)


def test_an_interface_near_a_figure_is_named_with_its_number(measured):
    _, before, after, calibration = measured
    noise = after.find("noise_a")[0]
    own = calibration.find("noise_a")[0].value
    # The deck's hiss goes through gain, shelf and low-pass; what is 10 dB above the interface would pass without a word.
    assert noise.value == before.find("noise_a")[0].value
    assert f"the interface alone has {own:.1f} dBFS" in noise.note
    assert "raises the figure by about" in noise.note
    assert before.find("noise_a")[0].note is None
    # tanh at drive a distorts by a^2 A^2/12: drives of 0.8 and 0.1 are 36 dB apart.
    loud = after.find("thd", frequency_hz=1000.0, level_db=10.0)[0]
    assert loud.valid
    assert loud.note is None


def test_distortion_of_the_interface_is_named(measured, tmp_path):
    """The same deck, so clean that the converters' own distortion is what is read."""
    cleaner = WithDeck(**CONVERTERS)
    cleaner.deck_drive, cleaner.hiss = 0.05, 1e-6
    session = session_through(tmp_path / "session", cleaner)
    adopt(session)
    found = measure_session(session)
    figure = found.find("thd_n", frequency_hz=1000.0, level_db=10.0)[0]
    assert "this is the distortion of the interface" in figure.note or "dB below, and may be part" in figure.note
    noise = found.find("noise_a")[0]
    assert "this is the noise of the interface" in noise.note


def test_the_report_says_where_the_interface_limits_a_figure(measured):
    _, before, after, _ = measured
    (without,), (with_calibration,) = by_setup(before), by_setup(after)
    assert noise.page(without).remark == ""
    own = f"{after.find('noise_a')[0].note}"
    assert own.replace(" -", " \N{MINUS SIGN}") in noise.page(with_calibration).remark


def test_the_report_names_the_calibration(measured):
    session, _, _, calibration = measured
    facts = dict(ReportHeader.of_manifest(session.manifest, calibration=of_session(session)).facts())
    latency = calibration.find("interface_latency")[0].value
    assert "calibrated" in facts["Interface"]
    assert f"latency {1000.0 * latency:.3f}" in facts["Interface"]
    assert session.check() == []


def test_channels_that_were_not_looped_are_told_and_left_as_they_are(measured, tmp_path):
    _, before, _, _ = measured
    session = session_through(tmp_path / "session", WithDeck(**CONVERTERS), settings={"outputs": "2", "inputs": "3"})
    adopt(session)
    found = measure_session(session)
    (told,) = found.find("interface_latency")
    assert not told.valid
    assert "output 2 and input 3 were not looped" in told.note
    assert found.find_curves("frequency_response")[0].method == before.find_curves("frequency_response")[0].method


def test_a_play_pass_keeps_its_latency(measured):
    """A tape starts when it starts: taking the converters' delay off would say nothing."""
    from analysis.interface import Circumstances, corrected

    _, before, _, calibration = measured
    by = Circumstances((1, 1), straight=False, reference_dbfs=-18.0, returned_dbfs=-20.0)
    results, curves = corrected((before.results, before.curves), calibration, by, {})
    assert next(r for r in results if r.quantity == "latency") == before.find("latency")[0]
    assert next(c for c in curves if c.quantity == "delay_trajectory") == before.find_curves("delay_trajectory")[0]
    assert next(r for r in results if r.quantity == "interface_latency").value is not None


def test_a_record_pass_gives_the_latency_of_the_electronics_without_the_interface(measured, tmp_path):
    _, _, _, calibration = measured
    session = session_through(tmp_path / "session", WithDeck(**CONVERTERS), role="record")
    adopt(session)
    found = measure_session(session, aligned=())
    assert value(found, "latency", path="electronics") * RATE == pytest.approx(latency_of_deck(), abs=0.1)
    assert value(found, "interface_latency", path="electronics") == calibration.find("interface_latency")[0].value
    assert error_db(found) < 0.05
    page = electronics.page(by_setup(found)[0])
    assert "Without the tape the signal returns 44" in page.lead
    assert "µs late (interface taken off)" in page.lead
    assert "the interface alone has" in page.remark


def test_polarity_and_phase_are_taken_off():
    from analysis.findings import curve, result
    from analysis.interface import Circumstances, corrected

    calibration = calibrate(Loops(Interface(gain=-0.8, filters=shelf(RATE)), (1,), (1,)))
    f = np.geomspace(50.0, 15_000.0, 50)
    phase = calibration.find_curves("phase_response")[0]
    own = np.interp(np.log(f), np.log(phase.x.array), phase.y.array)
    measured = (
        [result("polarity", -1.0, "1", None, {}, "m")],
        [curve("phase_response", {}, "m", f, own - 7.0, "phase", "deg")],
    )
    results, curves = corrected(measured, calibration, Circumstances((1, 1), True, -18.0, -20.0), {})
    assert results[0].value == 1.0
    assert curves[0].y.array == pytest.approx(-7.0 * np.ones(50))
