"""What a tape that was stopped or cut does not tell: every figure is there, invalid, and says why."""

from collections.abc import Sequence

from analysis import distortion as harmonics
from analysis import wow_flutter
from analysis.findings import Measured
from analysis.subjects import band, distortion, steadiness
from analysis.subjects.intermodulation import FIGURES as INTERMODULATION
from analysis.subjects.noise import FIGURES as NOISE
from analysis.take import Take
from sessions.results import Condition, Conditions, Result
from signals.cues import Cue

METHOD = "segment of the stimulus that is not on the recording"


def measure(take: Take, reference: float | None) -> Measured:
    """Invalid figures of all segments that are lost, once each, less those that another segment of the same kind still gives."""
    results: dict[tuple[str, frozenset[tuple[str, Condition]]], Result] = {}
    for cue in take.lost():
        for quantity, unit, conditions in _figures(take, cue):
            key = (quantity, frozenset(conditions.items()))
            results.setdefault(key, Result.invalid(quantity, unit, conditions, METHOD, note(take, cue)))
    return list(results.values()), []


def note(take: Take, cue: Cue) -> str:
    """What to say of a lost segment."""
    rate = take.sheet.sample_rate
    return (
        f"'{cue.name}', {cue.start_samples / rate:.1f} to {cue.stop_samples / rate:.1f} s of the stimulus, is not whole on the "
        "recording: the tape was stopped or cut, or the recording ended; play it again from start to end"
    )


def _figures(take: Take, cue: Cue) -> Sequence[tuple[str, str, Conditions]]:
    """Quantity, unit and conditions of all that only this segment tells."""
    under = take.under()
    at_level = {**under, **({} if cue.level_db is None else {"level_db": cue.level_db})}
    match cue.kind:
        case "tone":
            return _of_tone(take, cue)
        case "sweep":
            figures: list[tuple[str, str, Conditions]] = [(quantity, unit, at_level) for quantity, unit, _ in band.FIGURES]
            return figures if take.cues("noise", "sweep") else [*figures, ("polarity", "1", under)]
        case "noise":
            return [] if take.cues("noise", "sweep") else [("polarity", "1", under)]
        case "silence":
            return [] if take.cues("silence") else [(quantity, "dB", under) for quantity, _ in NOISE]
        case "two_tone" if cue.parameters.get("purpose") in INTERMODULATION:
            pair = {"first_hz": cue.number("first_hz"), "second_hz": cue.number("second_hz")}
            return [(str(cue.parameters["purpose"]), "%", {**under, **pair, "level_db": cue.level_db or 0.0})]
    return []


def _of_tone(take: Take, cue: Cue) -> Sequence[tuple[str, str, Conditions]]:
    frequency = cue.number("frequency_hz")
    alone = take.under(frequency_hz=frequency)
    here = {**alone, "level_db": cue.level_db or 0.0}
    purpose = cue.parameters.get("purpose")
    if purpose == "wow_flutter":
        told: list[tuple[str, str, Conditions]] = [(quantity, "%", here) for quantity in wow_flutter.SHORTEST_S]
        told.append(("level_stability", "dB", here))
        if not steadiness.long_enough(take):
            counted = ({**alone, "depth_db": depth, "length_ms": length} for depth, length in steadiness.COUNTED)
            told += [("dropouts_per_minute", "1/min", conditions) for conditions in counted]
        return told
    if purpose == "modulation_noise":
        return [("modulation_noise", "dB", here)]
    if purpose not in ("ladder", "distortion"):
        return []
    figures: list[tuple[str, str, Conditions]] = []
    if 3.0 * frequency <= harmonics.HIGHEST_HZ:
        figures += [(quantity, unit, here) for quantity, unit, _ in distortion.FIGURES]
    left = (c for c in take.cues("tone", purpose="ladder") if c.number("frequency_hz") == frequency)
    if purpose == "ladder" and next(left, None) is None and frequency in distortion.OF_LADDER:
        figures.append((distortion.OF_LADDER[frequency][0], "dB", alone))
    return figures
