import re

import numpy as np
import pytest

from modeling.model import load, load_family
from modeling.render import Settings, render
from modeling.settings import differing, in_words, place, read_setting
from sessions.manifest import SessionManifest
from signals.errors import ModelError
from tests.modeling.known_model import RATE, known_family

SPEEDS = [{"speed_cm_s": 9.5, "dbx": "off"}, {"speed_cm_s": 4.8, "dbx": "off"}, {"speed_cm_s": 9.5, "dbx": "on"}]


def test_a_setting_is_read_from_words_and_told_in_the_same():
    setting = read_setting("speed_cm_s=4.8, dbx=on,tape=C-60")
    assert setting == {"speed_cm_s": 4.8, "dbx": "on", "tape": "C-60"}
    assert read_setting(in_words(setting)) == setting


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("power=9", "'power' is no condition; name some of speed_cm_s, level_db, dbx, tape"),
        ("dbx", "'dbx' gives no value; write a condition, = and a value"),
        ("speed_cm_s=fast", "speed_cm_s 'fast' cannot be; give a number above 0"),
        ("speed_cm_s=-1", "speed_cm_s '-1' cannot be; give a number above 0"),
        ("level_db=nan", "level_db 'nan' cannot be; give a number"),
        ("dbx=on,dbx=off", "dbx is given twice"),
    ],
)
def test_words_that_are_no_setting_are_refused(text, said):
    with pytest.raises(ModelError, match=re.escape(said)):
        read_setting(text)


def test_only_what_differs_is_a_condition():
    assert differing([{"speed_cm_s": 9.5, "tape": "a"}, {"speed_cm_s": 9.5, "tape": "b"}]) == ("tape",)
    assert differing([{"speed_cm_s": 9.5}]) == ()


def test_what_is_not_asked_for_is_as_in_the_first_setting_that_has_the_rest():
    assert place(SPEEDS, {}) == {0: 1.0}
    assert place(SPEEDS, {"dbx": "on"}) == {2: 1.0}
    assert place(SPEEDS, {"speed_cm_s": 4.8}) == {1: 1.0}


def test_between_two_speeds_the_shares_are_those_of_their_logarithms():
    shares = place(SPEEDS, {"speed_cm_s": 4.8 * (9.5 / 4.8) ** 0.25})
    assert shares == pytest.approx({0: 0.25, 1: 0.75})


def test_between_speeds_and_levels_there_are_four_settings():
    four = [{"speed_cm_s": v, "level_db": level} for v in (4.0, 8.0) for level in (0.0, 6.0)]
    assert place(four, {"speed_cm_s": 32**0.5, "level_db": 1.5}) == pytest.approx({0: 0.375, 1: 0.125, 2: 0.375, 3: 0.125})
    with pytest.raises(ModelError, match="no setting speed_cm_s=8,level_db=6; it learnt"):
        place(four[:3], {"speed_cm_s": 5.0, "level_db": 3.0})


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"speed_cm_s": 19.0}, "speed_cm_s 19 is outside what this model learnt, 4.8 to 9.5; choose a value inside"),
        ({"speed_cm_s": 7.0, "dbx": "on"}, "speed_cm_s 7 is outside what this model learnt, 9.5;"),
        ({"dbx": "decode"}, "has no setting dbx=decode; it learnt speed_cm_s=9.5,dbx=off; speed_cm_s=4.8,dbx=off; speed"),
        ({"tape": "C-90"}, "tape is no condition of this model, which learnt speed_cm_s=9.5,dbx=off;"),
    ],
)
def test_what_was_not_learnt_is_refused_with_what_was(wanted, said):
    with pytest.raises(ModelError, match=re.escape(said)):
        place(SPEEDS, wanted)


@pytest.fixture(scope="module")
def family(tmp_path_factory):
    gains = [({"speed_cm_s": 9.5, "level_db": 0.0}, 0.8), ({"speed_cm_s": 4.75, "level_db": 0.0}, 0.2)]
    return known_family(tmp_path_factory.mktemp("family") / "two", gains)


def test_a_saved_model_renders_at_each_of_its_settings_and_between_them(family):
    x = np.sin(2 * np.pi * 500 * np.arange(RATE // 2) / RATE)
    for wanted, gain in ((None, 0.8), ({"speed_cm_s": 4.75}, 0.2), ({"speed_cm_s": 4.75 * 2**0.5}, 0.4)):
        rendered = render(load(family, wanted), x, RATE, Settings(wow=0.0, hiss=0.0))
        assert np.max(np.abs(rendered - gain * x)[200:-200]) < 1e-4
    between = load(family, {"speed_cm_s": 6.0})
    assert "At speed_cm_s=6 it was not learnt" in between.card.limits[-1]


def test_a_setting_that_fits_a_session_is_found(family):
    found = load_family(family)

    def manifest(speed_cm_s, reference_dbfs=-18.0):
        blank = {"created": "", "tool_version": "", "deck": "", "tape": None, "wiring": {}, "interface": {"name": ""}}
        return SessionManifest(id="x", speed_cm_s=speed_cm_s, reference_dbfs=reference_dbfs, **blank)

    assert found.fitting(manifest(4.75)) == {"speed_cm_s": 4.75, "level_db": 0.0}
    with pytest.raises(ModelError, match="model 'two' does not fit the session: speed_cm_s 19 is outside"):
        found.fitting(manifest(19.0))
    with pytest.raises(ModelError, match="level_db 6 is outside what this model learnt, 0"):
        found.fitting(manifest(9.5, -24.0))
