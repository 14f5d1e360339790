"""What is left of an earlier recording, on stretches of hiss into which it was put."""

import numpy as np
import pytest

from analysis.alignment import Alignment
from analysis.dewarp import interpolate
from analysis.erasure import residue
from analysis.locate import FoundTake
from analysis.subjects import erasure
from analysis.take import Take
from analysis.timebase import Timebase
from signals.audio import ArrayAudio
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
REACH_S = 4.0
SECONDS = 4.0


def ladder(seed):
    """Tones of 0.8 s from -10 to +10 dB re 0.1, with pauses, shape (samples,)."""
    random = np.random.default_rng(seed)
    pieces = []
    while sum(p.size for p in pieces) < (2.0 * REACH_S + SECONDS) * RATE:
        time = np.arange(round(0.8 * RATE)) / RATE
        level = 10.0 ** (random.uniform(-10.0, 10.0) / 20.0)
        pieces += [0.1 * level * np.sin(2.0 * np.pi * random.choice([315.0, 1000.0, 2000.0]) * time), np.zeros(RATE // 10)]
    return np.concatenate(pieces)[: round((2.0 * REACH_S + SECONDS) * RATE)]


def stretch(earlier, level_db, offset_s, speed, seed, hiss_rms=3e-4):
    """Hiss, and the earlier recording at another place and speed, with wow."""
    time = np.arange(round(SECONDS * RATE)) / RATE
    wow = 60e-6 * np.sin(2.0 * np.pi * 1.3 * time)
    left = interpolate(earlier, (REACH_S + offset_s + speed * time + wow) * RATE)
    return 10.0 ** (level_db / 20.0) * left + hiss_rms * np.random.default_rng(seed).standard_normal(time.size)


@pytest.mark.parametrize(
    ("level_db", "offset_s", "speed"),
    [
        pytest.param(-55.0, 2.31, 1.0, marks=pytest.mark.slow),
        (-65.0, -1.7, 1.0024),
        pytest.param(-60.0, 0.4, 0.9955, marks=pytest.mark.slow),
    ],
)
def test_a_residue_is_found_below_the_hiss_wherever_it_lies(level_db, offset_s, speed):
    """The hiss of 3e-4 is 47 dB below a tone of 0.1, that of the whole band; the residue lies up to 18 dB below it."""
    earlier = ladder(2)
    found = residue(stretch(earlier, level_db, offset_s, speed, 5), earlier, REACH_S, RATE, [3700.0])
    assert found.heard
    assert found.level_db == pytest.approx(level_db, abs=found.uncertainty_db)
    assert found.uncertainty_db < 3.0
    assert found.offset_s == pytest.approx(offset_s, abs=0.1)


@pytest.mark.parametrize("speed", [pytest.param(1.009, marks=pytest.mark.slow), 0.985])
def test_a_loud_residue_of_another_speed_is_not_taken_for_a_softer_one(speed):
    earlier = ladder(2)
    found = residue(stretch(earlier, -40.0, 0.3, speed, 8), earlier, REACH_S, RATE, [])
    assert found.heard
    assert found.level_db == pytest.approx(-40.0, abs=found.uncertainty_db)


def test_of_a_tape_erased_to_nothing_a_limit_is_told():
    earlier = ladder(2)
    found = residue(stretch(earlier, -140.0, 0.0, 1.0, 6), earlier, REACH_S, RATE, [3700.0])
    assert not found.heard
    # A tone of 0.1 has 2 A^2 T / (4 N0) = 2.7e8 in T = 0.2 s, N0 = 3e-4^2 / 24 kHz; 20 such frames 1.2e9; 28 / 1.2e9 is -76 dB.
    assert found.limit_db == pytest.approx(-76.0, abs=4.0)


def test_a_pilot_in_both_is_no_residue():
    earlier = ladder(3)
    pilot = np.sin(2.0 * np.pi * 3140.0 * np.arange(earlier.size) / RATE)
    later = stretch(earlier, -140.0, 0.0, 1.0, 7) + 2e-4 * pilot[: round(SECONDS * RATE)]
    assert residue(later, earlier + 0.1 * pilot, REACH_S, RATE, []).heard
    assert not residue(later, earlier + 0.1 * pilot, REACH_S, RATE, [3140.0]).heard


def played(stimulus, tracks, scope, left=None):
    """Takes of a stimulus that came back as it was, with hiss and with what is left of an earlier one."""
    sheet = plan(session="erased", stimulus=stimulus, sample_rate=RATE, tracks=tracks, scope=scope)
    returned = StimulusAudio(sheet).read(0, sheet.samples)
    returned += 1e-4 * np.random.default_rng(len(stimulus)).standard_normal(returned.shape)
    if left is not None:
        samples = min(left.shape[0], returned.shape[0])
        returned[:samples] += left[:samples, : returned.shape[1]]
    end_s = sheet.samples / RATE
    base = Timebase.line(0.0, end_s, 0.0, 0.0)
    return [
        Take(
            ArrayAudio(returned, RATE),
            sheet,
            Alignment(c, c, FoundTake(c, 2.0, 1.0, None, end_s), base, "known"),
            {"track": track, "pass": 1, "dbx": "off"},
        )
        for c, track in enumerate(tracks)
    ]


def test_every_track_that_was_recorded_twice_has_its_figure():
    """Fifty decibels down and two seconds later on track 1; track 3 was not recorded before."""
    tones = Scope(3.0, (1000.0,), (0.0, 5.0, 10.0), 0.8, (), 4.0, 1.0, 0.5, ())
    silent = Scope(1.0, (), (0.0,), 0.8, (), 4.0, 4.0, 0.5, ())
    first = played("main", [1], tones)
    left = np.pad(10.0**-2.5 * first[0].returned.read(0, first[0].sheet.samples), ((2 * RATE, 0), (0, 1)))
    (found,) = erasure.measure(first, played("encoded", [1, 3], silent, left))
    assert found.conditions == {"track": 1, "pass": 1}
    assert found.value == pytest.approx(-50.0, abs=found.uncertainty)


def test_a_tape_that_was_not_recorded_over_gets_the_remedy():
    assert "--dbx off,encode" in erasure.missing({"track": 1}).note
