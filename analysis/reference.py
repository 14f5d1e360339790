"""The returned reference tone, 1 kHz at 0 dB: what levels are stated against, where it can be relied on."""

from dataclasses import dataclass, field

import numpy as np

from analysis import distortion, intact

PURPOSE = "reference"
MOST_DOUBT_DB = 0.5  # of its level by noise
DOUBT_DB = 0.005  # 95 % of a level re the tone beside noise; within a pass tones repeat to 0.001 dB


@dataclass(frozen=True)
class Reference:
    """The tone as it returned.

    Attributes
    ----------
    heard : float or None
        Peak amplitude of what returned at its frequency, whole or not; None where no such tone is on the recording.
    reason : str or None
        Why nothing can be stated against it, and what to do; None where it is sound.
    planned : bool
        Whether the stimulus holds it for this channel.
    blocks : ndarray, shape (blocks,)
        Peak amplitude in each tenth of a second.
    """

    heard: float | None
    reason: str | None
    planned: bool = True
    blocks: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @property
    def amplitude(self) -> float | None:
        """Peak amplitude of the tone; None where there is none that others can be stated against."""
        return self.heard if self.reason is None else None


def read(tone: np.ndarray, frequency_hz: float, sample_rate: int, companded: bool) -> Reference:
    """Analyse the tone.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        Dewarped, without its fades.
    companded : bool
        Whether a compander was in the way, which moves the level of the tone by itself.
    """
    found = distortion.analyse(tone, frequency_hz, sample_rate)
    what = "reference tone"
    flaw = intact.clipping(tone, what) if companded else intact.flaw(tone, frequency_hz, sample_rate, what)
    reason = None
    if flaw is not None:
        reason = f"it is stated against the reference tone, and {flaw}"
    elif found.fundamental_doubt_db() > MOST_DOUBT_DB:
        reason = "it is stated against the reference tone, which drowns in noise; raise the level or check the wiring"
    blocks = np.maximum(intact.block_amplitudes(tone, frequency_hz, sample_rate), 1e-12)
    return Reference(found.fundamental, reason, blocks=blocks)


def missing(lost: bool) -> Reference:
    """No tone: it was lost, or the stimulus has none."""
    if lost:
        return Reference(
            None,
            "the reference tone is not whole on the recording, and this is stated against it: the tape was stopped or cut; "
            "play it again from start to end",
        )
    return Reference(
        None, "there is no reference tone, and this is stated against it; use a planned stimulus", planned=False
    )
