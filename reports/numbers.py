"""How a number is printed: decimals, minus sign, unit, and the parts that a table aligns at the decimal point."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

NARROW_SPACE = "\u202f"
MINUS = "\u2212"
_MAX_DECIMALS = 6
_MAX_SIGNIFICANT = 6

_Scale = tuple[float, str]
_SCALES: dict[str, tuple[_Scale, ...]] = {  # smallest magnitude for which the unit is used, in base units, first match wins
    "Hz": ((1e3, "kHz"), (1.0, "Hz")),
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")),
}


@dataclass(frozen=True)
class Number:
    """A printed number, split at the decimal point.

    Attributes
    ----------
    whole, fraction : str
        ``"−55"`` and ``".1"``; the fraction is empty for an integer.
    plus_minus : str
        95 % uncertainty with the same decimals, or empty.
    below : str
        In place of it, where it reaches beyond what is possible: the upper end alone, or empty.
    """

    whole: str
    fraction: str
    plus_minus: str = ""
    below: str = ""

    def __str__(self) -> str:
        tail = f"{NARROW_SPACE}±{NARROW_SPACE}{self.plus_minus}" if self.plus_minus else ""
        return self.whole + self.fraction + tail + (f" (below {self.below})" if self.below else "")


def unit_scale(unit: str, values: Iterable[float]) -> tuple[float, str]:
    """Factor and unit in which all the values read well together: Hz or kHz; s, ms or µs; other units stay."""
    scales = _SCALES.get(unit)
    largest = max((abs(v) for v in values), default=0.0)
    if not scales or largest == 0.0:
        return 1.0, unit
    for size, name in scales:
        if largest >= size:
            return 1.0 / size, name
    size, name = scales[-1]
    return 1.0 / size, name


def number(value: float, uncertainty: float | None = None, least: float | None = None) -> Number:
    """Print a value to the decimals that its uncertainty allows, or to three significant figures without one.

    Of a value that cannot be less than `least`, an uncertainty that reaches below it is printed as the upper end alone.

    The uncertainty keeps two figures when it begins with 1 or 2 and one otherwise, so that rounding never changes it by
    more than a quarter.
    """
    decimals = _decimals(value, uncertainty)
    whole, point, fraction = _fixed(value, decimals).partition(".")
    plus_minus = ""
    if uncertainty is not None and least is not None and value - uncertainty < least:
        return Number(whole, point + fraction, below=_fixed(value + uncertainty, decimals))
    if uncertainty is not None and uncertainty > 0:
        # Never "± 0.00": the rounding of the last decimal is then the larger uncertainty.
        plus_minus = f"{max(uncertainty, 10.0**-decimals):.{decimals}f}"
    return Number(whole, point + fraction, plus_minus)


def bare(value: float, uncertainty: float | None = None) -> Number:
    """Print a value to the decimals that an uncertainty allows, without printing the uncertainty."""
    printed = number(value, uncertainty)
    return Number(printed.whole, printed.fraction)


def in_words(value: float, unit: str, uncertainty: float | None = None) -> str:
    """Print a value and its unit for running text: the unit that reads best, at most three significant figures."""
    factor, name = unit_scale(unit, [value])
    scaled = value * factor
    decimals = 1 if scaled == 0 else 2 - math.floor(math.log10(abs(scaled)))
    if uncertainty:
        decimals = min(decimals, -math.floor(math.log10(uncertainty * factor)))
    return f"{_fixed(scaled, max(0, min(_MAX_DECIMALS, decimals)))}{NARROW_SPACE}{name}".rstrip()


def _fixed(value: float, decimals: int) -> str:
    """Fixed decimals with a true minus sign, and none before a zero."""
    text = f"{value:.{decimals}f}"
    return text.replace("-", MINUS if float(text) != 0.0 else "")


def _decimals(value: float, uncertainty: float | None) -> int:
    if uncertainty is not None and uncertainty > 0:
        exponent = math.floor(math.log10(uncertainty))
        if round(uncertainty / 10.0**exponent, 1) < 3.0:
            exponent -= 1
        wanted = -exponent
    elif value != 0:
        wanted = 2 - math.floor(math.log10(abs(value)))
    else:
        wanted = 1
    if value != 0:
        wanted = min(wanted, _MAX_SIGNIFICANT - 1 - math.floor(math.log10(abs(value))))
    return max(0, min(_MAX_DECIMALS, wanted))
