"""Errors between a target and its estimate, for training and for evaluation alike.

They are plain arithmetic, so that numpy arrays and torch tensors go through the same lines. Time is the last axis. Sums run
over all that is given, so that loud passages count as they are heard: the error of a corpus is the ratio of two sums, never
a mean of ratios.
"""

import math
from collections.abc import Mapping
from typing import Any

from signals.errors import ModelError

EPSILON = 1e-10
EMPHASIS = 0.95

WEIGHTS = {"esr": 1.0, "emphasised": 1.0, "dc": 0.1, "l1": 0.0, "stft": 0.0, "log_spectral": 0.0, "adversarial": 0.0}
"""What networks are trained on: the weight of each error by name; those of zero are there for the asking."""

Signal = Any
"""A numpy array or a torch tensor."""


def squared_error(target: Signal, estimate: Signal) -> Signal:
    """Sum of the squared error."""
    return ((target - estimate) ** 2).sum()


def esr(target: Signal, estimate: Signal) -> Signal:
    """Error-to-signal ratio: sum of the squared error over the sum of the squared target.

    References
    ----------
    A. Wright, V. Valimaki, "Perceptual loss function for neural modelling of audio systems", ICASSP 2020, eq. (5).
    """
    return squared_error(target, estimate) / ((target**2).sum() + EPSILON)


def emphasised(signal: Signal) -> Signal:
    """First-order pre-emphasis ``1 - 0.95 z^-1``, one sample shorter; brings the treble up to the weight it has for the ear.

    References
    ----------
    A. Wright, V. Valimaki, ICASSP 2020, eq. (7).
    """
    return signal[..., 1:] - EMPHASIS * signal[..., :-1]


def dc(target: Signal, estimate: Signal) -> Signal:
    """Squared mean of the error over the mean square of the target.

    References
    ----------
    A. Wright, V. Valimaki, ICASSP 2020, eq. (6).
    """
    return (target - estimate).mean() ** 2 / ((target**2).mean() + EPSILON)


def l1(target: Signal, estimate: Signal) -> Signal:
    """Sum of the absolute error over the sum of the absolute target."""
    return abs(target - estimate).sum() / (abs(target).sum() + EPSILON)


def read_weights(text: str) -> dict[str, float]:
    """Weights from a text such as ``esr=1,stft=0.1``; errors that are not named have none.

    Raises
    ------
    ModelError
        An error is unknown, or the weights are no numbers from 0 with one above it.
    """
    weights = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        try:
            weights[name] = float(value) if name in WEIGHTS else math.nan
        except ValueError:
            raise ModelError(f"'{part}' gives no weight; write {name}= and a number from 0") from None
    return checked_weights(weights)


def checked_weights(weights: Mapping[str, float]) -> dict[str, float]:
    """The same weights, if they can be.

    Raises
    ------
    ModelError
        As :func:`read_weights`.
    """
    for name in weights:
        if name not in WEIGHTS:
            raise ModelError(
                f"there is no error '{name}' to train on; name some of {', '.join(WEIGHTS)}, as in esr=1,stft=0.1"
            )
    if not (all(0.0 <= weight < math.inf for weight in weights.values()) and any(weights.values())):
        told = ",".join(f"{name}={weight:g}" for name, weight in weights.items())
        raise ModelError(f"the weights of {told} cannot be; give numbers from 0, one of them above it")
    return dict(weights)
