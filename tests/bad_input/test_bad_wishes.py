"""What a user can get wrong with what is asked for: it is told in one line, and nothing is changed."""

import shutil

import numpy as np
import pytest

from tests.bad_input.material import music, save

WRONG_USE = {
    "no argument": (("measure",), "Missing argument 'SESSION|WAV'; see 'tape measure --help'"),
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
    "choices and resume": (
        ("train", "{paired}", "--resume", "--config", "{model}"),
        "with the choices that it was begun with; leave out --config or --resume",
    ),
    "half a pair": (("import", "{planned}", "--dry", "{folder}/dry.wav"), "or both --dry and --wet"),
}

IMPOSSIBLE = {
    "levels that clip": (("--levels", "0:30:10"), "goes to +30 dB, which is +12.0 dBFS and clips; end it at +18 dB"),
    "no track 0": (("--tracks", "0"), "there is no track 0; tracks are numbered 1 to 8"),
    "a track twice": (("--tracks", "1,1"), "one or more different ones for programme"),
    "pilot on programme": (("--pilot-track", "1"), "another for the pilot"),
    "no track 99": (("--pilot-track", "99"), "there is no track 99"),
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
    "virtual:nope": "no deck 'nope': name a preset (fresh, hysteresis, neglected, type1-wrong-tape, typical, worn) or a readable",
    "virtual:{folder}/none.toml": "(fresh, hysteresis, neglected, type1-wrong-tape, typical, worn) or a readable TOML file",
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


@pytest.mark.parametrize("arguments", [("measure",), ("train",), ("import", "{planned}")], ids=" ".join)
def test_a_name_that_no_disk_takes(refused, places, arguments):
    said = "has 300 characters, too many for the name of a file; choose a shorter one"
    refused(said, *(each.format(**places) for each in arguments), "a" * 300)


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


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"WORLD_SIZE": "two"}, "the environment has WORLD_SIZE=two, which is to be a number from 1"),
        ({"WORLD_SIZE": "2", "RANK": "foo"}, "the environment has RANK=foo, which is to be a number from 0 to 1"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "the environment has RANK=2, which is to be a number from 0 to 1"),
    ],
)
def test_processes_that_cannot_be(refused, paired, monkeypatch, told, said):
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    refused(said, "train", paired, "--core", "tcn", "--steps", "1")


def test_a_number_of_a_process_that_torchrun_did_not_give_is_none(command, paired, monkeypatch, tmp_path):
    shutil.copytree(paired, tmp_path / "session")
    monkeypatch.setenv("RANK", "1")
    command("train", tmp_path / "session", "--core", "linear", "--name", "alone")
    assert (tmp_path / "session/models/alone/model.json").exists()


def test_a_choice_that_makes_no_difference_is_told(command, paired, tmp_path):
    shutil.copytree(paired, tmp_path / "session")
    done = command("train", tmp_path / "session", "--core", "linear", "--minutes", "2", "--loss", "l1=1", "--seed", "3")
    for option in ("--minutes", "--loss"):
        assert f"{option} makes no difference to core 'linear'" in done.err
    assert "--seed makes" not in done.err
