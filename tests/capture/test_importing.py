"""Recordings made elsewhere: what is fit becomes a take, what is not is refused in one line and changes nothing."""

import shutil
import subprocess

import numpy as np
import pytest
import soundfile

from capture.importing import import_pair, import_recordings
from signals.errors import AudioFileError, SessionError, SignalError, TapeError

RATE = 48000


@pytest.fixture
def sent(session):
    """The stimulus of the session as array, shape (samples, 2): programme, pilot."""
    _, audio = session.stimulus()
    return audio.read(0, audio.samples)


@pytest.fixture
def save(tmp_path):
    def write(array, name="recording.wav", rate=RATE, subtype="PCM_24"):
        soundfile.write(tmp_path / name, array, rate, subtype=subtype)
        return tmp_path / name

    return write


def later(array, seconds):
    return np.concatenate([np.zeros((round(seconds * RATE), array.shape[1])), array])


def test_a_recording_becomes_the_next_play_pass(session, sent, save):
    first = save(later(0.5 * sent, 1.5), "a.wav")
    second = save(later(-0.25 * sent, 0.1), "b.wav")
    made = import_recordings(session, [first, second], conditions={"dbx": "off"})
    assert [(t.id, t.number, t.role, t.stimulus) for t in made] == [
        ("play-1", 1, "play", "main"),
        ("play-2", 2, "play", "main"),
    ]
    record, audio = session.take("play-1")
    assert (record.sources["returned.wav"].name, record.inputs, record.conditions) == ("a.wav", {0: 1, 1: 4}, {"dbx": "off"})
    assert np.array_equal(audio.read(0, record.samples), soundfile.read(first)[0])
    assert session.check() == []


def test_several_takes_in_one_file_are_kept_apart(session, sent, save):
    path = save(np.concatenate([later(sent, 1.0), later(0.5 * sent, 3.0)]))
    made = import_recordings(session, [path])
    assert [t.number for t in made] == [1, 2]
    assert sum(t.samples for t in made) == soundfile.info(path).frames
    assert [t.id for t in import_recordings(session, [save(sent, "c.wav")], role="loop")] == ["loop-1"]


def test_files_are_sorted_by_the_identity_on_the_tape(make_session, save):
    session = make_session("two", stimuli=("main", "dbx"))
    arrays = {}
    for name in ("main", "dbx"):
        _, audio = session.stimulus(name)
        arrays[name] = audio.read(0, audio.samples)
    made = import_recordings(session, [save(arrays["dbx"], "a.wav"), save(arrays["main"], "b.wav")])
    assert [(t.id, t.stimulus) for t in made] == [("dbx-play-1", "dbx"), ("play-1", "main")]


def test_companded_takes_are_sorted_by_stimulus_and_position_of_the_switch(make_session, save):
    session = make_session("dbx", stimuli=("main", "encoded", "plain"))
    arrays = {}
    for known in session.manifest.stimuli:
        _, audio = session.stimulus(known.id)
        arrays[known.id] = audio.read(0, audio.samples)
    one = save(np.concatenate([later(arrays[name], 1.0) for name in ("plain", "main", "encoded")]), "one.wav")
    made = import_recordings(session, [one])
    assert [(t.id, t.stimulus, t.conditions) for t in made] == [
        ("decode-play-1", "plain", {"dbx": "decode"}),
        ("play-1", "main", {}),
        ("on-play-1", "encoded", {"dbx": "on"}),
    ]
    again, more = save(0.5 * arrays["encoded"], "a.wav"), save(0.4 * arrays["encoded"], "b.wav")
    (encode,) = import_recordings(session, [again], conditions={"dbx": "encode"})
    (on,) = import_recordings(session, [more])
    assert [(t.id, t.number, t.conditions["dbx"]) for t in (encode, on)] == [
        ("encode-play-1", 1, "encode"),
        ("on-play-2", 2, "on"),
    ]
    with pytest.raises(SignalError, match=r"stimulus 'encoded', which is for dbx on or encode, not decode; .* --dbx on"):
        import_recordings(session, [save(0.3 * arrays["encoded"], "c.wav")], conditions={"dbx": "decode"})
    with pytest.raises(SignalError, match="stimulus 'main', which is for dbx off, not on"):
        import_recordings(session, [save(0.3 * arrays["main"], "d.wav")], conditions={"dbx": "on"})
    assert len(session.takes()) == 5


