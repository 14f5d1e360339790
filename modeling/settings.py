"""Settings of a model: the conditions in which the sessions, or takes, that it learnt from were made differently.

Speed and recording level are continuous, and between two settings there are others; the position of the dbx switch and the tape are
named, and between them there is nothing.
"""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from sessions.results import Condition
from signals.errors import ModelError

Setting = Mapping[str, Condition]

CONTINUOUS = ("speed_cm_s", "level_db")
"""Tape speed, and the recording level: dB re 0 VU that a sine at the first session's reference level reached in a session."""
NAMED = ("dbx", "tape")
NAMES = (*CONTINUOUS, *NAMED)
ALIKE = 1e-6
UNNAMED = "unnamed"
"""Tape of a session that does not say which it was."""


def checked_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of conditions.

    Raises
    ------
    ModelError
        There is no such condition.
    """
    for name in names:
        if name not in NAMES:
            raise ModelError(f"'{name}' is no condition; name some of {', '.join(NAMES)}")
    return tuple(name for name in NAMES if name in names)


def read_setting(text: str) -> dict[str, Condition]:
    """A setting from words such as ``speed_cm_s=4.8,dbx=on``.

    Raises
    ------
    ModelError
        Something of it is no condition with a value.
    """
    setting: dict[str, Condition] = {}
    for part in text.split(","):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if not value:
            raise ModelError(f"'{part}' gives no value; write a condition, = and a value, such as speed_cm_s=4.8")
        checked_names([name])
        if name in setting:
            raise ModelError(f"{name} is given twice in '{text}'; give it once")
        setting[name] = _number(name, value) if name in CONTINUOUS else value
    return setting


def _number(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not np.isfinite(number) or (name == "speed_cm_s" and number <= 0.0):
        raise ModelError(f"{name} '{value}' cannot be; give a number" + (" above 0" if name == "speed_cm_s" else ""))
    return number


def differing(conditions: Sequence[Setting]) -> tuple[str, ...]:
    """Names of the conditions that are not the same in all."""
    return tuple(name for name in NAMES if len({each.get(name) for each in conditions}) > 1)


def in_words(setting: Setting) -> str:
    """A setting as it can be asked for, but for the quotes that spaces want."""
    return ",".join(
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in setting.items()
    )


def coordinate(name: str, value: Condition) -> float:
    """Place of a value on the axis along which kernels and weights are interpolated.

    What a tape loses follows the wavelength, and that the logarithm of the speed moves along the frequencies.
    """
    return float(np.log(float(value))) if name == "speed_cm_s" else float(value)


def place(settings: Sequence[Setting], wanted: Setting) -> dict[int, float]:
    """Where a setting lies among those learnt: the share of each of the settings about it, by number; one of 1 where it is one.

    Parameters
    ----------
    settings : sequence of Setting
        All of the same conditions.
    wanted : Setting
        What it leaves out is as in the first setting that has the rest.

    Raises
    ------
    ModelError
        Another condition, a name that was not learnt, or a value outside of, or between, what was learnt.
    """
    there = "; ".join(map(in_words, settings))
    for name in wanted:
        if name not in settings[0]:
            raise ModelError(f"{name} is no condition of this model, which learnt {there}; choose among these")
    named = [n for n, setting in enumerate(settings) if all(setting[k] == wanted[k] for k in wanted if k in NAMED)]
    if not named:
        raise ModelError(f"this model has no setting {in_words(wanted)}; it learnt {there}")
    exact = [n for n in named if all(_close(settings[n][k], wanted[k]) for k in wanted)]
    full = {**settings[(exact or named)[0]], **wanted}
    around = [n for n in named if all(settings[n][k] == full[k] for k in NAMED if k in full)]
    sides = [_sides(name, full[name], [settings[n][name] for n in around]) for name in CONTINUOUS if name in full]
    found: dict[int, float] = {}
    for corner in product(*sides):
        share = float(np.prod([part for _, part in corner]))
        values = dict(zip((name for name in CONTINUOUS if name in full), (value for value, _ in corner), strict=True))
        at = next((n for n in around if all(_close(settings[n][k], value) for k, value in values.items())), None)
        if at is None:
            raise ModelError(f"around {in_words(full)} this model has no setting {in_words(values)}; it learnt {there}")
        found[at] = share
    return found


def _sides(name: str, value: Condition, learnt: Sequence[Condition]) -> list[tuple[float, float]]:
    """Values on both sides of one, each with its share; only one where that is learnt."""
    own, known = float(value), sorted(float(each) for each in learnt)
    if not known[0] - ALIKE <= own <= known[-1] + ALIKE:
        limits = f"{known[0]:g} to {known[-1]:g}" if known[-1] > known[0] else f"{known[0]:g}"
        raise ModelError(f"{name} {own:g} is outside what this model learnt, {limits}; choose a value inside")
    near = [each for each in known if _close(each, own)]
    if near:
        return [(near[0], 1.0)]
    low, high = max(each for each in known if each < own), min(each for each in known if each > own)
    at, first, last = (coordinate(name, each) for each in (own, low, high))
    share = (at - first) / (last - first)
    return [(low, 1.0 - share), (high, share)]


def _close(one: Condition, other: Condition) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    return abs(float(one) - float(other)) <= ALIKE
