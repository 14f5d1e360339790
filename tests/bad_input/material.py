"""Sound for the tests of bad input."""

import numpy as np
import soundfile

RATE = 48000
SHORT = ("--quick", "--levels", "0:0:1")  # with a short piece of music, the shortest stimulus there is


def music(seconds, rate=RATE, seed=0):
    """Noise with the rhythm of speech, which can be found again anywhere, shape (samples,)."""
    rng = np.random.default_rng(seed)
    gate = np.repeat(rng.uniform(0.0, 1.0, int(seconds * 6) + 1) ** 3, rate // 6)[: round(seconds * rate)]
    return 0.2 * gate * rng.standard_normal(gate.size).clip(-3, 3)


def save(path, array, rate=RATE, subtype="PCM_24"):
    soundfile.write(path, array, rate, subtype=subtype)
    return path
