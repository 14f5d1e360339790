"""The stimulus for companded takes: what it holds, where a detector can follow it, what fits under full scale."""

from itertools import combinations, pairwise

import numpy as np
import pytest

from signals.companded import plan_companded
from signals.cues import CueSheet
from signals.errors import StimulusError
from signals.stimulus import QUICK, StimulusAudio, plan

RATE = 48_000
RELEASE_DB_S = 125.0  # log-RMS detector of 34.7 ms: 4.343 / tau


def companded(**changes: object) -> CueSheet:
    settings = {"session": "s", "stimulus": "encoded", "sample_rate": RATE, "tracks": [1], "pilot_track": 4}
    return plan_companded(**settings | changes)


@pytest.fixture(scope="module")
def sheet() -> CueSheet:
    return companded()


def test_it_holds_no_sweep_and_what_takes_its_place(sheet: CueSheet) -> None:
    kinds = [cue.kind for cue in sheet.cues]
    assert "sweep" not in kinds
    assert "impulses" not in kinds
    assert {"bursts", "two_tone", "multitone", "silence", "noise"} <= set(kinds)
    assert sheet.samples <= 180 * RATE
    steps = [c for c in sheet.of_kind("tone") if c.parameters["purpose"] == "ladder"]
    assert [c.level_db for c in steps] == list(range(-60, 11, 5))
    assert {c.number("frequency_hz") for c in steps} == {1000.0}
    spots = [c for c in sheet.of_kind("tone") if c.parameters["purpose"] == "spot"]
    for frequency_hz in (100.0, 400.0, 3150.0, 10_000.0):
        assert [c.level_db for c in spots if c.number("frequency_hz") == frequency_hz] == list(range(-60, 6, 5))
    assert all(c.length_samples >= 0.5 * RATE for c in [*steps, *spots])  # ten times 35 ms, and as long again to read
    probes = sheet.of_kind("two_tone")
    assert {(c.number("first_hz"), c.number("second_db")) for c in probes} == {(1000.0, -25.0)}
    assert not {c.number("second_hz") / 1000.0 for c in probes} & {3.0, 5.0, 7.0}
    assert len(probes) == 12
    assert {c.parameters["use"] for c in sheet.of_kind("music")} == {"train", "validation", "test"}
    assert len(sheet.of_kind("multitone")) > 2


def test_markers_guards_and_pilot_stand_as_in_the_uncompanded_one(sheet: CueSheet) -> None:
    main = plan(session="s", sample_rate=RATE, tracks=[1], pilot_track=4, scope=QUICK)
    for kind in ("marker_start", "marker_code"):
        one, two = sheet.of_kind(kind)[0], main.of_kind(kind)[0]
        assert (one.start_samples, one.length_samples, one.level_db) == (two.start_samples, two.length_samples, two.level_db)
    (pilot,) = sheet.of_kind("pilot")
    assert pilot.stop_samples > sheet.of_kind("marker_end")[0].stop_samples
    own = sorted((c for c in sheet.cues if c.channel == 0), key=lambda c: c.start_samples)
    assert len({c.name for c in own}) == len(own)
    assert all(one.stop_samples <= two.start_samples for one, two in pairwise(own))


def test_codes_of_the_three_stimuli_differ_in_more_bits_than_are_forgiven() -> None:
    codes = [companded(stimulus=name).code for name in ("encoded", "plain")]
    codes.append(plan(session="s", sample_rate=RATE, tracks=[1], scope=QUICK).code)
    assert all((one ^ two).bit_count() > 2 for one, two in combinations(codes, 2))


def test_a_detector_has_come_down_before_every_quiet_segment(sheet: CueSheet) -> None:
    loudest_end: list[tuple[float, float]] = []
    for cue in sorted((c for c in sheet.cues if c.channel == 0 and c.level_db is not None), key=lambda c: c.start_samples):
        settled = cue.stop_samples if cue.kind in {"tone", "multitone"} else None
        if settled is not None:
            middle_s = (cue.start_samples + cue.stop_samples) / 2.0 / RATE
            for level_db, end_s in loudest_end:
                assert level_db - RELEASE_DB_S * (middle_s - end_s) < cue.level_db - 10.0 or level_db <= cue.level_db
        loudest_end.append((cue.level_db, cue.stop_samples / RATE))


@pytest.mark.parametrize("reference_dbfs", [*(pytest.param(level, marks=pytest.mark.slow) for level in (-18.0, -6.0)), 0.0])
def test_nothing_clips_whatever_the_reference(reference_dbfs: float) -> None:
    sheet = companded(reference_dbfs=reference_dbfs)
    assert np.max(np.abs(StimulusAudio(sheet).read(0, sheet.samples))) <= 1.0
    steps = [c.level_db for c in sheet.of_kind("tone") if c.parameters["purpose"] == "ladder"]
    assert steps == [level for level in range(-60, 11, 5) if level <= -reference_dbfs]
    assert sheet.of_kind("multitone")


def test_bursts_step_between_their_levels(sheet: CueSheet) -> None:
    wave = StimulusAudio(sheet)
    for cue in sheet.of_kind("bursts"):
        part = wave.read(cue.start_samples, cue.stop_samples)[:, 0]
        high, low = (np.max(np.abs(part[round(a * RATE) : round(b * RATE)])) for a, b in ((0.1, 0.35), (0.45, 1.15)))
        assert 20.0 * np.log10(high) == pytest.approx(cue.level_db - 18.0, abs=0.01)
        assert 20.0 * np.log10(low / high) == pytest.approx(cue.number("rest_db"), abs=0.01)


def test_rates_and_tracks_are_refused_as_everywhere() -> None:
    with pytest.raises(StimulusError, match="below 48000 Hz"):
        companded(sample_rate=44_100)
    with pytest.raises(StimulusError, match=r"tracks \[1, 1\]"):
        companded(pilot_track=1)
