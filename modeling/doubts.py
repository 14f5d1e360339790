"""What speaks against the material of a model, though it can be learnt from: each doubt a line with value, limit and remedy.

The limits are those of tape. Hiss, modulation noise, wow and a speed that is a per cent off are no faults of a deck; a check that
holds two passes against each other sample by sample, as trainers for guitar amplifiers do, would refuse every cassette.
"""

from collections.abc import Iterator

import numpy as np

from modeling.dataset import Dataset
from modeling.pairs import FULL_SCALE, select
from modeling.provenance import loudest_db
from sessions.results import Condition

MOST_REPLICATE = 1e-3
TIMES_FLOOR = 4.0
"""Two passes may differ by -30 dB, or by so many times what hiss and timing explain."""
LEAST_SECONDS = 30.0
LEAST_LEVEL_DB = -3.0
LEAST_LEVELS = 2
MOST_TIMING = 1e-4
MOST_DROPOUTS = 10.0
"""A minute; makers kept new tape below 7."""


def doubts_of(dataset: Dataset) -> list[str]:
    """All doubts about a data set; none where it is sound."""
    return [*_passes(dataset), *_sound(dataset), *_levels(dataset), *_floors(dataset), *_tape(dataset)]


def _passes(dataset: Dataset) -> Iterator[str]:
    floor = dataset.floor
    if floor.replicate is None:
        yield (
            "one pass alone, 2 are needed to know how closely the deck repeats itself: the floor may lie higher than is said; "
            "capture with --passes 2 or more"
        )
        return
    limit = max(MOST_REPLICATE, TIMES_FLOOR * ((floor.noise or 0.0) + (floor.modulation or 0.0) + floor.timing))
    if floor.replicate > limit:
        yield (
            f"two passes of the tape differ by an ESR of {floor.replicate:.2g}, limit {limit:.2g}: oxide comes off, or the tape "
            "does not lie against the head alike; clean heads and pinch roller, take a better tape, and capture again"
        )


def _sound(dataset: Dataset) -> Iterator[str]:
    full = sum(int(np.count_nonzero(np.abs(pair.wet) >= FULL_SCALE)) for pair in dataset.pairs)
    if full:
        yield (
            f"{full} returned samples are at digital full scale, limit 0: they do not count as target, but what is near them may "
            "be bent by the interface; lower its input level and record again"
        )
    seconds = sum(pair.seconds for pair in select(dataset.taught, "train"))
    if seconds < LEAST_SECONDS:
        yield (
            f"{seconds:.0f} s of material to learn from, less than {LEAST_SECONDS:g} s: the model will know few sounds; "
            "record more music, a minute or more"
        )
    loudest = loudest_db(dataset.pairs, dataset.reference_dbfs)
    if loudest < LEAST_LEVEL_DB:
        yield (
            f"the loudest passages read {loudest:+.0f} dB re 0 VU, less than {LEAST_LEVEL_DB:+g} dB: the tape hardly bends them, "
            "and what is louder is a guess; record louder music"
        )


def _levels(dataset: Dataset) -> Iterator[str]:
    taken = [pair.conditions for split in ("ladder", "tone") for pair in select(dataset.pairs, split)]
    by_tone: dict[Condition | None, set[float]] = {}
    for tone in taken:
        if "level_db" in tone and tone.get("kind") != "sweep":
            by_tone.setdefault(tone.get("frequency_hz"), set()).add(float(tone["level_db"]))
    levels = max(map(sorted, by_tone.values()), key=len, default=[])
    remedy = "capture a stimulus with a ladder of levels, --levels -20:10:5"
    if not levels:
        yield f"no test tones, of {LEAST_LEVELS} levels or more: harmonics at single levels are a guess; {remedy}"
        return
    if len(levels) < LEAST_LEVELS:
        yield (
            f"test tones of one level, {levels[0]:+g} dB, {LEAST_LEVELS} or more are needed: harmonics at other levels are a "
            f"guess; {remedy}"
        )
    if levels[-1] <= 0.0:
        yield f"no test tone is above 0 VU, the highest is {levels[-1]:+g} dB: harmonics of what is louder are a guess; {remedy}"


def _floors(dataset: Dataset) -> Iterator[str]:
    floor = dataset.floor
    others = (floor.noise or 0.0) + (floor.modulation or 0.0)
    if floor.timing > max(MOST_TIMING, others):
        yield (
            f"doubt about the motion of the tape alone makes an ESR of {floor.timing:.2g}, limit {max(MOST_TIMING, others):.2g}: "
            "no model can come below it; capture with a pilot on a track of its own, --pilot-track 4"
        )
    if dataset.silence is None and dataset.behind is None:
        yield (
            "no silence was recorded, a second or more is needed: the model has no hiss, and the floor lacks it; "
            "capture a stimulus of 'tape stimulus', which holds one"
        )


def _tape(dataset: Dataset) -> Iterator[str]:
    found = dataset.dropouts
    if found.per_minute > MOST_DROPOUTS:
        yield (
            f"{found.count} dropouts in {found.listened_s:.0f} s, {found.per_minute:.0f} a minute, limit {MOST_DROPOUTS:g}: they "
            "do not count as target; clean the heads, or take a better tape"
        )
