"""A session of which a channel is dead: its figure is there and invalid, and says why. Channels are measured side by side."""

import threading
import time

import pytest

from analysis.anchors import Unjoined
from capture.planning import Wish, plan_session
from modeling.aligned import AlignedTake
from reports import measuring
from reports.measuring import measure_session
from sessions.manifest import TakeRecord


def test_a_channel_that_cannot_be_joined_is_told_in_an_invalid_figure(tmp_path):
    session = plan_session(tmp_path / "session", Wish(tracks=(1, 2), quick=True, levels_db=(0.0,)))
    sheet, sent = session.stimulus()
    record = TakeRecord(
        id="play-1", state="complete", role="play", number=1, stimulus="main", conditions={}, created="2026-01-01T00:00:00Z",
        inputs={0: 1, 1: 2}, sample_rate=sheet.sample_rate, samples=sent.samples, channels=2,
    )  # fmt: skip
    dead = Unjoined(1, 1, "channel 2 of the recording has no start marker; check the wiring of track 2")
    measured = measure_session(session, aligned=[AlignedTake(record, sheet, sent, sent, (), (dead,))])
    (figure,) = measured.results
    assert (figure.quantity, figure.valid, figure.value) == ("latency", False, None)
    assert figure.conditions["track"] == 2
    assert figure.note == dead.reason


def test_channels_side_by_side_keep_their_order_and_tell_their_progress_one_at_a_time(monkeypatch):
    inside, most, met = [0], [0], threading.Barrier(2, timeout=10.0)

    def told(_):
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        time.sleep(0.005)
        inside[0] -= 1

    def measure(take, progress):
        met.wait()  # both are at work
        for _ in range(5):
            progress("a subject")
        return [take], []

    monkeypatch.setattr(measuring, "measure_take", measure)
    assert measuring._side_by_side(["first", "second"], told) == [(["first"], []), (["second"], [])]
    assert most == [1]


def test_when_one_channel_fails_the_other_ends_with_the_subject_it_is_at(monkeypatch):
    def measure(take, progress):
        if take == "first":
            raise MemoryError
        for _ in range(2000):
            progress("a subject")
            time.sleep(0.005)

    monkeypatch.setattr(measuring, "measure_take", measure)
    started = time.monotonic()
    with pytest.raises(MemoryError):
        measuring._side_by_side(["first", "second"], lambda _: None)
    assert time.monotonic() - started < 5.0
