import json

import pytest

from modeling.config import Config, read
from signals.errors import ModelError


def test_choices_are_read_as_they_were_written(tmp_path):
    session, model = tmp_path / "session", tmp_path / "session" / "models" / "tcn"
    model.mkdir(parents=True)
    config = Config(core="tcn", minutes=0.5, loss={"esr": 1.0, "stft": 0.1}, steps=40, judge_every=8, seed=3)
    (model / "config.json").write_bytes(config.seen_from(model, [session]).to_json())
    assert json.loads((model / "config.json").read_text())["sessions"] == ["../.."]
    for path in (model, model / "config.json"):
        found = read(path)
        assert found.sessions == (str(session),)
        assert found.with_({"sessions": ()}) == config


def test_what_the_clock_decided_is_written_down_until_another_time_is_asked_for():
    settled = Config(core="tcn").resolved([{"rung": "linear"}, {"step": 0, "steps": 90, "judge_every": 9, "batch": 1}])
    assert (settled.steps, settled.judge_every, settled.batch) == (90, 9, 1)
    assert settled.with_({"seed": 4}).steps == 90
    changed = settled.with_({"minutes": 2.0})
    assert (changed.steps, changed.judge_every) == (None, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "holds no choices by name"),
        ('{"steps": 0}', "steps of a training: input should be greater than or equal to 1"),
        ('{"power": 9}', "power of a training: extra inputs are not permitted"),
        ('{"minutes": -1}', "no time to train"),
        ('{"noise": "best"}', "noise of a training: input should be 'parametric' or 'diffusion'"),
        ('{"loss": {"mse": 1}}', "there is no error 'mse'"),
    ],
)
def test_choices_that_cannot_be_are_refused_in_one_line(tmp_path, text, said):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ModelError, match=said) as told:
        read(tmp_path)
    assert "\n" not in str(told.value)
