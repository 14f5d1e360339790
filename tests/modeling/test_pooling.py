"""Several sessions, tracks and positions of the dbx switch, as the material of one model."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from modeling.card import Source
from modeling.config import Config
from modeling.floor import Floor, pooled_floor
from modeling.model import load, load_family
from modeling.pairs import select
from modeling.pooling import merged, portions
from modeling.training import train
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.errors import ModelError

RATE = 48000


@pytest.fixture
def make(tmp_path):
    """Make a session of a pair, or of takes in positions of the dbx switch; nothing of it is read."""

    def session(name, speed_cm_s=9.5, reference_dbfs=-18.0, tape=None, rate=RATE, dbx=()):
        made = Session.create(
            tmp_path / name, deck="x", speed_cm_s=speed_cm_s, reference_dbfs=reference_dbfs, tape=tape, session_id=name
        )
        sound = ArrayAudio(np.full((rate // 10, 1), 0.1), rate)
        if not dbx:
            made.add_pair("pair-1", sound, sound, ("dry.wav", "wet.wav"))
        for number, position in enumerate(dbx, 1):
            settings = {"stimulus": None, "role": "play", "number": number, "sample_rate": rate, "channels": 1}
            with made.begin_take(f"play-{number}", **settings, conditions={"dbx": position}, inputs={0: 1}) as writer:
                writer.write(np.zeros((100, 1), dtype=np.float32))
                writer.finish()
        return made

    return session


def test_what_differs_is_found(make):
    fast, slow, loud = make("a", tape="C-60"), make("b", 4.8, tape="C-60"), make("c", reference_dbfs=-24.0, tape="C-90")
    assert portions([fast], Config())[1] == ()
    assert portions([fast, slow], Config())[1] == ("speed_cm_s",)
    chosen, names = portions([fast, loud], Config())
    assert names == ("level_db", "tape")
    # A sine of -18 dBFS, 0 VU in the first session, lies 6 dB above 0 VU where that is -24 dBFS.
    assert [portion.conditions["level_db"] for portion in chosen] == [0.0, 6.0]
    assert portions([fast, loud], Config(condition="level_db"))[1] == ("level_db",)
    assert portions([fast, slow], Config(condition="tape"))[1] == ()


def test_positions_and_tracks_are_taken_where_they_are(make):
    both, one = make("a", dbx=("on", "off")), make("b", dbx=("on",))
    chosen, names = portions([both, one], Config(dbx="off,on", track="1,2"))
    assert [(p.session.manifest.id, p.dbx, p.track) for p in chosen] == [
        ("a", "off", 1),
        ("a", "off", 2),
        ("a", "on", 1),
        ("a", "on", 2),
        ("b", "on", 1),
        ("b", "on", 2),
    ]
    assert names == ("dbx",)


@pytest.mark.parametrize(
    ("sessions", "choices", "said"),
    [
        (
            [{"name": "a"}, {"name": "b", "rate": 96000}],
            {},
            "a has 48000 Hz and .*b has 96000 Hz; a model has one sample rate",
        ),
        ([{"name": "a"}, {"name": "b", "reference_dbfs": -20.0}], {"condition": "tape"}, "add level_db to --condition"),
        ([{"name": "a", "dbx": ("off", "on")}], {"dbx": "off,on", "condition": "tape"}, "add dbx to --condition"),
        ([{"name": "a", "dbx": ("off",)}], {"dbx": "off,decode"}, "no session holds takes with dbx decode; leave it out"),
        ([{"name": "a"}], {"dbx": "off,on"}, "a pair, which does not say in what position of the dbx switch .* one --dbx"),
        (
            [{"name": "a"}, {"name": "b", "speed_cm_s": 4.8}],
            {"residual": True},
            "speed_cm_s differs here; leave out --residual",
        ),
    ],
)
def test_what_cannot_be_pooled_is_refused(make, sessions, choices, said):
    with pytest.raises(ModelError, match=said) as told:
        portions([make(**session) for session in sessions], Config().with_(choices))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"track": "1,1"}, "1 is named twice"),
        ({"track": "one"}, "'one' names no tracks; write their numbers from 1, such as 1,2"),
        ({"dbx": "off,maybe"}, "'maybe' is no position of the dbx switch; choose one of off, on, encode, decode"),
        ({"condition": "power"}, "'power' is no condition; name some of speed_cm_s, level_db, dbx, tape"),
    ],
)
def test_choices_that_name_nothing_are_refused(choices, said):
    with pytest.raises(ModelError, match=re.escape(said)):
        Config().with_(choices)


def test_choices_of_one_are_kept_as_ever():
    kept = json.loads(Config(track=2, dbx="on").to_json())
    assert (kept["track"], kept["dbx"]) == (2, "on")
    assert Config(track="1,2").tracks == (1, 2)
    assert Config.model_validate_json(Config(track="1,2", dbx="off,on").to_json()).positions == ("off", "on")


def test_the_floor_of_two_lots_is_over_the_power_of_both():
    one, two = Floor(noise=1e-4, timing=1e-5, replicate=2e-4), Floor(noise=None, timing=3e-5)
    both = pooled_floor([one, two], [3.0, 1.0])
    assert both.noise == pytest.approx(0.75e-4)
    assert both.timing == pytest.approx(1.5e-5)
    assert both.replicate == pytest.approx(2e-4)
    assert both.modulation is None


def test_data_sets_made_alike_become_one(dataset):
    other = replace(dataset, source=Source(session="simulated", take="play-1", track=2), motions=(dataset.trajectory,))
    both = merged([replace(dataset, motions=(dataset.trajectory,)), other])
    assert len(both.pairs) == 2 * len(dataset.pairs)
    assert [source.track for source in both.sources] == [1, 2]
    assert both.floor.esr == pytest.approx(dataset.floor.esr)
    assert both.motions == (dataset.trajectory,)  # two tracks of one pass share one
    with pytest.raises(ModelError, match="track 1 of take 'play-1' is asked for twice"):
        merged([dataset, dataset])


@pytest.fixture(scope="module")
def two(dataset, tmp_path_factory):
    """A model of the deck, and of one half as loud at half the speed, in one."""
    half = replace(
        dataset,
        pairs=[replace(pair, wet=0.5 * pair.wet) for pair in dataset.pairs],
        silence=0.5 * dataset.silence,
        source=Source(session="other", take="play-1", track=1, conditions={"speed_cm_s": 4.75}),
        setting={"speed_cm_s": 4.75},
    )
    lots = [replace(dataset, setting={"speed_cm_s": 9.5}), half]
    return train(lots, tmp_path_factory.mktemp("pooled") / "models", "linear", name="two")


def test_a_model_of_two_settings_has_each_with_its_own_errors_and_noise(two, dataset, tmp_path):
    card = load_family(two.folder).card
    first, second = card.settings
    assert (first.values, second.values) == ({"speed_cm_s": 9.5}, {"speed_cm_s": 4.75})
    # The same signals, half as large: the same error re signal, and noise 6 dB lower.
    assert second.evaluation.esr == pytest.approx(first.evaluation.esr, rel=1e-4)
    assert card.evaluation.esr == pytest.approx(first.evaluation.esr, rel=1e-4)
    assert second.noise_dbfs == pytest.approx(first.noise_dbfs - 6.02, abs=0.01)
    assert [card.sources[n].session for n in second.sources] == ["other"]
    assert card.seconds.test == pytest.approx(2 * sum(p.seconds for p in select(dataset.pairs, "test")), abs=1e-2)
    assert any(line.startswith("speed_cm_s=4.75: linear filter (least squares)") for line in two.lines)
    alone = train(dataset, tmp_path, "linear")
    x = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    assert np.array_equal(load(two.folder).core.process(x), alone.model.core.process(x))
    assert "settings" not in json.loads((alone.folder / "model.json").read_text())


def test_between_its_settings_it_is_between_them(two):
    x = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    between = load(two.folder, {"speed_cm_s": 9.5 / 2**0.5}).core.process(x)
    assert np.std(between - 0.5**0.5 * two.model.core.process(x)) < 1e-3 * np.std(between)
