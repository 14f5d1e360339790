from dataclasses import replace

import numpy as np
import pytest

from modeling.doubts import doubts_of
from modeling.dropouts import Found
from modeling.floor import Floor
from modeling.pairs import select

SOUND = Floor(3e-5, 1e-5, 5e-5, 1e-5)


@pytest.fixture(scope="module")
def healthy(dataset):
    """Three quarters of a minute of loud music, tones up to +5 dB, two passes that agree."""
    more = [pair for pair in dataset.pairs if pair.split == "train"] * 2
    return replace(dataset, pairs=[*more, *dataset.pairs], floor=SOUND)


def changed(pairs, split, **how):
    return [replace(pair, **how) if pair.split == split else pair for pair in pairs]


def quieter(pairs, by):
    return [replace(pair, dry=by * pair.dry, wet=by * pair.wet) for pair in pairs]


def clipped(pairs):
    wet = pairs[0].wet.copy()
    wet[20_000:20_003] = 1.0
    return [replace(pairs[0], wet=wet), *pairs[1:]]


def test_a_sound_data_set_raises_none(healthy):
    assert doubts_of(healthy) == []
    worn = replace(healthy, floor=Floor(2e-3, 1e-4, 4e-3, 1e-3))  # passes differ by less than its hiss explains
    assert doubts_of(worn) == []


CASES = {
    "one pass": (lambda d: {"floor": replace(SOUND, replicate=None)}, "one pass alone, 2 are needed"),
    "passes differ": (lambda d: {"floor": replace(SOUND, replicate=0.02)}, "differ by an ESR of 0.02, limit 0.001: oxide"),
    "clipping": (lambda d: {"pairs": clipped(d.pairs)}, "3 returned samples are at digital full scale, limit 0"),
    "little": (lambda d: {"pairs": d.pairs[6:]}, "15 s of material to learn from, less than 30 s"),
    "quiet": (lambda d: {"pairs": quieter(d.pairs, 0.1)}, "less than -3 dB: the tape hardly bends them"),
    "no tones": (lambda d: {"pairs": [p for p in d.pairs if p.split != "tone"]}, "no test tones, of 2 levels or more"),
    "one level": (
        lambda d: {"pairs": changed(d.pairs, "tone", conditions={"frequency_hz": 315.0, "level_db": 5.0})},
        "test tones of one level, +5 dB",
    ),
    "low levels": (
        lambda d: {
            "pairs": [
                replace(p, conditions={"level_db": -5.0 * i}) if p.split == "tone" else p for i, p in enumerate(d.pairs)
            ]
        },
        "no test tone is above 0 VU, the highest is -",
    ),
    "timing": (lambda d: {"floor": replace(SOUND, timing=2e-3, replicate=1e-3)}, "makes an ESR of 0.002, limit 0.0001"),
    "no silence": (lambda d: {"silence": None}, "no silence was recorded"),
    "dropouts": (lambda d: {"dropouts": Found(20, 0.3, 60.0)}, "20 dropouts in 60 s, 20 a minute, limit 10"),
}


@pytest.mark.parametrize("case", CASES)
def test_each_doubt_is_a_line_with_value_limit_and_remedy(healthy, case):
    change, said = CASES[case]
    [doubt] = doubts_of(replace(healthy, **change(healthy)))
    assert said in doubt
    assert ";" in doubt
    assert "\n" not in doubt


def test_two_doubts_are_two_lines(healthy):
    poor = replace(
        healthy, silence=None, pairs=[replace(p, mask=np.zeros_like(p.mask)) for p in select(healthy.pairs, "train")]
    )
    assert len(doubts_of(poor)) == 4
