"""Which part of a transport is likely behind a line of the flutter spectrum.

A shaft of diameter d turns v / (pi d) times a second, a reel with a pack of radius r v / (2 pi r) times. Sizes are known as
ranges only, so a name comes with the size that the line implies. Two lines that claim one part, or a line that two parts could
explain, stay without a name. Lines of motor and mains stay where they are when the tape speed changes.

Sizes are what is usual in cassette decks, not those of one deck: 2.0 to 2.5 mm for the capstan, 8 to 13 mm for the pinch roller,
11 mm (empty hub) to 26 mm (full C-90) for the radius of a pack.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

SPEED_TOLERANCE = 0.02  # pitch at its detent, and what a deck may be off
MAINS_HZ = (50.0, 60.0)
MAINS_TOLERANCE = 0.002
MAINS_ORDERS = (1, 2, 3, 4)
HARMONICS = (2, 3)
HARMONIC_SHARE = 0.1  # of the fundamental that a harmonic has at least; weaker lines meet by chance
RIVAL_SHARE = 0.4  # of a line that another must have to claim its part; random flutter has weaker ones
HARMONIC_TOLERANCE = 0.004  # record and play pass differ in speed, and so do the lines of one part
TAPE_MM_S = {9.5: 95.25, 4.8: 47.625, 4.76: 47.625, 9.53: 95.25, 2.4: 23.8125, 19.0: 190.5, 19.05: 190.5}
"""Exact speeds behind the rounded names (IEC 60094-1)."""


@dataclass(frozen=True)
class Part:
    """A part that turns with the tape: its name, how many there are, and the range of its diameter in mm."""

    name: str
    count: int
    diameter_mm: tuple[float, float]


PARTS = (
    Part("capstan", 1, (2.0, 2.5)),
    Part("pinch roller", 1, (8.0, 13.0)),
    Part("supply or take-up reel", 2, (22.0, 52.0)),
)


def names(lines: Sequence[tuple[float, float]], speed_cm_s: float | None, resolution_hz: float) -> list[str | None]:
    """Likely part behind each line, or None.

    Parameters
    ----------
    lines : sequence of (float, float)
        Frequency in Hz and RMS in %.
    speed_cm_s : float or None
        Nominal tape speed; unknown, only mains and harmonics are named.
    resolution_hz : float
        Within this two frequencies are one.

    Returns
    -------
    list of str or None
        For example ``"likely capstan, 2.20 mm"``.
    """
    v = None if speed_cm_s is None else TAPE_MM_S.get(speed_cm_s, 10.0 * speed_cm_s)
    claims = [[part for part in PARTS if v and _turns(part, v, f)] for f, _ in lines]
    harmonics = [_harmonic_of(i, lines, claims, resolution_hz) for i in range(len(lines))]
    found: list[str | None] = []
    for i, (frequency_hz, _) in enumerate(lines):
        mains = _mains(frequency_hz, resolution_hz)
        explained = len(claims[i]) + (harmonics[i] is not None) + (mains is not None)
        if explained != 1:
            found.append(None)
        elif mains is not None:
            found.append(f"likely {mains}")
        elif harmonics[i] is not None:
            order, of = harmonics[i] or (0, 0)
            found.append(f"likely harmonic {order} of the line at {lines[of][0]:.3g} Hz")
        else:
            part = claims[i][0]
            least = RIVAL_SHARE * lines[i][1]
            rivals = sum(part in claim and harmonics[j] is None and lines[j][1] >= least for j, claim in enumerate(claims))
            size = (v or 0.0) / (np.pi * frequency_hz)
            alone = rivals <= part.count
            found.append(f"likely {part.name}, {_size(part, size)}" if alone else None)
    return found


def _turns(part: Part, v_mm_s: float, frequency_hz: float) -> bool:
    low, high = (v_mm_s / (np.pi * d) for d in reversed(part.diameter_mm))
    return bool(low * (1.0 - SPEED_TOLERANCE) <= frequency_hz <= high * (1.0 + SPEED_TOLERANCE))


def _size(part: Part, diameter_mm: float) -> str:
    if part.count > 1:
        return f"radius of the pack {diameter_mm / 2.0:.0f} mm"
    return f"{diameter_mm:.2f} mm" if diameter_mm < 5.0 else f"{diameter_mm:.1f} mm"


def _mains(frequency_hz: float, resolution_hz: float) -> str | None:
    for base in MAINS_HZ:
        for order in MAINS_ORDERS:
            if abs(frequency_hz - order * base) <= max(MAINS_TOLERANCE * order * base, resolution_hz):
                return f"motor or mains, {order} x {base:g} Hz" if order > 1 else f"motor or mains, {base:g} Hz"
    return None


def _harmonic_of(
    index: int, lines: Sequence[tuple[float, float]], claims: Sequence[Sequence[Part]], resolution_hz: float
) -> tuple[int, int] | None:
    """Order, and the stronger line of a part that turns of which this one is a harmonic; None where there is none, or several."""
    frequency_hz, rms = lines[index]
    found = [
        (order, j)
        for j, (other_hz, other_rms) in enumerate(lines)
        for order in HARMONICS
        if claims[j]
        and HARMONIC_SHARE * other_rms < rms < other_rms
        and abs(frequency_hz / order - other_hz) <= max(HARMONIC_TOLERANCE * other_hz, resolution_hz / order)
    ]
    return found[0] if len(found) == 1 else None
