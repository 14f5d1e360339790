"""The second harmonic that amplifiers outside the halves of a compander make, from tones.

They make the square of the signal, so that their second harmonic rises with its level, dB for dB; what lies between the halves
makes one that rises with the compressed level, half a dB for each. The two are told apart by a fit to tones of several levels.
"""

from collections.abc import Sequence

import numpy as np

from modeling.compander import MOST_ASYMMETRY, Companding
from modeling.deck.compander import emphasis
from modeling.fidelity import ToneReader
from modeling.pairs import Pair

LEAST_TONES = 3


def with_asymmetry(companding: Companding, tones: Sequence[Pair], reference_dbfs: float) -> Companding:
    """The halves with the asymmetry of the amplifiers outside; as they were where the tones are too few to tell.

    Parameters
    ----------
    tones : sequence of Pair
        Test tones of several levels.
    """
    peak = 10.0 ** (reference_dbfs / 20.0)
    rows = []
    for tone in tones:
        reader = ToneReader(tone)
        (sent, *_), _ = reader.phasors(tone.dry / peak)
        (returned, *harmonics), floor = reader.phasors(tone.wet / peak)
        if not harmonics or min(abs(sent), abs(returned), floor) == 0.0:  # a soft tone may come back as nothing
            continue
        ratio, outer, inner = harmonics[0] / returned, returned, np.sqrt(abs(returned))
        if companding.decode is None and companding.encode is not None:
            f = float(tone.conditions["frequency_hz"])
            lift = emphasis(np.array([f, 2.0 * f]), companding.encode)
            ratio, outer, inner = ratio * lift[0] / lift[1], sent, abs(returned)
        # x + a x^2 with x = A cos(p + q) has a second harmonic a A / 2 times the first, in phase with twice p + q.
        second = (ratio * np.conj(outer)).real / abs(outer)
        rows.append(np.array([0.5 * abs(outer), inner, second]) * abs(returned) / floor)
    if len(rows) < LEAST_TONES:
        return companding
    a = np.array(rows)
    amount = float(np.linalg.lstsq(a[:, :2], a[:, 2], rcond=None)[0][0])
    return companding.model_copy(update={"asymmetry": float(np.clip(amount, -MOST_ASYMMETRY, MOST_ASYMMETRY))})
