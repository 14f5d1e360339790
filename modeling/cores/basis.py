"""The signals that the Hammerstein core weighs: static curves, hysteretic states and envelopes of what was sent.

They are made of the signal on a scale where a sine at 0 VU peaks at REFERENCE_PEAK, behind a bass lift, and, in a second branch,
behind treble emphasis as well: a tape recorder is saturation between emphasis and losses.

* ``static``, in each branch: p; p - tanh(g p)/g; p^2; p tanh(3 p) - p^2. The last two are even, and second harmonics are made of
  them alone.
* ``states``, in each branch: stop operators, which follow p and slip at a threshold r (the elements of a Prandtl-Ishlinskii
  model), and t - m with t = tanh p and m relaxing towards t in |dp|, as magnetisation does. They remember.
* ``envelopes``: the signal times the logarithm of its RMS, and of that of its treble, over 10 to 100 ms.

Static curves and states are made at twice the rate. The tape does not fold what it makes above half the sample rate back into the
audible band; without the higher rate the model would, and the folded products were most of its error on loud treble.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import bilinear, firwin

from modeling.cores.bends import CURVES, ENVELOPES, GAINS, STATES, TIMES_S
from modeling.cores.core import input_scale

BASS_HZ = 50.0
"""Where a cassette recorder begins to lift the bass: 3180 us (IEC 60094-1)."""

ODD = tuple(range(1 + len(GAINS)))
STATIC = 2 * CURVES
FORGETTING_S = 1.0
"""A stop operator would keep its offset for ever in silence."""
TREBLE_HZ = 2500.0

GROUPS = {
    "static": range(STATIC),
    "states": range(STATIC, STATIC + 2 * STATES),
    "envelopes": range(STATIC + 2 * STATES, STATIC + 2 * STATES + ENVELOPES),
}
ROWS = STATIC + 2 * STATES + ENVELOPES

RAISING = firwin(47, 0.5, window=("kaiser", 5.0))
HALVING = firwin(27, 0.5, window=("kaiser", 5.0))
DELAY = (RAISING.size // 2 + HALVING.size // 2) // 2
"""Of both half-band filters together, in samples at the lower rate."""


@dataclass(frozen=True)
class Emphasis:
    """What a record amplifier does before the tape bends the signal.

    Attributes
    ----------
    bass_floor_hz : float
        The bass is lifted below BASS_HZ down to this frequency; BASS_HZ itself means no lift.
    zero_hz, pole_hz : float
        The treble is lifted from the one to the other, in the emphasised copy alone.
    """

    bass_floor_hz: float
    zero_hz: float
    pole_hz: float


class Basis:
    """How the rows are made.

    Attributes
    ----------
    emphasis : Emphasis
    limits : tuple of float
        Largest level learnt from, of the signal and of its emphasised copy, on the scale of the curves.
    rows : ndarray of int
        Which rows to make, in rising order.
    """

    before_samples = 0
    """Input needed before the samples that are asked for: none, since the states begin at rest."""

    def __init__(
        self,
        sample_rate: int,
        reference_dbfs: float,
        emphasis: Emphasis,
        limits: tuple[float, float],
        rows: Sequence[int] = range(ROWS),
    ) -> None:
        self.sample_rate = sample_rate
        self.reference_dbfs = reference_dbfs
        self.emphasis = emphasis
        self.limits = limits
        self.rows = np.asarray(rows, dtype=int)
        self.factor = 2 if sample_rate < 80000 else 1
        self.scale = input_scale(reference_dbfs)
        w = 2.0 * np.pi
        self.bass = bilinear([1.0, w * BASS_HZ], [1.0, w * emphasis.bass_floor_hz], sample_rate)
        rate = self.factor * sample_rate
        # Above 0.45 of the rate the bilinear transform makes no shelf.
        zero, pole = (2.0 * rate * np.tan(np.pi * min(f / rate, 0.45)) for f in (emphasis.zero_hz, emphasis.pole_hz))
        self.treble = bilinear([1.0 / zero, 1.0], [1.0 / pole, 1.0], rate)
        self.forget = 1.0 - 1.0 / (FORGETTING_S * rate)
        self.high_pass = bilinear([1.0, 0.0], [1.0, w * TREBLE_HZ], sample_rate)
        self.pole = np.exp(-1.0 / (np.array(TIMES_S) * sample_rate))

    @property
    def after_samples(self) -> int:
        """Input needed after the samples that are asked for."""
        return DELAY if self.factor == 2 else 0

    def of_rows(self, rows: Sequence[int]) -> "Basis":
        """The same with other rows."""
        return Basis(self.sample_rate, self.reference_dbfs, self.emphasis, self.limits, rows)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Rows of a whole signal, shape ``(n + after,)`` to ``(rows, n)``."""
        from modeling.cores.basis_stream import BasisStream

        return BasisStream(self).push(x)[:, self.after_samples :]
