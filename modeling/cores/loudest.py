"""The loudest stretches of the material: what bends is searched for where it bends most."""

from collections.abc import Sequence

import numpy as np

from modeling.pairs import AFTER_S, BEFORE_S, Pair

STRETCH_S = 4.0
STRETCHES = 2


def loudest(pairs: Sequence[Pair]) -> list[Pair]:
    """Cut the loudest stretches of programme out, with their context; loudest first."""
    stretches = []
    for pair in [pair for pair in pairs if pair.conditions.get("kind", "music") == "music"] or pairs:
        length, before, after = (round(s * pair.sample_rate) for s in (STRETCH_S, BEFORE_S, AFTER_S))
        for start in range(before, pair.samples - after, length):
            stop = min(start + length, pair.samples - after)
            part = pair.part(start - before, stop + after, before, after)
            y = part.wet[part.mask].astype(np.float64)
            stretches.append((float(y @ y), part))
    stretches.sort(key=lambda stretch: stretch[0], reverse=True)
    return [pair for _, pair in stretches[:STRETCHES]]
