"""Takes that are not whole or not clean: what can be had is right, what cannot is told, nothing crashes."""

from dataclasses import dataclass

import numpy as np
import pytest

from analysis.alignment import Alignment, align_take, join_take
from analysis.dewarp import interpolate
from signals.audio import ArrayAudio
from signals.cues import CueSheet
from signals.errors import SignalError
from signals.stimulus import Piece, Scope, StimulusAudio, plan

RATE = 48_000
SCOPE = Scope(4.0, (315.0,), (-10.0, 0.0), 0.5, (-20.0,), 3.0, 1.0, 0.5, (Piece("band", 6.0, 0.0, "train"),))
OFFSET_S = 0.7


@dataclass(frozen=True)
class Tape:
    """What was sent, and what came back at a speed, with flutter and hiss, on inputs 1, 2 (programme) and 3 (pilot)."""

    sheet: CueSheet
    sent: np.ndarray
    returned: np.ndarray
    position_s: np.ndarray  # input time of every returned sample

    def delay(self, input_time_s: np.ndarray) -> np.ndarray:
        return np.interp(input_time_s, self.position_s, np.arange(self.position_s.size) / RATE) - input_time_s

    def join(self, returned: np.ndarray | None = None, pilot: bool = True):
        heard = self.returned if returned is None else returned
        inputs = {0: 0, 1: 1, 2: 2} if pilot else {0: 0, 1: 1}
        return join_take(ArrayAudio(self.sent, RATE), ArrayAudio(heard, RATE), self.sheet, inputs)

    def error(self, found: Alignment, spans_s: list[tuple[float, float]]) -> np.ndarray:
        time = np.concatenate([np.arange(low, high, 0.01) for low, high in spans_s])
        return found.base.delay(time) - self.delay(time)

    def surely(self, found: Alignment, spans_s: list[tuple[float, float]]) -> float:
        """RMS error where the trajectory is claimed to be known, at least half of the time, less its constant."""
        time = np.concatenate([np.arange(low, high, 0.01) for low, high in spans_s])
        sure = found.base.sd(time) < 5e-6
        assert sure.mean() > 0.5
        return wander((found.base.delay(time) - self.delay(time))[sure])

    def music_s(self) -> tuple[float, float]:
        (cue,) = self.sheet.of_kind("music", channel=0)
        return cue.start_samples / RATE + 0.3, cue.stop_samples / RATE - 0.3


def played(speed: float) -> Tape:
    sheet = plan(session="bad", sample_rate=RATE, tracks=[1, 2], pilot_track=4, scope=SCOPE)
    sent = StimulusAudio(sheet).read(0, sheet.samples)
    time = np.arange(round((sheet.samples / speed / RATE + 2.0) * RATE)) / RATE - OFFSET_S
    lines = ((0.7, 1e-3), (6.0, 4e-4), (15.0, 2e-4))
    position = speed * time + sum(p / (2 * np.pi * f) * np.sin(2 * np.pi * f * time + f) for f, p in lines)
    hiss = 1e-4 * np.random.default_rng(1).standard_normal((time.size, 3))
    return Tape(sheet, sent, interpolate(sent, position * RATE) + hiss, position)


@pytest.fixture(scope="module")
def tape() -> Tape:
    return played(1.004)


def wander(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean((error - np.median(error)) ** 2)))


@pytest.mark.parametrize("pilot", [True, False])
def test_a_dead_track_costs_the_others_nothing(tape: Tape, pilot: bool) -> None:
    returned = tape.returned.copy()
    returned[:, 1] = 1e-4 * np.random.default_rng(2).standard_normal(returned.shape[0])
    (found,), (dead,) = tape.join(returned, pilot)
    assert found.channel == 0
    assert dead.channel == 1
    assert "channel 2 of the recording has no start marker; check the wiring of track 2" in dead.reason
    assert tape.surely(found, [tape.music_s()]) < 3e-6


def test_a_track_that_lost_its_start_marker_is_joined_by_its_guards(tape: Tape) -> None:
    returned = tape.returned.copy()
    returned[: 4 * RATE, 1] = 0.0
    found, dead = tape.join(returned)
    assert [a.channel for a in found] == [0, 1]
    assert dead == []
    assert wander(tape.error(found[1], [tape.music_s()])) < 2e-6


def test_a_pilot_and_programme_that_were_swapped_are_told(tape: Tape) -> None:
    swapped = tape.returned[:, [2, 2, 0]]
    found, dead = tape.join(swapped)
    assert found == []
    assert len(dead) == 2
    with pytest.raises(SignalError, match="no start marker"):
        align_take(ArrayAudio(tape.sent, RATE), ArrayAudio(swapped, RATE), tape.sheet, {0: 0, 1: 1, 2: 2})


