"""Intermodulation of two tones, from one common period of both through the law of the tape in full."""

from collections.abc import Iterator
from functools import lru_cache
from math import gcd

import numpy as np

from modeling.deck.parameters import DeckParameters
from modeling.deck.steady_state import steady_wave
from modeling.deck.true.session import TrueSession
from sessions.results import Result

BY_PERIOD = "two tones on a common period through the law of the tape in full, harmonic balance"
LEAST_HIGHEST_HZ = 60_000.0
"""What a tape makes of two tones is small beyond; products from there on fold back into the period."""

RESOLUTION_HZ = 0.5
LONGEST_PERIOD_HZ = 4.0


def intermodulation_results(session: TrueSession, track: int, number: int, channel: int) -> Iterator[Result]:
    """Modulation and difference-frequency distortion of the pairs of tones of one channel."""
    for cue in session.sheet.of_kind("two_tone", channel=channel):
        purpose = cue.parameters.get("purpose")
        first_hz, second_hz, second_db = (cue.number(p) for p in ("first_hz", "second_hz", "second_db"))
        if cue.level_db is None or purpose not in ("imd_smpte", "imd_difference") or not _common_hz(first_hz, second_hz):
            continue
        heard = session.heard_with(track)
        lines = _lines(
            session.parameters, (first_hz, second_hz), (cue.level_db, cue.level_db + second_db), track, heard, session.ratio
        )
        yield Result(
            quantity=str(purpose),
            value=lines[0] if purpose == "imd_smpte" else lines[1],
            unit="%",
            conditions=session.conditions(track, number, first_hz=first_hz, second_hz=second_hz, level_db=cue.level_db),
            method=BY_PERIOD,
        )


def _common_hz(first_hz: float, second_hz: float) -> float:
    """Highest frequency of which both are multiples, 0 where there is none that is worth the trouble."""
    units = [round(f / RESOLUTION_HZ) for f in (first_hz, second_hz)]
    exact = all(abs(u * RESOLUTION_HZ - f) < 1e-9 for u, f in zip(units, (first_hz, second_hz), strict=True))
    common = gcd(*units) * RESOLUTION_HZ
    return common if exact and common >= LONGEST_PERIOD_HZ else 0.0


@lru_cache(maxsize=64)
def _lines(
    parameters: DeckParameters,
    frequencies_hz: tuple[float, float],
    levels_db: tuple[float, float],
    track: int,
    heard: frozenset[int],
    ratio: float,
) -> tuple[float, float]:
    """Both distortions in %, of two tones (IEC 60268-3, 14.12.7 and 14.12.8): modulation, difference frequency."""
    common = _common_hz(*frequencies_hz)
    points = 1 << int(np.ceil(np.log2(2.0 * max(LEAST_HIGHEST_HZ, 4.0 * max(frequencies_hz)) / common)))
    first, second = (round(f / common) for f in frequencies_hz)
    angle = 2.0 * np.pi * np.arange(points) / points
    sent = sum(10.0 ** (level / 20.0) * np.sin(n * angle) for n, level in zip((first, second), levels_db, strict=True))
    line = np.abs(steady_wave(parameters, np.asarray(sent), common, track, heard, ratio))
    second_order = line[second + first] + line[second - first]
    third_order = line[second + 2 * first] + line[abs(second - 2 * first)]
    modulation = np.hypot(second_order, third_order) / line[second]
    difference = np.hypot(line[second - first], line[abs(2 * first - second)] + line[2 * second - first])
    return 100.0 * float(modulation), 100.0 * float(difference / (line[first] + line[second]))
