from reports.header import ReportHeader
from sessions.manifest import Interface, SessionManifest, TakeRecord, Wiring


def manifest(*takes: TakeRecord) -> SessionManifest:
    return SessionManifest(
        id="evening", created="2025-11-21T20:14:05+00:00", tool_version="0.1.0", deck="Tascam 424 MkII", tape="SA-60",
        speed_cm_s=9.5, wiring=Wiring(outputs={0: 1, 1: 4}, inputs={0: 1}),
        interface=Interface(name="2i2", sample_rate=48_000), reference_dbfs=-18.0, takes=takes,
    )  # fmt: skip


def take(role: str, state: str = "complete", **more) -> TakeRecord:
    return TakeRecord(
        id=f"{role}-1", state=state, role=role, number=1, stimulus="main", conditions={}, created="", sample_rate=48_000,
        channels=1, samples=10, inputs={0: 1}, **more,
    )  # fmt: skip


def test_facts_of_a_session():
    facts = dict(ReportHeader.of_manifest(manifest()).facts())
    assert facts["Speed"] == "9.5\u202fcm/s"
    assert facts["Reference level"] == "0\u202fdB is −18\u202fdBFS"
    assert facts["Interface"] == "2i2, 48\u202fkHz"
    assert facts["Wiring"] == "out 1 to track 1, out 2 to track 4; track 1 to in 1"


def test_what_went_wrong_in_the_takes_is_told():
    header = ReportHeader.of_manifest(
        manifest(take("record"), take("play", "interrupted", flags=("input overflow at 5 s",)))
    )
    assert header.faults == ["Take play-1: input overflow at 5 s"]
    assert ReportHeader.of_manifest(manifest(take("loop", "interrupted"))).faults == ["Take loop-1: the take is interrupted"]


def test_a_loop_or_a_pair_hides_nothing():
    assert ReportHeader.of_manifest(manifest(take("play"))).own_tape
    assert not ReportHeader.of_manifest(manifest(take("loop"))).own_tape
    assert not ReportHeader.of_manifest(manifest(take("pair"))).own_tape
