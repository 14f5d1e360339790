"""What a tape that was stopped or cut does not tell: every figure is there, invalid, and says why."""

from analysis.findings import Measured
from analysis.take import Take
from sessions.results import Result
from signals.cues import Cue

METHOD = "segment of the stimulus that is not on the recording"


def measure(take: Take, reference: float | None) -> Measured:
    """An invalid figure for every segment that is lost, named after what it would have told first."""
    results = []
    for cue in take.lost():
        figure = _figure(cue)
        if figure is None:
            continue
        quantity, unit = figure
        conditions = take.under()
        if "frequency_hz" in cue.parameters:
            conditions["frequency_hz"] = cue.number("frequency_hz")
        if cue.level_db is not None:
            conditions["level_db"] = cue.level_db
        rate = take.sheet.sample_rate
        note = (
            f"'{cue.name}', {cue.start_samples / rate:.1f} to {cue.stop_samples / rate:.1f} s of the stimulus, is not whole on the "
            "recording: the tape was stopped or cut, or the recording ended; play it again from start to end"
        )
        results.append(Result.invalid(quantity, unit, conditions, METHOD, note))
    return results, []


def _figure(cue: Cue) -> tuple[str, str] | None:
    """Quantity and unit that a segment tells first, or None where it tells none by itself."""
    if cue.kind == "tone" and cue.parameters.get("purpose") == "wow_flutter":
        return "wow_flutter_weighted_2sigma", "%"
    return {"tone": ("thd", "%"), "sweep": ("bandwidth_high", "Hz"), "silence": ("noise_a", "dB")}.get(cue.kind)
