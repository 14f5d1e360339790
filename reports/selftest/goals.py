"""How good is good enough: the error that 95 % of all readings stay below, by quantity, range and case."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.selftest.joining import Pair, Unmet
from sessions.results import Conditions

COVERAGE = (0.90, 0.99)
"""Part of all readings in which the truth lies within the stated 95 % uncertainty, as it should be."""

QUIET, LOOP = "quiet", "loop"


@dataclass(frozen=True)
class Goal:
    """What a quantity is held to, in a range of conditions.

    Attributes
    ----------
    limit : float or None
        Largest error in the unit of the quantity.
    percent : float or None
        Largest error in % of the true value. Where both are given, the larger one counts.
    case : str or None
        The one case that it holds in; it then stands in place of the goal that holds in all.
    least : float or None
        It holds from this true value upwards.
    of_reference : bool
        Whether `least` counts re the reference tone: it is so much higher as the tone was sent lower. Hiss does not fall with
        the tone, so what a harmonic of a soft tone can be told by is bounded by its length and not by any estimator.
    floor : float or None
        Below this true value nothing is compared: it drowns in what the virtual deck's own arithmetic adds.
    x : tuple of float or None
        It holds between these places on a curve.
    """

    quantity: str
    limit: float | None = None
    percent: float | None = None
    case: str | None = None
    least: float | None = None
    of_reference: bool = False
    floor: float | None = None
    x: tuple[float, float] | None = None

    @property
    def relative(self) -> bool:
        """Whether errors are in % of the true value."""
        return self.limit is None

    def allowed(self, true: np.ndarray) -> np.ndarray:
        """Largest error in the unit of the quantity, for every true value."""
        return np.maximum(self.limit or 0.0, (self.percent or 0.0) / 100.0 * np.abs(true))

    def holds(self, pair: Pair) -> np.ndarray:
        """At which points of a pair it holds."""
        inside = np.ones(pair.true.size, dtype=bool)
        if self.least is not None:
            inside &= pair.true >= self._least(pair.unit, pair.conditions)
        if self.x is not None:
            inside &= (pair.x >= self.x[0]) & (pair.x <= self.x[1])
        return inside

    def counts(self, pair: Pair) -> np.ndarray:
        """Which points of a pair can be compared at all."""
        return np.ones(pair.true.size, dtype=bool) if self.floor is None else pair.true >= self.floor

    def wants(self, unmet: Unmet) -> bool:
        """Whether a figure that was not had is in its range."""
        return self.least is None or unmet.true is None or unmet.true >= self._least(unmet.unit, unmet.conditions)

    def _least(self, unit: str, conditions: Conditions) -> float:
        assert self.least is not None
        below_db = -min(0.0, float(conditions.get("level_db", 0.0))) if self.of_reference else 0.0
        return self.least + below_db if unit == "dB" else self.least * 10.0 ** (below_db / 20.0)


HARMONICS = tuple(f"harmonic_{order}" for order in range(2, 6))
BAND_HZ = (30.0, 16_000.0)
THREE_PERCENT_DB = 20.0 * float(np.log10(1.03))

GOALS: Sequence[Goal] = (
    Goal("latency", 2e-6),
    Goal("speed_error", 0.001),
    Goal("wow_flutter_weighted_2sigma", 0.0005, 2.0),
    Goal("wow_flutter_weighted_2sigma", 0.0003, case=QUIET),
    Goal("wow_flutter_weighted_2sigma", 0.0003, case=LOOP),
    Goal("wow_flutter_weighted_rms", 0.0005, 2.0),
    Goal("wow_flutter_weighted_rms", 0.0003, case=QUIET),
    Goal("wow_flutter_weighted_rms", 0.0003, case=LOOP),
    Goal("frequency_response", 0.2, x=BAND_HZ),
    Goal("frequency_response", 0.05, case=QUIET, x=BAND_HZ),
    Goal("frequency_response", 0.05, case=LOOP, x=BAND_HZ),
    Goal("thd", percent=3.0, least=0.1, of_reference=True),
    *(Goal(harmonic, THREE_PERCENT_DB, least=-60.0, of_reference=True, floor=-80.0) for harmonic in HARMONICS),
    Goal("noise_a", 0.1),
    Goal("snr_a", 0.1),
    Goal("noise_itu468", 0.2),
    Goal("mol_315", 0.2),
    Goal("sol_10k", 0.2),
    Goal("crosstalk", 0.5, least=-70.0),
    Goal("azimuth_delay", 0.2e-6),
    Goal("dbx_encode_ratio", percent=1.0),
    Goal("dbx_decode_ratio", percent=1.0),
    Goal("dbx_unity_level", 0.2),
    Goal("dbx_time_constant", percent=5.0),
)


def goal_of(quantity: str, case: str) -> Goal | None:
    """The goal of a quantity in a case, or None."""
    held = [goal for goal in GOALS if goal.quantity == quantity and goal.case in (None, case)]
    return max(held, key=lambda goal: goal.case is not None, default=None)
