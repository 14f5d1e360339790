from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from analysis.timebase import Timebase
from modeling.material import check, pairs_of, spans_of_length, spans_of_sheet, split_in_words
from modeling.pairs import BEFORE_S, Pair, Span, centred, cut, select
from signals.audio import ArrayAudio
from signals.errors import ModelError
from signals.stimulus import QUICK, STANDARD, StimulusAudio, plan

RATE = 48000


def sine(time_s, frequency_hz=1000.0):
    return 0.1 * np.sin(2 * np.pi * frequency_hz * time_s)


@pytest.fixture
def wavering():
    """A deck that starts 0.4 s late, runs 0.3 % slow and wows 0.2 ms at 2 Hz, and the tone it returns, in closed form."""
    grid = np.arange(0.0, 12.0, 1e-3)
    base = Timebase(0.0, 1e-3, 0.4 + 0.003 * grid + 2e-4 * np.sin(2 * np.pi * 2 * grid), np.full(grid.size, 3e-7))
    sent = sine(np.arange(12 * RATE) / RATE)
    returned = sine(base.input_time(np.arange(12 * RATE) / RATE))
    return base, ArrayAudio(sent[:, None], RATE), ArrayAudio(np.stack([0 * returned, 0.7 * returned + 0.01], axis=1), RATE)


def test_dry_is_warped_onto_the_tape_and_wet_is_left_alone(wavering):
    base, sent, returned = wavering
    pair = cut(sent, 0, returned, 1, base, Span(2 * RATE, 10 * RATE, "train", "tone"))
    error = (pair.wet - 0.7 * pair.dry)[pair.mask]
    assert np.max(np.abs(error)) < 2e-6
    first = round(float(base.output_time(2.0 - BEFORE_S)) * RATE)
    recorded = returned.read(first, first + pair.samples)[:, 1]
    assert np.max(np.abs(np.diff(pair.wet - recorded))) < 1e-7  # DC is off, nothing else is changed
    assert pair.wet.mean() == pytest.approx(0.0, abs=1e-6)


