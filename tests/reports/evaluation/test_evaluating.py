"""``tape evaluate`` from end to end: decks that are models of known gain, motion and hiss, and models that differ from them."""

import json
import shutil

import numpy as np
import pytest
import soundfile

from tests.bad_input.material import SHORT, music, save
from tests.modeling.known_model import known_family, known_model


@pytest.fixture(scope="module")
def places(command, tmp_path_factory):
    """A measured session captured through a model, a family that holds it, and one 1 dB lower that moves half as much again."""
    folder = tmp_path_factory.mktemp("evaluating")
    save(folder / "music.wav", music(12.0))
    deck = known_model(folder / "deck", taps=(0.5,), wow=0.001, wow_hz=4.0, hiss=1e-4)
    spoilt = known_model(
        folder / "spoilt", taps=(0.5 * 10 ** (-1 / 20),), wow=0.0015, wow_hz=4.0, hiss=1e-4 * 10 ** (2 / 20)
    )
    settings = [({"speed_cm_s": 4.75}, 0.25), ({"speed_cm_s": 9.5}, 0.5)]
    family = known_family(folder / "family", settings, wow=0.001, hiss=(1e-3, 1e-4))
    session = folder / "session"
    options = ("--device", f"model:{deck}", "--pilot-track", 4, "--passes", 2, "--music", folder / "music.wav", *SHORT)
    assert command("capture", session, *options).status == 0
    assert command("measure", session).status == 0
    return {"session": session, "deck": deck, "family": family, "spoilt": spoilt, "folder": folder}


def evaluation(command, model, session, *options):
    done = command("evaluate", model, session, *options, "--json")
    assert (done.status, done.err) == (0, ""), done
    told = json.loads(done.out)
    kept = json.loads((model / "evaluation.json").read_text())
    assert {key: told[key] for key in kept} == kept
    return told, {goal["subject"]: goal for goal in kept["goals"]}


def test_a_model_that_is_the_deck_meets_what_is_asked(command, places):
    told, goals = evaluation(command, places["family"], places["session"])
    assert told["setting"] == {"speed_cm_s": 9.5}
    for subject in ("Response at -20 dB", "Harmonics at 0 and +5 dB", "Wow and flutter, weighted", "Spurious products"):
        assert goals[subject]["verdict"] == "within", goals[subject]
    assert goals["Noise in third octaves"]["verdict"] in ("within", "undecided")  # of the lowest, few periods are heard
    assert told["passes"] == 2
    held_out = told["held_out"]
    # Nothing is left but hiss and a little timing: more than the one, less than the floor that both make.
    error = held_out["evaluation"]
    assert 0.95 * error["noise_floor_esr"] < error["esr"] < 2.0 * error["noise_floor_esr"]
    assert error["esr"] < error["floor_esr"]
    assert error["excess_esr"] == 0.0
    beyond_hiss = np.sqrt(error["esr"] / error["noise_floor_esr"])  # no distance grows faster than the error's amplitude
    for name in ("multi_resolution_stft", "log_spectral_distance_db", "mel_cepstral_distortion_db"):
        assert 0.95 < held_out["model"][name] / held_out["floor"][name] < 1.05 * beyond_hiss
    assert held_out["model"]["loudness_difference_db"] == pytest.approx(0.0, abs=0.02)
    assert held_out["pace"]["whole"] > 1.0


@pytest.mark.slow
def test_what_is_wrong_with_a_model_is_told_with_its_size(command, places, tmp_path):
    told, goals = evaluation(command, places["spoilt"], places["session"], "--listening", tmp_path / "heard")
    response = goals["Response at -20 dB"]
    assert response["verdict"] == "outside"
    # Each is the worst point of its third of an octave, and the worst of many may lie beyond what 95 of 100 keep to.
    assert all(abs(d["difference"] + 1.0) < 1.5 * d["doubt"] < 0.15 for d in response["deviations"])
    (flutter,) = goals["Wow and flutter, weighted"]["deviations"]
    assert flutter["difference"] == pytest.approx(50.0, abs=3.0)
    # Hiss is up by 2 dB and the reference tone down by 1 dB.
    noise = {d["conditions"]["frequency_hz"]: d["difference"] for d in goals["Noise in third octaves"]["deviations"]}
    assert [v for f, v in noise.items() if f > 4000] == pytest.approx([3.0] * sum(f > 4000 for f in noise), abs=0.4)
    assert told["held_out"]["model"]["loudness_difference_db"] == pytest.approx(-1.0, abs=0.02)
    assert told["listening"] == str(tmp_path / "heard")
    assert (tmp_path / "heard/mushra.yaml").exists()
    assert not (places["spoilt"] / "listening").exists()


@pytest.mark.slow
def test_a_model_in_a_session_is_evaluated_in_its_folder_and_listed(command, places):
    session = places["session"]
    trained = command("train", session, "--core", "linear", "--json")
    assert trained.status == 0, trained
    model = session / "models/linear"
    done = command("evaluate", model, session)
    assert done.status == 0, done
    lines = done.out.splitlines()
    assert lines[1].startswith("Response at -20 dB")
    assert "within" in lines[1]
    assert f"report: {model / 'evaluation.pdf'}" in lines
    assert command("check", session).out == f"{session}: whole\n"
    assert (model / "evaluation.pdf").read_bytes().startswith(b"%PDF")
    sounds = {file.name: soundfile.read(file)[0] for file in (model / "listening/01").iterdir()}
    assert set(sounds) == {"reference.wav", "model.wav", "filter.wav", "anchor35.wav"}
    # The model is the plain filter here, and hiss is far below the music.
    assert np.corrcoef(sounds["reference.wav"], sounds["model.wav"])[0, 1] > 0.99
    assert command("report", session).status == 0
    shutil.rmtree(model)


def test_a_folder_for_listening_that_is_there_is_refused(command, places):
    done = command("evaluate", places["deck"], places["session"], "--listening", places["folder"])
    assert "exists already and is never overwritten; name a new folder with --listening" in done.refusal


def test_a_model_of_another_rate_is_refused_before_anything_is_done(command, places):
    other = known_model(places["folder"] / "other", rate=96_000)
    done = command("evaluate", other, places["session"])
    assert "the model runs at 96000 Hz and the session at 48000 Hz; evaluate it on a session of its own rate" in done.refusal
