import hashlib
import json
import os
import shutil
import subprocess
import sys
import textwrap
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from sessions.manifest import SessionManifest, from_json
from sessions.results import Axis, Curve, Measurements, Result
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.errors import AudioFileError, SessionError, TapeError

RATE = 48000


def test_new_session_names_its_maker_and_time(session):
    again = Session.open(session.path)
    assert again.manifest == session.manifest
    assert (again.manifest.schema_version, again.manifest.deck, again.manifest.speed_cm_s) == (1, "Tascam 424 MkII", 9.5)
    assert datetime.fromisoformat(again.manifest.created).utcoffset().total_seconds() == 0
    assert again.check() == []


def test_a_folder_in_use_is_never_taken(session, contents):
    before = contents(session.path)
    with pytest.raises(SessionError, match="exists already and is not empty"):
        Session.create(session.path, deck="other", speed_cm_s=9.5, reference_dbfs=-18.0)
    assert contents(session.path) == before


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "new").mkdir()
    assert Session.create(tmp_path / "new", deck="d", speed_cm_s=4.8, reference_dbfs=-18.0).check() == []


def test_the_program_s_own_folders_are_refused():
    root = Path(__file__).parents[2]
    for room in ("sessions", "reports"):
        with pytest.raises(SessionError, match="the program's own folder"):
            Session.create(root / room / "mine", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0)
        assert not (root / room / "mine").exists()


def test_impossible_figures_are_refused(tmp_path):
    with pytest.raises(SessionError, match=r"speed_cm_s is 0\.0"):
        Session.create(tmp_path / "s", deck="d", speed_cm_s=0.0, reference_dbfs=-18.0)
    assert not (tmp_path / "s").exists()


def test_stimulus_comes_back_to_the_last_bit_of_24(planned, stimulus):
    sheet, audio = Session.open(planned.path).stimulus()
    assert sheet == stimulus[0]
    assert np.abs(audio.read(0, RATE) - stimulus[1].array).max() <= 0.5 / 2**23
    assert audio.bits == 24
    assert planned.check() == []
    with pytest.raises(SessionError, match="never overwrites"):
        planned.add_stimulus(*stimulus)


def test_stimulus_of_another_shape_or_session_is_refused(session, stimulus, contents):
    sheet, audio = stimulus
    before = contents(session.path)
    for wrong_sheet, wrong_audio in [
        (sheet, ArrayAudio(audio.array[:-1], RATE)),
        (sheet, ArrayAudio(audio.array[:, :1], RATE)),
        (sheet, ArrayAudio(audio.array, 96000)),
        (sheet.model_copy(update={"session": "other"}), audio),
        (sheet.model_copy(update={"sample_rate": 44100}), ArrayAudio(audio.array, 44100)),
        (sheet.model_copy(update={"stimulus": "../main"}), audio),
    ]:
        with pytest.raises(SessionError):
            session.add_stimulus(wrong_sheet, wrong_audio)
    assert contents(session.path) == before
    with pytest.raises(SessionError, match="has no stimulus 'main'; it has: none"):
        session.stimulus()


