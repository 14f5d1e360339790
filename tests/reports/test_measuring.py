"""A session of which a channel is dead: its figure is there and invalid, and says why."""

from analysis.anchors import Unjoined
from capture.planning import Wish, plan_session
from modeling.aligned import AlignedTake
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
