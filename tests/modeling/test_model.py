import json
import pickle
import shutil

import numpy as np
import pytest

from modeling import model as on_disk
from modeling.model import free_folder, load, save
from signals.errors import ModelError, SessionError


@pytest.fixture
def folder(trained, tmp_path):
    """A copy of a model that may be spoilt."""
    copy = tmp_path / "deck"
    shutil.copytree(trained.folder, copy)
    return copy


def test_a_loaded_model_renders_as_the_trained_one(trained, folder):
    x = 0.1 * np.random.default_rng(0).standard_normal(20000)
    again = load(folder)
    assert np.array_equal(again.core.process(x), trained.model.core.process(x))
    assert again.card == trained.model.card
    assert np.array_equal(again.noise.read(0, 1000, 0, 1), trained.model.noise.read(0, 1000, 0, 1))
    assert np.array_equal(
        again.transport.motion(1).delay(0, 99, 48000), trained.model.transport.motion(1).delay(0, 99, 48000)
    )


def changed(path, **fields):
    document = json.loads(path.read_text())
    document.update(fields)
    path.write_text(json.dumps(document))


def spoil(folder, how):
    card, weights = folder / "model.json", folder / "model.safetensors"
    match how:
        case "no card":
            card.unlink()
        case "no weights":
            weights.unlink()
        case "card is no JSON":
            card.write_text("{")
        case "card is a list":
            card.write_text("[]")
        case "newer schema":
            changed(card, schema_version=99)
        case "field missing":
            changed(card, sample_rate=None)
        case "unknown core":
            changed(card, core="os.system")
        case "setting missing":
            changed(card, core_settings={})
        case "weights changed":
            data = bytearray(weights.read_bytes())
            data[-9] ^= 1
            weights.write_bytes(data)
        case "weights cut":
            weights.write_bytes(weights.read_bytes()[:1000])
        case "weights are a pickle":
            data = pickle.dumps({"core.h": np.ones(3)})
            weights.write_bytes(data)
            changed(card, weights_sha256=on_disk.digest(data))
        case "weights are of another model":
            data = on_disk.save_arrays({"core.h": np.full(4096, np.nan)})
            weights.write_bytes(data)
            changed(card, weights_sha256=on_disk.digest(data))


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no card", "model.json is missing"),
        ("no weights", "model.safetensors is missing"),
        ("card is no JSON", "not readable as JSON"),
        ("card is a list", "is damaged"),
        ("newer schema", "schema version 99, this program reads up to 1; install a newer"),
        ("field missing", "sample_rate"),
        ("unknown core", "choose one of linear"),
        ("setting missing", "does not fit its card"),
        ("weights changed", "damaged or changed: restore"),
        ("weights cut", "damaged or changed: restore"),
        ("weights are a pickle", "does not fit its card"),
        ("weights are of another model", "does not fit its card"),
    ],
)
def test_a_spoilt_model_is_refused_in_one_line(folder, how, said):
    spoil(folder, how)
    with pytest.raises(ModelError, match=said) as refused:
        load(folder)
    assert "\n" not in str(refused.value)


def test_what_is_no_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match="is no model"):
        load(tmp_path / "nowhere")


def test_a_model_is_written_whole_or_not_at_all(trained, tmp_path, monkeypatch):
    def full(files):
        next(iter(files)).write_bytes(b"half")
        raise SessionError("There is no room")

    monkeypatch.setattr(on_disk, "write_together", full)
    with pytest.raises(SessionError, match="no room"):
        save(trained.model, tmp_path / "models" / "deck")
    assert list((tmp_path / "models").iterdir()) == []


def test_names_are_counted_up_and_checked(tmp_path):
    assert free_folder(tmp_path, None, "tcn").name == "tcn"
    (tmp_path / "tcn").mkdir()
    assert free_folder(tmp_path, None, "tcn").name == "tcn-2"
    with pytest.raises(ModelError, match="never overwritten"):
        free_folder(tmp_path, "tcn", "tcn")
    assert free_folder(tmp_path, None, "tcn", {"tcn-2"}).name == "tcn-3"
    with pytest.raises(ModelError, match="a training of 'own' was interrupted, or is under way; go on with --resume"):
        free_folder(tmp_path, "own", "tcn", {"own"})
    with pytest.raises(ModelError, match="lower-case"):
        free_folder(tmp_path, "My Model", "tcn")
