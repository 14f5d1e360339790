"""Whether a steady tone came back whole: neither clipped, nor lost, nor with holes or jumps in its level."""

import numpy as np

CLIPPED = 0.999  # of full scale
BLOCK_S = 0.1
MOST_STRAY_DB = 3.0  # of a tenth of a second from the median of the tone; a worn tape strays by 1 dB
LEAST_SHARE = 0.05  # of the RMS of what is there that a tone's amplitude must reach; noise alone reaches 0.03


def clipping(signal: np.ndarray, what: str) -> str | None:
    """Say that a signal of shape (any,), named in the words of `what`, reaches full scale; None where it does not."""
    peak = float(np.max(np.abs(signal), initial=0.0))
    if peak < CLIPPED:
        return None
    return f"the returned {what} reaches {peak:.3f} of full scale and is clipped; lower the input gain"


def flaw(tone: np.ndarray, frequency_hz: float, sample_rate: int, what: str = "tone") -> str | None:
    """What is wrong with a dewarped steady tone and what to do, in one line; None where nothing is.

    Parameters
    ----------
    tone : ndarray, shape (samples,)
        Without its fades.
    """
    clipped = clipping(tone, what)
    if clipped is not None:
        return clipped
    level = block_amplitudes(tone, frequency_hz, sample_rate)
    usual = float(np.median(level)) if level.size else 0.0
    rms = float(np.sqrt(np.mean((tone - np.mean(tone)) ** 2))) if tone.size else 0.0
    if usual <= LEAST_SHARE * rms:
        return f"the {what} did not come back, there is nothing at {frequency_hz:g} Hz but noise; check the wiring and play again"
    stray = 20.0 * np.log10(np.maximum(level, 1e-6 * usual) / usual)
    worst = float(stray[np.argmax(np.abs(stray))])
    if abs(worst) > MOST_STRAY_DB:
        return (
            f"the level of the {what} strays by {max(worst, -99.0):+.0f} dB for a tenth of a second, {MOST_STRAY_DB:g} dB are "
            "allowed; clean the heads and play again, or use a better tape"
        )
    return None


def block_amplitudes(tone: np.ndarray, frequency_hz: float, sample_rate: int) -> np.ndarray:
    """Peak amplitude of a steady tone in each tenth of a second, shape (blocks,)."""
    length = round(max(1, round(BLOCK_S * frequency_hz)) / frequency_hz * sample_rate)
    count = tone.size // length
    phasor = np.exp(-2j * np.pi * frequency_hz / sample_rate * np.arange(count * length))
    return np.asarray(2.0 * np.abs(np.mean((tone[: count * length] * phasor).reshape(count, length), axis=1)))
