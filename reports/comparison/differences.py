"""What differs between two sessions, figure by figure, and whether it is more than doubt."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import t as student

from analysis.passes import FLUTTER, LEAST_SHARE
from reports.comparison.comparable import comparable, plain_key
from reports.pages import LIMIT
from reports.readings import Reading, pool
from reports.wording import condition_text, listing
from sessions.results import Condition, Conditions, Measurements

Verdict = Literal["changed", "same", "open"]
VERDICTS = {"changed": "changed", "same": "same within doubt", "open": "doubt not known"}
COVERAGE = 0.95
IN_NEITHER = "not had in either"
OF_THE_START = {
    "latency": "it says when the tape was started, and that is chance",
    "interface_latency": "it belongs to the interface, not to the deck",
}
MOVING = (*FLUTTER, "flutter_line")
_UP, _DOWN = 1.0 / math.sqrt(LEAST_SHARE) - 1.0, 1.0 - math.sqrt(0.5)
_TRACKS = ("track", "track_to", "from", "to")
_NAMES = {"level_db": "level", "frequency_hz": "frequency", "speed_cm_s": "speed", "dbx": "dbx position"}
_COUNTED = (*_NAMES, *_TRACKS, "re")


@dataclass(frozen=True)
class Difference:
    """One figure in two sessions.

    Attributes
    ----------
    conditions : mapping
        What both share.
    first, second : Reading
        The figure in A and in the other session, passes pooled.
    doubt : float or None
        95 % uncertainty of the difference; None where it is not known.
    """

    quantity: str
    unit: str
    conditions: Conditions
    first: Reading
    second: Reading
    doubt: float | None

    @property
    def difference(self) -> float:
        """The other's mean less that of A."""
        return self.second.mean - self.first.mean

    @property
    def verdict(self) -> Verdict:
        """Whether the difference is more than doubt."""
        if self.doubt is None:
            return "open"
        return "changed" if abs(self.difference) > self.doubt else "same"


@dataclass(frozen=True)
class NotCompared:
    """Figures of one quantity that have nothing to stand beside, and why."""

    quantity: str
    conditions: tuple[Conditions, ...]
    reason: str


@dataclass(frozen=True)
class Comparison:
    """Two sessions, figure by figure."""

    differences: tuple[Difference, ...]
    not_compared: tuple[NotCompared, ...]

    def find(self, quantity: str, **conditions: Condition) -> list[Difference]:
        """Differences of a quantity whose conditions contain those given."""
        return [
            d
            for d in self.differences
            if d.quantity == quantity and all(d.conditions.get(k) == v for k, v in conditions.items())
        ]

    def count(self, verdict: Verdict) -> int:
        """How many figures have this verdict."""
        return sum(d.verdict == verdict for d in self.differences)


def compare(
    first: Measurements, second: Measurements, names: tuple[str, str] = ("A", "B"), own_tape: bool = True
) -> Comparison:
    """Compare two sessions.

    Parameters
    ----------
    names : tuple of str
        What they are called in the reasons.
    own_tape : bool
        Whether the figures come from tapes that were started by hand, so that their latency says nothing.

    Returns
    -------
    Comparison
    """
    results = comparable(first, second)
    pooled = [{_key(r): r for r in pool(own)} for own in results]
    differences, lost = [], []
    for key, mine in pooled[0].items():
        other = pooled[1].get(key)
        if mine.quantity in OF_THE_START and own_tape and not mine.conditions.get("path"):
            if other is not None:
                lost.append((mine, OF_THE_START[mine.quantity]))
        elif other is None:
            lost.append((mine, _why_alone(mine, pooled[1].values(), names, 0)))
        elif mine.values and other.values:
            differences.append(
                Difference(
                    mine.quantity, mine.unit, dict(plain_key(mine.conditions)), mine, other, combined_doubt(mine, other)
                )
            )
        else:
            lost.append((mine, _why_not_had(mine, other, names)))
    for key, theirs in pooled[1].items():
        if key not in pooled[0] and not (theirs.quantity in OF_THE_START and own_tape):
            lost.append((theirs, _why_alone(theirs, pooled[0].values(), names, 1)))
    return Comparison(tuple(differences), tuple(_by_reason(lost)))


