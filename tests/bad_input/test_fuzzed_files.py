"""Every file that is read, damaged at random: it is read, or refused in one line, and nothing else happens.

A file is damaged in its bytes (cut, flipped, replaced) and, where it is JSON, in what it says: a value of another kind or size
takes the place of another, a key goes.
"""

import json
import shutil
from itertools import islice

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from capture.importing import import_recordings
from modeling.deck.parameters import load_parameters
from modeling.model import load as load_model
from sessions.audio import open_audio
from sessions.store import Session
from signals.errors import TapeError

FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**12), 10**12),
    st.sampled_from([0, -1, 1e308, -1e308, 1e-320, 2**63, 10**30]),
    st.text(max_size=8),
    st.just([]),
    st.just({}),
    st.sampled_from(["../../etc/passwd", "/dev/full", "NaN", "main", "\x00", "a" * 5000]),
)


@st.composite
def damaged_bytes(draw, whole):
    """The bytes of a file, cut, flipped or overwritten somewhere."""
    kind = draw(st.sampled_from(["cut", "flip", "insert", "swap"]))
    at = draw(st.integers(0, max(0, len(whole) - 1)))
    some = draw(st.binary(min_size=1, max_size=16))
    match kind:
        case "cut":
            return whole[:at]
        case "flip":
            return whole[:at] + bytes(b ^ 0x55 for b in whole[at : at + len(some)]) + whole[at + len(some) :]
        case "insert":
            return whole[:at] + some + whole[at:]
        case _:
            return whole[:at] + some + whole[at + len(some) :]


def places_in(value, path=()):
    """Path of everything inside a JSON document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield from places_in(part, (*path, key))


@st.composite
def damaged_document(draw, document):
    """A JSON document with one value changed or one key gone."""
    changed = json.loads(json.dumps(document))
    path = draw(st.sampled_from([p for p in islice(places_in(changed), 401) if p]))
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        holder[path[-1]] = draw(ODD)
    else:
        del holder[path[-1]]
    return json.dumps(changed).encode()


def damaged(path):
    """What a file may become."""
    whole = path.read_bytes()
    if path.suffix == ".json":
        return st.one_of(damaged_bytes(whole), damaged_document(json.loads(whole)))
    return damaged_bytes(whole)


def read_session(folder):
    """Everything in a session that anything reads."""
    session = Session.open(folder)
    session.check()
    for stimulus in session.manifest.stimuli:
        session.sheet(stimulus)
        _, audio = session.stimulus(stimulus)
        audio.read(0, 100)
    for record in session.takes():
        sounds = session.pair(record.id)[1:] if record.role == "pair" else session.take(record.id)[1:]
        for sound in sounds:
            sound.read(0, 100)
    session.read_measurements()


def read_or_refused(work):
    """Run some work; a refusal must be one line."""
    said = None
    try:
        work()
    except TapeError as error:
        said = str(error)
    assert said is None or (said.strip() and "\n" not in said)


@pytest.fixture(scope="module")
def fuzzed(paired, planned, tmp_path_factory):
    """Copies of a measured pair with a model, and of a planned session, that may be spoiled."""
    made = tmp_path_factory.mktemp("fuzzed")
    return shutil.copytree(paired, made / "paired"), shutil.copytree(planned, made / "planned")


@pytest.mark.parametrize("name", ["session.json", "measurements.json", "takes/*/take.json", "takes/*/*.wav"])
def test_a_measured_session(fuzzed, name):
    path = sorted(fuzzed[0].glob(name))[0]
    whole = path.read_bytes()

    @FUZZ
    @given(damaged(path))
    def spoiled(contents):
        path.write_bytes(contents)
        read_or_refused(lambda: read_session(fuzzed[0]))

    try:
        spoiled()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["stimuli/main.json", "stimuli/main.wav", "session.json"])
def test_a_planned_session(fuzzed, name):
    path = fuzzed[1] / name
    whole = path.read_bytes()

    @FUZZ
    @given(damaged(path) if path.suffix == ".json" else damaged_bytes(whole[:4096]))
    def spoiled(contents):
        path.write_bytes(contents)
        read_or_refused(lambda: read_session(fuzzed[1]))

    try:
        spoiled()
    finally:
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_model(fuzzed, name):
    path = fuzzed[0] / "models/linear" / name
    whole = path.read_bytes()

    @FUZZ
    @given(damaged(path))
    def spoiled(contents):
        path.write_bytes(contents)
        read_or_refused(lambda: load_model(path.parent))

    try:
        spoiled()
    finally:
        path.write_bytes(whole)


@FUZZ
@given(damaged_bytes(b'extends = "worn"\n[tape]\nhiss_dba = -50.0\n[tracks]\ngain_db = [0.0, 0.1, 0.2, 0.3]\n'))
def test_a_deck(tmp_path, contents):
    path = tmp_path / "deck.toml"
    path.write_bytes(contents)
    read_or_refused(lambda: load_parameters(str(path)))


@pytest.fixture(scope="module", params=["WAV/PCM_24", "WAV/FLOAT", "RF64/PCM_16", "FLAC/PCM_16", "AIFF/PCM_24", "W64/FLOAT"])
def sound(request, tmp_path_factory):
    """A second of sound in a common form."""
    form, subtype = request.param.split("/")
    path = tmp_path_factory.mktemp("sound") / f"sound.{form.lower()}"
    wave = 0.5 * np.sin(np.arange(8000))[:, None] * [1.0, 0.5]
    soundfile.write(path, wave, 8000, subtype=subtype, format=form)
    return path


def test_a_sound_file(sound):
    whole = sound.read_bytes()

    def read():
        with open_audio(sound) as audio:
            part = audio.read(-10, min(audio.samples, 20_000) + 10)
            assert np.isfinite(part).all()

    @FUZZ
    @given(st.one_of(damaged_bytes(whole), damaged_bytes(whole[:200])))
    def spoiled(contents):
        sound.write_bytes(contents)
        read_or_refused(read)

    spoiled()


def test_the_importer(fuzzed, sent, tmp_path_factory):
    """Recordings of any contents, from silence to a damaged file."""
    folder = tmp_path_factory.mktemp("imported")
    session = Session.open(fuzzed[1])
    good = sent[: 20 * 48000].astype(np.float32)

    @settings(FUZZ, max_examples=25)
    @given(st.data())
    def tried(data):
        path = folder / "recording.wav"
        rate = data.draw(st.sampled_from([8000, 44_100, 48_000, 96_000]))
        start = data.draw(st.integers(0, good.shape[0] - 1))
        stop = data.draw(st.integers(start, good.shape[0]))
        factor = data.draw(st.sampled_from([0.0, 1e-9, -0.5, 1.0, 40.0]))
        columns = data.draw(st.sampled_from([1, 2, 5]))
        part = np.tile(factor * good[start:stop, :1], (1, columns))
        soundfile.write(path, part, rate, subtype="FLOAT")
        if data.draw(st.booleans()):
            path.write_bytes(data.draw(damaged_bytes(path.read_bytes()[:2000])))
        read_or_refused(lambda: import_recordings(session, [path]))

    tried()
