"""What a user can get wrong with models: it is told in one line, and nothing is changed."""

import os
import pickle
import shutil

import pypdf
import pytest

from tests.bad_input.material import music, save


class Evil:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


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
    "weights are code": (
        lambda m: (m / "model.safetensors").write_bytes(pickle.dumps(Evil())),
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
def test_a_model_that_cannot_be_read(refused, places, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    spoil, said = SPOILT[case]
    model = tmp_path / "model"
    shutil.copytree(places["model"], model)
    spoil(model)
    refused(said, "render", model, places["folder"] / "dry.wav", tmp_path / "out.wav")
    refused(said, "evaluate", model, places["paired"])
    assert not (tmp_path / "executed").exists()


def test_a_report_says_which_model_it_leaves_out(command, paired, tmp_path):
    session = tmp_path / "session"
    shutil.copytree(paired, session)
    for name in ("copy", "spoilt"):
        shutil.copytree(session / "models/linear", session / "models" / name)
    (session / "models/spoilt/model.json").write_text("{}")
    done = command("report", session)
    assert done.status == 0
    assert "a model is left out of the report: " in done.err
    assert "spoilt/model.json is damaged" in done.err
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(session / "report.pdf").pages)
    assert "Model linear" in text
    assert "Model copy" in text
    assert "Model spoilt" not in text


TRAINING = {
    "core": (("--core", "nope"), "core 'nope' is unknown; choose one of linear, hammerstein, tcn"),
    "loss": (("--loss", "mse=1"), "there is no error 'mse' to train on; name some of esr, emphasised, dc"),
    "no weight": (("--loss", "esr"), "'esr' gives no weight; write esr= and a number from 0"),
    "weights of zero": (("--loss", "esr=0"), "the weights of esr=0 cannot be; give numbers from 0, one of them above it"),
    "device": (("--device", "tpu"), "device 'tpu' is unknown; choose cpu or cuda"),
    "augmentation": (("--augment", "gain"), "there is no augmentation 'gain'; name some of polarity, speed, noise"),
    "scheme": (("--scheme", "III"), "scheme of a training: input should be 'I' or 'II'"),
    "precision": (("--precision", "half"), "precision of a training: input should be 'auto', 'single' or 'mixed'"),
    "no steps": (("--steps", "0"), "steps of a training: input should be greater than or equal to 1"),
    "no network": (("--scheme", "II"), "core 'hammerstein' knows neither scheme II nor augmentation nor mixed precision"),
    "no config": (("--config", "{folder}/none.json"), "none.json cannot be read as JSON"),
    "no choices": (("--config", "{folder}/bad.toml"), "bad.toml cannot be read as JSON"),
    "no time": (("--minutes", "0"), "0 minutes is no time to train; give more than 0"),
    "no number": (("--minutes", "nan"), "nan minutes is no time to train"),
    "name": (("--name", "../up"), "'../up' cannot name a model; use at most 100 lower-case letters, digits"),
    "name taken": (("--name", "linear"), "exists already and a model is never overwritten; choose another --name"),
    "dbx": (("--dbx", "maybe"), "'maybe' is no position of the dbx switch; choose one of off, on, encode, decode"),
    "nothing to resume": (("--core", "tcn", "--resume"), "there is nothing to resume at"),
    "track": (("--track", "3"), "has no track 3; it has 1, numbered from 1"),
    "no track 0": (("--track", "0"), "there is no track 0; tracks are numbered from 1"),
    "a comma": (("--track", ","), "',' has nothing beside a comma; name something there, or leave the comma out"),
    "a comma at the end": (("--dbx", "off,"), "'off,' has nothing beside a comma"),
    "a track twice": (("--track", "1,1"), "1 is named twice; name each track, position or condition once"),
    "newer config": (
        ("--config", "{folder}/newer.json"),
        "has schema version 99, this program reads up to 1; install a newer",
    ),
    "older config": (
        ("--config", "{folder}/older.json"),
        "schema_version of a training: input should be greater than or equal",
    ),
}


@pytest.mark.parametrize("case", TRAINING)
def test_a_training_that_cannot_be(refused, paired, places, case):
    options, said = TRAINING[case]
    refused(said, "train", paired, *(option.format(**places) for option in options))


RENDERING = {
    "onto a file": (("{model}", "dry.wav", "{folder}/wet.wav"), "wet.wav exists already; name a new file"),
    "onto itself": (("{model}", "dry.wav", "{folder}/dry.wav"), "dry.wav exists already; name a new file"),
    "mp3": (("{model}", "dry.wav", "{new}.mp3"), "is no WAV file; name one that ends in .wav"),
    "no folder": (("{model}", "dry.wav", "{new}/out.wav"), "check the folder and the disk"),
    "session, no model": (("{paired}", "dry.wav", "{new}.wav"), "give the folder of a model, SESSION/models/NAME"),
    "low rate": (("{model}", "8000.wav", "{new}.wav"), "has 8000 Hz, a model needs at least 16000 Hz; convert it"),
    "preset": (
        ("virtual:nope", "dry.wav", "{new}.wav"),
        "no deck 'nope': name a preset (fresh, hysteresis, neglected, type1-wrong-tape, typical, worn)",
    ),
    "too much wow": (
        ("virtual:{folder}/fluttering.toml", "dry.wav", "{new}.wav", "--wow", "10"),
        "tape: --wow 10 on fluttering: transport.pinch_percent = 20.0: input should be less than or equal to 5; choose less of it",
    ),
    "too much hiss": (
        ("virtual:{folder}/hissing.toml", "dry.wav", "{new}.wav", "--hiss", "10"),
        "tape: --hiss 10 on hissing: tape.hiss_dba = -5.0: input should be less than or equal to -10; choose less of it",
    ),
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


@pytest.mark.parametrize("model", ["{model}", "virtual"])
def test_sound_that_no_file_can_hold(refused, places, tmp_path, model):
    loud = music(1.0)
    loud[400] = 1e39
    save(tmp_path / "loud.wav", loud, subtype="DOUBLE")
    said = "sample 400 is 1e+39, where full scale is 1; what lies beyond 1e+10 is no sound: export the file again"
    refused(said, "render", model.format(**places), tmp_path / "loud.wav", tmp_path / "out.wav")


CAPTURING = {
    "no model": (("model:{new}",), "new is no model: model.json is missing; give the folder of a model"),
    "no path": (("model:",), "'model:' is no trained model; write model:PATH"),
    "session": (("model:{paired}",), "model.json is missing; give the folder of a model, SESSION/models/NAME"),
    "rate": (("model:{model}",), "runs at 16000 Hz and the session at 48000 Hz; plan the session with --rate 16000"),
}


@pytest.mark.parametrize("case", CAPTURING)
def test_a_model_that_cannot_be_captured_through(refused, places, case):
    (device,), said = CAPTURING[case]
    refused(said, "capture", places["new"], "--device", device.format(**places))


def test_a_model_is_not_evaluated_where_there_is_nothing_to_hold_it_against(refused, places):
    refused("the model runs at 16000 Hz and the session at 48000 Hz", "evaluate", places["model"], places["planned"])
    refused("There is no session at", "evaluate", places["model"], places["new"])
    onto = ("--listening", places["paired"])
    refused("exists already and is never overwritten", "evaluate", places["model"], places["paired"], *onto, status=2)


def test_of_a_pair_it_is_said_why_the_bench_is_left_out(command, places, tmp_path):
    session = tmp_path / "paired"
    shutil.copytree(places["paired"], session)
    done = command("evaluate", session / "models/linear", session)
    assert done.status == 0, done
    assert done.out.startswith(
        "not on the bench: paired holds a pair of recordings and no stimulus to play through the model;"
    )
    assert (session / "models/linear/evaluation.pdf").exists()
    assert command("check", session).status == 0


def test_sound_that_is_louder_than_what_was_learnt_is_told(command, places, tmp_path):
    loud = command("render", places["model"], places["folder"] / "dry.wav", tmp_path / "loud.wav", "--drive", "12")
    assert "louder passages are a guess; lower --drive" in loud.err
    same = command("render", places["model"], places["folder"] / "dry.wav", tmp_path / "same.wav")
    assert "guess" not in same.err
    assert (loud.status, same.status) == (0, 0)


def test_a_model_brings_its_own_reference(refused, places, tmp_path):
    said = "the model has its own reference, -18 dBFS; leave out that of -12 dBFS"
    refused(said, "render", places["model"], places["folder"] / "dry.wav", tmp_path / "out.wav", "--reference-dbfs", "-12")
