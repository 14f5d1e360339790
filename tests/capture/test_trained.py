import re
import shutil

import numpy as np
import pytest

from capture.recordings import Plan, Play, Recording
from capture.trained import capture_trained, deck_name
from sessions.store import Session
from signals.errors import DeviceError, ModelError
from tests.modeling.known_model import RATE, known_family, known_model

GAIN = 0.5
HISS = 1e-4
WOW = 0.002
WOW_HZ = 4.0


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "half"
    return f"model:{known_model(folder, taps=(GAIN,), wow=WOW, wow_hz=WOW_HZ, hiss=HISS)}"


@pytest.fixture
def session(make_session):
    return make_session("short", tone_s=4.0)


def read(session, take_id):
    _, audio = session.take(take_id)
    return audio.read(0, audio.samples)


def tone(session):
    """The samples of the stimulus's tone, without its edges."""
    (cue,) = session.sheet().of_kind("tone")
    return slice(cue.start_samples + RATE // 4, cue.stop_samples - RATE // 4)


def delay_s(wave, frequency_hz):
    """Delay of a tone about its mean, by demodulation with a mean over a whole number of its periods; shape as `wave`."""
    length = round(20 * RATE / frequency_hz)
    ring = wave * np.exp(-2j * np.pi * frequency_hz * np.arange(wave.size) / RATE)
    phase = np.unwrap(np.angle(np.convolve(ring, np.ones(length) / length, mode="same")))
    told = -phase / (2 * np.pi * frequency_hz)
    return (told - told.mean())[RATE // 4 : -RATE // 4]


def test_a_model_is_captured_as_a_deck_is(session, model):
    takes = capture_trained(session, model, Plan.of(2), seed=3)
    assert [(t.id, t.role, t.channels, t.state) for t in takes] == [
        ("play-1", "play", 2, "complete"),
        ("play-2", "play", 2, "complete"),
    ]
    assert session.manifest.interface.name == "model:half"
    assert session.manifest.interface.settings["seed"] == 3
    assert session.check() == []
    sent = session.stimulus()[1].read(0, session.manifest.stimuli[0].samples)
    one, two = (read(session, take.id) for take in takes)
    level = np.std(one[tone(session)], axis=0) / np.std(sent[tone(session)], axis=0)
    assert level == pytest.approx([GAIN, GAIN], rel=1e-3)
    assert np.std(one[: RATE // 2, 0]) == pytest.approx(HISS, rel=0.02)
    assert abs(np.corrcoef(one[: RATE // 2].T)[0, 1]) < 0.5  # the pilot sounds beside hiss of its own
    assert not np.allclose(one[: RATE // 2, 0], two[: RATE // 2, 0])
    assert not np.any(read(session, "record"))


def test_programme_and_pilot_move_as_one(session, model):
    """A line of speed v at f swings the delay by v / (2 pi f): 79.6 us peak."""
    capture_trained(session, model, Plan.of(1), seed=3)
    returned = read(session, "play-1")
    programme, pilot = (delay_s(returned[tone(session), c], f) for c, f in ((0, 315.0), (1, 3700.0)))
    assert np.max(np.abs(pilot)) == pytest.approx(WOW / (2 * np.pi * WOW_HZ), rel=0.05)
    # Over the 63 ms that the mean takes at 315 Hz, a wow of 4 Hz is flattened by sinc(0.25), 10 %.
    assert np.corrcoef(programme, pilot)[0, 1] > 0.999
    assert np.std(programme) / np.std(pilot) == pytest.approx(np.sinc(WOW_HZ * 20 / 315.0), rel=0.02)


def test_a_resumed_capture_plays_the_same_passes(make_session, model):
    at_once, resumed = (make_session(name, tone_s=0.5) for name in "ab")
    capture_trained(at_once, model, Plan.of(2), seed=3)
    capture_trained(resumed, model, Plan.of(1), seed=3)
    capture_trained(Session.open(resumed.path), model, Plan.of(2))
    for take in ("play-1", "play-2"):
        assert np.array_equal(read(Session.open(at_once.path), take), read(Session.open(resumed.path), take))


def test_in_a_loop_what_is_sent_comes_straight_back(session, model):
    (take,) = capture_trained(session, model, Plan(loop=True), seed=3)
    assert take.role == "loop"
    sent = session.stimulus()[1].read(0, session.manifest.stimuli[0].samples)
    level = np.std(read(session, "loop-1")[tone(session)], axis=0) / np.std(sent[tone(session)], axis=0)
    assert level == pytest.approx([GAIN, GAIN], rel=1e-3)


def test_what_the_model_has_not_learnt_is_refused(session, model, contents):
    with_dbx = Plan((Recording(dbx=True, plays=(Play(1, True),)),))
    with pytest.raises(DeviceError, match="was trained on takes with dbx off; capture with --dbx off"):
        capture_trained(session, model, with_dbx)
    assert session.takes(complete=False) == []
    for rate, speed, said in (
        (96000, 9.5, "runs at 48000 Hz and the session at 96000 Hz; plan the session with --rate 48000"),
        (RATE, 4.8, r"was trained at 9.5 cm/s and the session is for 4.8 cm/s; plan the session with --speed 9.5"),
    ):
        with pytest.raises(DeviceError, match=re.escape(said)):
            deck_name(model, rate, speed)


@pytest.mark.parametrize("device", ["model", "model:", "Scarlett"])
def test_a_device_that_is_no_model_is_refused(session, contents, device):
    before = contents(session.path)
    with pytest.raises(DeviceError, match="write model:PATH"):
        capture_trained(session, device, Plan())
    assert contents(session.path) == before


def test_a_model_that_is_not_there_or_damaged_is_refused(session, model, contents, tmp_path):
    damaged = tmp_path / "damaged"
    shutil.copytree(model.partition(":")[2], damaged)
    weights = damaged / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-9] ^= 1
    weights.write_bytes(data)
    before = contents(session.path)
    for path, said in ((tmp_path / "none", "is no model: model.json is missing"), (damaged, "it was damaged or changed")):
        with pytest.raises(ModelError, match=said):
            capture_trained(session, f"model:{path}", Plan())
    assert contents(session.path) == before


def test_a_session_goes_on_with_the_model_that_began_it(session, model, tmp_path):
    capture_trained(session, model, Plan.of(1), seed=1)
    with pytest.raises(DeviceError, match=r"begun with 'model:half'.*go on with that one"):
        capture_trained(session, model, Plan.of(2), seed=2)


def test_of_several_settings_that_of_the_session_and_of_the_pass_is_taken(make_session, tmp_path):
    gains = [({"speed_cm_s": v, "dbx": dbx}, g) for v, dbx, g in ((9.5, "off", 0.5), (4.8, "off", 0.25), (9.5, "on", 0.75))]
    device = f"model:{known_family(tmp_path / 'several', gains)}"
    session = make_session("passes", tone_s=1.0)
    plan = Plan((Recording(plays=(Play(1),)), Recording("main", dbx=True, plays=(Play(1, True),))))
    assert deck_name(device, RATE, 4.8) == "Model several"
    (take,) = capture_trained(session, device, Plan(plan.recordings[:1]))
    sent = session.stimulus()[1].read(0, session.manifest.stimuli[0].samples)

    def gain(name):
        return np.std(read(session, name)[tone(session)][:, 0]) / np.std(sent[tone(session)][:, 0])

    assert gain(take.id) == pytest.approx(0.5, rel=1e-3)
    with_dbx = make_session("on", tone_s=1.0)
    (take,) = capture_trained(with_dbx, device, Plan(plan.recordings[1:]))
    session = with_dbx
    assert take.conditions["dbx"] == "on"
    assert gain(take.id) == pytest.approx(0.75, rel=1e-3)
    decoded = Plan((Recording(plays=(Play(1, True),)),))
    with pytest.raises(DeviceError, match="was trained on takes with dbx off,on; capture with --dbx off,on"):
        capture_trained(make_session("decode", tone_s=1.0), device, decoded)
