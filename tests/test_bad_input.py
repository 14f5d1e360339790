"""What a user can get wrong: one line that names value, limit and remedy, a status that is not 0, and nothing changed."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import soundfile

RATE = 48000
SHORT = ("--quick", "--levels", "0:0:1")  # with a short piece of music, the shortest stimulus there is


def music(seconds, rate=RATE, seed=0):
    """Noise with the rhythm of speech, which can be found again anywhere, shape (samples,)."""
    rng = np.random.default_rng(seed)
    gate = np.repeat(rng.uniform(0.0, 1.0, int(seconds * 6) + 1) ** 3, rate // 6)[: round(seconds * rate)]
    return 0.2 * gate * rng.standard_normal(gate.size).clip(-3, 3)


def save(path, array, rate=RATE, subtype="PCM_24"):
    soundfile.write(path, array, rate, subtype=subtype)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("bad")
    save(made / "music.wav", music(10.0))
    save(made / "mono.wav", music(3.0))
    save(made / "dry.wav", music(20.0, 16_000), 16_000)
    save(made / "wet.wav", 0.5 * np.concatenate([np.zeros(4000), music(20.0, 16_000)]), 16_000)
    save(made / "stranger.wav", music(20.0, 16_000, seed=1), 16_000)
    save(made / "six.wav", np.stack([music(3.0)] * 6, axis=1))
    save(made / "silent.wav", np.zeros(3 * RATE))
    save(made / "44100.wav", music(3.0, 44_100), 44_100)
    save(made / "8000.wav", music(3.0, 8000), 8000)
    (made / "empty.wav").touch()
    (made / "bad.toml").write_text("a = [")
    (made / "loud.toml").write_text("[tape]\nhiss_dba = 5000\n")
    return made


@pytest.fixture(scope="module")
def planned(command, folder):
    """A planned session: programme on track 1, pilot on track 4."""
    session = folder / "planned"
    assert command("stimulus", session, "--pilot-track", 4, "--music", folder / "music.wav", *SHORT).status == 0
    return session


@pytest.fixture(scope="module")
def sent(planned):
    """Its stimulus, shape (samples, 2)."""
    return soundfile.read(planned / "stimuli/main.wav")[0]


@pytest.fixture(scope="module")
def paired(command, folder):
    """A measured session of one pair, with a model."""
    session = folder / "paired"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "wet.wav").status == 0
    assert command("train", session, "--core", "linear").status == 0
    assert command("measure", session).status == 0
    return session


@pytest.fixture
def places(folder, planned, paired, tmp_path):
    return {
        "folder": folder,
        "planned": planned,
        "paired": paired,
        "model": paired / "models/linear",
        "new": tmp_path / "new",
    }


@pytest.fixture
def refused(command, digests, folder, tmp_path):
    """A function that runs a command, finds it refused, and finds everything as it was."""

    def run(said, *arguments, status=1):
        before = digests(folder), digests(tmp_path)
        done = command(*arguments)
        assert done.status == status, done
        assert done.out == ""
        assert said.search(done.refusal) if hasattr(said, "search") else said in done.refusal, done.refusal
        assert (digests(folder), digests(tmp_path)) == before
        return done

    return run


# Recordings


def with_gap(array):
    return np.concatenate([array[: 20 * RATE], np.zeros((40 * RATE, 2)), array[20 * RATE : 30 * RATE]])


RECORDINGS = {
    "wrong sample rate": (
        lambda a: a,
        {"rate": 44100},
        "has a sample rate of 44100 Hz; the stimulus has 48000 Hz: record at",
    ),
    "too few bits": (lambda a: a, {"subtype": "PCM_16"}, "has 16 bits; at least 24 bits are needed: record to a WAV"),
    "mono": (lambda a: a[:, :1], {}, "has 1 channel(s); 2 are needed: record all returns into one file"),
    "silence": (lambda a: 0.0 * a, {}, "its peak is -200 dBFS and at least -80 dBFS are needed; check cables"),
    "clipping": (lambda a: np.clip(8.0 * a, -1, 1), {}, "no sample may stay at full scale (0 dBFS); lower the input level"),
    "cut at the end": (lambda a: a[: 40 * RATE], {}, "is cut: 38.0 s of the take are there, its end marker comes 6"),
    "cut at the start": (lambda a: a[10 * RATE :], {}, "s searched): it is another recording, begins too late"),
    "tape stopped": (with_gap, {}, "is missing: the tape stopped or was edited; record again without a pause"),
    "swapped": (lambda a: a[:, ::-1], {}, "arrives on channel 2, where the pilot of track 4 is expected"),
    "half speed": (lambda a: np.repeat(a, 2, axis=0), {}, "plays at 0.50 times the speed it was recorded at; 0.80 to 1.25"),
    "other sound": (lambda a: np.stack([music(30.0)] * 2, axis=1), {}, "holds no start marker (30.0 s searched)"),
    "no samples": (lambda a: a[:0], {}, "holds a header but no samples; record or copy it again"),
}


@pytest.mark.parametrize("case", RECORDINGS)
def test_a_recording_that_is_no_take(refused, planned, sent, tmp_path, case):
    make, how, said = RECORDINGS[case]
    refused(said, "import", planned, save(tmp_path / "bad.wav", make(sent), **how))


def test_a_recording_of_another_session(command, refused, planned, folder, tmp_path):
    other = tmp_path / "other"
    assert command("stimulus", other, "--pilot-track", 4, "--music", folder / "music.wav", *SHORT).status == 0
    said = "belongs to another session: its tape says"
    assert (
        "import it into the session it was planned with" in refused(said, "import", planned, other / "stimuli/main.wav").err
    )


def test_a_recording_that_lost_its_end_in_copying(refused, planned, tmp_path):
    whole = (planned / "stimuli/main.wav").read_bytes()
    (tmp_path / "bad.wav").write_bytes(whole[:6_000_000])
    refused("is cut: ", "import", planned, tmp_path / "bad.wav")


@pytest.mark.parametrize(
    ("name", "contents", "said"),
    [
        ("missing.wav", None, "does not exist; check the name"),
        ("empty.wav", b"", "is empty (0 bytes); record or copy it again"),
        ("text.wav", b"no sound at all", "cannot be opened: Format not recognised; give a complete WAV"),
        ("header.wav", b"RIFF\x24\x00\x00\x00WAVEfmt ", "cannot be opened"),
    ],
)
def test_a_file_that_is_no_sound(refused, planned, paired, tmp_path, name, contents, said):
    if contents is not None:
        (tmp_path / name).write_bytes(contents)
    refused(said, "import", planned, tmp_path / name)
    refused(said, "render", paired / "models/linear", tmp_path / name, tmp_path / "out.wav")
    refused(said, "stimulus", tmp_path / "new", "--music", tmp_path / name)
    assert not (tmp_path / "new").exists()


def test_one_bad_recording_among_good_ones(refused, planned, sent, tmp_path):
    good, bad = save(tmp_path / "good.wav", 0.5 * sent), save(tmp_path / "bad.wav", sent[: 40 * RATE])
    refused("bad.wav is cut", "import", planned, good, bad)


# Pairs


@pytest.mark.parametrize(
    ("dry", "wet", "said"),
    [
        ("dry.wav", "missing.wav", "does not exist"),
        ("dry.wav", "44100.wav", "a pair needs one rate: export both at the same one"),
        ("8000.wav", "8000.wav", "8000 Hz; at least 16000 Hz is needed"),
        ("six.wav", "mono.wav", "has 6 channels and"),
        ("silent.wav", "mono.wav", "is silent: its peak is below -80 dBFS"),
        ("music.wav", "mono.wav", "they may differ by a factor of 1.5"),
    ],
)
def test_files_that_are_no_pair(refused, places, dry, wet, said):
    files = ("--dry", places["folder"] / dry, "--wet", places["folder"] / wet)
    refused(said, "import", places["new"], *files)
    assert not places["new"].exists()
    refused(said, "import", places["paired"], *files)


def test_files_that_have_nothing_in_common(command, refused, folder, tmp_path):
    session = tmp_path / "strangers"
    assert command("import", session, "--dry", folder / "dry.wav", "--wet", folder / "stranger.wav").status == 0
    refused("check that they belong together", "measure", session)
    refused("check that they belong together", "train", session)


def test_a_pair_that_is_too_short_to_learn_from(command, refused, tmp_path):
    dry = music(2.5)
    save(tmp_path / "dry.wav", dry), save(tmp_path / "wet.wav", 0.5 * dry)
    session = tmp_path / "short"
    assert command("import", session, "--dry", tmp_path / "dry.wav", "--wet", tmp_path / "wet.wav").status == 0
    refused("give a longer recording", "train", session)


# Wishes


WRONG_USE = {
    "no argument": (("measure",), "Missing argument 'SESSION'; see 'tape measure --help'"),
    "no such command": (("frobnicate",), "No such command 'frobnicate'; see 'tape --help'"),
    "no such option": (
        ("train", "{paired}", "--power", "9"),
        "No such option: --power (Possible options: --core); see 'tape train --help'",
    ),
    "rate in words": (("stimulus", "{new}", "--rate", "high"), "Invalid value for '--rate'"),
    "negative seed": (("render", "virtual", "{folder}/dry.wav", "{new}.wav", "--seed", "-1"), "greater than or equal to 0"),
    "no passes": (("capture", "{new}", "--passes", "0"), "greater than or equal to 1; see 'tape capture --help'"),
    "one level": (("stimulus", "{new}", "--levels", "3"), "'3' is no ladder; write it as LO:HI:STEP, such as -30:10:2.5"),
    "levels in words": (("capture", "{new}", "--levels", "a:b:c"), "'a:b:c' is no ladder; write it as LO:HI:STEP"),
    "falling levels": (("stimulus", "{new}", "--levels", "10:0:1"), "does not rise from LO to HI in at most 100 levels"),
    "endless levels": (("stimulus", "{new}", "--levels", "0:10:0"), "does not rise from LO to HI in at most 100 levels"),
    "no number": (("stimulus", "{new}", "--levels", "nan:1:1"), "does not rise from LO to HI in at most 100 levels"),
    "tracks in words": (("stimulus", "{new}", "--tracks", "1,x"), "'1,x' is no list of tracks; write it as 1,2"),
    "nothing to import": (("import", "{planned}"), "give recordings of the session's stimulus, or both --dry and --wet"),
    "half a pair": (("import", "{planned}", "--dry", "{folder}/dry.wav"), "or both --dry and --wet"),
}

IMPOSSIBLE = {
    "levels that clip": (("--levels", "0:30:10"), "goes to +30 dB, which is +12.0 dBFS and clips; end it at +18 dB"),
    "no track 0": (("--tracks", "0"), "there is no track 0; tracks are numbered 1 to 8"),
    "a track twice": (("--tracks", "1,1"), "one or more different ones for programme"),
    "pilot on programme": (("--pilot-track", "1"), "another for the pilot"),
    "no track 99": (("--pilot-track", "99"), "there is no track 99; tracks are numbered 1 to 8"),
    "speed": (("--speed", "19"), "tape speed 19 cm/s is not one of the deck's; use 9.5 or 4.8"),
    "low rate": (("--rate", "44100"), "sample rate 44100 Hz is below 48000 Hz; set the interface to 48 kHz or more"),
    "reference above full scale": (
        ("--reference-dbfs", "3"),
        "reference level 3 dBFS is outside -60 to 0; choose one inside",
    ),
    "reference out of sight": (("--reference-dbfs", "-400"), "reference level -400 dBFS is outside -60 to 0"),
    "cassette": (("--cassette", "C-13"), "cassette 'C-13' is not known; choose one of C-46, C-60"),
    "silent music": (("--music", "{folder}/silent.wav"), "silent.wav is silent; give music with sound in it"),
    "music at 44.1 kHz": (("--music", "{folder}/44100.wav"), "has 44100 Hz, the session 48000 Hz; convert it to 48000 Hz"),
}

DEVICES = {
    "Scarlett": "'Scarlett' is no virtual deck; use virtual, virtual:PRESET or virtual:FILE.toml, or record the file of",
    "virtual:nope": "no deck 'nope': name a preset (fresh, worn) or a readable TOML file",
    "virtual:{folder}/none.toml": "name a preset (fresh, worn) or a readable TOML file",
    "virtual:{folder}/bad.toml": "bad.toml is not TOML",
    "virtual:{folder}/loud.toml": "tape.hiss_dba = 5000: input should be less than or equal to -10; correct it in the file",
}


@pytest.mark.parametrize("case", WRONG_USE)
def test_wrong_use_ends_with_status_2(refused, places, case):
    arguments, said = WRONG_USE[case]
    refused(said, *(a.format(**places) for a in arguments), status=2)
    assert not places["new"].exists()


@pytest.mark.parametrize("case", IMPOSSIBLE)
def test_a_stimulus_that_cannot_be(refused, places, case):
    options, said = IMPOSSIBLE[case]
    for command in ("stimulus", "capture"):
        refused(said, command, places["new"], *(o.format(**places) for o in options))
        assert not places["new"].exists()


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_that_is_not_there(refused, places, device):
    refused(DEVICES[device], "capture", places["new"], "--device", device.format(**places))
    assert not places["new"].exists()


def test_a_stimulus_that_does_not_fit_the_tape(refused, places):
    save(places["new"].with_name("long.wav"), np.tile(music(50.0, 48_000), 18))
    done = refused(
        "does not fit the 11.5 min of a C-46",
        "stimulus",
        places["new"],
        "--cassette",
        "C-46",
        "--music",
        places["new"].with_name("long.wav"),
    )
    assert "use --quick, fewer levels or less music" in done.err


# Sessions


@pytest.fixture
def copied(planned, tmp_path):
    shutil.copytree(planned, tmp_path / "copy")
    return tmp_path / "copy"


ON_A_SESSION = [("check",), ("measure",), ("report",), ("train",), ("capture",), ("import", "{folder}/mono.wav")]


@pytest.mark.parametrize("line", ON_A_SESSION, ids=lambda line: line[0])
def test_a_session_of_a_newer_schema(refused, copied, places, line):
    manifest = json.loads((copied / "session.json").read_text())
    (copied / "session.json").write_text(json.dumps({**manifest, "schema_version": 9}))
    name, *rest = (part.format(**places) for part in line)
    refused("has schema version 9; this program", name, copied, *rest)


@pytest.mark.parametrize("line", ON_A_SESSION, ids=lambda line: line[0])
def test_a_session_that_is_none(refused, places, tmp_path, line):
    name, *rest = (part.format(**places) for part in line)
    file = tmp_path / "session"
    file.write_text("a file")
    refused("exists already and is not empty" if name == "capture" else "is a file; name the folder", name, file, *rest)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/notes.txt").write_text("no session")
    said = "exists already and is not empty" if name == "capture" else "holds no session.json, so it is no session"
    refused(said, name, tmp_path / "folder", *rest)
    if name != "capture":
        refused("There is no session at", name, tmp_path / "nowhere", *rest)


@pytest.mark.parametrize("text", ["{", "[]", '{"schema_version": 1}'])
def test_a_damaged_session(refused, copied, text):
    (copied / "session.json").write_text(text)
    refused("restore it from a copy of the session", "measure", copied)


def test_a_session_with_nothing_in_it_yet(refused, planned):
    refused("has 0 finished takes, 1 is needed; capture one, or attach recordings", "measure", planned)
    refused("has not been measured; run 'tape measure", "report", planned)
    refused("holds no complete play pass and no pair; run 'tape capture' or 'tape import'", "train", planned)


def test_nothing_is_planned_over_what_is_there(refused, planned, folder):
    for name in ("stimulus", "demo"):
        refused("exists already and is not empty; name a new folder for the session", name, planned)
        refused("exists already and is not empty; name a new folder for the session", name, folder / "dry.wav")


@pytest.mark.skipif(os.name == "nt", reason="needs a folder in which nobody can write")
def test_a_folder_that_cannot_be_written(refused, places, tmp_path):
    (tmp_path / "file").touch()
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for parent in (tmp_path / "file", *([locked] if os.geteuid() else [])):
        for name in ("stimulus", "capture", "demo"):
            refused("folder", name, parent / "new")
        refused(
            "folder", "import", parent / "new", "--dry", places["folder"] / "dry.wav", "--wet", places["folder"] / "wet.wav"
        )
        refused("folder", "render", places["model"], places["folder"] / "dry.wav", parent / "new.wav")


def test_a_damaged_file_in_a_session_is_named_by_check(command, copied):
    with (copied / "stimuli/main.wav").open("r+b") as file:
        file.seek(100_000)
        file.write(b"\x01\x02\x03")
    done = command("check", copied)
    assert (done.status, done.err) == (1, "")
    assert done.out.splitlines() == [
        "stimuli/main.wav: changed since it was written (SHA-256 differs); restore it from a copy of the session."
    ]


# Models


SPOILT = {
    "no card": (
        lambda m: (m / "model.json").unlink(),
        "model.json is missing; give the folder of a model, SESSION/models/NAME",
    ),
    "no weights": (lambda m: (m / "model.safetensors").unlink(), "model.safetensors is missing; give the folder of a model"),
    "card is no JSON": (lambda m: (m / "model.json").write_text("weights"), "is not readable as JSON"),
    "card says nothing": (lambda m: (m / "model.json").write_text("{}"), "is damaged: "),
    "weights cut": (
        lambda m: os.truncate(m / "model.safetensors", 100),
        "it was damaged or changed: restore it from a copy",
    ),
    "newer schema": (
        lambda m: (m / "model.json").write_text(
            (m / "model.json").read_text().replace('"schema_version": 1', '"schema_version": 7')
        ),
        "has schema version 7, this program reads up to 1; install a newer version",
    ),
}


@pytest.mark.parametrize("case", SPOILT)
def test_a_model_that_cannot_be_read(refused, places, tmp_path, case):
    spoil, said = SPOILT[case]
    model = tmp_path / "model"
    shutil.copytree(places["model"], model)
    spoil(model)
    refused(said, "render", model, places["folder"] / "dry.wav", tmp_path / "out.wav")
    refused(said, "evaluate", model, places["paired"])


TRAINING = {
    "core": (("--core", "nope"), "core 'nope' is unknown; choose one of linear, hammerstein, tcn"),
    "no time": (("--minutes", "0"), "0 minutes is no time to train; give more than 0"),
    "no number": (("--minutes", "nan"), "nan minutes is no time to train"),
    "name": (("--name", "../up"), "'../up' cannot name a model; use lower-case letters, digits"),
    "name taken": (("--name", "linear"), "exists already and a model is never overwritten; choose another --name"),
    "nothing to resume": (("--core", "tcn", "--resume"), "there is nothing to resume at"),
    "track": (("--track", "3"), "has no track 3; it has 1, numbered from 1"),
}


@pytest.mark.parametrize("case", TRAINING)
def test_a_training_that_cannot_be(refused, paired, case):
    options, said = TRAINING[case]
    refused(said, "train", paired, *options)


RENDERING = {
    "onto a file": (("{model}", "dry.wav", "{folder}/wet.wav"), "wet.wav exists already; name a new file"),
    "onto itself": (("{model}", "dry.wav", "{folder}/dry.wav"), "dry.wav exists already; name a new file"),
    "mp3": (("{model}", "dry.wav", "{new}.mp3"), "is no WAV file; name one that ends in .wav"),
    "no folder": (("{model}", "dry.wav", "{new}/out.wav"), "check the folder and the disk"),
    "session, no model": (("{paired}", "dry.wav", "{new}.wav"), "give the folder of a model, SESSION/models/NAME"),
    "low rate": (("{model}", "8000.wav", "{new}.wav"), "has 8000 Hz, a model needs at least 16000 Hz; convert it"),
    "preset": (("virtual:nope", "dry.wav", "{new}.wav"), "no deck 'nope': name a preset (fresh, worn)"),
    "six channels": (("virtual", "six.wav", "{new}.wav"), "6 channels do not fit on 4 tracks; give 1 to 4"),
    "wow": (("{model}", "dry.wav", "{new}.wav", "--wow", "-1"), "wow -1 is outside 0 to 10; choose a value inside"),
    "hiss": (("virtual", "dry.wav", "{new}.wav", "--hiss", "11"), "hiss 11 is outside 0 to 10"),
    "drive": (("{model}", "dry.wav", "{new}.wav", "--drive", "nan"), "drive nan is outside -40 to 40"),
    "mix": (("virtual", "dry.wav", "{new}.wav", "--mix", "2"), "mix 2 is outside 0 to 1"),
    "reference": (
        ("virtual", "dry.wav", "{new}.wav", "--reference-dbfs", "5"),
        "reference level 5.0 dBFS is outside -60 to 0",
    ),
}


@pytest.mark.parametrize("case", RENDERING)
def test_a_rendering_that_cannot_be(refused, places, case):
    (model, source, *rest), said = RENDERING[case]
    refused(said, "render", model.format(**places), places["folder"] / source, *(part.format(**places) for part in rest))


# The disk


@pytest.fixture(params=["small disk", "size limit"])
def no_room(request, tmp_path, command, process):
    """A folder, and a function that runs the command when about 8 kB more can be written there: two kinds of full disk."""
    if request.param == "small disk":
        disk = tmp_path / "disk"
        disk.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=60m", "tmpfs", str(disk)]
        if sys.platform != "linux" or os.geteuid() or subprocess.run(mount, check=False, capture_output=True).returncode:
            pytest.skip("mounting a small disk needs root on Linux")

        def run(*arguments):
            free = shutil.disk_usage(disk).free
            (disk / "filling").write_bytes(b"x" * (free - 8192))
            return command(*arguments)

        yield disk, run
        subprocess.run(["umount", "-l", str(disk)], check=True)
        return
    resource = pytest.importorskip("resource")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))

    yield tmp_path, lambda *arguments: process(*arguments, preexec_fn=limit)


FULL = {
    "stimulus": ("stimulus", "{room}/new", "--quick"),
    "import": ("import", "{room}/planned", "{room}/good.wav"),
    "pair": ("import", "{room}/new", "--dry", "{folder}/dry.wav", "--wet", "{folder}/wet.wav"),
    "capture": ("capture", "{room}/planned"),
    "measure": ("measure", "{room}/paired"),
    "report": ("report", "{room}/paired"),
    "train": ("train", "{room}/paired"),
    "render": ("render", "{model}", "{folder}/dry.wav", "{room}/out.wav"),
}


@pytest.mark.parametrize("case", FULL)
def test_a_full_disk(no_room, digests, places, case):
    room, run = no_room
    for name in ("planned", "paired"):
        shutil.copytree(places[name], room / name)
    if case == "import":
        shutil.copy(places["planned"] / "stimuli/main.wav", room / "good.wav")
    before = digests(room)
    done = run(*(part.format(room=room, **places) for part in FULL[case]))
    assert done.status == 1
    assert re.search(r"free (some )?space or (choose a folder on another disk|set TMPDIR)", done.refusal), done.refusal
    after = digests(room)
    after.pop("filling", None)
    if case == "capture":  # the session knows by now which device it is played through, and nothing else
        manifests = [json.loads((at / "session.json").read_text()) for at in (places["planned"], room / "planned")]
        assert {**manifests[0], "interface": None} == {**manifests[1], "interface": None}
        after["planned/session.json"] = before["planned/session.json"]
    assert after == before
    assert not (room / "new").exists()
