import hashlib

import numpy as np
import pytest

from modeling.card import Source
from modeling.pairs import Pair
from modeling.provenance import limits_of, loudest_db, with_digests
from sessions.store import Session
from signals.audio import ArrayAudio

RATE = 48000
SOURCE = Source(session="s", take="play-1", track=2, conditions={"speed_cm_s": 4.8, "dbx": "off"})


def pair_at(level_db, seconds=1.0, split="train"):
    """A sine at a level re a sine of -18 dBFS."""
    t = np.arange(round(seconds * RATE)) / RATE
    wave = (10 ** ((level_db - 18.0) / 20.0) * np.sin(2 * np.pi * 500.0 * t)).astype(np.float32)
    return Pair(wave, wave, np.ones(wave.size, dtype=bool), RATE, split)


def test_the_loudest_level_is_that_of_the_training_material_alone():
    pairs = [pair_at(-10.0), pair_at(4.0), pair_at(9.0, split="test")]
    assert loudest_db(pairs, -18.0) == pytest.approx(4.0, abs=0.05)


def test_a_click_is_no_level():
    loud = pair_at(0.0)
    loud.dry[24_000] = 1.0  # +18 dB for a sample: of 0.3 s it lifts the meter by 0.2 dB
    assert loudest_db([loud], -18.0) == pytest.approx(0.0, abs=0.25)


def test_limits_say_what_was_learnt_and_what_is_missing():
    whole = " ".join(limits_of([SOURCE], 3.0, trained=True, moves=True, hisses=True, modulates=True))
    assert "track 2 of take 'play-1', 4.8 cm/s, dbx off" in whole
    assert "+3 dB re 0 VU" in whole
    assert "dropouts" in whole
    assert "untrained" not in whole
    bare = " ".join(limits_of([SOURCE], 3.0, trained=False, moves=False, hisses=False, modulates=False))
    for words in ("counts as untrained", "no wow and flutter", "no hiss"):
        assert words in bare
        assert words not in whole
    still = " ".join(limits_of([SOURCE], 3.0, trained=True, moves=True, hisses=True, modulates=False))
    assert "no modulation noise" in still
    assert "no modulation noise" not in whole


@pytest.mark.parametrize("level_db", [-0.3, 0.3])
def test_a_level_about_zero_has_no_sign(level_db):
    said = limits_of([SOURCE], level_db, trained=True, moves=True, hisses=True, modulates=True)
    assert "read 0 dB re 0 VU" in " ".join(said)


def test_limits_say_where_what_lies_between_the_halves_was_learnt():
    on = SOURCE.model_copy(update={"take": "on-play-1", "conditions": {"speed_cm_s": 4.8, "dbx": "on"}})
    first = limits_of([on, SOURCE], 3.0, trained=True, moves=True, hisses=True, modulates=True)[0]
    assert first == (
        "Learnt from track 2 of take 'on-play-1', 4.8 cm/s, dbx on; what lies between the halves of the compander from track 2 of "
        "take 'play-1', 4.8 cm/s, dbx off; what other settings do it was not told."
    )


def test_a_source_names_its_files_with_their_digests(tmp_path):
    session = Session.create(tmp_path / "s", deck="d", speed_cm_s=9.5, reference_dbfs=-18.0)
    sound = ArrayAudio(np.full((RATE, 1), 0.1), RATE)
    session.add_pair("pair-1", sound, sound, ("dry.wav", "wet.wav"))
    source = with_digests(Source(session=session.manifest.id, take="pair-1", track=1), session)
    assert set(source.files) == {"takes/pair-1/returned.wav", "takes/pair-1/sent.wav"}
    for name, digest in source.files.items():
        assert digest == hashlib.sha256((session.path / name).read_bytes()).hexdigest()
    session.add_pair("pair-2", sound, sound, ("dry.wav", "wet.wav"))
    both = with_digests(Source(session=session.manifest.id, take="pair-1", track=1), session, ["pair-2"])
    assert set(both.files) == {*source.files, "takes/pair-2/returned.wav", "takes/pair-2/sent.wav"}
