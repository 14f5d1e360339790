"""What a healthy deck should read, where a source says so, and how sure that source is.

Only statements that were read in a source, agree between sources, or are stated second-hand with their origin stand here.
Where nothing of the kind is known of a deck, nothing is expected of it.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sessions.results import Condition, Conditions

Confidence = Literal["V", "X", "S"]
Verdict = Literal["within", "outside", "undecided"]

CONFIDENCE: Mapping[Confidence, str] = {
    "V": "read in the source",
    "X": "independent sources agree",
    "S": "second-hand: stated elsewhere with this origin, the original was not read",
}


@dataclass(frozen=True)
class Range:
    """A closed range in the unit of the quantity; None is open."""

    low: float | None = None
    high: float | None = None

    def holds(self, low: float, high: float) -> bool:
        """Whether the whole interval lies inside."""
        return (self.low is None or low >= self.low) and (self.high is None or high <= self.high)

    def misses(self, low: float, high: float) -> bool:
        """Whether the whole interval lies outside."""
        return (self.low is not None and high < self.low) or (self.high is not None and low > self.high)


@dataclass(frozen=True)
class Expected:
    """What is expected of one quantity.

    Attributes
    ----------
    text : str
        The range as printed.
    within : Range or None
        Readings in it are as expected. None: the figure is typical of the class of machine and judges nothing.
    outside : Range or None
        Readings beyond it are not as expected; those between the two ranges decide nothing. None: the same as `within`.
    """

    quantity: str
    unit: str
    text: str
    source: str
    confidence: Confidence
    within: Range | None = None
    outside: Range | None = None
    conditions: Mapping[str, Condition] = field(default_factory=dict)


_MAKER_424 = (
    "Tascam 424 specifications at homerecording.com/tas424specs.html, as quoted by a public data set; which mark of the 424"
    " is not stated"
)
_TWO_PASSES = (
    ". It is the figure of one pass: a tape recorded and played on one deck adds the flutter of both passes and reads"
    " anywhere up to twice that, so only a reading beyond twice the figure is outside"
)
_TASCAM_122 = "Tascam 122 service manual p. 45: a two-speed cassette deck of the same maker, not this one"
_TDK_SA = (
    "TDK SA data sheet as quoted in a public cassette simulator: {} of Type II tape alone, re 250 nWb/m on a 0.6 mm"
    " track; how 0 VU of this deck relates to that is not known"
)
_BASF = (
    "BASF limit of quality control as quoted in a public cassette simulator, per minute of tape; which depth and length count"
    " there is not stated"
)
_MAKER_414 = "Tascam 414 MkII owner's manual p. 32: the maker's claim for dbx II in a sibling of this deck"

PORTASTUDIO_424_MKII: Sequence[Expected] = (
    Expected(
        "wow_flutter_weighted_rms", "%", "≤ 0.05", _MAKER_424 + _TWO_PASSES, "S",
        Range(high=0.05), Range(high=0.10), {"speed_cm_s": 9.5},
    ),
    Expected(
        "wow_flutter_weighted_rms", "%", "≤ 0.06", _MAKER_424 + _TWO_PASSES, "S",
        Range(high=0.06), Range(high=0.12), {"speed_cm_s": 4.8},
    ),
    Expected(
        "wow_flutter_weighted_2sigma", "%", "typically 0.055", _TASCAM_122 + "; weighted peak, one pass", "V",
        conditions={"speed_cm_s": 9.5},
    ),
    Expected(
        "wow_flutter_weighted_2sigma", "%", "typically 0.085", _TASCAM_122 + "; weighted peak, one pass", "V",
        conditions={"speed_cm_s": 4.8},
    ),
    Expected("speed_error", "%", "typically ±0.5", _TASCAM_122 + "; against a foreign test tape", "V"),
    Expected(
        "bandwidth_high", "Hz", "≥ 10 kHz", _MAKER_424 + "; 10 to 16 kHz, typically 14 kHz", "S",
        Range(low=10_000.0), conditions={"speed_cm_s": 9.5},
    ),
    Expected(
        "noise_a", "dB", "tape alone −60.5", _TDK_SA.format("bias noise"), "S",
        conditions={"speed_cm_s": 4.8, "dbx": "off"},
    ),
    Expected(
        "mol_315", "dB", "tape alone 5.0", _TDK_SA.format("maximum output level"), "S",
        conditions={"speed_cm_s": 4.8, "dbx": "off"},
    ),
    Expected(
        "sol_10k", "dB", "tape alone −6.5", _TDK_SA.format("saturated output level"), "S",
        conditions={"speed_cm_s": 4.8, "dbx": "off"},
    ),
    Expected(
        "wow_flutter_unweighted_rms", "%", "typically 0.07", _TASCAM_122 + "; unweighted RMS, one pass", "V",
        conditions={"speed_cm_s": 9.5},
    ),
    Expected(
        "wow_flutter_unweighted_rms", "%", "typically 0.11", _TASCAM_122 + "; unweighted RMS, one pass", "V",
        conditions={"speed_cm_s": 4.8},
    ),
    Expected("dropouts_per_minute", "1/min", "tape alone < 7", _BASF, "S"),
    Expected("dbx_noise_reduction", "dB", "a little over 30", _MAKER_414, "V"),
    Expected(
        "crosstalk", "dB", "≤ −55", "424 MkII data sheet as quoted in a public tape simulator, at 1 kHz", "S",
        Range(high=-55.0), conditions={"frequency_hz": 1000},
    ),
)  # fmt: skip


def expectations(deck: str) -> Sequence[Expected]:
    """What is known of a deck by this name; empty for one of which nothing is. The virtual deck stands for the 424 MkII."""
    name = re.sub(r"[\s_-]+", "", deck.lower())
    return PORTASTUDIO_424_MKII if re.search(r"424(mkii|mk2)(?!i)|^virtual", name) else ()


def find(known: Sequence[Expected], quantity: str, unit: str, conditions: Conditions) -> Expected | None:
    """The expectation that fits a reading, or None. Every condition of the expectation must be met."""
    for expected in known:
        if (expected.quantity, expected.unit) == (quantity, unit) and _meets(conditions, expected.conditions):
            return expected
    return None


def judge(expected: Expected, value: float, uncertainty: float | None = None) -> Verdict | None:
    """Say where a reading lies, its 95 % uncertainty included; None where the expectation judges nothing."""
    if expected.within is None:
        return None
    low, high = value - (uncertainty or 0.0), value + (uncertainty or 0.0)
    if expected.within.holds(low, high):
        return "within"
    return "outside" if (expected.outside or expected.within).misses(low, high) else "undecided"


def _meets(conditions: Conditions, wanted: Conditions) -> bool:
    return all(key in conditions and _equal(conditions[key], value) for key, value in wanted.items())


def _equal(found: Condition, wanted: Condition) -> bool:
    if isinstance(found, str) or isinstance(wanted, str):
        return found == wanted
    return math.isclose(found, wanted, rel_tol=0.02)  # 4.76 and 4.8 cm/s are one speed, so are 9.5 and 9.53