def test_the_mask_holds_the_segment_and_not_its_context(wavering):
    base, sent, returned = wavering
    pair = cut(sent, 0, returned, 1, base, Span(2 * RATE, 10 * RATE, "train", "tone"))
    assert pair.seconds == pytest.approx(8.0 * 1.003, abs=1e-3)  # in the time of the tape, which runs slow
    assert not pair.mask[: RATE // 5].any()
    assert not pair.mask[-RATE // 25 :].any()
    assert pair.conditions["timing_sd_s"] == pytest.approx(3e-7)


def test_where_the_time_base_is_unsure_samples_do_not_count(wavering):
    base, sent, returned = wavering
    sd = base.sd_s.copy()
    sd[4000:5000] = 5e-5
    pair = cut(sent, 0, returned, 1, replace(base, sd_s=sd), Span(2 * RATE, 10 * RATE, "train", "tone"))
    assert pair.seconds == pytest.approx(7.0 * 1.003, abs=0.01)


def test_doubt_about_the_time_counts_by_the_slope_of_the_sound(wavering):
    """The first 45 % of the span sound 20 dB lower; they or the rest are sure to 1 us, the other part to 9 us."""
    base, sent, returned = wavering
    quiet = np.where(np.arange(12 * RATE) < 6 * RATE, 0.1, 1.0)[:, None]
    sent, returned = (ArrayAudio(a.read(0, a.samples) * quiet, RATE) for a in (sent, returned))
    loud = base.output_time(base.input_times_s) > 6.0
    low = 0.01 * 3.59 / 4.41  # 6 s of the tape's time are 5.59 s of what was sent
    for sd_s, expected_s in (
        (np.where(loud, 1e-6, 9e-6), np.sqrt((1.0 + low * 81.0) / (1.0 + low)) * 1e-6),
        (np.where(loud, 9e-6, 1e-6), np.sqrt((81.0 + low) / (1.0 + low)) * 1e-6),
    ):
        pair = cut(sent, 0, returned, 1, replace(base, sd_s=sd_s), Span(2 * RATE, 10 * RATE, "train", "tone"))
        assert pair.conditions["timing_sd_s"] == pytest.approx(expected_s, rel=0.02)


def test_silence_and_clipping_do_not_count():
    line = Timebase.line(0.0, 4.0, 0.0, 0.0)
    dry = sine(np.arange(4 * RATE) / RATE)
    dry[RATE : 2 * RATE] = 0.0
    wet = dry.copy()
    wet[3 * RATE : 3 * RATE + 480] = 1.0
    span = Span(RATE // 2, 4 * RATE - RATE // 2, "train", "")
    pair = cut(ArrayAudio(dry[:, None], RATE), 0, ArrayAudio(wet[:, None], RATE), 0, line, span)
    assert pair.seconds == pytest.approx(3.0 - 0.9 - 0.01, abs=0.1)


def test_a_constant_delay_beyond_the_look_ahead_is_taken_out():
    rng = np.random.default_rng(0)
    dry = np.pad(rng.standard_normal(60000), 15000).astype(np.float32)
    mask = np.ones(dry.size, dtype=bool)
    for delay, left in ((-700, 0), (100, 100), (900, 0)):
        pair = Pair(dry, np.roll(dry, delay), mask, RATE, "train")
        assert np.array_equal(centred([pair])[0].dry, np.roll(dry, delay - left))
    with pytest.raises(ModelError, match="belong together"):
        centred([Pair(dry, np.roll(dry, 5000), mask, RATE, "train")])


def test_rates_must_agree(wavering):
    base, sent, returned = wavering
    with pytest.raises(ModelError, match="44100 and 48000 Hz"):
        cut(replace(sent, sample_rate=44100), 0, returned, 1, base, Span(0, RATE, "train", ""))


def test_a_stimulus_is_split_by_piece():
    sheet = plan(session="s", sample_rate=RATE, tracks=[1], scope=QUICK)
    spans = spans_of_sheet(sheet, 0)
    music = {cue.name: cue.parameters["use"] for cue in sheet.of_kind("music")}
    assert {span.name: span.split for span in spans if span.name in music} == music
    assert set(music.values()) == {"train", "validation", "test"}
    assert all("frequency_hz" in span.conditions for span in spans if span.split == "tone")


@pytest.mark.parametrize(
    ("levels_db", "taught", "compared"),
    [
        ((-10.0, -5.0, 0.0, 5.0, 10.0), {-5.0, 5.0, 10.0}, {-10.0, 0.0}),
        ((-5.0, 0.0), {-5.0}, {0.0}),
        ((0.0,), set(), {0.0}),
    ],
)
def test_every_second_level_and_the_highest_teach(levels_db, taught, compared):
    sheet = plan(session="s", sample_rate=RATE, tracks=[1], levels_db=levels_db, scope=QUICK)
    ladder = [s for s in spans_of_sheet(sheet, 0) if s.conditions.get("frequency_hz") == 315.0]
    assert {s.conditions["level_db"] for s in ladder if s.split == "ladder"} == taught
    assert {s.conditions["level_db"] for s in ladder if s.split == "tone"} == compared


@pytest.fixture(scope="module")
def swept():
    """A stimulus, its sound, and the stretches of a sweep in it."""
    sheet = plan(session="s", sample_rate=RATE, tracks=[1], scope=QUICK)
    return sheet, StimulusAudio(sheet), [s for s in spans_of_sheet(sheet, 0) if s.conditions["kind"] == "sweep"]


def test_all_sweeps_but_the_softest_teach():
    spans = spans_of_sheet(plan(session="s", sample_rate=RATE, tracks=[1], scope=STANDARD), 0)
    swept = [span for span in spans if span.conditions["kind"] == "sweep"]
    assert {(span.split, span.conditions["level_db"]) for span in swept} == {("ladder", -10.0), ("ladder", 0.0)}


def test_a_sweep_teaches_in_third_octaves(swept):
    """What is sent in each is counted by its zero crossings."""
    _, sent, stretches = swept
    assert {(s.split, s.conditions["level_db"]) for s in stretches} == {("ladder", 0.0)}
    middles = np.array([s.conditions["frequency_hz"] for s in stretches])
    assert middles[:-1] / middles[1:] == pytest.approx(2.0 ** (-1.0 / 6.0))
    assert 300.0 < middles[0] < 340.0
    assert 17000.0 < middles[-1] < 20000.0
    for span, middle in zip(stretches, middles, strict=True):
        wave = sent.read(span.start_samples, span.stop_samples)[:, 0]
        turns = np.count_nonzero(np.diff(np.signbit(wave))) / 2.0
        # f grows by L: (f2 - f1) L cycles between f1 and f2, so many in L ln(f2 / f1).
        mean_hz = middle * (2.0 ** (1.0 / 6.0) - 2.0 ** (-1.0 / 6.0)) / (np.log(2.0) / 3.0)
        assert turns == pytest.approx(mean_hz * wave.size / RATE, abs=1.0)


def test_a_sweep_whose_time_is_not_known_teaches_nothing(swept):
    """A doubt of 3 us is 0.2 rad at 10.6 kHz."""
    sheet, sent, stretches = swept
    music = [s for s in spans_of_sheet(sheet, 0) if s.conditions["kind"] == "music"]
    line = Timebase.line(0.0, sent.samples / RATE, 0.0, 0.0)
    unsure = replace(line, sd_s=np.full_like(line.sd_s, 3e-6))
    pairs = pairs_of(sent, 0, sent, 0, lambda span: unsure, [*music, *stretches])
    taught = [s.conditions["frequency_hz"] for s in stretches if s.conditions["frequency_hz"] < 0.2 / (2.0 * np.pi * 3e-6)]
    assert 20 < len(taught) < len(stretches)
    assert [p.conditions["frequency_hz"] for p in select(pairs, "ladder")] == taught


@pytest.mark.parametrize("recordings", [0, 1, 3, 7])
@pytest.mark.parametrize("scope", [QUICK, STANDARD], ids=["quick", "standard"])
def test_no_piece_is_in_two_parts_of_the_material(scope, recordings):
    rng = np.random.default_rng(0)
    music = {f"recording {i}": 0.1 * rng.standard_normal((7 + 5 * i) * RATE) for i in range(recordings)} or None
    sheet = plan(session="s", sample_rate=RATE, tracks=[1, 2], scope=scope, music=music)
    for channel in (0, 1):
        uses = {}
        for cue in sheet.of_kind("music", channel=channel):
            piece = cue.parameters.get("file", (cue.parameters.get("style"), cue.seed))
            uses.setdefault(piece, set()).add(next(s.split for s in spans_of_sheet(sheet, channel) if s.name == cue.name))
        assert set().union(*uses.values()) == {"train", "validation", "test"}
        whole = all(len(use) == 1 for use in uses.values())
        assert whole == (recordings != 1)
        assert split_in_words(sheet, channel).startswith("by piece of music" if whole else "by parts of a recording")


def test_a_part_of_a_pair_keeps_its_bridges_inside():
    ramp = np.arange(1000, dtype=np.float32)
    mask = np.ones(1000, dtype=bool)
    mask[200:300] = mask[600:650] = False
    bridges = ((200, -ramp[200:300]), (600, -ramp[600:650]))
    part = Pair(ramp, ramp, mask, RATE, "train", bridges=bridges).part(150, 640, 100, 20)
    wet, counted = part.bridged()
    # Samples 250 to 620 count, those in dropouts by their bridges.
    assert np.flatnonzero(counted)[[0, -1]].tolist() == [100, 469]
    assert counted[100:470].all()
    assert np.flatnonzero(part.mask)[[0, -1]].tolist() == [150, 449]
    assert wet[100:150].tolist() == (-ramp[250:300]).tolist()
    assert wet[450:470].tolist() == (-ramp[600:620]).tolist()
    assert wet[150:450].tolist() == ramp[300:600].tolist()
    assert part.wet.tolist() == ramp[150:640].tolist()


def test_material_without_cues_is_split_into_blocks_with_gaps():
    spans = spans_of_length(150 * RATE, RATE)
    assert [span.split for span in spans] == ["train", "validation", "test"] * 2
    edges = [(span.start_samples, span.stop_samples) for span in spans]
    assert all(later[0] - earlier[1] >= 0.19 * RATE for earlier, later in pairwise(edges))
    seconds = sum(stop - start for (start, stop), span in zip(edges, spans, strict=True) if span.split == "train") / RATE
    assert seconds == pytest.approx(0.7 * 150, abs=1.5)


def material(train_s=12.0, level=0.1, split_s=4.0):
    pairs = []
    rng = np.random.default_rng(1)
    for split, seconds in (("train", train_s), ("validation", split_s), ("test", split_s)):
        dry = (level * rng.standard_normal(int(seconds * RATE))).astype(np.float32)
        pairs.append(Pair(dry, dry, np.ones(dry.size, dtype=bool), RATE, split))
    return pairs


def test_good_material_passes():
    check(material())


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (material()[1:], "no material"),
        (material(train_s=1.0), r"1\.0 s .* training, limit 2"),
        (material(split_s=0.2), r"0\.2 s .* validation, limit 0\.3"),
        (material(level=1e-5), "sent sound is silent: -9"),
        ([replace(p, wet=np.zeros_like(p.wet)) for p in material()], "returned sound is silent"),
        ([replace(p, wet=np.clip(20 * p.wet, -1, 1)) for p in material()], "full scale, limit 0.1 %; lower the input"),
    ],
)
def test_bad_material_is_refused_with_value_limit_and_remedy(pairs, said):
    with pytest.raises(ModelError, match=said) as refused:
        check(pairs)
    assert "\n" not in str(refused.value)
    assert ";" in str(refused.value)


def test_select_keeps_the_order():
    pairs = material()
    assert [p.split for p in select([*pairs, *pairs], "test")] == ["test", "test"]


def test_pairs_of_a_take_are_cut_checked_and_centred(wavering):
    base, sent, returned = wavering
    spans = [Span(RATE, 2 * RATE, "train", "a")]
    with pytest.raises(ModelError, match="training, limit"):
        pairs_of(sent, 0, returned, 1, lambda span: base, spans)
