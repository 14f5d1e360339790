"""What the report says of the session itself."""

from collections.abc import Sequence
from dataclasses import dataclass

from reports.numbers import NARROW_SPACE
from reports.wording import long_date, plain_number
from sessions.calibration import Calibration, pair_in_use
from sessions.manifest import Interface, SessionManifest, TakeRecord, Wiring

VIRTUAL = "virtual:"


@dataclass(frozen=True)
class ReportHeader:
    """Facts of the session, as printed.

    Attributes
    ----------
    session, created, deck, tape, interface, wiring, tool_version, notes : str
        Free text; an empty one is left out. `created` is ISO 8601.
    speed_cm_s, reference_dbfs : float or None
        Nominal tape speed; level of a sine at 0 dB.
    own_tape : bool
        Whether the tape was recorded on the deck that played it, so that some errors are hidden.
    faults : sequence of str
        What went wrong during the takes.
    """

    session: str
    created: str
    deck: str
    tape: str = ""
    speed_cm_s: float | None = None
    interface: str = ""
    reference_dbfs: float | None = None
    wiring: str = ""
    tool_version: str = ""
    notes: str = ""
    own_tape: bool = True
    faults: Sequence[str] = ()

    @classmethod
    def of_manifest(
        cls, manifest: SessionManifest, notes: str = "", calibration: Calibration | None = None
    ) -> "ReportHeader":
        """Take the facts from the manifest of a session, and from the calibration that it holds."""
        return cls(
            session=manifest.id,
            created=manifest.created,
            deck=manifest.deck,
            tape=manifest.tape or "",
            speed_cm_s=manifest.speed_cm_s,
            interface=_interface(manifest.interface, calibration),
            reference_dbfs=manifest.reference_dbfs,
            wiring=_wiring(manifest.interface, manifest.wiring),
            tool_version=manifest.tool_version,
            notes=notes,
            own_tape=any(take.role in {"record", "play"} for take in manifest.takes) or not manifest.takes,
            faults=[fault for take in manifest.takes for fault in _faults(take)],
        )

    def facts(self) -> list[tuple[str, str]]:
        """Label and text of every fact that is known."""
        speed = "" if self.speed_cm_s is None else f"{plain_number(self.speed_cm_s)}{NARROW_SPACE}cm/s"
        reference = (
            ""
            if self.reference_dbfs is None
            else f"0{NARROW_SPACE}dB is {plain_number(self.reference_dbfs)}{NARROW_SPACE}dBFS"
        )
        pairs = [
            ("Session", self.session),
            ("Tape", self.tape),
            ("Speed", speed),
            ("Interface", self.interface),
            ("Reference level", reference),
            ("Wiring", self.wiring),
        ]
        return [(label, text) for label, text in pairs if text]


def _interface(interface: Interface, calibration: Calibration | None) -> str:
    """Name and rate, and how it was calibrated; a virtual deck and recordings from elsewhere have nothing to calibrate."""
    rate = interface.sample_rate
    name = interface.name + (f", {rate / 1000:g}{NARROW_SPACE}kHz" if rate else "")
    if calibration is None:
        return f"{name}, not calibrated" if rate and not interface.name.startswith(VIRTUAL) else name
    latencies = [r.value for r in calibration.find("interface_latency") if r.value is not None]
    told = sorted({f"{1000.0 * value:.3f}" for value in latencies})
    latency = f", latency {' to '.join([*told[:1], *told[1:][-1:]])}{NARROW_SPACE}ms" if told else ""
    return f"{name}, calibrated {long_date(calibration.created)}{latency}"


def _wiring(interface: Interface, wiring: Wiring) -> str:
    """Outputs and inputs by their numbers on the box."""
    back = {track: channel for channel, track in wiring.inputs.items()} or {t: c for c, t in wiring.outputs.items()}
    sent = [
        f"out {pair_in_use(interface, channel, channel)[0]} to track {track}"
        for channel, track in sorted(wiring.outputs.items())
    ]
    returned = [
        f"track {track} to in {pair_in_use(interface, channel, channel)[1]}"
        for track, channel in sorted(back.items())
        if wiring.inputs or "inputs" in interface.settings
    ]
    return ", ".join(sent) + ("; " if sent and returned else "") + ", ".join(returned)


def _faults(take: TakeRecord) -> list[str]:
    said = [*take.faults, *take.flags]
    if take.state != "complete" and not said:
        said = [f"the take is {take.state}"]
    return [f"Take {take.id}: {text}" for text in said]
