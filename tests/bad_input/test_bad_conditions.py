"""What a user can get wrong with several sessions and with settings: it is told in one line, and nothing is changed."""

import shutil

import numpy as np
import pytest

from tests.bad_input.material import music, save
from tests.modeling.known_model import known_family


@pytest.fixture(scope="module")
def sessions(command, tmp_path_factory):
    """Pairs beside the usual one: at half the speed, at another rate, too short to learn from, and of two strangers."""
    made = tmp_path_factory.mktemp("sessions")
    dry, faster, brief = music(12.0, 16_000), music(6.0, 24_000), music(2.5, 16_000)
    for name, sound, rate in (("slow", dry, 16_000), ("other", faster, 24_000), ("short", brief, 16_000)):
        save(made / "dry.wav", sound, rate), save(made / "wet.wav", 0.5 * np.tanh(2.0 * sound), rate)
        pair = ("--dry", made / "dry.wav", "--wet", made / "wet.wav", "--speed", 4.8)
        assert command("import", made / name, *pair).status == 0
    save(made / "dry.wav", music(6.0, 16_000), 16_000), save(made / "wet.wav", music(6.0, 16_000, seed=1), 16_000)
    strangers = ("--dry", made / "dry.wav", "--wet", made / "wet.wav")
    assert command("import", made / "strangers", *strangers).status == 0
    known_family(made / "model", [({"speed_cm_s": 9.5}, 0.8), ({"speed_cm_s": 4.8}, 0.2)])
    return made


TRAINING = {
    "rate": (("{sessions}/other",), "other has 24000 Hz; a model has one sample rate: leave one out"),
    "twice": (("{paired}",), "paired are one session; name each once"),
    "track twice": (("{sessions}/slow", "--track", "1,1"), "1 is named twice; name each track, position or condition once"),
    "no track": (("{sessions}/slow", "--track", "one"), "'one' names no tracks; write their numbers from 1, such as 1,2"),
    "no such track": (("{sessions}/slow", "--track", "1,2"), "take 'pair' has no track 2; it has 1, numbered from 1"),
    "condition": (("{sessions}/slow", "--condition", "power"), "'power' is no condition; name some of speed_cm_s, level_db"),
    "dbx of a pair": (("{sessions}/slow", "--dbx", "off,on"), "does not say in what position of the dbx switch"),
    "residual": (("{sessions}/slow", "--residual"), "speed_cm_s differs here; leave out --residual"),
    "too little": (("{sessions}/short",), "short: "),
    "strangers": (("{sessions}/strangers",), "strangers: "),
    "none": (("{sessions}/none",), "There is no session at"),
}


@pytest.mark.parametrize("case", TRAINING)
def test_sessions_that_cannot_be_learnt_from_together(refused, places, sessions, case):
    arguments, said = TRAINING[case]
    done = refused(said, "train", places["paired"], *(part.format(**places, sessions=sessions) for part in arguments))
    for word, remedy in (("too little", "give a longer recording"), ("strangers", "check that they belong together")):
        assert case != word or remedy in done.refusal


RENDERING = {
    "outside": ("speed_cm_s=19", "speed_cm_s 19 is outside what this model learnt, 4.8 to 9.5; choose a value inside"),
    "unknown": ("power=1", "'power' is no condition; name some of speed_cm_s, level_db, dbx, tape"),
    "not learnt": ("dbx=on", "dbx is no condition of this model, which learnt speed_cm_s=9.5; speed_cm_s=4.8"),
    "no value": ("speed_cm_s", "'speed_cm_s' gives no value; write a condition, = and a value"),
}


@pytest.mark.parametrize("case", RENDERING)
def test_a_setting_that_a_model_has_not(refused, places, sessions, case):
    setting, said = RENDERING[case]
    arguments = (places["folder"] / "dry.wav", f"{places['new']}.wav", "--setting", setting)
    refused(said, "render", sessions / "model", *arguments)


def test_a_setting_where_there_is_one_or_none_to_choose(refused, places):
    wanted = (places["folder"] / "dry.wav", f"{places['new']}.wav", "--setting", "speed_cm_s=4.8")
    refused("model 'linear' learnt one setting alone; leave out speed_cm_s=4.8", "render", places["model"], *wanted)
    refused("the virtual deck has its settings in a preset or TOML file", "render", "virtual", *wanted)


def test_a_session_that_fits_no_setting(refused, places, sessions, tmp_path):
    known_family(tmp_path / "slow", [({"speed_cm_s": 4.8}, 0.8), ({"speed_cm_s": 2.4}, 0.2)])
    said = "model 'slow' does not fit the session: speed_cm_s 9.5 is outside what this model learnt, 2.4 to 4.8"
    refused(said, "evaluate", tmp_path / "slow", places["planned"])
    said = "speed_cm_s 9.5 is outside what this model learnt, 2.4 to 4.8; choose a value inside"
    refused(said, "capture", places["new"], "--device", f"model:{tmp_path / 'slow'}")


def test_two_sessions_are_learnt_from_and_rendered_between(command, places, sessions, tmp_path):
    fast, slow = tmp_path / "fast", tmp_path / "slow"
    shutil.copytree(places["paired"], fast), shutil.copytree(sessions / "slow", slow)
    assert command("train", fast, slow, "--core", "linear", "--name", "two").status == 0
    assert command("check", fast).status == 0
    model, out = fast / "models/two", tmp_path / "out.wav"
    assert command("render", model, places["folder"] / "dry.wav", out, "--setting", "speed_cm_s=6").status == 0
    again = command("train", "--config", model / "config.json", "--json")
    assert again.status == 0, again
    assert (fast / "models/linear-2/model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