def combined_doubt(first: Reading, second: Reading) -> float | None:
    """95 % uncertainty of the difference of two means.

    The larger of two: the root of the sum of squares of the uncertainties stated (not divided by the number of passes, which share
    what the method gets wrong), and Student's interval from the spread over the passes of both, taken as equally wide. Where a
    figure of wow and flutter is that of one pass, how far that lies from what many would tell is added: see :func:`_of_one_pass`.

    References
    ----------
    JCGM 100:2008 (GUM), 5.1.2 and G.3: combination of uncertainties, Student's factor for few readings.
    """
    if first.unit == "1" and all(v.is_integer() for r in (first, second) for v in r.values):
        return 0.0  # a sign or a count
    stated = [r.uncertainty for r in (first, second)]
    known = math.hypot(*(u for u in stated if u is not None))
    freedom = sum(len(r.values) - 1 for r in (first, second))
    if freedom < 1:
        known = math.hypot(known, _of_one_pass(first, second), _of_one_pass(second, first))
        return None if None in stated else known
    squares = sum(float(np.sum((np.array(r.values) - r.mean) ** 2)) for r in (first, second))
    factor = float(student.ppf(0.5 + COVERAGE / 2.0, freedom))
    scatter = factor * math.sqrt(squares / freedom * sum(1.0 / len(r.values) for r in (first, second)))
    return max(scatter, known) or None


def _of_one_pass(reading: Reading, other: Reading) -> float:
    """How far what many passes would tell may lie from a single one, in the direction of the other figure.

    The flutter of recording and of playing adds with a phase that is another in every pass: a reading is at most the root of two
    times the RMS over passes, and may be next to nothing; then the share of the power is kept that single-pass figures have.
    """
    if reading.quantity not in MOVING or reading.passes > 1 or "path" in reading.conditions:
        return 0.0
    return reading.mean * (_UP if other.mean > reading.mean else _DOWN)


def _key(reading: Reading) -> tuple[object, ...]:
    return (reading.quantity, reading.unit, plain_key(reading.conditions))


def _why_not_had(mine: Reading, other: Reading, names: tuple[str, str]) -> str:
    """Which session could not measure it, in the words of its note."""
    notes = [(name, r.notes[0][1]) for name, r in zip(names, (mine, other), strict=True) if not r.values and r.notes]
    if len(notes) == 2:
        alike = [
            re.sub(rf":? ?{LIMIT} dB", "", note) for _, note in notes
        ]  # such as crosstalk, each with a limit of its own
        if alike[0] == alike[1]:
            return f"{IN_NEITHER}: {alike[0]}"
    return "; ".join(f"not had in {name}: {note}" for name, note in notes)


def _why_alone(reading: Reading, others: Iterable[Reading], names: tuple[str, str], own: int) -> str:
    """What keeps a figure without a partner: the condition that the other session has otherwise, or that it was not measured."""
    me, them = names[own], names[1 - own]
    path = reading.conditions.get("path")
    same = [r for r in others if r.quantity == reading.quantity and r.conditions.get("path") == path]
    if not same:
        return f"{them} does not hold it"
    if reading.quantity == "flutter_line":
        return f"only {me} has such a line"
    nearest = min(same, key=lambda r: len(_otherwise(reading, r)))
    keys = _otherwise(reading, nearest)
    if "re" in keys:
        return f"{them} does not hold it"
    parts = [f"{them} holds other tracks"] if set(keys) & set(_TRACKS) else []
    for key in (k for k in keys if k not in _TRACKS):
        theirs = sorted({r.conditions[key] for r in same if key in r.conditions}, key=lambda v: (isinstance(v, str), v))
        words = [condition_text(key, v) for v in theirs]
        told = listing(words) if len(words) < 4 else f"{words[0]} to {words[-1]}"
        parts.append(f"{them} has {told} only" if told else f"{them} states no {_NAMES.get(key, key)}")
    return "; ".join(parts) or f"{them} does not hold it"


def _otherwise(one: Reading, other: Reading) -> list[str]:
    keys = [k for k in _COUNTED if k in one.conditions or k in other.conditions]
    return [k for k in keys if one.conditions.get(k) != other.conditions.get(k)]


def _by_reason(lost: Sequence[tuple[Reading, str]]) -> list[NotCompared]:
    groups: dict[tuple[str, str], list[Conditions]] = {}
    for reading, reason in lost:
        groups.setdefault((reading.quantity, reason), []).append(dict(plain_key(reading.conditions)))
    return [NotCompared(quantity, tuple(where), reason) for (quantity, reason), where in groups.items()]