def test_what_is_left_of_an_earlier_recording_on_the_tape_does_no_harm(session, make_session, sent, save):
    _, audio = make_session("other", session_id="other").stimulus()
    old = audio.read(0, 6 * RATE)
    (take,) = import_recordings(session, [save(np.concatenate([sent, old]))])
    assert take.state == "complete"


@pytest.mark.skipif(not shutil.which("sox"), reason="needs SoX: make system-deps")
def test_a_recording_made_with_sox_is_recognised(session, tmp_path):
    stimulus = session.path / "stimuli/main.wav"
    out = tmp_path / "sox.wav"
    effects = ["gain", "-6", "speed", "1.03", "rate", str(RATE), "pad", "2.5", "1", "vol", "-1"]
    subprocess.run(["sox", stimulus, "-b", "24", out, *effects], check=True)
    (take,) = import_recordings(session, [out])
    assert take.state == "complete"


def swapped(array):
    return array[:, ::-1]


def clipped(array):
    return np.clip(12 * array, -1, 1)


def with_nan(array):
    out = array.copy()
    out[RATE, 0] = np.nan
    return out


def other_marks_missing(array):
    return np.stack([np.zeros(len(array)), array[:, 1], array[:, 0]], axis=1)


REFUSED = {
    "silence": (lambda a: 0 * a, {}, SignalError, r"is silent: its peak is -200 dBFS and at least -80 dBFS"),
    "clipping": (clipped, {}, SignalError, r"is clipped in \d+ place\(s\), first at 2\.\d\d s on channel 1"),
    "wrong file": (lambda a: a[6 * RATE : 8 * RATE], {}, SignalError, r"holds no start marker \(2\.0 s searched\)"),
    "half speed": (lambda a: np.repeat(a, 2, axis=0), {}, SignalError, r"plays at 0\.50 times the speed"),
    "cut at the end": (
        lambda a: a[: 8 * RATE],
        {},
        SignalError,
        r"is cut: 6\.0 s of the take are there, .* comes \d+\.\d s",
    ),
    "cut in the code": (lambda a: a[: 3 * RATE], {}, SignalError, r"is cut: 1\.0 s of the take are there"),
    "tape stopped": (
        lambda a: np.concatenate([a[: 8 * RATE], np.zeros((20 * RATE, 2))]),
        {},
        SignalError,
        r"long enough .* its end marker, due after \d+\.\d s, is missing",
    ),
    "swapped": (
        swapped,
        {},
        SignalError,
        r"channels swapped: the programme of track 1 arrives on channel 2, .* on channel 1",
    ),
    "moved": (other_marks_missing, {}, SignalError, r"has its markers on channel 3; they are expected on channel 1, 2"),
    "mono": (lambda a: a[:, :1], {}, AudioFileError, r"has 1 channel\(s\); 2 are needed"),
    "rate": (lambda a: a, {"rate": 96000}, AudioFileError, r"sample rate of 96000 Hz; the stimulus has 48000 Hz"),
    "16 bits": (lambda a: a, {"subtype": "PCM_16"}, AudioFileError, r"has 16 bits; at least 24 bits"),
    "invalid": (with_nan, {"subtype": "FLOAT"}, AudioFileError, r"sample 48000 is not a number"),
    "no samples": (lambda a: a[:0], {}, AudioFileError, r"no samples"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_recording_that_is_not_the_take_is_refused_in_one_line(session, sent, save, contents, case):
    make, settings, error, message = REFUSED[case]
    good, path = save(sent, "good.wav"), save(make(sent), "bad.wav", **settings)
    before = contents(session.path)
    with pytest.raises(error, match=message) as refusal:
        import_recordings(session, [good, path])
    assert "bad.wav" in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert contents(session.path) == before


def test_another_session_s_tape_is_noticed(session, make_session, save, contents):
    _, audio = make_session("other", session_id="other").stimulus()
    path = save(audio.read(0, audio.samples))
    before = contents(session.path)
    with pytest.raises(SignalError, match=r"belongs to another session: its tape says [0-9a-f]{6} at 2\.0 s"):
        import_recordings(session, [path])
    assert contents(session.path) == before


def test_missing_file_and_session_without_stimulus(session, tmp_path, make_session):
    with pytest.raises(AudioFileError, match="does not exist"):
        import_recordings(session, [tmp_path / "none.wav"])
    with pytest.raises(SessionError, match="has no stimulus yet"):
        import_recordings(make_session("bare", stimuli=()), [tmp_path / "none.wav"])


def test_the_same_recording_counts_once(session, sent, save, contents):
    path = save(sent)
    import_recordings(session, [path])
    before = contents(session.path)
    for paths in ([path], [save(0.5 * sent, "b.wav"), save(0.5 * sent, "c.wav")]):
        with pytest.raises(SessionError, match="in the session already, as"):
            import_recordings(session, paths)
    assert contents(session.path) == before


def test_a_short_peak_at_full_scale_is_no_clipping(session, sent, save):
    loud = later(sent, 1.0)
    loud[100:102, 0] = 1.0
    loud[200, 0] = -1.0
    assert import_recordings(session, [save(loud, subtype="FLOAT")])


@pytest.mark.parametrize("place", [65534, 65535, 65536])
def test_clipping_is_found_where_blocks_meet(session, sent, save, place):
    loud = later(sent, 1.0)
    loud[place : place + 3, 1] = -1.0
    with pytest.raises(SignalError, match=rf"clipped in 1 place\(s\), first at {place / RATE:.2f} s on channel 2"):
        import_recordings(session, [save(loud)])


@pytest.fixture
def music():
    return 0.3 * np.random.default_rng(0).standard_normal((3 * 44100, 1)).clip(-3, 3)


def test_a_pair_is_kept_as_it_is(session, music, save):
    dry, wet = save(music, "dry.wav", 44100, "PCM_16"), save(later(0.5 * music, 0.2), "wet.wav", 44100)
    record = import_pair(session, dry, wet)
    assert (record.id, record.role, record.sample_rate, record.faults) == ("pair", "pair", 44100, ())
    _, sent, returned = session.pair("pair")
    assert np.array_equal(sent.read(0, sent.samples)[:, 0], soundfile.read(dry)[0])
    assert np.array_equal(returned.read(0, returned.samples)[:, 0], soundfile.read(wet)[0])
    assert import_pair(session, dry, wet).id == "pair-2"


def test_clipping_of_a_pair_is_told_and_kept(session, music, save):
    record = import_pair(session, save(music, "dry.wav"), save((4 * music).clip(-1, 1), "wet.wav"))
    assert len(record.faults) == 1
    assert record.faults[0].startswith("wet.wav is clipped in ")


PAIRS = {
    "rates": (lambda a: (a, a), (44100, 48000), AudioFileError, "44100 Hz and .* 48000 Hz; a pair needs one rate"),
    "low rate": (lambda a: (a, a), (8000, 8000), AudioFileError, "8000 Hz; at least 16000 Hz"),
    "channels": (lambda a: (np.hstack([a, a]), a), (48000, 48000), AudioFileError, "2 channels and .* has 1"),
    "short": (lambda a: (a, a[:48000]), (48000, 48000), SignalError, r"1\.00 s long; a pair needs 2 s"),
    "lengths": (lambda a: (np.tile(a, (3, 1)), a), (48000, 48000), SignalError, r"differ by a factor of 1\.5"),
    "silence": (lambda a: (a, 0 * a), (48000, 48000), SignalError, "is silent"),
}


@pytest.mark.parametrize("case", PAIRS)
def test_a_pair_that_does_not_fit_together_is_refused(session, music, save, contents, case):
    make, rates, error, message = PAIRS[case]
    paths = [save(a, n, r) for a, n, r in zip(make(music), ("dry.wav", "wet.wav"), rates, strict=True)]
    before = contents(session.path)
    with pytest.raises(error, match=message) as refusal:
        import_pair(session, *paths)
    assert isinstance(refusal.value, TapeError)
    assert contents(session.path) == before
