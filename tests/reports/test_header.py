import pytest

from reports.header import ReportHeader
from sessions.calibration import Calibration
from sessions.manifest import Interface, SessionManifest, TakeRecord, Wiring
from sessions.results import Result


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
    assert facts["Interface"] == "2i2, 48\u202fkHz, not calibrated"
    assert facts["Wiring"] == "out 1 to track 1, out 2 to track 4; track 1 to in 1"


def test_the_calibration_of_the_interface_is_named():
    def told(*seconds):
        figures = [Result(quantity="interface_latency", value=s, unit="s", method="m") for s in seconds]
        calibration = Calibration(
            session="calibration", tool_version="0.1.0", created="2025-10-03T09:00:00+00:00", results=figures, curves=[],
            interface="2i2", sample_rate=48_000, outputs=(1,), inputs=(1,), reference_dbfs=-18.0,
        )  # fmt: skip
        return dict(ReportHeader.of_manifest(manifest(), calibration=calibration).facts())["Interface"]

    assert told(0.0213352) == "2i2, 48\u202fkHz, calibrated 3 October 2025, latency 21.335\u202fms"
    assert told(0.02, 0.02) == "2i2, 48\u202fkHz, calibrated 3 October 2025, latency 20.000\u202fms"
    assert told(0.021, 0.02) == "2i2, 48\u202fkHz, calibrated 3 October 2025, latency 20.000 to 21.000\u202fms"


@pytest.mark.parametrize("interface", [Interface(name="not named"), Interface(name="virtual:fresh", sample_rate=48_000)])
def test_what_is_no_interface_is_not_said_to_lack_calibration(interface):
    facts = ReportHeader.of_manifest(manifest().model_copy(update={"interface": interface})).facts()
    assert "calibrated" not in dict(facts)["Interface"]


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
