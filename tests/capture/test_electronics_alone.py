"""What a session says of the electronics: those of the virtual deck against its parameters, and the cases without a return."""

import numpy as np
import pytest

from capture.virtual.opening import open_virtual
from modeling.aligned import record_take
from modeling.deck.noise import a_weighting, hum_lines
from modeling.deck.parameters import load_parameters
from reports.measuring import measure_session
from reports.readings import by_setup
from reports.subjects import electronics
from sessions.manifest import Wiring
from sessions.store import Session
from signals.scope import Scope
from signals.stimulus import StimulusAudio, plan

RATE = 48_000
SHORT = Scope(0.5, (1000.0,), (0.0, 10.0), 0.6, (-20.0,), 6.0, 5.0, 0.2, ())
TRACKS = (1, 2)


def planned(path, stimuli=("main",)):
    session = Session.create(
        path,
        deck="Virtual 424 MkII",
        speed_cm_s=9.5,
        reference_dbfs=-18.0,
        wiring=Wiring(outputs={0: 1, 1: 2}, inputs={c: c + 1 for c in range(4)}),
        session_id="electronics",
    )
    for stimulus in stimuli:
        sheet = plan(session="electronics", stimulus=stimulus, sample_rate=RATE, tracks=TRACKS, scope=SHORT)
        session.add_stimulus(sheet, StimulusAudio(sheet))
    return session


def record(session, take_id, stimulus="main", heard=None):
    """A record pass: of the virtual deck, or what `heard` makes of the stimulus."""
    _, audio = session.stimulus(stimulus)
    settings = {"stimulus": stimulus, "role": "record", "number": 1, "conditions": {}, "sample_rate": RATE, "channels": 4}
    with session.begin_take(take_id, **settings, inputs={c: c + 1 for c in range(4)}) as take:
        if heard is None:
            deck = open_virtual(session, "virtual:fresh", stimulus=stimulus, seed=7)
            deck.arm(TRACKS)
            deck.run(audio, take.write, 1.0)
            deck.close()
        else:
            take.write(heard(audio.read(0, audio.samples + RATE)).astype(np.float32))
        take.finish()


@pytest.fixture(scope="module")
def deck(tmp_path_factory):
    """The session, and its measurements without any tape."""
    session = planned(tmp_path_factory.mktemp("alone") / "session")
    record(session, "record")
    return session, measure_session(session, aligned=())


@pytest.mark.parametrize("track", TRACKS)
def test_the_virtual_deck_returns_its_input_through_its_amplifiers(deck, track):
    """Two amplifiers, each with a coupling capacitor of 5 Hz and x + a x^2: gain, response, distortion in closed form."""
    _, found = deck
    own = load_parameters("fresh").electronics
    (response,) = found.find_curves("frequency_response", track=track, path="electronics")
    f = response.x.array
    expected = own.input_gain_db + own.output_gain_db - 20.0 * np.log10(1.0 + (5.0 / f) ** 2)
    assert np.max(np.abs(response.y.array - expected)[(f > 30.0) & (f < 20_000.0)]) < 0.05
    (second,) = found.find("harmonic_2", track=track, level_db=0.0)
    assert second.value == pytest.approx(20.0 * np.log10(2.0 * own.asymmetry / 2.0), abs=0.2)
    (latency,) = found.find("latency", track=track)
    assert abs(latency.value) < 2e-6
    assert {r.conditions["path"] for r in found.results} == {"electronics"}


def test_the_noise_of_the_virtual_deck_is_that_of_its_parameters(deck):
    _, found = deck
    parameters = load_parameters("fresh")
    hum_hz, hum_peak = hum_lines(parameters)
    power = 10.0 ** (parameters.electronics.noise_dba / 10.0) + np.sum((hum_peak * a_weighting(hum_hz)) ** 2)
    for figure in found.find("noise_a"):
        assert figure.value == pytest.approx(10.0 * np.log10(power), abs=0.15)


def test_a_record_pass_without_a_return_is_passed_over(tmp_path):
    session = planned(tmp_path / "session")
    record(session, "record", heard=lambda sent: np.zeros((sent.shape[0], 4)))
    found = measure_session(session, aligned=())
    assert found.results == []
    assert electronics.page(by_setup(found)[0]) is None


def test_one_track_is_wired_back_and_the_other_loses_its_cable(tmp_path):
    def heard(sent):
        out = np.zeros((sent.shape[0], 4))
        out[:, :2] = 0.5 * sent
        out[RATE * 8 :, 1] = 0.0
        return out

    session = planned(tmp_path / "session")
    record(session, "record", heard=heard)
    found = measure_session(session, aligned=())
    (lost,) = found.find("latency", track=2)
    assert not lost.valid
    assert {r.conditions["track"] for r in found.results if r.quantity != "latency"} == {1}
    page = electronics.page(by_setup(found)[0])
    [(what, why)] = page.missing
    assert "track 2" in what.lower()
    assert why.startswith("what was sent stopped coming back on channel 2")


def test_the_newest_record_pass_without_dbx_counts(tmp_path):
    session = planned(tmp_path / "session", ("main", "encoded"))
    assert record_take(session) is None
    for name, stimulus in (("record", "main"), ("record-2", "main"), ("encoded-record", "encoded")):
        record(session, name, stimulus, heard=lambda sent: np.zeros((sent.shape[0], 4)))
    assert record_take(session).record.id == "record-2"
