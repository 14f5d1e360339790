"""The tracks of a take beside one another, on a recording made for the purpose: what was put in is what is found."""

import numpy as np
import pytest

from analysis.alignment import Alignment
from analysis.dewarp import interpolate
from analysis.locate import FoundTake
from analysis.subjects import tracks
from analysis.take import Take
from analysis.timebase import Timebase
from sessions.results import Result
from signals.audio import ArrayAudio
from signals.stimulus import Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(
    wow_flutter_s=1.0,
    ladder_hz=(),
    levels_db=(0.0,),
    step_s=0.8,
    sweep_levels_db=(),
    sweep_s=4.0,
    silence_s=2.5,
    impulses_s=0.5,
    pieces=(),
    crosstalk_s=3.0,
)
SPEED = 1.003
LEAK_DB = {(0, 1): -40.0, (1, 0): -50.0, (1, 2): -45.0, (2, 1): -35.0}  # from, to; channel 2 is the pilot's
GAIN_DB = (0.0, -1.5, 0.5)
LATE_S = (0.0, 12e-6, 0.0)
NAMES = ("crosstalk", "azimuth_delay", "channel_balance")


class Made:
    """A stimulus for tracks 2 and 3 with a pilot on 4, recorded by a machine of which everything is known."""

    def __init__(self) -> None:
        self.sheet = plan(session="made", sample_rate=RATE, tracks=[2, 3], pilot_track=4, scope=SCOPE)
        sent = StimulusAudio(self.sheet).read(0, self.sheet.samples)
        time = np.arange(round(self.sheet.samples / SPEED)) / RATE
        flutter = 20e-6 * np.sin(2.0 * np.pi * 7.0 * time)  # unknown to the time base
        own = np.stack([interpolate(sent[:, c], (SPEED * (time - LATE_S[c]) + flutter) * RATE) for c in range(3)], axis=1)
        heard = own.copy()
        for (source, to), level_db in LEAK_DB.items():
            heard[:, to] += 10.0 ** (level_db / 20.0) * own[:, source]
        noise = 1e-5 * np.random.default_rng(1).standard_normal(heard.shape)
        self.returned = heard * 10.0 ** (np.array(GAIN_DB) / 20.0) + noise

    def measure(self, returned=None, inputs=None):
        audio = ArrayAudio(self.returned if returned is None else returned, RATE)
        inputs = {0: 0, 1: 1, 2: 2} if inputs is None else inputs
        end_s = self.sheet.samples / RATE
        base = Timebase.line(0.0, end_s, 0.0, end_s / SPEED - end_s)
        takes = []
        for channel in (0, 1):
            if channel in inputs:
                found = FoundTake(inputs[channel], 2.0, SPEED, None, end_s)
                conditions = {"track": channel + 2, "pass": 1}
                takes.append(Take(audio, self.sheet, Alignment(channel, inputs[channel], found, base, "known"), conditions))
        alone = [
            Result(quantity="latency", value=1.0, unit="s", conditions={"track": track}, method="test") for track in (2, 3)
        ]
        return tracks.measure(takes, inputs, (alone, []))


@pytest.fixture(scope="module")
def made() -> Made:
    return Made()


def of(results, quantity):
    return [r for r in results if r.quantity == quantity]


def test_every_pair_has_its_crosstalk(made):
    results, curves = made.measure()
    found = of(results, "crosstalk")
    assert len(found) == 2 * 2 * 7 + 2
    for figure in found:
        source, to = (figure.conditions[end] - 2 for end in ("from", "to"))
        if (source, to) in LEAK_DB:
            expected = LEAK_DB[source, to] + GAIN_DB[to] - GAIN_DB[source]
            assert figure.valid
            assert figure.value == pytest.approx(expected, abs=figure.uncertainty)
        else:
            assert not figure.valid
            assert "below" in figure.note
    pilot = [r for r in found if r.conditions["from"] == 4]
    assert {(r.conditions["to"], r.conditions["frequency_hz"]) for r in pilot} == {(2, 3700.0), (3, 3700.0)}
    assert all("track" not in r.conditions and r.conditions["pass"] == 1 for r in found)
    assert {(c.conditions["from"], c.conditions["to"]) for c in of(curves, "crosstalk")} == {(2, 3), (3, 2), (3, 4)}


def test_crosstalk_is_no_azimuth(made):
    """Of -40 and -50 dB in phase, what each hears of the other would pull them together by 0.12 and 0.04 us."""
    results, curves = made.measure()
    (delay,) = of(results, "azimuth_delay")
    assert delay.conditions == {"pass": 1, "track": 2, "track_to": 3}
    assert delay.value == pytest.approx(12e-6, abs=0.03e-6)
    assert "the head's azimuth cancels" in delay.note
    (course,) = of(curves, "azimuth_delay")
    assert np.median(course.y.array) == pytest.approx(12e-6, abs=0.05e-6)
    assert course.x.name == "time"


def test_balance_is_that_of_the_reference_tone(made):
    (balance,) = of(made.measure()[0], "channel_balance")
    leaks = 20.0 * np.log10((1.0 + 10.0 ** (-40.0 / 20.0)) / (1.0 + 10.0 ** (-50.0 / 20.0)))
    assert balance.value == pytest.approx(-1.5 + leaks, abs=balance.uncertainty)
    assert balance.conditions["track_to"] == 3


def test_exchanged_cables_are_told_and_nothing_of_them_is_believed(made):
    results, _ = made.measure(made.returned[:, [1, 0, 2]])
    for quantity in NAMES:
        for figure in of(results, quantity):
            assert not figure.valid
            assert "tracks 2 and 3 are exchanged" in figure.note
    assert all("exchanged" in r.note for r in of(results, "latency"))


def test_an_inverted_track_is_told(made):
    (delay,) = of(made.measure(made.returned * [1.0, -1.0, 1.0])[0], "azimuth_delay")
    assert delay.value == pytest.approx(12e-6, abs=0.1e-6)
    assert "track 3 is inverted against track 2" in delay.note


def test_one_input_tells_nothing_of_other_tracks(made):
    results, curves = made.measure(inputs={0: 0})
    assert {r.quantity for r in results} == {"latency"}
    assert not curves


def test_a_clipped_source_gives_no_crosstalk(made):
    clipped = made.returned.copy()
    clipped[:, 0] = np.clip(30.0 * clipped[:, 0], -1.0, 1.0)
    for figure in of(made.measure(clipped)[0], "crosstalk"):
        if figure.conditions["from"] == 2:
            assert not figure.valid
            assert "clipped" in figure.note
