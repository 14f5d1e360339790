"""Music made by rule, for training and alignment: rich, in tune, and never the same bar twice.

Three steps, each in its own files. The arrangement (`arrangement`, with the styles in `repertoire` and the parts in
`rhythm_section`, `accompaniment` and `melody` on top of `harmony`) writes a score; a score (`score`) is notes as data; the
instruments (`instruments`: `strings`, `keys`, `bells`, `drums`, `voice` on top of `waveform`) play it, and `mixdown` puts
them together.

Conventions: pitch is a MIDI number in equal temperament, A4 = 440 Hz; beats count from 0; velocity is linear in dB. Every
note and every bar has a random stream of its own, derived from the seed and its place in the score, so that nothing depends
on the order of work. Sounds are functions of time: a piece at 96 kHz is the piece at 48 kHz with samples in between.
"""

import math

import numpy as np

from signals.errors import StimulusError
from signals.music.arrangement import write_score
from signals.music.mixdown import render
from signals.music.repertoire import STYLES

__all__ = ["LONGEST_S", "SHORTEST_S", "STYLES", "compose"]

SHORTEST_S = 2.0
LONGEST_S = 600.0
_LOWEST_RATE = 44_100
_HIGHEST_RATE = 384_000


def compose(seed: int, duration_s: float, sample_rate: int, style: str) -> np.ndarray:
    """Compose and play music.

    A run of short pieces of about half a minute, each in another key and tempo, with crescendi, solos, fills and rests. The
    same arguments give the same samples; another seed gives another piece.

    Parameters
    ----------
    seed : int
        Which piece, 0 or more.
    duration_s : float
        Length in s, :data:`SHORTEST_S` to :data:`LONGEST_S`.
    sample_rate : int
        Sample rate in Hz. The notes do not depend on it, and nothing sounds above 20 kHz.
    style : str
        ``"band"``, ``"chamber"``, ``"beat"`` or ``"solo"`` (one instrument at a time).

    Returns
    -------
    np.ndarray
        Shape ``(samples,)``, float64, free of DC, faded at both ends, peak 1.

    Raises
    ------
    StimulusError
        Unknown style, or a seed, duration or sample rate out of range.
    """
    if style not in STYLES:
        raise StimulusError(f"there is no music style '{style}', only {', '.join(STYLES)}: choose one of these")
    if not (math.isfinite(duration_s) and SHORTEST_S <= duration_s <= LONGEST_S):
        raise StimulusError(
            f"{duration_s:g} s of music asked for, {SHORTEST_S:g} to {LONGEST_S:g} s are possible: choose one of these"
        )
    if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
        raise StimulusError(
            f"music at {sample_rate:g} Hz asked for, {_LOWEST_RATE} to {_HIGHEST_RATE} Hz are possible: choose 48000"
        )
    if seed < 0:
        raise StimulusError(f"the seed of the music is {seed}, it must be 0 or more: choose another")
    return render(write_score(seed, duration_s, style), seed, sample_rate)
