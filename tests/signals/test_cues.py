import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from signals.cues import Channel, Cue, CueSheet

SAMPLES = 1_000_000
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
KINDS = st.sampled_from(["marker_start", "tone", "sweep", "impulses", "bursts", "noise", "silence", "music", "pilot"])
NUMBERS = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
PARAMETERS = st.dictionaries(NAMES, NUMBERS | NAMES, max_size=5)


@st.composite
def sheets(draw: st.DrawFn) -> CueSheet:
    channels = tuple(
        Channel(role=draw(st.sampled_from(["programme", "pilot"])), track=draw(st.integers(1, 8)))
        for _ in range(draw(st.integers(1, 4)))
    )
    cues = []
    for index in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, SAMPLES - 1))
        cues.append(
            Cue(
                name=f"{index} {draw(NAMES)}",
                kind=draw(KINDS),
                channel=draw(st.integers(0, len(channels) - 1)),
                start_samples=start,
                length_samples=draw(st.integers(1, SAMPLES - start)),
                level_db=draw(st.none() | st.floats(-120, 30)),
                parameters=draw(PARAMETERS),
                seed=draw(st.none() | st.integers(0, 2**63)),
            )
        )
    return CueSheet(
        stimulus=draw(NAMES),
        session=draw(NAMES),
        code=draw(st.integers(0, 2**32)),
        sample_rate=draw(st.integers(44_100, 192_000)),
        samples=SAMPLES,
        reference_dbfs=draw(st.floats(-40, 0)),
        channels=channels,
        cues=tuple(cues),
    )


def cue(**changes: object) -> dict[str, object]:
    return {"name": "a tone", "kind": "tone", "channel": 0, "start_samples": 0, "length_samples": 10} | changes


def sheet(*cues: dict[str, object], samples: int = 100) -> dict[str, object]:
    return {
        "stimulus": "main",
        "session": "s",
        "code": 1,
        "sample_rate": 48_000,
        "samples": samples,
        "reference_dbfs": -18.0,
        "channels": [{"role": "programme", "track": 1}],
        "cues": list(cues),
    }


@given(sheets())
def test_a_sheet_survives_json(sheet: CueSheet) -> None:
    again = CueSheet.model_validate_json(sheet.model_dump_json())
    assert again == sheet
    # Equality in Python does not see 1 become 1.0, but a generator may need the integer.
    for before, after in zip(sheet.cues, again.cues, strict=True):
        assert {k: type(v) for k, v in before.parameters.items()} == {k: type(v) for k, v in after.parameters.items()}


@given(sheets())
def test_plain_json_readers_see_the_same_numbers(sheet: CueSheet) -> None:
    plain = json.loads(sheet.model_dump_json())
    assert [c["start_samples"] for c in plain["cues"]] == [c.start_samples for c in sheet.cues]
    assert [c["level_db"] for c in plain["cues"]] == [c.level_db for c in sheet.cues]


@given(sheets(), st.integers(1, 1000))
def test_a_segment_past_the_end_is_refused(sheet: CueSheet, beyond: int) -> None:
    late = cue(start_samples=SAMPLES - 10, length_samples=10 + beyond)
    with pytest.raises(ValidationError, match=f"ends at sample {SAMPLES + beyond}; the stimulus has {SAMPLES}"):
        CueSheet.model_validate(sheet.model_dump() | {"cues": [late]})


@given(sheets(), st.integers(0, 5))
def test_a_segment_on_a_channel_that_is_not_there_is_refused(sheet: CueSheet, beyond: int) -> None:
    there = len(sheet.channels)
    with pytest.raises(ValidationError, match=f"channel {there + beyond}; there are {there}"):
        CueSheet.model_validate(sheet.model_dump() | {"cues": [cue(channel=there + beyond)]})


@given(start=st.integers(0, 90), length=st.integers(1, 100))
def test_exactly_the_segments_inside_the_stimulus_are_accepted(start: int, length: int) -> None:
    planned = sheet(cue(start_samples=start, length_samples=length))
    if start + length <= 100:
        assert CueSheet.model_validate(planned).cues[0].stop_samples == start + length
    else:
        with pytest.raises(ValidationError, match="the stimulus has 100"):
            CueSheet.model_validate(planned)


@pytest.mark.parametrize(
    "wrong",
    [{"start_samples": -1}, {"length_samples": 0}, {"channel": -1}, {"kind": "polka"}, {"unheard_of": 1}],
)
def test_impossible_segments_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        CueSheet.model_validate(sheet(cue(**wrong)))


@given(sheets())
def test_segments_of_a_kind_come_in_time_order(sheet: CueSheet) -> None:
    tones = sheet.of_kind("tone", "sweep")
    assert sorted(tones, key=lambda c: c.start_samples) == list(tones)
    assert sum(len(sheet.of_kind(kind)) for kind in {c.kind for c in sheet.cues}) == len(sheet.cues)
    on_first = sheet.of_kind("tone", channel=0)
    assert all(c.channel == 0 for c in on_first)
    assert len(on_first) == sum(c.kind == "tone" and c.channel == 0 for c in sheet.cues)


@pytest.mark.parametrize(("level_db", "amplitude"), [(0.0, 0.125893), (18.0, 1.0), (-20.0, 0.0125893), (11.9794, 0.5)])
def test_amplitude_is_that_of_a_sine_re_full_scale(level_db: float, amplitude: float) -> None:
    # Reference -18 dBFS: 10^(-18/20) = 0.125893.
    assert CueSheet.model_validate(sheet()).amplitude(level_db) == pytest.approx(amplitude, rel=1e-4)