@pytest.mark.parametrize("pilot", [True, False])
@pytest.mark.parametrize("how", ["tape", "recording"])
def test_a_tape_that_stops_is_followed_as_far_as_it_ran(tape: Tape, pilot: bool, how: str) -> None:
    stop_s = tape.music_s()[0] + 2.0
    stop = int(np.searchsorted(tape.position_s, stop_s))
    returned = tape.returned.copy()
    returned[stop:] = 0.0
    found, dead = tape.join(returned[:stop] if how == "recording" else returned, pilot)
    assert dead == []
    for alignment in found:
        ((low, high),) = alignment.lost_s
        assert high == tape.sheet.samples / RATE
        if pilot or how == "recording":
            assert low == pytest.approx(stop_s, abs=0.2)
        else:  # the guard before the music is the last that was heard
            assert low == pytest.approx(tape.music_s()[0], abs=1.0)
        (music,), (end,) = (tape.sheet.of_kind(k, channel=alignment.channel) for k in ("music", "marker_end"))
        assert not alignment.holds(music, RATE)
        assert not alignment.holds(end, RATE)
        (noise,) = tape.sheet.of_kind("noise", channel=alignment.channel)
        assert alignment.holds(noise, RATE)
        inside = (noise.start_samples / RATE, noise.stop_samples / RATE)
        assert wander(tape.error(alignment, [inside])) < 2e-6


@pytest.mark.parametrize("pilot", [True, False])
def test_before_and_after_a_cut_all_is_right(tape: Tape, pilot: bool) -> None:
    (sweep,) = tape.sheet.of_kind("sweep", channel=0)
    first, last = (int(np.searchsorted(tape.position_s, sweep.start_samples / RATE + s)) for s in (1.0, 1.8))
    returned = np.delete(tape.returned, np.arange(first, last), axis=0)
    cut = Tape(tape.sheet, tape.sent, returned, np.delete(tape.position_s, np.arange(first, last)))
    found, dead = cut.join(pilot=pilot)
    assert dead == []
    (noise,), (tone,) = (
        [c for c in tape.sheet.cues if c.channel == 0 and c.kind == kind and c.parameters.get("purpose") == purpose]
        for kind, purpose in (("noise", None), ("tone", "wow_flutter"))
    )
    for alignment in found:
        assert not alignment.holds(sweep, RATE)
        for cue in (noise, tone):
            assert alignment.holds(cue, RATE)
            inside = (cue.start_samples / RATE + 0.1, cue.stop_samples / RATE - 0.1)
            assert cut.surely(alignment, [inside]) < 3e-6
        assert cut.surely(alignment, [cut.music_s()]) < 3e-6


@pytest.mark.parametrize(
    ("pilot", "speed"),
    [(True, 0.88), (False, 1.12), *(pytest.param(*case, marks=pytest.mark.slow) for case in ((True, 1.12), (False, 0.88)))],
)
def test_twelve_per_cent_of_speed_are_followed(speed: float, pilot: bool) -> None:
    tape = played(speed)
    found, dead = tape.join(pilot=pilot)
    assert dead == []
    for alignment in found:
        assert alignment.lost_s == ()
        assert alignment.found.speed == pytest.approx(speed, rel=1e-3)
        assert tape.surely(alignment, [tape.music_s()]) < 3e-6


def test_fifty_dropouts_hum_and_an_inverted_track_move_nothing(tape: Tape) -> None:
    returned = tape.returned.copy()
    rng = np.random.default_rng(4)
    for start in rng.uniform(3.0, returned.shape[0] / RATE - 3.0, 50):
        returned[round(start * RATE) : round((start + 0.01) * RATE)] *= 0.1
    time = np.arange(returned.shape[0]) / RATE
    hum = sum(a * np.sin(2 * np.pi * f * time) for f, a in ((50.0, 0.4), (100.0, 0.2), (150.0, 0.2)))
    returned = returned * np.array([1.0, -1.0, -1.0]) + hum[:, None]
    found, dead = tape.join(returned)
    assert dead == []
    for alignment in found:
        error = tape.error(alignment, [(4.0, tape.sheet.samples / RATE - 3.0)])
        assert wander(error) < 3e-6
        assert abs(np.median(error)) < 10e-6


@pytest.mark.parametrize("seconds", [0.01, 1.0, 3.2, 5.0])
def test_a_second_of_tape_is_no_take_or_a_short_one(tape: Tape, seconds: float) -> None:
    for pilot in (True, False):
        found, dead = tape.join(tape.returned[: round(seconds * RATE)], pilot)
        assert len(found) + len(dead) == 2
