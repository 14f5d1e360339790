"""The stimulus: where its segments lie, what they sound like, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest

from signals.cues import Cue, CueSheet
from signals.errors import StimulusError
from signals.levels import dbfs, meter_level
from signals.scope import Scope
from signals.stimulus import QUICK, STANDARD, Piece, StimulusAudio, plan, waveform

RATE = 48_000
SMALL = Scope(5.0, (315.0, 1000.0), (-20.0, 0.0, 10.0), 0.5, (-20.0,), 2.0, 1.0, 0.5, (Piece("solo", 3.0, 5.0, "train"),))


def small(**changes: object) -> CueSheet:
    return plan(**{"session": "s", "sample_rate": RATE, "tracks": [1], "pilot_track": 4, "scope": SMALL} | changes)


def all_of(sheet: CueSheet, music: dict[str, np.ndarray] | None = None) -> np.ndarray:
    return StimulusAudio(sheet, music).read(0, sheet.samples)


@pytest.fixture(scope="module")
def quick() -> CueSheet:
    return plan(session="s", sample_rate=RATE, tracks=[1, 2], pilot_track=4, scope=QUICK)


@pytest.fixture(scope="module")
def sheet() -> CueSheet:
    return small()


@pytest.fixture(scope="module")
def audio(sheet: CueSheet) -> np.ndarray:
    return all_of(sheet)


@pytest.mark.parametrize("scope", [QUICK, STANDARD])
@pytest.mark.parametrize("pilot_track", [None, 4])
def test_segments_of_a_channel_follow_each_other_under_names_of_their_own(scope: Scope, pilot_track: int | None) -> None:
    sheet = plan(session="s", sample_rate=RATE, tracks=[1, 3], pilot_track=pilot_track, scope=scope)
    for channel, described in enumerate(sheet.channels):
        own = sorted((c for c in sheet.cues if c.channel == channel), key=lambda c: c.start_samples)
        assert len({c.name for c in own}) == len(own)
        assert all(one.stop_samples <= two.start_samples for one, two in pairwise(own))
        assert [c.kind for c in own if c.kind == "pilot"] == [c.kind for c in own if described.role == "pilot"]
    # All programme channels carry the same at the same time, but where one sounds alone.
    together = [c for c in sheet.cues if c.parameters.get("purpose") != "crosstalk"]
    first, second = ([c.model_copy(update={"channel": 0}) for c in together if c.channel == n] for n in (0, 1))
    assert first == second


@pytest.mark.parametrize("scope", [QUICK, STANDARD])
def test_for_crosstalk_every_track_sounds_alone(scope: Scope) -> None:
    sheet = plan(session="s", sample_rate=RATE, tracks=[1, 2, 3, 4], scope=scope, reference_dbfs=-15.0)
    alone = [c for c in sheet.of_kind("multitone") if c.parameters["purpose"] == "crosstalk"]
    assert [c.channel for c in alone] == [0, 1, 2, 3]
    for cue in alone:
        part = StimulusAudio(sheet).read(cue.start_samples, cue.stop_samples)
        assert np.max(np.abs(np.delete(part, cue.channel, axis=1))) == 0.0
        assert 0.4 < np.max(np.abs(part[:, cue.channel])) <= 1.0
    single = plan(session="s", sample_rate=RATE, tracks=[2], scope=scope)
    assert not single.of_kind("multitone")


def test_the_pilot_spans_both_markers(quick: CueSheet) -> None:
    (pilot,) = quick.of_kind("pilot")
    assert pilot.start_samples < quick.of_kind("marker_start")[0].start_samples
    assert pilot.stop_samples > quick.of_kind("marker_end")[0].stop_samples
    assert {c.track for c in quick.channels if c.role == "pilot"} == {4}
    # None of the harmonics that are reported, nor the other way round, within 50 Hz.
    for cue in quick.of_kind("tone"):
        ratio = pilot.number("frequency_hz") / cue.number("frequency_hz")
        if ratio > 5.5:
            continue
        assert abs(ratio - round(ratio)) * cue.number("frequency_hz") > 50.0


def test_there_is_what_the_standards_ask_for() -> None:
    sheet = plan(session="s", sample_rate=RATE, tracks=[1])
    purposes: dict[object, list[Cue]] = {}
    for cue in sheet.of_kind("tone"):
        purposes.setdefault(cue.parameters["purpose"], []).append(cue)
    (reference,), (flutter,) = purposes["reference"], purposes["wow_flutter"]
    assert (reference.number("frequency_hz"), reference.level_db) == (1000.0, 0.0)
    assert flutter.number("frequency_hz") == 3150.0  # IEC 60386
    assert flutter.length_samples >= 30 * RATE  # AES6-2008 reads over 5 s and more; 30 s tells 0.2 Hz
    assert {c.number("frequency_hz") for c in purposes["ladder"]} == {315.0, 1000.0, 10_000.0}  # MOL 315, THD, SOL 10k
    assert [c.level_db for c in purposes["ladder"]][:17] == [-30 + 2.5 * k for k in range(17)]
    assert sheet.samples / RATE < 14.5 * 60.0  # a C-60 at 9.5 cm/s, with its leader


def test_every_tone_and_sweep_stands_at_its_level(sheet: CueSheet, audio: np.ndarray) -> None:
    for cue in sheet.of_kind("tone", "sweep", "pilot"):
        edge = round(0.12 * RATE) if cue.kind == "sweep" else round(0.03 * RATE)
        inside = audio[cue.start_samples + edge : cue.stop_samples - edge, cue.channel]
        assert dbfs(inside) == pytest.approx(-18.0 + (cue.level_db or 0.0), abs=0.03), cue.name


def test_music_reads_its_level_on_the_meter_and_noise_its_own(sheet: CueSheet, audio: np.ndarray) -> None:
    for cue in sheet.of_kind("music"):
        part = audio[cue.start_samples : cue.stop_samples, cue.channel]
        assert meter_level(part, RATE) == pytest.approx(-18.0 + (cue.level_db or 0.0), abs=1e-6)
    (noise,) = sheet.of_kind("noise")
    assert dbfs(audio[noise.start_samples : noise.stop_samples, 0]) == pytest.approx(-33.0, abs=1e-6)


def test_nothing_sounds_between_the_segments(sheet: CueSheet, audio: np.ndarray) -> None:
    quiet = np.ones(audio.shape, dtype=bool)
    for cue in sheet.cues:
        quiet[cue.start_samples : cue.stop_samples, cue.channel] = cue.kind == "silence"
    assert np.all(audio[quiet] == 0.0)
    assert np.mean(quiet[:, 0]) < 0.5


def test_the_whole_stays_below_full_scale(quick: CueSheet) -> None:
    audio = StimulusAudio(quick)
    peaks = [np.abs(audio.read(n, min(n + 20 * RATE, quick.samples))).max() for n in range(0, quick.samples, 20 * RATE)]
    assert 0.25 < max(peaks) < 1.0


def test_blocks_are_the_whole_cut_up(sheet: CueSheet, audio: np.ndarray) -> None:
    reader = StimulusAudio(sheet)
    blocks = [reader.read(n, n + 30_011) for n in range(-30_011, sheet.samples + 30_011, 30_011)]
    joined = np.concatenate(blocks)
    assert np.array_equal(joined[30_011 : 30_011 + sheet.samples], audio)
    assert np.all(joined[:30_011] == 0.0)
    assert np.all(joined[30_011 + sheet.samples :] == 0.0)
    assert (reader.sample_rate, reader.channels, reader.samples) == (RATE, 2, sheet.samples)


def test_a_sheet_read_back_sounds_the_same(sheet: CueSheet, audio: np.ndarray) -> None:
    again = CueSheet.model_validate_json(sheet.model_dump_json())
    assert again == sheet
    assert np.array_equal(all_of(again), audio)


def test_another_seed_changes_music_and_noise_and_nothing_else(sheet: CueSheet, audio: np.ndarray) -> None:
    other = small(seed=1)
    sound = all_of(other)
    for cue in sheet.cues:
        part = slice(cue.start_samples, cue.stop_samples), cue.channel
        assert np.array_equal(audio[part], sound[part]) == (cue.kind not in ("music", "noise")), cue.name


def test_the_same_stimulus_at_96_khz(sheet: CueSheet, audio: np.ndarray) -> None:
    double = small(sample_rate=2 * RATE)
    assert [c.name for c in double.cues] == [c.name for c in sheet.cues]
    fine = StimulusAudio(double)
    for slow, fast in zip(sheet.cues, double.cues, strict=True):
        # A sweep of a whole number of samples may end half a sample of the slower rate later; all after it shifts by that.
        assert fast.start_samples / 2 == pytest.approx(slow.start_samples, abs=2)
        assert fast.length_samples / 2 == pytest.approx(slow.length_samples, abs=1)
        if slow.kind in ("noise", "impulses", "silence", "marker_code", "music"):
            continue
        inside = slice(round(0.12 * RATE), slow.length_samples - round(0.04 * RATE))
        if slow.kind in ("marker_start", "marker_end", "guard"):
            inside = slice(round(0.04 * RATE), round(0.08 * RATE))
        twice = fine.read(fast.start_samples, fast.stop_samples)[::2, fast.channel]
        once = audio[slow.start_samples : slow.stop_samples, slow.channel]
        assert np.abs(twice[inside] - once[inside]).max() < 1e-9, slow.name


def test_impulses_and_bursts_are_made_from_their_parameters(sheet: CueSheet) -> None:
    (train,) = sheet.of_kind("impulses")
    assert np.abs(waveform(train, sheet)).max() == pytest.approx(10 ** (-18 / 20))
    parameters = {"frequency_hz": 1000.0, "on_s": 0.1, "period_s": 0.5, "rest_db": -30.0}
    cue = Cue(name="b", kind="bursts", channel=0, start_samples=0, length_samples=RATE, level_db=-6.0, parameters=parameters)
    wave = waveform(cue, sheet)
    assert dbfs(wave[RATE // 2 + 960 : RATE // 2 + 3840]) == pytest.approx(-24.0, abs=0.05)
    assert dbfs(wave[RATE // 2 + 9600 : RATE // 2 + 19_200]) == pytest.approx(-54.0, abs=0.05)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_own_music_is_cut_into_parts_and_the_end_is_held_out() -> None:
    music = {"one": noise(52.0), "two": noise(12.0, 1)}
    sheet = small(music=music)
    parts = sheet.of_kind("music")
    assert [c.parameters["file"] for c in parts] == ["one"] * 5 + ["two"]
    # Nothing is lost and nothing played twice.
    assert sum(c.length_samples for c in parts[:5]) == music["one"].size
    assert [c.number("offset_samples") for c in parts[:5]] == np.cumsum([0] + [c.length_samples for c in parts[:4]]).tolist()
    assert all(10 * RATE <= c.length_samples <= 30 * RATE for c in parts)
    uses = [c.parameters["use"] for c in parts]
    assert uses[0] == "train"
    assert uses[-1] == "test"
    assert {"train", "validation", "test"} == set(uses)
    audio = StimulusAudio(sheet, music)
    cue = parts[2]
    start = int(cue.number("offset_samples"))
    played = audio.read(cue.start_samples, cue.stop_samples)[:, 0]
    original = music["one"][start : start + cue.length_samples]
    assert np.corrcoef(played, original)[0, 1] == pytest.approx(1.0)
    assert meter_level(played, RATE) == pytest.approx(-18.0, abs=1e-6)


def test_a_short_recording_is_cut_in_three_so_that_some_is_held_out() -> None:
    sheet = small(music={"short": noise(18.0)})
    assert [c.parameters["use"] for c in sheet.of_kind("music")] == ["train", "validation", "test"]


def test_a_long_recording_is_cut_into_parts_of_half_a_minute_at_most() -> None:
    sheet = small(music={"long": noise(200.0)})
    assert max(c.length_samples for c in sheet.of_kind("music")) <= 30 * RATE + 1


def test_own_music_with_high_peaks_is_turned_down_rather_than_clipped() -> None:
    spiky = 0.01 * noise(12.0)
    spiky[5 * RATE] = 1.0
    sheet = small(music={"spiky": spiky})
    (part,) = (c for c in sheet.of_kind("music") if c.start_samples and c.number("offset_samples") == 4 * RATE)
    assert part.level_db is not None
    assert part.level_db < 0.0
    peak = np.abs(waveform(part, sheet, {"spiky": spiky})).max()
    assert 0.85 < peak <= 1.0


def test_silent_parts_of_own_music_are_left_out() -> None:
    music = {"half": np.concatenate((noise(12.0), np.zeros(12 * RATE)))}
    sheet = small(music=music)
    # 24 s make three parts; the last of them is silent.
    assert [c.number("offset_samples") for c in sheet.of_kind("music")] == [0.0, 8.0 * RATE]
    assert np.all(np.isfinite(all_of(sheet, music)))


def test_a_recording_that_is_not_given_is_asked_for() -> None:
    sheet = small(music={"one": noise(11.0)})
    with pytest.raises(
        StimulusError, match="'one part 1' needs the recording 'one', which was not given; pass it with --music"
    ):
        waveform(sheet.of_kind("music")[0], sheet)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sample_rate": 44_100}, "sample rate 44100 Hz is below 48000 Hz; set the interface to 48 kHz or more"),
        ({"tracks": [1, 1]}, r"tracks \[1, 1, 4\]: one or more different ones"),
        ({"tracks": [4]}, r"tracks \[4, 4\]"),
        ({"tracks": []}, r"tracks \[4\]"),
        ({"levels_db": [-10.0, 18.5]}, r"ladder goes to \+18.5 dB, which is \+0.5 dBFS and clips; end it at \+18 dB"),
        ({"levels_db": [0.0], "reference_dbfs": 1.0}, r"ladder goes to \+0 dB, which is \+1.0 dBFS and clips"),
        ({"levels_db": [-10.0], "reference_dbfs": 1.0}, r"goes to \+0 dB, which is \+1.0 dBFS and clips"),
        ({"reference_dbfs": -12.0}, r"music with its peaks goes to \+15 dB, which is \+3.0 dBFS and clips"),
        ({"levels_db": []}, "the ladder has 0 levels, 1 is needed"),
        ({"levels_db": [-10.0, 0.0, -10.0]}, "the ladder has -10 dB twice"),
        ({"music": {"tacet": np.zeros(12 * RATE)}}, "no sound in tacet; give a recording that is not silent"),
    ],
)
def test_what_cannot_be_played_is_refused_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(StimulusError, match=message) as refusal:
        small(**changes)
    assert "\n" not in str(refusal.value)


def test_the_highest_ladder_that_fits_is_accepted() -> None:
    sheet = small(levels_db=[18.0], scope=QUICK)
    tone = next(c for c in sheet.of_kind("tone") if c.level_db == 18.0)
    assert np.abs(waveform(tone, sheet)).max() <= 1.0