def test_take_keeps_samples_conditions_and_facts(planned, begin):
    block = np.random.default_rng(0).uniform(-1.2, 1.2, (3000, 2)).astype(np.float32).astype(float)
    with begin(planned, expected_samples=3000) as take:
        take.write(block[:1000])
        take.note(("input overflow at 512",), None)
        take.write(block[1000:])
        take.note(("input overflow at 512",), 48001.5)
        take.finish(faults=("clipped",))
    record, audio = Session.open(planned.path).take("play-1")
    assert np.array_equal(audio.read(0, 3000), block)
    assert (record.state, record.samples, record.clock_hz) == ("complete", 3000, 48001.5)
    assert (record.flags, record.faults, record.inputs) == (("input overflow at 512",), ("clipped",), {0: 1, 1: 4})
    assert record.conditions == {"dbx": "off"}
    files = planned.manifest.files
    for name in ("takes/play-1/returned.wav", "takes/play-1/take.json", "stimuli/main.wav", "stimuli/main.json"):
        data = (planned.path / name).read_bytes()
        assert (files[name].sha256, files[name].size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert sorted(f.name for f in (planned.path / "takes/play-1").iterdir()) == ["returned.wav", "take.json"]
    assert planned.check() == []


def test_take_is_never_overwritten(planned, begin, contents):
    with begin(planned) as take:
        take.write(np.zeros((10, 2)))
        take.finish()
    before = contents(planned.path)
    with pytest.raises(SessionError, match="never overwrites"):
        begin(planned)
    assert contents(planned.path) == before
    assert planned.free_take_id("play-1") == "play-1-2"
    assert planned.free_take_id("play-2") == "play-2"


@pytest.mark.parametrize(
    "wrong", [{"take_id": "Play 1"}, {"take_id": "../x"}, {"stimulus": "none"}, {"sample_rate": 44100}], ids=str
)
def test_take_that_cannot_be_is_refused_before_anything_is_written(planned, begin, contents, wrong):
    before = contents(planned.path)
    with pytest.raises(SessionError):
        begin(planned, **wrong)
    assert contents(planned.path) == before
    assert not (planned.path / "takes").exists()


def record_until(error, take):
    with take:
        take.note(("64 samples lost at 512",), 48001.5)
        take.write(np.full((1234, 2), 0.5))
        raise error


@pytest.mark.parametrize(
    ("error", "fault"), [(KeyboardInterrupt(), "stopped by the user"), (TapeError("device lost"), "device lost")]
)
def test_interrupted_take_stays_with_what_had_arrived(planned, begin, error, fault):
    with pytest.raises(type(error)):
        record_until(error, begin(planned, expected_samples=5000))
    record, audio = planned.take("play-1")
    assert (record.state, record.samples, record.faults) == ("interrupted", 1234, (fault,))
    assert (record.flags, record.clock_hz) == (("64 samples lost at 512",), 48001.5)
    assert audio.read(0, 1235).tolist() == [[0.5, 0.5]] * 1234 + [[0.0, 0.0]]
    assert planned.takes() == []
    assert planned.takes("play", complete=False) == [record]
    assert planned.check() == []


def test_take_to_which_nothing_arrived_leaves_no_trace(planned, begin, contents):
    before = contents(planned.path)
    with pytest.raises(TapeError), begin(planned):
        raise TapeError("device not found")
    assert contents(planned.path) == before


def test_take_that_was_not_finished_is_marked(planned, begin):
    with begin(planned) as take:
        take.write(np.zeros((10, 2)))
    assert planned.take("play-1")[0].state == "interrupted"


KILLED = """
    import os, numpy as np
    from sessions.store import Session
    from sessions.manifest import SourceFile
    session = Session.open({path!r})
    take = session.begin_take("play-1", stimulus="main", role="play", number=1, conditions={{}}, sample_rate=48000,
                              channels=2, inputs={{0: 1, 1: 4}}, expected_samples=96000, sources={sources})
    with take:
        for _ in range(20):
            take.write(np.full((4000, 2), 0.5))
        os.kill(os.getpid(), 9)
"""


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_take_of_a_killed_program_is_recovered(planned):
    script = textwrap.dedent(KILLED.format(path=str(planned.path), sources={}))
    ended = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert ended.returncode == -9
    assert any("continue the capture" in line for line in planned.check())
    assert planned.recover() == ["play-1"]
    record, audio = planned.take("play-1")
    assert record.state == "interrupted"
    assert 40000 < record.samples <= 80000  # the rest was in the buffers of the killed program
    assert audio.read(0, record.samples).min() == 0.5
    assert planned.check() == []
    assert planned.recover() == []


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_killed_import_is_removed_since_its_source_is_still_there(planned, contents):
    before = contents(planned.path)
    script = textwrap.dedent(KILLED.format(path=str(planned.path), sources='{"returned.wav": SourceFile(name="a.wav")}'))
    subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert planned.recover() == []
    assert contents(planned.path) == before


def test_take_that_was_written_but_not_listed_is_recovered(planned, begin):
    before = (planned.path / "session.json").read_bytes()
    with begin(planned) as take:
        take.write(np.zeros((10, 2)))
        kept = take.finish()
    (planned.path / "session.json").write_bytes(before)
    again = Session.open(planned.path)
    assert again.check()
    assert again.recover() == ["play-1"]
    assert again.takes() == [kept]
    assert again.check() == []


def test_pair_keeps_both_sides(session):
    rng = np.random.default_rng(0)
    dry = ArrayAudio(rng.uniform(-1, 1, (2000, 1)).astype(np.float32).astype(float), 44100)
    wet = ArrayAudio(rng.uniform(-1, 1, (2500, 1)).astype(np.float32).astype(float), 44100)
    session.add_pair("pair", dry, wet, ("dry.wav", "wet.wav"))
    record, sent, returned = Session.open(session.path).pair("pair")
    assert (record.role, record.samples, record.stimulus) == ("pair", 2500, None)
    assert {k: v.name for k, v in record.sources.items()} == {"sent.wav": "dry.wav", "returned.wav": "wet.wav"}
    assert np.array_equal(sent.read(0, 2000), dry.array)
    assert np.array_equal(returned.read(0, 2500), wet.array)
    assert session.check() == []


@pytest.mark.parametrize("rates", [(48000, 44100), (8000, 8000)])
def test_pair_of_wrong_rates_is_refused(session, contents, rates):
    before = contents(session.path)
    with pytest.raises(SessionError, match="one rate of at least 16000 Hz"):
        session.add_pair("pair", *(ArrayAudio(np.zeros((9, 1)), rate) for rate in rates), ("a", "b"))
    assert contents(session.path) == before


def test_pair_that_cannot_be_read_to_its_end_leaves_no_trace(session, contents):
    before = contents(session.path)
    wet = np.zeros((2_000_00, 1))
    wet[150_000] = np.nan
    with pytest.raises(AudioFileError):
        session.add_pair("pair", ArrayAudio(np.zeros((9, 1)), RATE), ArrayAudio(wet, RATE), ("a", "b"))
    assert contents(session.path) == before


@pytest.fixture
def measurements():
    def of(*levels):
        return Measurements(
            session="abc123",
            tool_version="1",
            created="2024-01-01T00:00:00+00:00",
            results=[Result(quantity="thd", value=0.93, unit="%", method="m", conditions={"track": 1})],
            curves=[
                Curve(
                    quantity="frequency_response",
                    conditions={"track": 1, "level_db": level},
                    method="m",
                    x=Axis.of("frequency", "Hz", [100.0, 1000.0]),
                    y=Axis.of("magnitude", "dB", [-1.5, 0.25]),
                    uncertainty=[0.1, 0.2],
                )
                for level in levels
            ],
        )

    return of


def test_measurements_replace_those_of_an_earlier_run(session, measurements):
    with pytest.raises(SessionError, match="has not been measured"):
        session.read_measurements()
    session.write_measurements(measurements(-20.0, 0.0))
    session.write_measurements(measurements(-20.0))
    assert Session.open(session.path).read_measurements() == measurements(-20.0)
    (csv,) = (session.path / "curves").iterdir()
    assert csv.name == "frequency_response.track=1,level_db=-20.0.csv"
    assert csv.read_text() == "frequency (Hz),magnitude (dB),uncertainty (dB)\n100,-1.5,0.1\n1000,0.25,0.2\n"
    assert session.check() == []


def test_curves_of_equal_conditions_keep_their_own_files(session, measurements):
    session.write_measurements(measurements(-20.0, -20.0))
    assert len(list((session.path / "curves").iterdir())) == 2


@pytest.mark.parametrize("name", ["session.json", "takes/x.json", "stimuli/main.wav", "../out", "/etc/x", "", "a.part"])
def test_derived_files_stay_in_their_place(planned, contents, name):
    before = contents(planned.path)
    with pytest.raises(SessionError, match="cannot be written into a session"):
        planned.write_file(name, b"x")
    assert contents(planned.path) == before


@pytest.mark.parametrize(
    ("damage", "line"),
    [
        (lambda p: (p / "takes/play-1/returned.wav").unlink(), "takes/play-1/returned.wav: missing"),
        (lambda p: (p / "stimuli/main.wav").write_bytes(b"RIFF"), "stimuli/main.wav: 4 bytes, "),
        (lambda p: flip(p / "takes/play-1/returned.wav"), "takes/play-1/returned.wav: changed"),
        (lambda p: (p / "takes/extra.wav").write_bytes(b"x"), "takes/extra.wav: not listed"),
        (lambda p: (p / "stimuli/main.wav.part").write_bytes(b"x"), "stimuli/main.wav.part: left behind"),
        (lambda p: rewrite(p, ("takes", 0, "samples"), 5), "takes/play-1/returned.wav: rate, channels and samples"),
        (lambda p: rewrite(p, ("takes", 0, "number"), 3), "takes/play-1/take.json: differs"),
        (lambda p: rewrite(p, ("id",), "other"), "stimuli/main.json: belongs to session abc123"),
    ],
)
def test_check_names_what_is_wrong(planned, begin, damage, line):
    with begin(planned) as take:
        take.write(np.zeros((10, 2)))
        take.finish()
    assert planned.check() == []
    damage(planned.path)
    found = planned.check()
    assert found
    assert found[0].startswith(line)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def rewrite(path, where, value):
    document = json.loads((path / "session.json").read_text())
    place = document
    for step in where[:-1]:
        place = place[step]
    place[where[-1]] = value
    (path / "session.json").write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 2, "anything": 1}', "has schema version 2; this program .* reads up to 1: install a newer"),
        ("{", "not readable as JSON"),
        ("[]", "damaged"),
        ('{"schema_version": 1}', "damaged: id: Field required"),
        ("\xff", "not readable as JSON"),
    ],
)
def test_session_that_cannot_be_understood_is_refused_in_one_line(session, text, message):
    (session.path / "session.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(SessionError, match=message) as refusal:
        Session.open(session.path)
    assert "\n" not in str(refusal.value)


def test_unknown_fields_are_refused(session):
    document = json.loads((session.path / "session.json").read_text())
    with pytest.raises(SessionError, match="damaged: extra"):
        from_json(SessionManifest, json.dumps({**document, "extra": 1}), "session.json")


def test_what_is_no_session_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for path, message in [("none", "There is no session"), ("file", "is a file"), (".", "holds no session.json")]:
        with pytest.raises(SessionError, match=message):
            Session.open(tmp_path / path)


def test_session_may_be_zipped_and_unpacked_elsewhere(planned, begin, tmp_path):
    with begin(planned) as take:
        take.write(np.zeros((10, 2)))
        take.finish()
    archive = shutil.make_archive(str(tmp_path / "zipped"), "zip", planned.path)
    shutil.unpack_archive(archive, tmp_path / "elsewhere")
    shutil.rmtree(planned.path)
    again = Session.open(tmp_path / "elsewhere")
    assert again.check() == []
    assert again.take("play-1")[1].samples == 10


@pytest.mark.parametrize("left", [(), ("running.json.part",), ("returned.wav.part", "room.part")])
def test_what_is_left_of_a_take_that_had_not_begun_is_cleared_away(tmp_path, left):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0)
    folder = session.path / "takes/play-1"
    folder.mkdir(parents=True)
    for name in left:
        (folder / name).write_bytes(b"RIFF")
    assert session.recover() == []
    assert not folder.exists()
    assert session.check() == []
