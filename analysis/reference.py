"""The returned reference tone, 1 kHz at 0 dB: what levels are stated against, where it can be relied on."""

import numpy as np

from analysis import distortion, intact
from analysis.take import Take

PURPOSE = "reference"
MOST_DOUBT_DB = 0.5  # of its level by noise


def fundamental(take: Take) -> float | None:
    """Peak amplitude of what returned at the tone's frequency, whole or not; None where no such tone is on the recording."""
    cues = take.cues("tone", purpose=PURPOSE)
    return _read(take)[0].fundamental if cues else None


def amplitude(take: Take) -> float | None:
    """Peak amplitude of the tone; None where there is none that others can be stated against."""
    return None if reason(take) is not None else fundamental(take)


def reason(take: Take) -> str | None:
    """Why nothing can be stated against the tone, and what to do; None where it is sound."""
    if not take.cues("tone", purpose=PURPOSE):
        if any(cue.parameters.get("purpose") == PURPOSE for cue in take.lost()):
            return (
                "the reference tone is not whole on the recording, and this is stated against it: the tape was stopped or cut; "
                "play it again from start to end"
            )
        return "there is no reference tone, and this is stated against it; use a planned stimulus"
    found, flaw = _read(take)
    if flaw is not None:
        return f"it is stated against the reference tone, and {flaw}"
    if found.fundamental_doubt_db() > MOST_DOUBT_DB:
        return "it is stated against the reference tone, which drowns in noise; raise the level or check the wiring"
    return None


def planned(take: Take) -> bool:
    """Whether the stimulus holds the tone for this channel."""
    return any(cue.parameters.get("purpose") == PURPOSE for cue in (*take.cues("tone"), *take.lost()))


def blocks(take: Take) -> np.ndarray:
    """Peak amplitude of the tone in each tenth of a second, shape (blocks,)."""
    tone, cue = take.steady(take.cues("tone", purpose=PURPOSE)[0])
    return np.maximum(intact.block_amplitudes(tone, cue.number("frequency_hz"), take.sheet.sample_rate), 1e-12)


def _read(take: Take) -> tuple[distortion.Harmonics, str | None]:
    tone, cue = take.steady(take.cues("tone", purpose=PURPOSE)[0])
    frequency, rate = cue.number("frequency_hz"), take.sheet.sample_rate
    looked_at = (
        intact.clipping(tone, "reference tone") if take.companded else intact.flaw(tone, frequency, rate, "reference tone")
    )
    return distortion.analyse(tone, frequency, rate), looked_at
