from dataclasses import replace

import numpy as np
import pytest

from analysis.alignment import Alignment
from analysis.dewarp import interpolate
from analysis.locate import FoundTake
from analysis.timebase import Timebase
from modeling.card import Source
from modeling.compander import Companding
from modeling.compander_start import Start
from modeling.config import Config
from modeling.dataset import from_pair, from_session, from_take
from modeling.deck.parameters import load_parameters
from modeling.fidelity import esr_of
from modeling.pairs import select
from modeling.pooling import gather
from sessions.store import Session
from signals.audio import ArrayAudio
from signals.cues import Channel, Cue, CueSheet
from signals.errors import ModelError

RATE = 48000
SOURCE = Source(session="s", take="play-1", track=3)


@pytest.fixture(scope="module")
def take(simulator):
    """A short stimulus on channel 1, played twice on a deck that wows; the returned channel is 0."""
    rng = np.random.default_rng(0)
    segments = [("silence", 2.0, {}), *(("music", 6.0, {"use": use}) for use in ("train", "validation", "test"))]
    cues, at, waves = [], RATE, [np.zeros(RATE)]
    for number, (kind, seconds, parameters) in enumerate(segments):
        length = int(seconds * RATE)
        waves += [simulator.music(seconds, number, 0.0) if kind == "music" else np.zeros(length), np.zeros(RATE // 2)]
        cue = Cue(name=f"{kind} {number}", kind=kind, channel=1, start_samples=at, length_samples=length)
        cues.append(cue.model_copy(update={"parameters": parameters, "level_db": None if kind == "silence" else 0.0}))
        at += length + RATE // 2
    sent = np.concatenate([*waves, np.zeros(RATE)])
    sheet = CueSheet(
        stimulus="main",
        session="s",
        code=1,
        sample_rate=RATE,
        samples=sent.size,
        reference_dbfs=-18.0,
        channels=(Channel(role="pilot", track=4), Channel(role="programme", track=3)),
        cues=tuple(cues),
    )
    passes = []
    for wow_hz in (0.8, 1.3):
        grid = np.arange(-0.5, sent.size / RATE + 0.5, 1e-3)
        base = Timebase(-0.5, 1e-3, 0.3 + 5e-5 * np.sin(2 * np.pi * wow_hz * grid), np.full(grid.size, 1e-7))
        wet = interpolate(simulator.device(sent), base.input_time(np.arange(sent.size + RATE) / RATE) * RATE)
        wet += 3e-4 * rng.standard_normal(wet.size)
        passes.append((ArrayAudio(wet[:, None], RATE), Alignment(1, 0, FoundTake(0, 0.0, 1.0, 1, None), base, "known")))
    return sheet, ArrayAudio(np.stack([0 * sent, sent], axis=1), RATE), passes


def test_a_take_gives_pairs_floor_silence_and_motion(take):
    sheet, sent, [(first, aligned), repeat] = take
    made = from_take(sheet, sent, first, aligned, SOURCE, repeat)
    assert [pair.split for pair in made.pairs] == ["train", "validation", "test"]
    assert made.reference_dbfs == -18.0
    assert np.std(made.silence) == pytest.approx(3e-4, rel=0.02)
    [test] = select(made.pairs, "test")
    noise = (3e-4) ** 2 / np.mean(test.wet[test.mask] ** 2)
    assert made.floor.noise == pytest.approx(noise, rel=0.05)
    # The passes differ by their noise, and by what dewarping loses of the cymbals above 20 kHz.
    assert 0.95 * noise < made.floor.replicate < 1.4 * noise
    assert made.trajectory is aligned.base


def test_a_sweep_that_was_followed_by_its_own_phase_teaches_nothing(take):
    sheet, sent, [(first, aligned), _] = take
    music = sheet.of_kind("music")[0]
    parameters = {"low_hz": 300.0, "high_hz": 20000.0, "rate_s": 1.0}
    sweep = music.model_copy(update={"name": "sweep", "kind": "sweep", "parameters": parameters})
    sheet = sheet.model_copy(update={"cues": (*sheet.cues, sweep)})
    assert len(select(from_take(sheet, sent, first, aligned, SOURCE).pairs, "ladder")) > 30
    own = replace(aligned, own={"sweep": aligned.base})
    assert not select(from_take(sheet, sent, first, own, SOURCE).pairs, "ladder")


def test_aligned_pairs_are_those_of_the_device_without_transport(take, simulator):
    sheet, sent, [(first, aligned), _] = take
    made = from_take(sheet, sent, first, aligned, SOURCE)
    assert esr_of(simulator.device, select(made.pairs, "train")) < 3 * made.floor.esr


def test_a_pair_without_cues_is_aligned_and_split_by_time(simulator):
    dry = simulator.music(12.0, 8, 3.0)
    wet = np.concatenate([np.zeros(4321), simulator.device(dry)])
    made = from_pair(ArrayAudio(dry[:, None], RATE), ArrayAudio(wet[:, None], RATE), -18.0, SOURCE)
    assert {pair.split for pair in made.pairs} == {"train", "validation", "test"}
    # The delay of the device's own response cannot be told from that of the pair; 20 us of it leave 0.4 % of 500 Hz.
    assert esr_of(simulator.device, select(made.pairs, "test")) < 1e-2
    assert "blocks of time" in made.split


def test_rates_of_a_pair_must_agree(simulator):
    audio = ArrayAudio(np.zeros((RATE, 1)), RATE)
    with pytest.raises(ModelError, match="44100 and 48000"):
        from_pair(replace(audio, sample_rate=44100), audio, -18.0, SOURCE)


def test_a_session_without_takes_is_refused(tmp_path):
    session = Session.create(tmp_path / "s", deck="x", speed_cm_s=9.5, reference_dbfs=-18.0)
    with pytest.raises(ModelError, match="no complete play pass"):
        from_session(session)


@pytest.fixture(scope="module")
def in_all_positions(take, tmp_path_factory):
    """A session with takes in three positions of the dbx switch."""
    sheet, sent, [(first, _), (second, _)] = take
    session = Session.create(
        tmp_path_factory.mktemp("dbx") / "s", deck="x", speed_cm_s=9.5, reference_dbfs=-18.0, session_id="s"
    )
    for stimulus in ("encoded", "main"):
        session.add_stimulus(sheet.model_copy(update={"stimulus": stimulus}), sent)
    takes = [
        ("on-play-1", "encoded", {"dbx": "on"}, first),
        ("play-1", "main", {"dbx": "off"}, first),
        ("encode-play-1", "encoded", {"dbx": "encode"}, second),
        ("play-2", "main", {}, second),
    ]
    for number, (name, stimulus, conditions, audio) in enumerate(takes, 1):
        settings = {"stimulus": stimulus, "role": "play", "number": number, "sample_rate": RATE, "channels": 1}
        with session.begin_take(name, **settings, conditions=conditions, inputs={0: 3}) as writer:
            writer.write(audio.read(0, audio.samples).astype(np.float32))
            writer.finish()
    return session


def test_takes_with_dbx_are_left_out_and_named(take, in_all_positions):
    _, _, [(_, aligned), (_, repeated)] = take
    told = []
    known = {"play-1": [aligned], "play-2": [repeated]}  # any other take would have to be aligned first
    made = from_session(in_all_positions, known=known, progress=told.append)
    assert (made.source.take, made.source.conditions) == ("play-1", {"dbx": "off", "speed_cm_s": 9.5})
    assert made.floor.replicate is not None
    assert made.companding is None
    assert told[0] == "leaving out what was not made with dbx off: on-play-1, encode-play-1"
    assert not any("aligning" in line for line in told)


def test_takes_with_dbx_are_taken_when_they_are_asked_for(take, in_all_positions):
    _, _, [(_, aligned), (_, repeated)] = take
    known = {"on-play-1": [aligned], "play-1": [aligned], "encode-play-1": [repeated]}
    told = []
    made = from_session(in_all_positions, known=known, progress=told.append, dbx="on")
    assert (made.source.take, made.source.conditions["dbx"]) == ("on-play-1", "on")
    assert made.companding.encode.time_constant_s == made.companding.decode.time_constant_s
    assert "compander: the usual constants; seeking time constant, weighting" in told
    # Hiss of the tape is that of the take without dbx; what the take itself holds lies behind the decoder.
    assert np.std(made.silence) == pytest.approx(3e-4, rel=0.02)
    assert np.std(made.behind) == pytest.approx(3e-4, rel=0.02)
    encoded = from_session(in_all_positions, known=known, dbx="encode")
    assert encoded.companding.decode is None
    assert encoded.behind is None
    assert encoded.silence is not None


def test_what_lies_between_the_halves_is_learnt_without_dbx_where_it_can_be(take, in_all_positions, monkeypatch):
    usual = load_parameters("fresh").compander
    halves = {"on": Companding(encode=usual, decode=usual), "encode": Companding(encode=usual)}
    monkeypatch.setattr("modeling.dataset.constants", lambda dbx, *_: Start(halves[dbx], (), "measured"))
    monkeypatch.setattr("modeling.pooling.motions_of", lambda *_: [])  # the stimulus has no markers
    _, _, [(_, aligned), (_, repeated)] = take
    known = {"on-play-1": [aligned], "play-1": [aligned], "play-2": [repeated]}
    told = []
    (made,) = gather([in_all_positions], Config(dbx="on"), told.append, {"s": known})
    assert "learning what lies between the halves from take 'play-1', without dbx" in told
    assert [(source.take, source.conditions["dbx"]) for source in made.sources] == [("on-play-1", "on"), ("play-1", "off")]
    assert set(made.also[0].files) == {"takes/play-1/returned.wav", "stimuli/main.wav"}
    plain = from_session(in_all_positions, known=known).pairs
    assert [(pair.name, pair.split) for pair in made.taught] == [(pair.name, pair.split) for pair in plain]
    assert made.taught[0].wet == pytest.approx(plain[0].wet, abs=1e-6)  # no decoder taken off
    assert all(pair.unwarped is None for pair in made.taught)
    told.clear()
    (made,) = gather(
        [in_all_positions],
        Config(dbx="encode"),
        told.append,
        {"s": {"play-1": [], "play-2": [], "encode-play-1": [repeated]}},
    )
    assert made.taught is made.pairs
    assert any(
        line.startswith("learning what lies between the halves from takes with dbx: take 'play-1' has") for line in told
    )
    monkeypatch.setattr("modeling.dataset.constants", lambda dbx, *_: Start(halves[dbx], ("weighting",), "usual"))
    (made,) = gather([in_all_positions], Config(dbx="on"), lambda _: None, {"s": known})
    assert made.taught is made.pairs


def test_passes_that_lack_the_track_are_left_out_and_named(take, in_all_positions):
    """Of a pass that lost a track the other tracks say nothing of how closely the deck repeats that one."""
    _, _, [(_, aligned), (_, repeated)] = take
    told = []
    made = from_session(
        in_all_positions, known={"play-1": [aligned], "play-2": [replace(repeated, channel=0)]}, progress=told.append
    )
    assert made.source.take == "play-1"
    assert made.floor.replicate is None
    assert "leaving out take 'play-2': take 'play-2' has no programme on track 3; tracks with programme: 4" in told
    made = from_session(in_all_positions, known={"play-1": [], "play-2": [repeated]})
    assert made.source.take == "play-2"
    with pytest.raises(ModelError, match="take 'play-1' has no programme on any track"):
        from_session(in_all_positions, known={"play-1": [], "play-2": []})


def test_a_position_that_is_not_there_is_refused_with_those_that_are(in_all_positions):
    with pytest.raises(
        ModelError, match="takes with dbx on, off, encode and none with dbx decode; train with --dbx on or off"
    ):
        from_session(in_all_positions, dbx="decode")
    with pytest.raises(ModelError, match="'maybe' is no position of the dbx switch; choose one of off, on, encode, decode"):
        from_session(in_all_positions, dbx="maybe")


def test_a_track_that_is_not_there_is_refused(take, tmp_path):
    from modeling.dataset import _of_track

    sheet, _, [(_, aligned), _] = take

    class Record:
        id = "play-1"

    assert _of_track([aligned], sheet, 3, Record()) is aligned
    with pytest.raises(ModelError, match="no programme on track 2; tracks with programme: 3"):
        _of_track([aligned], sheet, 2, Record())
